from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from random_programs import programs
from sdpolicy.backends import javascript, javascript_text, python
from sdpolicy.errors import ModelError
from sdpolicy.expression import At, Axis, Lookup, Node, Num, Reduce, Ref
from sdpolicy.integrators import FIXED_STEP, Grid
from sdpolicy.lower import Lowered, lower
from sdpolicy.primitives import noise
from sdpolicy.program import Dimension, Equation, Program, Quantity, Stock, Table
from sdpolicy.scenario import compose
from sdpolicy.vensim import read_model
from small import op, program

pytestmark = pytest.mark.skipif(javascript.node() is None, reason="Node is not installed")

GRID = Grid.of(0.0, 10.0, 0.25, 0.5)


def visible(model: Program) -> list[str]:
    """Return the identifiers of the model's own quantities."""
    return [quantity.id for quantity in model.quantities]


def both(model: Program, method: str = "rk4", grid: Grid = GRID) -> tuple[np.ndarray, np.ndarray]:
    """Return all values of a run by JavaScript and by Python."""
    lowered = lower(model)
    outputs = visible(model)
    defaults = np.array(lowered.defaults)
    ours = javascript.ENGINE.compile(lowered).run(defaults, grid, method, outputs)
    theirs = python.ENGINE.compile(lowered).run(defaults, grid, method, outputs)
    assert ours.trouble == theirs.trouble
    return ours.values, theirs.values


def with_table(base: Program, table: Table, readings: Mapping[str, Node]) -> Program:
    """Return ``base`` with a table and auxiliaries that may read it."""
    quantities = tuple(Quantity(name, name, "auxiliary") for name in readings)
    equations = tuple(Equation(name, body) for name, body in readings.items())
    return Program(base.name, (*base.quantities, *quantities), base.stocks, (*base.equations, *equations), (table,))


def dimensioned() -> Program:
    """A model with two dimensions, a mapping between elements, reductions and delays over elements."""
    region = Dimension("region", ("north", "south", "east"))
    good = Dimension("good", ("standard", "special"))
    r, g = Axis("r", 3), Axis("g", 2)
    at_r, at_g = At("r", (0, 1, 2)), At("g", (0, 1))
    moved = At("r", (2, 0, 1))
    control = {"initial_time": 0.0, "final_time": 10.0, "time_step": 0.25, "saveper": 0.5}
    quantities = (
        Quantity("stock", "stock", "stock", dimensions=(region, good)),
        Quantity("rate", "rate", "constant", dimensions=(region,)),
        Quantity("total", "total", "auxiliary", dimensions=(good,)),
        Quantity("all", "all", "auxiliary"),
        Quantity("late", "late", "auxiliary", dimensions=(region,)),
        Quantity("line", "line", "auxiliary", dimensions=(region,)),
        *(Quantity(name, name, "constant") for name in control),
    )
    stock = Ref("stock", (at_r, at_g))
    flow = op("sub", op("mul", Ref("rate", (at_r,)), Ref("stock", (moved, at_g))), op("mul", 0.1, stock))
    sum_region = Reduce("sum", (Axis("q", 3),), Ref("stock", (At("q", (0, 1, 2)), at_g)))
    sum_all = Reduce("max", (Axis("q", 3), Axis("u", 2)), Ref("stock", (At("q", (0, 1, 2)), At("u", (0, 1)))))
    late = op("smooth", Ref("stock", (at_r, 1)), 2.0, Ref("stock", (at_r, 0)), 3.0)
    line = op("delay fixed", Ref("stock", (at_r, 1)), 1.5, 0.5)
    return Program(
        name="dimensioned",
        quantities=quantities,
        stocks=(Stock("stock", flow, op("add", 1.0, Ref("rate", (at_r,))), (r, g), (at_r, at_g)),),
        equations=(
            *(Equation("rate", Num(value), (), (place,)) for place, value in enumerate((0.3, 0.2, 0.1))),
            Equation("total", sum_region, (g,), (at_g,)),
            Equation("all", sum_all),
            Equation("late", late, (r,), (at_r,)),
            Equation("line", line, (r,), (at_r,)),
            *(Equation(name, Num(value)) for name, value in control.items()),
        ),
    )


