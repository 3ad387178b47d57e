"""Units of measurement as models write them (``Billion USD1990/Year``): read, compared, converted.

It knows no model, scenario or backend. Every word is a unit: those of time and the common physical ones are
related to each other, and any other word (``Patent``, ``USD1990``) is a dimension of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final

from sdpolicy.errors import CheckError, Problem, suggest

MULTIPLIERS: Final = {
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
LONGEST: Final = 200
"""Characters of a unit text: more than any model needs."""
DAYS_A_YEAR: Final = Fraction(1461, 4)
"""A Julian year, so that months are a twelfth of it and weeks are seven days."""
_TIME: Final = {
    "year": Fraction(1),
    "quarter": Fraction(1, 4),
    "month": Fraction(1, 12),
    "week": 7 / DAYS_A_YEAR,
    "day": 1 / DAYS_A_YEAR,
    "hour": 1 / (24 * DAYS_A_YEAR),
    "minute": 1 / (24 * 60 * DAYS_A_YEAR),
    "second": 1 / (24 * 3600 * DAYS_A_YEAR),
}
_PURE: Final = {
    "dmnl": Fraction(1),
    "dimensionless": Fraction(1),
    "fraction": Fraction(1),
    "percent": Fraction(1, 100),
    "%": Fraction(1, 100),
}
_ALIASES: Final = {
    "yr": "year",
    "people": "person",
    "$": "usd",
    "dollar": "usd",
    "us$": "usd",
}
_PHYSICAL: Final = {
    "meter": "meter",
    "metre": "meter",
    "kilometer": "kilometer",
    "kilometre": "kilometer",
    "km": "kilometer",
    "hectare": "hectare",
    "liter": "liter",
    "litre": "liter",
    "gram": "gram",
    "kilogram": "kilogram",
    "kg": "kilogram",
    "tonne": "metric_ton",
    "joule": "joule",
    "gigajoule": "gigajoule",
    "gj": "gigajoule",
    "petajoule": "petajoule",
    "pj": "petajoule",
    "toe": "tonne_of_oil_equivalent",
    "kwh": "kilowatt_hour",
    "mwh": "megawatt_hour",
    "gwh": "gigawatt_hour",
    "twh": "terawatt_hour",
    "watt": "watt",
    "kw": "kilowatt",
    "mw": "megawatt",
    "gw": "gigawatt",
    "barrel": "oil_barrel",
}
"""Words handed to pint, by pint's own names. Only these: pint would read `Peso` or `Gear` as a prefix and a unit."""

