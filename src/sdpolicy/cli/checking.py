"""What `verify` and `schema` do."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from sdpolicy.cli import terminal
from sdpolicy.cli.guard import Code


def print_schema() -> None:
    """Print the JSON Schema of scenario files; ASCII only, so that any shell can redirect it."""
    from sdpolicy.scenario import schema

    typer.echo(json.dumps(schema(), indent=2, ensure_ascii=True))


def verify(folder: Path) -> None:
    """Run again what the manifest in ``folder`` says, and compare; exit code 1 if anything differs."""
    with terminal.working("running again"):
        from sdpolicy.repeat import verify as repeated

        outcome = repeated(folder)
    for remark in outcome.remarks:
        terminal.say(f"note: {remark}", style="dim")
    for difference in outcome.differences:
        terminal.complain(str(difference), label="differs")
    if not outcome.ok:
        raise typer.Exit(Code.CHECK_FAILED)
    names = ", ".join(outcome.runs)
    terminal.say(f"Verified {names}: {outcome.values:,} values are the same, bit by bit.")
