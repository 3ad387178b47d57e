"""Every equation of a model is dimensionally consistent, or it is shown with its units and a repair."""

from __future__ import annotations

import math

import pytest

from sdpolicy.expression import TIME, Apply, Lookup, Node, Num, Ref
from sdpolicy.library import list_models
from sdpolicy.program import Equation, Program, Quantity, Stock, Table
from sdpolicy.units import check_units
from sdpolicy.vensim import read_model
from tiny import TINY, quantity

UNITS = {
    "time step": "Year",
    "year": "Year",
    "goods": "Widget",
    "rate": "Widget/Year",
    "share": "Dmnl",
    "growth": "1/Year",
    "dozen": "Million Widget",
    "area": "Meter^2",
    "percentage": "Percent",
}


def op(name: str, *args: Node | str | float) -> Apply:
    """Apply an operator to nodes, names and numbers."""
    made = (
        Ref(a.replace(" ", "_")) if isinstance(a, str) else Num(float(a)) if isinstance(a, int | float) else a
        for a in args
    )
    return Apply(name, tuple(made))


def program(target_unit: str, body: Node) -> Program:
    """Return a model with one equation to check."""
    constants = tuple(quantity(name, "constant", unit) for name, unit in UNITS.items())
    return Program(
        "m",
        (*constants, Quantity("x", "x", "auxiliary", target_unit, line=7)),
        (),
        (*(Equation(q.id, Num(1.0)) for q in constants), Equation("x", body)),
        (Table("curve", (((0.0, 1.0), (0.0, 1.0)),), name="curve", unit="Dmnl"),),
        source="folder/m.mdl",
    )


GOOD = [
    ("Widget", op("add", "goods", op("mul", "rate", "year"))),
    ("Widget", op("max", "goods", 0)),
    ("Widget", op("if", op("eq", "goods", -(2.0**109)), math.inf, "goods")),
    ("Widget", op("if", op("gt", "goods", 0), "goods", op("neg", "goods"))),
    ("1/Year", op("zidz", "rate", "goods")),
    ("1/Year", op("xidz", "rate", "goods", "growth")),
    ("Dmnl", op("exp", op("mul", op("neg", "growth"), "year"))),
    ("Meter", op("sqrt", "area")),
    ("Meter^3", op("pow", "area", 1.5)),
    ("Dmnl", op("pow", "share", op("sub", 1, "share"))),
    ("Widget", op("smooth", "goods", "year", "goods", 3)),
    ("Widget", op("delay fixed", "goods", "year", 0)),
    ("1/Year", op("trend", "goods", "year", "growth")),
    ("Widget", op("forecast", "goods", "year", "year", 0)),
    ("Widget", op("mul", op("step", "share", 1985), "goods")),
    ("Dmnl", op("pulse", 1985, 1)),
    ("Widget", op("ramp", "rate", 1985, 1990)),
    ("Dmnl", Lookup("curve", Ref("share"))),
    ("Widget", op("sample if true", op("gt", Ref(TIME), "year"), "goods", "goods")),
    ("Widget", Num(3.0)),
    ("Widget", op("neg", op("div", 1, 12))),
]


@pytest.mark.parametrize(("unit", "body"), GOOD)
def test_consistent(unit: str, body: Node) -> None:
    """An equation whose parts fit is left alone."""
    assert check_units(program(unit, body)) == ()


