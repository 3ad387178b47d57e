"""A Lowered model as the text of a JavaScript function that makes constants, startup, held, running and parts.

Every name in the text is ``$`` and a generated identifier; whatever a model's author wrote stays outside.
Scalars are local variables; elements of quantities with dimensions stay in the flat arrays they came in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sdpolicy.backends.base import bare, targets
from sdpolicy.expression import (
    ARITY,
    COMPARISONS,
    LOGIC,
    STEP_TIME,
    TIME,
    Apply,
    Axis,
    Index,
    Lookup,
    Node,
    Num,
    Reduce,
    Ref,
    references,
)
from sdpolicy.lower import Lowered
from sdpolicy.program import Equation

OPERATORS: Final[Mapping[str, tuple[str, int]]] = {
    "add": ("+", 4),
    "sub": ("-", 4),
    "mul": ("*", 5),
    "div": ("/", 5),
    "lt": ("<", 3),
    "le": ("<=", 3),
    "gt": (">", 3),
    "ge": (">=", 3),
    "eq": ("===", 3),
    "ne": ("!==", 3),
    "and": ("&&", 1),
    "or": ("||", 0),
}
"""JavaScript's spelling and binding strength; its division is that of IEEE 754 already."""
CALLS: Final = frozenset(
    "pow min max zidz xidz modulo quantum abs exp ln sqrt integer noise "
    "sin cos tan arcsin arccos arctan sinh cosh tanh".split()
)
"""Primitives that the runtime has as functions of the same name."""
UNARY, ATOM = 6, 9
if OPERATORS.keys() | CALLS | {"neg", "not", "if"} != ARITY.keys():
    raise AssertionError("a primitive without a JavaScript spelling")


@dataclass
class Scope:
    """Where the quantities that a function may read or write stand: a flat array and a position in it."""

    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    flat_scalars: bool = False
    """Whether scalars too are read from the flat array instead of from local variables."""


def source(lowered: Lowered) -> str:
    """Return the text of a function of the runtime and the prepared tables; the expression ``make``."""
    return _Text(lowered).module()


def plan(lowered: Lowered) -> dict[str, object]:
    """Return what the runtime needs beside the text: sizes, the order to look for trouble in, tables."""
    text = _Text(lowered)
    order = [*lowered.parameters, *targets(lowered.states), *targets((*lowered.constants, *lowered.running))]
    visible = [q.id for q in lowered.program.quantities]
    row = text.row_places()
    names = [name for name in dict.fromkeys([*order, *visible]) if name in set(visible)]
    return {
        "sizes": {
            "parameters": text.total(lowered.parameters),
            "constants": text.total(text.constants),
            "initials": text.total(lowered.initials),
            "held": text.total(text.held),
            "states": text.total(text.states),
            "memories": text.total(text.memories),
            "rings": text.total(text.rings),
            "visible": text.total(visible),
            "row": text.total(row),
        },
        "order": [[name, row[name], text.size[name]] for name in names],
        "tables": {t.id: [[list(xs), list(ys)] for xs, ys in t.curves] for t in lowered.program.tables},
        "places": {name: [row[name], text.size[name]] for name in row},
    }


