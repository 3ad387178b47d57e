"""Named loops followed through an ensemble."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdpolicy.dominance import dominance
from sdpolicy.dominance.robust import robustness
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


def test_model_without_named_loops_is_refused() -> None:
    """Where no loop has a name there is nothing to follow, and the message says where names are given."""
    with pytest.raises(ScenarioError, match=r"logistic\.loops\.toml"):
        robustness(ROOT / "tests" / "textbook" / "logistic.mdl")
