"""Tests of exact derivatives: against differences of high order, and at kinks, where a branch is taken."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from random_programs import BY_PLACE, HERE, LONG, LOOP, NEXT, PLACE, SHORT
from sdpolicy.backends.base import FloatArray
from sdpolicy.backends.llvm.derivatives import Derivatives
from sdpolicy.errors import ModelError
from sdpolicy.expression import ARITY, Apply, Lookup, Node, Num, Reduce, Ref
from sdpolicy.integrators import Grid
from sdpolicy.lower import Lowered, lower
from sdpolicy.program import Equation, Program, Quantity, Stock
from small import op, program


def derivatives(model: Program) -> tuple[Derivatives, FloatArray, Lowered]:
    """Return the derivatives of a model that starts at 0, and its parameters."""
    lowered = lower(model)
    return Derivatives(lowered, 0.0), np.array(lowered.defaults), lowered


def difference(function: Callable[[FloatArray], FloatArray], x: FloatArray, step: float = 1e-3) -> FloatArray:
    """Return the derivative of ``function`` by each element of ``x``, by differences of sixth order."""
    weights = {1: 3.0 / 4.0, 2: -3.0 / 20.0, 3: 1.0 / 60.0}
    columns = []
    for i in range(len(x)):
        h = np.zeros_like(x)
        h[i] = step
        columns.append(sum(w * (function(x + n * h) - function(x - n * h)) for n, w in weights.items()) / step)
    return np.stack(columns, axis=1)


SMOOTH = sorted(ARITY.keys() - {"noise", "integer", "quantum", "modulo", "and", "or", "not"})


@pytest.mark.parametrize("name", SMOOTH)
def test_every_primitive_is_differentiated_exactly(name: str) -> None:
    """Jacobian and parameter sensitivity are those of differences, away from kinks."""
    arguments = ("x", "a", "b")[: ARITY[name]]
    flow = op("mul", op(name, *arguments), "y")
    model = program({"x": (flow, 0.4), "y": ("x", 0.7)}, {"a": 0.6, "b": 1.7})
    exact, p, _ = derivatives(model)
    y = np.array([0.4, 0.7])
    jacobian = difference(lambda y: exact.flow(1.0, y, p), y)
    np.testing.assert_allclose(exact.jacobian(1.0, y, p), jacobian, rtol=1e-10, atol=1e-11)
    sensitivity = difference(lambda p: exact.flow(1.0, y, p), p)
    np.testing.assert_allclose(exact.sensitivity(1.0, y, p), sensitivity, rtol=1e-10, atol=1e-11)


def looked_up(x: float, mode: str, table: str = "short") -> float:
    """Return the slope of a table."""
    base = program({}, {})
    model = Program(
        "table",
        (*base.quantities, Quantity("x", "x", "stock")),
        (Stock("x", Lookup(table, Ref("x"), mode), Num(0.0)),),  # type: ignore[arg-type]
        base.equations,
        (SHORT, LONG),
    )
    exact, p, _ = derivatives(model)
    return float(exact.jacobian(0.0, np.array([x]), p)[0, 0])


def test_a_table_has_the_slope_of_its_segment() -> None:
    """Inside that of the segment to the right of a point; 0 where the end values hold; the end segments go on."""
    assert looked_up(0.5, "linear") == 2.0
    assert looked_up(1.0, "linear") == (2.0 - 3.0) / 1.5
    assert [looked_up(x, "linear") for x in (-1.0, 0.0, 4.0, 9.0)] == [0.0] * 4
    assert [looked_up(x, "extrapolate") for x in (-1.0, 9.0)] == [2.0, (2.5 - 2.0) / 1.5]
    assert [looked_up(0.5, mode) for mode in ("backward", "forward")] == [0.0, 0.0]
    assert looked_up(0.31, "linear", "long") == pytest.approx((4.0 - 2.0) / 0.3)


@pytest.mark.parametrize(
    ("name", "other", "at", "expected"),
    [("min", 2.0, 1.0, 1.0), ("min", 2.0, 3.0, 0.0), ("max", 2.0, 3.0, 1.0), ("max", 2.0, 2.0, 0.0)],
)
def test_a_kink_has_the_slope_of_the_branch_that_is_taken(name: str, other: float, at: float, expected: float) -> None:
    """MIN and MAX follow the argument that they return; where both are equal, the second."""
    assert slope_of(op(name, "x", other), at) == expected


def slope_of(body: Node, at: float) -> float:
    """Return d body / dx where x is a stock of value ``at``."""
    exact, p, _ = derivatives(program({"x": (body, 0.0)}, {}))
    return float(exact.jacobian(0.0, np.array([at]), p)[0, 0])


def test_jumps_have_slope_0_and_sawteeth_slope_1() -> None:
    """INTEGER and QUANTUM are flat between jumps; MODULO rises as its argument does."""
    assert slope_of(op("integer", "x"), 2.5) == 0.0
    assert slope_of(op("quantum", "x", 2.0), 2.5) == 0.0
    assert slope_of(op("modulo", "x", 2.0), 2.5) == 1.0
    assert slope_of(op("abs", "x"), -2.5) == -1.0


def test_the_side_that_is_not_taken_does_not_leak() -> None:
    """sqrt has no finite slope at 0; where IF takes the other side, the derivative is that side's."""
    assert slope_of(op("if", op("gt", "x", 0.0), op("sqrt", "x"), op("mul", 3.0, "x")), 0.0) == 3.0


