"""One Euler run with everything that varies in it, hidden levels too, at every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sdpolicy.backends import llvm
from sdpolicy.backends.base import layout
from sdpolicy.dominance.arithmetic import Column, Curves, FloatArray, evaluate
from sdpolicy.dominance.graph import Graph, build, keys, unfold
from sdpolicy.errors import Problem, SimulationError
from sdpolicy.expression import STEP_TIME, TIME
from sdpolicy.integrators import Grid
from sdpolicy.lower import lower
from sdpolicy.primitives import Curve
from sdpolicy.scenario import Case


@dataclass(frozen=True)
class History:
    """What happened in one run: for each key of the graph its value at every step, of shape (times,)."""

    graph: Graph
    time: FloatArray
    values: Mapping[str, Column]
    curves: Curves


def record(case: Case, step: float | None = None) -> History:
    """Run ``case`` with Euler's method and keep all values at every step.

    Euler, because a link then acts from one step to the next and nowhere in between: the scores of a step add
    up to what the step did. States come from the compiled engine, all else is computed from them here.

    Args:
        step: the time step, by default the case's.

    Raises:
        SimulationError: when a value is not finite.
    """
    lowered = lower(case.program)
    shown = unfold(lowered)
    grid = every_step(case.grid, step)
    outputs = [quantity.id for quantity in shown.program.quantities]
    shown_values = llvm.ENGINE.compile(shown).run(np.array(lowered.defaults), grid, "euler", outputs)
    if shown_values.trouble is not None:
        trouble = shown_values.trouble
        where = f"{case.scenario.name if case.scenario else case.program.name}, '{trouble.quantity}'"
        what = f"the value is not finite at time {trouble.time:g} with Euler's method and a step of {grid.step:g}"
        raise SimulationError(Problem(where, what, "Loop scores need an Euler run: try a smaller step."))
    time = np.array([grid.time(n) for n in range(grid.saved)])
    return history(build(lowered), shown_values.values, time)


def history(graph: Graph, rows: FloatArray, time: FloatArray) -> History:
    """Return the history that an engine's rows hold, of shape (times, columns of all quantities, hidden ones last).

    What is computed from states is computed again here, so that a link that changes nothing changes nothing.
    """
    lowered = graph.lowered
    curves = {
        f"{table.id}[{n}]": Curve.of(*curve) for table in lowered.program.tables for n, curve in enumerate(table.curves)
    }
    quantities = (*lowered.program.quantities, *lowered.hidden)
    places = layout(quantities)
    values: dict[str, Column] = {}
    for quantity in quantities:
        block = rows[:, places[quantity.id]]
        listed = keys(quantity.id, quantity.size, bool(quantity.shape))
        values |= {key: np.ascontiguousarray(block[:, n]) for n, key in enumerate(listed)}
    values |= {TIME: time, STEP_TIME: time}
    with np.errstate(all="ignore"):
        for key, body in graph.bodies.items():
            values[key] = np.broadcast_to(np.asarray(evaluate(body, values, curves), dtype=np.float64), time.shape)
    return History(graph, time, values, curves)


def every_step(grid: Grid, step: float | None) -> Grid:
    if step is None or step == grid.step:
        return replace(grid, every=1)
    return Grid(grid.start, step, round((grid.time(grid.steps) - grid.start) / step))
