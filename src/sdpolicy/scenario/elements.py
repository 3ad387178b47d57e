"""Single elements of variables with dimensions: ``price[south]``. It knows no scenario file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product

from sdpolicy.errors import suggest
from sdpolicy.expression import At, Num
from sdpolicy.program import Equation, Program, Quantity, fold

Position = tuple[int, ...]
_ELEMENT = re.compile(r"(.*[^\s])\s*\[([^\[\]]*)\]\s*", re.DOTALL)


def split(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the variable and the elements that ``name`` gives; no elements for a variable alone.

    >>> split("price[south, rice]")
    ('price', ('south', 'rice'))
    """
    match = _ELEMENT.fullmatch(name)
    return (match[1], tuple(part.strip() for part in match[2].split(","))) if match else (name, ())


def key(name: str) -> str:
    """Return a name as names are compared, blanks around elements not counting."""
    variable, elements = split(name)
    return f"{fold(variable)}[{','.join(map(fold, elements))}]" if elements else fold(variable)


def position(quantity: Quantity, elements: tuple[str, ...]) -> Position | tuple[str, str]:
    """Return where ``elements`` stand in ``quantity``, or what is wrong with them and the repair."""
    count = len(quantity.dimensions)
    if not count:
        return f"'{quantity.name}' has no elements", f"Write '{quantity.name}' alone."
    if len(elements) != count:
        shown = ", ".join(dimension.name for dimension in quantity.dimensions)
        return f"{len(elements)} elements are given, and there are {count}", f"Write '{quantity.name}[{shown}]'."
    found: list[int] = []
    for element, dimension in zip(elements, quantity.dimensions, strict=True):
        folded = [fold(name) for name in dimension.elements]
        if fold(element) not in folded:
            cure = suggest(element, dimension.elements) or f"Its elements: {', '.join(dimension.elements)}."
            return f"'{dimension.name}' has no element '{element}'", cure
        found.append(folded.index(fold(element)))
    return tuple(found)


def spread(program: Program, quantity: Quantity, given: Mapping[Position, float]) -> tuple[Equation, ...]:
    """Return one equation for each element of a constant, those that are given with their new number."""
    numbers = dict(_numbers(program, quantity)) | dict(given)
    places = product(*(range(size) for size in quantity.shape))
    return tuple(Equation(quantity.id, Num(numbers[place]), index=place) for place in places if place in numbers)


def _numbers(program: Program, quantity: Quantity) -> Iterator[tuple[Position, float]]:
    """Yield each element of a constant with its number in the model."""
    for equation in program.equations:
        if equation.target != quantity.id or not isinstance(equation.body, Num):
            continue
        for steps in product(*(range(axis.size) for axis in equation.axes)):
            at = {axis.id: step for axis, step in zip(equation.axes, steps, strict=True)}
            place = tuple(i.positions[at[i.axis]] if isinstance(i, At) else i for i in equation.index)
            yield place, equation.body.value
