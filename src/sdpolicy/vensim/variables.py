"""Definitions gathered into variables: duplicates, kinds, dimensions, and the blocks that equations fill."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sdpolicy.expression import Interpolation
from sdpolicy.program import Dimension, Kind, Quantity, fold
from sdpolicy.vensim.prepare import NUMBER, Refusal
from sdpolicy.vensim.subscripts import Book, Elements
from sdpolicy.vensim.symbols import Block
from sdpolicy.vensim.syntax import Array, Call, Curve, Definition, Number
from sdpolicy.vensim.text import Entry

Cell = tuple[str, ...]
"""One element of a variable, by the folded names of its subscripts."""

_KEYWORDS: Final[Mapping[str, Interpolation]] = {
    "": "linear", "interpolate": "linear", "hold_backward": "backward", "look_forward": "forward"
}  # fmt: skip
_UNIT: Final = re.compile(r"(.*?)\s*\[([^\[\]]*)\]\s*")


@dataclass(slots=True)
class Variable:
    """A variable of the model with all its definitions, in the order of the file."""

    name: str
    definitions: list[tuple[Definition, Entry]] = field(default_factory=list)

    @property
    def line(self) -> int:
        return self.definitions[0][1].line

    @property
    def unit(self) -> str:
        return next((text for text in (_unit(entry.unit)[0] for _, entry in self.definitions) if text), "")

    @property
    def limits(self) -> tuple[float | None, float | None]:
        found = (_unit(entry.unit)[1] for _, entry in self.definitions)
        return next((limits for limits in found if limits != (None, None)), (None, None))

    @property
    def doc(self) -> str:
        return next((entry.doc for _, entry in self.definitions if entry.doc), "")

    @property
    def is_table(self) -> bool:
        definition = self.definitions[0][0]
        return definition.role == "table" or _is_call(definition, "get lookups")

    @property
    def reads_data(self) -> bool:
        """Whether the variable follows a series from a file."""
        return all(_kind(definition) == "data" for definition, _ in self.definitions)

    @property
    def mode(self) -> Interpolation:
        """How its data are read between their points.

        Raises:
            Refusal: for :RAW: data, which are not available between their points.
        """
        return mode(self.definitions[0][0])

    def quantity(self, made: str, own: tuple[Dimension, ...]) -> Quantity:
        """Return the quantity with identifier ``made`` and these dimensions."""
        low, high = self.limits
        return Quantity(self.name, made, self.kind, self.unit, self.doc, low, high, own, self.line)

    @property
    def kind(self) -> Kind:
        """What the variable is.

        Raises:
            Refusal: when its definitions make different things of it.
        """
        kinds = {_kind(definition) for definition, _ in self.definitions}
        if len(kinds) > 1 and "stock" not in kinds:
            return "auxiliary"
        if len(kinds) > 1:
            raise Refusal(f"the variable is defined as {' and as '.join(sorted(kinds))}")
        return kinds.pop()


def _is_call(definition: Definition, function: str) -> bool:
    return isinstance(definition.body, Call) and definition.body.function == function


def _kind(definition: Definition) -> Kind:
    body = definition.body
    if _is_call(definition, "get data") or (definition.role == "data" and body is None):
        return "data"
    if isinstance(body, Number | Array | Curve) or _is_call(definition, "get constants"):
        return "constant"
    return "stock" if _is_call(definition, "integ") else "auxiliary"


def mode(definition: Definition) -> Interpolation:
    """Return how the data of a definition are read between their points.

    Raises:
        Refusal: for :RAW: data, which are not available between their points.
    """
    if definition.keyword not in _KEYWORDS:
        cure = "Use :INTERPOLATE:, :HOLD BACKWARD: or :LOOK FORWARD:."
        raise Refusal(f":{definition.keyword.upper().replace('_', ' ')}: data are not supported", cure)
    return _KEYWORDS[definition.keyword]


def _unit(text: str) -> tuple[str, tuple[float | None, float | None]]:
    """Split ``unit [low, high, step]``."""
    found = _UNIT.fullmatch(text)
    if found is None:
        return text, (None, None)
    parts = [part.strip() for part in found.group(2).split(",")] + ["?", "?"]
    low, high = (float(part) if re.fullmatch(rf"[+-]?{NUMBER}", part) else None for part in parts[:2])
    return found.group(1), (low, high)


def dimensions(variable: Variable, book: Book) -> tuple[Dimension, ...]:
    """Return the variable's dimensions: at each place the smallest that holds all that its definitions use.

    Raises:
        Refusal: when definitions differ in their number of subscripts, or use unknown ones.
    """
    written = [definition.subscripts for definition, _ in variable.definitions]
    counts = {len(subscripts) for subscripts in written}
    if len(counts) > 1:
        raise Refusal(f"the definitions have {' and '.join(map(str, sorted(counts)))} subscripts")
    filled = [block for definition, _ in variable.definitions for block in blocks(definition, book)]
    found: list[Dimension] = []
    for place, used in enumerate(zip(*written, strict=True)):
        found.append(book.dimension(used, {one for block in filled for one in block.places[place][1]}))
    return tuple(found)


def blocks(definition: Definition, book: Book) -> list[Block]:
    """Return the blocks that a definition fills, what stands behind :EXCEPT: left out."""
    whole = tuple(book.elements(name) for name in definition.subscripts)
    ranges = tuple(name if book.is_range(name) else None for name in definition.subscripts)
    left_out: list[tuple[Elements, ...]] = []
    for group in definition.exceptions:
        if len(group) != len(whole):
            raise Refusal(":EXCEPT: has another number of subscripts than the variable")
        left_out.append(tuple(book.elements(name) for name in group))
    return [Block(tuple(zip(ranges, part, strict=True))) for part in _without(whole, left_out)]


def _without(whole: Sequence[Elements], gaps: Sequence[Sequence[Elements]]) -> Iterator[tuple[Elements, ...]]:
    """Yield rectangles that together cover ``whole`` without the ``gaps``."""
    if not gaps or not whole:
        if not gaps:
            yield tuple(whole)
        return
    first, rest = whole[0], whole[1:]

    def reaching(element: str) -> tuple[int, ...]:
        return tuple(number for number, gap in enumerate(gaps) if element in gap[0])

    for numbers, group in itertools.groupby(first, key=reaching):
        elements = tuple(group)
        for part in _without(rest, [gaps[number][1:] for number in numbers]):
            yield (elements, *part)


def cells(block: Block) -> list[Cell]:
    """Return the elements that a block fills, last place fastest."""
    return list(itertools.product(*(elements for _, elements in block.places)))


def holes(variable: Variable, filled: Sequence[Block], whole: Sequence[Dimension]) -> list[tuple[int, ...]]:
    """Return the places of elements that no definition fills.

    Raises:
        Refusal: naming an element that is defined twice.
    """
    seen: set[Cell] = set()
    for block in filled:
        for cell in cells(block):
            if cell in seen:
                shown = f"[{', '.join(cell)}]" if cell else ""
                lines = " and ".join(str(entry.line) for _, entry in variable.definitions)
                raise Refusal(f"'{variable.name}{shown}' is defined more than once (lines {lines})", "Keep one.")
            seen.add(cell)
    elements = [[fold(one) for one in dimension.elements] for dimension in whole]
    places = itertools.product(*(range(len(own)) for own in elements))
    return [place for place in places if tuple(own[k] for own, k in zip(elements, place, strict=True)) not in seen]
