"""Vensim's random numbers of other distributions than the uniform one, by inverting these. It parses nothing.

The least and the largest value truncate a distribution: what is drawn has the distribution of those draws that lie
between them, as Vensim's Reference Guide says (RANDOM Number Functions) and half a million draws of Vensim's of each
kind on record have it (the folder random of SDXorg/test-models). The numbers themselves are ours. Where nothing can
lie between the two, there is no number, which ends the run.
"""

from __future__ import annotations

from sdpolicy.expression import Node, Num, apply
from sdpolicy.vensim.scope import NOT_A_NUMBER, ONE, ZERO, Scope, kept, stateless, unmarked, watched
from sdpolicy.vensim.syntax import Call


def exponential(scope: Scope, call: Call) -> Node:
    """RANDOM EXPONENTIAL(least, largest, shift, stretch, seed): shift + stretch * x, where x has a mean of 1."""
    least, largest, shift, stretch, seed = _arguments(scope, call)
    first = apply("max", ZERO, apply("div", apply("sub", least, shift), stretch))
    span = apply("sub", apply("div", apply("sub", largest, shift), stretch), first)
    part = apply("mul", _uniform(seed), apply("sub", ONE, apply("exp", apply("neg", span))))
    drawn = apply("sub", first, apply("ln", apply("sub", ONE, part)))
    allowed = apply("and", apply("gt", stretch, ZERO), apply("gt", span, ZERO))
    value = _within(apply("add", shift, apply("mul", stretch, drawn)), least, largest)
    return watched(scope, call, apply("if", allowed, value, NOT_A_NUMBER))


def triangular(scope: Scope, call: Call) -> Node:
    """RANDOM TRIANGULAR(least, largest, start, peak, stop, seed): a density that is a triangle."""
    least, largest, start, peak, stop, seed = _arguments(scope, call)
    width, left, right = apply("sub", stop, start), apply("sub", peak, start), apply("sub", stop, peak)

    def below(value: Node) -> Node:
        rising = _share(apply("sub", value, start), apply("mul", width, left))
        falling = apply("sub", ONE, _share(apply("sub", stop, value), apply("mul", width, right)))
        between = apply("if", apply("lt", value, peak), rising, falling)
        return apply("if", apply("le", value, start), ZERO, apply("if", apply("ge", value, stop), ONE, between))

    first, last = below(least), below(largest)
    drawn = apply("add", first, apply("mul", apply("sub", last, first), _uniform(seed)))
    share = kept(scope, "share of draws below", drawn, scope.loops)
    rising = apply("add", start, apply("sqrt", apply("mul", share, apply("mul", width, left))))
    above = apply("mul", apply("sub", ONE, share), apply("mul", width, right))
    falling = apply("sub", stop, apply("sqrt", above))
    value = apply("if", apply("lt", share, apply("div", left, width)), rising, falling)
    ordered = apply("and", apply("ge", left, ZERO), apply("ge", right, ZERO))
    allowed = apply("and", apply("and", ordered, apply("gt", width, ZERO)), apply("gt", last, first))
    return watched(scope, call, apply("if", allowed, _within(value, least, largest), NOT_A_NUMBER))


def _arguments(scope: Scope, call: Call) -> list[Node]:
    unmarked(scope, call)
    nodes = list(map(scope.node, call.args))
    for node in nodes:
        stateless(node, call)
    return nodes


def _uniform(seed: Node) -> Node:
    return apply("random uniform", Num(0.0), Num(1.0), seed)


def _share(length: Node, area: Node) -> Node:
    return apply("div", apply("mul", length, length), area)


def _within(value: Node, least: Node, largest: Node) -> Node:
    """Return a value that rounding has not carried out of its bounds."""
    return apply("min", largest, apply("max", least, value))
