"""Loops that a file names are opened as it says: at one link or several, the cause held where it is told to be."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sdpolicy import library
from sdpolicy.backends import llvm
from sdpolicy.backends.base import FloatArray
from sdpolicy.dominance.cutting import switched, without
from sdpolicy.errors import ScenarioError
from sdpolicy.expression import Apply, Num, Ref
from sdpolicy.lower import lower
from sdpolicy.program import Program
from sdpolicy.run import simulate
from sdpolicy.scenario import Case, case, read_scenario
from sdpolicy.scenario.loops import read_loops
from sdpolicy.vensim import read_model
from tiny import read_tiny, write

HEAD = 'title = "T"\nmodel = "tiny"\n'
CORE = library.model_path("core")
LINKS = '[["knowledge base", "technology imports"], ["knowledge base", "relative knowledge"]]'


def cut(folder: Path, loops: str, scenario: str = "") -> Case:
    """Return the tiny model with its loop L cut, as the text of its loop file says."""
    write(folder, s=f'{HEAD}{scenario}[cut]\nloops = ["L"]\n')
    (folder / "tiny.loops.toml").write_text(loops, encoding="utf-8")
    return case(folder / "s.toml", read_tiny)


def investment(chosen: Case) -> object:
    """Return what investment is computed from."""
    return next(equation.body for equation in chosen.program.equations if equation.target == "investment")


def refused(folder: Path, loops: str, scenario: str = "") -> str:
    """Return why the loop file is refused."""
    with pytest.raises(ScenarioError) as caught:
        cut(folder, loops, scenario)
    return str(caught.value)


def core(folder: Path, loops: str, model: str | None = None) -> Path:
    """Write the teaching model with a loop file of its own, and a scenario that cuts its loop L; return that."""
    (folder / "core.mdl").write_text(model or CORE.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "core.loops.toml").write_text(loops, encoding="utf-8")
    roles = CORE.with_suffix(".roles.toml")
    shutil.copy(roles, folder / roles.name)
    (folder / "whole.toml").write_text('title = "T"\nmodel = "core"\n', encoding="utf-8")
    (folder / "cut.toml").write_text('title = "T"\nextends = "whole"\n[cut]\nloops = ["L"]\n', encoding="utf-8")
    return folder / "cut.toml"


def rows(model: Program, chosen: Case, on: Sequence[str] = ()) -> FloatArray:
    """Return all stocks and auxiliaries of a run with some switches on."""
    lowered = lower(model)
    row = switched(lowered.parameters, lowered.defaults, lowered.by_id, on)
    outputs = [quantity.id for quantity in chosen.program.quantities if quantity.kind in ("stock", "auxiliary")]
    return llvm.ENGINE.compile(lowered).run(row, chosen.grid, chosen.method, outputs).values


@pytest.mark.parametrize(
    ("held", "seen", "noted"),
    [
        ("", Apply("initial", (Ref("capital"),)), "starting value"),
        ("held = 25\n", Num(25.0), 25.0),
        ("held = {Capital = 25}\n", Num(25.0), 25.0),
    ],
)
def test_what_the_effect_sees(tmp_path: Path, held: str, seen: object, noted: object) -> None:
    """Without a word the effect sees the starting value of its cause, else what the file says; the case notes it."""
    chosen = cut(tmp_path, f'[L]\ncut = ["capital", "investment"]\n{held}')
    assert investment(chosen) == Apply("mul", (seen, Ref("investment_rate")))
    [item] = [item for item in chosen.applied if item.kind == "cut"]
    assert item.name == "Capital -> investment"
    assert item.value == {"from": "Capital", "to": "investment", "held": noted}
    assert item.unit == "Billion USD1990"


def test_cause_held_at_a_constant_follows_it(tmp_path: Path) -> None:
    """A named constant stands in with the value that the scenario gives it."""
    loops = '[L]\ncut = ["investment rate", "investment"]\nheld = "mood"\n'
    chosen = cut(tmp_path, loops, "[set]\nmood = 0.5\n")
    assert investment(chosen) == Apply("mul", (Ref("capital"), Ref("mood")))
    assert chosen.applied[-1].value["held"] == "mood"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ('cut = ["capital"]', "tiny.loops.toml, L, [cut]: expected two names, or a list of such pairs"),
        ('cut = ["capital", "investment"]\nhold = 1', "tiny.loops.toml, L, hold: the key 'hold' is not known. Did you"),
        ('cut = ["capital", "investment"]\nheld = true', "L, held: expected a number, or the name of a constant"),
        ('cut = ["capital", "investment"]\nheld = "capitol"', "L, held: the model 'tiny' has no variable 'capitol'"),
        ('cut = ["capital", "investment"]\nheld = "investment"', "L, held: 'investment' is not constant"),
        ('cut = ["capital", "investment"]\nheld = "life time"', "'life time' is in Year, 'Capital' in Billion USD1990"),
        ('cut = ["capital", "investment"]\nheld = -5', "L, held: the value -5 is outside the limits"),
        ('cut = ["mood", "investment"]', "tiny.loops.toml, L: 'investment' does not depend on 'mood' directly"),
        (
            'cut = ["mod", "investment"]',
            "tiny.loops.toml, L: the model 'tiny' has no variable 'mod'. Did you mean 'mood'?",
        ),
        (
            'cut = [["capital", "investment"], ["investment rate", "investment"]]\nheld = 1',
            "cut has several causes. Write held = {cause = value}; the causes are capital, investment rate.",
        ),
        ('cut = ["capital", "investment"]\nheld = {mood = 1}', "L, held: 'mood' is the cause of no link of the cut"),
        ('name = "nothing"', "tiny.loops.toml, L: the loop names no link"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, entry: str, expected: str) -> None:
    """The message names file, loop and key, says what is wrong, and how to repair it."""
    assert expected in refused(tmp_path, f"[L]\n{entry}\n")


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Faults in several loops are told together."""
    text = refused(tmp_path, '[L]\ncut = ["capital", "investment"]\nheld = []\n[M]\npolarity = "x"\ncut = ["a", "b"]\n')
    assert "tiny.loops.toml, L, held" in text
    assert "tiny.loops.toml, M, polarity" in text


