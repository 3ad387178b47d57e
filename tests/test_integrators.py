"""Tests of the tables of integration methods and of the time grid."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from sdpolicy.backends.python import ENGINE
from sdpolicy.integrators import BOSH3, FIXED_STEP, RK4, Grid, Tableau
from sdpolicy.lower import lower
from small import op, program


def test_a_table_that_lacks_its_order_is_refused() -> None:
    """A method whose weights do not sum to 1 is not even consistent."""
    with pytest.raises(ValueError, match="sum b is 1/2"):
        Tableau("half", 1, ((),), (Fraction(1, 2),))


def test_a_table_claiming_too_high_an_order_is_refused() -> None:
    """Euler's weights do not make a method of order 2."""
    with pytest.raises(ValueError, match="order 2 needs 1/2"):
        Tableau("euler", 2, ((),), (Fraction(1),))


def test_an_implicit_table_is_refused() -> None:
    """Each stage may use the stages before it only."""
    with pytest.raises(ValueError, match="not that of an explicit method"):
        Tableau("implicit", 1, ((Fraction(1),),), (Fraction(1),))


def test_stage_times_are_row_sums() -> None:
    """RK4 looks at the beginning, twice at the middle, and at the end."""
    assert RK4.c == (0, Fraction(1, 2), Fraction(1, 2), 1)


def test_the_embedded_error_estimate_has_weights_that_cancel() -> None:
    """On a constant slope the error estimate is 0."""
    assert sum(BOSH3.error or [1]) == 0


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk2", 2), ("rk4", 4)])
def test_methods_converge_with_their_order(method: str, order: int) -> None:
    """On the logistic equation, halving the step divides the error by 2 to the power of the order."""
    growth = op("mul", op("mul", "r", "x"), op("sub", 1.0, "x"))
    lowered = lower(program({"x": (growth, 0.1)}, {"r": 0.8}))
    kernel = ENGINE.compile(lowered)
    exact = 1.0 / (1.0 + 9.0 * math.exp(-0.8 * 10.0))

    def error(step: float) -> float:
        run = kernel.run(np.array(lowered.defaults), Grid.of(0.0, 10.0, step, 10.0), method, ["x"])
        return abs(run.values[-1, 0] - exact)

    assert math.log2(error(0.125) / error(0.0625)) == pytest.approx(order, abs=0.15)


def test_time_is_counted_in_whole_steps() -> None:
    """After a thousand steps of 0.1 the time is start + 1000 * 0.1, not a sum of a thousand roundings."""
    grid = Grid.of(0.0, 100.0, 0.1, 1.0)
    assert (grid.steps, grid.every, grid.saved, grid.time(1000)) == (1000, 10, 101, 100.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((0.0, 10.0, 0.3, 1.0), "the step 0.3 does not divide the horizon from 0 to 10"),
        ((0.0, 10.0, 0.25, 0.4), "the save interval 0.4 is not a whole number of steps of 0.25"),
        ((10.0, 0.0, 0.25, 1.0), r"stop \(0\) must be later than start \(10\)"),
        ((0.0, 10.0, -0.25, 1.0), "must be greater than 0"),
        ((0.0, math.inf, 0.25, 1.0), "must be finite"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused(settings: tuple[float, ...], message: str) -> None:
    """The message says which number does not fit."""
    with pytest.raises(ValueError, match=message):
        Grid.of(*settings)


def test_every_fixed_step_method_is_listed_by_its_name() -> None:
    """The names under which methods are chosen are those of their tables."""
    assert all(name == table.name for name, table in FIXED_STEP.items())
