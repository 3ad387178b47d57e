"""A Lowered model as the text of four Python functions: constants, startup, held, running.

Names in the text are generated identifiers; whatever a model's author wrote stays outside.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from sdpolicy.backends.base import bare, targets
from sdpolicy.expression import (
    COMPARISONS,
    LOGIC,
    Apply,
    Axis,
    Index,
    Lookup,
    Node,
    Num,
    Reduce,
    Ref,
)
from sdpolicy.lower import Lowered
from sdpolicy.program import Equation

OPERATORS: Mapping[str, tuple[str, int]] = {
    "add": ("+", 4),
    "sub": ("-", 4),
    "mul": ("*", 5),
    "div": ("/", 5),
    "lt": ("<", 3),
    "le": ("<=", 3),
    "gt": (">", 3),
    "ge": (">=", 3),
    "eq": ("==", 3),
    "ne": ("!=", 3),
    "and": ("and", 1),
    "or": ("or", 0),
}
"""Python's spelling and binding strength; the operators of arithmetic group from the left."""
ATOM = 9


def source(lowered: Lowered) -> str:
    """Return the text. Its functions take and return flat lists in the orders that the model states."""
    return "\n\n".join(_Text(lowered).functions()) + "\n"


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

    def functions(self) -> Iterable[str]:
        low = self.lowered
        initials = self.tuple_of(low.initials)
        lines = [*self.split(low.parameters, "parameters__"), *self.equations(low.constants)]
        yield self.function("constants(parameters__)", [*lines, f"return {self.tuple_of(self.constants)}"])

        lines = [f"{self.tuple_of(self.constants)} = constants__", "step_time = time"]
        lines += self.equations(low.startup)
        delays = [Equation(f"{r.target}__delay", r.delay, r.axes, r.index) for r in low.rings]
        lines += self.equations(delays, [f"{name}__delay" for name in self.rings])
        lines += [
            f"delays__ = {self.row([f'{name}__delay' for name in self.rings] + list(self.rings))}",
            f"return {self.row(self.states)}, {self.row(self.memories)}, delays__, {initials}",
        ]
        yield self.function("startup(constants__, time)", lines)

        head = [f"{self.tuple_of(self.constants)} = constants__", f"{initials} = initials__"]
        lines = [*head, *self.split(self.memories, "memory__"), *self.equations(low.held)]
        yield self.function(
            "held(constants__, initials__, memory__, step_time)",
            ["time = step_time", *lines, f"return {self.tuple_of(self.held)}"],
        )

        lines = [*head, f"{self.tuple_of(self.held)} = held__", *self.split(self.states, "y__")]
        lines += [*self.split(self.memories, "memory__"), *self.split(self.rings, "rings__")]
        lines += self.equations(low.running)
        lines += self.equations(
            [Equation(f"{s.target}__flow", s.flow, s.axes, s.index) for s in low.states],
            [f"{name}__flow" for name in self.states],
        )
        lines += self.equations(
            [Equation(f"{m.target}__next", m.update, m.axes, m.index) for m in low.memories],
            [f"{name}__next" for name in self.memories],
        )
        lines += self.equations(
            [Equation(f"{r.target}__next", r.input, r.axes, r.index) for r in low.rings],
            [f"{name}__next" for name in self.rings],
        )
        lines += [
            f"row__ = {self.row([q.id for q in low.program.quantities])}",
            f"flows__ = {self.row([f'{name}__flow' for name in self.states])}",
            f"update__ = {self.row([f'{name}__next' for name in self.memories])}",
            f"inputs__ = {self.row([f'{name}__next' for name in self.rings])}",
            "return row__, flows__, update__, inputs__",
        ]
        yield self.function("running(constants__, initials__, held__, y__, memory__, rings__, time, step_time)", lines)

    @staticmethod
    def function(head: str, lines: Sequence[str]) -> str:
        return "\n".join([f"def {head}:", *(f"    {line}" for line in lines)])

    @staticmethod
    def tuple_of(names: Iterable[str]) -> str:
        return "(" + "".join(f"{name}, " for name in names).rstrip() + ")"

    def row(self, names: Iterable[str]) -> str:
        """Return a list display with the elements of all ``names``, one after another."""
        parts = (f"*{name}" if self.shape[bare(name)] else name for name in names)
        return "[" + ", ".join(parts) + "]"

    def split(self, names: Sequence[str], flat: str) -> list[str]:
        """Return statements that take ``names`` out of the flat list of that name."""
        if names and not any(self.shape[name] for name in names):
            return [f"{self.tuple_of(names)} = {flat}"]
        lines, start = [], 0
        for name in names:
            end = start + self.size[name]
            lines.append(f"{name} = {flat}[{start}:{end}]" if self.shape[name] else f"{name} = {flat}[{start}]")
            start = end
        return lines

    def equations(self, equations: Iterable[Equation], declare: Iterable[str] = ()) -> list[str]:
        lines = [f"{n} = [0.0] * {self.size[bare(n)]}" for n in declare if self.shape[bare(n)]]
        seen = set(declare)
        for equation in equations:
            target, shape = equation.target, self.shape[bare(equation.target)]
            if shape and target not in seen:
                lines.append(f"{target} = [0.0] * {self.size[bare(target)]}")
            seen.add(target)
            loops = {axis.id: f"i{depth}__" for depth, axis in enumerate(equation.axes)}
            for depth, axis in enumerate(equation.axes):
                lines.append("    " * depth + f"for {loops[axis.id]} in range({axis.size}):")
            place = f"{target}{self.element(equation.index, shape, loops)}"
            lines.append("    " * len(equation.axes) + f"{place} = {self.number(equation.body, loops)}")
        return lines

    def element(self, index: Index, shape: Sequence[int], loops: Mapping[str, str]) -> str:
        """Return ``[flat position]``, or nothing for a scalar."""
        if not shape:
            return ""
        stride, parts, offset = 1, [], 0
        for entry, size in reversed(list(zip(index, shape, strict=True))):
            if isinstance(entry, int):
                offset += entry * stride
            elif entry.positions == tuple(range(entry.positions[0], entry.positions[0] + len(entry.positions))):
                offset += entry.positions[0] * stride
                parts.append(loops[entry.axis] + (f" * {stride}" if stride > 1 else ""))
            else:
                places = tuple(position * stride for position in entry.positions)
                parts.append(f"{places}[{loops[entry.axis]}]")
            stride *= size
        terms = [*reversed(parts), *([str(offset)] if offset or not parts else [])]
        return f"[{' + '.join(terms)}]"

    def number(self, node: Node, loops: Mapping[str, str], binding: int = 0) -> str:
        """Return ``node`` as an expression for a float that binds at least as tightly as ``binding``."""
        text, strength = self.spell(node, loops)
        return f"({text})" if strength < binding else text

    def spell(self, node: Node, loops: Mapping[str, str]) -> tuple[str, int]:
        match node:
            case Num(value=value):
                return literal(value), ATOM if math.copysign(1.0, value) > 0 else 6
            case Ref(name=name, index=index):
                return name + self.element(index, self.shape.get(name, ()), loops), ATOM
            case Lookup(table=table, x=x, mode=mode, index=index):
                shape = self.lowered.table_by_id[table].shape
                curve = f'tables__["{table}"]{self.element(index, shape, loops) or "[0]"}'
                return f'rt__.lookup({curve}, {self.number(x, loops)}, "{mode}")', ATOM
            case Reduce(op=op, axes=axes, body=body):
                return self.reduction(op, axes, body, loops), ATOM
            case Apply(op=op) if op in COMPARISONS or op in LOGIC:
                return f"1.0 if {self.truth(node, loops)} else 0.0", -1
            case Apply(op="if", args=(condition, yes, no)):
                chosen = self.number(yes, loops), self.truth(condition, loops), self.number(no, loops)
                return "{} if {} else {}".format(*chosen), -1
            case Apply(op="neg", args=(x,)):
                return f"-{self.number(x, loops, 7)}", 6
            case Apply(op=op, args=(a, b)) if op in ("add", "sub", "mul") or (op == "div" and _safe(b)):
                sign, strength = OPERATORS[op]
                left, right = self.number(a, loops, strength), self.number(b, loops, strength + 1)
                return f"{left} {sign} {right}", strength
            case Apply(op=op, args=args):
                inside = ", ".join(self.number(arg, loops) for arg in args)
                return f"rt__.{op}({inside})", ATOM

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
                text, strength = f"not {self.truth(a, loops, 2)}", 2
            case _:
                text, strength = f"{self.number(node, loops, 4)} != 0.0", 3
        return f"({text})" if strength < binding else text

    def reduction(self, op: str, axes: Sequence[Axis], body: Node, loops: Mapping[str, str]) -> str:
        inner = dict(loops)
        clauses = []
        for axis in axes:
            inner[axis.id] = f"i{len(inner)}__"
            clauses.append(f"for {inner[axis.id]} in range({axis.size})")
        return f'rt__.combine("{op}", [{self.number(body, inner, 0)} {" ".join(clauses)}])'


def literal(value: float) -> str:
    """Return a float as Python text that reads back exactly."""
    return (
        repr(value)
        if math.isfinite(value)
        else f"rt__.{'nan' if value != value else 'inf' if value > 0 else 'minus_inf'}"
    )


def _safe(node: Node) -> bool:
    """Tell whether a division by ``node`` can't raise ZeroDivisionError."""
    return isinstance(node, Num) and node.value != 0.0