BAD = [
    (
        "Widget",
        op("mul", "goods", "growth"),
        "the left side is in 'Widget', the right side in 'Widget/Year', in: "
        "x [Widget] = goods [Widget] * growth [1/Year]. "
        "Multiply the right side by something in 'Year', or state 'Widget/Year' as its unit.",
    ),
    (
        "Widget",
        op("add", "goods", "rate"),
        "the sides of '+' differ: 'goods' is in 'Widget', 'rate' in 'Widget/Year', in: "
        "x [Widget] = goods [Widget] + rate [Widget/Year]. Multiply 'rate' by something in 'Year'.",
    ),
    (
        "Widget",
        op("sub", "goods", "dozen"),
        "the sides of '-' differ: 'goods' is in 'Widget', 'dozen' in 'Million Widget', in: "
        "x [Widget] = goods [Widget] - dozen [Million Widget]. "
        "Multiply 'dozen' by a constant of 1e+06 in 'Widget/Million Widget'.",
    ),
    (
        "Dmnl",
        Ref("percentage"),
        "the left side is in 'Dmnl', the right side in 'Percent', in: x [Dmnl] = percentage [Percent]. "
        "Multiply the right side by a constant of 0.01 in 'Dmnl/Percent', or state 'Percent' as its unit.",
    ),
    (
        "Widget",
        op("min", "goods", 5),
        "the sides of 'MIN' differ: 'goods' is in 'Widget', 5 in 'Dmnl', in: "
        "x [Widget] = MIN(goods [Widget], 5). Give the number 5 a name, as a constant in 'Widget'.",
    ),
    (
        "Widget",
        op("if", op("gt", Ref(TIME), 1985), "goods", "goods"),
        "the sides of '>' differ: 'Time' is in 'Year', 1985 in 'Dmnl', in: "
        "x [Widget] = IF THEN ELSE(Time [Year] > 1985, goods [Widget], goods [Widget]). "
        "Give the number 1985 a name, as a constant in 'Year'.",
    ),
    (
        "Widget",
        op("if", op("gt", "share", 0), "goods", "rate"),
        "the branches of IF THEN ELSE differ: 'goods' is in 'Widget', 'rate' in 'Widget/Year', in: "
        "x [Widget] = IF THEN ELSE(share [Dmnl] > 0, goods [Widget], rate [Widget/Year]). "
        "Multiply 'rate' by something in 'Year'.",
    ),
    (
        "Dmnl",
        op("exp", "year"),
        "the argument of EXP, 'year', is in 'Year', not a pure number, in: x [Dmnl] = EXP(year [Year]). "
        "Divide it by a reference value in 'Year'.",
    ),
    (
        "Widget",
        op("pow", "goods", "share"),
        "the power 'goods ^ share' has a unit that depends on its exponent, in: "
        "x [Widget] = goods [Widget] ^ share [Dmnl]. Divide 'goods' by a reference value in 'Widget' first.",
    ),
    (
        "Widget",
        op("smooth", "goods", "growth", "goods", 1),
        "a time of SMOOTH, 'growth', is in '1/Year', not in 'Year', in: "
        "x [Widget] = SMOOTH(goods [Widget], growth [1/Year], goods [Widget], 1). "
        "Multiply 'growth' by something in 'Year^2'.",
    ),
    (
        "Widget",
        op("delay", "rate", "year", "goods", 3),
        "the input and the initial value of DELAY differ: 'rate' is in 'Widget/Year', 'goods' in 'Widget', in: "
        "x [Widget] = DELAY(rate [Widget/Year], year [Year], goods [Widget], 3). "
        "Divide 'goods' by something in 'Year'.",
    ),
]


@pytest.mark.parametrize(("unit", "body", "message"), BAD)
def test_inconsistent(unit: str, body: Node, message: str) -> None:
    """The message shows the equation with its units, what does not fit, and the smallest repair."""
    assert [str(problem) for problem in check_units(program(unit, body))] == [f"m.mdl, line 7, 'x': {message}"]


def test_brackets_are_kept() -> None:
    """The equation in a message has the brackets that it needs, and no others."""
    body = op("mul", op("sub", "share", op("sub", "share", "share")), op("add", "goods", "goods"))
    (problem,) = check_units(program("Dmnl", body))
    shown = "(share [Dmnl] - (share [Dmnl] - share [Dmnl])) * (goods [Widget] + goods [Widget])"
    assert f"in: x [Dmnl] = {shown}" in problem.what


def test_stock_changes_by_its_unit_over_time() -> None:
    """The flow of a stock is in its unit divided by time, and its start in its unit."""
    wrong = Program(
        "m",
        (
            quantity("TIME STEP", "constant", "Year"),
            quantity("s", "stock", "Widget"),
            quantity("a", "constant", "Widget"),
        ),
        (Stock("s", Ref("a"), Ref("time_step")),),
        (Equation("time_step", Num(1.0)), Equation("a", Num(1.0))),
    )
    assert [str(problem) for problem in check_units(wrong)] == [
        "m, 's': the left side is in 'Widget/Year', the right side in 'Widget', in: "
        "d/dt s [Widget] = a [Widget]. Divide the flow by something in 'Year'.",
        "m, 's': the left side is in 'Widget', the right side in 'Year', in: "
        "initial s [Widget] = TIME STEP [Year]. Multiply the right side by something in 'Widget/Year'.",
    ]


def test_missing_and_malformed_units() -> None:
    """Variables without a unit are told together; a text that is no unit is told by itself."""
    silent = program("", Ref("goods"))
    assert [str(problem) for problem in check_units(silent)] == [
        "m.mdl: no unit is stated for 'x'. State one; a pure number is Dmnl."
    ]
    malformed = program("Widget/", Ref("goods"))
    assert [str(problem) for problem in check_units(malformed)] == [
        "m.mdl, line 7, 'x': unit 'Widget/': the text is not a unit: a name is missing. "
        "Write it as in 'Billion USD1990/Year'."
    ]


def test_hand_made_model() -> None:
    """In the model that tests of scenarios use, what has no unit and what reads time are found."""
    assert [problem.where for problem in check_units(TINY)] == ["tiny.mdl", "tiny.mdl, 'world demand'"]


@pytest.mark.parametrize("name", [item.name for item in list_models()])
def test_shipped_models(name: str) -> None:
    """The shipped models have no unit error, and state every unit."""
    assert [str(problem) for problem in check_units(read_model(name))] == []
