"""The commands loops, causes and why, as a user meets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sdpolicy.cli.app import app

CORE = Path(__file__).parents[1] / "scenarios" / "core"
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
    assert {path.name for path in tmp_path.iterdir()} == expected
    first = (tmp_path / "loops.csv").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("time,L1,")


def test_causes_says_what_it_is_computed_from(tmp_path: Path) -> None:
    """The first line names the causes; an unknown variable is bad input, with a suggestion."""
    code, text = called("causes", KOREA, "exports", "--out", str(tmp_path))
    assert code == 0
    assert text.startswith("exports is computed from export share and world demand.")
    assert (tmp_path / "causes.svg").exists()
    assert called("causes", KOREA, "exprots")[0] == 2


def test_why_says_what_it_is_made_of(tmp_path: Path) -> None:
    """The first sentence gives both values and the greatest parts; the parts stand below with their sum."""
    other = str(CORE / "core-korea-taiwan-institutions.toml")
    code, text = called("why", KOREA, other, "--output", "output", "--at", "2000", "--out", str(tmp_path))
    assert code == 0
    assert text.startswith("In 2000 output is")
    assert "world interest rate" in text
    assert "together" in text
    assert {path.name for path in tmp_path.iterdir()} == {"why.svg", "why.csv"}


@pytest.mark.parametrize("command", ["loops", "causes", "why"])
def test_help_has_an_example(command: str) -> None:
    """Each command explains itself with an example and its exit codes."""
    code, text = called(command, "--help")
    assert code == 0
    assert "Example" in text
    assert "Exit codes" in text
