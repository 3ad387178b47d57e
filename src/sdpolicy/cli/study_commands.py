"""The commands on many members: arguments and help. What they do stands in studies.py and sensing.py."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from sdpolicy.cli import texts
from sdpolicy.cli.guard import guarded
from sdpolicy.cli.texts import BLOCK

WHAT_VARIES: Final = (
    "What varies are the inputs to which the scenario gives a range or distribution, and what --vary and --spread add."
)
ENSEMBLE: Final = "\n\n".join((
    "Draw, run and write many members of a scenario.",
    f"{WHAT_VARIES} The store is written block by block: whatever stops the command, --resume goes on, and the result "
    "is the same byte for byte. Any reader of Zarr opens it.",
    f"""{BLOCK}Examples:
  sdpolicy ensemble core-korea-uncertain --samples 10000 --out ens
  sdpolicy ensemble core-korea-uncertain --samples 10000 --out ens --resume
  sdpolicy ensemble core-korea --spread 0.1 --vary "directed credit=0..6" -o ens
  sdpolicy ensemble core-korea-uncertain -o ens --scheduler tcp://host:8786""",
))  # fmt: skip
SENSITIVITY: Final = "\n\n".join((
    "Say which inputs decide an outcome, and how sure that is.",
    f"{WHAT_VARIES} Methods: sobol (shares of variance, over time too), morris (screening), pawn (distributions), "
    "regional (what tells members apart), tornado (one input at a time). Outcomes are written in words: 'crisis year', "
    "'final X', 'peak X', 'lowest X', 'mean X', 'X at 1996', 'first X < 1', 'mode of X'.",
    f"""{BLOCK}Examples:
  sdpolicy sensitivity core-korea-uncertain --out out
  sdpolicy sensitivity core-korea-uncertain --samples 1024 -y "crisis year"
  sdpolicy sensitivity korea --samples 8192 --no-second-order --out out
  sdpolicy sensitivity core-korea --spread 0.1 --kind morris -y "final output\"""",
))  # fmt: skip
DISCOVER: Final = "\n\n".join((
    "Say when something happens: the part of the inputs in which most members meet a condition.",
    f"{WHAT_VARIES} Boxes are found by PRIM, and a classification tree is grown beside them.",
    f"""{BLOCK}Examples:
  sdpolicy discover core-korea-uncertain --when "crisis year = never"
  sdpolicy discover core-korea-uncertain --when "final output > 500" --out out""",
))  # fmt: skip
MAP: Final = "\n\n".join((
    "Draw what becomes of an outcome for each combination of two inputs.",
    "Runs are spent along the boundaries. With two --from the map is started from both sides, and shows where the "
    "outcome depends on the start.",
    f"""{BLOCK}Examples:
  sdpolicy map core-korea --x "directed credit=0..6" -o out
      --y "world interest rate=0..0.08" --outcome "crisis year\"""",
))  # fmt: skip
ROBUST: Final = "\n\n".join((
    "Hold policies to the same futures: which holds up, whatever comes?",
    "The first scenario says what is uncertain; what the scenarios set differently is policy. Goals are outcomes, "
    "'less ...' where less is better. With --lever, better policies than these are searched for.",
    f"""{BLOCK}Examples:
  sdpolicy robust core-korea-uncertain core-korea-no-opening core-korea-taiwan-finance
      --goal "final output" --need "crisis year = never" --out out
  sdpolicy robust core-korea-uncertain --goal "final output"
      --goal "less peak debt equity ratio" --lever "directed credit=0..6\"""",
))  # fmt: skip


class Kind(StrEnum):
    """The methods of `sensitivity`."""

    SOBOL = "sobol"
    MORRIS = "morris"
    PAWN = "pawn"
    REGIONAL = "regional"
    TORNADO = "tornado"


Scenario = Annotated[str, typer.Argument(metavar="SCENARIO", help="A name from `sdpolicy list`, or a path.")]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the random numbers.")]
Vary = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=LOW..HIGH", show_default=False, help="Vary this too; NAME=A,B takes one. Repeatable."),
]
Spread = Annotated[
    float | None,
    typer.Option(metavar="FRACTION", show_default=False, help="Vary all other constants, up and down by this part."),
]
Correlate = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME,NAME=R", show_default=False, help="Let two inputs rank together. Repeatable."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", show_default=False, help="Hold a constant at a value. Repeatable."),
]
Method = Annotated[
    str | None, typer.Option(metavar="NAME", show_default=False, help="Integration: euler, rk2, rk4 or rk23.")
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="DIR", show_default=False, help="Write figures and numbers here.")
]
Formats = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="KIND", show_default="svg", help="svg, png, pdf or none; repeatable."),
]
Outcomes = Annotated[
    list[str] | None,
    typer.Option("--outcome", "-y", metavar="WORDS", show_default=False, help="What is asked; repeatable."),
]


def _formats(given: list[str] | None) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(given or ["svg"]))
    if set(wanted) - {"svg", "png", "pdf", "none"}:
        raise typer.BadParameter("choose svg, png, pdf or none", param_hint="--format")
    return tuple(kind for kind in wanted if kind != "none")


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    for name, command, text in (
        ("ensemble", ensemble_command, ENSEMBLE),
        ("sensitivity", sensitivity_command, SENSITIVITY),
        ("discover", discover_command, DISCOVER),
        ("map", map_command, MAP),
        ("robust", robust_command, ROBUST),
    ):
        app.command(name=name, help=text, no_args_is_help=True, epilog=texts.EXIT_CODES)(guarded(command))


