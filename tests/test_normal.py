"""Tests of the normal distribution as expressions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from sdpolicy import normal
from sdpolicy.expression import Node, Num
from sdpolicy.interpret import evaluate


def value(node: Node) -> float:
    """Evaluate an expression without names."""
    return evaluate(node, {})


def kept(node: Node) -> Node:
    """Keep an expression as its number."""
    return Num(value(node))


def test_shares_below_keep_their_digits_in_the_lower_tail() -> None:
    """Within 2e-7 of the share, down to 1e-280."""
    for x in np.linspace(-35.0, 8.0, 87):
        assert value(normal.below(Num(x), kept)) == pytest.approx(special.ndtr(x), rel=2e-7)


def test_the_quantile_undoes_the_share() -> None:
    """Within 2e-7 of the number, in the middle and in both tails."""
    for x in [*np.linspace(-20.0, 5.0, 101), -0.2, 0.3]:
        assert value(normal.quantile(Num(special.ndtr(x)), kept)) == pytest.approx(x, rel=2e-7, abs=1e-8)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1000.0), (6.0, 9.0), (-9.0, -6.0), (30.0, 31.0)])
def test_a_share_of_what_lies_between_is_that_of_the_truncated_distribution(low: float, high: float) -> None:
    """Also where nearly nothing of the whole distribution lies between the bounds."""
    for share in (0.001, 0.3, 0.5, 0.999):
        found = value(normal.between(Num(low), Num(high), Num(share), kept))
        assert found == pytest.approx(stats.truncnorm.ppf(share, low, high), rel=1e-5, abs=1e-5)
