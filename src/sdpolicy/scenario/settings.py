"""The time grid of a run: the model's own settings, overruled by [run] and by the caller. It reads no file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sdpolicy.errors import Problem, suggest
from sdpolicy.expression import Num, references
from sdpolicy.integrators import METHODS, Grid
from sdpolicy.interpret import evaluate
from sdpolicy.program import Program

KEYS: Final[Mapping[str, str]] = {
    "start": "initial_time",
    "stop": "final_time",
    "step": "time_step",
    "save": "saveper",
}
"""Keys of [run] and the identifiers of the model's quantities that they set, in the order in which they are needed."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Settings of a run; None leaves it to the scenario, or to the model."""

    start: float | None = None
    stop: float | None = None
    step: float | None = None
    save: float | None = None
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A setting, where it came from (a file, ``command line`` or ``model``), and how that place is called."""

    value: float
    origin: str
    where: str


def choose_method(own: str, layers: Mapping[str, RunSettings]) -> tuple[str, Problem | None]:
    """Return the method that the last layer names, or else the model's own, and a problem when there is no such one."""
    name, where = own, ""
    for place, settings in layers.items():
        if settings.method is not None:
            name, where = settings.method, _key(place, "method")
    if name in METHODS:
        return name, None
    cure = suggest(str(name), METHODS) or f"Methods: {', '.join(METHODS)}."
    return own, Problem(where, f"the method '{name}' is not known", cure)


def choose_times(
    program: Program, numbers: Mapping[str, float], layers: Mapping[str, RunSettings]
) -> tuple[dict[str, Chosen], list[Problem]]:
    """Return start, stop, step and save interval.

    Args:
        numbers: constants that the scenario sets, by identifier: the model's settings may depend on them.
        layers: settings by the place that they stand in, the one that wins last.
    """
    chosen: dict[str, Chosen] = {}
    problems: list[Problem] = []
    known = dict(numbers)
    for key, id_ in KEYS.items():
        for place, settings in layers.items():
            value: object = getattr(settings, key)
            if isinstance(value, bool) or not isinstance(value, int | float | None):
                problems.append(Problem(_key(place, key), "expected a number"))
            elif value is not None:
                chosen[key] = Chosen(float(value), place, _key(place, key))
        if key in chosen:
            known[id_] = chosen[key].value
    for key, id_ in KEYS.items():
        if key not in chosen:
            own = constant(program, id_, known)
            if own is None:
                problems.append(Problem(*_unknown(program, id_), f"Give {key} under [run]."))
            else:
                chosen[key] = Chosen(own, "model", program.name)
    return chosen, problems


def _key(place: str, key: str) -> str:
    """Return a key as it is written at that place: in the table of a file, or as an option."""
    return f"{place} {key}" if place.endswith("]") else f"{place}, {key}"


def _unknown(program: Program, id_: str) -> tuple[str, str]:
    """Say where the model leaves a setting open, and how."""
    name = id_.replace("_", " ").upper()
    found = program.by_id.get(id_)
    if found is None:
        return program.name, f"{name} is not defined"
    line = f", line {found.line}" if found.line else ""
    what = (
        "it is computed from what changes during the run; only a number, or one computed from constants, is supported"
    )
    return f"{Path(program.source).name or program.name}{line}, '{name}'", what


def constant(program: Program, id_: str, known: Mapping[str, float]) -> float | None:
    """Return the value of a constant, computed from other constants where need be; None when it is not one."""
    bodies = {e.target: e.body for e in program.equations if not e.axes and not e.index}
    values = dict(known)

    def find(name: str, pending: frozenset[str]) -> bool:
        if name in values:
            return True
        body = bodies.get(name)
        if body is None or name in pending:
            return False
        if not all(find(other, pending | {name}) for other in references(body)):
            return False
        try:
            values[name] = body.value if isinstance(body, Num) else evaluate(body, values, program)
        except (KeyError, ArithmeticError, ValueError):
            return False
        return True

    return values[id_] if find(id_, frozenset()) else None


def grid_of(chosen: Mapping[str, Chosen]) -> tuple[Grid | None, Problem | None]:
    """Return the grid of a run, or what is wrong with the settings."""
    start, stop, step, save = (chosen[key].value for key in KEYS)
    given = [c for c in chosen.values() if c.origin != "model"]
    where = given[-1].where if given else chosen["step"].where
    try:
        return Grid.of(start, stop, step, save), None
    except (ValueError, OverflowError) as error:
        if chosen["save"].origin == "model" and _divides(start, stop, step):
            saved = max(1, round(save / step)) * step
            what = f"the model saves every {save:g}, which is not a whole number of steps of {step:g}"
            return None, Problem(chosen["step"].where, what, f"Give a save interval too, such as {saved:.10g}.")
        key = _culprit(start, stop, step, chosen)
        return None, Problem(chosen[key].where if chosen[key].origin != "model" else where, str(error), "")


def _divides(start: float, stop: float, step: float) -> bool:
    try:
        Grid.of(start, stop, step, step)
    except (ValueError, OverflowError):
        return False
    return True


def _culprit(start: float, stop: float, step: float, chosen: Mapping[str, Chosen]) -> str:
    """Return the key that the trouble with a grid is best told at."""
    if not (math.isfinite(step) and step > 0):
        return "step"
    if stop <= start:
        return "stop" if chosen["stop"].origin != "model" else "start"
    return "save" if _divides(start, stop, step) else "step"
