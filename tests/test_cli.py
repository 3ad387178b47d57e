"""The command line as a user meets it: each test starts a process or looks at what one printed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sdpolicy.cli import SELDOM, terminal, texts
from sdpolicy.cli.guard import MEANING, Code

HEAVY = ("numpy", "pandas", "xarray", "scipy", "matplotlib", "pysd", "pint", "h5netcdf")
LINE_DRAWING = re.compile(r"[─-╿]")


def sdpolicy(
    *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, without a terminal, and return what came of it."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **(env or {})}
    return subprocess.run(
        [sys.executable, "-m", "sdpolicy", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding=environment["PYTHONIOENCODING"],
        check=False,
    )


def test_version_is_the_packages() -> None:
    """`--version` prints the name and the version, and nothing else."""
    import sdpolicy as package

    answer = sdpolicy("--version")
    assert (answer.returncode, answer.stdout) == (0, f"sdpolicy {package.__version__}\n")


@pytest.mark.parametrize("command", ["", "list", "run", "check", "compare", "schema", "verify"])
def test_help_teaches(command: str) -> None:
    """Every command explains itself within 80 columns; those that compute name their exit codes."""
    answer = sdpolicy(*command.split(), "--help", env={"COLUMNS": "80"})
    assert answer.returncode == 0
    assert max(map(len, answer.stdout.splitlines())) <= 80
    if command in ("run", "verify", "schema", "check", "compare"):
        assert "Example" in answer.stdout
    if command in ("", "run", "verify", "check", "compare"):
        assert "Exit codes: 0 done" in answer.stdout


def test_exit_codes_stand_in_the_decision_record() -> None:
    """The decision record, the help and the code name the same exit codes with the same meaning."""
    record = (Path(__file__).parent.parent / "docs/decisions/0002-exit-codes-and-messages.md").read_text()
    for code in Code:
        assert f"| {code.value} | {MEANING[code]} |" in record
        assert f"{code.value} {MEANING[code]}" in texts.EXIT_CODES


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["run", "--help"]])
def test_start_is_light(arguments: list[str]) -> None:
    """Help and list import nothing heavy, which would cost more than all the rest."""
    start = [sys.executable, "-X", "importtime", "-m", "sdpolicy", *arguments]
    answer = subprocess.run(start, capture_output=True, text=True, encoding="utf-8", check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in answer.stderr.splitlines()}
    assert loaded.isdisjoint(HEAVY)


def test_run_leaves_out_what_it_does_not_need(tmp_path: Path) -> None:
    """A run that draws and writes imports no pint, which xarray would, and seldom searches for garbage."""
    code = "import gc, sys, sdpolicy.cli as c\ntry: c.main()\nfinally: print(gc.get_threshold()[0], *sys.modules)"
    start = [sys.executable, "-c", code, "run", "core-korea", "--out", str(tmp_path / "out")]
    answer = subprocess.run(start, capture_output=True, encoding="utf-8", check=True)
    threshold, *loaded = answer.stdout.splitlines()[-1].split()
    assert (int(threshold), "pint" in loaded, "matplotlib" in loaded) == (SELDOM, False, True)


def test_list_names_everything() -> None:
    """`list` shows every shipped model and scenario with its title."""
    from sdpolicy.library import list_models, list_scenarios

    answer = sdpolicy("list")
    shown = " ".join(answer.stdout.split())
    assert answer.returncode == 0
    for item in (*list_models(), *list_scenarios()):
        assert item.name in shown
        assert " ".join(item.title.split()) in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "koera"], "Did you mean 'korea'?"),
        (["rum", "korea"], "Did you mean 'run'?"),
        (["run", "nowhere.toml"], "nowhere.toml"),
        (["run", "korea", "--engine", "pisd"], "Did you mean 'pysd'?"),
        (["run", "korea", "--method", "rk5"], "rk4"),
        (["run", "korea", "--engine", "pysd", "--method", "rk4"], "knows Euler only"),
        (["run", "korea", "--step", "0.7"], "does not divide"),
        (["run", "korea", "--set", "wage"], "NAME=VALUE"),
        (["run", "korea", "--set", "no such constant=1"], "no such constant"),
        (["run", "korea", "--set", "=1"], "NAME=VALUE"),
        (["run", "korea", "--set", "a=nan"], "nan"),
        (["verify", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_has_one_message(arguments: list[str], message: str, tmp_path: Path) -> None:
    """Bad input gives code 2, a message that says what to do, no traceback, and no file."""
    answer = sdpolicy(*arguments, "--out", "out", cwd=tmp_path) if arguments[0] == "run" else sdpolicy(*arguments)
    assert answer.returncode == Code.BAD_INPUT
    assert message in " ".join(LINE_DRAWING.sub(" ", answer.stderr).split())
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_all_bad_names_are_reported_at_once() -> None:
    """Two unknown scenarios give two messages in one go."""
    answer = sdpolicy("run", "koera", "chian")
    assert [line[:12] for line in answer.stderr.splitlines()] == ["error: koera", "error: chian"]


def test_run_without_out_writes_nothing(tmp_path: Path) -> None:
    """A run that nobody asked to keep says what happened and leaves no file."""
    answer = sdpolicy("run", "korea", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    assert "Korea" in answer.stdout
    assert list(tmp_path.iterdir()) == []


def test_run_writes_data_figures_and_manifest(tmp_path: Path) -> None:
    """Two scenarios leave data and figures of both, a comparison and a manifest, which verify accepts."""
    run = sdpolicy("run", "korea", "korea-no-directed-credit", "--out", "out", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    suffixes = {path.suffix for path in (tmp_path / "out").rglob("*")}
    assert {".nc", ".csv", ".json", ".svg"} <= suffixes
    assert any("compar" in path.name for path in (tmp_path / "out").rglob("*.svg"))
    verify = sdpolicy("verify", "out", cwd=tmp_path)
    assert verify.returncode == 0, verify.stdout + verify.stderr


def test_output_fits_a_code_page(tmp_path: Path) -> None:
    """On a console with code page 1252 or ASCII, what it cannot show is spelled, and nothing fails."""
    for encoding in ("cp1252", "ascii"):
        answer = sdpolicy("run", "korea", cwd=tmp_path, env={"PYTHONIOENCODING": encoding})
        assert answer.returncode == 0, answer.stderr
        assert "?" not in answer.stdout.replace("?\n", "")


def test_no_color_is_obeyed() -> None:
    """With NO_COLOR set, no colour is written even where colour is forced."""
    answer = sdpolicy("list", env={"FORCE_COLOR": "1", "NO_COLOR": "1"})
    assert re.search(r"\x1b\[[\d;]*3[0-7]", answer.stdout) is None


def test_narrow_terminal_loses_nothing() -> None:
    """In 40 columns lines wrap, and no word is cut out."""
    wide, narrow = (sdpolicy("list", env={"COLUMNS": width}).stdout for width in ("200", "40"))
    assert narrow.split() == wide.split()
    assert max(map(len, narrow.splitlines())) <= 40


def test_markup_in_user_text_is_shown_as_it_is(tmp_path: Path) -> None:
    """Brackets in a file name or a title are text, not instructions to the terminal."""
    (tmp_path / "[bold]x.toml").write_text('title = "[red]t[/red] :smile:"\nextends = "nobody[/]"\n')
    answer = sdpolicy("run", "[bold]x.toml", cwd=tmp_path)
    assert answer.returncode == Code.BAD_INPUT
    assert "[bold]x.toml" in answer.stderr
    assert "nobody[/]" in answer.stderr


def test_spelling_covers_signs_and_letters() -> None:
    """Signs have a spelling, letters lose their accents, and the rest becomes a question mark."""
    assert terminal.spell("−2 → 3 ≤ é 한") == "-2 -> 3 <= e ?"


def test_unforeseen_fault_says_how_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception that nobody foresaw gives code 70 and says how to get the traceback; then it shows it."""
    import typer

    from sdpolicy.cli.guard import guarded

    @guarded
    def fail() -> None:
        raise ZeroDivisionError("by zero")

    for wanted in ("", "1"):
        monkeypatch.setenv("SDPOLICY_TRACEBACK", wanted)
        with pytest.raises(typer.Exit) as ended:
            fail()
        printed = capsys.readouterr().err
        assert ended.value.exit_code == Code.BUG
        assert "unexpected ZeroDivisionError: by zero" in printed
        assert ("Traceback" in printed) == bool(wanted)
        assert ("SDPOLICY_TRACEBACK=1" in printed) == (not wanted)