def test_a_constant_with_a_path_holds_nothing(tmp_path: Path) -> None:
    """What the scenario moves over time is no value to hold a cause at."""
    loops = '[L]\ncut = ["investment rate", "investment"]\nheld = "mood"\n'
    path = "[path]\nmood = {points = [[1960, 0.1], [1980, 0.2]]}\n"
    assert "'mood' is not constant in this run" in refused(tmp_path, loops, path)


def test_one_link_at_two_values_is_refused(tmp_path: Path) -> None:
    """A scenario that cuts two loops at one link with different values is told so; with one value it counts once."""
    loops = '[L]\ncut = ["capital", "investment"]\nheld = 5\n[M]\ncut = ["capital", "investment"]\nheld = {}\n'
    write(tmp_path, s=f'{HEAD}[cut]\nloops = ["L", "M"]\n')
    (tmp_path / "tiny.loops.toml").write_text(loops.format(6), encoding="utf-8")
    with pytest.raises(ScenarioError, match="cut twice, with its cause held at different values"):
        case(tmp_path / "s.toml", read_tiny)
    (tmp_path / "tiny.loops.toml").write_text(loops.format(5), encoding="utf-8")
    assert [item.kind for item in case(tmp_path / "s.toml", read_tiny).applied] == ["cut"]


@pytest.mark.parametrize("held", ["0.2", '"initial knowledge base"'])
def test_held_is_the_model_with_the_constant_written_in(tmp_path: Path, held: str) -> None:
    """A loop that is cut with its cause held runs as the model in which an author writes that value, bit by bit."""
    path = core(tmp_path, f'[L]\ncut = ["knowledge base", "technology imports"]\nheld = {held}\n')
    run = simulate(read_scenario(path))
    equation = "technology transfer * knowledge base *"
    text = CORE.read_text(encoding="utf-8")
    assert text.count(equation) == 1
    by_hand = tmp_path / "by-hand"
    by_hand.mkdir()
    value = held.strip('"')
    core(by_hand, '[L]\ncut = ["debt", "new loans"]\n', text.replace(equation, f"technology transfer * {value} *"))
    expected = simulate(read_scenario(by_hand / "whole.toml"))
    assert np.array_equal(run["output"].values, expected["output"].values)
    assert not np.array_equal(run["output"].values, simulate(read_scenario(tmp_path / "whole.toml"))["output"].values)


@pytest.mark.parametrize("held", ["", "held = 0.2\n", 'held = "initial knowledge base"\n'])
@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_switch_and_scenario_agree_to_the_last_bit(tmp_path: Path, held: str, method: str) -> None:
    """A loop cut at two links by a switch runs as in a scenario that cuts it."""
    path = core(tmp_path, f"[L]\ncut = {LINKS}\n{held}")
    whole = tmp_path / "whole.toml"
    whole.write_text(f'title = "T"\nmodel = "core"\n[run]\nmethod = "{method}"\n', encoding="utf-8")
    made = without(case(whole, read_model), read_loops(tmp_path / "core.mdl"))
    cut_by_scenario = case(path, read_model)
    assert len([item for item in cut_by_scenario.applied if item.kind == "cut"]) == 2
    runs = [
        rows(made.program, cut_by_scenario, list(made.switches.values())),
        rows(cut_by_scenario.program, cut_by_scenario),
    ]
    assert np.array_equal(*runs)
    assert not np.array_equal(runs[0], rows(made.program, cut_by_scenario))


def test_what_a_loop_shows(tmp_path: Path) -> None:
    """The file says which variables show what a loop does, when to look, and in which scenario."""
    entry = '[L]\ncut = ["capital", "investment"]\nin = "japan"\nshows = '
    (tmp_path / "tiny.mdl").write_text("", encoding="utf-8")
    found = []
    for shows in ("{capital = 1990}", '["capital", "mood"]', '"capital"'):
        (tmp_path / "tiny.loops.toml").write_text(f"{entry}{shows}\n", encoding="utf-8")
        found += read_loops(tmp_path / "tiny.mdl")
    assert [dict(loop.shows) for loop in found] == [
        {"capital": 1990.0},
        {"capital": None, "mood": None},
        {"capital": None},
    ]
    assert {loop.judged_in for loop in found} == {"japan"}
