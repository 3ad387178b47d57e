"""Bad scenario files: each kind gives its one clear message, and leaves no file behind."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sdpolicy.errors import ScenarioError
from sdpolicy.scenario import case
from tiny import read_tiny, write


@dataclass(frozen=True)
class Bad:
    """A kind of bad scenario: what stands in the folder, and what is said of it."""

    kind: str
    text: str
    message: str
    encoding: str = "utf-8"
    files: dict[str, str] = field(default_factory=dict)

    def put(self, folder: Path) -> None:
        """Write the files."""
        write(folder)
        for name, text in {"bad.toml": self.text, **self.files}.items():
            (folder / name).write_bytes(text.encode(self.encoding))


TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").with_stem("bad_scenarios").read_text(encoding="utf-8"))
BAD = [Bad(**row) for row in TABLE["bad"]]


def listing(folder: Path) -> list[str]:
    """Return all that stands in a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.kind.replace(" ", "-"))
def test_message_is_exact(bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of bad scenario file gives exactly its message, and nothing is written."""
    bad.put(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = listing(tmp_path)
    with pytest.raises(ScenarioError) as caught:
        case("bad.toml", read_tiny)
    assert str(caught.value) == bad.message
    assert listing(tmp_path) == before


def test_there_are_thirty_kinds() -> None:
    """At least thirty kinds are listed, no kind twice."""
    kinds = {bad.kind for bad in BAD}
    assert len(kinds) == len(BAD)
    assert len(kinds) >= 30


def test_all_problems_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems of the file, of a CSV, of the names, of units and of the run are told together."""
    text = """
titel = "x"
model = "tiny"
[set]
wage = 1
"life time" = {value = 3, unit = "Person"}
[path]
"investment rate" = {csv = "none.csv", column = "x"}
[run]
step = 0.3
"""
    monkeypatch.chdir(write(tmp_path, bad=text))
    with pytest.raises(ScenarioError) as caught:
        case("bad.toml", read_tiny)
    assert [problem.where for problem in caught.value.problems] == [
        "bad.toml, title",
        "bad.toml, titel",
        "bad.toml, [path] 'investment rate', none.csv",
        "bad.toml, [set] 'wage'",
        "bad.toml, [set] 'life time', unit",
        "bad.toml, [run] step",
    ]


def test_missing_file_is_told_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario that is not there is named as the user gave it, with the file that was probably meant."""
    monkeypatch.chdir(write(tmp_path, korea='title = "x"'))
    with pytest.raises(ScenarioError) as caught:
        case("./koera.toml", read_tiny)
    assert str(caught.value) == "./koera.toml: there is no such file. Did you mean 'korea.toml'?"


def test_folder_in_place_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder given as a scenario is refused."""
    (tmp_path / "korea.toml").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError) as caught:
        case("korea.toml", read_tiny)
    assert str(caught.value) == "korea.toml: this is a folder, not a scenario file. Name the file in it."


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_link_out_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that leads out of the scenario's folder is refused like the path itself."""
    (tmp_path / "outside.csv").write_text("year,x\n1960,0.1\n", encoding="utf-8")
    inner = tmp_path / "inner"
    inner.mkdir()
    write(inner, bad='title = "x"\nmodel = "tiny"\n[path]\n"investment rate" = {csv = "in.csv", column = "x"}\n')
    (inner / "in.csv").symlink_to(tmp_path / "outside.csv")
    monkeypatch.chdir(inner)
    with pytest.raises(ScenarioError) as caught:
        case("bad.toml", read_tiny)
    assert str(caught.value) == (
        "bad.toml, [path] 'investment rate', in.csv: the path leaves the folder of the scenario. "
        "Put the file beside the scenario, and name it relative to it."
    )


def test_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of more than 5 MB is not read."""
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_bytes(b"#" * (5 * 1024**2 + 1))
    with pytest.raises(ScenarioError) as caught:
        case("bad.toml", read_tiny)
    assert str(caught.value) == "bad.toml: the file is larger than 5 MB. Keep large data elsewhere."


def test_deep_nesting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of brackets do not bring the reader down."""
    monkeypatch.chdir(write(tmp_path, bad="note = " + "[" * 20000))
    with pytest.raises(ScenarioError) as caught:
        case("bad.toml", read_tiny)
    assert str(caught.value) == "bad.toml: the file is nested too deeply."
