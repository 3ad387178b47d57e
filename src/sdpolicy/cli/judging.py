"""What `check` does: carry out the checks, and print a line for each of them, or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from sdpolicy.cli import terminal
from sdpolicy.cli.guard import Code

if TYPE_CHECKING:
    from sdpolicy.checks import Report

WORDS = {True: ("ok", "green"), False: ("FAILS", "bold red"), None: ("", "dim")}


def check(names: Sequence[str], *, as_json: bool) -> None:
    """Check models and scenarios; exit code 1 when one fails."""
    reports = []
    for name in dict.fromkeys(names):
        with terminal.working(f"checking {name}"):
            from sdpolicy.checks import check as carry_out

            reports.append(carry_out(name))
    if as_json:
        typer.echo(json.dumps([report.to_json() for report in reports], indent=1, ensure_ascii=True))
    else:
        for report in reports:
            _show(report)
    if not all(report.ok for report in reports):
        raise typer.Exit(Code.CHECK_FAILED)


def _show(report: Report) -> None:
    console = terminal.console()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", title_justify="left")
    for heading in ("check", "what", "demanded", "found", ""):
        table.add_column(heading, overflow="fold")
    for verdict in report.verdicts:
        word, style = WORDS[verdict.ok]
        row = (verdict.kind, verdict.what, verdict.demanded, verdict.found)
        shown = _fact(verdict.note) if verdict.kind == "evidence" else word
        table.add_row(*(Text(cell, "" if verdict.ok is not None else "dim") for cell in row), Text(shown, style))
    console.print(Text(report.name, "bold"))
    console.print(table)
    _show_fits(report)
    bad = sum(verdict.ok is False for verdict in report.verdicts)
    asked = sum(verdict.ok is not None for verdict in report.verdicts)
    console.print(Text(f"{report.name}: {asked - bad} of {asked} checks hold.", "bold" if bad else ""))
    console.print()


def _fact(note: str) -> str:
    """Return what is said of a single fact, without its source."""
    return note.partition(";")[0]


def _show_fits(report: Report) -> None:
    """Print the fit of each series that has at least two facts."""
    if not report.fits:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("fit", "n", "R2", "MAPE", "RMSPE", "bias", "variation", "covariation"):
        table.add_column(heading, justify="left" if heading == "fit" else "right")
    for name, fit in report.fits.items():
        numbers = (fit.r2, fit.mape, fit.rmspe, fit.bias, fit.variation, fit.covariation)
        table.add_row(Text(name), str(fit.n), *(f"{number:.2f}" if number == number else "-" for number in numbers))
    terminal.console().print(table)
