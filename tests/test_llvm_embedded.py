"""Tests of the embedded pair, in which each member takes steps of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sdpolicy.backends.base import FloatArray
from sdpolicy.backends.llvm import ENGINE, CompiledKernel
from sdpolicy.expression import Apply, Num, Ref
from sdpolicy.integrators import Grid
from sdpolicy.lower import lower
from sdpolicy.program import Program
from sdpolicy.vensim import read_model
from small import op, program

GRID = Grid(0.0, 0.5, 8, 2)


def relaxation() -> Program:
    """Return x' = rate * (sin t - x), from easy to stiff, and y' = -2 t y."""
    return program(
        {
            "x": (op("mul", "rate", op("sub", op("sin", "time"), "x")), 1.0),
            "y": (op("mul", -2.0, op("mul", "time", "y")), 1.0),
        },
        {"rate": 1.0},
    )


def members(kernel: CompiledKernel, rates: FloatArray) -> FloatArray:
    """Return parameters that differ in ``rate``."""
    table = np.tile(np.array(kernel.lowered.defaults), (len(rates), 1))
    table[:, kernel.lowered.parameters.index("rate")] = rates
    return table


def exact(rate: float, times: FloatArray) -> FloatArray:
    """Return x of :func:`relaxation` by its formula."""
    particular = (rate**2 * np.sin(times) - rate * np.cos(times)) / (1.0 + rate**2)
    return particular + (1.0 + rate / (1.0 + rate**2)) * np.exp(-rate * times)


@pytest.mark.parametrize("lanes", [1, 8, 16])
def test_every_member_meets_the_tolerance_with_its_own_steps(lanes: int) -> None:
    """From rate 1 to rate 2000 on one grid, far beyond what a fixed step of that length could do."""
    kernel = CompiledKernel(lower(relaxation()), lanes)
    rates = np.geomspace(1.0, 2000.0, 19)
    found = kernel.run_many(members(kernel, rates), GRID, "rk23", ["x", "y"]).values
    times = np.arange(GRID.saved) * 1.0
    for rate, values in zip(rates, found, strict=True):
        np.testing.assert_allclose(values[:, 0], exact(rate, times), rtol=0.0, atol=2e-7)
        np.testing.assert_allclose(values[:, 1], np.exp(-(times**2)), rtol=0.0, atol=2e-7)


def test_steps_of_one_member_do_not_depend_on_the_others() -> None:
    """Turned round and cut into blocks, the members keep their bits."""
    kernel = ENGINE.compile(lower(relaxation()))
    table = members(kernel, np.geomspace(1.0, 2000.0, 37))
    all_at_once = kernel.run_many(table, GRID, "rk23", ["x"]).values
    np.testing.assert_array_equal(kernel.run_many(table[::-1], GRID, "rk23", ["x"]).values[::-1], all_at_once)
    one = kernel.run_many(table[17:18], GRID, "rk23", ["x"]).values
    np.testing.assert_array_equal(one[0], all_at_once[17])


def test_switches_and_memories_keep_to_the_grid() -> None:
    """A step in time on the grid, a sample and a delay line give what they give under a fixed step."""
    model = program(
        {"x": (op("step", 2.0, 1.0), 0.0)},
        {
            "late": Apply("delay fixed", (Ref("x"), Num(1.0), Num(-1.0))),
            "kept": Apply("sample if true", (op("lt", "time", 2.0), Ref("time"), Num(0.0))),
        },
    )
    kernel = ENGINE.compile(lower(model))
    parameters = np.array(kernel.lowered.defaults)
    fixed = kernel.run(parameters, GRID, "rk4", ["x", "late", "kept"]).values
    found = kernel.run(parameters, GRID, "rk23", ["x", "late", "kept"]).values
    np.testing.assert_allclose(found, fixed, rtol=1e-14, atol=1e-14)


def test_it_agrees_with_another_solver_on_a_nonlinear_model() -> None:
    """Lotka and Volterra's predator and prey, against scipy's DOP853 at a far smaller tolerance."""
    model = program(
        {
            "prey": (op("sub", op("mul", 1.1, "prey"), op("mul", 0.4, "meals")), 10.0),
            "hunter": (op("sub", op("mul", 0.1, "meals"), op("mul", 0.4, "hunter")), 5.0),
        },
        {"meals": op("mul", "prey", "hunter")},
    )
    kernel = ENGINE.compile(lower(model))
    grid = Grid(0.0, 1.0, 20)
    found = kernel.run(np.array(kernel.lowered.defaults), grid, "rk23", ["prey", "hunter"]).values

    def flow(_: float, y: FloatArray) -> list[float]:
        return [1.1 * y[0] - 0.4 * y[0] * y[1], 0.1 * y[0] * y[1] - 0.4 * y[1]]

    times = np.arange(21.0)
    solved = solve_ivp(flow, (0.0, 20.0), [10.0, 5.0], "DOP853", times, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found, solved.y.T, rtol=1e-5)


def test_a_state_that_runs_to_infinity_ends_its_member_only() -> None:
    """x' = rate x**2 from 1 is infinite at 1 / rate; the other members go on."""
    kernel = ENGINE.compile(lower(program({"x": (op("mul", "rate", op("mul", "x", "x")), 1.0)}, {"rate": 0.1})))
    found = kernel.run_many(members(kernel, np.array([0.1, 0.7, 0.2])), GRID, "rk23", ["x"])
    assert list(found.troubles) == [1]
    assert found.troubles[1].quantity == "x"
    assert 1.0 / 0.7 <= found.troubles[1].time <= 1.0 / 0.7 + 2.0 * GRID.step
    np.testing.assert_allclose(found.values[[0, 2], -1, 0], [1.0 / 0.6, 1.0 / 0.2], rtol=1e-7)


WITHOUT_STOCKS = """{UTF-8}
A: a1, a2 ~~|
x[A] = 3, 1 ~~|
chosen[A] = 1, 1 ~~|
one = VECTOR SELECT(chosen[A!], x[A!], 0, 0, 2) ~~|
seen = IF THEN ELSE(one > 2, 1, 0) ~~|
INITIAL TIME = 0 ~~| FINAL TIME = 3 ~~| TIME STEP = 1 ~~| SAVEPER = 1 ~~|
"""


@pytest.mark.parametrize("method", ["euler", "rk4", "rk23"])
def test_without_stocks_trouble_is_seen_all_the_same(method: str, tmp_path: Path) -> None:
    """A constant that is no number is named, though a comparison hides it."""
    path = tmp_path / "without.mdl"
    path.write_text(WITHOUT_STOCKS, encoding="utf-8")
    kernel = ENGINE.compile(lower(read_model(path)))
    found = kernel.run(np.array(kernel.lowered.defaults), Grid(0.0, 1.0, 3), method, ["seen"])
    assert found.trouble is not None
    assert (found.trouble.quantity, found.trouble.time) == ("one", 0.0)
