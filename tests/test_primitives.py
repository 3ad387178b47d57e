"""Tests of the meaning of primitives: IEEE arithmetic, Vensim's conventions, tables, noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sdpolicy import primitives as rt


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (rt.div(1.0, 0.0), math.inf),
        (rt.div(-1.0, 0.0), -math.inf),
        (rt.div(1.0, -0.0), -math.inf),
        (rt.exp(1000.0), math.inf),
        (rt.ln(0.0), -math.inf),
        (rt.power(0.0, -1.0), math.inf),
        (rt.power(10.0, 400.0), math.inf),
        (rt.power(-10.0, 401.0), -math.inf),
        (rt.zidz(1.0, 1e-7), 0.0),
        (rt.xidz(1.0, 1e-7, 5.0), 5.0),
        (rt.zidz(1.0, 1e-5), 1e5),
        (rt.integer(-2.7), -2.0),
        (rt.quantum(7.3, 2.0), 6.0),
        (rt.quantum(7.3, 0.0), 7.3),
        (rt.modulo(-7.0, 3.0), -1.0),
    ],
)
def test_values_at_the_edges(found: float, expected: float) -> None:
    """Edges give what IEEE 754 or the Vensim manual says."""
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "found",
    [
        rt.div(0.0, 0.0),
        rt.ln(-1.0),
        rt.sqrt(-1.0),
        rt.power(-1.0, 0.5),
        rt.minimum(math.nan, 1.0),
        rt.minimum(1.0, math.nan),
        rt.maximum(1.0, math.nan),
        rt.PRIMITIVES["arcsin"](2.0),
    ],
)
def test_what_is_undefined_is_not_a_number(found: float) -> None:
    """Nothing raises, and nothing undefined turns into a number."""
    assert math.isnan(found)


def test_a_table_is_linear_between_points_and_flat_beyond() -> None:
    """The reading agrees with numpy.interp to the last bit."""
    curve = rt.Curve.of([0.0, 1.0, 3.0], [2.0, 5.0, 4.0])
    for x in [-1.0, 0.0, 0.3, 1.0, 1.7, 2.9, 3.0, 9.0]:
        assert rt.lookup(curve, x) == np.interp(x, curve.xs, curve.ys)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("backward", [2.0, 2.0, 5.0, 4.0]),
        ("forward", [2.0, 5.0, 4.0, 4.0]),
        ("extrapolate", [-1, 3.5, 4.5, 3.5]),
    ],
)
def test_other_ways_to_read_a_table(mode: str, expected: list[float]) -> None:
    """Steps hold the point before or take the next one; extrapolation goes on as at the ends."""
    curve = rt.Curve.of([0.0, 1.0, 3.0], [2.0, 5.0, 4.0])
    assert [rt.lookup(curve, x, mode) for x in (-1.0, 0.5, 2.0, 4.0)] == expected  # type: ignore[arg-type]


def test_noise_is_uniform_and_repeatable() -> None:
    """A stream has the mean and variance of a uniform number, and the same numbers again."""
    draws = [rt.noise(7.0, float(n)) for n in range(20_000)]
    assert np.mean(draws) == pytest.approx(0.5, abs=0.01)
    assert np.var(draws) == pytest.approx(1 / 12, abs=0.002)
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.02
    assert draws[:5] == [rt.noise(7.0, float(n)) for n in range(5)]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_noise_of_what_is_not_finite_is_nan(wrong: float) -> None:
    """A seed that came out as NaN or infinite is passed on as NaN, as by any other primitive."""
    assert math.isnan(rt.noise(wrong, 1.0))
    assert math.isnan(rt.noise(1.0, wrong))


def test_streams_of_noise_are_independent() -> None:
    """Neighbouring seeds do not give related numbers."""
    one = [rt.noise(1.0, float(n)) for n in range(20_000)]
    two = [rt.noise(2.0, float(n)) for n in range(20_000)]
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.02


def test_sums_run_from_left_to_right() -> None:
    """The order of rounding is part of the meaning: no compensated summation."""
    assert rt.combine("sum", [1e16, 1.0, 1.0, -1e16]) == ((1e16 + 1.0) + 1.0) - 1e16
