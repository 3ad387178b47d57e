"""Named loops followed through an ensemble."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdpolicy.dominance import agreement, dominance, phases, shares
from sdpolicy.dominance.robust import Work, held, robustness
from sdpolicy.errors import ScenarioError

ROOT = Path(__file__).parents[1]
UNCERTAIN = ROOT / "scenarios" / "core" / "core-korea-uncertain.toml"


def test_shares_of_members() -> None:
    """At every time the shares of members in which each loop leads add up to 1, and equal seeds give equal members."""
    found = robustness(UNCERTAIN, members=20, seed=3)
    assert found.attrs["finite"] == 20
    assert np.allclose(found["leads"].values[:, 5:].sum(axis=0), 1.0)
    assert found["leader"].equals(robustness(UNCERTAIN, members=20, seed=3)["leader"])


def test_baseline_is_the_run() -> None:
    """The baseline's leader is the named loop of largest absolute score in the run itself."""
    found = robustness(UNCERTAIN, members=2)
    scores = dominance(UNCERTAIN)
    named = {str(id_): row for id_, row in zip(scores.loop.values, np.abs(scores.score.values), strict=True)}
    ids = [str(id_) for id_ in found.loop.values]
    table = np.array([named[id_] for id_ in ids])
    assert np.array_equal(found["baseline"].values[5:], table.argmax(axis=0)[5:])


def test_halved_is_the_run_with_half_the_step() -> None:
    """The leader with half the step is that of the scores with half the step, and agreement counts where both agree."""
    found = robustness(UNCERTAIN, members=2)
    whole = dominance(UNCERTAIN)
    halved = dominance(UNCERTAIN, step=float(whole.attrs["step"]) / 2)
    best = shares(halved, "named")
    labels = [f"{id_} {name}" for id_, name in zip(found.loop.values, found["name"].values, strict=True)]
    leader = [labels.index(best.labels[n]) for n in np.abs(best.values).argmax(axis=0)]
    assert np.array_equal(found["halved"].values[5:], leader[5:])
    same = (found["halved"].values == found["baseline"].values)[found["baseline"].values >= 0].mean()
    assert agreement(whole, halved, "named") == pytest.approx(float(same))
    assert agreement(whole, whole, "family") == 1.0


def test_phases_in_the_members() -> None:
    """How a phase holds is counted over members: those in which its loop leads more than half of the phase."""
    found = robustness(UNCERTAIN, members=20, seed=3)
    spans = phases(dominance(UNCERTAIN), "named", shortest=0.2)
    ids = [str(id_) for id_ in found.loop.values]
    for item in held(found, spans):
        inside = (found.time.values >= item.phase.start) & (found.time.values < item.phase.stop)
        who = ids.index(item.phase.driver.split()[0])
        mostly = np.mean([(row[inside] == who).mean() > 0.5 for row in found.leader.values])
        signs = np.sign(item.phase.share) * found.sign.values[:, inside]
        assert item.mostly == mostly
        assert item.polarity == np.mean((signs > 0).mean(axis=1) > 0.5)
        assert item.rivalled <= 1.0 - item.mostly
        assert item.rival != item.phase.driver


def test_processes_give_the_same_numbers() -> None:
    """Whoever computes the members, and whoever watches, the result is the same bit by bit."""
    seen: list[tuple[int, int]] = []
    alone = robustness(UNCERTAIN, members=20, seed=3, work=Work(watch=lambda done, total: seen.append((done, total))))
    assert alone.identical(robustness(UNCERTAIN, members=20, seed=3, work=Work(2)))
    assert seen == [(16, 20), (20, 20)]


def test_model_without_named_loops_is_refused() -> None:
    """Where no loop has a name there is nothing to follow, and the message says where names are given."""
    with pytest.raises(ScenarioError, match=r"logistic\.loops\.toml"):
        robustness(ROOT / "tests" / "textbook" / "logistic.mdl")
