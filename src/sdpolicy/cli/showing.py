"""What `run` prints when it is done: what happened in each run, in words, and how the runs differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from sdpolicy.cli import terminal

if TYPE_CHECKING:
    import xarray as xr

    from sdpolicy.summary import Summary


def show_runs(runs: Sequence[xr.Dataset]) -> None:
    """Print the sentences of each run, and a table beside each other if there are several."""
    from sdpolicy.summary import summarize

    summaries = [summarize(run) for run in runs]
    for run, summary in zip(runs, summaries, strict=True):
        _show_summary(run, summary)
    if len(runs) > 1:
        _show_comparison([_name(run) for run in runs], summaries)


def _show_summary(run: xr.Dataset, summary: Summary) -> None:
    console = terminal.console()
    settings = f"{run.attrs['engine']}, {run.attrs['method']}, step {run.attrs['step']:g}"
    console.print(Text.assemble((summary.title or _name(run), "bold"), (f"  ({settings})", "dim")))
    table = Table.grid(padding=(0, 2, 0, 0))
    named = not all(f.sentence.casefold().startswith(f.heading.casefold()) for f in summary.findings)
    for finding in summary.findings:
        table.add_row(Text(finding.heading if named else "-", "dim"), Text(finding.sentence))
    console.print(table)
    console.print()


def _show_comparison(names: Sequence[str], summaries: Sequence[Summary]) -> None:
    """Print the findings that all runs have in common, one a row, one run a column."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("", overflow="fold")
    for name in names:
        table.add_column(Text(name), overflow="fold")
    found = [{finding.heading: finding.short for finding in summary.findings} for summary in summaries]
    for heading in found[0]:
        if all(heading in shorts for shorts in found):
            table.add_row(Text(heading), *(Text(shorts[heading]) for shorts in found))
    terminal.console().print(table)
    terminal.console().print()


def show_files(folder: str, files: Sequence[str]) -> None:
    """Print where the results were written."""
    console = terminal.console()
    console.print(Text(f"Written to {folder}:"))
    for name in files:
        console.print(Text(f"  {name}"))


def _name(run: xr.Dataset) -> str:
    return str(run.attrs.get("scenario") or run.attrs.get("model") or "")
