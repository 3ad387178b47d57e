"""What a loop is responsible for, looked at where and when the loop file says."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from sdpolicy import library
from sdpolicy.dominance.cutting import cuts
from sdpolicy.dominance.judged import FEW, Judgement, defaults, judge, markdown, rows
from sdpolicy.errors import ScenarioError
from sdpolicy.run import simulate
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model

CORE = library.model_path("core")
CUT = 'cut = ["exports", "new loans"]\n'
HEAD = 'title = "T"\nmodel = "core"\n[figures]\npanels = ["output", ["debt", "capital"]]\n'


def judged(folder: Path, loops: str, scenario: str = "", **options: bool) -> Judgement:
    """Judge the loops of a text in the teaching model."""
    shutil.copy(CORE, folder / "core.mdl")
    (folder / "core.loops.toml").write_text(loops, encoding="utf-8")
    (folder / "s.toml").write_text(HEAD + scenario, encoding="utf-8")
    return judge(folder / "s.toml", **options)


def test_a_loop_shows_what_the_file_says(tmp_path: Path) -> None:
    """Each variable stands at its own time, the end by default; a loop of which nothing is said has the panels."""
    loops = f'[R1]\n{CUT}shows = {{output = 1985, debt = 1996}}\n[X]\n{CUT}shows = ["exports"]\n[Y]\n{CUT}'
    items = judged(tmp_path, loops).items
    found = [(item.loop.id, item.variable, float(item.time[item.moment])) for item in items]
    assert found == [
        ("R1", "output", 1985.0), ("R1", "debt", 1996.0), ("X", "exports", 2010.0), ("Y", "output", 2010.0),
        ("Y", "debt", 2010.0),
    ]  # fmt: skip
    runs = cuts(case(tmp_path / "s.toml", read_model), ["R1"], ["output"])["output"]
    assert items[0].values == tuple(float(runs.sel(run=name, time=1985.0)) for name in ("whole", "R1"))
    assert items[0].change == items[0].values[1] / items[0].values[0] - 1


def test_defaults_of_a_bare_model() -> None:
    """Without panels the first stocks and auxiliaries are shown."""
    assert len(defaults(case(CORE, read_model))) == FEW


def test_a_loop_is_judged_where_it_acts(tmp_path: Path) -> None:
    """With ``elsewhere`` a loop is cut in the scenario that the file names, else here, with a word of where to look."""
    loops = f'[R1]\n{CUT}shows = {{output = 1985}}\n[R2]\n{CUT}shows = {{output = 1985}}\nin = "./other.toml"\n'
    other = tmp_path / "other.toml"
    other.write_text('title = "O"\nmodel = "core"\n[set]\n"initial export share" = 0.02\n', encoding="utf-8")
    loops = loops.replace("./other.toml", other.as_posix())
    here, there = judged(tmp_path, loops), judged(tmp_path, loops, elsewhere=True)
    assert [item.scenario for item in here.items] == ["s", "s"]
    assert "(see" in rows(here.items)[1][0]
    assert [item.scenario for item in there.items] == ["s", "other"]
    expected = simulate(other)["output"].sel(time=1985.0)
    assert there.items[1].values[0] == pytest.approx(float(expected), rel=1e-12)


def test_a_run_that_ends_early_says_when(tmp_path: Path) -> None:
    """Where the run without a loop is no number, the table says since when and in which variable; before, the value."""
    loops = (
        '[L]\ncut = ["technology imports", "knowledge base"]\nheld = 1e307\nshows = {output = 2005, capital = 1962}\n'
    )
    first, second = judged(tmp_path, loops).items
    assert np.isnan(first.values[1])
    assert first.broken.startswith("not finite from 19")
    assert rows([first])[0][4] == first.broken
    assert second.values[0] == second.values[1]


def test_a_cut_of_the_scenario_is_no_second_cut(tmp_path: Path) -> None:
    """A loop that the scenario itself cuts is named as idle, and its run is the whole one."""
    [item] = judged(tmp_path, f'[R1]\n{CUT}shows = ["output"]\n', '[cut]\nloops = ["R1"]\n').items
    assert item.idle == "the scenario cuts it itself"
    assert np.array_equal(item.whole, item.without)


def test_a_path_of_the_scenario_leaves_nothing_to_cut(tmp_path: Path) -> None:
    """A loop through a variable that the scenario gives is named as idle."""
    path = '[path]\n"new loans" = {points = [[1962, 1.0]]}\n'
    [item] = judged(tmp_path, f'[R1]\n{CUT}shows = ["output"]\n', path).items
    assert item.idle == "the scenario gives 'new loans'"


@pytest.mark.parametrize(
    ("shows", "expected"),
    [
        (
            "{outptu = 1990}",
            "core.loops.toml, L, shows: the model 'core' has no variable 'outptu'. Did you mean 'output'?",
        ),
        ("{output = 1890}", "core.loops.toml, L, shows: the time 1890 is not inside the run, 1962 to 2010"),
        ('["initial export share"]', "'initial export share' has subscripts or does not vary"),
        ('{output = "1990"}', "core.loops.toml, L"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, shows: str, expected: str) -> None:
    """Variables that are not there and times outside the run are told with the place in the loop file."""
    with pytest.raises(ScenarioError) as caught:
        judged(tmp_path, f"[L]\n{CUT}shows = {shows}\n")
    assert expected in str(caught.value)


def test_scenario_of_another_model_is_refused(tmp_path: Path) -> None:
    """A loop is judged in its own model."""
    with pytest.raises(ScenarioError, match="L, in: the scenario 'korea' is of the model 'catchup'"):
        judged(tmp_path, f'[L]\n{CUT}in = "korea"\n', elsewhere=True)


def test_table_for_the_book(tmp_path: Path) -> None:
    """The Markdown table has a row for each variable of each loop."""
    lines = markdown(judged(tmp_path, f"[R1]\n{CUT}shows = {{output = 1985, debt = 1996}}\n").items).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| R1 | output (billion 1990 USD / year) | 1985 | ")
