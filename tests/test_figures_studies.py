"""Tests of the figures of many members: each is drawn, from Datasets alone, and the same twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.text import Text

from growing import growing, study
from sdpolicy import sensitivity
from sdpolicy.discovery import prim
from sdpolicy.ensemble import make, simulate_members, with_design
from sdpolicy.ensemble.design import Saltelli
from sdpolicy.figures import render
from sdpolicy.figures.discovery import discovery_figure
from sdpolicy.figures.ensemble import fans
from sdpolicy.figures.regimes import regime_map as draw_map
from sdpolicy.figures.robust import regret_figure, trade_off, turning_figure
from sdpolicy.figures.sensitivity import bars, converging, over_time, screening, tornado
from sdpolicy.regimes import Lever, Resolution, regime_map
from sdpolicy.robust import Goal, turns

NAMES = ["rate", "limit"]
DESIGN = Saltelli(32, 2, 1)


def members() -> xr.Dataset:
    """Return a small ensemble for Sobol' indices."""
    return simulate_members(with_design(study(), DESIGN))


def indices(values: np.ndarray) -> xr.Dataset:
    """Return indices with the attributes that figures read."""
    return sensitivity.sobol(values, DESIGN, NAMES).assign_attrs(title="Test")


def drawn_bars() -> Figure:
    """Return bars of one outcome."""
    return bars({"final x": indices(members()["x"].values[:, -1])})


def drawn_over_time() -> Figure:
    """Return indices of two series."""
    found = members()
    return over_time({"x": indices(found["x"].values), "share": indices(found["share"].values)}, found["time"].values)


def drawn_convergence() -> Figure:
    """Return converging indices."""
    return converging(sensitivity.convergence(members()["x"].values[:, -1], DESIGN, NAMES), "final x")


def drawn_tornado() -> Figure:
    """Return a tornado of two inputs."""
    return tornado(sensitivity.one_at_a_time(np.array([5.0, 4.0, 7.0, 5.0, 5.5]), NAMES), "final x")


def drawn_screening() -> Figure:
    """Return Morris' plane."""
    run = with_design(study(), make("morris", 10, 2, 0))
    values = simulate_members(run)["x"].values[:, -1]
    return screening(sensitivity.morris(values, run.job.design, run.job.design.unit(0, 30), NAMES), "final x")


def drawn_map(outcome: str = "final x", both: bool = False) -> Figure:
    """Return a map, from one side or from both."""
    sides = ({"limit": 5.0}, {"limit": 10.0}) if both else ({},)
    levers = Lever("rate", 0.02, 0.3), Lever("limit", 3.0, 12.0)
    if both:
        levers = Lever("rate", 0.02, 0.3), Lever("rest", 0.0, 1.0)
    case = growing() if not both else with_rest()
    return draw_map(regime_map(case, levers, outcome, Resolution(4, 1), sides))


def with_rest() -> object:
    """Return the case with one more constant, which does nothing."""
    from sdpolicy.expression import Num
    from sdpolicy.program import Equation, Quantity

    case = growing()
    more = replace(
        case.program,
        quantities=(*case.program.quantities, Quantity("rest", "rest", "constant")),
        equations=(*case.program.equations, Equation("rest", Num(0.5))),
    )
    return replace(case, program=more)


def drawn_discovery() -> Figure:
    """Return a box in two inputs."""
    found = members()
    inputs = np.stack([found[name].values for name in NAMES], axis=1)
    interest = inputs[:, 0] > 0.06
    return discovery_figure(prim(inputs, interest, NAMES), found, interest, "It grows")


def drawn_regret() -> Figure:
    """Return a table of three policies."""
    values = {name: (("goal", "package"), np.array([[0.0, 2.0, 1.0]])) for name in ("median", "high")}
    held = {name: ("package", np.array([0.5, 0.2, 0.9])) for name in ("satisfied", "satisfied_conf")}
    table = xr.Dataset(
        {**values, **held}, {"package": ["a", "b", "c"], "goal": ["final x"]}, {"criteria": "final x > 1"}
    )
    return regret_figure(table)


def drawn_turning() -> Figure:
    """Return the futures of two policies, the better of which depends on one of two inputs."""
    x, y = np.random.default_rng(1).random((2, 200))
    values = np.stack([np.ones(200), np.where(x > 0.6, 2.0, 0.0)])
    inputs = {"x": ("future", x), "y": ("future", y)}
    faced = xr.Dataset({"gain": (("package", "future"), values)}, {"package": ["a", "b"], **inputs})
    return turning_figure(faced, turns(faced, [Goal("gain")]))


def drawn_trade_off() -> Figure:
    """Return five policies that do not beat each other."""
    attrs = {"goals": "final x|final share", "levers": "rate", "quantile": 0.1}
    columns = {name: ("candidate", np.linspace(0, 1, 5)) for name in ("final x", "final share", "rate")}
    return trade_off(xr.Dataset(columns, attrs=attrs))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: fans(members()),
        drawn_bars,
        drawn_over_time,
        drawn_convergence,
        drawn_tornado,
        drawn_screening,
        drawn_map,
        lambda: drawn_map("mode of x"),
        lambda: drawn_map("first x > 4"),
        lambda: drawn_map(both=True),
        drawn_discovery,
        drawn_regret,
        drawn_turning,
        drawn_trade_off,
    ],
)
def test_figure_is_drawn_and_repeatable(draw: Callable[[], Figure]) -> None:
    """Two drawings of one study are the same bytes."""
    first = render(draw(), "svg")
    assert first == render(draw(), "svg")
    assert len(first) > 5000


def test_each_panel_over_time_has_its_own_inputs() -> None:
    """What decides one series has a line in its panel, although it does nothing in the others."""
    inputs = [f"input {j}" for j in range(9)]

    def deciding(names: list[str]) -> xr.Dataset:
        total = np.array([[0.5 if name in names else 0.0] * 5 for name in inputs])
        held = {"ST": (("input", "dim_0"), total), "ST_conf": (("input", "dim_0"), np.full((9, 5), 0.01))}
        return xr.Dataset(held, {"input": inputs}, {"title": "Test"})

    found = {"many": deciding(inputs[:6]), "one": deciding(inputs[8:])}
    said = [text.get_text() for text in over_time(found, np.arange(5.0)).findobj(Text)]
    assert {"input 0", "input 5", "input 8"} <= set(said)
    assert "input 7" not in said
