"""Tests of scenarios side by side: values, differences from the right baseline, claims, tables and figure."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest

from sdpolicy.contrast import ancestors, claim_table, contrast, outcome_table
from sdpolicy.figures import render
from sdpolicy.figures.outcomes import Grid, outcomes
from sdpolicy.library import shelf
from sdpolicy.scenario import read_scenario


def test_differences_are_from_the_scenario_that_one_is_built_on() -> None:
    """A counterfactual is compared with its own root where that is named, else with the first."""
    found = contrast(["core-korea-taiwan-finance", "core-korea-no-opening", "core-korea"])
    assert [row.baseline for row in found.rows] == ["core-korea"] * 3
    korea = found.rows[2]
    assert found.difference(korea, "output 2005") == 0.0
    for row in found.rows:
        expected = row.values["output 2005"] - korea.values["output 2005"]
        assert found.difference(row, "output 2005") == expected
    cousins = contrast(["core-korea-no-opening", "core-korea-taiwan-finance"])
    assert [row.baseline for row in cousins.rows] == ["core-korea-no-opening"] * 2


def test_ancestors_end_with_the_root() -> None:
    """A scenario's line begins with itself."""
    assert ancestors(read_scenario("core-korea-no-opening")) == ["core-korea-no-opening", "core-korea"]


def test_tables_hold_every_outcome_and_claim() -> None:
    """What never happened is an empty cell; claims are told with what was demanded and found."""
    found = contrast(["core-korea", "core-korea-no-opening"])
    rows = list(csv.DictReader(io.StringIO(outcome_table(found).decode())))
    assert len(rows) == 2 * len(found.yardsticks)
    crisis = {row["scenario"]: row["value"] for row in rows if row["outcome"] == "crisis year"}
    assert float(crisis["core-korea"]) == pytest.approx(1996.49, abs=0.01)
    assert crisis["core-korea-no-opening"] == ""
    assert next(row["unit"] for row in rows if row["outcome"] == "output 2005") == "Billion USD1990/Year"
    claims = list(csv.DictReader(io.StringIO(claim_table(found).decode())))
    assert len(claims) == sum(len(row.verdicts) for row in found.rows)
    assert {claim["holds"] for claim in claims} == {"yes"}


def test_a_broken_claim_is_counted(tmp_path: Path) -> None:
    """The row says how many claims hold."""
    text = (
        (shelf("scenarios") / "core" / "core-korea.toml")
        .read_text(encoding="utf-8")
        .replace("value = 0.08", "value = 0.2")
    )
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    (row,) = contrast([tmp_path / "mine.toml"]).rows
    assert row.held == (7, 8)


def test_figure_is_the_same_every_time() -> None:
    """The table of cells is drawn with a row for each scenario, and equal tables give equal bytes."""
    found = contrast(["core-korea", "core-korea-no-opening"])
    names = ["core-korea", "core-korea-no-opening"]
    differences = np.array([[0.0, math.nan], [1.0, math.nan]])
    texts = [["1", "never"], ["2", "-"]]
    grid = Grid(names, ["a", "b"], texts, differences, ["8 of 8", "1 of 3"], names[:1] * 2)
    runs = [row.run for row in found.rows[:1]]
    one, other = (render(outcomes(grid, runs, "T"), "svg") for _ in range(2))
    assert one == other
