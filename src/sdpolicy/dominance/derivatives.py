"""Derivatives of expressions as expressions: exact, by the rules of calculus, on the primitives. It runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sdpolicy.expression import ARITY, Apply, Lookup, Node, Num, Reduce, Ref, references
from sdpolicy.primitives import Curve

ZERO, ONE, TWO = Num(0.0), Num(1.0), Num(2.0)


def derivative(node: Node, name: str, curves: Mapping[str, Curve]) -> tuple[Node, Mapping[str, Curve]]:
    """Return the partial derivative of ``node`` by the quantity ``name``, and the tables of slopes that it reads.

    Where a function has a corner (MIN, MAX, IF, a table's points) it is the derivative of the branch that is
    taken there; where it jumps it is 0.
    """
    work = _Work(curves)
    return work.of(node, name), work.slopes


class _Work:
    def __init__(self, curves: Mapping[str, Curve]) -> None:
        self.curves = curves
        self.slopes: dict[str, Curve] = {}

    def of(self, node: Node, name: str) -> Node:
        if name not in references(node):
            return ZERO
        match node:
            case Ref():
                return ONE
            case Apply(op="if", args=(condition, yes, no)):
                return Apply("if", (condition, self.of(yes, name), self.of(no, name)))
            case Apply(op=op, args=args):
                inner = [self.of(arg, name) for arg in args]
                parts = [times(rule(args), d) for rule, d in zip(RULES[op], inner, strict=True) if d != ZERO]
                return total(parts)
            case Lookup(table=table, x=x, mode=mode):
                if mode in ("backward", "forward"):
                    return ZERO
                return times(Lookup(self.table(table, mode), x, "backward"), self.of(x, name))
            case Num() | Reduce():
                return ZERO

    def table(self, table: str, mode: str) -> str:
        """Return the step table of a curve's slopes: flat beyond its ends unless it is continued there."""
        curve = self.curves[table]
        slopes = list(curve.slopes) or [0.0]
        first, last = (slopes[0], slopes[-1]) if mode == "extrapolate" else (0.0, 0.0)
        below = curve.xs[0] - 1.0
        inner = [*slopes, last] if len(curve.xs) > 1 else [last]
        made = Curve((below, *curve.xs), (first, *inner), (0.0,) * len(curve.xs))
        self.slopes[f"{table}/slope/{mode}"] = made
        return f"{table}/slope/{mode}"


def times(a: Node, b: Node) -> Node:
    """Return a * b, without the factors 0 and 1."""
    if ZERO in (a, b):
        return ZERO
    return b if a == ONE else a if b == ONE else Apply("mul", (a, b))


def total(parts: Sequence[Node]) -> Node:
    """Return the sum of ``parts``."""
    result: Node = ZERO
    for part in parts:
        result = part if result == ZERO else result if part == ZERO else Apply("add", (result, part))
    return result


def _f(op: str, *args: Node) -> Apply:
    return Apply(op, args)


Rule = Callable[[Sequence[Node]], Node]
"""From the arguments of a function to its partial derivative by one of them."""


def _flat(_: Sequence[Node]) -> Node:
    return ZERO


def _one(_: Sequence[Node]) -> Node:
    return ONE


def _minus(_: Sequence[Node]) -> Node:
    return Num(-1.0)


def _guarded(by: Rule, otherwise: Rule) -> Rule:
    """Return the rule of ZIDZ and XIDZ: as of a division, but where the divisor counts as zero."""
    small = Num(1e-6)
    return lambda a: _f("if", _f("lt", _f("abs", a[1]), small), otherwise(a), by(a))


_BY_TOP: Final[Rule] = lambda a: _f("div", ONE, a[1])  # noqa: E731 (a table of formulas reads best as formulas)
_BY_BOTTOM: Final[Rule] = lambda a: _f("neg", _f("div", a[0], _f("mul", a[1], a[1])))  # noqa: E731
_POWER_BASE: Final[Rule] = lambda a: _f("mul", a[1], _f("pow", a[0], _f("sub", a[1], ONE)))  # noqa: E731
_POWER_TOP: Final[Rule] = lambda a: _f(  # noqa: E731
    "if", _f("gt", a[0], ZERO), _f("mul", _f("pow", a[0], a[1]), _f("ln", a[0])), ZERO
)
_RIDGE: Final[Rule] = lambda a: _f("sqrt", _f("sub", ONE, _f("mul", a[0], a[0])))  # noqa: E731

RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "add": (_one, _one),
    "sub": (_one, _minus),
    "mul": (lambda a: a[1], lambda a: a[0]),
    "div": (_BY_TOP, _BY_BOTTOM),
    "pow": (_POWER_BASE, _POWER_TOP),
    "neg": (_minus,),
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne", "and", "or"), (_flat, _flat)),
    "not": (_flat,),
    "if": (_flat, _one, _one),
    "min": (lambda a: _f("lt", a[0], a[1]), lambda a: _f("not", _f("lt", a[0], a[1]))),
    "max": (lambda a: _f("gt", a[0], a[1]), lambda a: _f("not", _f("gt", a[0], a[1]))),
    "zidz": (_guarded(_BY_TOP, _flat), _guarded(_BY_BOTTOM, _flat)),
    "xidz": (_guarded(_BY_TOP, _flat), _guarded(_BY_BOTTOM, _flat), _guarded(_flat, _one)),
    "modulo": (_one, lambda a: _f("neg", _f("integer", _f("div", a[0], a[1])))),
    "quantum": (_flat, lambda a: _f("integer", _f("div", a[0], a[1]))),
    "abs": (lambda a: _f("sub", _f("gt", a[0], ZERO), _f("lt", a[0], ZERO)),),
    "exp": (lambda a: _f("exp", a[0]),),
    "ln": (lambda a: _f("div", ONE, a[0]),),
    "sqrt": (lambda a: _f("div", Num(0.5), _f("sqrt", a[0])),),
    "integer": (_flat,),
    "noise": (_flat, _flat),
    "sin": (lambda a: _f("cos", a[0]),),
    "cos": (lambda a: _f("neg", _f("sin", a[0])),),
    "tan": (lambda a: _f("add", ONE, _f("mul", _f("tan", a[0]), _f("tan", a[0]))),),
    "arcsin": (lambda a: _f("div", ONE, _RIDGE(a)),),
    "arccos": (lambda a: _f("neg", _f("div", ONE, _RIDGE(a))),),
    "arctan": (lambda a: _f("div", ONE, _f("add", ONE, _f("mul", a[0], a[0]))),),
    "sinh": (lambda a: _f("cosh", a[0]),),
    "cosh": (lambda a: _f("sinh", a[0]),),
    "tanh": (lambda a: _f("sub", ONE, _f("mul", _f("tanh", a[0]), _f("tanh", a[0]))),),
}
if RULES.keys() != ARITY.keys() or any(len(rules) != ARITY[op] for op, rules in RULES.items()):
    raise AssertionError("a primitive without a rule for each argument")
