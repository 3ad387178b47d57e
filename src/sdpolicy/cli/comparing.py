"""What `compare` does: run scenarios, print their outcomes side by side, and write tables, a figure and the runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from sdpolicy.cli import showing, terminal

if TYPE_CHECKING:
    from sdpolicy.contrast import Contrast, Row
    from sdpolicy.yardsticks import Yardstick

BESIDE = 5
"""Up to so many scenarios stand beside each other; more stand below each other."""


def compare(names: Sequence[str], out: Path | None, baseline: str | None, formats: Sequence[str]) -> None:
    """Set scenarios side by side."""
    with terminal.working("running"):
        from sdpolicy.contrast import contrast
        from sdpolicy.errors import Problem, SdpolicyError

        found = contrast(list(dict.fromkeys(names)), None)
        known = [row.name for row in found.rows]
        if baseline is not None and baseline not in known:
            cure = f"Those compared are {', '.join(known)}."
            raise SdpolicyError(Problem("command line, --baseline", f"'{baseline}' is not among the scenarios", cure))
        if baseline is not None:
            found = contrast(list(dict.fromkeys(names)), baseline)
    files = _write(found, out, formats) if out is not None else []
    if len(found.rows) <= BESIDE:
        _beside(found)
    else:
        _below(found)
    _claims(found)
    if out is not None:
        showing.show_files(str(out), files)


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(Text(heading), overflow="fold")
    return table


def _cell(found: Contrast, row: Row, stick: Yardstick) -> str:
    value, difference = _pair(found, row, stick)
    return f"{value} ({difference})" if difference else value


def _pair(found: Contrast, row: Row, stick: Yardstick) -> tuple[str, str]:
    """Return a value and its difference from the baseline; none for the baseline itself."""
    from sdpolicy.contrast import spell

    value = spell(stick, row.values.get(stick.key, float("nan")))
    own = row.name == row.baseline
    return value, "" if own else spell(stick, found.difference(row, stick.key), signed=True)


def _held(row: Row) -> str:
    good, count = row.held
    return f"{good} of {count}" if count else "none"


def _beside(found: Contrast) -> None:
    table = _table("", *(row.name for row in found.rows))
    for stick in found.yardsticks:
        table.add_row(Text(stick.key), *(Text(_cell(found, row, stick)) for row in found.rows))
    table.add_row(Text("claims that hold"), *(Text(_held(row)) for row in found.rows))
    _print(found, table)


def _below(found: Contrast) -> None:
    """Print values, and the differences in a table of their own."""
    for part, heading in enumerate(("", "difference")):
        table = _table(heading, *(stick.key for stick in found.yardsticks), *(["claims"] if part == 0 else []))
        table.columns[0].no_wrap = True
        for row in found.rows:
            if part == 1 and row.name == row.baseline:
                continue
            cells = [Text(_pair(found, row, stick)[part]) for stick in found.yardsticks]
            cells += [Text(_held(row))] if part == 0 else []
            table.add_row(Text(row.name, "bold" if row.name == row.baseline else ""), *cells)
        _print(found, table, told=part == 1)


def _print(found: Contrast, table: Table, *, told: bool = True) -> None:
    terminal.console().print(table)
    bases = ", ".join(dict.fromkeys(row.baseline for row in found.rows))
    terminal.say(f"Differences are from the baseline ({bases})." if told else "", style="dim")


def _claims(found: Contrast) -> None:
    """Print the claims that do not hold."""
    for row in found.rows:
        for verdict in row.verdicts:
            if verdict.ok is False:
                terminal.say(f"{row.name}, {verdict.what}: demanded {verdict.demanded}, found {verdict.found}")


def _write(found: Contrast, folder: Path, formats: Sequence[str]) -> list[str]:
    with terminal.working("drawing and writing"):
        from sdpolicy.contrast import claim_table, outcome_table
        from sdpolicy.results import MANIFEST, save

        contents = {"outcomes.csv": outcome_table(found), "claims.csv": claim_table(found)}
        contents |= {f"outcomes.{kind}": content for kind, content in _draw(found, formats).items()}
        manifest = save({row.name: row.run for row in found.rows}, folder, contents)
    return [*sorted(manifest.files), MANIFEST]


def _draw(found: Contrast, formats: Sequence[str]) -> dict[str, bytes]:
    import numpy as np

    from sdpolicy.contrast import spell
    from sdpolicy.figures import render
    from sdpolicy.figures.outcomes import Grid, outcomes

    sticks = found.yardsticks
    grid = Grid(
        [row.name for row in found.rows],
        [stick.key for stick in sticks],
        [[spell(stick, row.values.get(stick.key, float("nan"))) for stick in sticks] for row in found.rows],
        np.array([[found.difference(row, stick.key) for stick in sticks] for row in found.rows]),
        [_held(row) if row.held[1] else "" for row in found.rows],
        [row.baseline for row in found.rows],
    )
    runs = [row.run for row in found.rows if row.name in grid.baselines]
    return {kind: render(outcomes(grid, runs, "What the scenarios come to"), kind) for kind in formats}
