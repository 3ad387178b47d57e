"""Scenario files are read with their parents into one Scenario, whose digest depends on the content alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdpolicy.errors import ScenarioError
from sdpolicy.scenario import Scenario, read_scenario
from sdpolicy.scenario.schema import Setting, TimePath
from tiny import write

HEAD = 'title = "T"\nmodel = "tiny"\n'


def values(scenario: Scenario) -> dict[str, float]:
    """Return the numbers under [set]."""
    return {e.name: e.value.value for e in scenario.entries if isinstance(e.value, Setting) and e.table == "set"}


def test_parents_from_left_to_right_then_own(tmp_path: Path) -> None:
    """Later parents overrule earlier ones, and the file itself overrules all of them."""
    write(
        tmp_path,
        a=HEAD + "[set]\nx = 1\ny = 1\nz = 1\n",
        b='title = "B"\n[set]\ny = 2\nz = 2\n',
        c='title = "C"\nextends = ["a", "b.toml"]\n[set]\nz = 3\n',
    )
    assert values(read_scenario(tmp_path / "c.toml")) == {"x": 1.0, "y": 2.0, "z": 3.0}


def test_own_number_replaces_a_parents_path(tmp_path: Path) -> None:
    """A number overrules a path of the same variable in a parent, in another spelling too."""
    write(
        tmp_path,
        a=HEAD + '[path]\n"Life Time" = {points = [[1960, 1]]}\n',
        b='title = "B"\nextends = "a"\n[set]\nlife_time = 3\n',
    )
    scenario = read_scenario(tmp_path / "b.toml")
    assert [(e.table, e.name) for e in scenario.entries] == [("set", "life_time")]


def test_title_and_claims_are_not_inherited(tmp_path: Path) -> None:
    """A counterfactual does not make the claims of its baseline; model, country, run and panels pass on."""
    write(
        tmp_path,
        a=HEAD + 'question = "Why?"\ncountry = "KOR"\n[run]\nstep = 0.5\n[figures]\npanels = ["x"]\n'
        '[expect.p]\nvariable = "x"\nat = 1990\nis = ">"\nvalue = 1\n',
        b='title = "B"\nextends = "a"\n[run]\nmethod = "rk4"\n',
    )
    scenario = read_scenario(tmp_path / "b.toml")
    assert (scenario.title, scenario.question, dict(scenario.expect)) == ("B", "", {})
    assert (scenario.country, scenario.model, scenario.figures.panels) == ("KOR", tmp_path / "tiny.mdl", (("x",),))
    assert (scenario.run.step, scenario.run.method) == (0.5, "rk4")


def test_cuts_add_up(tmp_path: Path) -> None:
    """What a parent cuts stays cut; the same link in two spellings counts once."""
    write(
        tmp_path,
        a=HEAD + '[cut]\nlinks = [["a", "b c"]]\nloops = ["R1"]\n',
        b='title = "B"\nextends = "a"\n[cut]\nlinks = [["A", "b_c"], ["d", "e"]]\n',
    )
    cut = read_scenario(tmp_path / "b.toml").cut
    assert (cut.links, cut.loops) == ((("A", "b_c"), ("d", "e")), ("R1",))


def test_parent_may_lack_a_model(tmp_path: Path) -> None:
    """A file with a policy alone can be a parent of scenarios that name the model."""
    write(tmp_path, policy='title = "P"\n[set]\nx = 1\n', b=HEAD + 'extends = "policy"\n')
    assert values(read_scenario(tmp_path / "b.toml")) == {"x": 1.0}


def test_one_parent_twice_is_no_cycle(tmp_path: Path) -> None:
    """Two parents may share a parent of their own."""
    write(
        tmp_path,
        root=HEAD + "[set]\nx = 1\n",
        a='title = "A"\nextends = "root"\n',
        b='title = "B"\nextends = "root"\n[set]\nx = 2\n',
        c='title = "C"\nextends = ["a", "b"]\n',
    )
    assert values(read_scenario(tmp_path / "c.toml")) == {"x": 2.0}


def test_many_shared_parents_are_read_once(tmp_path: Path) -> None:
    """A ladder of files that extend the next two times each takes no time that doubles with each rung."""
    rungs = {f"s{n}": f'title = "S"\nextends = ["s{n + 1}", "s{n + 1}.toml"]\n' for n in range(60)}
    write(tmp_path, **rungs, s60=HEAD + "[set]\nx = 1\n")
    assert values(read_scenario(tmp_path / "s0.toml")) == {"x": 1.0}


def test_digest_ignores_spelling_and_layout(tmp_path: Path) -> None:
    """One content has one digest: split over files or not, in any order and spelling, points in a CSV or not."""
    write(
        tmp_path,
        whole=HEAD
        + '[set]\n"life time" = 3\nmood = 1.5\n[path]\n"world demand" = {points = [[1960, 1], [1990, 2.5]]}\n',
        part='title = "P"\nmodel = "tiny"\n[set]\nMood = 1.50\n',
        split='title = "T"\nextends = "part"\n[path]\nWorld_Demand = {csv = "d.csv", column = "d"}\n'
        '[set]\n"Life_Time" = {value = 3.0}\n',
    )
    (tmp_path / "d.csv").write_text("year,d\n1960,1\n1990,2.50\n", encoding="utf-8")
    whole, split = read_scenario(tmp_path / "whole.toml"), read_scenario(tmp_path / "split.toml")
    assert whole.canonical() == split.canonical()
    assert whole.digest == split.digest
    assert sorted(split.files) == ["d.csv", "part.toml", "split.toml"]


def test_digest_tells_contents_apart(tmp_path: Path) -> None:
    """A number that differs in the last bit gives another digest."""
    write(tmp_path, a=HEAD + "[set]\nx = 0.1\n", b=HEAD + "[set]\nx = 0.10000000000000002\n")
    assert read_scenario(tmp_path / "a.toml").digest != read_scenario(tmp_path / "b.toml").digest


def test_canonical_is_sorted_json(tmp_path: Path) -> None:
    """The canonical form is JSON with sorted keys and floats that read back exactly."""
    write(tmp_path, a=HEAD + "[set]\nx = 0.1\n[freeze]\ny = 1985\n")
    text = read_scenario(tmp_path / "a.toml").canonical()
    assert text == '{"freeze":{"y":1985.0},"model":"tiny","set":{"x":{"value":0.1}},"title":"T"}'
    assert json.loads(text)["set"]["x"]["value"] == 0.1


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_marks_and_line_ends_of_windows(tmp_path: Path, mark: bytes, end: bytes) -> None:
    """A byte order mark and the line ends of Windows are taken, in the scenario and in a CSV."""
    write(tmp_path)
    text = HEAD + '[path]\nx = {csv = "d.csv", column = "v"}\n'
    (tmp_path / "a.toml").write_bytes(mark + text.encode().replace(b"\n", end))
    (tmp_path / "d.csv").write_bytes(mark + b"year,v\n1960,1\n\n1970,-2.5e-1\n".replace(b"\n", end))
    entry = read_scenario(tmp_path / "a.toml").entries[0]
    assert isinstance(entry.value, TimePath)
    assert entry.value.points == ((1960.0, 1.0), (1970.0, -0.25))


def test_parent_in_a_folder_below(tmp_path: Path) -> None:
    """A parent in a folder below reads its CSV there, and is named with its folder."""
    write(tmp_path, a=HEAD + 'extends = "base/b.toml"\n')
    (tmp_path / "base").mkdir()
    write(tmp_path / "base", b='title = "B"\n[path]\nx = {csv = "d.csv", column = "v"}\n')
    (tmp_path / "base" / "d.csv").write_text("year,v\n1960,\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"base/b\.toml, \[path\] 'x', d\.csv: the column 'v' has a hole"):
        read_scenario(tmp_path / "a.toml")


def test_scenario_is_frozen(tmp_path: Path) -> None:
    """What was read cannot be changed, so that the digest stays true."""
    write(tmp_path, a=HEAD + "[set]\nx = 1\n")
    scenario = read_scenario(tmp_path / "a.toml")
    with pytest.raises(AttributeError):
        scenario.title = "other"  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        scenario.entries[0].value.value = 2.0  # type: ignore[misc, union-attr]
