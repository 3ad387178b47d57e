"""Variable-step methods, by scipy's solve_ivp, on the functions of the readable engine.

A run is cut into pieces at the times where the model's right-hand side has a jump or a kink that is known
beforehand: held switches that change, points of tables that are read at time, ends of ramps. Within a
piece the solver chooses its own steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from sdpolicy.backends.base import FloatArray, Trajectory, Trouble
from sdpolicy.backends.python import PythonKernel, Rings, lengths
from sdpolicy.expand import constant_values
from sdpolicy.expression import TIME, Apply, Lookup, Node, Ref, references, walk
from sdpolicy.integrators import ADAPTIVE, Grid
from sdpolicy.interpret import evaluate
from sdpolicy.lower import Lowered

RELATIVE_TOLERANCE: Final = 1e-10
ABSOLUTE_TOLERANCE: Final = 1e-12
"""Times the larger of 1 and the size of the state at the start of a piece."""


@dataclass(slots=True)
class _Run:
    """What a run carries from piece to piece."""

    constants: tuple[Any, ...]
    initials: tuple[Any, ...]
    state: FloatArray
    memory: list[float]
    rings: Rings
    held: tuple[Any, ...] = ()
    step_time: float = math.nan


class AdaptiveKernel(PythonKernel):
    """The readable engine with scipy's solvers in place of a fixed step."""

    def run(self, parameters: FloatArray, grid: Grid, method: str, outputs: Sequence[str]) -> Trajectory:
        """Run once; ``method`` is a key of ``integrators.ADAPTIVE``.

        Delay lines and sampled values (DELAY FIXED, SAMPLE IF TRUE) move on at the steps of the grid, as
        under a fixed step, and the solver stops at each of them.
        """
        columns = [i for name in outputs for i in range(self.places[name].start, self.places[name].stop)]
        values = np.full((grid.saved, len(columns)), math.nan)
        constants = self.constants([float(x) for x in parameters])
        y, memory, delays, initials = self.startup(constants, grid.start)
        run = _Run(constants, initials, np.array(y), memory, Rings(lengths(delays, grid.step), delays))
        stops = {grid.time(n): n for n in self._stops(run, grid)}
        saved = [grid.time(n) for n in range(0, grid.steps + 1, grid.every)]
        breaks = sorted({*stops, *_kinks(self.lowered, grid)})
        for a, b in [*pairwise(breaks), (breaks[-1], math.inf)]:
            if a in stops:
                run.step_time = a
                run.held = self.held(constants, initials, run.memory, a)
            wanted = [t for t in saved if a <= t < b]
            for time, state in self._piece(run, (a, b), wanted, method):
                row = self._row(run, time, state)[0]
                trouble = self.trouble(row, time)
                if trouble is not None:
                    return Trajectory(values, trouble)
                values[saved.index(time)] = [row[i] for i in columns]
            if not np.isfinite(run.state).all():
                return Trajectory(values, Trouble(self.lowered.states[0].target, 0, a))
        return Trajectory(values)

    def _row(self, run: _Run, time: float, state: Sequence[float]) -> tuple[list[float], ...]:
        memory, rings = run.memory, run.rings.out
        return self.running(run.constants, run.initials, run.held, state, memory, rings, time, run.step_time)

    def _piece(
        self, run: _Run, span: tuple[float, float], wanted: Sequence[float], method: str
    ) -> Iterator[tuple[float, list[float]]]:
        """Yield the states at the ``wanted`` times of one piece, and move ``run`` to its end."""
        from scipy.integrate import solve_ivp

        a, b = span
        if a in wanted:
            yield a, run.state.tolist()
        if b == math.inf:
            return
        update, inputs = self._row(run, a, run.state.tolist())[2:]
        times = [*(t for t in wanted if t > a), b]
        with np.errstate(all="ignore"):
            solved = solve_ivp(
                lambda t, y: self._row(run, float(t), y.tolist())[1],
                span,
                run.state,
                method=ADAPTIVE[method],
                t_eval=times,
                rtol=RELATIVE_TOLERANCE,
                atol=ABSOLUTE_TOLERANCE * np.maximum(1.0, np.abs(run.state)),
            )
        if not solved.success:
            run.state = np.full_like(run.state, math.nan)
            return
        for time, state in zip(times[:-1], solved.y.T, strict=False):
            yield time, state.tolist()
        run.state = solved.y[:, -1].copy()
        run.memory = update
        run.rings.push(inputs)

    def _stops(self, run: _Run, grid: Grid) -> list[int]:
        """Return the steps at which the solver has to stop: the ends, and where a held switch changes."""
        if run.memory or run.rings.out:
            return list(range(grid.steps + 1))
        before, found = None, []
        for n in range(grid.steps + 1):
            held = self.held(run.constants, run.initials, run.memory, grid.time(n))
            if held != before or n == grid.steps:
                found.append(n)
            before = held
        return found


def _kinks(lowered: Lowered, grid: Grid) -> set[float]:
    """Return the times at which a table read at time, or a ramp with constant ends, has a corner."""
    program = lowered.program
    fixed = frozenset(lowered.parameters) | {equation.target for equation in lowered.constants}
    values = constant_values(program, fixed)
    found: set[float] = set()
    bodies: list[Node] = [equation.body for equation in program.equations]
    for body in [*bodies, *(stock.flow for stock in program.stocks)]:
        for part in walk(body):
            if isinstance(part, Lookup) and part.x == Ref(TIME):
                found.update(x for curve in program.table_by_id[part.table].curves for x in curve[0])
            elif isinstance(part, Apply) and part.op == "ramp":
                ends = [end for end in part.args[1:] if references(end) <= fixed]
                found.update(evaluate(end, values, program) for end in ends)
    return {time for time in found if grid.start < time < grid.time(grid.steps)}


class AdaptiveEngine:
    """Makes kernels for the methods of ``integrators.ADAPTIVE``."""

    name: Final = "scipy"

    def compile(self, lowered: Lowered) -> AdaptiveKernel:
        return AdaptiveKernel(lowered)


ENGINE: Final = AdaptiveEngine()
