"""Tests of observed facts and of how well a run agrees with them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sdpolicy.errors import ResultError
from sdpolicy.evidence import Observation, fit, fits, observations, simulated
from sdpolicy.library import shelf

FACTS = "id,entity,variable,start,end,value,low,high,unit,source,locator,note\n"
DEFINITIONS = "fact,model,variable,scale,usable,reason\n"


def evidence(folder: Path, facts: str, definitions: str) -> Path:
    """Write both tables into a folder and return it."""
    (folder / "facts.csv").write_text(FACTS + facts, encoding="utf-8")
    (folder / "definitions.csv").write_text(DEFINITIONS + definitions, encoding="utf-8")
    return folder


def said(folder: Path, facts: str, definitions: str) -> list[str]:
    """Return the problems of two faulty tables."""
    with pytest.raises(ResultError) as caught:
        observations(evidence(folder, facts, definitions), "core", "KOR")
    return [str(problem) for problem in caught.value.problems]


def test_facts_are_brought_to_the_models_unit(tmp_path: Path) -> None:
    """Value and limits are multiplied by the definition's scale."""
    folder = evidence(
        tmp_path,
        'K1,KOR,saving,1990,1993,50,25,75,percent,"Ernst 1998","I.3, note 18",about\nT1,TWN,x,1990,,1,,,,H,,\n',
        "K1,core,saving rate,0.01,yes,\nT1,core,x,1,yes,\n",
    )
    assert observations(folder, "core", "KOR") == (
        Observation("K1", "saving rate", 1990, 1993, 0.5, 0.25, 0.75, "percent", "Ernst 1998", "I.3, note 18", "about"),
    )


def test_a_fact_of_one_year_is_a_moment(tmp_path: Path) -> None:
    """Without an end a fact holds at its start; without limits it has none."""
    (fact,) = observations(evidence(tmp_path, "K1,KOR,x,1990,,1,,,,S,,\n", "K1,core,x,,yes,\n"), "core", "KOR")
    assert (fact.start, fact.end, fact.low, fact.high) == (1990, 1990, None, None)


def test_unusable_and_foreign_facts_are_left_out(tmp_path: Path) -> None:
    """Rows for another model, or marked as not usable, give nothing."""
    folder = evidence(tmp_path, "K1,KOR,x,1990,,1,,,,S,,\n", "K1,core,x,1,no,nominal\nK1,ladder,x,1,yes,\n")
    assert observations(folder, "core", "KOR") == ()


def test_no_evidence_is_no_error(tmp_path: Path) -> None:
    """A folder without tables gives no observations."""
    assert observations(tmp_path, "core", "KOR") == ()


def test_shipped_evidence_can_be_read() -> None:
    """The tables of this repository have no faulty row."""
    assert len(observations(shelf("evidence"), "catchup", "KOR")) > 0


def test_every_bad_row_is_told_with_its_line(tmp_path: Path) -> None:
    """All problems come at once: numbers, order, doubles, unknown facts, unclear marks."""
    facts = "K1,KOR,x,1990,1980,one,,,,S,,\nK1,KOR,x,1990,,1,3,2,,S,,\nshort,row\n"
    assert said(tmp_path, facts, "K1,core,x,1,maybe,\nK1,core,x,big,yes,\nK9,core,x,1,yes,\n") == [
        "facts.csv, line 3: the id 'K1' is there twice. Rename one.",
        "facts.csv, line 4: the row does not have 12 fields. Put texts that hold commas in quotation marks.",
        "definitions.csv, line 2: usable is 'maybe'. Write yes or no.",
        "definitions.csv, line 3: scale is 'big'. Write a finite number.",
        "definitions.csv, line 4: there is no fact 'K9'. Add it or drop this row.",
    ]
    assert said(tmp_path, "K1,KOR,x,1990,1980,one,3,2,,S,,\n", "K1,core,x,,yes,\n") == [
        "facts.csv, line 2 (K1): value is 'one'. Write a finite number.",
        "facts.csv, line 2 (K1): it ends in 1980, before it starts in 1990. Swap start and end.",
        "facts.csv, line 2 (K1): low is greater than high. Swap them.",
    ]


@pytest.mark.parametrize("text", ["nan", "inf", "", "1,5"])
def test_values_must_be_finite_numbers(tmp_path: Path, text: str) -> None:
    """Not-a-number is not evidence."""
    assert said(tmp_path, f'K1,KOR,x,1990,,"{text}",,,,S,,\n', "K1,core,x,1,yes,\n") == [
        f"facts.csv, line 2 (K1): value is '{text}'. Write a finite number."
    ]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """A table without one of the columns says which."""
    evidence(tmp_path, "", "")
    (tmp_path / "facts.csv").write_text("id,entity\n")
    with pytest.raises(ResultError, match=r"facts\.csv: there is no column 'variable, start"):
        observations(tmp_path, "core", "KOR")


