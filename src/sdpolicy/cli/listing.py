"""What `list` shows. It reads the headers of files only, so that it answers at once."""

from __future__ import annotations

from collections.abc import Iterable

from rich.padding import Padding
from rich.text import Text

from sdpolicy.cli import terminal
from sdpolicy.library import Item, list_models, list_scenarios


def show() -> None:
    """Print each model with its scenarios: name, title and question."""
    console = terminal.console()
    scenarios = list_scenarios()
    for model in list_models():
        console.print(_line(model.name, model.title, "bold cyan"))
        for scenario in _of(model, scenarios):
            _show_scenario(console, scenario)
    console.print(Text("Run one with: sdpolicy run NAME", style="dim"))


def _show_scenario(console: terminal.Console, scenario: Item) -> None:
    console.print(Padding(_line(scenario.name, scenario.title, "bold"), (0, 0, 0, 2)))
    if scenario.question:
        console.print(Padding(Text(scenario.question, style="dim"), (0, 0, 0, 6)))


def _of(model: Item, scenarios: Iterable[Item]) -> list[Item]:
    return [scenario for scenario in scenarios if scenario.path.parent.name.casefold() == model.name]


def _line(name: str, title: str, style: str) -> Text:
    return Text.assemble((name, style), f"  {title}" if title else "")
