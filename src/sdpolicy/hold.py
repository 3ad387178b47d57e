"""Switches of time, held over a step, so that Runge-Kutta keeps its order across them.

A comparison of time against constants (what STEP, PULSE and IF THEN ELSE(Time > ...) come down to), a
rounding of time, a random draw and a table read without interpolation jump. Evaluated at the stages of
a Runge-Kutta step, a jump at the step's end would be seen by its last stage, and the method would fall
to first order. So each is computed once, at the step's beginning; what is continuous in time (ramps,
interpolated data, exp(g * Time)) is still read at the stage's own time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sdpolicy.expand import Expanded, Memory, Ring
from sdpolicy.expression import (
    COMPARISONS,
    LOGIC,
    STEP_TIME,
    TIME,
    Apply,
    At,
    Axis,
    Lookup,
    Node,
    Num,
    Reduce,
    Ref,
    moving,
    references,
    rewrite,
    walk,
)
from sdpolicy.program import Dimension, Equation, Quantity, Stock

SWITCHES: Final = COMPARISONS | LOGIC | {"integer", "quantum", "noise"}
JUMPING: Final = frozenset({"backward", "forward"})
CLOCK: Final = frozenset({TIME, STEP_TIME})


@dataclass(frozen=True, slots=True)
class Running:
    """What runs at every stage, its switches replaced by held quantities."""

    equations: tuple[Equation, ...]
    stocks: tuple[Stock, ...]
    memories: tuple[Memory, ...]
    rings: tuple[Ring, ...]


def hold(
    expanded: Expanded, equations: Sequence[Equation], constant: frozenset[str]
) -> tuple[Running, tuple[Equation, ...], tuple[Quantity, ...]]:
    """Return what runs, the equations of what is held, and the hidden quantities that hold it."""
    work = _Holding(equations, constant)
    running = Running(
        tuple(replace(e, body=work.node(e.body, e.axes)) for e in equations),
        tuple(replace(s, flow=work.node(s.flow, s.axes)) for s in expanded.stocks),
        tuple(replace(m, update=work.node(m.update, m.axes)) for m in expanded.memories),
        tuple(replace(r, input=work.node(r.input, r.axes)) for r in expanded.rings),
    )
    return running, tuple(work.held), tuple(work.hidden)


class _Holding:
    def __init__(self, equations: Sequence[Equation], constant: frozenset[str]) -> None:
        self.constant = constant
        self.by_target: dict[str, list[Equation]] = {}
        for equation in equations:
            self.by_target.setdefault(equation.target, []).append(equation)
        self.timed = _of_time(self.by_target, constant)
        self.held: list[Equation] = []
        self.hidden: list[Quantity] = []
        self.known: dict[tuple[Node, tuple[Axis, ...]], Ref] = {}
        self.twins: set[str] = set()

    def node(self, node: Node, axes: tuple[Axis, ...]) -> Node:
        """Return ``node`` with every switch of time in it replaced by what holds it."""
        if self.is_switch(node):
            return self.keep(node, axes)
        match node:
            case Apply(op="modulo", args=(x, m)) if self.reads_clock_only(node):
                # The sawtooth minus its jumps is continuous, and the jumps are a switch.
                return Apply("sub", (self.node(x, axes), self.keep(Apply("quantum", (x, m)), axes)))
            case Apply(op=op, args=args):
                return Apply(op, tuple(self.node(arg, axes) for arg in args))
            case Lookup(table=table, x=x, mode=mode, index=index):
                return Lookup(table, self.node(x, axes), mode, index)
            case Reduce(op=op, axes=inner, body=body):
                return Reduce(op, inner, self.node(body, (*axes, *inner)))
            case Num() | Ref():
                return node

    def is_switch(self, node: Node) -> bool:
        jumps = (isinstance(node, Apply) and node.op in SWITCHES) or (isinstance(node, Lookup) and node.mode in JUMPING)
        return jumps and self.reads_clock_only(node)

    def reads_clock_only(self, node: Node) -> bool:
        """Tell whether ``node`` depends on time and constants alone, and on time at all."""
        read = references(node)
        return read <= self.constant | self.timed | CLOCK and not read <= self.constant

    def keep(self, node: Node, axes: tuple[Axis, ...]) -> Ref:
        """Return the hidden quantity that holds ``node``, made now if there is none yet."""
        used = {entry.axis for part in walk(node) for entry in _entries(part)}
        loops = tuple(axis for axis in axes if axis.id in used)
        if (node, loops) not in self.known:
            name = f"held_{len(self.known) + 1}__"
            dimensions = tuple(Dimension(a.id, tuple(map(str, range(a.size)))) for a in loops)
            index = tuple(moving(a) for a in loops)
            self.hidden.append(Quantity(f"held {len(self.known) + 1}", name, "auxiliary", dimensions=dimensions))
            self.held.append(Equation(name, self.at_step(node), loops, index))
            self.known[node, loops] = Ref(name, index)
        return self.known[node, loops]

    def at_step(self, node: Node) -> Node:
        """Return ``node`` as it is at the step's beginning, with everything of time that it reads."""

        def change(part: Node) -> Node:
            if isinstance(part, Ref) and part.name == TIME:
                return Ref(STEP_TIME)
            if isinstance(part, Ref) and part.name in self.timed:
                return Ref(self.twin(part.name), part.index)
            return part

        return rewrite(node, change)

    def twin(self, name: str) -> str:
        """Return the held counterpart of an auxiliary of time."""
        twin = f"{name}__held"
        if name not in self.twins:
            self.twins.add(name)
            for equation in self.by_target[name]:
                body = self.at_step(equation.body)
                self.held.append(Equation(twin, body, equation.axes, equation.index))
            sizes = _shape(self.by_target[name])
            dimensions = tuple(Dimension(f"axis {i}", tuple(map(str, range(n)))) for i, n in enumerate(sizes))
            self.hidden.append(Quantity(f"{name} held", twin, "auxiliary", dimensions=dimensions))
        return twin


def _shape(equations: Iterable[Equation]) -> tuple[int, ...]:
    """Return the shape of a quantity, as far as its equations reach."""
    reach: list[int] = []
    for equation in equations:
        last = [e if isinstance(e, int) else max(e.positions) for e in equation.index]
        reach = [max(a, b + 1) for a, b in zip(reach or [0] * len(last), last, strict=True)]
    return tuple(reach)


def _entries(node: Node) -> tuple[At, ...]:
    if isinstance(node, Ref | Lookup):
        return tuple(entry for entry in node.index if isinstance(entry, At))
    return ()


def _of_time(by_target: dict[str, list[Equation]], constant: frozenset[str]) -> frozenset[str]:
    """Return the quantities that depend on time and constants alone."""
    reads = {target: {n for e in group for n in references(e.body)} for target, group in by_target.items()}
    found: set[str] = set()
    changed = True
    while changed:
        known = constant | found | CLOCK
        ready = {t for t, names in reads.items() if t not in found and names <= known}
        found |= ready
        changed = bool(ready)
    return frozenset(found)
