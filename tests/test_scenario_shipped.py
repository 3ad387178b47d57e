"""Every shipped scenario fits its model."""

from __future__ import annotations

import pytest

from sdpolicy.library import Item, list_scenarios
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model


@pytest.mark.parametrize("item", list_scenarios(), ids=lambda item: item.name)
def test_shipped_scenario(item: Item) -> None:
    """The scenario can be composed by the name that the list shows, and says what it asks."""
    chosen = case(item.name, read_model)
    assert chosen.scenario is not None
    assert chosen.scenario.title == item.title != ""
    assert chosen.scenario.question == item.question != ""
