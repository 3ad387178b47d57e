"""What `run` does: read and run everything first, then write all of it, then say what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sdpolicy.cli import terminal
from sdpolicy.cli.guard import Code, code_of
from sdpolicy.errors import Problem, SdpolicyError, suggest

if TYPE_CHECKING:
    import xarray as xr

    from sdpolicy.scenario import Amount

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks of all runs; None leaves it to the scenario."""

    engine: str | None = None
    method: str | None = None
    step: float | None = None
    save: float | None = None
    settings: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("svg",)


def run(names: Sequence[str], out: Path | None, wishes: Wishes) -> None:
    """Run all scenarios, write them into ``out`` if there is one, and print what happened."""
    runs = simulate_all(list(dict.fromkeys(names)), wishes)
    files: Sequence[str] = ()
    if out is not None:
        from sdpolicy.cli import writing

        with terminal.working("drawing and writing"):
            files = writing.write(runs, out, wishes.formats)
    from sdpolicy.cli import showing

    showing.show_runs(runs)
    if out is not None:
        showing.show_files(str(out), files)
    else:
        terminal.say("Nothing was written; add --out DIR for data, figures and a manifest.", style="dim")


def simulate_all(names: Sequence[str], wishes: Wishes) -> list[xr.Dataset]:
    """Return one Dataset for each name.

    Raises:
        SdpolicyError: with the problems of all scenarios and settings; what can be repaired in the input
            comes before what failed while running.
    """
    with terminal.working("starting"):
        from sdpolicy.run import DEFAULT_ENGINE, ENGINES, simulate
        from sdpolicy.scenario import parse_override

    engine = wishes.engine or DEFAULT_ENGINE
    if engine not in ENGINES:
        what = f"there is no engine '{engine}'; the engines are {', '.join(ENGINES)}"
        raise SdpolicyError(Problem("command line, --engine", what, suggest(engine, ENGINES)))
    overrides: dict[str, float | Amount] = dict(_each(parse_override, wishes.settings))

    def simulate_one(name: str) -> xr.Dataset:
        with terminal.working(f"running {name}"):
            return simulate(
                name,
                engine=engine,
                method=wishes.method,
                step=wishes.step,
                save=wishes.save,
                overrides=overrides,
            )

    return _each(simulate_one, names)


def _each(function: Callable[[In], Out], items: Iterable[In]) -> list[Out]:
    """Apply ``function`` to all items; raise the problems of all, each once, as one error."""
    done: list[Out] = []
    errors: list[SdpolicyError] = []
    for item in items:
        try:
            done.append(function(item))
        except SdpolicyError as error:
            errors.append(error)
    if not errors:
        return done
    repairable = [error for error in errors if code_of(error) is Code.BAD_INPUT]
    first = (repairable or errors)[0]
    problems = dict.fromkeys(problem for error in (repairable or errors) for problem in error.problems)
    raise type(first)(problems) from first
