"""What `list` shows. It reads the headers of files only, so that it answers at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from sdpolicy.cli import terminal
from sdpolicy.library import Item, list_lectures, list_models, list_scenarios

if TYPE_CHECKING:
    from rich.console import Console


def show() -> None:
    """Print each model with its scenarios: name, title and question."""
    console = terminal.console()
    models = list_models()
    known = {model.name for model in models}
    scenarios = sorted(list_scenarios(), key=lambda item: item.name)
    for model in models:
        console.print(_line(model, "bold cyan"))
        _show_scenarios(console, [item for item in scenarios if _folder(item) == model.name])
    _show_scenarios(console, [item for item in scenarios if _folder(item) not in known])
    console.print(Text("Run one with: sdpolicy run NAME", style="dim"))
    lectures = list_lectures()
    if lectures:
        console.print(Text("lectures", style="bold cyan"))
        _show_scenarios(console, lectures)
        console.print(Text("Make the page with: sdpolicy lecture NAME", style="dim"))


def _show_scenarios(console: Console, scenarios: Sequence[Item]) -> None:
    for scenario in scenarios:
        console.print(Padding(_line(scenario, "bold"), (0, 0, 0, 2)))
        if scenario.question:
            console.print(Padding(Text(scenario.question, style="dim"), (0, 0, 0, 6)))


def _folder(scenario: Item) -> str:
    """Return the model that a scenario is filed under; scenarios stand in one folder a model."""
    return scenario.path.parent.name.casefold()


def _line(item: Item, style: str) -> Text:
    return Text.assemble((item.name, style), f"  {item.title}" if item.title else "")