class _Text:
    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered
        self.shape = {name: q.shape for name, q in lowered.by_id.items()}
        self.size = {name: q.size for name, q in lowered.by_id.items()}
        self.constants = (*lowered.parameters, *targets(lowered.constants))
        self.held = targets(lowered.held)
        self.states = targets(lowered.states)
        self.memories = targets(lowered.memories)
        self.rings = targets(lowered.rings)
        self.running = targets(lowered.running)
        self.scope = Scope()
        self.hoisted: dict[tuple[int, ...], str] = {}
        self.curves: dict[str, str] = {}
        self.called: set[str] = set()
        self.scratch = 0

    def module(self) -> str:
        functions = [self.constant_function(), self.startup_function(), self.held_function()]
        functions += [self.running_function(), self.flows_function(), self.parts()]
        hoists = [f"const {name} = {list(values)};" for values, name in self.hoisted.items()]
        hoists += [f"const {name} = {curve};" for curve, name in self.curves.items()]
        hoists += [f"const rt_{name} = rt.{name};" for name in sorted(self.called)]
        head = ['"use strict";', f"const w = new Float64Array({self.scratch});", *hoists]
        return "\n".join(["function (rt, tables) {", *head, *functions, "}"]) + "\n"

    def total(self, names: Iterable[str]) -> int:
        return sum(self.size[name] for name in names)

    def offsets(self, names: Iterable[str], start: int = 0) -> dict[str, int]:
        found = {}
        for name in names:
            found[name] = start
            start += self.size[bare(name)]
        return found

    def row_places(self) -> dict[str, int]:
        """Return where each quantity stands in a row: the model's own first, then hidden ones that run."""
        alive = (*self.constants, *self.lowered.initials, *self.held, *self.states, *self.memories, *self.rings)
        visible = [q.id for q in self.lowered.program.quantities]
        return self.offsets(dict.fromkeys([*visible, *alive, *self.running]))

    def constant_function(self) -> str:
        self.scope = Scope()
        lines = [*self.take("p", self.lowered.parameters), *self.enter("c", self.constants)]
        lines += self.move("p", "c", self.lowered.parameters)
        lines += self.equations(self.lowered.constants)
        lines += self.give("c", self.constants)
        return self.function("constants(p, c)", lines)

    def startup_function(self) -> str:
        low = self.lowered
        self.scope = Scope()
        delays = [Equation(f"{r.target}__delay", r.delay, r.axes, r.index) for r in low.rings]
        lines = ["const $step_time = $time;", *self.take("c", self.constants)]
        self.scratch_for(targets([*low.startup, *delays]))
        lines += [*self.equations(low.startup), *self.equations(delays)]
        lines += self.give("k", low.initials)
        lines += self.give("y", self.states)
        lines += self.give("m", self.memories)
        lines += self.give("r", [*(f"{name}__delay" for name in self.rings), *self.rings])
        return self.function("startup(c, k, y, m, r, $time)", lines)

    def held_function(self) -> str:
        self.scope = Scope()
        lines = ["const $time = $step_time;", *self.take("c", self.constants)]
        lines += [*self.take("k", self.lowered.initials), *self.take("m", self.memories)]
        lines += [*self.enter("h", self.held), *self.equations(self.lowered.held)]
        lines += self.give("h", self.held)
        return self.function("held(c, k, m, h, $step_time)", lines)

    def stores(self) -> list[str]:
        """Return statements that take everything that a running equation may read."""
        self.scope = Scope()
        lines = [*self.take("c", self.constants), *self.take("k", self.lowered.initials), *self.take("h", self.held)]
        lines += [*self.take("y", self.states), *self.take("m", self.memories), *self.take("r", self.rings)]
        self.scratch_for(self.running)
        return lines

    def flow_equations(self) -> list[Equation]:
        return [Equation(f"{s.target}__flow", s.flow, s.axes, s.index) for s in self.lowered.states]

    def flows_function(self) -> str:
        """The flows alone, for the later stages of a step: what no flow depends on is left out."""
        needed: set[str] = set()
        wanted = [name for state in self.lowered.states for name in references(state.flow)]
        inputs = reads(self.lowered)
        running = set(self.running)
        while wanted:
            name = wanted.pop()
            if name in running and name not in needed:
                needed.add(name)
                wanted.extend(inputs[name])
        lines = [*self.stores(), *self.equations([e for e in self.lowered.running if e.target in needed])]
        names = [f"{name}__flow" for name in self.states]
        lines += [*self.enter("f", names), *self.equations(self.flow_equations()), *self.give("f", names)]
        return self.function("flows(c, k, h, y, m, r, $time, $step_time, f)", lines)

    def running_function(self) -> str:
        low = self.lowered
        lines = [*self.stores(), *self.equations(low.running)]
        flows = self.flow_equations()
        updates = [Equation(f"{m.target}__next", m.update, m.axes, m.index) for m in low.memories]
        inputs = [Equation(f"{r.target}__next", r.input, r.axes, r.index) for r in low.rings]
        lines += self.enter("f", [f"{name}__flow" for name in self.states])
        lines += [*self.equations(flows), *self.give("f", [f"{name}__flow" for name in self.states])]
        for store, group, names in (("u", updates, self.memories), ("x", inputs, self.rings)):
            derived = [f"{name}__next" for name in names]
            lines += [*self.enter(store, derived), *self.equations(group), *self.give(store, derived)]
        lines += self.give("row", list(self.row_places()))
        return self.function("running(c, k, h, y, m, r, $time, $step_time, f, row, u, x)", lines)

    def parts(self) -> str:
        """Return one function for each running scalar and state: its equation, read from a row ``v``.

        They tell how one quantity answers to another with all else held, which is what loop scores are made of.
        """
        self.scope = Scope({name: ("v", at) for name, at in self.row_places().items()}, flat_scalars=True)
        single = [e for e in self.lowered.running if not self.shape[e.target]]
        flows = [Equation(s.target, s.flow, s.axes, s.index) for s in self.lowered.states if not self.shape[s.target]]
        entries = [
            f'"{e.target}": (v, $time, $step_time) => {self.number(e.body, {})},'
            for e in (*single, *flows)
            if not e.axes
        ]
        names = ["constants", "startup", "held", "running", "flows"]
        return "\n".join(["const parts = {", *entries, "};", f"return {{ {', '.join(names)}, parts }};"])

    @staticmethod
    def function(head: str, lines: Sequence[str]) -> str:
        return "\n".join([f"function {head} {{", *(f"  {line}" for line in lines), "}"])

    def enter(self, store: str, names: Sequence[str]) -> list[str]:
        """Note that ``names`` stand in ``store``, one after another."""
        self.scope.places.update({name: (store, at) for name, at in self.offsets(names).items()})
        return []

    def take(self, store: str, names: Sequence[str]) -> list[str]:
        """Return statements that read scalars out of ``store``; quantities with dimensions stay there."""
        self.enter(store, names)
        return [
            f"const ${name} = {store}[{at}];" for name, at in self.offsets(names).items() if not self.shape[bare(name)]
        ]

    def give(self, store: str, names: Sequence[str]) -> list[str]:
        """Return statements that write ``names`` into ``store``, one after another."""
        lines = []
        for name, at in self.offsets(names).items():
            if not self.shape[bare(name)]:
                lines.append(f"{store}[{at}] = ${name};")
                continue
            origin, start = self.scope.places[name]
            if (origin, start) != (store, at):
                size = self.size[bare(name)]
                lines.append(f"for (let i = 0; i < {size}; i += 1) {store}[{at} + i] = {origin}[{start} + i];")
        return lines

    def move(self, origin: str, store: str, names: Sequence[str]) -> list[str]:
        """Return statements that copy the elements of ``names`` from one array to the other."""
        starts, ends = self.offsets(names), self.offsets(names)
        return [
            f"for (let i = 0; i < {self.size[name]}; i += 1) {store}[{ends[name]} + i] = {origin}[{at} + i];"
            for name, at in starts.items()
            if self.shape[name]
        ]

    def scratch_for(self, names: Iterable[str]) -> None:
        """Give quantities with dimensions that a function computes a place in the scratch array."""
        for name in names:
            if self.shape[bare(name)]:
                self.scope.places[name] = ("w", self.scratch)
                self.scratch += self.size[bare(name)]

    def equations(self, equations: Iterable[Equation]) -> list[str]:
        lines = []
        for equation in equations:
            shape = self.shape[bare(equation.target)]
            loops = {axis.id: f"i{depth}__" for depth, axis in enumerate(equation.axes)}
            heads = [
                f"for (let {loops[a.id]} = 0; {loops[a.id]} < {a.size}; {loops[a.id]} += 1) " for a in equation.axes
            ]
            place = self.reading(equation.target, equation.index, shape, loops)
            declare = "" if shape else "const "
            lines.append(f"{''.join(heads)}{declare}{place} = {self.number(equation.body, loops)};")
        return lines

    def reading(self, name: str, index: Index, shape: Sequence[int], loops: Mapping[str, str]) -> str:
        if name in (TIME, STEP_TIME):
            return f"${name}"
        if not shape and not self.scope.flat_scalars:
            return f"${name}"
        store, start = self.scope.places[name]
        return f"{store}[{self.position(index, shape, loops, start)}]"

    def position(self, index: Index, shape: Sequence[int], loops: Mapping[str, str], offset: int) -> str:
        """Return the flat position of an element, counted from ``offset``."""
        stride, parts = 1, []
        for entry, size in reversed(list(zip(index, shape, strict=True))):
            if isinstance(entry, int):
                offset += entry * stride
            elif entry.positions == tuple(range(entry.positions[0], entry.positions[0] + len(entry.positions))):
                offset += entry.positions[0] * stride
                parts.append(loops[entry.axis] + (f" * {stride}" if stride > 1 else ""))
            else:
                places = tuple(position * stride for position in entry.positions)
                parts.append(f"{self.hoist(places)}[{loops[entry.axis]}]")
            stride *= size
        return " + ".join([*reversed(parts), *([str(offset)] if offset or not parts else [])])

    def call(self, name: str) -> str:
        """Return the name of a function of the runtime, which then is a constant of the module."""
        self.called.add(name)
        return f"rt_{name}"

    def hoist(self, values: tuple[int, ...]) -> str:
        return self.hoisted.setdefault(values, f"at{len(self.hoisted)}__")

    def number(self, node: Node, loops: Mapping[str, str], binding: int = 0) -> str:
        """Return ``node`` as an expression for a number that binds at least as tightly as ``binding``."""
        text, strength = self.spell(node, loops)
        return f"({text})" if strength < binding else text

    def spell(self, node: Node, loops: Mapping[str, str]) -> tuple[str, int]:
        match node:
            case Num(value=value):
                return literal(value), ATOM if math.copysign(1.0, value) > 0 else UNARY
            case Ref(name=name, index=index):
                return self.reading(name, index, self.shape.get(name, ()), loops), ATOM
            case Lookup(table=table, x=x, mode=mode, index=index):
                shape = self.lowered.table_by_id[table].shape
                place = self.position(index, shape, loops, 0)
                curve = f'tables["{table}"][{place}]'
                if place.isdigit():
                    curve = self.curves.setdefault(curve, f"curve{len(self.curves)}__")
                return f"{self.call(mode)}({curve}, {self.number(x, loops)})", ATOM
            case Reduce(op=op, axes=axes, body=body):
                return self.reduction(op, axes, body, loops), ATOM
            case Apply(op=op) if op in COMPARISONS or op in LOGIC:
                return f"{self.truth(node, loops)} ? 1 : 0", -1
            case Apply(op="if", args=(condition, yes, no)):
                chosen = self.truth(condition, loops), self.number(yes, loops), self.number(no, loops)
                return "{} ? {} : {}".format(*chosen), -1
            case Apply(op="neg", args=(x,)):
                return f"-{self.number(x, loops, 7)}", UNARY
            case Apply(op=("add" | "sub" | "mul" | "div") as op, args=(a, b)):
                sign, strength = OPERATORS[op]
                left, right = self.number(a, loops, strength), self.number(b, loops, strength + 1)
                return f"{left} {sign} {right}", strength
            case Apply(op=op, args=args):
                inside = ", ".join(self.number(arg, loops) for arg in args)
                return f"{self.call(op)}({inside})", ATOM

    def truth(self, node: Node, loops: Mapping[str, str], binding: int = 0) -> str:
        """Return ``node`` as a condition: comparisons as they are, numbers compared with 0."""
        match node:
            case Apply(op=op, args=(a, b)) if op in COMPARISONS:
                sign, strength = OPERATORS[op]
                text = f"{self.number(a, loops, 4)} {sign} {self.number(b, loops, 4)}"
            case Apply(op=("and" | "or") as op, args=(a, b)):
                sign, strength = OPERATORS[op]
                text = f"{self.truth(a, loops, strength)} {sign} {self.truth(b, loops, strength + 1)}"
            case Apply(op="not", args=(a,)):
                text, strength = f"!({self.truth(a, loops)})", UNARY
            case _:
                text, strength = f"{self.number(node, loops, 4)} !== 0", 3
        return f"({text})" if strength < binding else text

    def reduction(self, op: str, axes: Sequence[Axis], body: Node, loops: Mapping[str, str]) -> str:
        inner = dict(loops)
        for axis in axes:
            inner[axis.id] = f"i{len(inner)}__"
        names = ", ".join(inner[axis.id] for axis in axes)
        return f'{self.call("reduce")}("{op}", {[axis.size for axis in axes]}, ({names}) => {self.number(body, inner)})'


def literal(value: float) -> str:
    """Return a float as JavaScript text that reads back exactly."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def reads(lowered: Lowered) -> dict[str, frozenset[str]]:
    """Return, for each running quantity and state, what its equation or flow reads."""
    found: dict[str, frozenset[str]] = {}
    for equation in lowered.running:
        found[equation.target] = found.get(equation.target, frozenset()) | references(equation.body)
    for stock in lowered.states:
        found[stock.target] = found.get(stock.target, frozenset()) | references(stock.flow)
    return found
