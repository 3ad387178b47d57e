"""What functions with a translation of their own need: a definition's scope, and the hidden quantities behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Final, Protocol

from sdpolicy.expression import STATEFUL, Apply, At, Axis, Index, Lookup, Node, Num, Ref, apply, walk
from sdpolicy.program import Dimension, Equation, Quantity, fold
from sdpolicy.vensim.prepare import Refusal
from sdpolicy.vensim.subscripts import Elements
from sdpolicy.vensim.symbols import Loop, Symbols
from sdpolicy.vensim.syntax import Call, Name, Syntax

ZERO, ONE = Num(0.0), Num(1.0)
NOT_A_NUMBER: Final = Apply("div", (ZERO, ZERO))


class Scope(Protocol):
    """What these functions need of a definition that is being translated."""

    symbols: Symbols
    target: Quantity
    loops: list[Loop]
    axes: tuple[Axis, ...]
    index: Index
    marked: dict[str, Loop]
    whole: Syntax | None
    """The right side that the definition at hand consists of."""

    def node(self, syntax: Syntax) -> Node: ...
    def named(self, name: Name) -> Node: ...
    def bound(self, call: Call) -> tuple[list[Loop], list[Node]]: ...
    def axis(self, size: int) -> Axis: ...
    def resolve(self, written: tuple[str, ...], dimensions: tuple[Dimension, ...], name: str) -> Index: ...
    def hide_along(
        self, what: str, loops: Sequence[Loop], more: tuple[Dimension, ...] = ()
    ) -> tuple[Quantity, Index]: ...


def quantity_of(scope: Scope, ref: Ref) -> Quantity:
    """Return the quantity that a node refers to."""
    known = (*scope.symbols.quantities.values(), *scope.symbols.hidden)
    return next(quantity for quantity in known if quantity.id == ref.name)


def is_whole(scope: Scope, elements: Elements) -> bool:
    """Whether these are all elements of a range that is no part of a larger one, in their order."""
    book = scope.symbols.book
    return book.ranges[book.home[elements[0]]].elements == elements


def along(scope: Scope, entry: At) -> At:
    """Return an entry that moves as another does, with a new loop."""
    return replace(entry, axis=scope.axis(len(entry.positions)).id)


def moves(node: Node, axis: Axis) -> bool:
    """Whether an expression depends on where a loop stands."""
    entries = (entry for part in walk(node) if isinstance(part, Ref | Lookup) for entry in part.index)
    return any(isinstance(entry, At) and entry.axis == axis.id for entry in entries)


def stateless(node: Node, call: Call) -> None:
    """Refuse what would be written out more than once with a state, or a random number, of its own each time."""
    if any(isinstance(part, Apply) and part.op in STATEFUL for part in walk(node)):
        what = f"a state or a random number stands inside of {fold(call.function).upper()}"
        raise Refusal(what, "Give it a variable of its own.")


def unmarked(scope: Scope, call: Call) -> None:
    """Refuse what hides a quantity where that would have to move with a marked range."""
    if scope.marked:
        what = f"{fold(call.function).upper()} stands inside of SUM, PROD, VMIN, VMAX or VECTOR SELECT"
        raise Refusal(what, "Give it a variable of its own.")


def kept(scope: Scope, what: str, body: Node, loops: Sequence[Loop], unit: str = "") -> Ref:
    """Compute ``body`` as a hidden quantity with these loops of the definition; return a reference to it."""
    quantity, index = scope.hide_along(what, loops)
    scope.symbols.hidden[-1] = replace(quantity, unit=unit)
    axes = tuple(loop.axis for loop in loops)
    scope.symbols.equations.append(Equation(quantity.id, body, axes, index))
    return Ref(quantity.id, index)


def watched(scope: Scope, call: Call, node: Node) -> Node:
    """Return a result that may be no number so that a run sees it: as a variable, not inside of a comparison."""
    if call is scope.whole:
        return node
    unmarked(scope, call)
    return kept(scope, fold(call.function), node, scope.loops)


def places(symbols: Symbols, dimensions: tuple[Dimension, ...]) -> Quantity:
    """Return the quantity that numbers the elements of these dimensions, the last one fastest, made now if need be."""
    if dimensions not in symbols.places:
        name = f"place in {', '.join(dimension.name for dimension in dimensions)}"
        made = symbols.fresh(name)
        name = made.replace("_", " ") if fold(name) in symbols.names else name
        doc = "The numbers of the elements, for functions of vectors."
        owner = dimensions[-1].name
        quantity = Quantity(name, made, "auxiliary", "Dmnl", doc, dimensions=dimensions, part_of=owner)
        symbols.names[fold(name)] = name
        symbols.hidden.append(quantity)
        symbols.places[dimensions] = quantity
        for number, element in enumerate(product(*(range(length) for length in quantity.shape))):
            # As a sum the number is no constant of the model, which a scenario or a study could change.
            symbols.equations.append(Equation(made, apply("add", ZERO, Num(float(number))), (), element))
    return symbols.places[dimensions]
