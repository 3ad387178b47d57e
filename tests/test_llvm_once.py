"""Tests that a kernel computes a costly expression once where it stands several times, and only where that holds."""

from __future__ import annotations

import numpy as np
import pytest

from sdpolicy.backends.llvm import ENGINE
from sdpolicy.backends.python import ENGINE as READABLE
from sdpolicy.expression import TIME, Ref
from sdpolicy.integrators import EMBEDDED, FIXED_STEP, Grid
from sdpolicy.lower import lower
from sdpolicy.program import Program
from small import op, program

GRID = Grid(-1.0, 0.25, 16)
POWER = op("pow", op("add", "x", 2.0), "n")


def twice() -> Program:
    """Return a Program in which a power, a wave of time and what an IF skips stand again elsewhere.

    What the IF computes is waited for longest, so that it comes first.
    """
    wave = op("exp", op("sin", Ref(TIME)))
    return program(
        {"x": (op("sub", op("mul", "a", "b"), op("mul", 0.1, "x")), 1.0), "y": (op("add", "late", "d"), POWER)},
        {
            "n": 1.3,
            "a": op("div", POWER, op("add", POWER, 1.0)),
            "b": op("mul", 0.1, op("mul", wave, wave)),
            "c": op("if", op("gt", Ref(TIME), 0.0), op("ln", "x"), op("exp", op("neg", "x"))),
            "late": op("exp", op("div", "c", 3.0)),
            "d": op("add", op("ln", "x"), op("exp", op("neg", "x"))),
        },
    )


def test_an_expression_that_stands_twice_is_computed_once() -> None:
    """The power, twice in an equation and once in the start of a stock, is written once for each."""
    kernel = ENGINE.compile(lower(twice()))
    text = kernel.routine("euler", ["x"], 1, whole=True).module.text
    assert text.count("call double @sd_pow") == 2


@pytest.mark.parametrize("method", FIXED_STEP)
def test_what_stands_twice_has_its_own_value_in_each_place(method: str) -> None:
    """At the start, in each stage and on both sides of an IF: alone with the readable engine's bits."""
    lowered = lower(twice())
    parameters, outputs = np.array(lowered.defaults), [q.id for q in lowered.program.quantities]
    expected = READABLE.compile(lowered).run(parameters, GRID, method, outputs).values
    kernel = ENGINE.compile(lowered)
    np.testing.assert_array_equal(kernel.run(parameters, GRID, method, outputs).values, expected)
    lanes = kernel.run_many(parameters[np.newaxis], GRID, method, outputs).values[0]
    np.testing.assert_allclose(lanes, expected, rtol=1e-13)


@pytest.mark.parametrize("method", EMBEDDED)
def test_steps_of_their_own_come_near_the_same_values(method: str) -> None:
    """Members with their own steps agree with RK4 at a small step."""
    kernel = ENGINE.compile(lower(twice()))
    parameters = np.array(kernel.lowered.defaults)[np.newaxis]
    fine = Grid(-1.0, 2.0**-9, 16 * 2**7, 2**7)
    expected = kernel.run_many(parameters, fine, "rk4", ["x", "y"]).values
    found = kernel.run_many(parameters, GRID, method, ["x", "y"]).values
    np.testing.assert_allclose(found[:, -1, 0], expected[:, -1, 0], rtol=1e-6)
