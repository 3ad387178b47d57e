"""Every block of the guide to scenario files is a scenario, or a part of one, that fits the teaching model."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from sdpolicy import library
from sdpolicy.scenario import case, schema
from sdpolicy.vensim import read_model

GUIDE = Path(__file__).parents[1] / "docs" / "scenarios.md"
BLOCKS = re.findall(r"^```toml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n", 1)[0])
def test_block_is_a_scenario(block: str, tmp_path: Path) -> None:
    """The block makes a case of the model, with the files that it speaks of beside it."""
    shutil.copy(library.model_path("core"), tmp_path / "core.mdl")
    shutil.copy(library.model_path("core").with_suffix(".loops.toml"), tmp_path / "core.loops.toml")
    (tmp_path / "korea.toml").write_text('title = "Korea"\nmodel = "core"\n', encoding="utf-8")
    (tmp_path / "frontier.csv").write_text("year,growth\n1960,2\n1990,1.5\n", encoding="utf-8")
    whole = block if block.startswith("title") else f'title = "T"\nmodel = "core"\n{block}'
    (tmp_path / "block.toml").write_text(whole, encoding="utf-8")
    assert case(tmp_path / "block.toml", read_model).program.name == "core"


def test_guide_shows_every_table() -> None:
    """Each table of the format stands in some block, and each key at the top in the text."""
    shown = {key for block in BLOCKS for key in tomllib.loads(block)}
    keys = set(schema()["properties"])
    tables = {"set", "path", "initial", "policy", "correlated", "cut", "freeze", "run", "figures", "expect"}
    assert tables <= shown
    text = GUIDE.read_text(encoding="utf-8")
    assert [key for key in sorted(keys - tables) if f"`{key}`" not in text] == []
