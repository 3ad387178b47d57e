"""Tests of the commands on many members: each says what it found, and writes what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sdpolicy.cli.app import app
from sdpolicy.cli.studies import Wishes, read_case, study_of

SCENARIO = "core-korea-uncertain"
FAST = ["--method", "euler"]


def run(*arguments: str, code: int = 0) -> str:
    """Run a command in this process; return what it printed on both streams."""
    answer = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80"})
    assert answer.exit_code == code, answer.output
    return " ".join(answer.output.split())


def test_studies_read_dates_between_all_rows_that_a_scenario_saves() -> None:
    """Members of a study are saved as often as the scenario says; an ensemble on disk once a year."""
    chosen = read_case(SCENARIO, Wishes(2))
    assert study_of(chosen, Wishes(2), []).job.grid == chosen.grid
    assert chosen.grid.every * chosen.grid.step < 1.0
    yearly = study_of(chosen, Wishes(2), [], dated=False).job.grid
    assert yearly.every * yearly.step == 1.0


@pytest.mark.parametrize("command", ["ensemble", "sensitivity", "discover", "map", "robust"])
def test_help_teaches(command: str) -> None:
    """Each explains itself within 80 columns, with examples and exit codes."""
    answer = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    assert answer.exit_code == 0
    assert "Example" in answer.output
    assert "0 done" in answer.output


def test_ensemble_writes_and_resumes(tmp_path: Path) -> None:
    """The store is written, found whole by --resume, and not overwritten without it."""
    arguments = ["ensemble", SCENARIO, *FAST, "-n", "40", "--output", "output", "-o", str(tmp_path / "e")]
    assert "40 members, 10 inputs varied, saved: output" in run(*arguments, "--format", "svg")
    assert (tmp_path / "e-figures" / "fans.svg").is_file()
    assert "All members were there already" in run(*arguments, "--resume")
    assert "--resume" in run(*arguments, code=2)


def test_ensemble_varies_what_is_asked(tmp_path: Path) -> None:
    """--vary, --correlate and --set act; what is not a number gives a message."""
    base = ["ensemble", "core-korea", *FAST, "-n", "20", "-o"]
    more = ["--vary", "debt maturity=10..16", "--correlate", "debt maturity, directed credit=0.5"]
    assert "3 inputs varied" in run(*base, str(tmp_path / "a"), *more)
    assert "2 inputs varied" in run(*base, str(tmp_path / "b"), *more[:2], "--set", "directed credit=2")
    assert "expected NAME, NAME=NUMBER" in run(*base, str(tmp_path / "c"), "--correlate", "x", code=2)


@pytest.mark.parametrize(
    ("kind", "samples", "says"),
    [
        ("sobol", "64", "The crisis year is decided by"),
        ("morris", "8", "The crisis year moves most with"),
        ("tornado", "2", "from its low to its high end"),
        ("pawn", "200", "an idle input gives"),
        ("regional", "200", "is told apart by"),
    ],
)
def test_sensitivity_says_which_inputs_decide(kind: str, samples: str, says: str, tmp_path: Path) -> None:
    """Every method ends in a sentence, and its numbers stand in a file."""
    said = run("sensitivity", SCENARIO, *FAST, "--kind", kind, "-n", samples, "-o", str(tmp_path / "s"))
    assert says in said
    assert list((tmp_path / "s").glob("*.csv"))


def test_sobol_says_whether_there_were_enough_members(tmp_path: Path) -> None:
    """What has not converged names the base points that would do; pairs are left out where that is asked."""
    arguments = ["sensitivity", SCENARIO, *FAST, "-n", "16", "-y", "final output", "--format", "none"]
    said = run(*arguments, "--no-second-order", "-o", str(tmp_path / "one"))
    assert "Not converged: the widest interval is" in said
    assert not list((tmp_path / "one").glob("sobol pairs*"))
    run(*arguments, "-o", str(tmp_path / "both"))
    assert (tmp_path / "both" / "sobol pairs final output.csv").is_file()


def test_discover_says_when(tmp_path: Path) -> None:
    """The sentence holds the condition, its density and coverage."""
    said = run("discover", SCENARIO, *FAST, "-n", "600", "--when", "crisis year = never", "-o", str(tmp_path))
    assert "crisis year = never when" in said
    assert "of all cases" in said
    assert (tmp_path / "discovery.svg").is_file()


def test_map_is_drawn(tmp_path: Path) -> None:
    """A map of two inputs says how many runs it took."""
    axes = ["--x", "directed credit=0..6", "--y", "world interest rate=0..0.08"]
    said = run("map", "core-korea", *FAST, *axes, "--cells", "4", "--halvings", "2", "-o", str(tmp_path))
    assert "where a full lattice takes 289" in said
    assert (tmp_path / "map.svg").is_file()


def test_robust_ranks_policies(tmp_path: Path) -> None:
    """Every policy gets its sentence, with an interval; and the search draws its trade-off."""
    goals = ["--goal", "final output", "--goal", "less peak debt equity ratio", "--need", "crisis year = never"]
    said = run("robust", SCENARIO, "core-korea-no-opening", *FAST, *goals, "-n", "60", "-o", str(tmp_path))
    assert "core-korea-no-opening: satisfies in" in said
    assert "final output: core-korea-" in said
    assert " ranks first in " in said
    assert (tmp_path / "regret.svg").is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ["sensitivity", SCENARIO, "-y", "banana"],
        ["discover", SCENARIO, "--when", "crisis year"],
        ["map", "core-korea", "--x", "nothing=0..1", "--y", "debt maturity=10..16"],
        ["ensemble", "core-korea", "--set", "directed credit=1", "--set", "technology diversification=0.1", "-o", "x"],
    ],
)
def test_bad_input_is_told(arguments: list[str]) -> None:
    """What can't be is an error of one line, code 2, and no traceback."""
    said = run(*arguments, code=2)
    assert said.startswith("error: ")
    assert "Traceback" not in said
