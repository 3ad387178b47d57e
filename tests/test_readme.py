"""Every block of the README is run here, in order and in one folder, as a reader would."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import sdpolicy

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")

SETUP = {
    "python -m venv .venv",
    ".venv/bin/python -m pip install .",
    r".venv\Scripts\python -m pip install .",
    'python -m pip install ".[test]"',
    "python -m pytest",
}
"""Lines that build the very environment that these tests run in; the wheel's own test covers installing."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line that it starts at."""

    language: str
    text: str
    line: int


def blocks() -> list[Block]:
    """Return the README's blocks in order."""
    fences = re.finditer(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [Block(f[1], f[2], README[: f.start()].count("\n") + 1) for f in fences]


def commands(block: Block) -> Iterator[tuple[str, int]]:
    """Yield the command lines of a shell block with the exit code that a comment announces (0 if none)."""
    for line in block.text.splitlines():
        command, _, comment = line.partition(" #")
        announced = re.search(r"exit code (\d+)", comment)
        if command.strip() and not line.startswith("#"):
            yield command.strip(), int(announced[1]) if announced else 0


def run_line(command: str, folder: Path) -> int:
    """Run one command line of the README and return its exit code."""
    if command in SETUP:
        return 0
    if command.startswith("make "):
        assert re.search(rf"^{command.split()[1]}:", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
        return 0
    program, *arguments = shlex.split(command)
    assert program == "sdpolicy", f"the README has a line that no test can run: {command}"
    output = Path(arguments.pop()) if ">" in arguments else None
    arguments = [a for a in arguments if a != ">"]
    answer = subprocess.run(
        [sys.executable, "-m", "sdpolicy", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if output:
        (folder / output).write_text(answer.stdout, encoding="utf-8")
    print(answer.stdout, answer.stderr)
    return answer.returncode


def test_blocks_run(tmp_path: Path) -> None:
    """Shell, Python and TOML blocks do what they say, one after another in one folder."""
    for block in blocks():
        where = f"README.md, line {block.line}"
        if block.language == "toml":
            name = re.match(r"# (\S+\.toml)", block.text)
            assert name, f"{where}: the first line has to name the file"
            (tmp_path / name[1]).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            run = [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", block.text]
            environment = {**os.environ, "MPLBACKEND": "agg"}
            subprocess.run(run, cwd=tmp_path, env=environment, check=True)
        elif block.language == "sh":
            for command, code in commands(block):
                assert run_line(command, tmp_path) == code, f"{where}: {command}"
        else:
            assert block.language == "text", f"{where}: no test knows the language '{block.language}'"


def test_python_script_has_ten_lines() -> None:
    """The script that the README shows first fits in ten lines."""
    scripts = [block.text for block in blocks() if block.language == "python"]
    assert len([line for line in scripts[0].splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize(
    ("method", "step", "error"), re.findall(r"^\| (\w+) \| ([\d.]+) \| (\d\.\de-\d\d) \|", README, re.MULTILINE)
)
def test_errors_are_what_the_table_says(method: str, step: str, error: str) -> None:
    """Korea's largest error of a stock against dop853 is the one that the README states."""
    exact = sdpolicy.simulate("core-korea", method="dop853")
    run = sdpolicy.simulate("core-korea", method=method, step=float(step))
    stocks = [name for name, variable in exact.items() if variable.attrs["kind"] == "stock"]
    largest = max(float(abs(run[name] - exact[name]).max() / abs(exact[name]).max()) for name in stocks)
    assert largest == pytest.approx(float(error), rel=0.1)


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:|#)([^)#]+)", README))
def test_links_lead_somewhere(target: str) -> None:
    """Every relative link of the README has a file at its end."""
    assert (REPOSITORY / target).exists()


def test_documentation_lists_every_page() -> None:
    """The index of the documentation names every page and decision, and leads nowhere else."""
    docs = REPOSITORY / "docs"
    linked = set(re.findall(r"\]\(([^)]+\.md)\)", (docs / "README.md").read_text(encoding="utf-8")))
    there = {page.relative_to(docs).as_posix() for page in docs.rglob("*.md")} - {"README.md"}
    assert linked - {"../README.md"} == there
