"""Tests of the split and of agreement with facts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdpolicy.errors import ResultError
from sdpolicy.evidence import Observation
from sdpolicy.library import shelf
from sdpolicy.scoring import Rule, Target, read_split, targets


def fact(low: float | None = None, high: float | None = None, value: float = 10.0) -> Observation:
    """Return a fact of one moment."""
    return Observation("A", "x", 1990, 1990, value, low, high, "", "S")


@pytest.mark.parametrize(
    ("target", "found", "distance"),
    [
        (Target(fact(), "", 0.1), [9.0, 10.0, 11.0, 12.0], [-1.0, 0.0, 1.0, 2.0]),
        (Target(fact(9.0, 12.0), "", 0.5), [4.5, 9.0, 12.0, 18.0], [-1.0, 0.0, 0.0, 1.0]),
        (Target(fact(9.0, 12.0), "", 0.0), [7.5, 10.0, 13.5], [-1.0, 0.0, 1.0]),
        (Target(fact(value=0.0), "", 0.5), [-0.5, 0.0, 1.0], [-1.0, 0.0, 2.0]),
        (Target(fact(value=-10.0), "", 0.1), [-11.0, -10.0, -9.0], [-1.0, 0.0, 1.0]),
    ],
)  # fmt: skip
def test_distance_is_in_tolerances(target: Target, found: list[float], distance: list[float]) -> None:
    """It is 0 inside the limits, 1 where the tolerance ends, and bears the sign of the miss."""
    np.testing.assert_allclose(target.distance(np.array(found)), distance)


def test_facts_without_a_rule_have_the_general_tolerance() -> None:
    """A range needs no tolerance; a value without range has the one that is stated; a rule goes first."""
    (plain,) = targets([fact()], {}, 0.2)
    (ranged,) = targets([fact(9.0, 11.0)], {}, 0.2)
    (ruled,) = targets([fact(9.0, 11.0)], {"A": Rule("hold-out", 0.1)}, 0.2)
    assert plain.demanded == (8.0, 12.0)
    assert ranged.demanded == (9.0, 11.0)
    assert (ruled.part, ruled.demanded) == ("hold-out", pytest.approx((8.1, 12.1)))


def test_faulty_splits_are_told(tmp_path: Path) -> None:
    """Unknown sets, doubled facts and tolerances that are no fractions are told by their lines, all at once."""
    rows = "A,KOR,m,maybe,0.1\nB,KOR,m,hold-out,x\nB,KOR,m,calibration,-1\nC,KOR,other,maybe,x\n"
    (tmp_path / "split.csv").write_text("fact,country,model,set,tolerance\n" + rows, encoding="utf-8")
    with pytest.raises(ResultError) as caught:
        read_split(tmp_path, "m")
    assert len(caught.value.problems) == 4
    assert str(caught.value.problems[0]).startswith("split.csv, line 2: the set is 'maybe'")
    assert read_split(tmp_path / "none", "m") == {}


def test_shipped_split_can_be_read() -> None:
    """The split of the country model names facts of both parts."""
    rules = read_split(shelf("evidence"), "catchup")
    assert {rule.part for rule in rules.values()} == {"calibration", "hold-out"}
