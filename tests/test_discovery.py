"""Tests of discovery: planted boxes are found, chance is not."""

from __future__ import annotations

import numpy as np
import pytest

from sdpolicy.discovery import prim, several, threshold, tree
from sdpolicy.ensemble.design import MonteCarlo
from sdpolicy.errors import ResultError

NAMES = ["a", "b", "c", "d", "e"]
POINTS = MonteCarlo(5000, 5, 3).unit(0, 5000)
PLANTED = (POINTS[:, 0] < 0.4) & (POINTS[:, 2] > 0.6)


def noisy(share: float = 0.05) -> np.ndarray:
    """Return the planted box with some members flipped."""
    return PLANTED ^ (np.random.default_rng(1).random(len(POINTS)) < share)


def test_prim_recovers_a_planted_box() -> None:
    """Both limits within 0.03, no other input restricted, nearly all of it inside."""
    box = prim(POINTS, PLANTED, NAMES).chosen
    assert set(box.limits) == {"a", "c"}
    assert box.limits["a"][1] == pytest.approx(0.4, abs=0.03)
    assert box.limits["c"][0] == pytest.approx(0.6, abs=0.03)
    assert box.coverage > 0.9
    assert box.density > 0.9
    assert max(box.chance.values()) < 1e-6


def test_prim_recovers_it_from_noise() -> None:
    """One answer in twenty wrong, the same two inputs are found, and their limits within 0.05."""
    box = prim(POINTS, noisy(), NAMES).chosen
    assert set(box.limits) == {"a", "c"}
    assert box.limits["a"][1] == pytest.approx(0.4, abs=0.05)
    assert box.limits["c"][0] == pytest.approx(0.6, abs=0.05)


def test_coverage_and_density_are_counts() -> None:
    """What a box says of itself is what counting its members gives, and each peel is at least as dense."""
    found = prim(POINTS, noisy(), NAMES)
    for box in (found.chosen, *found.trajectory):
        inside = np.ones(len(POINTS), bool)
        for name, (low, high) in box.limits.items():
            column = POINTS[:, NAMES.index(name)]
            inside &= (column >= low) & (column <= high)
        assert box.density == pytest.approx(noisy()[inside].mean())
        assert box.coverage == pytest.approx(noisy()[inside].sum() / noisy().sum())
        assert box.mass == pytest.approx(inside.mean())
    densities = [box.density for box in found.trajectory]
    assert (np.diff(densities) > 0).all()


def test_prim_agrees_with_ema_workbench() -> None:
    """EMA Workbench's PRIM finds a box that is about as good and restricts the same inputs."""
    pandas = pytest.importorskip("pandas")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        analysis = pytest.importorskip("ema_workbench.analysis.prim")
        theirs = analysis.Prim(pandas.DataFrame(POINTS, columns=NAMES), noisy(), threshold=0.8).find_box()
        path = theirs.peeling_trajectory
    dense = path[path["density"] >= 0.8]
    ours = prim(POINTS, noisy(), NAMES).chosen
    assert ours.coverage >= dense["coverage"].max() - 0.05
    assert ours.density >= 0.8


def test_nothing_is_found_in_chance() -> None:
    """Where interest is a coin's toss, no restriction is significant and the box stays open or nearly so."""
    coin = np.random.default_rng(4).random(len(POINTS)) < 0.3
    box = prim(POINTS, coin, NAMES).chosen
    assert box.density < 0.6


def test_several_boxes() -> None:
    """Two planted boxes are found one after the other."""
    both = PLANTED | ((POINTS[:, 1] > 0.7) & (POINTS[:, 3] < 0.3))
    boxes = several(POINTS, both, NAMES, density=0.85)
    assert len(boxes) >= 2
    assert {frozenset(box.limits) for box in boxes[:2]} == {frozenset("ac"), frozenset("bd")}


def test_words_say_the_box() -> None:
    """The sentence holds condition, density, coverage and chance."""
    text = prim(POINTS, PLANTED, NAMES).chosen.sentence("It happens")
    assert text.startswith("It happens when a below 0.")
    assert "c above 0." in text
    assert "chance < 0.001" in text


def test_tree_recovers_a_planted_box() -> None:
    """The densest leaf has the planted conditions, and members that it did not see are told right."""
    pytest.importorskip("sklearn")
    found = tree(POINTS, PLANTED, NAMES, leaves=4)
    assert found.accuracy > 0.98 > found.guess
    assert found.leaves[0].density > 0.98
    assert {condition.split()[0] for condition in found.leaves[0].conditions} == {"a", "c"}
    assert sum(leaf.mass for leaf in found.leaves) == pytest.approx(1.0)


def test_one_limit_tells_a_planted_threshold() -> None:
    """Of all inputs the one that decides gets the limit, half way between the members on its sides."""
    below = threshold(POINTS, POINTS[:, 1] < 0.4, NAMES)
    assert below.limits["b"] == (-np.inf, pytest.approx(0.4, abs=1e-3))
    assert (below.density, below.coverage) == (1.0, 1.0)
    steps = np.floor(4 * POINTS)  # equal values lie on one side
    assert threshold(steps, steps[:, 2] > 1, NAMES).limits == {"c": (1.5, np.inf)}
    with pytest.raises(ResultError, match="none of the 5000"):
        threshold(POINTS, np.zeros(5000, bool), NAMES)


def test_one_sided_questions_are_refused() -> None:
    """What happens in all members or in none has no cause among them."""
    for function in (prim, tree):
        with pytest.raises(ResultError, match="all of the 5000"):
            function(POINTS, np.ones(5000, bool), NAMES)
