"""What members do at the edges: tables read beyond their points, stocks beyond the limits that the model states.

A variant of the model computes these inputs as quantities of their own. It knows Lowered models and numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sdpolicy.backends.base import FloatArray
from sdpolicy.backends.llvm.engine import CompiledKernel
from sdpolicy.expression import Axis, Lookup, Node, Reduce, children, moving
from sdpolicy.integrators import Grid
from sdpolicy.lower import Lowered
from sdpolicy.program import Dimension, Equation, Quantity, Table

MEMBERS: Final = 128
"""Members that are run at a time: every step of their watched quantities is held in memory."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What is watched: the input of table ``name`` in the equation of ``reader``, or the stock ``name`` itself."""

    kind: Literal["table", "stock"]
    name: str
    reader: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Edges:
    """What was seen, for each member (rows) and edge (columns), over all steps and elements.

    ``below`` and ``above`` count the values beyond the limits, ``least`` and ``greatest`` are the extremes.
    Inputs of tables count whether or not the IF that surrounds them takes that side.
    """

    watched: tuple[Edge, ...]
    below: NDArray[np.int64]
    above: NDArray[np.int64]
    least: FloatArray
    greatest: FloatArray


def watch(lowered: Lowered, parameters: FloatArray, grid: Grid, method: str, threads: int | None = None) -> Edges:
    """Run members and report what went beyond tables' points and stocks' limits.

    Args:
        parameters: shape (members, P).
    """
    model, watched, columns = instrumented(lowered)
    kernel = CompiledKernel(model)
    fine = Grid(grid.start, grid.step, grid.steps)
    places = tuple(_places(model, columns))
    blocks = []
    for first in range(0, len(parameters), MEMBERS):
        rows = parameters[first : first + MEMBERS]
        found = kernel.run_many(rows, fine, method, columns, threads=threads).values
        seen = [_seen(found[:, :, place], edge) for edge, place in zip(watched, places, strict=True)]
        blocks.append(np.array(seen, dtype=np.float64).reshape(len(watched), 4, len(rows)))
    below, above, least, greatest = np.concatenate(blocks, axis=2).transpose(1, 2, 0)
    return Edges(watched, below.astype(np.int64), above.astype(np.int64), least, greatest)


def _seen(values: FloatArray, edge: Edge) -> tuple[NDArray[Any], ...]:
    """Count and take extremes over steps and elements; what is not finite (after trouble) does not count."""
    finite = np.isfinite(values)
    low = np.where(finite, values, math.inf)
    high = np.where(finite, values, -math.inf)
    below, above = (low < edge.low).sum(axis=(1, 2)), (high > edge.high).sum(axis=(1, 2))
    return below, above, low.min(axis=(1, 2)), high.max(axis=(1, 2))


def _places(model: Lowered, names: Sequence[str]) -> Iterator[slice]:
    start = 0
    for name in names:
        size = model.by_id[name].size
        yield slice(start, start + size)
        start += size


def instrumented(lowered: Lowered) -> tuple[Lowered, tuple[Edge, ...], tuple[str, ...]]:
    """Return the model with the inputs of its tables as quantities, the edges, and the quantity of each edge."""
    equations: list[Equation] = []
    hidden: list[Quantity] = []
    edges: list[Edge] = []
    for equation in lowered.running:
        for lookup, axes in _lookups(equation.body, equation.axes):
            name = f"watched_{len(hidden)}__"
            dimensions = tuple(Dimension(axis.id, tuple(map(str, range(axis.size)))) for axis in axes)
            index = tuple(moving(axis) for axis in axes)
            hidden.append(Quantity(name, name, "auxiliary", dimensions=dimensions))
            equations.append(Equation(name, lookup.x, axes, index))
            low, high = _range(lowered.table_by_id[lookup.table])
            edges.append(Edge("table", lookup.table, equation.target, low, high))
    columns = [quantity.id for quantity in hidden]
    for quantity in lowered.program.quantities:
        if quantity.kind == "stock" and (quantity.low is not None or quantity.high is not None):
            low = -math.inf if quantity.low is None else quantity.low
            high = math.inf if quantity.high is None else quantity.high
            edges.append(Edge("stock", quantity.id, quantity.id, low, high))
            columns.append(quantity.id)
    changed = replace(lowered, hidden=(*lowered.hidden, *hidden), running=(*lowered.running, *equations))
    return changed, tuple(edges), tuple(columns)


def _lookups(node: Node, axes: tuple[Axis, ...]) -> Iterator[tuple[Lookup, tuple[Axis, ...]]]:
    """Yield the tables read by interpolation in ``node``, with the loops around each."""
    if isinstance(node, Lookup) and node.mode == "linear":
        yield node, axes
    inner = (*axes, *node.axes) if isinstance(node, Reduce) else axes
    for child in children(node):
        yield from _lookups(child, inner)


def _range(table: Table) -> tuple[float, float]:
    """Return the x between which every curve of more than one point has points."""
    spans = [(xs[0], xs[-1]) for xs, _ in table.curves if len(xs) > 1] or [(-math.inf, math.inf)]
    return max(low for low, _ in spans), min(high for _, high in spans)
