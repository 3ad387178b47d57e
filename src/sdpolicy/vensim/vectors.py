"""Vensim's functions of whole vectors, as sums, products and choices over loops. It parses nothing.

The meaning is that of Vensim's Reference Guide (https://www.vensim.com/documentation, Arrays, Vectors, and
Subscripts) and of the output that Vensim gave to the public collection SDXorg/test-models: positions count from 0,
ranks from 1, and the action 5 of VECTOR SELECT raises the expression to the selection, not the other way round, as
the guide has it. Equal elements keep their order, which the guide leaves open. Where Vensim stops with an error, or
where its answer is not on record, the result is not a number, which ends the run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sdpolicy.expression import At, Axis, Node, Num, Reduce, Ref, apply, moving
from sdpolicy.program import fold
from sdpolicy.vensim.allocation import allocation
from sdpolicy.vensim.functions import BINDING
from sdpolicy.vensim.matrices import inverse
from sdpolicy.vensim.prepare import Refusal
from sdpolicy.vensim.scope import (
    NOT_A_NUMBER,
    ONE,
    ZERO,
    Scope,
    along,
    is_whole,
    kept,
    moves,
    places,
    quantity_of,
    stateless,
    watched,
)
from sdpolicy.vensim.syntax import NOT_AVAILABLE, Call, Inline, Name, Syntax


def vector(scope: Scope, call: Call) -> Node:
    """Translate a call of one of these functions, whose number of arguments has been checked.

    Raises:
        Refusal: for arguments that the function does not take, or not in this place.
    """
    function, vectors = _FUNCTIONS[fold(call.function)]
    for arg in call.args[:vectors]:
        if isinstance(arg, Name) and scope.named(arg) == ZERO:
            return ZERO  # its own definition is the problem, and has been noted
    return function(scope, call)


def marks(syntax: Syntax) -> Iterator[str]:
    """Yield the folded names of ranges marked with ``!``, outside of inner functions that run over them."""
    match syntax:
        case Name(subscripts=subscripts):
            yield from (fold(one.rstrip("! ")) for one in subscripts if one.rstrip().endswith("!"))
        case Call(function=function, args=args, subscripts=subscripts):
            yield from (fold(one.rstrip("! ")) for one in subscripts if one.rstrip().endswith("!"))
            for arg in args[BINDING.get(fold(function), 0) :]:
                yield from marks(arg)
        case Inline(x=x):
            yield from marks(x)
        case _:
            pass


def _select(scope: Scope, call: Call) -> Node:
    """VECTOR SELECT(selection, expression, value if nothing is selected, numerical action, error action)."""
    loops, (selection, expression) = scope.bound(call)
    missing, action, error = map(scope.node, call.args[2:])
    for part in (selection, expression, missing, action, error):
        stateless(part, call)
    own = tuple(loop.axis for loop in loops if moves(selection, loop.axis))
    selected = apply("ne", selection, ZERO)
    count = Reduce("sum", own, selected) if own else selected
    actions = _actions(tuple(loop.axis for loop in loops), selection, expression, count)
    result = _chosen(action, actions, "the numerical action of VECTOR SELECT", NOT_A_NUMBER)
    result = apply("if", apply("eq", count, ZERO), missing, result)
    faults = (ZERO, apply("eq", count, ZERO), apply("gt", count, ONE), apply("ne", count, ONE))
    fault = _chosen(error, faults, "the error action of VECTOR SELECT", ONE)
    if fault == ZERO and isinstance(action, Num):
        return result
    return watched(scope, call, result if fault == ZERO else apply("if", fault, NOT_A_NUMBER, result))


def _actions(axes: tuple[Axis, ...], selection: Node, expression: Node, count: Node) -> list[Node]:
    """Return what the numerical actions 0 to 10 make of the selected elements; ``count`` is how many these are."""
    others = math.prod(axis.size for axis in axes if not moves(selection, axis))
    number = count if others == 1 else apply("mul", count, Num(float(others)))
    selected = apply("ne", selection, ZERO)
    # A selection that is no number must not be taken for one that selects; that of a variable is seen there.
    plain = expression if isinstance(selection, Ref | Num) else apply("add", expression, apply("mul", ZERO, selection))

    def over(op: str, body: Node, otherwise: float) -> Node:
        return Reduce(op, axes, apply("if", selected, body, Num(otherwise)))  # type: ignore[arg-type]

    def five(body: Node) -> list[Node]:
        total, extremes = over("sum", body, 0.0), (over("min", body, math.inf), over("max", body, -math.inf))
        return [total, over("prod", body, 1.0), *extremes, apply("div", total, number)]

    power = over("prod", apply("pow", expression, selection), 1.0)
    return [*five(apply("mul", selection, expression)), power, *five(plain)]


def _chosen(key: Node, options: Sequence[Node], what: str, otherwise: Node) -> Node:
    """Return the option that ``key`` is the number of, from 0 on; ``otherwise`` where a run gives it no such value."""
    if isinstance(key, Num):
        if key.value not in range(len(options)):
            raise Refusal(f"{what} is {key.value:g}", f"Use a whole number from 0 to {len(options) - 1}.")
        return options[int(key.value)]
    result = otherwise
    for number, option in reversed(list(enumerate(options))):
        result = apply("if", apply("eq", key, Num(float(number))), option, result)
    return result


def _sort_order(scope: Scope, call: Call) -> Node:
    """VECTOR SORT ORDER(vector, direction): which element, counted from 0, stands at each place of the order."""
    vec, last = _whole_vector(scope, call, 0)
    place = places(scope.symbols, (quantity_of(scope, vec).dimensions[-1],))
    rank = kept(scope, "rank", _rank_from_0(scope, call, vec), scope.loops, "Dmnl")
    other = along(scope, last)
    is_there = apply("eq", Ref(rank.name, (*rank.index[:-1], other)), Ref(place.id, (last,)))
    return Reduce(
        "sum", (Axis(other.axis, len(other.positions)),), apply("if", is_there, Ref(place.id, (other,)), ZERO)
    )


def _rank(scope: Scope, call: Call) -> Node:
    """VECTOR RANK(vector, direction): the place of each element in the order, counted from 1."""
    vec, _ = _whole_vector(scope, call, 0)
    return apply("add", _rank_from_0(scope, call, vec), ONE)


def _rank_from_0(scope: Scope, call: Call, vec: Ref) -> Node:
    """Count the elements that come before an element of a vector: a direction above 0 sorts upwards."""
    direction, last = scope.node(call.args[1]), vec.index[-1]
    assert isinstance(last, At)
    if not isinstance(direction, Num | Ref) or moves(direction, Axis(last.axis, 0)):
        what = f"the direction of {fold(call.function).upper()} must be one number or variable for the whole vector"
        raise Refusal(what, "Give it a variable of its own.")
    place = places(scope.symbols, (quantity_of(scope, vec).dimensions[-1],))
    other = along(scope, last)
    theirs = Ref(vec.name, (*vec.index[:-1], other))
    upwards, downwards = apply("lt", theirs, vec), apply("gt", theirs, vec)
    if isinstance(direction, Num):
        before = upwards if direction.value > 0.0 else downwards
    else:
        before = apply("if", apply("gt", direction, ZERO), upwards, downwards)
    earlier = apply("lt", Ref(place.id, (other,)), Ref(place.id, (last,)))
    before = apply("or", before, apply("and", apply("eq", theirs, vec), earlier))
    return Reduce("sum", (Axis(other.axis, len(other.positions)),), before)


def _reorder(scope: Scope, call: Call) -> Node:
    """VECTOR REORDER(vector, order): at each place the element whose number, from 0 on, the order has there."""
    vec, _ = _whole_vector(scope, call, 0)
    order, _ = _whole_vector(scope, call, 1)
    return watched(scope, call, _element(scope, vec, order, (1, NOT_A_NUMBER)))


def _elm_map(scope: Scope, call: Call) -> Node:
    """VECTOR ELM MAP(variable[element], offset): the element so many places further on, last subscript fastest.

    A variable over a part of a range has its elements at places that are not on record; so they are counted over
    as many of the last subscripts as are whole ranges. Beyond the variable there is :NA:.
    """
    ref = scope.named(call.args[0]) if isinstance(call.args[0], Name) else None
    offset = scope.node(call.args[1])
    stateless(offset, call)
    if not isinstance(ref, Ref) or not ref.index:
        cure = "Give it an element of a variable to count from, as in VECTOR ELM MAP(x[first], offset)."
        raise Refusal("the first argument of VECTOR ELM MAP must be a variable with subscripts", cure)
    dimensions = quantity_of(scope, ref).dimensions
    count = 0
    while count < len(dimensions) and is_whole(scope, tuple(map(fold, dimensions[-1 - count].elements))):
        count += 1
    if not count:
        what = f"VECTOR ELM MAP cannot count along '{dimensions[-1].name}', which is a part of a range"
        raise Refusal(what, "Define the variable over the whole range.")
    start = Ref(places(scope.symbols, dimensions[-count:]).id, ref.index[-count:])
    outside = Num(NOT_AVAILABLE) if count == len(dimensions) else NOT_A_NUMBER
    return watched(scope, call, _element(scope, ref, apply("add", start, offset), (count, outside)))


def _element(scope: Scope, ref: Ref, at: Node, among: tuple[int, Node]) -> Node:
    """Return element number ``at`` of a variable, counted over its last ``among[0]`` subscripts, else ``among[1]``."""
    count, outside = among
    dimensions = quantity_of(scope, ref).dimensions[-count:]
    axes = tuple(scope.axis(len(dimension.elements)) for dimension in dimensions)
    index = tuple(moving(axis) for axis in axes)
    size = math.prod(axis.size for axis in axes)
    place = Ref(places(scope.symbols, dimensions).id, index)
    element = Ref(ref.name, (*ref.index[:-count], *index))
    found = Reduce("sum", axes, apply("if", apply("eq", place, at), element, ZERO))
    inside = apply("and", apply("ge", at, ZERO), apply("lt", at, Num(float(size))))
    is_whole = apply("eq", apply("sub", at, apply("integer", at)), ZERO)
    return apply("if", is_whole, apply("if", inside, found, outside), NOT_A_NUMBER)


def _whole_vector(scope: Scope, call: Call, which: int) -> tuple[Ref, At]:
    """Return an argument that is a vector along the last subscript of the left side, and that subscript."""
    arg, last = call.args[which], scope.index[-1] if scope.index else None
    vec = scope.named(arg) if isinstance(arg, Name) else None
    if isinstance(vec, Ref) and vec.index and isinstance(last, At):
        own = tuple(map(fold, quantity_of(scope, vec).dimensions[-1].elements))
        (left,) = (loop.elements for loop in scope.loops if loop.axis.id == last.axis)
        along = At(last.axis, tuple(range(len(own))))
        if vec.index[-1] == along and len(left) == len(own) and is_whole(scope, own) and is_whole(scope, left):
            return vec, along
    name = fold(call.function).upper()
    what = f"{name} takes variables over a whole range, no part of another: the last on the left, or one mapped to it"
    raise Refusal(what, f"Write it as y[range] = {name}(x[range], ...).")


_FUNCTIONS: Final[dict[str, tuple[Callable[[Scope, Call], Node], int]]] = {
    "vector select": (_select, 0),
    "vector elm map": (_elm_map, 1),
    "vector sort order": (_sort_order, 1),
    "vector reorder": (_reorder, 2),
    "vector rank": (_rank, 1),
    "invert matrix": (inverse, 1),
    "allocate by priority": (allocation, 2),
}
"""The functions, and how many of their first arguments must be variables."""
