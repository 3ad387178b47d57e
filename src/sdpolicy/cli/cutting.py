"""What `loops --cuts` and `loops --book` print and write: what the run is without each named loop."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from sdpolicy.cli import terminal
from sdpolicy.cli.findings import columns
from sdpolicy.words import year

if TYPE_CHECKING:
    from sdpolicy.dominance.judged import Judged


def show(items: Sequence[Judged], *, side_by_side: bool) -> None:
    """Print a row for each loop and variable; or, where all loops show the same, a row for each loop."""
    if side_by_side:
        _show_together(items)
        return
    from sdpolicy.dominance.judged import HEADINGS, rows

    terminal.say("What the theory ascribes to each named loop, with the loop and without it:", style="bold")
    table = columns(*HEADINGS)
    last = ""
    for row in rows(items):
        table.add_row(*map(Text, (row[0] if row[0] != last else "", *row[1:])))
        last = row[0]
    terminal.console().print(table)


def _show_together(items: Sequence[Judged]) -> None:
    from sdpolicy.dominance.judged import told

    first = [item for item in items if item.loop == items[0].loop]
    terminal.say(f"Without each named loop, in {year(float(first[0].time[first[0].moment]))}:", style="bold")
    table = columns("without", *(item.variable for item in first))
    table.add_row(Text("(all loops)"), *(Text(told(item)[0]) for item in first))
    for loop in dict.fromkeys(item.loop.id for item in items):
        own = [item for item in items if item.loop.id == loop]
        cells = [own[0].idle, *([""] * (len(own) - 1))] if own[0].idle else [_cell(item) for item in own]
        table.add_row(*map(Text, (own[0].loop.label, *cells)))
    terminal.console().print(table)


def _cell(item: Judged) -> str:
    from sdpolicy.dominance.judged import told

    _, without, change = told(item)
    return f"{without} ({change})" if change not in ("", "none") else without


def as_csv(items: Sequence[Judged]) -> bytes:
    """Return all values over time: a row for each loop, variable and time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["loop", "name", "scenario", "variable", "unit", "time", "as it is", "without"])
    for item in items:
        head = [item.loop.id, item.loop.name, item.scenario, item.variable, item.unit]
        for time, whole, without in zip(item.time, item.whole, item.without, strict=True):
            writer.writerow([*head, *(repr(float(value)) for value in (time, whole, without))])
    return text.getvalue().encode()