def ensemble_command(
    scenario: Scenario,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder of the store.")],
    samples: Annotated[int, typer.Option("--samples", "-n", metavar="N", min=2, help="How many members.")] = 1000,
    seed: Seed = 0,
    design: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="latin-hypercube, monte-carlo, sobol-sequence, saltelli, morris, factorial, or a .csv file.",
        ),
    ] = "latin-hypercube",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what the folder holds.")] = False,
    outputs: Annotated[
        list[str] | None,
        typer.Option("--output", metavar="NAME", show_default=False, help="A variable to save; repeatable."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, show_default=False, help="Threads or processes; else all.")
    ] = None,
    processes: Annotated[bool, typer.Option("--processes", help="Use processes instead of threads.")] = False,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", show_default=False, help="Use the Dask cluster of this scheduler.")
    ] = "",
    vary: Vary = None,
    spread: Spread = None,
    correlate: Correlate = None,
    settings: Settings = None,
    method: Method = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="KIND", show_default="none", help="Draw fans: svg, png, pdf."),
    ] = None,
) -> None:
    """Draw, run and write many members."""
    from sdpolicy.cli import studies

    wishes = studies.Wishes(
        samples, seed, design, tuple(vary or ()), spread, tuple(correlate or ()), tuple(settings or ()), method, out,
        _formats(formats or ["none"]),
    )  # fmt: skip
    studies.ensemble(scenario, wishes, outputs or (), studies.Work(workers, processes, scheduler), resume)


def sensitivity_command(
    scenario: Scenario,
    kind: Annotated[Kind, typer.Option(help="The method.")] = Kind.SOBOL,
    samples: Annotated[
        int,
        typer.Option("--samples", "-n", metavar="N", min=2, help="Base points, trajectories or members."),
    ] = 512,
    seed: Seed = 0,
    outcomes: Outcomes = None,
    no_pairs: Annotated[
        bool, typer.Option("--no-second-order", help="Leave pairs out of sobol: half the members.")
    ] = False,
    out: Out = None,
    vary: Vary = None,
    spread: Spread = None,
    correlate: Correlate = None,
    settings: Settings = None,
    method: Method = None,
    formats: Formats = None,
) -> None:
    """Say which inputs decide."""
    from sdpolicy.cli import sensing, studies

    wishes = studies.Wishes(
        samples, seed, "", tuple(vary or ()), spread, tuple(correlate or ()), tuple(settings or ()), method, out,
        _formats(formats), not no_pairs,
    )  # fmt: skip
    sensing.sensitivity(scenario, wishes, kind.value, outcomes or ())


def discover_command(
    scenario: Scenario,
    when: Annotated[
        list[str], typer.Option("--when", metavar="CONDITION", help="What is looked for; repeatable: all.")
    ],
    samples: Annotated[int, typer.Option("--samples", "-n", metavar="N", min=2, help="How many members.")] = 4000,
    seed: Seed = 0,
    density: Annotated[float, typer.Option(min=0, max=1, metavar="SHARE", help="Density that a box is to have.")] = 0.8,
    out: Out = None,
    vary: Vary = None,
    spread: Spread = None,
    settings: Settings = None,
    method: Method = None,
    formats: Formats = None,
) -> None:
    """Say when something happens."""
    from sdpolicy.cli import studies

    wishes = studies.Wishes(
        samples, seed, "latin-hypercube", tuple(vary or ()), spread, (), tuple(settings or ()), method, out,
        _formats(formats),
    )  # fmt: skip
    studies.discover(scenario, wishes, when, density)


def map_command(
    scenario: Scenario,
    across: Annotated[str, typer.Option("--x", metavar="NAME=LOW..HIGH", help="The input from left to right.")],
    upward: Annotated[str, typer.Option("--y", metavar="NAME=LOW..HIGH", help="The input from below upwards.")],
    outcome: Annotated[str, typer.Option("--outcome", metavar="WORDS", help="What is drawn.")] = "crisis year",
    cells: Annotated[int, typer.Option(min=2, max=512, metavar="N", help="Cells a side at first.")] = 16,
    halvings: Annotated[int, typer.Option(min=0, max=6, metavar="N", help="Halvings along boundaries.")] = 3,
    sides: Annotated[
        list[str] | None, typer.Option("--from", metavar="NAME=VALUE", show_default=False, help="Start here; twice.")
    ] = None,
    out: Out = None,
    settings: Settings = None,
    method: Method = None,
    formats: Formats = None,
) -> None:
    """Draw an outcome over two inputs."""
    from sdpolicy.cli import studies

    wishes = studies.Wishes(2, settings=tuple(settings or ()), method=method, out=out, formats=_formats(formats))
    how = studies.MapWishes(cells, halvings, tuple(sides or ()))
    studies.draw_map(scenario, wishes, (across, upward), outcome, how)


def robust_command(
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO", help="Policies; the first says the futures.")],
    goals: Annotated[
        list[str], typer.Option("--goal", metavar="WORDS", help="An outcome, 'less ...' if less is good.")
    ],
    needs: Annotated[
        list[str] | None,
        typer.Option("--need", metavar="CONDITION", show_default=False, help="What must hold; repeatable."),
    ] = None,
    levers: Annotated[
        list[str] | None,
        typer.Option("--lever", metavar="NAME=LOW..HIGH", show_default=False, help="Search over this."),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", "-n", metavar="N", min=2, help="How many futures.")] = 1000,
    seed: Seed = 0,
    out: Out = None,
    vary: Vary = None,
    spread: Spread = None,
    settings: Settings = None,
    method: Method = None,
    formats: Formats = None,
) -> None:
    """Hold policies to the same futures."""
    from sdpolicy.cli import studies

    wishes = studies.Wishes(
        samples, seed, "latin-hypercube", tuple(vary or ()), spread, (), tuple(settings or ()), method, out,
        _formats(formats),
    )  # fmt: skip
    studies.robust(scenarios, wishes, goals, needs or (), levers or ())