Dimensions = tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as a number times powers of base dimensions, sorted by name: month = 1/12 year^1."""

    scale: Fraction = Fraction(1)
    dimensions: Dimensions = ()

    def __mul__(self, other: Unit) -> Unit:
        return Unit(self.scale * other.scale, _merge(self.dimensions, other.dimensions))

    def __truediv__(self, other: Unit) -> Unit:
        return self * other**-1

    def __pow__(self, power: Fraction | int) -> Unit:
        """Raise to a power; a fractional power of a scale is the nearest fraction to the real root."""
        whole = Fraction(power).denominator == 1
        scale = self.scale ** int(power) if whole else Fraction(float(self.scale) ** float(power))
        return Unit(scale, _merge(tuple((name, exponent * power) for name, exponent in self.dimensions)))

    def __str__(self) -> str:
        """Spell the unit as a model would: ``Year``, ``1/Year``, ``1000 USD/Year^2``."""
        above = [_power(name, exponent) for name, exponent in self.dimensions if exponent > 0]
        below = [_power(name, -exponent) for name, exponent in self.dimensions if exponent < 0]
        top = " ".join(part for part in (self._number(bool(above)), "*".join(above)) if part)
        if not below:
            return top or "Dmnl"
        return f"{top or '1'}/{below[0] if len(below) == 1 else '(' + '*'.join(below) + ')'}"

    def _number(self, before_names: bool) -> str:
        """Spell the scale: a multiplier as a word before a name, a hundredth alone as percent, else digits."""
        if self.scale == 1:
            return ""
        if self.scale == Fraction(1, 100) and not before_names:
            return "Percent"
        words = {value: name.capitalize() for name, value in MULTIPLIERS.items() if before_names and value > 100}
        return words.get(self.scale.numerator if self.scale.denominator == 1 else 0, f"{float(self.scale):g}")


DIMENSIONLESS: Final = Unit()


def _merge(*parts: Dimensions) -> Dimensions:
    total: dict[str, Fraction] = {}
    for name, exponent in (item for part in parts for item in part):
        total[name] = total.get(name, Fraction(0)) + exponent
    return tuple(sorted((name, exponent) for name, exponent in total.items() if exponent))


def _power(name: str, exponent: Fraction) -> str:
    shown = name.upper() if name.startswith("usd") else name[:1].upper() + name[1:]
    return shown if exponent == 1 else f"{shown}^{exponent}"


@cache
def read_unit(text: str) -> Unit:
    """Return the unit that ``text`` writes: names, numbers, ``*``, ``/``, ``^`` and brackets.

    >>> str(read_unit("Billion USD1990/Year"))
    'Billion USD1990/Year'

    Raises:
        CheckError: when the text is not a unit.
    """
    if len(text) > LONGEST:
        raise _malformed(text[:40] + "...", f"it is longer than {LONGEST} characters")
    tokens = [part.strip() for part in re.findall(r"[*/()^]|[^*/()^]+", text) if part.strip()]
    unit, rest = _product(tokens, text)
    if rest:
        raise _malformed(text, f"'{rest[0]}' is not expected there")
    return unit


def _product(tokens: list[str], text: str) -> tuple[Unit, list[str]]:
    unit, rest = _factor(tokens, text)
    while rest and rest[0] in "*/":
        factor, after = _factor(rest[1:], text)
        unit = unit * factor if rest[0] == "*" else unit / factor
        rest = after
    return unit, rest


def _factor(tokens: list[str], text: str) -> tuple[Unit, list[str]]:
    if not tokens or tokens[0] in "*/)^":
        raise _malformed(text, "a name is missing" if text.strip() else "it is empty")
    if tokens[0] == "(":
        unit, rest = _product(tokens[1:], text)
        if not rest or rest[0] != ")":
            raise _malformed(text, "a closing bracket is missing")
        rest = rest[1:]
    else:
        unit, rest = _term(tokens[0]), tokens[1:]
        if unit.scale == 0:
            raise _malformed(text, "0 is not a size")
    if rest and rest[0] == "^":
        if len(rest) < 2 or not re.fullmatch(r"-?\d{1,2}(\.\d{1,4})?", rest[1]):
            raise _malformed(text, "a power is a number, as in Year^2")
        unit, rest = _raised(unit, Fraction(rest[1]), text), rest[2:]
    return unit, rest


def _raised(unit: Unit, power: Fraction, text: str) -> Unit:
    """Raise to a power within reason: a text from a stranger must not make numbers of a million digits."""
    digits = abs(math.log10(unit.scale)) * abs(power)
    if digits > 60 or any(abs(exponent * power) > 12 for _, exponent in unit.dimensions):
        raise _malformed(text, "a power in it is too large")
    return unit**power


def _malformed(text: str, reason: str) -> CheckError:
    what = f"the text is not a unit: {reason}"
    return CheckError(Problem(f"unit '{text}'", what, "Write it as in 'Billion USD1990/Year'."))


def _term(words: str) -> Unit:
    """Return the unit of a name with an optional multiplier before it: ``Billion USD1990``, ``Year``, ``1``."""
    if re.fullmatch(r"\d{1,15}(\.\d{1,15})?", words):
        return Unit(Fraction(words))
    words = " ".join(words.casefold().split())
    numbered = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?) (\D.*)", words)
    if numbered and not re.match(r"(19|20)\d\d ", words):
        return Unit(Fraction(numbered[1])) * _term(numbered[2])
    first, _, rest = words.partition(" ")
    if singular(first) in MULTIPLIERS:
        multiplier = Unit(Fraction(MULTIPLIERS[singular(first)]))
        return multiplier * _word(rest) if rest else multiplier
    return _word(f"{first} {rest}".strip())


def _word(word: str) -> Unit:
    dated = re.fullmatch(r"((?:19|20)\d\d) (\S+)|(\S+) ((?:19|20)\d\d)", word)
    if dated:
        year, name = dated[1] or dated[4], dated[2] or dated[3]
        return Unit(dimensions=((_ALIASES.get(singular(name), singular(name)) + year, Fraction(1)),))
    name = _ALIASES.get(singular(word), singular(word))
    if name in _PURE:
        return Unit(_PURE[name])
    if name in _TIME:
        return Unit(_TIME[name], (("year", Fraction(1)),))
    if name in _PHYSICAL:
        return _physical(_PHYSICAL[name])
    return Unit(dimensions=((name, Fraction(1)),))


def singular(word: str) -> str:
    """Return ``word`` without a plural s: Years and Year are one unit, and so are Patents and Patent."""
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plural else word


@cache
def _physical(name: str) -> Unit:
    base = _registry().Quantity(1.0, name).to_base_units()
    unit = Unit(Fraction(base.magnitude).limit_denominator(10**15))
    for part, exponent in base.unit_items():
        dimension = _word(part) if part == "second" else Unit(dimensions=((part, Fraction(1)),))
        unit = unit * dimension ** Fraction(exponent).limit_denominator(100)
    return unit


@cache
def _registry():  # type: ignore[no-untyped-def]
    import pint

    return pint.UnitRegistry()


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """Return ``value``, stated in ``from_unit``, as a number of ``to_unit``, correctly rounded.

    >>> convert(2500.0, "Million USD1990", "Billion USD1990")
    2.5

    Raises:
        CheckError: when a text is not a unit, or the two measure different things.
    """
    source, target = read_unit(from_unit), read_unit(to_unit)
    if source.dimensions != target.dimensions:
        raise CheckError(_mismatch(from_unit, to_unit))
    return value if source.scale == target.scale else float(Fraction(value) * source.scale / target.scale)


def _mismatch(found: str, expected: str) -> Problem:
    what = f"the unit '{found}' cannot be converted to '{expected}'"
    close = suggest(found, [expected]) if _unknown_words(found, expected) else ""
    return Problem(f"unit '{found}'", what, close or f"State the value in '{expected}', or in a multiple of it.")


def _unknown_words(found: str, expected: str) -> bool:
    known: Iterable[str] = dict(read_unit(expected).dimensions)
    return any(name not in known for name, _ in read_unit(found).dimensions)
