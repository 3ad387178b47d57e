"""Tests of ensembles on the compiled engine: lanes, threads, trouble in one member, buffers, order of methods."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from sdpolicy.backends.base import FloatArray, Trouble
from sdpolicy.backends.llvm import ENGINE, CompiledKernel
from sdpolicy.backends.llvm import engine as engine_module
from sdpolicy.backends.python import ENGINE as READABLE
from sdpolicy.expression import TIME, Ref
from sdpolicy.integrators import FIXED_STEP, Grid
from sdpolicy.lower import lower
from sdpolicy.program import Program
from sdpolicy.vensim import read_model
from small import op, program

GRID = Grid(0.0, 0.25, 40, 4)


def growth() -> Program:
    """Return a Program that overflows when ``rate`` is large, by way of an auxiliary."""
    return program(
        {"x": ("flow", 1.0), "y": (op("exp", op("neg", "x")), 0.0)},
        {"flow": op("mul", op("mul", 0.1, "x"), op("exp", op("mul", "rate", "x"))), "rate": 0.01},
    )


def varied(kernel: CompiledKernel, members: int) -> FloatArray:
    """Return parameters in which ``rate`` differs by member."""
    table = np.tile(np.array(kernel.lowered.defaults), (members, 1))
    table[:, kernel.lowered.parameters.index("rate")] = np.linspace(0.0, 0.02, members)
    return table


@pytest.mark.parametrize("method", FIXED_STEP)
def test_lanes_agree_with_single_runs(method: str) -> None:
    """Each member of an ensemble is within 1e-13 of the same member run alone, in 8 lanes and in 16 the same."""
    kernel = ENGINE.compile(lower(growth()))
    table = varied(kernel, 19)
    many = kernel.run_many(table, GRID, method, ["x", "y"]).values
    wider = CompiledKernel(kernel.lowered, lanes=24 - kernel.lanes).run_many(table, GRID, method, ["x", "y"]).values
    np.testing.assert_array_equal(wider, many)
    alone = np.stack([kernel.run(row, GRID, method, ["x", "y"]).values for row in table])
    np.testing.assert_allclose(many, alone, rtol=1e-13, atol=0.0)
    scalar = CompiledKernel(kernel.lowered, lanes=1).run_many(table, GRID, method, ["x", "y"]).values
    np.testing.assert_array_equal(scalar, alone)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("block", [1, 8, 13, 1000])
def test_threads_and_blocks_do_not_change_a_bit(threads: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member's numbers depend on its parameters alone, whoever its neighbours are."""
    kernel = ENGINE.compile(lower(growth()))
    table = varied(kernel, 43)
    expected = kernel.run_many(table, GRID, "rk4", ["x", "y"], threads=1).values
    monkeypatch.setattr(engine_module, "BLOCK", block)
    np.testing.assert_array_equal(kernel.run_many(table, GRID, "rk4", ["x", "y"], threads=threads).values, expected)
    backwards = kernel.run_many(table[::-1], GRID, "rk4", ["x", "y"], threads=threads).values
    np.testing.assert_array_equal(backwards[::-1], expected)


def test_trouble_in_one_member_leaves_the_others_alone() -> None:
    """The member that overflows is named with quantity and time, its later rows are NaN; the others are whole."""
    lowered = lower(growth())
    kernel = ENGINE.compile(lowered)
    table = varied(kernel, 20)
    healthy = kernel.run_many(table, GRID, "euler", ["x", "y"])
    assert healthy.troubles == {}
    table[7, lowered.parameters.index("rate")] = 50.0
    found = kernel.run_many(table, GRID, "euler", ["x", "y"])
    expected = READABLE.compile(lowered).run(table[7], GRID, "euler", ["x", "y"])
    assert found.troubles == {7: expected.trouble}
    np.testing.assert_array_equal(found.values[7], expected.values)
    others = [m for m in range(20) if m != 7]
    np.testing.assert_array_equal(found.values[others], healthy.values[others])


def test_an_infinity_that_comes_and_goes_is_trouble_too() -> None:
    """1 / (Time - 2) is infinite for one step and reaches no stock: the run stops there all the same."""
    model = program({}, {"pole": op("div", 1.0, op("sub", "time", "at")), "at": 2.0, "low": op("min", "pole", 1.0)})
    kernel = ENGINE.compile(lower(model))
    parameters = np.array(kernel.lowered.defaults)
    found = kernel.run(parameters, GRID, "euler", ["low"])
    assert found.trouble == Trouble("pole", 0, 2.0)
    assert np.isfinite(found.values[:, 0]).tolist() == [True] * 2 + [False] * 9
    assert kernel.run_many(parameters[np.newaxis], GRID, "euler", ["low"]).troubles == {0: found.trouble}


