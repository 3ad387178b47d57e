"""Every block of the pages on checks and on calibration runs, in order and in one folder, as a reader would run it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sdpolicy.checks import check
from sdpolicy.checks.schema import ChecksFile
from sdpolicy.library import model_path

DOCS = Path(__file__).parents[1] / "docs"
Block = tuple[str, str]


def blocks(page: str) -> list[Block]:
    """Return language and text of the blocks of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [(f[1], f[2]) for f in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def run(block: Block, folder: Path) -> None:
    """Run a block of commands or of Python."""
    language, text = block
    lines = [[sys.executable, "-c", text]] if language == "python" else []
    if language == "sh":
        lines = [[sys.executable, "-m", *shlex.split(line)] for line in text.splitlines()]
    for line in lines:
        answer = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, env=dict(os.environ))
        assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("block", [b for b in blocks("checks.md") if b[0] == "toml"], ids=lambda block: block[1][:20])
def test_block_of_checks_is_carried_out(block: Block, tmp_path: Path) -> None:
    """The block is a file of checks that the teaching model passes."""
    shutil.copy(model_path("core"), tmp_path / "core.mdl")
    (tmp_path / "core.checks.toml").write_text(block[1], encoding="utf-8")
    report = check(tmp_path / "core.mdl")
    assert [verdict for verdict in report.verdicts if verdict.ok is False] == []


def test_page_on_checks_shows_every_table() -> None:
    """Each table of the format stands in a block."""
    shown = {key for language, text in blocks("checks.md") if language == "toml" for key in tomllib.loads(text)}
    assert shown == {field.alias or name for name, field in ChecksFile.model_fields.items()}


def test_commands_on_checks_run(tmp_path: Path) -> None:
    """The commands and the Python of the page on checks end well."""
    for block in blocks("checks.md"):
        run(block, tmp_path)


def test_page_on_calibration_runs(tmp_path: Path) -> None:
    """The file, the commands and the Python of the page on calibration work, the file under the name given there."""
    pytest.importorskip("emcee")
    for language, text in blocks("calibration.md"):
        if language == "toml":
            (tmp_path / "mine.calibration.toml").write_text(text, encoding="utf-8")
        run((language, text), tmp_path)
