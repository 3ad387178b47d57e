"""Loop scores on models whose loops a textbook explains."""

from __future__ import annotations

import json
import sys
import time as clock
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sdpolicy.dominance import agreement, dominance, phases, polarity_phases, sentences
from sdpolicy.dominance.eigen import eigenvalues
from sdpolicy.dominance.found import broken_by, find_loops, named_loops
from sdpolicy.dominance.links import link_scores
from sdpolicy.dominance.run import record
from sdpolicy.dominance.scores import circle, dataset
from sdpolicy.errors import SimulationError
from sdpolicy.run import simulate
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model
from small import op, program
from tangle import tangle

TEXTBOOK = Path(__file__).parent / "textbook"
MODELS = sorted(path.stem for path in TEXTBOOK.glob("*.mdl"))


def scored(name: str) -> xr.Dataset:
    """Return the loop scores of a textbook model."""
    return dominance(TEXTBOOK / f"{name}.mdl")


def loop(scores: xr.Dataset, *members: str) -> str:
    """Return the label of the loop through exactly these variables."""
    found = [str(id_) for id_, names in zip(scores.loop.values, scores.members.values, strict=True)
             if set(json.loads(names)) == set(members)]  # fmt: skip
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("name", [*MODELS, "core", "core-korea"])
def test_shares_of_a_partition_add_up_to_one(name: str) -> None:
    """The absolute relative scores of all loops of a partition are 1 together, as those of its families."""
    scores = scored(name) if name in MODELS else dominance(name, listed=1000)
    for level, shares in (("loop", scores.relative), ("family", scores.family_relative)):
        for partition in scores.partition.values:
            rows = np.flatnonzero(scores[f"{level}_partition"].values == partition)
            total = np.abs(shares.values[rows]).sum(axis=0)
            assert np.all((total == 0.0) | (np.abs(total - 1.0) < 1e-12))
            assert np.all(total[5:] > 0.0) or name == "inventory"


def test_logistic_growth_turns_at_the_inflection_point() -> None:
    """The reinforcing loop leads until growth is greatest, at half the capacity, and the balancing one after."""
    scores = scored("logistic")
    growth, crowding = (
        loop(scores, "population", "net birth rate"),
        loop(scores, "population", "net birth rate", "room"),
    )
    assert (scores.polarity.sel(loop=growth), scores.polarity.sel(loop=crowding)) == ("R", "B")
    first, second = phases(scores, "loop")
    assert (first.driver, second.driver) == (growth, crowding)
    births = simulate(TEXTBOOK / "logistic.mdl")["net birth rate"]
    assert abs(second.start - float(births.time[births.argmax("time")])) <= 2 * 0.125


def test_bass_diffusion_turns_when_adoption_is_greatest() -> None:
    """Word of mouth leads until adoption peaks, then the exhaustion of the market."""
    scores = scored("bass")
    mouth = loop(scores, "adopters", "from word of mouth", "adoption")
    market = loop(scores, "potential adopters", "from word of mouth", "adoption")
    found = phases(scores, "loop")
    assert [phase.driver for phase in found] == [mouth, market]
    adoption = simulate(TEXTBOOK / "bass.mdl")["adoption"]
    assert abs(found[1].start - float(adoption.time[adoption.argmax("time")])) <= 2 * 0.0625


def test_oscillator_has_balancing_loops_only() -> None:
    """Inventory and workforce oscillate between two balancing loops, which take turns."""
    scores = scored("inventory")
    assert list(scores.polarity.values) == ["B", "B"]
    drivers = [phase.driver for phase in phases(scores, "loop")]
    assert len(drivers) >= 8
    assert all(a != b for a, b in pairwise(drivers))