def test_what_no_output_needs_is_left_out() -> None:
    """An auxiliary and an INITIAL that reach neither outputs nor stocks are not computed, nor watched."""
    equations = {"idle": op("div", "x", 0.0), "begun": op("initial", "idle"), "seen": op("mul", "x", 2.0)}
    kernel = ENGINE.compile(lower(program({"x": (1.0, 1.0)}, equations)))
    parameters = np.array([kernel.lowered.defaults])
    found = kernel.run_many(parameters, GRID, "euler", ["seen"])
    assert found.troubles == {}
    assert found.values[0, -1, 0] == 22.0
    assert kernel.run(parameters[0], GRID, "euler", ["seen"]).trouble is not None


def test_shared_parameters_may_be_broadcast() -> None:
    """A row of parameters stretched over all members without copying gives each of them the single run."""
    kernel = ENGINE.compile(lower(growth()))
    row = np.array(kernel.lowered.defaults)
    many = kernel.run_many(np.broadcast_to(row, (9, len(row))), GRID, "rk2", ["x"]).values
    assert (many == many[0]).all()


@pytest.mark.parametrize("method", [*FIXED_STEP, "rk23"])
def test_what_no_member_varies_is_computed_once(method: str) -> None:
    """A wave of time and of a constant that all share has the bits of a single run, where steps are shared too."""
    wave = op("exp", op("mul", "pace", op("sin", Ref(TIME))))
    lowered = lower(program({"x": (op("mul", "rate", "wave"), 1.0)}, {"wave": wave, "pace": 0.7, "rate": 0.01}))
    rate = lowered.parameters.index("rate")
    kernel, plain = CompiledKernel(lowered, varied=[rate]), CompiledKernel(lowered)
    table = np.tile(np.array(lowered.defaults), (21, 1))
    table[:, rate] = np.linspace(-0.1, 0.1, 21)
    found = kernel.run_many(table, GRID, method, ["x", "wave"]).values
    np.testing.assert_allclose(found, plain.run_many(table, GRID, method, ["x", "wave"]).values, rtol=1e-13)
    if method in FIXED_STEP:
        assert (found[:, :, 1] == plain.run(table[0], GRID, method, ["wave"]).values[:, 0]).all()
    assert "call double @sd_exp" in kernel.routine("euler", ["x"], kernel.lanes, whole=False).module.text
    assert "call double @sd_exp" not in plain.routine("euler", ["x"], plain.lanes, whole=False).module.text


def test_a_buffer_is_written_in_place() -> None:
    """``out`` is what the values are returned in, and one of the wrong shape is refused."""
    kernel = ENGINE.compile(lower(growth()))
    table = varied(kernel, 5)
    out = np.empty((5, GRID.saved, 1))
    assert kernel.run_many(table, GRID, "euler", ["x"], out=out).values is out
    with pytest.raises(ValueError, match="shape"):
        kernel.run_many(table, GRID, "euler", ["x"], out=out[:, :, ::2][:4])


def test_parameters_of_the_wrong_shape_are_refused() -> None:
    """One number too few is an error that says how many are expected."""
    kernel = ENGINE.compile(lower(growth()))
    with pytest.raises(ValueError, match="expected"):
        kernel.run(np.array(kernel.lowered.defaults)[1:], GRID, "euler", ["x"])


@pytest.mark.parametrize("method", FIXED_STEP)
def test_methods_have_their_order(method: str) -> None:
    """Halving the step divides the error by 2 to the method's order, on x' = x and on y' = -2 t y."""
    model = program({"x": ("x", 1.0), "y": (op("mul", op("mul", -2.0, "time"), "y"), 1.0)}, {})
    kernel = ENGINE.compile(lower(model))
    parameters = np.array(kernel.lowered.defaults)
    exact = np.array([math.e, math.exp(-1.0)])

    def error(steps: int) -> FloatArray:
        grid = Grid(0.0, 1.0 / steps, steps, steps)
        return np.abs(kernel.run(parameters, grid, method, ["x", "y"]).values[-1] - exact)

    order = np.log2(error(32) / error(64))
    np.testing.assert_allclose(order, FIXED_STEP[method].order, atol=0.25)


@pytest.mark.parametrize("method", FIXED_STEP)
def test_a_model_of_a_country_s_size_agrees_in_lanes(method: str, tmp_path: Path) -> None:
    """On the benchmark model, every series of every member stays within 1e-13 of its largest value."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
    try:
        import model
    finally:
        sys.path.pop(0)
    path = tmp_path / "bench.mdl"
    path.write_text(model.source(), encoding="utf-8")
    read = read_model(path)
    lowered = lower(read)
    outputs = [quantity.id for quantity in read.quantities]
    parameters = np.array(lowered.defaults)
    grid = Grid.of(model.START, model.STOP, model.STEP, model.SAVE)
    kernel = ENGINE.compile(lowered)
    alone = kernel.run(parameters, grid, method, outputs).values
    np.testing.assert_array_equal(alone, READABLE.compile(lowered).run(parameters, grid, method, outputs).values)
    lanes = kernel.run_many(parameters[np.newaxis], grid, method, outputs).values[0]
    assert (np.abs(lanes - alone) <= 1e-13 * np.abs(alone).max(axis=0)).all()
