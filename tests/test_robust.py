"""Tests of robust choice: packages in the same futures, regret, and a search whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from growing import growing
from sdpolicy.ensemble import Sampling, Spread, Variation
from sdpolicy.robust import Budget, Goal, face_futures, regret, regret_table, search
from sdpolicy.scenario import compose

PACKAGES = {name: compose(growing().program, None, {"limit": limit}) for name, limit in (("low", 4.0), ("high", 9.0))}
FUTURES = Variation({"rate": Spread("uniform", (-0.2, 0.6))})
GOALS = (Goal("final x"), Goal("final share", more=False))


def faced() -> object:
    """Return both packages in 200 futures."""
    return face_futures(PACKAGES, GOALS, Sampling("latin-hypercube", 200, 1), ["final x > 2"], FUTURES)


def test_packages_meet_the_same_futures() -> None:
    """What packages set differently is policy and does not vary; the outcome is that of each package's own run."""
    found = faced()
    assert set(found.coords) == {"package", "rate"}
    rate = found["rate"].values
    high = found["final x"].sel(package="high").values
    low = found["final x"].sel(package="low").values
    assert (np.where(rate > 0, high >= low, high <= low)).all()
    assert found["satisfied"].dtype == bool


def test_regret_is_the_distance_to_the_best() -> None:
    """In each future the best package has none, and the other has the difference."""
    found = faced()
    values = regret(found, GOALS[0]).values
    assert (values.min(axis=0) == 0).all()
    gap = np.abs(found["final x"].values[0] - found["final x"].values[1])
    np.testing.assert_allclose(values.max(axis=0), gap)


def test_the_table_counts() -> None:
    """How often a package is best and satisfies are shares of futures; the greatest regret is the greatest."""
    found = faced()
    table = regret_table(found, GOALS)
    assert table["satisfied"].values == pytest.approx(found["satisfied"].mean("future").values)
    assert table["greatest"].sel(goal="final x").values == pytest.approx(regret(found, GOALS[0]).max("future").values)
    assert (table["best"].sel(goal="final x").sum() >= 1.0 - 1e-12).all()
    assert (table["satisfied_conf"].values < 0.1).all()


def test_search_finds_the_known_trade_off() -> None:
    """More x against less share: with a rate that is certain, all found lie on one curve and none beats another."""
    pytest.importorskip("pymoo")
    found = search(
        growing(),
        {"limit": (2.0, 12.0), "rate": (0.0, 0.5)},
        (Goal("final x"), Goal("final share", more=False)),
        Budget(16, 8, 4),
    )
    x, share = found["final x"].values, found["final share"].values
    assert ((x[:, None] > x) & (share[:, None] < share)).sum() == 0
    assert found["limit"].values.max() <= 12.0
    np.testing.assert_allclose(x, share * found["limit"].values)
    assert found.attrs["runs"] == 16 * 8 * 4