def test_processes_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Three processes that start with one empty cache all end well, with the same bytes."""
    environment = {**os.environ, "SDPOLICY_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "sdpolicy", "run", "korea", "--format", "none", "--out"]
    started = [
        subprocess.Popen([*command, name], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
        for name in ("a", "b", "c")
    ]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert len({(tmp_path / name / "korea.nc").read_bytes() for name in ("a", "b", "c")}) == 1


def test_killed_run_leaves_no_result(tmp_path: Path) -> None:
    """A process that is killed leaves either nothing or a whole result, and the next one is not disturbed."""
    command = [sys.executable, "-m", "sdpolicy", "run", "korea", "--out", "out"]
    for seconds in (0.5, 1.5):
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
        process.wait()
        folder = tmp_path / "out"
        assert not folder.exists() or (folder / "manifest.json").exists() or list(folder.glob("[!.]*")) == []
    assert sdpolicy("run", "korea", "--out", "out", cwd=tmp_path).returncode == 0


def test_check_says_what_fails_by_its_exit_code(tmp_path: Path) -> None:
    """`check` prints a line for each check and exits with 0, or 1 when one fails; `--json` is JSON."""
    good = sdpolicy("check", "core-korea-no-opening")
    assert (good.returncode, "FAILS" in good.stdout) == (0, False)
    (tmp_path / "wrong.toml").write_text(
        'title = "W"\nmodel = "core"\n[expect.x]\nvariable = "output"\nat = 2000\nis = "<"\nvalue = 1.0\n',
        encoding="utf-8",
    )
    bad = sdpolicy("check", str(tmp_path / "wrong.toml"))
    assert (bad.returncode, bad.stdout.count("FAILS")) == (1, 1)
    content = json.loads(sdpolicy("check", "--json", str(tmp_path / "wrong.toml")).stdout)
    assert [item["what"] for item in content[0]["checks"] if item["ok"] is False] == ["x"]


def test_compare_writes_what_verifies(tmp_path: Path) -> None:
    """`compare --out` writes runs, tables and a figure; the folder verifies, and the baseline has to be named."""
    answer = sdpolicy("compare", "core-korea", "core-korea-no-opening", "--out", str(tmp_path / "out"))
    assert answer.returncode == 0
    assert "never" in answer.stdout
    assert {"outcomes.csv", "claims.csv", "outcomes.svg"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert sdpolicy("verify", str(tmp_path / "out")).returncode == 0
    wrong = sdpolicy("compare", "core-korea", "--baseline", "taiwan")
    assert (wrong.returncode, "not among" in wrong.stderr) == (2, True)


def test_calibrate_writes_what_verifies(tmp_path: Path) -> None:
    """`calibrate` logs its searches, writes tables and runs that verify, and says which parameters are where."""
    arguments = ("calibrate", "core-korea", "--out", "fit", "--starts", "1", "--steps", "0", "--no-profiles")
    answer = sdpolicy(*arguments, cwd=tmp_path)
    assert answer.returncode == 0
    assert "5 facts, 4 parameters" in answer.stdout
    names = {path.name for path in (tmp_path / "fit").rglob("*")}
    assert {"restart-000.json", "parameters.csv", "facts.csv", "calibration.json", "kor.nc"} <= names
    assert sdpolicy("verify", "fit", cwd=tmp_path).returncode == 0
    assert sdpolicy("calibrate", "none.calibration.toml", "--out", "fit", cwd=tmp_path).returncode == 2
