"""Subscript ranges: elements, equivalents and mappings. It knows no variable and no equation."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sdpolicy.errors import suggest
from sdpolicy.program import Dimension, fold
from sdpolicy.vensim.prepare import Refusal

Elements = tuple[str, ...]
"""Folded names of elements, in the order of their range."""

_NAME: Final = r'(?:"(?:\\.|[^"\\])*"|[^\W\d][^:,()\[\]"<>=+*/^]*)'
_RANGE: Final = re.compile(
    rf"\s*({_NAME})\s*:\s*(?!=)(?!RAW:|INTERPOLATE:|HOLD|LOOK|EXCEPT:|THE |TEST |IS:)(.*)", re.IGNORECASE
)
_ALIAS: Final = re.compile(rf"\s*({_NAME})\s*<->\s*({_NAME})\s*")
_NUMBERED: Final = re.compile(r"\(\s*([^()]*?)(\d+)\s*-\s*([^()]*?)(\d+)\s*\)")
_IMPORT: Final = re.compile(r"\s*GET[ _](?:XLS|DIRECT)[ _]SUBSCRIPT\s*\((.*)\)\s*", re.IGNORECASE)
_MOST: Final = 100_000
"""Elements that one range may have."""


@dataclass(frozen=True, slots=True)
class RangeText:
    """A range as written: its items, its mappings, or the range that it equals."""

    name: str
    items: tuple[str, ...] = ()
    mappings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    same_as: str = ""
    imported: tuple[str, ...] = ()
    """The arguments of GET XLS SUBSCRIPT."""


@dataclass(frozen=True, slots=True)
class Range:
    """A range: display name, folded elements, their display names, and where its elements map to."""

    name: str
    elements: Elements
    shown: tuple[str, ...]
    root: str
    """The folded name of the range that this one equals by ``<->``, or its own."""
    mappings: Mapping[str, Mapping[str, Elements]] = field(default_factory=dict)
    """By folded name of the other range: for each of our elements, the elements over there."""


def parse_range(equation: str) -> RangeText | None:
    """Return the range that an entry defines, or None when it defines something else.

    Raises:
        Refusal: when the range cannot be read.
    """
    alias = _ALIAS.fullmatch(equation)
    if alias:
        return RangeText(bare(alias.group(1)), same_as=bare(alias.group(2)))
    found = _RANGE.fullmatch(equation)
    if found is None or "=" in re.sub(r'"[^"]*"|\'[^\']*\'', "", equation):
        return None
    name, rest = bare(found.group(1)), found.group(2)
    imported = _IMPORT.fullmatch(rest.split("->")[0])
    listed, _, mapped = rest.partition("->")
    mappings = tuple(_mappings(mapped)) if mapped else ()
    if imported:
        return RangeText(name, mappings=mappings, imported=tuple(re.findall(r"'([^']*)'", imported.group(1))))
    return RangeText(name, tuple(_items(listed)), mappings)


def bare(name: str) -> str:
    """Return a name without the quotes around it."""
    text = name.strip()
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def _items(text: str) -> Iterator[str]:
    for part in _apart(text):
        numbered = _NUMBERED.fullmatch(part)
        if numbered is None:
            if part.startswith("("):
                raise Refusal(f"'{part}' is no range of elements", "Write it as (name1-name9).")
            yield bare(part)
            continue
        before, first, after, last = numbered.groups()
        if fold(before) != fold(after) or not before.strip():
            raise Refusal(f"'{part}' needs the same letters before both numbers")
        if first != str(int(first)):
            raise Refusal(f"'{part}' counts with zeros in front", "Name its elements one by one.")
        if not int(first) <= int(last) < int(first) + _MOST:
            raise Refusal(f"'{part}' must count upwards, by at most {_MOST}")
        yield from (f"{before}{number}" for number in range(int(first), int(last) + 1))


def _apart(text: str) -> list[str]:
    """Split at commas outside brackets and quotes."""
    parts = re.findall(r'(?:"(?:\\.|[^"\\])*"|\([^()]*\)|[^,"()])+', text)
    return [part.strip() for part in parts if part.strip()]


def _mappings(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for part in _apart(text):
        if part.startswith("("):
            name, _, items = part[1:-1].partition(":")
            yield bare(name), tuple(bare(item) for item in items.split(","))
        else:
            yield bare(part), ()


class Book:
    """All ranges of a model, resolved."""

    def __init__(self, texts: Iterable[RangeText]) -> None:
        """Resolve ranges that name each other.

        Raises:
            Refusal: when one refers to what does not exist, or to itself.
        """
        self._texts = {fold(text.name): text for text in texts}
        self.ranges: dict[str, Range] = {}
        for name in self._texts:
            self._resolve(name, ())
        self.home = self._homes()
        for name, text in self._texts.items():
            for other, items in text.mappings:
                self._map(name, fold(other), items)

    def _resolve(self, name: str, above: tuple[str, ...]) -> Range:
        if name in self.ranges:
            return self.ranges[name]
        text = self._texts[name]
        if name in above:
            raise Refusal(f"the subscript range '{text.name}' contains itself")
        if text.same_as:
            other = fold(text.same_as)
            if other not in self._texts:
                raise Refusal(f"the subscript range '{text.same_as}' is not defined", self._hint(text.same_as))
            same = self._resolve(other, (*above, name))
            made = Range(text.name, same.elements, same.shown, same.root)
        else:
            shown: list[str] = []
            for item in text.items:
                inner = fold(item)
                shown.extend(self._resolve(inner, (*above, name)).shown if inner in self._texts else [item])
            elements = tuple(map(fold, shown))
            if not elements or len(set(elements)) != len(elements):
                what = "has no elements" if not elements else "names an element twice"
                raise Refusal(f"the subscript range '{text.name}' {what}")
            made = Range(text.name, elements, tuple(shown), name)
        self.ranges[name] = made
        return made

    def _homes(self) -> Mapping[str, str]:
        """Return for each element the largest range that holds it."""
        homes: dict[str, str] = {}
        for name in sorted(self.ranges, key=lambda key: -len(self.ranges[key].elements)):
            for element in self.ranges[name].elements:
                homes.setdefault(element, name)
        return homes

    def _map(self, name: str, other: str, items: Sequence[str]) -> None:
        if other not in self.ranges:
            raise Refusal(f"the mapping's range '{other}' is not defined", self._hint(other))
        ours = self.ranges[name]
        whole = self.ranges[other].elements
        images = [self.elements(item) for item in items] if items else [(one,) for one in whole]
        if len(images) != len(ours.elements):
            what = f"the mapping of '{ours.name}' to '{other}' has {len(images)} elements"
            raise Refusal(f"{what} for {len(ours.elements)}", "Name one element, or one subrange, for each.")
        mapped = {**ours.mappings, other: dict(zip(ours.elements, images, strict=True))}
        self.ranges[name] = Range(ours.name, ours.elements, ours.shown, ours.root, mapped)

    def _hint(self, name: str) -> str:
        shown = (one for found in self.ranges.values() for one in found.shown)
        return suggest(name, [*(text.name for text in self._texts.values()), *shown])

    def whole(self, elements: Elements) -> Range:
        """Return the largest range that holds all of these elements of one range."""
        holding = [one for one in self.ranges.values() if set(elements) <= set(one.elements)]
        return max(holding, key=lambda one: len(one.elements))

    def is_range(self, name: str) -> bool:
        return fold(name) in self.ranges

    def elements(self, name: str) -> Elements:
        """Return the elements of a range, or the one element of that name.

        Raises:
            Refusal: when there is neither.
        """
        folded = fold(name)
        if folded in self.ranges:
            return self.ranges[folded].elements
        if folded in self.home:
            return (folded,)
        raise Refusal(f"the subscript '{bare(name)}' is not defined", self._hint(name))

    def dimension(self, used: Sequence[str], covered: Collection[str]) -> Dimension:
        """Return the smallest dimension for the elements that definitions fill at one place.

        ``used`` are the subscripts as they are written there. Where no range has just these elements, it is a
        part of a range, and its name says so.
        """
        names = list(dict.fromkeys(map(fold, used)))
        covered = set(covered)
        candidates = [self.ranges[name] for name in names if name in self.ranges] + list(self.ranges.values())
        exact = [one for one in candidates if set(one.elements) == covered]
        if exact:
            return Dimension(exact[0].name, exact[0].shown)
        holding = [one for one in candidates if covered <= set(one.elements)]
        if not holding:
            raise Refusal(f"the elements {', '.join(sorted(covered))} belong to no common range")
        best = min(holding, key=lambda one: len(one.elements))
        pairs = zip(best.elements, best.shown, strict=True)
        shown = tuple(shown for element, shown in pairs if element in covered)
        return Dimension(f"{best.name} ({', '.join(shown)})", shown)

    def image(self, loop: str, element: str, wanted: str) -> str | None:
        """Return the element of range ``wanted`` that goes with ``element`` of range ``loop``, if mapped.

        A mapping is read in both directions; None when there is none, or more than one candidate.
        """
        found: list[str] = []
        theirs = self.ranges[wanted]
        for target, images in theirs.mappings.items():
            if self.related(target, loop):
                found += [own for own, others in images.items() if element in others]
        if not found:
            for name in self._families(loop):
                for target, images in self.ranges[name].mappings.items():
                    if self.related(target, wanted):
                        found += [one for one in images.get(element, ()) if one in theirs.elements]
        unique = list(dict.fromkeys(found))
        return unique[0] if len(unique) == 1 else None

    def names(self, one: str, other: str) -> bool:
        """Whether a mapping between two ranges names both of them, and not ranges related to them."""
        return other in self.ranges[one].mappings or one in self.ranges[other].mappings

    def _families(self, loop: str) -> list[str]:
        return [name for name in self.ranges if self.related(name, loop)]

    def related(self, one: str, other: str) -> bool:
        """Whether two ranges are equal, equivalent, or share elements."""
        first, second = self.ranges[one], self.ranges[other]
        return first.root == second.root or not set(first.elements).isdisjoint(second.elements)
