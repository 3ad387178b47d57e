"""Expressions as IR: one emitter, for one member or for several in lanes. The values are those of primitives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sdpolicy import primitives
from sdpolicy.backends.llvm import mathlib
from sdpolicy.backends.llvm.tables import Tables
from sdpolicy.backends.llvm.text import Value, Writer, constant_array
from sdpolicy.expression import (
    ARITY,
    Apply,
    Axis,
    Index,
    Interpolation,
    Lookup,
    Node,
    Num,
    Reduce,
    Ref,
    walk,
)
from sdpolicy.lower import Lowered

LIBM: Final[Mapping[str, str]] = {
    "exp": "exp",
    "ln": "log",
    "pow": "pow",
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
}
"""Primitives that the system's mathematical library computes, and its names for them."""
FUNCTION: Final = "sd_"
"""What stands before a library function's name in our objects: the compiler must not take it for one it knows."""
PREDICATES: Final = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
WORK: Final = frozenset(LIBM) | {"noise"}
"""Primitives so costly that a single run skips them in the side of an IF that is not taken."""
ONCE: Final = WORK | {"div", "sqrt"}
"""Primitives that are computed once where the same expression stands several times."""


class Emitter:
    """Writes expressions. ``scalars`` holds the values of quantities, ``places`` where those with dimensions stand."""

    def __init__(self, lowered: Lowered, writer: Writer) -> None:
        self.lowered = lowered
        self.w = writer
        self.tables = Tables(writer, lowered.program.tables)
        self.scalars: dict[str, Value] = {}
        self.places: dict[str, int] = {}
        self.room = 0
        self.levels: dict[str, int] = {}
        self.loops: dict[str, Value] = {}
        self.positions: dict[tuple[int, ...], str] = {}
        self.known: dict[Node, Value] = {}
        """What has been computed on the way to here, by expression."""

    # Places

    def flat(self, index: Index, shape: tuple[int, ...]) -> int | Value:
        """Return the row-major position of an element, a plain number if it does not move with a loop."""
        w, fixed, moving = self.w, 0, []
        stride = 1
        for entry, size in reversed(list(zip(index, shape, strict=True))):
            if isinstance(entry, int):
                fixed += entry * stride
            else:
                step = self.loops[entry.axis]
                position = self.position(entry.positions, step)
                moving.append(position if stride == 1 else w.binary("mul", position, w.integer(stride)))
            stride *= size
        if not moving:
            return fixed
        total = moving[0]
        for part in moving[1:]:
            total = w.binary("add", total, part)
        return w.binary("add", total, w.integer(fixed)) if fixed else total

    def position(self, positions: tuple[int, ...], step: Value) -> Value:
        first = positions[0]
        if positions == tuple(range(first, first + len(positions))):
            return step if first == 0 else self.w.binary("add", step, self.w.integer(first))
        if positions not in self.positions:
            name = f"@positions.{len(self.positions)}"
            self.positions[positions] = name
            self.w.globals.append(constant_array(name, "i64", [str(p) for p in positions]))
        return self.w.fetch(self.positions[positions], step)

    @contextmanager
    def over(self, axes: tuple[Axis, ...]) -> Iterator[None]:
        """Write what is inside once, to run for every combination of the loops."""
        if not axes:
            yield
            return
        with self.w.loop(axes[0].size) as step:
            self.loops[axes[0].id] = step
            with self.over(axes[1:]):
                yield
        del self.loops[axes[0].id]

    def element(self, name: str, index: Index) -> Value:
        if name in self.scalars:
            return self.scalars[name]
        place = self.flat(index, self.lowered.by_id[name].shape)
        level = self.levels.get(name, self.w.at)
        if isinstance(place, int):
            return self.w.load(self.places[name] + place, level=level)
        return self.w.load(self.places[name], place, level=level)

    # Numbers

    def number(self, node: Node) -> Value:
        """Write ``node`` and return its value, a double."""
        match node:
            case Num(value=value):
                return self.w.number(value)
            case Ref(name=name, index=index):
                return self.element(name, index)
            case Lookup(table=table, x=x, mode=mode, index=index):
                return self.lookup(table, x, mode, index)
            case Reduce():
                return self.reduction(node)
            case Apply(op=op, args=args) if all(isinstance(arg, Num) for arg in args):
                numbers = [arg.value for arg in args if isinstance(arg, Num)]
                return self.w.number(primitives.PRIMITIVES[op](*numbers))
            case Apply(op="if", args=(condition, yes, no)):
                return self.choice(condition, yes, no)
            case Apply(op=op) if op in PREDICATES or op in ("and", "or", "not"):
                return self.w.select(self.truth(node), self.w.number(1.0), self.w.number(0.0))
            case Apply(op=op) if op in ONCE:
                return self.once(node)
            case Apply(op=op, args=args):
                return OPERATIONS[op](self.w, *(self.number(arg) for arg in args))

    def once(self, node: Apply) -> Value:
        """Write a costly primitive, unless it has been computed; what is computed in a loop ends with its round."""
        if node in self.known:
            return self.known[node]
        value = OPERATIONS[node.op](self.w, *(self.number(arg) for arg in node.args))
        if not self.loops:
            self.known[node] = value
        return value

    def truth(self, node: Node) -> Value:
        """Write ``node`` as a condition: a number is true when it is not 0."""
        match node:
            case Apply(op=op, args=(a, b)) if op in PREDICATES:
                return self.w.compare(PREDICATES[op], self.number(a), self.number(b))
            case Apply(op=("and" | "or") as op, args=(a, b)):
                return self.w.binary(op, self.truth(a), self.truth(b))
            case Apply(op="not", args=(a,)):
                return self.w.negate(self.truth(a))
            case _:
                return self.w.compare("une", self.number(node), self.w.number(0.0))

    def choice(self, condition: Node, yes: Node, no: Node) -> Value:
        """IF: both sides and a choice between them; in a single run, a costly side only where it is taken."""
        w, test = self.w, self.truth(condition)
        if w.target.width > 1 or not (_costly(yes) or _costly(no)):
            return w.select(test, self.number(yes), self.number(no))
        labels = [w.fresh("side") for _ in range(3)]
        w.do(f"br i1 {test.name}, label %{labels[0]}, label %{labels[1]}")
        entries, before = [], self.known
        for label, side in zip(labels[:2], (yes, no), strict=True):
            w.open(label)
            self.known = dict(before)
            value = self.number(side)
            entries.append(f"[ {value.name}, %{w.label[w.at]} ]")
            w.do(f"br label %{labels[2]}")
        w.open(labels[2])
        self.known = before
        return w.emit(f"phi double {', '.join(entries)}", "f", False, w.at)

    def lookup(self, table: str, x: Node, mode: Interpolation, index: Index) -> Value:
        which = self.flat(index, self.lowered.table_by_id[table].shape)
        return self.tables.read(table, which, self.number(x), mode)

    def reduction(self, node: Reduce) -> Value:
        """Combine from left to right, the first element first; the running result stands in the workspace."""
        w = self.w
        combine = OPERATIONS[{"sum": "add", "prod": "mul"}.get(node.op, node.op)]
        spot, started = self.reserve(1), self.reserve(1)
        w.store(w.number(0.0), started)
        with self.over(node.axes):
            value = self.number(node.body)
            first = w.compare("oeq", w.load(started), w.number(0.0))
            w.store(w.select(first, value, combine(w, w.load(spot), value)), spot)
            w.store(w.number(1.0), started)
        return w.load(spot)

    def reserve(self, size: int) -> int:
        """Reserve elements of the workspace; return where they begin."""
        start, self.room = self.room, self.room + size
        return start


