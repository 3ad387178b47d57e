"""The commands loops, causes and why, as a user meets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sdpolicy.cli.app import app
from sdpolicy.dominance.judged import FEW
from sdpolicy.results.manifest import read_manifest
from sdpolicy.scenario.loops import read_loops

ROOT = Path(__file__).parents[1]
CORE = ROOT / "scenarios" / "core"
CORE_MODEL = ROOT / "models" / "core.mdl"
KOREA = str(CORE / "core-korea.toml")


def called(*arguments: str) -> tuple[int, str]:
    """Return exit code and standard output of a command."""
    answer = CliRunner().invoke(app, arguments, env={"COLUMNS": "120"})
    return answer.exit_code, answer.stdout


def test_loops_says_what_drives_it(tmp_path: Path) -> None:
    """A paragraph in words stands on top, then the table; --out writes figures and tables."""
    code, text = called("loops", KOREA, "--top", "3", "--at", "1975", "--cuts", "--out", str(tmp_path))
    assert code == 0
    assert "From 1962 to" in text.splitlines()[1]
    assert "R1 forced march" in text
    assert "Without each named loop, in 1975" in text
    expected = {"dominance.svg", "loops.svg", "stockflow.svg", "cuts.svg", "loops.csv", "families.csv", "cuts.csv"}
    expected |= {"cuts.md", "core-korea.nc", "core-korea.csv", "manifest.json"}
    assert {path.name for path in tmp_path.iterdir()} == expected
    assert called("verify", str(tmp_path))[0] == 0
    first = (tmp_path / "loops.csv").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("time,L1,")


def test_causes_says_what_it_is_computed_from(tmp_path: Path) -> None:
    """The first line names the causes; an unknown variable is bad input, with a suggestion."""
    code, text = called("causes", KOREA, "exports", "--out", str(tmp_path))
    assert code == 0
    assert text.startswith("exports is computed from export share and world demand.")
    assert {path.name for path in tmp_path.iterdir()} >= {"causes.svg", "manifest.json"}
    assert called("verify", str(tmp_path))[0] == 0
    assert called("causes", KOREA, "exprots")[0] == 2


def test_why_says_what_it_is_made_of(tmp_path: Path) -> None:
    """The first sentence gives both values and the greatest parts; the parts stand below with their sum."""
    other = str(CORE / "core-korea-taiwan-institutions.toml")
    code, text = called("why", KOREA, other, "--output", "output", "--at", "2000", "--out", str(tmp_path))
    assert code == 0
    assert text.startswith("In 2000 output is")
    assert "world interest rate" in text
    assert "together" in text
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert {"why.svg", "why.csv"} < set(manifest.files)
    assert [run.name for run in manifest.runs] == ["core-korea", "core-korea-taiwan-institutions"]
    assert called("verify", str(tmp_path))[0] == 0


def test_outputs_and_time_of_cuts_are_the_callers() -> None:
    """With --output there is a row for each loop and a column for each variable, at the time of --at."""
    code, text = called("loops", KOREA, "--output", "output", "--output", "debt equity ratio", "--at", "1990")
    assert code == 0
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("Without each named loop, in 1990"))
    assert lines[at + 1].split("  ")[0] == "without"
    assert "debt equity ratio" in lines[at + 1]
    assert sum(line.startswith(("R", "B")) for line in lines[at + 2 :]) == len(read_loops(CORE_MODEL))
    assert called("loops", KOREA, "--output", "outptu")[0] == 2


def test_book_prints_the_table_alone(tmp_path: Path) -> None:
    """--book prints Markdown with a row for each loop and what it is judged by, and nothing else."""
    code, text = called("loops", KOREA, "--book", "--out", str(tmp_path))
    assert code == 0
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert text.splitlines()[: len(table)] == table
    assert table[0] == "| Loop | Variable | In | As it is | Without | Change |"
    loops = read_loops(CORE_MODEL)
    assert len(table) == 2 + sum(len(loop.shows) or FEW for loop in loops)
    assert (tmp_path / "cuts.md").read_text(encoding="utf-8").splitlines() == table
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert [run.name for run in manifest.runs] == ["core-korea"]


def test_members_and_half_step(tmp_path: Path) -> None:
    """--members says in which share each phase holds, --half-step what leads then; the numbers are written."""
    uncertain = str(CORE / "core-korea-uncertain.toml")
    options = ("--members", "6", "--seed", "1", "--workers", "1", "--half-step", "--at", "1990", "--out", str(tmp_path))
    code, text = called("loops", uncertain, *options)
    assert code == 0
    assert "With half the step the same loop leads in" in text
    assert "In 6 members, drawn over the ranges of 10 inputs (seed 1; 6 finite)" in text
    assert "mostly in" in text
    assert {"members.svg", "members.csv", "members.nc"} <= {path.name for path in tmp_path.iterdir()}
    assert called("loops", str(ROOT / "tests" / "textbook" / "logistic.mdl"), "--members", "6")[0] == 2


def test_eigenvalues_beside_the_scores(tmp_path: Path) -> None:
    """--eigenvalues says how fast the run would go on at each date, what that hangs on, and how often both agree."""
    code, text = called("loops", KOREA, "--eigenvalues", "--at", "1975", "--at", "1995", "--out", str(tmp_path))
    assert code == 0
    assert "the 5 of 5 stocks" in text
    assert "grows, doubling in" in text
    assert "loop knowledge base" in text
    assert "Beside the scores: the growth rate is positive in" in text
    assert "has the sign of their scores" in text
    assert {"eigenvalues.svg", "eigenvalues.csv", "eigenvalues.nc"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("command", ["loops", "causes", "why"])
def test_help_has_an_example(command: str) -> None:
    """Each command explains itself with an example and its exit codes."""
    code, text = called(command, "--help")
    assert code == 0
    assert "Example" in text
    assert "Exit codes" in text
