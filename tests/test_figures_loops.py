"""Figures of loops, causes, contributions and stocks: what stands on the page, and that it is drawn at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.text import Text

from sdpolicy.dominance import dominance, phases, telling
from sdpolicy.dominance.causes import causes_of
from sdpolicy.dominance.eigen import eigenvalues
from sdpolicy.dominance.judged import judge
from sdpolicy.dominance.modes import named_movers
from sdpolicy.dominance.robust import held, robustness
from sdpolicy.errors import ResultError
from sdpolicy.figures.causes import causes
from sdpolicy.figures.contributions import contributions
from sdpolicy.figures.cuts import without_loops
from sdpolicy.figures.dominance import banded
from sdpolicy.figures.dominance import dominance as areas
from sdpolicy.figures.eigenvalues import eigenvalues as rates
from sdpolicy.figures.loops import loops as diagrams
from sdpolicy.figures.members import members
from sdpolicy.figures.render import render
from sdpolicy.run import simulate
from sdpolicy.vensim import read_model
from sdpolicy.why import why

ROOT = Path(__file__).parents[1]
CORE = ROOT / "models" / "core.mdl"
KOREA = ROOT / "scenarios" / "core" / "core-korea.toml"


@pytest.fixture(scope="module")
def scores() -> xr.Dataset:
    """Return the loop scores of the teaching model's Korea."""
    return dominance(KOREA)


def words(figure: Figure) -> str:
    """Return all that is written on a page."""
    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_page_of_shares_names_the_phases(scores: xr.Dataset) -> None:
    """The page writes each long phase's loop, says which side reinforces, and how many loops there are."""
    figure = areas(scores, dates=[1975, 1995])
    text = words(figure)
    assert "reinforcing" in text
    assert "595 found" in text
    for phase in phases(scores, telling(scores), shortest=0.2):
        assert phase.driver.split()[0] in text
    assert render(figure, "svg").startswith(b"<?xml")


def test_diagrams_say_what_leads_at_each_date(scores: xr.Dataset) -> None:
    """Each diagram has its year and its three strongest loops with their shares."""
    text = words(diagrams(scores, [1975, 1985, 1995]))
    assert all(date in text for date in ("1975", "1985", "1995"))
    at = int(abs(scores["time"].values - 1985.0).argmin())
    leader = max(banded(scores, telling(scores), [1985]), key=lambda band: abs(band.values[at]))
    assert f"{abs(leader.values[at]):.0%}" in text
    assert leader.label.split()[0] in text


def test_loops_of_a_model_without_names() -> None:
    """A model whose loops nobody named is drawn by its stocks; one date is enough."""
    logistic = dominance(ROOT / "tests" / "textbook" / "logistic.mdl")
    assert "population ↺" in words(areas(logistic))
    assert "net birth rate" in words(diagrams(logistic, [5.0])).replace("\n", " ")


def test_contributions_on_one_page() -> None:
    """The page gives both values, the difference, each policy, the pairs and the loops."""
    found = why(KOREA, KOREA.with_name("core-korea-taiwan-institutions.toml"), "output")
    text = words(contributions(found, 2000.0))
    assert "Why output differs in 2000" in text
    assert "together" in text
    assert "What pairs do together" in text
    assert "Which loops carry it" in text
    assert re.search(r"−\d+", text)


def test_runs_without_loops_on_one_page() -> None:
    """There is a panel for each named loop, with the change at the time at which the loop is judged."""
    found = judge(KOREA, ["output"], 1990)
    text = words(without_loops(found))
    assert all(item.loop.label.split()[0] in text for item in found.items)
    assert text.count("in 1990") == len(found.items)
    assert "output (billion 1990 USD / year)" in text


def test_members_on_one_page(scores: xr.Dataset) -> None:
    """The page says how many members there are, and of each phase in which share of them it holds."""
    found = robustness(KOREA.with_name("core-korea-uncertain.toml"), members=8)
    lasting = held(found, phases(scores, "named", shortest=0.1))
    text = words(members(found, lasting, [1975]))
    assert "Share of 8 members" in text
    assert all(f"{item.mostly:.0%}" in text for item in lasting)
    assert all(item.phase.driver.split()[0] in text for item in lasting)


def test_eigenvalues_on_one_page() -> None:
    """The page says for each date what the strongest mode does, and names the loops that it hangs on."""
    found = eigenvalues(KOREA)
    text = words(rates(found, [1975, 1995]))
    for date in (1975, 1995):
        assert f"{date}: grows, doubling in" in text
        assert all(mover.label in text for mover in named_movers(found, date))
    logistic = rates(eigenvalues(ROOT / "tests" / "textbook" / "logistic.mdl"))
    assert "dies away, halving in" in words(logistic)
    assert "in swings of" not in text
    assert "in swings of" in words(rates(eigenvalues(ROOT / "tests" / "textbook" / "inventory.mdl")))


def test_causes_strip() -> None:
    """The strip holds the variable, its causes and theirs, and names the constants among them."""
    tree = causes_of(read_model(CORE))
    text = words(causes(simulate(KOREA), "Investment", tree))
    assert "What moves investment" in text
    assert "Constant: world interest rate" in text
    assert "liquidity" in text
    with pytest.raises(ResultError, match="Did you mean 'investment'"):
        causes(simulate(KOREA), "investmnt", tree)
