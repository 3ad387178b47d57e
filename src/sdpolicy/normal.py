"""The standard normal distribution as expressions of our primitives, to about seven digits. It knows no run.

Shares of a tail keep their digits however small they are, so that a number can be drawn from any part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sdpolicy.expression import Node, Num, apply

TAIL: Final = (
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
)  # fmt: skip
"""ln(erfc(x) / t) + x * x by powers of t = 1 / (1 + x / 2), to 1.2e-7 (Press et al. 1992, Numerical Recipes, 6.2)."""
MIDDLE: Final = (
    (3.3871327179, 50.434271938, 159.29113202, 59.109374720),
    (1.0, 17.895169469, 78.757757664, 67.187563600),
)
OUTER: Final = ((1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103), (1.0, 0.73700164250, 0.12021132975))
FAR: Final = ((6.6579051150, 3.0812263860, 0.42868294337, 0.017337203997), (1.0, 0.24197894225, 0.012258202635))
"""Numerators and denominators of the quantile, to 1e-7 (Wichura 1988, algorithm AS 241, doi:10.2307/2347330)."""


def between(low: Node, high: Node, share: Node, keep: Callable[[Node], Node]) -> Node:
    """Return the number below which ``share`` of the distribution between ``low`` and ``high`` lies.

    Args:
        keep: makes a quantity of an expression that is read more than once.
    """
    # Above 0 the mirror image is taken: a small share of an upper tail has digits, 1 minus it has none.
    mirrored = keep(apply("gt", low, Num(0.0)))
    first = keep(apply("if", mirrored, apply("neg", high), low))
    last = keep(apply("if", mirrored, apply("neg", low), high))
    start = keep(below(first, keep))
    share = apply("if", mirrored, apply("sub", Num(1.0), share), share)
    part = keep(apply("add", start, apply("mul", apply("sub", below(last, keep), start), share)))
    number = keep(quantile(part, keep))
    return apply("if", mirrored, apply("neg", number), number)


def below(x: Node, keep: Callable[[Node], Node]) -> Node:
    """Return the share of the distribution below ``x``."""
    size = apply("div", apply("abs", x), Num(2.0**0.5))
    t = keep(apply("div", Num(1.0), apply("add", Num(1.0), apply("mul", Num(0.5), size))))
    exponent = apply("sub", polynomial(TAIL, t), apply("div", apply("mul", x, x), Num(2.0)))
    tail = keep(apply("mul", Num(0.5), apply("mul", t, apply("exp", exponent))))
    return apply("if", apply("gt", x, Num(0.0)), apply("sub", Num(1.0), tail), tail)


def quantile(share: Node, keep: Callable[[Node], Node]) -> Node:
    """Return the number below which ``share`` of the distribution lies."""
    off = keep(apply("sub", share, Num(0.5)))
    r = keep(apply("sub", Num(0.180625), apply("mul", off, off)))
    middle = apply("mul", off, _ratio(MIDDLE, r))
    smaller = apply("min", share, apply("sub", Num(1.0), share))
    depth = keep(apply("sqrt", apply("neg", apply("ln", smaller))))
    outer, far = (_ratio(terms, keep(apply("sub", depth, Num(start)))) for terms, start in ((OUTER, 1.6), (FAR, 5.0)))
    tail = keep(apply("if", apply("le", depth, Num(5.0)), outer, far))
    signed = apply("if", apply("lt", off, Num(0.0)), apply("neg", tail), tail)
    return apply("if", apply("le", apply("abs", off), Num(0.425)), middle, signed)


def polynomial(terms: Sequence[float], x: Node) -> Node:
    """Return the sum of terms[n] * x**n (Horner's scheme)."""
    total: Node = Num(terms[-1])
    for term in reversed(terms[:-1]):
        total = apply("add", Num(term), apply("mul", x, total))
    return total


def _ratio(terms: tuple[Sequence[float], Sequence[float]], x: Node) -> Node:
    return apply("div", polynomial(terms[0], x), polynomial(terms[1], x))
