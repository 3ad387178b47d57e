"""Tests that compiled primitives mean what sdpolicy.primitives says, alone and in lanes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from sdpolicy import primitives
from sdpolicy.backends.base import FloatArray
from sdpolicy.backends.llvm import ENGINE, mathlib, objects
from sdpolicy.backends.llvm.text import Target
from sdpolicy.expression import ARITY, Lookup, Ref
from sdpolicy.integrators import Grid
from sdpolicy.lower import lower
from sdpolicy.program import Equation, Program, Quantity, Table
from small import op, program

inf, nan = math.inf, math.nan
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, 3.0, -2.5, 0.5, 1e-7, -1e-6, 1e-6, 1e300, -1e300, 5e-324, inf, -inf, nan, 710.0]
APPROXIMATE = {"exp": 1.0, "ln": 1.0, "pow": 10.0}
"""Primitives that lanes compute by our own polynomials, and how many units in the last place they may be off
(pow by more than 1 only for exponents in the hundreds)."""
OPS = sorted(ARITY)


def arguments() -> FloatArray:
    """Return triples of arguments: special values in all combinations, and random ones of many sizes."""
    rng = np.random.default_rng(7)
    pairs = np.array([(a, b, 2.0) for a in SPECIAL for b in SPECIAL])
    random = rng.normal(size=(4000, 3)) * np.exp(rng.uniform(-12.0, 6.0, (4000, 3)))
    return np.vstack([pairs, random])


def raw(model: Program, outputs: list[str], parameters: FloatArray, lanes: int) -> FloatArray:
    """Return the first row of each member, without regard to values that are not finite."""
    kernel = ENGINE.compile(lower(model))
    routine = kernel.routine("euler", outputs, lanes, whole=False)
    table = kernel.checked(parameters, 2)
    values = np.empty((len(table), 1, len(outputs)))
    routine.call(table, Grid(0.0, 1.0, 0), (0, len(table)), values, np.zeros(len(table), np.uint8))
    return values[:, 0]


def columns(model: Program, given: Mapping[str, FloatArray]) -> FloatArray:
    """Return a table of parameters with the given columns."""
    lowered = lower(model)
    table = np.tile(np.array(lowered.defaults), (len(next(iter(given.values()))), 1))
    for name, values in given.items():
        table[:, lowered.parameters.index(name)] = values
    return table


def apart(found: FloatArray, expected: FloatArray) -> FloatArray:
    """Return the distances in units in the last place; 0 for equal values, NaN among them."""
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(found - expected) / np.spacing(np.abs(expected))
    return np.where(same, 0.0, np.where(np.isnan(distance), inf, distance))


@pytest.fixture(scope="module")
def model() -> Program:
    """A Program that applies each primitive to the constants a, b and c."""
    results = {f"r_{name.replace(' ', '_')}": op(name, *"abc"[: ARITY[name]]) for name in OPS}
    return program({}, {"a": 1.0, "b": 1.0, "c": 1.0, **results})


@pytest.mark.parametrize("lanes", [1, 8, 16])
def test_every_primitive_has_the_value_that_python_gives_it(model: Program, lanes: int) -> None:
    """Alone to the last bit; in lanes too, but for exp, ln and pow, which are within a few units in the last place."""
    triples = arguments()
    outputs = [f"r_{name}" for name in OPS]
    found = raw(model, outputs, columns(model, dict(zip("abc", triples.T, strict=True))), lanes)
    for name, values in zip(OPS, found.T, strict=True):
        function = primitives.PRIMITIVES[name]
        expected = np.array([function(*map(float, triple[: ARITY[name]])) for triple in triples])
        allowed = APPROXIMATE.get(name, 0.0) if lanes > 1 else 0.0
        worst = int(np.argmax(apart(values, expected)))
        assert apart(values, expected)[worst] <= allowed, (name, triples[worst], values[worst], expected[worst])


@pytest.mark.parametrize("lanes", [8, 16])
def test_a_lane_does_not_care_what_its_neighbours_compute(model: Program, lanes: int) -> None:
    """Ordinary arguments give the same bits beside each other and beside zeros, infinities and NaN."""
    triples = arguments()
    outputs = [f"r_{name}" for name in OPS]
    table = columns(model, dict(zip("abc", triples.T, strict=True)))
    order = np.random.default_rng(3).permutation(len(table))
    mixed = raw(model, outputs, table[order], lanes)
    np.testing.assert_array_equal(mixed, raw(model, outputs, table, lanes)[order])


@pytest.mark.parametrize("lanes", [1, 8, 16])
def test_a_quotient_by_a_constant_is_that_of_ieee_754(lanes: int) -> None:
    """In lanes the constant is inverted once; infinities, zeros and NaN come out as from a division."""
    rng = np.random.default_rng(11)
    above = [*SPECIAL, *(rng.normal(size=2000) * np.exp(rng.uniform(-40.0, 40.0, 2000)))]
    below = [3.0, -2.5, 0.1, 1e-300, 1e300, 0.0, -0.0, inf, -inf, nan]
    pairs = np.array([(a, b) for b in below for a in above])
    stocks = {"x": (0.0, "a")}
    model = program(stocks, {"a": 1.0, "b": 1.0, "q": op("div", "x", "b"), "third": op("div", "x", 3.0)})
    found = raw(model, ["q", "third"], columns(model, dict(zip("ab", pairs.T, strict=True))), lanes)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found[:, 0], pairs[:, 0] / pairs[:, 1])
        np.testing.assert_array_equal(found[:, 1], pairs[:, 0] / 3.0)


@pytest.mark.parametrize(("fma", "allowed"), [(True, 1.25), (False, APPROXIMATE["pow"])])
@pytest.mark.parametrize("lanes", [8, 16])
def test_machines_that_can_do_less_compute_almost_as_exactly(
    monkeypatch: pytest.MonkeyPatch, lanes: int, fma: bool, allowed: float
) -> None:
    """Without tables in registers, and without fused multiply-adds, exp, ln and small powers keep their digits."""
    monkeypatch.setattr(objects, "target", lambda width: Target(width, fma=fma))
    rng = np.random.default_rng(5)
    a, b = np.exp(rng.normal(size=5000)), rng.uniform(-3.0, 3.0, 5000)
    close = 1.0 + rng.normal(size=5000) * 0.05
    model = program({}, {"a": 1.0, "b": 1.0, "p": op("pow", "a", "b"), "e": op("exp", "b"), "l": op("ln", "a")})
    for x in (a, close):
        power, exponential, logarithm = raw(model, ["p", "e", "l"], columns(model, {"a": x, "b": b}), lanes).T
        assert apart(power, x**b).max() <= allowed
        assert apart(exponential, np.array([math.exp(value) for value in b])).max() <= 1.0
        assert apart(logarithm, np.array([math.log(value) for value in x])).max() <= 1.0


def test_the_table_of_logarithms_is_exact_where_it_is_said_to_be() -> None:
    """1/c has at most six bits, the sum of both parts of ln(c) is ln(c), and around 1 there is nothing to add."""
    inverses, highs, lows = mathlib.ln_table()
    for inverse, high, low in zip(inverses, highs, lows, strict=True):
        assert (inverse * 64).is_integer()
        assert (high * 2**42).is_integer()
        assert high + low == -math.log(inverse)
    assert (inverses[9], highs[9], lows[9]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("lanes", [1, 8, 16])
def test_noise_is_the_same_number_everywhere(lanes: int) -> None:
    """The hash of stream and step has the bits of the definition, also beyond what 64 bits count."""
    model = program({}, {"a": 1.0, "b": 1.0, "r": op("noise", "a", "b")})
    streams, steps = np.meshgrid([*np.arange(-3.0, 60.0, 7.0), 2.0**40, -3e15, 1e25], np.arange(0.0, 4000.0, 321.0))
    found = raw(model, ["r"], columns(model, {"a": streams.ravel(), "b": steps.ravel()}), lanes)[:, 0]
    expected = [primitives.noise(s, n) for s, n in zip(streams.ravel(), steps.ravel(), strict=True)]
    assert found.tolist() == expected


CURVES = {
    "point": ((2.0,), (5.0,)),
    "segment": ((0.0, 2.0), (1.0, 5.0)),
    "vertical": ((0.0, 1.0, 1.0, 3.0), (0.0, 1.0, 2.0, 1.0)),
    "eight": (tuple(range(8)), (3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0)),
    "nine": (tuple(range(9)), (3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0)),
    "ten": (tuple(range(10)), (3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0)),
    "twelve": (tuple(range(12)), (3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 5.0, 8.0)),
    "fifths": (tuple(0.2 * i - 1.0 for i in range(11)), tuple((7.0 * i) % 5.0 for i in range(11))),
    "years": ((1960.0, 1965.0, 1970.0, 1975.0, 1980.0, 1985.0), (3.0, 1.0, 4.0, 1.0, 5.0, 9.0)),
    "nearly even": ((0.0, 1.0, 2.0, 3.0, 4.0 + 1e-7, 5.0), (3.0, 1.0, 4.0, 1.0, 5.0, 9.0)),
    "long": (tuple(0.37 * i for i in range(33)), tuple((7.0 * i) % 5.0 for i in range(33))),
}
MODES = ("linear", "backward", "forward", "extrapolate")


@pytest.mark.parametrize("lanes", [1, 8, 16])
@pytest.mark.parametrize("name", CURVES)
def test_a_table_is_read_to_the_last_bit(name: str, lanes: int) -> None:
    """Between, at and beyond the points, in every mode."""
    curve = tuple(tuple(map(float, part)) for part in CURVES[name])
    table = Table("t", (curve,))  # type: ignore[arg-type]
    results = {mode: Lookup("t", Ref("a"), mode) for mode in MODES}  # type: ignore[arg-type]
    base = program({}, {"a": 1.0})
    model = Program(
        "table",
        (*base.quantities, *(Quantity(mode, mode, "auxiliary") for mode in MODES)),
        base.stocks,
        (*base.equations, *(Equation(mode, node) for mode, node in results.items())),
        (table,),
    )
    points = np.array(curve[0])
    beyond = [-9.0, 99.0, -1e300, 1e300, -inf, inf, nan]
    between = (points[1:] + points[:-1]) / 2.0
    around = [points, np.nextafter(points, -inf), np.nextafter(points, inf), points + 0.3, between, beyond]
    x = np.concatenate(around)
    found = raw(model, list(MODES), columns(model, {"a": x}), lanes)
    ready = primitives.Curve.of(*curve)  # type: ignore[arg-type]
    for mode, values in zip(MODES, found.T, strict=True):
        expected = [primitives.lookup(ready, float(value), mode) for value in x]  # type: ignore[arg-type]
        np.testing.assert_array_equal(values, expected)
