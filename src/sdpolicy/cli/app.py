"""The commands: their arguments and help. What they do stands in the modules beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sdpolicy.cli import loop_commands, study_commands, texts
from sdpolicy.cli.formats import Formats, chosen
from sdpolicy.cli.guard import guarded

app = typer.Typer(
    name="sdpolicy",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    help=texts.APP,
    epilog=texts.EXIT_CODES,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        import sdpolicy

        typer.echo(f"sdpolicy {sdpolicy.__version__}")
        raise typer.Exit


@app.callback()
def sdpolicy_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What every command shares: the version."""


@app.command(name="list", help=texts.LIST)
@guarded
def list_command() -> None:
    """List models and scenarios."""
    from sdpolicy.cli import listing

    listing.show()


Scenarios = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENARIO",
        help="Names from `sdpolicy list`, or paths to scenario files (.toml) or Vensim models (.mdl).",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", show_default=False, help="Write data, figures and a manifest here."),
]
Engine = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="What computes: llvm (compiled, the default), python, or pysd, the reference.",
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", show_default=False, help="Integration: euler, rk2, rk4, rk23, rk45, dop853, radau or lsoda."
    ),
]
Step = Annotated[
    float | None, typer.Option(metavar="TIME", show_default=False, help="Time step, instead of the scenario's.")
]
Save = Annotated[
    float | None,
    typer.Option(metavar="TIME", show_default=False, help="Time between saved rows, instead of the scenario's."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        show_default=False,
        help="Give a constant another value, in all scenarios. Repeatable.",
    ),
]


@app.command(name="run", help=texts.RUN, no_args_is_help=True, epilog=texts.EXIT_CODES)
@guarded
def run_command(
    scenarios: Scenarios,
    out: Folder = None,
    engine: Engine = None,
    method: Method = None,
    step: Step = None,
    save: Save = None,
    settings: Settings = None,
    formats: Formats = None,
) -> None:
    """Run scenarios and say in words what happened."""
    from sdpolicy.cli import running

    wishes = running.Wishes(engine, method, step, save, tuple(settings or ()), chosen(formats))
    running.run(scenarios, out, wishes)


@app.command(name="lecture", help=texts.LECTURE, no_args_is_help=True, epilog=texts.EXIT_CODES)
@guarded
def lecture_command(
    story: Annotated[str, typer.Argument(metavar="STORY", help="A lecture from `sdpolicy list`, or a story file.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", show_default=False, help="Where to write; else NAME.html, here."),
    ] = None,
) -> None:
    """Make the page of a lecture."""
    from sdpolicy.cli import lecturing

    lecturing.write(story, out)


@app.command(name="check", help=texts.CHECK, no_args_is_help=True, epilog=texts.EXIT_CODES)
@guarded
def check_command(
    names: Annotated[
        list[str],
        typer.Argument(metavar="MODEL|SCENARIO", help="Names from `sdpolicy list`, or paths to files."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Check units, accounts, extremes, integration, claims and evidence."""
    from sdpolicy.cli import judging

    judging.check(names, as_json=as_json)


@app.command(name="compare", help=texts.COMPARE, no_args_is_help=True, epilog=texts.EXIT_CODES)
@guarded
def compare_command(
    scenarios: Scenarios,
    out: Folder = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default=False, help="Compare all with this one of them."),
    ] = None,
    formats: Formats = None,
) -> None:
    """Set the outcomes of scenarios side by side."""
    from sdpolicy.cli import comparing

    comparing.compare(scenarios, out, baseline, chosen(formats))


@app.command(name="calibrate", help=texts.CALIBRATE, no_args_is_help=True, epilog=texts.EXIT_CODES)
@guarded
def calibrate_command(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A .calibration.toml file, or the name of a shipped one.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Write the log and the results here.")],
    starts: Annotated[int, typer.Option(min=1, metavar="N", help="Searches from different places.")] = 8,
    seed: Annotated[int, typer.Option(min=0, metavar="S", help="Equal seeds give equal results.")] = 0,
    steps: Annotated[int, typer.Option(min=0, metavar="N", help="Steps of the posterior sample; 0 for none.")] = 1000,
    profiles: Annotated[bool, typer.Option("--profiles/--no-profiles", help="What each parameter may be.")] = True,
) -> None:
    """Estimate parameters from the facts that a fit may see."""
    from sdpolicy.cli import fitting

    fitting.calibrate(file, out, fitting.Wishes(starts, seed, steps, profiles))


@app.command(name="schema", help=texts.SCHEMA)
@guarded
def schema_command() -> None:
    """Print the JSON Schema of scenario files."""
    from sdpolicy.cli import checking

    checking.print_schema()


@app.command(name="verify", help=texts.VERIFY, no_args_is_help=True, epilog=texts.EXIT_CODES)
@guarded
def verify_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `sdpolicy run --out` wrote.")],
) -> None:
    """Run again what a folder holds, and compare."""
    from sdpolicy.cli import checking

    checking.verify(folder)


study_commands.register(app)
loop_commands.register(app)
