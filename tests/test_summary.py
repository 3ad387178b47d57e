"""Tests of what is said in words about a run."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from fake_runs import fake_run
from sdpolicy.results import Roles
from sdpolicy.summary import Phase, growth, phases_of, summarize


def run(roles: Roles | None = None, **series: list[float]) -> xr.Dataset:
    """Return a yearly run from 1960 on with these series, which bear the names of their roles."""
    length = len(next(iter(series.values())))
    data = {name.replace("_", " "): ("time", np.asarray(values, dtype=float)) for name, values in series.items()}
    variables = {name: name for name in data}
    chosen = roles or Roles()
    text = json.dumps({"variables": variables, "catch_up": chosen.catch_up, "liquidity": chosen.liquidity})
    time = ("time", 1960.0 + np.arange(length), {"units": "Year"})
    return xr.Dataset(data, {"time": time}, {"roles": text, "title": "Test"})


def path(*rates: tuple[int, float]) -> list[float]:
    """Return a series that starts at 1 and grows for so many years at each rate (as a logarithm)."""
    steps = np.concatenate([[0.0], *[np.full(years, rate) for years, rate in rates]])
    return list(np.exp(np.cumsum(steps)))


def test_growth_is_the_slope_of_the_logarithm() -> None:
    """Steady growth is found exactly, at the ends too."""
    assert growth(np.arange(20.0), np.exp(0.03 * np.arange(20.0))) == pytest.approx(np.full(20, 0.03), abs=1e-14)


def test_growth_of_what_is_not_positive_is_nan() -> None:
    """There is no growth rate where there is nothing to grow from, and no warning either."""
    assert np.isnan(growth(np.arange(3.0), np.array([0.0, -1.0, 0.0]))).all()
    assert np.isnan(growth(np.array([1.0]), np.array([1.0]))).all()


def test_catch_up_ends_where_growth_falls_below_the_threshold() -> None:
    """Growth of 4 % for 20 years, then none: the window's mean is below 0.5 % two years after."""
    phases = phases_of(run(relative_knowledge=path((20, 0.04), (20, 0.0))))
    assert phases == (Phase("catch-up", 1960.0, 1982.0), Phase("stall", 1982.0, 2000.0))


def test_a_short_dip_is_no_stall() -> None:
    """Catching up goes on when growth is slow for less than the window."""
    phases = phases_of(run(relative_knowledge=path((15, 0.05), (3, -0.05), (22, 0.05))))
    assert phases == (Phase("catch-up", 1960.0, 2000.0),)


def test_without_growth_there_is_no_catch_up() -> None:
    """A country that never grows faster than the threshold has neither phase."""
    dataset = run(relative_knowledge=path((20, 0.001)))
    assert phases_of(dataset) == ()
    assert summarize(dataset).findings[0].sentence.startswith("There was no catch-up")


def test_liquidity_failures_are_told_one_by_one() -> None:
    """Each stretch below the threshold is a phase; first year and total length are said."""
    dataset = run(liquidity=[2, 2, 0.5, 0.5, 2, 0.9, 2, 2])
    assert phases_of(dataset) == (
        Phase("liquidity failure", 1962.0, 1964.0),
        Phase("liquidity failure", 1965.0, 1966.0),
    )
    (finding,) = summarize(dataset).findings
    assert finding.sentence == "Liquidity failed 2 times, first in 1962: liquidity was below 1 for 3 years in all."
    assert (finding.time, finding.value) == (1962.0, 3.0)


def test_liquidity_that_holds_is_said_too() -> None:
    """No failure is a finding, with the lowest value."""
    (finding,) = summarize(run(liquidity=[2, 1.25, 3])).findings
    assert finding.sentence == "Liquidity never failed: liquidity stayed at 1 or more (lowest 1.25)."


def test_a_failure_to_the_end_is_open() -> None:
    """What had not recovered when the run ended is said to."""
    (finding,) = summarize(run(liquidity=[2, 2, 0.5, 0.5])).findings
    assert finding.sentence.endswith("for 1 year, and had not recovered at the end.")


def test_all_roles_together() -> None:
    """The sentences of a whole run, in order."""
    dataset = run(
        output=path((20, 0.08), (20, 0.02)),
        relative_knowledge=path((20, 0.04), (20, 0.0)),
        **{"debt/equity": [1.0] * 30 + [3.5] + [2.0] * 10},
        knowledge_gap=[0.8] * 40 + [0.5],
    )
    assert summarize(dataset).text.splitlines() == [
        "Catch-up ended in 1982: from then on relative knowledge grew by less than 0.5 % a year.",
        "Debt/equity was highest in 1990, at 3.5.",
        "Knowledge gap went from 0.8 to 0.5 in 2000.",
        "Output grew by 7.5 % a year from 1960 to 1982 (catch-up), 2.0 % a year from 1982 to 2000 (stall).",
    ]
    assert [finding.short for finding in summarize(dataset).findings] == [
        "1982",
        "3.5 in 1990",
        "0.5",
        "7.5 %, then 2.0 %",
    ]


def test_any_model_has_a_summary() -> None:
    """Without roles, start, end and extremes of every stock are told with their units."""
    dataset = fake_run()
    del dataset.attrs["roles"]
    sentences = summarize(dataset).text.splitlines()
    assert len(sentences) == 5
    assert sentences[0].startswith("Capital went from 80 to 1,0")
    assert "billion 1990 USD" in sentences[0]
    assert summarize(dataset).phases == ()


def test_a_stock_without_any_finite_value_is_said_to_be_so() -> None:
    """A column of NaN is no crash."""
    dataset = xr.Dataset({"x": ("time", [np.nan, np.nan], {"kind": "stock"})}, {"time": ("time", [0.0, 1.0])})
    assert summarize(dataset).findings == ()
