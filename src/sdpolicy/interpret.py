"""Evaluate an expression by walking it: for constants, for tests, and as the judge of the generated code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Protocol

from sdpolicy.expression import Apply, Axis, Index, Lookup, Node, Num, Reduce, Ref
from sdpolicy.primitives import PRIMITIVES, Curve, combine, lookup
from sdpolicy.program import Quantity, Table


class Names(Protocol):
    """Where shapes and tables are found: a Program or a Lowered model."""

    @property
    def by_id(self) -> Mapping[str, Quantity]: ...

    @property
    def table_by_id(self) -> Mapping[str, Table]: ...


Values = Mapping[str, float | Sequence[float]]
"""A number for each scalar, the flat row-major elements for each quantity with dimensions."""


def evaluate(
    node: Node,
    values: Values,
    program: Names | None = None,
    loops: Mapping[str, int] | None = None,
) -> float:
    """Return the value of ``node``.

    Args:
        values: by identifier; ``time`` and ``step_time`` among them where the expression reads them.
        program: gives the tables and shapes; not needed for expressions of scalars without tables.
        loops: the step at which each loop stands.

    Raises:
        KeyError: when the expression reads a quantity that has no value.
    """
    loops = loops or {}
    match node:
        case Num(value=value):
            return value
        case Ref(name=name, index=index):
            found = values[name]
            if isinstance(found, int | float):
                return float(found)
            return float(found[flat(index, _shape(program, name), loops)])
        case Apply(op="if", args=(condition, yes, no)):
            chosen = yes if evaluate(condition, values, program, loops) != 0.0 else no
            return evaluate(chosen, values, program, loops)
        case Apply(op=op, args=args):
            return PRIMITIVES[op](*(evaluate(arg, values, program, loops) for arg in args))
        case Lookup(table=table, x=x, mode=mode, index=index):
            curve = _curve(program, table, index, loops)
            return lookup(curve, evaluate(x, values, program, loops), mode)
        case Reduce(op=op, axes=axes, body=body):
            return combine(op, [evaluate(body, values, program, {**loops, **at}) for at in positions(axes)])


def positions(axes: Sequence[Axis]) -> Iterator[dict[str, int]]:
    """Yield every combination of loop positions, the first axis outermost."""
    for steps in product(*(range(axis.size) for axis in axes)):
        yield {axis.id: step for axis, step in zip(axes, steps, strict=True)}


def flat(index: Index, shape: Sequence[int], loops: Mapping[str, int]) -> int:
    """Return the row-major position of an element."""
    place = 0
    for entry, size in zip(index, shape, strict=True):
        place = place * size + (entry if isinstance(entry, int) else entry.positions[loops[entry.axis]])
    return place


def _shape(program: Names | None, name: str) -> tuple[int, ...]:
    if program is None:
        raise KeyError(name)
    return program.by_id[name].shape


def _curve(program: Names | None, table: str, index: Index, loops: Mapping[str, int]) -> Curve:
    if program is None:
        raise KeyError(table)
    found = program.table_by_id[table]
    return Curve.of(*found.curves[flat(index, found.shape, loops)])
