"""A Lowered model taken apart into single elements and the causal links between them. It runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import product

from sdpolicy.expression import STEP_TIME, TIME, Apply, Index, Lookup, Node, Num, Reduce, Ref, references
from sdpolicy.interpret import flat, positions
from sdpolicy.lower import Lowered
from sdpolicy.program import Equation

Link = tuple[str, str]
"""From cause to effect, by key."""
Term = tuple[str, int]
"""The key of a flow, and 1 where it fills the stock or -1 where it drains it."""


@dataclass(frozen=True)
class Graph:
    """All that varies in a model, element by element.

    A key is the identifier of a quantity, with ``[n]`` for its n-th element where it has dimensions. What a
    model does not name (the net flow of a stock whose equation is no plain sum of flows, the levels of a
    SMOOTH) has a key and a name here as well.
    """

    lowered: Lowered
    bodies: Mapping[str, Node]
    """What is computed at every step, in running order; expressions read keys, and curves by ``table[n]``."""
    flows: Mapping[str, tuple[Term, ...]]
    """For each stock the flows that fill and drain it."""
    carried: Mapping[str, str]
    """For each memory and delay line the key of what goes in."""
    names: Mapping[str, str]
    visible: frozenset[str]
    """Keys that the model names."""

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every causal link between what varies, each once."""
        varying = {*self.bodies, *self.flows, *self.carried}
        found: dict[Link, None] = {}
        for target, body in self.bodies.items():
            found |= dict.fromkeys((source, target) for source in sorted(references(body) & varying))
        for stock, terms in self.flows.items():
            found |= dict.fromkeys((key, stock) for key, _ in terms if key in varying)
        found |= dict.fromkeys((source, target) for target, source in self.carried.items() if source in varying)
        return tuple(found)

    @cached_property
    def states(self) -> tuple[str, ...]:
        """What the past enters the present by: stocks, memories and delay lines."""
        return (*self.flows, *self.carried)


def build(lowered: Lowered) -> Graph:
    """Take ``lowered`` apart."""
    work = _Work(lowered)
    for equation in lowered.running:
        for key, body in work.elements(equation):
            work.bodies[key] = body
    for state in lowered.states:
        for key, body in work.elements(Equation(state.target, state.flow, state.axes, state.index)):
            work.flows[key] = work.terms(key, body)
    for item in lowered.memories:
        for key, body in work.elements(Equation(item.target, item.update, item.axes, item.index)):
            work.carried[key] = work.source(key, body)
    for ring in lowered.rings:
        for key, body in work.elements(Equation(ring.target, ring.input, ring.axes, ring.index)):
            work.carried[key] = work.source(key, body)
    visible = frozenset(key for q in lowered.program.quantities for key in keys(q.id, q.size, bool(q.shape)))
    return Graph(lowered, work.bodies, work.flows, work.carried, work.names, visible)


def keys(name: str, size: int, dimensioned: bool) -> list[str]:
    """Return the keys of all elements of a quantity."""
    return [f"{name}[{n}]" for n in range(size)] if dimensioned else [name]


class _Work:
    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered
        self.shapes = {name: q.shape for name, q in lowered.by_id.items()}
        self.bodies: dict[str, Node] = {}
        self.flows: dict[str, tuple[Term, ...]] = {}
        self.carried: dict[str, str] = {}
        self.names = {TIME: "Time", STEP_TIME: "Time"}
        for quantity in lowered.by_id.values():
            listed = keys(quantity.id, quantity.size, bool(quantity.shape))
            elements = product(*(dimension.elements for dimension in quantity.dimensions))
            for key, element in zip(listed, elements, strict=True):
                self.names[key] = f"{quantity.name}[{', '.join(element)}]" if element else quantity.name

    def elements(self, equation: Equation) -> Iterator[tuple[str, Node]]:
        shape = self.shapes[equation.target]
        for at in positions(equation.axes):
            yield self.key(equation.target, equation.index, at, shape), self.scalar(equation.body, at)

    @staticmethod
    def key(name: str, index: Index, at: Mapping[str, int], shape: Sequence[int]) -> str:
        return f"{name}[{flat(index, shape, at)}]" if shape else name

    def scalar(self, node: Node, at: Mapping[str, int]) -> Node:
        """Return ``node`` for one position of the loops around it, its own loops written out."""
        match node:
            case Num():
                return node
            case Ref(name=name, index=index):
                return Ref(self.key(name, index, at, self.shapes.get(name, ())))
            case Apply(op=op, args=args):
                return Apply(op, tuple(self.scalar(arg, at) for arg in args))
            case Lookup(table=table, x=x, mode=mode, index=index):
                curve = flat(index, self.lowered.table_by_id[table].shape, at)
                return Lookup(f"{table}[{curve}]", self.scalar(x, at), mode)
            case Reduce(op=op, axes=axes, body=body):
                parts = [self.scalar(body, {**at, **inner}) for inner in positions(axes)]
                spelled = {"sum": "add", "prod": "mul"}.get(op, op)
                return reduce(lambda a, b: Apply(spelled, (a, b)), parts)

    def terms(self, stock: str, body: Node) -> tuple[Term, ...]:
        """Return the flows of a stock: those that its equation adds up, else one net flow that holds all of it."""
        listed = list(_sum(body, 1))
        flows = [(node.name, sign) for node, sign in listed if isinstance(node, Ref)]
        plain = len(flows) == len(listed) == len({key for key, _ in flows})
        states = {s.target for s in self.lowered.states}
        if plain and not any(key.partition("[")[0] in states for key, _ in flows):
            return tuple(flows)
        key = f"{stock}__net"
        self.bodies[key] = body
        self.names[key] = f"net flow of {self.names[stock]}"
        return ((key, 1),)

    def source(self, target: str, body: Node) -> str:
        if isinstance(body, Ref):
            return body.name
        key = f"{target}__input"
        self.bodies[key] = body
        self.names[key] = f"input of {self.names[target]}"
        return key


def _sum(node: Node, sign: int) -> Iterator[tuple[Node, int]]:
    match node:
        case Apply(op="add", args=(a, b)):
            yield from _sum(a, sign)
            yield from _sum(b, sign)
        case Apply(op="sub", args=(a, b)):
            yield from _sum(a, sign)
            yield from _sum(b, -sign)
        case Apply(op="neg", args=(a,)):
            yield from _sum(a, -sign)
        case _:
            yield node, sign


def unfold(lowered: Lowered) -> Lowered:
    """Return ``lowered`` with its hidden quantities among those of the program, so that engines save them."""
    program = lowered.program
    extra = tuple(Equation(q.id, Num(0.0), (), tuple(0 for _ in q.shape)) for q in lowered.hidden)
    shown = replace(program, quantities=(*program.quantities, *lowered.hidden), equations=(*program.equations, *extra))
    return replace(lowered, program=shown, hidden=())