def test_yeast_goes_through_four_phases() -> None:
    """Births lead, then alcohol slows births, then it kills, and at last cells just die: as the paper found."""
    scores = scored("yeast")
    assert [phase.driver for phase in phases(scores, "loop")] == [
        loop(scores, "cells", "births"),
        loop(scores, "cells", "alcohol generation", "alcohol", "effect on births", "births"),
        loop(scores, "cells", "alcohol generation", "alcohol", "effect on deaths", "deaths"),
        loop(scores, "cells", "deaths"),
    ]


def test_arms_race_has_two_loops_through_all_three() -> None:
    """Loops through the same variables in opposite order are two loops."""
    scores = scored("arms")
    sets = [frozenset(json.loads(names)) for names in scores.members.values]
    assert len(sets) == 8
    assert sum(sets.count(names) == 2 for names in set(sets)) == 1
    assert sorted(scores.polarity.values) == ["B"] * 3 + ["R"] * 5


def test_delay_is_a_link() -> None:
    """What goes on inside a SMOOTH is no loop of its own: the loops are those through what the model names."""
    scores = scored("smoothing")
    assert {frozenset(json.loads(names)) for names in scores.members.values} == {
        frozenset({"debt", "repayment"}),
        frozenset({"debt", "perceived debt", "borrowing"}),
    }


def test_lone_loop_has_a_score_of_one() -> None:
    """The score of the only loop of a model is 1 or -1 at every step, whatever its strength."""
    decay = program({"stock": ("flow", 5.0)}, {"flow": op("mul", -0.3, "stock")})
    scores = dominance(case(decay, read_model))
    assert np.allclose(scores.score.values[0, 1:], -1.0, atol=1e-12)
    assert scores.polarity.values[0] == "B"


def test_lone_loop_comes_last() -> None:
    """A loop that nothing competes with has a share of 1 and yet does not outrank the others."""
    model = program(
        {"alone": (op("mul", -0.1, "alone"), 1.0), "stock": (op("sub", "births", "deaths"), 1.0)},
        {"births": op("mul", 0.3, "stock"), "deaths": op("mul", 0.01, op("mul", "stock", "stock"))},
    )
    scores = dominance(case(model, read_model))
    assert scores.stocks.values[-1] == "alone ↺"
    assert len(scores.loop) == 3


def test_family_is_unmoved_by_more_auxiliaries() -> None:
    """Taking a flow apart into auxiliaries that cancel changes loops, not families."""
    plain = program({"a": (op("mul", 0.1, "b"), 1.0), "b": (op("mul", -0.2, "a"), 2.0)}, {})
    equations = {"more": op("mul", 3.0, "b"), "less": op("mul", 2.9, "b"), "net": op("sub", "more", "less")}
    apart = program({"a": ("net", 1.0), "b": (op("mul", -0.2, "a"), 2.0)}, equations)
    first, second = (dominance(case(model, read_model)) for model in (plain, apart))
    assert (len(first.loop), len(second.loop)) == (1, 2)
    assert np.allclose(first.family_relative.values, second.family_relative.values)
    assert np.allclose(second.family_score.values, second.score.values.sum(axis=0))


def test_flow_link_is_the_share_of_the_change_of_the_net_flow() -> None:
    """A flow's link is the change of the flow over that of the net flow, positive for what fills the stock."""
    history = record(case("core", read_model))
    scores = link_scores(history)
    invested, worn = (np.asarray(history.values[name]) for name in ("investment", "depreciation"))
    change = np.abs(np.diff(invested - worn))
    assert np.allclose(scores["investment", "capital"][1:], np.abs(np.diff(invested)) / change)
    assert np.allclose(scores["depreciation", "capital"][1:], -np.abs(np.diff(worn)) / change)
    assert np.allclose(scores["market_gain", "export_share"][1:], 1.0)


def test_first_paper_scores_flows_by_their_size() -> None:
    """With version 2020 a flow's link is the flow as a fraction of the net flow, a step before."""
    history = record(case(TEXTBOOK / "predators.mdl", read_model))
    found = link_scores(history, version="2020")["hare_births", "hares"]
    births, deaths = (np.asarray(history.values[name]) for name in ("hare_births", "hare_deaths"))
    assert np.allclose(found[1:], np.abs(births[:-1] / (births - deaths)[:-1]))