def with_everything() -> Program:
    """A model of scalars with switches, memories, rings, noise and tables of all modes."""
    table = Table("curve", (((0.0, 1.0, 1.0, 4.0), (0.0, 2.0, 3.0, -1.0)),))
    base = program(
        {"level": (op("sub", "inflow", op("div", "level", "life")), op("mul", "life", 2.0))},
        {
            "life": 4.0,
            "inflow": op("add", op("step", 3.0, 2.0), op("pulse train", 1.0, 0.5, 2.0, 9.0)),
            "ramped": op("add", op("ramp", 0.5, 1.0, 6.0), op("pulse", 3.0, 1.0)),
            "smoothed": op("smooth", "inflow", 2.0, 1.0, 3.0),
            "delayed": op("delay fixed", "level", 1.5, 7.0),
            "sampled": op("sample if true", op("lt", Ref("time"), 4.0), "level", 0.0),
            "start": op("initial", op("mul", "level", 3.0)),
            "random": op("random normal", -2.0, 2.0, 0.0, 1.0, 42.0),
            "odd": op("neg", op("neg", op("sub", -1.0, op("neg", "level")))),
            "logic": op("if", op("and", op("not", op("gt", "level", 5.0)), "life"), op("or", 0.0, "life"), -0.0),
            "trend": op("trend", "level", 3.0, 0.01),
            "saw": op("modulo", Ref("time"), 3.0),
        },
    )
    modes = ("linear", "extrapolate", "backward", "forward")
    readings = {f"read_{mode}": Lookup("curve", op("sub", Ref("time"), 1.0), mode) for mode in modes}
    return with_table(base, table, readings)


@pytest.mark.parametrize("method", ["euler", "rk2", "rk4"])
@pytest.mark.parametrize("make", [dimensioned, with_everything])
def test_equals_the_python_engine(make, method) -> None:
    """Delays, switches, memories, rings, tables and dimensions give Python's numbers."""
    ours, theirs = both(make(), method)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_noise_is_the_same_bits() -> None:
    """A random draw is the same float64 as Python's, also for large and negative streams."""
    streams = (0.0, 1.0, 42_378.0, 5_000_000_123.0, -7.0, 2.0**52)
    model = program(
        {"level": (0.0, 0.0)},
        {f"draw_{i}": op("noise", s, op("div", Ref("time"), "time_step")) for i, s in enumerate(streams)},
    )
    ours, theirs = both(model)
    np.testing.assert_array_equal(ours, theirs)
    assert noise(streams[0], 0.0) in ours[0]


def test_noise_of_what_is_not_finite_ends_the_run() -> None:
    """A draw at step 1/0 is the first value that is not finite, here as in Python."""
    ours, theirs = both(program({}, {"draw": op("noise", 1.0, op("div", 1.0, op("sub", 3.0, Ref("time"))))}))
    np.testing.assert_array_equal(ours, theirs)
    assert np.isnan(ours[-1]).all()
    assert np.isfinite(ours[0]).all()


def test_names_of_the_language_are_harmless() -> None:
    """Quantities called as words of JavaScript or of the generated text work as any other."""
    words = ("row", "rt", "tables", "memory", "y", "c", "parts", "constructor")
    model = program({"level": (op("sub", "row", "y"), "c")}, {word: float(i + 1) for i, word in enumerate(words)})
    ours, theirs = both(model)
    np.testing.assert_array_equal(ours, theirs)


def test_derived_names_do_not_meet_hidden_ones() -> None:
    """A variable called flow that is smoothed, beside a stock called level1, are two things in the text."""
    smoothed = op("smooth", op("add", "level1", 1.0), 2.0, 3.0, 1.0)
    ours, reference = both(program({"level1": (op("mul", "flow", 0.1), 5.0)}, {"flow": smoothed}))
    np.testing.assert_allclose(ours, reference, rtol=1e-12)


def test_text_holds_no_word_of_the_author() -> None:
    """Names, units, comments and file names stay out of the generated text."""
    hostile = "</script><script>alert(1)</script>"
    quantity = Quantity(hostile, "harmless", "constant", unit=hostile, doc=hostile)
    base = program({"level": (1.0, 0.0)}, {})
    equations = (*base.equations, Equation("harmless", Num(1.0)))
    model = Program(hostile, (*base.quantities, quantity), base.stocks, equations, source=hostile)
    text = javascript_text.source(lower(model))
    assert "alert" not in text
    assert "<" not in text.replace(" < ", "").replace(" <= ", "")


