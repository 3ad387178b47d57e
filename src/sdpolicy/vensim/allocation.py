"""ALLOCATE BY PRIORITY in closed form, as sums and extremes over loops. It parses nothing.

Each request is served as a price falls from its priority on, evenly over one width, and all of it below; the price is
the one at which what is served is the supply (Vensim's Reference Guide, Allocation Overview, rectangular curves). The
total is linear between the prices at which a request begins or ends to be served. So it is computed at these, and the
shares at the two that enclose the supply are interpolated. Requests or supplies below 0, and a width that is not above
0, for which the guide has no rule, give no number, which ends the run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sdpolicy.expression import At, Axis, Node, Num, Reduce, Ref, apply, moving
from sdpolicy.program import fold
from sdpolicy.vensim.prepare import Refusal
from sdpolicy.vensim.scope import NOT_A_NUMBER, ONE, ZERO, Scope, kept, moves, quantity_of, unmarked, watched
from sdpolicy.vensim.symbols import Loop
from sdpolicy.vensim.syntax import Call, Name, Syntax

Extreme = Literal["min", "max"]


@dataclass(frozen=True, slots=True)
class _Work:
    """An allocation: what is requested with what priority by each step of the loop ``who``, and how far it spreads."""

    scope: Scope
    request: Ref
    priority: Ref
    who: Loop
    width: Node = ONE

    def number(self, what: str, body: Node, unit: str) -> Ref:
        """Return a hidden quantity with one number for each step of the loops around."""
        outer = [loop for loop in self.scope.loops if loop is not self.who]
        return kept(self.scope, what, body, outer, unit)

    def each(self, what: str, body: Node, unit: str) -> Ref:
        """Return a hidden quantity with one number for each request."""
        return kept(self.scope, what, body, self.scope.loops, unit)

    def settled(self, what: str, syntax: Syntax) -> Node:
        """Return an argument that is one number for all requests; a variable of its own, where it is an expression."""
        node = self.scope.node(syntax)
        if moves(node, self.who.axis):
            refused = f"the {what} of ALLOCATE BY PRIORITY must be the same for all requests"
            raise Refusal(refused, "Give it the subscripts before the last alone.")
        return node if isinstance(node, Num | Ref) else self.number(what, node, "")

    def shares(self, one: Ref, other: Ref) -> tuple[Node, Node]:
        """Return how much of a request is served at the prices at which the other begins and ends to be."""
        width = apply("if", apply("gt", self.width, ZERO), self.width, Num(math.inf))
        distance = apply("div", apply("sub", one, other), width)
        return _between_0_and_1(distance), _between_0_and_1(apply("add", distance, ONE))


def allocation(scope: Scope, call: Call) -> Node:
    """ALLOCATE BY PRIORITY(request, priority, size, width, supply): what each request gets of the supply."""
    work = _work(scope, call)
    supply = work.settled("supply", call.args[4])
    unit = quantity_of(scope, work.request).unit
    axis = scope.axis(work.who.axis.size)
    request, priority = _turned(work.request, axis), _turned(work.priority, axis)
    total = work.number("requested", Reduce("sum", (axis,), request), unit)
    available = work.number("available", apply("min", supply, total), unit)
    served = [
        work.each(f"total where each {word}", Reduce("sum", (axis,), apply("mul", request, share)), unit)
        for word, share in zip(("begins", "ends"), work.shares(priority, work.priority), strict=True)
    ]
    totals = [_turned(ref, axis) for ref in served]
    above = _nearest(axis, (available, totals, totals), total, "min")
    below = _nearest(axis, (available, totals, totals), ZERO, "max")
    more, less = work.number("total above", above, unit), work.number("total below", below, unit)
    way = apply("if", apply("gt", more, less), _quotient(more, available, less), ZERO)
    part = work.number("way down", way, "Dmnl")
    shares = work.shares(work.priority, priority)
    high = work.each("share above", _nearest(axis, (available, totals, shares), ONE, "min"), "Dmnl")
    low = _nearest(axis, (available, totals, shares), ZERO, "max")
    share = apply("add", high, apply("mul", apply("sub", low, high), part))
    result = apply("mul", work.request, work.each("share", share, "Dmnl"))
    least = apply("ge", Reduce("min", (axis,), request), ZERO)
    allowed = apply("and", apply("and", apply("gt", work.width, ZERO), apply("ge", supply, ZERO)), least)
    return watched(scope, call, apply("if", allowed, result, NOT_A_NUMBER))


def _work(scope: Scope, call: Call) -> _Work:
    """Return what a call works on; refuse a form of it that the guide does not have."""
    unmarked(scope, call)
    last = scope.index[-1] if scope.index else None
    who = next((loop for loop in scope.loops if isinstance(last, At) and loop.axis.id == last.axis), None)
    request, priority = (_vector(scope, arg, who) for arg in call.args[:2])
    if who is None or request is None or priority is None:
        what = (
            "ALLOCATE BY PRIORITY takes variables whose last subscript, with all its elements, is the last on the left"
        )
        raise Refusal(
            what, "Write it as x[who] = ALLOCATE BY PRIORITY(request[who], priority[who], ELMCOUNT(who), ...)."
        )
    if scope.node(call.args[2]) != Num(float(who.axis.size)):
        what = f"the size of ALLOCATE BY PRIORITY must be the number of requests, {who.axis.size}"
        raise Refusal(what, "Write it as a number, or with ELMCOUNT.")
    work = _Work(scope, request, priority, who)
    return replace(work, width=work.settled("width", call.args[3]))


def _vector(scope: Scope, arg: Syntax, who: Loop | None) -> Ref | None:
    """Return an argument that has an element for each step of the loop and nothing else that moves with it."""
    ref = scope.named(arg) if isinstance(arg, Name) else None
    if who is None or not isinstance(ref, Ref) or not ref.index:
        return None
    own = tuple(map(fold, quantity_of(scope, ref).dimensions[-1].elements))
    around = Ref(ref.name, ref.index[:-1])
    right = ref.index[-1] == moving(who.axis) and own == who.elements and not moves(around, who.axis)
    return ref if right else None


def _nearest(axis: Axis, given: tuple[Node, Sequence[Node], Sequence[Node]], otherwise: Node, op: Extreme) -> Node:
    """Return the least option of those whose total is not below what is available, or the largest of the others.

    ``given`` are what is available, and the totals and options where each request begins and ends to be served.
    """
    available, totals, options = given
    relation = "ge" if op == "min" else "le"
    begin, end = (
        apply("if", apply(relation, total, available), option, otherwise)
        for total, option in zip(totals, options, strict=True)
    )
    return Reduce(op, (axis,), apply(op, begin, end))


def _quotient(more: Node, available: Node, less: Node) -> Node:
    return apply("div", apply("sub", more, available), apply("sub", more, less))


def _between_0_and_1(node: Node) -> Node:
    return apply("max", ZERO, apply("min", ONE, node))


def _turned(ref: Ref, axis: Axis) -> Ref:
    """Return a reference with another loop over its last subscript."""
    return Ref(ref.name, (*ref.index[:-1], moving(axis)))