def test_halving_the_step_moves_no_phase() -> None:
    """The phases of the logistic model are the same with half the step, to within two steps."""
    whole, half = scored("logistic"), dominance(TEXTBOOK / "logistic.mdl", step=0.0625)
    assert np.array_equal(whole.time.values, half.time.values)
    a, b = phases(whole, "loop")[1].start, phases(half, "loop")[1].start
    assert abs(a - b) <= 2 * 0.125


def test_polarity_phases_and_words() -> None:
    """Growth that meets a limit is reinforcing first, balancing later, and the words say so."""
    scores = scored("logistic")
    assert len(polarity_phases(scores)) >= 1
    text = sentences(scores, "loop")
    assert text[0].startswith("From ")
    assert "reinforces" in text[0]
    assert "balances" in text[1]


def test_large_model_in_bounded_time_and_memory() -> None:
    """On a model of 180 variables and far over 20,000 loops discovery takes under 20 s and adds under 1 GB."""
    chosen = case(tangle(), read_model)
    record(chosen)  # what is measured is discovery, not compilation
    before, began = peak_memory(), clock.process_time()
    found = find_loops(record(chosen))
    scores = dataset(chosen, found)
    assert not found.complete
    assert scores.sizes["loop"] == 200
    assert clock.process_time() - began < 20.0
    assert peak_memory() - before < 1e9


def peak_memory() -> float:
    """Return the most memory in bytes that this process has held, or 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0.0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


@pytest.mark.parametrize(
    ("stocks", "words"),
    [(["debt"], "debt ↺"), (["capital", "debt"], "capital ⇄ debt"), (["a", "b", "c"], "a → b → c ↺")],
)
def test_circle_in_words(stocks: list[str], words: str) -> None:
    """Loops without a name are described by their stocks."""
    assert circle(stocks) == words


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ('[cut]\nloops = ["R1"]\n', {"R1": "the scenario cuts exports -> new loans"}),
        (
            '[path]\n"new loans" = {points = [[1962, 1.0], [1990, 20.0]]}\n',
            dict.fromkeys(("R1", "R4", "B6", "B6a"), "the scenario gives 'new loans'"),
        ),
        ('[freeze]\n"exports" = 1980\n', {}),
    ],
)
def test_a_scenario_may_break_a_named_loop(tmp_path: Path, change: str, broken: dict[str, str]) -> None:
    """Loops that a scenario cuts or gives a path to don't run round in it; the others are scored all the same."""
    path = tmp_path / "s.toml"
    path.write_text(f'title = "T"\nmodel = "core"\n{change}', encoding="utf-8")
    chosen = case(path, read_model)
    told = {loop.id: broken_by(chosen, loop) for loop in named_loops(chosen)}
    assert {id_: why for id_, why in told.items() if why} == broken
    scores = dominance(chosen, listed=1)
    named = {str(id_) for id_, name in zip(scores.loop.values, scores.name.values, strict=True) if name}
    assert named == told.keys() - broken.keys()


def test_no_feedback_has_nothing_to_agree_on(tmp_path: Path) -> None:
    """Where no loop acts, agreement is no number, and there are no eigenvalues to speak of."""
    model = tmp_path / "filling.mdl"
    control = "INITIAL TIME = 0 ~ Year ~ |\nFINAL TIME = 4 ~ Year ~ |\nTIME STEP = 1 ~ Year ~ |\nSAVEPER = 1 ~ Year ~ |"
    model.write_text(f"{{UTF-8}}\ns = INTEG(2 * Time, 1) ~ m ~ |\n{control}\n", encoding="utf-8")
    scores = dominance(model)
    assert np.isnan(agreement(scores, scores, "family"))
    with pytest.raises(SimulationError, match="no stock acts on itself"):
        eigenvalues(model)
