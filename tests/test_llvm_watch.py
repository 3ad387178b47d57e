"""Tests of what is reported at the edges of tables and stocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from random_programs import BY_PLACE, HERE, LOOP, SHORT
from sdpolicy.backends.llvm.watch import Edge, watch
from sdpolicy.expression import Lookup, Num, Reduce, Ref
from sdpolicy.integrators import Grid
from sdpolicy.lower import lower
from sdpolicy.program import Equation, Program, Quantity, Stock
from small import program

GRID = Grid(0.0, 1.0, 4)


def falling() -> Program:
    """Return a Program whose stock falls below its limit of 0 and leaves the table that it is read through."""
    base = program({}, {"fall": 2.0})
    body = Lookup("short", Ref("x"))
    total = Reduce("sum", (LOOP,), Lookup("by_place", Ref("time"), "linear", (HERE,)))
    return Program(
        "falling",
        (
            *base.quantities,
            Quantity("x", "x", "stock", low=0.0),
            Quantity("free", "free", "stock"),
            Quantity("y", "y", "auxiliary"),
            Quantity("total", "total", "auxiliary"),
        ),
        (Stock("x", Ref("fall"), Num(3.0)), Stock("free", Ref("fall"), Num(0.0))),
        (*base.equations, Equation("y", body), Equation("total", total)),
        (SHORT, BY_PLACE),
    )


def test_tables_and_stocks_beyond_their_limits_are_counted_by_member() -> None:
    """Counts and extremes of the table's input and of the stock, each member's own; the free stock is not watched."""
    lowered = lower(falling())
    parameters = np.tile(np.array(lowered.defaults), (3, 1))
    parameters[:, lowered.parameters.index("fall")] = [0.0, -2.0, 1.0]
    found = watch(lowered, parameters, GRID, "euler")
    assert found.watched[0] == Edge("table", "short", "y", 0.0, 4.0)
    assert found.watched[2] == Edge("stock", "x", "x", 0.0, np.inf)
    assert len(found.watched) == 3
    assert found.below[:, 0].tolist() == [0, 3, 0]
    assert found.above[:, 0].tolist() == [0, 0, 3]
    assert found.below[:, 2].tolist() == [0, 3, 0]
    assert found.least[:, 0].tolist() == [3.0, -5.0, 3.0]
    assert found.greatest[:, 0].tolist() == [3.0, 3.0, 7.0]
    assert found.above[:, 1].tolist() == [2 * 3] * 3


def test_nothing_to_watch_gives_empty_columns() -> None:
    """A model without tables and limits has no edges."""
    lowered = lower(replace(program({"x": (1.0, 0.0)}, {})))
    found = watch(lowered, np.array([lowered.defaults]), GRID, "rk4")
    assert found.below.shape == (1, 0)
