"""Tests of robust choice: packages in the same futures, regret, and a search whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from growing import growing, passes
from sdpolicy.ensemble import Sampling, Spread, Variation
from sdpolicy.robust import Budget, Goal, face_futures, first_in, regret, regret_table, search, turns
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


def test_dates_are_those_of_the_single_runs() -> None:
    """When something happens is read between all rows that a run saves, not between whole years."""
    goal, growth = Goal("first x > 2", more=False), Variation({"rate": Spread("uniform", (0.2, 0.6))})
    found = face_futures(PACKAGES, [goal], Sampling("latin-hypercube", 3, 1), [], growth)
    for name, limit in (("low", 4.0), ("high", 9.0)):
        for rate, date in zip(found["rate"].values, found[goal.outcome].sel(package=name).values, strict=True):
            assert date == pytest.approx(passes({"rate": float(rate), "limit": limit}, 2.0), rel=1e-12)


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


def test_the_ranking_turns_where_growth_does() -> None:
    """The higher limit gives more where the rate is above 0 and less where it is below, as the model has it."""
    found = faced()
    assert first_in(found, GOALS[0]) == ("high", pytest.approx(0.75))
    (turn,) = turns(found, GOALS[:1])
    assert (turn.leader, turn.challenger, turn.share) == ("high", "low", pytest.approx(0.25))
    ((name, (low, high)),) = turn.threshold.limits.items()
    assert (name, low) == ("rate", -np.inf)
    assert high == pytest.approx(0.0, abs=0.8 / 200)
    assert (turn.threshold.density, turn.threshold.coverage) == (1.0, 1.0)


def planted(count: int = 1000) -> xr.Dataset:
    """Return outcomes of three packages: b beats a where y is above 0.7, c where y is below 0.7 and z above 0.8."""
    x, y, z = np.random.default_rng(3).random((3, count))
    values = np.stack([np.full(count, 2.0), np.where(y > 0.7, 3.0, 1.0), np.where((y < 0.7) & (z > 0.8), 4.0, 0.0)])
    inputs = {name: ("future", column) for name, column in zip("xyz", (x, y, z), strict=True)}
    return xr.Dataset({"gain": (("package", "future"), values)}, {"package": ["a", "b", "c"], **inputs})


def test_a_planted_threshold_is_found_and_said() -> None:
    """Of three inputs the one at which the ranking turns is named, with its limit; a turn of two limits has both."""
    found = {turn.challenger: turn for turn in turns(planted(), [Goal("gain")])}
    b, c = found["b"], found["c"]
    assert b.leader == c.leader == "a"
    assert b.threshold.limits["y"][0] == pytest.approx(0.7, abs=0.005)
    assert str(b.apart["input"].values[b.apart["distance"].values.argmax()]) == "y"
    assert "b beats it in 31" in b.sentence()
    assert "above all when y above 0.699: so in 100.0 % of such futures" in b.sentence()
    assert "More exactly" not in b.sentence()
    assert set(c.box.limits) == {"y", "z"}
    assert "More exactly: when " in c.sentence()


def test_less_of_a_goal_turns_the_other_way() -> None:
    """Where less is better, a package that has more of it beats nobody."""
    (turn,) = (turn for turn in turns(planted(), [Goal("gain", more=False)]) if turn.challenger == "b")
    assert (turn.leader, turn.more) == ("c", False)


def test_a_ranking_that_holds_has_no_turn() -> None:
    """A package that is best in every future is beaten nowhere; where all fail, nothing is compared."""
    same = planted().isel(package=[0, 1]) * 1.0
    same["gain"][1] = 0.0
    assert turns(same, [Goal("gain")]) == ()
    assert first_in(same, Goal("gain")) == ("a", 1.0)
    same["gain"][:, ::2] = np.nan
    assert turns(same, [Goal("gain")]) == ()


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
