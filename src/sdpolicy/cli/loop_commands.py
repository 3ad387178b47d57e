"""The commands on feedback loops: arguments and help. What they do stands in loops.py and explaining.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sdpolicy.cli import texts
from sdpolicy.cli.formats import Formats, chosen
from sdpolicy.cli.guard import guarded

Scenario = Annotated[str, typer.Argument(metavar="SCENARIO", help="A name from `sdpolicy list`, or a path.")]
Dates = Annotated[
    list[float] | None,
    typer.Option("--at", metavar="TIME", show_default=False, help="A time to look at; repeatable."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", show_default=False, help="Write figures and tables here."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    for name, command, text in (
        ("loops", loops_command, texts.LOOPS),
        ("causes", causes_command, texts.CAUSES),
        ("why", why_command, texts.WHY),
    ):
        app.command(name=name, help=text, no_args_is_help=True, epilog=texts.EXIT_CODES)(guarded(command))


def loops_command(
    scenario: Scenario,
    top: Annotated[int, typer.Option(metavar="N", help="How many of the strongest loops to list.")] = 10,
    at: Dates = None,
    half_step: Annotated[bool, typer.Option("--half-step", help="Say what leads with half the step as well.")] = False,
    members: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, show_default=False, help="In which share of N members each named loop leads."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Equal seeds give equal members.")] = 0,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, show_default=False, help="Processes for the members; else all.")
    ] = None,
    eigenvalues: Annotated[
        bool, typer.Option("--eigenvalues", help="How fast it would go on, and which loops that hangs on.")
    ] = False,
    cuts: Annotated[bool, typer.Option("--cuts", help="Run it without each named loop as well.")] = False,
    outputs: Annotated[
        list[str] | None,
        typer.Option("--output", metavar="NAME", show_default=False, help="What to show of cuts; repeatable."),
    ] = None,
    book: Annotated[
        bool, typer.Option("--book", help="Print the table of cuts alone, as Markdown, each loop where it is judged.")
    ] = False,
    out: Out = None,
    formats: Formats = None,
) -> None:
    """Say which feedback loops drive a run."""
    from sdpolicy.cli import loops
    from sdpolicy.cli.findings import Wishes
    from sdpolicy.cli.holding import Sample

    wishes = Wishes(out, chosen(formats), tuple(at or ()))
    if book:
        loops.book(scenario, tuple(outputs or ()), wishes)
    else:
        sample = None if members is None else Sample(members, seed, workers)
        asked = loops.Questions(top, half_step, sample, eigenvalues, cuts or bool(outputs), tuple(outputs or ()))
        loops.loops(scenario, asked, wishes)


def causes_command(
    scenario: Scenario,
    variable: Annotated[str, typer.Argument(metavar="VARIABLE", help="A variable of the model.")],
    at: Dates = None,
    out: Out = None,
    formats: Formats = None,
) -> None:
    """Say what a variable is computed from."""
    from sdpolicy.cli import explaining
    from sdpolicy.cli.findings import Wishes

    explaining.causes(scenario, variable, Wishes(out, chosen(formats), tuple(at or ())))


def why_command(
    base: Annotated[str, typer.Argument(metavar="BASE", help="The scenario to compare with.")],
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="The scenario whose difference is explained.")],
    output: Annotated[str, typer.Option("--output", metavar="NAME", help="The variable that differs.")],
    at: Dates = None,
    out: Out = None,
    formats: Formats = None,
) -> None:
    """Say why two runs differ."""
    from sdpolicy.cli import explaining
    from sdpolicy.cli.findings import Wishes

    explaining.why(base, scenario, output, Wishes(out, chosen(formats), tuple(at or ())))