def _costly(node: Node) -> bool:
    """Tell whether a node is worth a branch."""
    return any(
        isinstance(part, Lookup | Reduce) or (isinstance(part, Apply) and part.op in WORK) for part in walk(node)
    )


# The primitives


def _minimum(w: Writer, a: Value, b: Value) -> Value:
    """a if a < b or a is NaN, else b."""
    return _extreme(w, "olt", "ole", a, b)


def _maximum(w: Writer, a: Value, b: Value) -> Value:
    return _extreme(w, "ogt", "oge", a, b)


def _extreme(w: Writer, strict: str, weak: str, a: Value, b: Value) -> Value:
    if b.number is not None and b.number == b.number:
        # Asked the other way round, one comparison serves NaN too: b is chosen where it is as extreme as a.
        return w.select(w.compare(weak, b, a), b, a)
    chosen = w.select(w.compare(strict, a, b), a, b)
    if a.number is not None and a.number == a.number:
        return chosen
    return w.select(w.compare("uno", a, a), a, chosen)


def _small(w: Writer, x: Value) -> Value:
    return w.compare("olt", x, w.number(primitives.SMALL))


def _xidz(w: Writer, a: Value, b: Value, x: Value) -> Value:
    return w.select(_small(w, w.intrinsic("fabs", b)), x, w.div(a, b))


def _integer(w: Writer, x: Value) -> Value:
    """The integer part; adding 0 turns -0 into 0."""
    return w.add(w.intrinsic("trunc", x), w.number(0.0))


def _quantum(w: Writer, a: Value, b: Value) -> Value:
    return w.select(_small(w, b), a, w.mul(b, _integer(w, w.div(a, b))))


def _library(op: str) -> Callable[[Writer, Value], Value]:
    own = {"exp": mathlib.exp, "ln": mathlib.ln}.get(op)

    def call(w: Writer, x: Value) -> Value:
        if own is not None and x.wide:
            return own(w, x)
        return w.call(f"@{FUNCTION}{LIBM[op]}", x)

    return call


def _power(w: Writer, x: Value, y: Value) -> Value:
    """C's pow, but any zero to a negative power is +infinity."""
    if x.wide or y.wide:
        return mathlib.power(w, x, y)
    value = w.call(f"@{FUNCTION}pow", x, y)
    at_zero = w.binary("and", w.compare("oeq", x, w.number(0.0)), w.compare("olt", y, w.number(0.0)))
    return w.select(at_zero, w.number(float("inf")), value)


OPERATIONS: Final[Mapping[str, Callable[..., Value]]] = {
    "add": Writer.add,
    "sub": Writer.sub,
    "mul": Writer.mul,
    "div": Writer.div,
    "neg": Writer.neg,
    "pow": _power,
    "min": _minimum,
    "max": _maximum,
    "xidz": _xidz,
    "zidz": lambda w, a, b: _xidz(w, a, b, w.number(0.0)),
    "integer": _integer,
    "quantum": _quantum,
    "modulo": lambda w, a, b: w.sub(a, _quantum(w, a, b)),
    "abs": lambda w, x: w.intrinsic("fabs", x),
    "sqrt": lambda w, x: w.intrinsic("sqrt", x),
    "noise": mathlib.noise,
    **{op: _library(op) for op in LIBM if op != "pow"},
}
if missing := ARITY.keys() - OPERATIONS.keys() - PREDICATES.keys() - {"and", "or", "not", "if"}:
    raise AssertionError(f"primitives that are not spelled: {sorted(missing)}")
