"""Tests of regime maps: boundaries where the algebra puts them, found with few runs; and two sides that differ."""

from __future__ import annotations

import numpy as np
import pytest

from growing import growing, passes
from sdpolicy.errors import ScenarioError
from sdpolicy.regimes import Lever, Resolution, regime_map
from sdpolicy.scenario import Case, compose
from small import op, program


def two_wells() -> Case:
    """Return x' = x - x^3 + push from ``start``: two wells where |push| < 2 / (3 sqrt 3) = 0.385, else one."""
    cube = op("mul", op("mul", "x", "x"), "x")
    flow = op("mul", "speed", op("add", op("sub", "x", cube), "push"))
    model = program({"x": (flow, "start")}, {"push": 0.0, "start": 0.0, "speed": 1.0}, final_time=100.0)
    return compose(model)


def test_boundary_is_where_the_algebra_puts_it() -> None:
    """Logistic growth from 1 passes 2 within 10 years if rate > ln(2 (limit - 1) / (limit - 2)) / 10."""
    levers = Lever("rate", 0.02, 0.3), Lever("limit", 3.0, 12.0)
    found = regime_map(growing(), levers, "ever x > 2", Resolution(8, 3))
    rate, limit = np.meshgrid(found["rate"], found["limit"], indexing="ij")
    exact = rate > np.log(2 * (limit - 1) / (limit - 2)) / 10
    assert (found["outcome"].values[0] == exact).mean() > 0.97
    assert found.attrs["runs"] < 0.5 * found.attrs["lattice"]


def test_dates_are_those_of_the_single_runs() -> None:
    """When something happens is read between all rows that a run saves, not between whole years."""
    levers = Lever("rate", 0.3, 0.5), Lever("limit", 5.0, 9.0)
    found = regime_map(growing(), levers, "first x > 2", Resolution(2, 0))["outcome"].isel(side=0)
    for point in found.stack(point=("rate", "limit")):
        sets = {name: float(point[name]) for name in ("rate", "limit")}
        assert float(point) == pytest.approx(passes(sets, 2.0), rel=1e-12)


def test_refined_map_is_the_full_map() -> None:
    """Along the boundary every point was computed: the refined map equals the full lattice there and elsewhere."""
    levers = Lever("rate", 0.02, 0.3), Lever("limit", 3.0, 12.0)
    coarse = regime_map(growing(), levers, "ever x > 2", Resolution(8, 2))
    full = regime_map(growing(), levers, "ever x > 2", Resolution(32, 0))
    np.testing.assert_array_equal(coarse["outcome"], full["outcome"])
    number = regime_map(growing(), levers, "final x", Resolution(8, 2))["outcome"]
    exact = regime_map(growing(), levers, "final x", Resolution(32, 0))["outcome"]
    assert float(np.abs(number - exact).max() / exact.max()) < 0.02


def test_bistable_region_is_found_from_both_sides() -> None:
    """Started low and high, x' = x - x^3 + push ends differently exactly where both wells exist."""
    levers = Lever("push", -0.8, 0.8), Lever("speed", 0.9, 1.1)
    found = regime_map(two_wells(), levers, "final x", Resolution(8, 4), ({"start": -1.5}, {"start": 1.5}))
    expected = np.abs(found["push"].values) < 2 / (3 * np.sqrt(3))
    agree = found["bistable"].values == expected[:, np.newaxis]
    assert agree.mean() > 0.97
    assert found["side"].values.tolist() == ["start -1.5", "start 1.5"]


def test_levers_must_be_two() -> None:
    """One lever twice, or a range upside down, is refused."""
    with pytest.raises(ScenarioError, match="no two levers"):
        regime_map(growing(), (Lever("rate", 0, 1), Lever("rate", 0, 1)), "final x")
    with pytest.raises(ScenarioError, match="no two levers"):
        regime_map(growing(), (Lever("rate", 1, 0), Lever("limit", 0, 1)), "final x")
