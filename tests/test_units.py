"""Units as models write them are read, compared and converted."""

from __future__ import annotations

import pytest

from sdpolicy.errors import CheckError
from sdpolicy.units import convert, read_unit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Billion USD1990", "billion usd1990"),
        ("Billion USD1990", "Billion 1990 USD"),
        ("Billion USD1990", "1000*Million USD1990"),
        ("Person/Year/Year", "People/(Year*Year)"),
        ("Person/Year^2", "1/Year*Persons/Year"),
        ("1/Year", "Year^-1"),
        ("Dmnl", "Year/Year"),
        ("Dmnl", "1"),
        ("Dmnl", "fraction"),
        ("100*Percent", "Dmnl"),
        ("12*Months", "Year"),
        ("$/Year", "Dollars/yr"),
        ("kWh", "kw*hour"),
    ],
)
def test_equal_units(one: str, other: str) -> None:
    """Texts that mean one unit are one unit, scale included."""
    assert read_unit(one) == read_unit(other)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (2500.0, "Million USD1990", "Billion USD1990", 2.5),
        (6.0, "Month", "Year", 0.5),
        (6.0, "Percent/Year", "1/Year", 0.06),
        (0.1, "Patent", "Patents", 0.1),
        (3.0, "Index", "Index", 3.0),
        (1.0, "GWh", "PJ", 0.0036),
        (365.25, "Day", "Year", 1.0),
        (1461.0, "Person*Day", "Person*Year", 4.0),
    ],
)
def test_convert(value: float, source: str, target: str, expected: float) -> None:
    """A value in one unit is correctly rounded in another."""
    assert convert(value, source, target) == expected


@pytest.mark.parametrize(
    ("source", "target"),
    [("Person", "Year"), ("USD1990", "USD"), ("Index", "Dmnl"), ("Patent", "Dmnl"), ("Year", "1/Year")],
)
def test_different_things_do_not_convert(source: str, target: str) -> None:
    """Dollars of a year are no other dollars, and an index is no pure number."""
    with pytest.raises(CheckError, match=f"the unit '{source}' cannot be converted to '{target}'"):
        convert(1.0, source, target)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("Year/", "a name is missing"),
        ("/Year", "a name is missing"),
        ("(Year", "a closing bracket is missing"),
        ("Year)", r"'\)' is not expected there"),
        ("Year^x", "a power is a number"),
        ("Year^9^9", r"'\^' is not expected there"),
        ("((((1000000^9)^9)^9)^9)", "a power in it is too large"),
        ("((Year^9)^9)", "a power in it is too large"),
        ("(" * 5000, "it is longer than 200 characters"),
        ("0", "0 is not a size"),
    ],
)
def test_malformed_units(text: str, reason: str) -> None:
    """A text that is no unit says why, and takes no time to say so."""
    with pytest.raises(CheckError, match=reason):
        read_unit(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("dimensionless", "Dmnl"),
        ("usd1990/year", "USD1990/Year"),
        ("person/(year*index)", "Person/(Index*Year)"),
        ("1/year", "1/Year"),
        ("1000000 usd", "Million USD"),
        ("percent/year", "Percent/Year"),
        ("month", "0.0833333 Year"),
        ("year^0.5", "Year^1/2"),
    ],
)
def test_spelling(text: str, shown: str) -> None:
    """A unit is spelt as a model would spell it."""
    assert str(read_unit(text)) == shown
