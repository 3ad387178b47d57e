"""Every shipped scenario fits its model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdpolicy.library import Item, list_models, list_scenarios
from sdpolicy.scenario import case
from sdpolicy.scenario.loops import read_loops
from sdpolicy.vensim import read_model


@pytest.mark.parametrize("item", list_scenarios(), ids=lambda item: item.name)
def test_shipped_scenario(item: Item) -> None:
    """The scenario can be composed by the name that the list shows, and says what it asks."""
    chosen = case(item.name, read_model)
    assert chosen.scenario is not None
    assert chosen.scenario.title == item.title != ""
    assert chosen.scenario.question == item.question != ""


@pytest.mark.parametrize("model", list_models(), ids=lambda item: item.name)
def test_every_named_loop_can_be_cut(model: Item, tmp_path: Path) -> None:
    """The links that the loop file names stand in the equations of the model."""
    program = read_model(model.path)
    for loop in read_loops(model.path):
        head = f'title = "T"\nmodel = "{model.name}"\n'
        (tmp_path / "s.toml").write_text(f"{head}[cut]\nloops = {json.dumps([loop.id])}\n", encoding="utf-8")
        cuts = [item for item in case(tmp_path / "s.toml", lambda _: program).applied if item.kind == "cut"]
        assert len(cuts) == len(loop.cuts)