def test_trouble_is_named() -> None:
    """The first value that is not finite is named with its time, and later rows are empty."""
    model = program(
        {"level": (op("div", 1.0, op("sub", 2.0, Ref("time"))), 0.0)}, {"x": op("ln", op("sub", 3.0, Ref("time")))}
    )
    lowered = lower(model)
    kernel = javascript.ENGINE.compile(lowered)
    found = kernel.run(np.array(lowered.defaults), GRID, "euler", visible(model))
    assert found.trouble is not None
    assert (found.trouble.quantity, found.trouble.time) == ("level", 2.25)
    assert np.isnan(found.values[-1]).all()


def test_many_members_in_one_process() -> None:
    """Each vector of parameters gives the run that it would give alone."""
    model = with_everything()
    lowered = lower(model)
    kernel = javascript.ENGINE.compile(lowered)
    members = [np.array(lowered.defaults) * factor for factor in (1.0, 0.5, 2.0)]
    members = [np.where(np.array(lowered.defaults) == 0.25, 0.25, member) for member in members]
    many = kernel.run_many(members, GRID, "rk4", ["level"])
    for member, run in zip(members, many, strict=True):
        alone = python.ENGINE.compile(lowered).run(member, GRID, "rk4", ["level"])
        np.testing.assert_allclose(run.values, alone.values, rtol=1e-12, equal_nan=True)


BINARY = st.sampled_from(
    [
        "add",
        "sub",
        "mul",
        "div",
        "min",
        "max",
        "zidz",
        "modulo",
        "quantum",
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "ne",
        "and",
        "or",
    ]
)
UNARY = st.sampled_from(["neg", "abs", "integer", "not", "arctan", "tanh", "sqrt", "exp", "ln", "sin"])
LEAVES = st.one_of(
    st.sampled_from([Ref("a"), Ref("b"), Ref("level"), Ref("time")]),
    st.floats(-3.0, 3.0).map(lambda x: Num(round(x, 2))),
)


def _extend(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(lambda o, a, b: op(o, a, b), BINARY, inner, inner),
        st.builds(lambda o, a: op(o, a), UNARY, inner),
        st.builds(lambda a, b, c: op("if", a, b, c), inner, inner, inner),
        st.builds(lambda a, b, c: op("xidz", a, b, c), inner, inner, inner),
        st.builds(lambda a: Lookup("curve", a), inner),
    )


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.recursive(LEAVES, _extend, max_leaves=12), min_size=6, max_size=6))
def test_random_expressions(bodies: list[Node]) -> None:
    """Random expressions give Python's values, infinities and NaN included."""
    table = Table("curve", (((-1.0, 0.0, 2.0), (1.0, 0.0, 0.5)),))
    names = [f"e{i}" for i in range(len(bodies))]
    base = program({"level": (0.125, 0.5)}, {"a": 1.5, "b": -0.75})
    lowered: Lowered = lower(with_table(base, table, dict(zip(names, bodies, strict=True))))
    grid = Grid(0.0, 0.25, 0)
    kernels = javascript.ENGINE.compile(lowered), python.ENGINE.compile(lowered)
    defaults = np.array(lowered.defaults)
    ours, theirs = (kernel.run(defaults, grid, "euler", names) for kernel in kernels)
    assert (ours.trouble is None) == (theirs.trouble is None)
    if ours.trouble is None:
        np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-9, atol=1e-12)
    else:
        assert ours.trouble == theirs.trouble


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(programs(exact=True))
def test_random_programs_to_the_last_bit(model: Program) -> None:
    """Random models of primitives that IEEE 754 defines give Python's bits: delays, draws and dimensions too."""
    lowered = lower(model)
    outputs = visible(model)
    grid = Grid(0.0, 0.25, 8)
    defaults = np.array(lowered.defaults)
    ours, theirs = (
        engine.compile(lowered).run(defaults, grid, "rk4", outputs) for engine in (javascript.ENGINE, python.ENGINE)
    )
    assert ours.trouble == theirs.trouble
    np.testing.assert_array_equal(ours.values, theirs.values)


CORPUS = sorted((Path(__file__).parent / "conformance").glob("*.mdl"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_corpus(path: Path) -> None:
    """Each construct of the conformance corpus gives Python's numbers."""
    try:
        model = read_model(path)
    except ModelError:
        pytest.skip("the reader refuses this construct")
    case = compose(model, None)
    method = case.method if case.method in FIXED_STEP else "rk4"
    ours, theirs = both(model, method, case.grid)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
