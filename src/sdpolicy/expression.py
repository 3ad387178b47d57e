"""Expressions as data: frozen nodes without methods. They know no backend, file format or model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Interpolation = Literal["linear", "backward", "forward", "extrapolate"]
"""How a table is read between its points.

``linear`` clamps at both ends; ``extrapolate`` continues the end segments; ``backward`` holds the last
point at or before x (a step path); ``forward`` takes the next point at or after x.
"""

TIME: Final = "time"
"""Identifier of the simulated time at the stage that is being evaluated."""
STEP_TIME: Final = "step_time"
"""Identifier of the time at which the current step began: switches of time read this one (see lower.py)."""


@dataclass(frozen=True, slots=True)
class Num:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class At:
    """A position that moves with a loop: step k of the loop over ``axis`` reads element ``positions[k]``."""

    axis: str
    positions: tuple[int, ...]


Index = tuple[int | At, ...]
"""One entry for each dimension of the quantity referred to; empty for a scalar."""


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of a quantity (by identifier), or of one of its elements."""

    name: str
    index: Index = ()


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or function applied to its arguments, in the order in which the model writes them."""

    op: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table read at ``x``; ``index`` picks the curve of a table that has dimensions."""

    table: str
    x: Node
    mode: Interpolation = "linear"
    index: Index = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """A loop over ``size`` steps; ``id`` is what :class:`At` refers to."""

    id: str
    size: int


@dataclass(frozen=True, slots=True)
class Reduce:
    """``sum``, ``prod``, ``min`` or ``max`` of ``body`` over the loops ``axes``, first axis outermost."""

    op: Literal["sum", "prod", "min", "max"]
    axes: tuple[Axis, ...]
    body: Node


Node = Num | Ref | Apply | Lookup | Reduce

ARITY: Final[Mapping[str, int]] = {
    **dict.fromkeys(("add", "sub", "mul", "div", "pow"), 2),
    "neg": 1,
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne", "and", "or"), 2),
    "not": 1,
    "if": 3,
    **dict.fromkeys(("min", "max", "zidz", "modulo", "quantum"), 2),
    "xidz": 3,
    **dict.fromkeys(("abs", "exp", "ln", "sqrt", "integer"), 1),
    "noise": 2,  # stream, step number -> uniform on [0, 1), the same in every language
    **dict.fromkeys(("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"), 1),
}
"""The primitives that every backend spells: name and number of arguments. Nothing else survives lowering."""

COMPARISONS: Final = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
LOGIC: Final = frozenset({"and", "or", "not"})
"""Comparisons and logic yield 1.0 or 0.0 where a number is wanted; any number but 0 counts as true."""

TIME_FUNCTIONS: Final[Mapping[str, int]] = {"step": 2, "ramp": 3, "pulse": 2, "pulse train": 4}
"""Rewritten by lower.py in terms of the primitives."""

STATEFUL: Final[Mapping[str, int]] = {
    "smooth": 4,  # input, time, initial, order
    "smooth n": 4,
    "delay": 4,  # input, time, initial, order
    "delay n": 4,
    "delay fixed": 3,  # input, time, initial
    "trend": 3,  # input, time, initial trend
    "forecast": 4,  # input, average time, horizon, initial trend
    "sample if true": 3,  # condition, input, initial
    "initial": 1,
    "random uniform": 3,  # low, high, seed
    "random normal": 5,  # low, high, mean, standard deviation, seed
}
"""Functions that carry a state; lower.py turns them into stocks and memories."""


def apply(op: str, *args: Node) -> Apply:
    """Apply an operator or function."""
    return Apply(op, args)


def moving(axis: Axis) -> At:
    """Return an entry of an index that goes with a loop from the first element on."""
    return At(axis.id, tuple(range(axis.size)))


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below ``node``, in order."""
    match node:
        case Apply(args=args):
            return args
        case Lookup(x=x):
            return (x,)
        case Reduce(body=body):
            return (body,)
        case Num() | Ref():
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield ``node`` and everything below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def references(node: Node) -> frozenset[str]:
    """Return the identifiers of all quantities that ``node`` reads (tables are not quantities)."""
    return frozenset(part.name for part in walk(node) if isinstance(part, Ref))


def rewrite(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return ``node`` with ``change`` applied to every part, what is below a node before the node itself."""
    match node:
        case Apply(op=op, args=args):
            return change(Apply(op, tuple(rewrite(arg, change) for arg in args)))
        case Lookup(table=table, x=x, mode=mode, index=index):
            return change(Lookup(table, rewrite(x, change), mode, index))
        case Reduce(op=op, axes=axes, body=body):
            return change(Reduce(op, axes, rewrite(body, change)))
        case Num() | Ref():
            return change(node)