def test_a_table_in_another_encoding_is_told(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are a clear message."""
    evidence(tmp_path, "", "")
    (tmp_path / "facts.csv").write_bytes(FACTS.encode() + b"K1,KOR,caf\xe9,1,,1,,,,,,\n")
    with pytest.raises(ResultError, match="cannot be read"):
        observations(tmp_path, "core", "KOR")


RUN = xr.Dataset(
    {"x": ("time", [0.0, 2.0, 4.0, 4.0, 4.0]), "c": ((), 1.0)}, {"time": ("time", [0.0, 1.0, 2.0, 3.0, 4.0])}
)


def fact(start: float, end: float, value: float = 1.0, variable: str = "x") -> Observation:
    """Return a fact without limits."""
    return Observation("F", variable, start, end, value, None, None, "", "S")


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0.5, 0.5, 1.0), (0, 2, 2.0), (2, 4, 4.0), (0.5, 1.5, 2.0), (1, 3, 3.5)]
)
def test_a_run_is_read_where_the_fact_speaks(start: float, end: float, expected: float) -> None:
    """At a moment along straight lines; over a period as their mean."""
    assert simulated(RUN, fact(start, end)) == expected


@pytest.mark.parametrize("one", [fact(-1, 2), fact(3, 5), fact(1, 1, variable="none"), fact(1, 1, variable="c")])
def test_what_a_run_does_not_cover_is_nan(one: Observation) -> None:
    """Outside the horizon, or for what does not vary over time, there is nothing to compare."""
    assert math.isnan(simulated(RUN, one))


def test_fit_is_exact_where_theil_is() -> None:
    """Twice the observed series 1, 2, 3: the mean is 2 too great, the spread doubles, the correlation is 1."""
    result = fit([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert (result.n, result.mape, result.rmspe) == (3, 1.0, 1.0)
    assert result.r2 == pytest.approx(1.0, abs=1e-15)
    assert result.bias == pytest.approx(6 / 7, abs=1e-15)
    assert result.variation == pytest.approx(1 / 7, abs=1e-15)
    assert result.covariation == pytest.approx(0.0, abs=1e-15)


def test_a_shifted_series_errs_by_bias_alone() -> None:
    """A constant error is all bias."""
    result = fit([4.0, 5.0, 6.0], [1.0, 2.0, 3.0])
    assert (result.bias, result.variation, result.covariation) == (1.0, 0.0, 0.0)


def test_a_reversed_series_errs_by_covariation_alone() -> None:
    """Equal means and spreads leave imperfect correlation."""
    result = fit([3.0, 2.0, 1.0], [1.0, 2.0, 3.0])
    assert result.bias == 0.0
    assert result.variation == 0.0
    assert result.covariation == pytest.approx(1.0, abs=1e-15)
    assert result.r2 == pytest.approx(1.0, abs=1e-15)


def test_shares_sum_to_one() -> None:
    """Theil's shares are a decomposition of the mean squared error, whatever the series."""
    random = np.random.default_rng(0)
    for _ in range(20):
        s, a = random.normal(size=(2, 9))
        result = fit(list(s), list(a))
        assert result.bias + result.variation + result.covariation == pytest.approx(1.0, abs=1e-12)


def test_a_perfect_fit_has_no_shares() -> None:
    """Where there is no error there is nothing to share out."""
    result = fit([1.0, 2.0], [1.0, 2.0])
    assert (result.mape, result.rmspe) == (0.0, 0.0)
    assert all(math.isnan(x) for x in (result.bias, result.variation, result.covariation))


def test_what_cannot_be_computed_is_nan() -> None:
    """Relative errors need observed values other than 0, a correlation needs variation."""
    assert math.isnan(fit([1.0, 2.0], [0.0, 2.0]).mape)
    assert math.isnan(fit([1.0, 1.0], [1.0, 2.0]).r2)


@pytest.mark.parametrize(("s", "a"), [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([], [])])
def test_fit_needs_pairs(s: list[float], a: list[float]) -> None:
    """One point is no series, and lengths must agree."""
    with pytest.raises(ValueError, match="same length"):
        fit(s, a)


def test_fits_are_by_variable() -> None:
    """Facts are gathered by variable; those that can't be compared don't count, and one alone gives no fit."""
    facts = [fact(0, 0, 1), fact(1, 1, 3), fact(9, 9, 3), fact(1, 1, variable="c")]
    assert set(fits(RUN, facts)) == {"x"}
    assert fits(RUN, facts)["x"].n == 2
    assert fits(RUN, facts[:1]) == {}