def by_place() -> Program:
    """Return a Program with a stock by place, sums and products over places, and tables by place."""
    local = op("mul", Ref("at", (HERE,)), op("exp", op("neg", Ref("by", (NEXT,)))))
    over = {name: Reduce(name, (LOOP,), Ref("by", (HERE,))) for name in ("sum", "prod", "min", "max")}  # type: ignore[arg-type]
    base = program({}, {"k": 0.3})
    totals = {f"all_{name}": node for name, node in over.items()}
    at = op("add", op("mul", "k", Ref("by", (HERE,))), Lookup("by_place", Ref("by", (NEXT,)), "linear", (HERE,)))
    together = op("add", op("mul", "all_sum", "all_prod"), op("sub", "all_min", "all_max"))
    return Program(
        "places",
        (
            *base.quantities,
            Quantity("by", "by", "stock", dimensions=(PLACE,)),
            Quantity("one", "one", "stock"),
            Quantity("at", "at", "auxiliary", dimensions=(PLACE,)),
            *(Quantity(name, name, "auxiliary") for name in totals),
        ),
        (Stock("by", local, Num(0.5), (LOOP,), (HERE,)), Stock("one", together, Ref("k"))),
        (*base.equations, *(Equation(*pair) for pair in totals.items()), Equation("at", at, (LOOP,), (HERE,))),
        (BY_PLACE,),
    )


def test_dimensions_and_reductions_are_differentiated() -> None:
    """Elements, neighbours, sums, products, least and greatest, tables by element."""
    exact, p, _ = derivatives(by_place())
    y = np.array([0.3, 0.9, 1.4, 0.2])
    jacobian = difference(lambda y: exact.flow(0.0, y, p), y)
    np.testing.assert_allclose(exact.jacobian(0.0, y, p), jacobian, rtol=1e-9, atol=1e-10)
    sensitivity = difference(lambda p: exact.flow(0.0, y, p), p)
    np.testing.assert_allclose(exact.sensitivity(0.0, y, p), sensitivity, rtol=1e-9, atol=1e-10)
    assert exact.initial(p).tolist() == [0.5, 0.5, 0.5, 0.3]
    assert exact.initial_sensitivity(p).sum() == 1.0


def test_more_than_eight_directions_are_taken_in_turns() -> None:
    """The Jacobian of a chain of 19 stocks has its two diagonals and nothing else."""
    model = program({}, {"x": Apply("smooth", (Ref("time"), Num(19.0), Num(0.0), Num(19.0)))})
    exact, p, _ = derivatives(model)
    expected = np.eye(19, k=-1) - np.eye(19)
    np.testing.assert_allclose(exact.jacobian(0.0, np.zeros(19), p), expected, rtol=1e-15)


def test_the_flow_is_that_of_a_run() -> None:
    """One Euler step of a run is the initial state plus the step times the flow."""
    from sdpolicy.backends.llvm import ENGINE

    model = program({"x": (op("mul", "x", op("sin", "time")), "start")}, {"start": 2.0})
    exact, p, lowered = derivatives(model)
    rows = ENGINE.compile(lowered).run(p, Grid(0.0, 0.25, 3), "euler", ["x"]).values[:, 0]
    assert rows[2] == rows[1] + 0.25 * exact.flow(0.25, rows[1:2], p)[0]
    assert exact.flow(0.25, rows[1:2], p)[0] == 2.0 * math.sin(0.25)


def test_a_delay_line_is_refused() -> None:
    """DELAY FIXED has no f(t, y, p), and the message names the variable."""
    with pytest.raises(ModelError, match="late"):
        derivatives(program({}, {"late": Apply("delay fixed", (Ref("time"), Num(1.0), Num(0.0)))}))
