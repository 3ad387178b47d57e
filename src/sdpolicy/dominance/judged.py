"""What each named loop is responsible for: the behaviour that the theory ascribes to it, with and without the loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from sdpolicy.backends.base import FloatArray
from sdpolicy.dominance.cutting import cuts
from sdpolicy.dominance.found import named_loops
from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.program import Program, Quantity, fold
from sdpolicy.scenario import Case, case
from sdpolicy.scenario.loops import SUFFIX, NamedLoop
from sdpolicy.vensim import read_model
from sdpolicy.words import number, unit_words, year

FEW: Final = 5
"""How many variables are shown of a loop to which the file ascribes none."""


@dataclass(frozen=True)
class Judged:
    """One variable in one scenario, with a named loop and without it.

    ``whole`` and ``without`` are the values over ``time``, ``moment`` the position of the time at which to look.
    ``broken`` says since when the run without the loop is not finite, and in which variable; ``idle`` why there is
    nothing to cut in this scenario.
    """

    loop: NamedLoop
    scenario: str
    variable: str
    unit: str
    time: FloatArray
    whole: FloatArray
    without: FloatArray
    moment: int
    broken: str = ""
    idle: str = ""

    @property
    def values(self) -> tuple[float, float]:
        """Return the variable at the moment as it is, and without the loop (NaN where that is not finite)."""
        return float(self.whole[self.moment]), float(self.without[self.moment])

    @property
    def change(self) -> float:
        """Return what changes without the loop, as a fraction of the value as it is; NaN where there is none."""
        whole, without = self.values
        return (without - whole) / abs(whole) if whole else float("nan")


@dataclass(frozen=True)
class Judgement:
    """All that was judged, loop by loop in the order of the file, and the runs behind it by scenario."""

    items: tuple[Judged, ...]
    runs: Mapping[str, xr.Dataset]


def judge(
    source: str | Path | Case, outputs: Sequence[str] = (), at: float | None = None, *, elsewhere: bool = False
) -> Judgement:
    """Run a scenario without each named loop and show what the theory ascribes to the loop.

    Args:
        source: a scenario or model by name or path, or a case.
        outputs: variables to look at instead, the same for all loops.
        at: when to look where the loop file gives no time, or at ``outputs``; by default at the end.
        elsewhere: whether to judge a loop in the scenario that the loop file names for it, instead of this one.

    Raises:
        ScenarioError: when the model names no loops, or a variable, time or scenario does not fit the model.
        SimulationError: when a whole run does not stay finite.
    """
    chosen = case(source, read_model)
    loops = named_loops(chosen)
    if not loops:
        raise ScenarioError(Problem(chosen.program.name, "the model names no loops", _listed(chosen.program)))
    homes = {loop.id: _home(chosen, loop) if elsewhere else _name(chosen) for loop in loops}
    cases = _cases(chosen, loops, homes)
    wanted = {loop.id: dict(_wanted(cases[homes[loop.id]], loop, outputs, at)) for loop in loops}
    _refuse(cases, loops, homes, wanted)
    runs = {}
    for name, where in cases.items():
        own = [loop for loop in loops if homes[loop.id] == name]
        shown = dict.fromkeys(fold(variable) for loop in own for variable in wanted[loop.id])
        runs[name] = cuts(where, [loop.id for loop in own], list(shown))
    items = [
        item for loop in loops for item in _judged(cases[homes[loop.id]], runs[homes[loop.id]], loop, wanted[loop.id])
    ]
    return Judgement(tuple(items), runs)


def _name(chosen: Case) -> str:
    return chosen.scenario.name if chosen.scenario else chosen.program.name


def _home(chosen: Case, loop: NamedLoop) -> str:
    return loop.judged_in or _name(chosen)


def _listed(program: Program) -> str:
    return f"List them in {program.name}{SUFFIX}."


def _cases(chosen: Case, loops: Sequence[NamedLoop], homes: Mapping[str, str]) -> dict[str, Case]:
    """Return the case of each scenario in which a loop is judged."""
    cases = {_name(chosen): chosen}
    for loop in loops:
        name = homes[loop.id]
        if name in cases:
            continue
        cases[name] = case(name, read_model)
        other = cases[name].program
        if (other.name, other.digest) != (chosen.program.name, chosen.program.digest):
            place = f"{chosen.program.name}{SUFFIX}, {loop.id}, in"
            what = f"the scenario '{name}' is of the model '{other.name}'"
            raise ScenarioError(Problem(place, what, f"Name a scenario of '{chosen.program.name}'."))
    return {name: item for name, item in cases.items() if name in homes.values()}


def _wanted(where: Case, loop: NamedLoop, outputs: Sequence[str], at: float | None) -> Iterator[tuple[str, float]]:
    """Yield the variables to look at, each with the time."""
    end = where.grid.time(where.grid.steps) if at is None else at
    if outputs or not loop.shows:
        yield from ((name, end) for name in outputs or defaults(where))
    else:
        yield from ((name, end if time is None else time) for name, time in loop.shows.items())


def defaults(where: Case) -> list[str]:
    """Return what a scenario shows first of each panel, or the first stocks and auxiliaries of a model."""
    panels = where.scenario.figures.panels if where.scenario else ()
    first = [panel[0] for panel in panels if panel]
    return (first or [quantity.name for quantity in where.program.quantities if _shows(quantity)])[:FEW]


def _shows(quantity: Quantity) -> bool:
    return quantity.kind in ("stock", "auxiliary") and not quantity.dimensions


def _refuse(
    cases: Mapping[str, Case],
    loops: Sequence[NamedLoop],
    homes: Mapping[str, str],
    wanted: Mapping[str, Mapping[str, float]],
) -> None:
    """Raise what is wrong with variables and times, each once."""
    problems: dict[Problem, None] = {}
    for loop in loops:
        where = cases[homes[loop.id]]
        own = bool(loop.shows) and wanted[loop.id].keys() == loop.shows.keys()
        place = f"{where.program.name}{SUFFIX}, {loop.id}, shows" if own else "what is to be shown"
        start, stop = where.grid.start, where.grid.time(where.grid.steps)
        for name, time in wanted[loop.id].items():
            quantity = where.program.find(name)
            if quantity is None:
                what = f"the model '{where.program.name}' has no variable '{name}'"
                problems[Problem(place, what, where.program.suggest(name) or "Names are spelt as in the model.")] = None
            elif not _shows(quantity):
                what = f"'{quantity.name}' has subscripts or does not vary"
                problems[Problem(place, what, "Name a stock or auxiliary without subscripts.")] = None
            if not start <= time <= stop:
                what = f"the time {time:g} is not inside the run, {start:g} to {stop:g}"
                problems[Problem(place, what, "Name a time of the run.")] = None
    if problems:
        raise ScenarioError(problems)


def _judged(where: Case, runs: xr.Dataset, loop: NamedLoop, wanted: Mapping[str, float]) -> Iterator[Judged]:
    row = [str(name) for name in runs["run"].values].index(loop.id)
    time = runs["time"].values
    since, variable = float(runs["broken_at"].values[row]), str(runs["broken"].values[row])
    broken = f"not finite from {year(since)} on ('{variable}')" if variable else ""
    for name, at in wanted.items():
        quantity = where.program.find(name)
        assert quantity is not None
        values = runs[quantity.name].values
        yield Judged(
            loop, _name(where), quantity.name, quantity.unit, time, values[0], values[row],
            int(np.argmin(np.abs(time - at))), broken, str(runs["idle"].values[row]),
        )  # fmt: skip


HEADINGS: Final = ("Loop", "Variable", "In", "As it is", "Without", "Change")


def rows(items: Sequence[Judged]) -> list[tuple[str, ...]]:
    """Return a row of texts for each item, under :data:`HEADINGS`; the scenario is named where there are several."""
    several = len({item.scenario for item in items}) > 1
    return [_row(item, several) for item in items]


def _row(item: Judged, several: bool) -> tuple[str, ...]:
    when = year(float(item.time[item.moment]))
    seen = "" if item.loop.judged_in in ("", item.scenario) else f" (see {item.loop.judged_in})"
    unit = unit_words(item.unit)
    variable = item.variable if unit == "no unit" else f"{item.variable} ({unit})"
    return (f"{item.loop.label}{seen}", variable, f"{item.scenario} {when}" if several else when, *told(item))


def told(item: Judged) -> tuple[str, str, str]:
    """Return in words the value as it is, the value without the loop, and the change."""
    whole, without = item.values
    if item.idle:
        return number(whole), item.idle, ""
    if not np.isfinite(without):
        return number(whole), item.broken, ""
    change = "none" if without == whole else f"{item.change:+.0%}".replace("-", "−") if whole else ""
    change = "0%" if change in ("+0%", "−0%") else change
    return number(whole), f"{number(without)}; {item.broken}" if item.broken else number(without), change


def markdown(items: Sequence[Judged]) -> str:
    """Return the table for a model's book."""
    lines = [HEADINGS, ("---", "---", "---", "---:", "---:", "---:"), *rows(items)]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)
