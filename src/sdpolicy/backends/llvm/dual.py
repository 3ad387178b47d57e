"""Expressions with their derivatives: a value for all, and a tangent with a lane for each of several directions.

At a kink the derivative is that of the branch whose value is taken. It knows no run, only expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sdpolicy import primitives
from sdpolicy.backends.llvm.emit import FUNCTION, OPERATIONS, Emitter
from sdpolicy.backends.llvm.text import Value, Writer
from sdpolicy.expression import COMPARISONS, LOGIC, Apply, Index, Interpolation, Lookup, Node, Num, Reduce, Ref
from sdpolicy.lower import Lowered
from sdpolicy.program import Equation

Tangent = Value | None
"""None where the derivative is 0 in every direction."""
Dual = tuple[Value, Tangent]


class DualEmitter(Emitter):
    """Writes values as scalars and tangents as vectors of directions."""

    def __init__(self, lowered: Lowered, writer: Writer) -> None:
        super().__init__(lowered, writer)
        writer.in_lanes = False
        self.tangents: dict[str, Tangent] = {}
        self.tangent_places: dict[str, int] = {}

    def assign(self, equation: Equation) -> None:
        """Write an equation: a scalar is remembered, elements are stored."""
        name, shape = equation.target, self.lowered.by_id[equation.target].shape
        if not shape:
            self.scalars[name], self.tangents[name] = self.dual(equation.body)
            return
        self.room_for(name)
        with self.over(equation.axes):
            value, tangent = self.dual(equation.body)
            where = self.flat(equation.index, shape)
            self.keep(value, tangent, name, where)

    def room_for(self, name: str) -> None:
        """Give a quantity with dimensions its places, if it has none yet."""
        if name not in self.places:
            size = self.lowered.by_id[name].size
            self.places[name], self.tangent_places[name] = self.reserve(size), self.reserve(size)

    def keep(self, value: Value, tangent: Tangent, name: str, where: int | Value) -> None:
        offset, index = (where, None) if isinstance(where, int) else (0, where)
        self.w.store(value, self.places[name] + offset, index, wide=False)
        self.w.store(tangent or self.w.number(0.0), self.tangent_places[name] + offset, index, wide=True)

    def tangent(self, name: str, index: Index) -> Tangent:
        if name in self.scalars:
            return self.tangents.get(name)
        start, where = self.tangent_places[name], self.flat(index, self.lowered.by_id[name].shape)
        if isinstance(where, int):
            return self.w.load(start + where, wide=True)
        return self.w.load(start, where, wide=True)

    def dual(self, node: Node) -> Dual:
        """Write ``node`` and its derivative."""
        match node:
            case Num():
                return self.number(node), None
            case Ref(name=name, index=index):
                return self.number(node), self.tangent(name, index)
            case Lookup(table=table, x=inner, mode=mode, index=index):
                return self.dual_lookup(table, inner, mode, index)
            case Reduce():
                return self.dual_reduction(node)
            case Apply(op=op) if op in COMPARISONS or op in LOGIC or op in ("integer", "noise"):
                return self.number(node), None
            case Apply(op="if", args=(condition, yes, no)):
                test, (a, da), (b, db) = self.truth(condition), self.dual(yes), self.dual(no)
                return self.w.select(test, a, b), choose(self.w, test, da, db)
            case Apply(op=op, args=args):
                pairs = [self.dual(arg) for arg in args]
                value = OPERATIONS[op](self.w, *(a for a, _ in pairs))
                if all(tangent is None for _, tangent in pairs):
                    return value, None
                return value, RULES[op](self.w, value, *pairs)

    def dual_lookup(self, table: str, inner: Node, mode: Interpolation, index: Index) -> Dual:
        x, dx = self.dual(inner)
        which = self.flat(index, self.lowered.table_by_id[table].shape)
        value = self.tables.read(table, which, x, mode)
        if dx is None or mode in ("backward", "forward"):
            return value, None
        return value, self.w.mul(self.tables.slope(table, which, x, mode), dx)

    def dual_reduction(self, node: Reduce) -> Dual:
        """Combine from left to right; the running value and tangent stand in the workspace."""
        w = self.w
        op = {"sum": "add", "prod": "mul"}.get(node.op, node.op)
        spot, slant, started = (self.reserve(1) for _ in range(3))
        w.store(w.number(0.0), started)
        with self.over(node.axes):
            value, tangent = self.dual(node.body)
            one = value, tangent or w.number(0.0)
            before = w.load(spot), w.load(slant, wide=True)
            both = OPERATIONS[op](w, before[0], value)
            change = RULES[op](w, both, before, one) or w.number(0.0)
            first = w.compare("oeq", w.load(started), w.number(0.0))
            w.store(w.select(first, value, both), spot)
            w.store(w.select(first, one[1], change), slant, wide=True)
            w.store(w.number(1.0), started)
        return w.load(spot), w.load(slant, wide=True)


# The rules of differentiation: the value of the operation, then each argument with its tangent


def plus(w: Writer, a: Tangent, b: Tangent) -> Tangent:
    if a is None or b is None:
        return b if a is None else a
    return w.add(a, b)


def minus(w: Writer, a: Tangent, b: Tangent) -> Tangent:
    if b is None:
        return a
    return w.neg(b) if a is None else w.sub(a, b)


def times(w: Writer, factor: Value, tangent: Tangent) -> Tangent:
    return None if tangent is None else w.mul(factor, tangent)


def choose(w: Writer, test: Value, a: Tangent, b: Tangent) -> Tangent:
    if a is None and b is None:
        return None
    zero = w.number(0.0)
    return w.select(test, a or zero, b or zero)


def _quotient(w: Writer, value: Value, a: Dual, b: Dual) -> Tangent:
    top = minus(w, a[1], times(w, value, b[1]))
    return None if top is None else w.binary("fdiv", top, b[0])


def _power(w: Writer, value: Value, a: Dual, b: Dual) -> Tangent:
    """b * a**(b-1) * da + ln(a) * a**b * db."""
    base: Tangent = None
    if a[1] is not None:
        less = OPERATIONS["pow"](w, a[0], w.sub(b[0], w.number(1.0)))
        base = times(w, w.mul(b[0], less), a[1])
    exponent: Tangent = None
    if b[1] is not None:
        exponent = times(w, w.mul(OPERATIONS["ln"](w, a[0]), value), b[1])
    return plus(w, base, exponent)


def _extreme(predicate: str) -> Callable[..., Tangent]:
    def rule(w: Writer, _: Value, a: Dual, b: Dual) -> Tangent:
        return choose(w, w.compare(predicate, a[0], b[0]), a[1], b[1])

    return rule


def _tiny(w: Writer, x: Value) -> Value:
    return w.compare("olt", x, w.number(primitives.SMALL))


def _xidz(w: Writer, value: Value, a: Dual, b: Dual, x: Dual) -> Tangent:
    return choose(w, _tiny(w, w.intrinsic("fabs", b[0])), x[1], _quotient(w, value, a, b))


def _quantum(w: Writer, _: Value, a: Dual, b: Dual) -> Tangent:
    whole = OPERATIONS["integer"](w, w.div(a[0], b[0]))
    return choose(w, _tiny(w, b[0]), a[1], times(w, whole, b[1]))


def _modulo(w: Writer, value: Value, a: Dual, b: Dual) -> Tangent:
    return minus(w, a[1], _quantum(w, value, a, b))


def _absolute(w: Writer, _: Value, a: Dual) -> Tangent:
    below = w.compare("olt", a[0], w.number(0.0))
    return choose(w, below, minus(w, None, a[1]), a[1])


def _factor(slope: Callable[[Writer, Value, Value], Value]) -> Callable[..., Tangent]:
    """The rule of a function of one argument, whose derivative is ``slope(writer, value, argument)``."""

    def rule(w: Writer, value: Value, a: Dual) -> Tangent:
        return None if a[1] is None else w.mul(slope(w, value, a[0]), a[1])

    return rule


def _one_minus_square(w: Writer, x: Value) -> Value:
    return w.sub(w.number(1.0), w.mul(x, x))


def _inverse(w: Writer, x: Value) -> Value:
    return w.binary("fdiv", w.number(1.0), x)


def _call(name: str, w: Writer, x: Value) -> Value:
    return w.call(f"@{FUNCTION}{name}", x)


RULES: Final[Mapping[str, Callable[..., Tangent]]] = {
    "add": lambda w, _, a, b: plus(w, a[1], b[1]),
    "sub": lambda w, _, a, b: minus(w, a[1], b[1]),
    "mul": lambda w, _, a, b: plus(w, times(w, b[0], a[1]), times(w, a[0], b[1])),
    "div": _quotient,
    "neg": lambda w, _, a: minus(w, None, a[1]),
    "pow": _power,
    "min": _extreme("olt"),
    "max": _extreme("ogt"),
    "xidz": _xidz,
    "zidz": lambda w, v, a, b: _xidz(w, v, a, b, (w.number(0.0), None)),
    "quantum": _quantum,
    "modulo": _modulo,
    "abs": _absolute,
    "exp": _factor(lambda _, v, __: v),
    "ln": _factor(lambda w, _, x: _inverse(w, x)),
    "sqrt": _factor(lambda w, v, _: w.binary("fdiv", w.number(0.5), v)),
    "sin": _factor(lambda w, _, x: _call("cos", w, x)),
    "cos": _factor(lambda w, _, x: w.neg(_call("sin", w, x))),
    "tan": _factor(lambda w, v, _: w.add(w.number(1.0), w.mul(v, v))),
    "arcsin": _factor(lambda w, _, x: _inverse(w, w.intrinsic("sqrt", _one_minus_square(w, x)))),
    "arccos": _factor(lambda w, _, x: w.neg(_inverse(w, w.intrinsic("sqrt", _one_minus_square(w, x))))),
    "arctan": _factor(lambda w, _, x: _inverse(w, w.add(w.number(1.0), w.mul(x, x)))),
    "sinh": _factor(lambda w, _, x: _call("cosh", w, x)),
    "cosh": _factor(lambda w, _, x: _call("sinh", w, x)),
    "tanh": _factor(lambda w, v, _: _one_minus_square(w, v)),
}
if missing := OPERATIONS.keys() - RULES.keys() - {"integer", "noise"}:
    raise AssertionError(f"primitives without a derivative: {sorted(missing)}")
