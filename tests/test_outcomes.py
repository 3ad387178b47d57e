"""Tests of outcomes: each word's number on series whose answer is plain."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from sdpolicy.errors import ResultError
from sdpolicy.outcomes import MODES, in_full, measure, modes, parse_criterion, parse_outcome

TIME = np.arange(2000.0, 2011.0)


def members() -> xr.Dataset:
    """Return three members: one falls below 1 half way from 2004 to 2005, one never does, one failed."""
    falling = np.linspace(1.45, 0.45, 11)
    values = np.stack([falling, np.full(11, 2.0), np.where(TIME < 2003, 2.0, np.nan)])
    roles = json.dumps({"variables": {"liquidity": "Cover"}, "liquidity": 1.0})
    return xr.Dataset({"Cover": (("member", "time"), values)}, {"time": TIME}, {"roles": roles})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("crisis year", [2004.5, np.nan, np.nan]),
        ("crisis", [1.0, 0.0, np.nan]),
        ("first cover < 1.2", [2002.5, np.nan, np.nan]),
        ("first cover > 1.9", [np.nan, 2000.0, np.nan]),
        ("ever cover < 0.5", [1.0, 0.0, np.nan]),
        ("final COVER", [0.45, 2.0, np.nan]),
        ("peak cover", [1.45, 2.0, np.nan]),
        ("lowest cover", [0.45, 2.0, np.nan]),
        ("mean cover", [0.95, 2.0, np.nan]),
        ("cover at 2002.5", [1.2, 2.0, np.nan]),
        ("mode of cover", [MODES.index("decline"), MODES.index("steady"), np.nan]),
    ],
)
def test_outcome_of_each_member(text: str, expected: list[float]) -> None:
    """The word gives the number, NaN for what never comes and for a member that failed."""
    dataset = members()
    np.testing.assert_allclose(measure(dataset, parse_outcome(text, dataset)), expected, rtol=1e-12)


def test_outcome_of_a_single_run() -> None:
    """A Dataset of one run gives one number."""
    dataset = members().isel(member=0)
    assert float(measure(dataset, parse_outcome("crisis year", dataset))) == pytest.approx(2004.5)


def test_never_counts_as_the_end_where_a_number_is_needed() -> None:
    """For variances, a crisis that never came is put at the end of the run; failures stay NaN."""
    dataset = members()
    outcome = parse_outcome("crisis year", dataset)
    np.testing.assert_allclose(in_full(dataset, outcome, measure(dataset, outcome)), [2004.5, 2010.0, np.nan])


def test_confidence_tells_a_crisis_before_liquidity() -> None:
    """Where a model has both, a crisis is told by lenders' confidence, at its own threshold."""
    dataset = members().assign(Trust=(("member", "time"), np.tile(np.linspace(1.0, 0.0, 11), (3, 1))))
    variables = {"liquidity": "Cover", "confidence": "Trust"}
    dataset.attrs["roles"] = json.dumps({"variables": variables, "liquidity": 1.0, "confidence": 0.25})
    np.testing.assert_allclose(measure(dataset, parse_outcome("crisis year", dataset)), 2007.5)
    assert parse_outcome("crisis", dataset).variable == "Trust"


def test_never_can_be_later_than_any_time() -> None:
    """Where only the order counts, never is infinity; failures stay NaN."""
    dataset = members()
    outcome = parse_outcome("crisis year", dataset)
    found = in_full(dataset, outcome, measure(dataset, outcome), never=np.inf)
    np.testing.assert_allclose(found, [2004.5, np.inf, np.nan])


def test_a_time_outside_the_run_is_refused() -> None:
    """What happens after the end of the run is not known."""
    with pytest.raises(ResultError, match="does not reach 2050"):
        parse_outcome("cover at 2050", members())


@pytest.mark.parametrize(
    ("series", "mode"),
    [
        (np.full(50, 3.0), "steady"),
        (np.exp(np.linspace(0, 3, 50)), "growth"),
        (np.exp(-np.linspace(0, 0.5, 50)), "decline"),
        (1 - np.exp(-np.linspace(0, 6, 50)), "growth that levels off"),
        (np.exp(-np.linspace(0, 6, 50)), "decline that levels off"),
        (np.sin(np.linspace(0, 3, 50)), "rise and fall"),
        (-np.sin(np.linspace(0, 3, 50)), "fall and recovery"),
        (np.sin(np.linspace(0, 20, 50)), "waves"),
    ],
)
def test_modes_of_behaviour(series: np.ndarray, mode: str) -> None:
    """Each shape is called by its name, whatever its scale, and small ripples on it don't matter."""
    ripple = 0.01 * np.ptp(series) * np.sin(np.arange(50))
    found = modes(np.stack([series, 1e6 * series, series + ripple]))
    assert [MODES[i] for i in found] == [mode] * 3


def test_criteria() -> None:
    """An outcome held to a number, to never, or to a mode by name; a failed member meets none."""
    dataset = members()
    for text, expected in {
        "crisis year = never": [False, True, False],
        "final cover > 1": [False, True, False],
        "lowest cover <= 0.45": [True, False, False],
        "mode of cover = steady": [False, True, False],
    }.items():
        assert parse_criterion(text, dataset).met(dataset).tolist() == expected, text


@pytest.mark.parametrize("text", ["banana", "final banana", "final cover >", "cover > yes", "crisis year"])
def test_faulty_words_are_told(text: str) -> None:
    """What is no outcome or criterion gives a message with an example."""
    dataset = members().drop_attrs()
    with pytest.raises(ResultError):
        (parse_criterion if ">" in text else parse_outcome)(text, dataset)
