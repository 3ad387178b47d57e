"""Observed facts with their sources, and how well a run agrees with them. It knows Datasets, no engine or figure."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from sdpolicy.errors import Problem, ResultError

if TYPE_CHECKING:
    import xarray as xr

FACTS: Final = ("id", "entity", "variable", "start", "end", "value", "low", "high", "unit", "source", "locator", "note")
DEFINITIONS: Final = ("fact", "model", "variable", "scale", "usable", "reason")


@dataclass(frozen=True, slots=True)
class Observation:
    """One observed fact, in the unit of the model variable that it is compared with.

    It holds for the average from ``start`` to ``end``, or for the moment when both are equal. ``low`` and
    ``high`` are the limits that the source states, or None.
    """

    fact: str
    variable: str
    start: float
    end: float
    value: float
    low: float | None
    high: float | None
    unit: str
    source: str
    locator: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a simulated series agrees with an observed one (Theil 1966; Sterman 1984, Dynamica 10(2), 51-66).

    ``r2`` is the squared correlation; ``mape`` and ``rmspe`` are fractions of the observed values, NaN when
    one of these is 0. ``bias``, ``variation`` and ``covariation`` are Theil's shares of the mean squared
    error, which sum to 1: unequal means, unequal standard deviations, imperfect correlation. They are NaN
    when the fit is perfect; ``r2`` is NaN when one of the series does not vary.
    """

    n: int
    r2: float
    mape: float
    rmspe: float
    bias: float
    variation: float
    covariation: float


def observations(folder: Path, model: str, entity: str) -> tuple[Observation, ...]:
    """Return the usable facts about ``entity`` (a country code) that ``model`` can be compared with.

    ``folder`` holds ``facts*.csv`` and ``definitions*.csv``; one without them gives no
    observations. A definition maps a fact to a variable of a model and to the factor (``scale``) that brings it
    to the variable's unit.

    Raises:
        ResultError: for rows that cannot be read, each with its file and line; all at once.
    """
    problems: list[Problem] = []
    facts: dict[str, tuple[str, Mapping[str, str]]] = {}
    for where, row in _rows(sorted(folder.glob("facts*.csv")), FACTS, problems):
        if row["id"] in facts:
            problems.append(Problem(where, f"the id '{row['id']}' is there twice", "Rename one."))
        facts[row["id"]] = where, row
    found: list[Observation] = []
    for where, row in _rows(sorted(folder.glob("definitions*.csv")), DEFINITIONS, problems):
        if row["model"] != model or not _is_usable(where, row["usable"], problems):
            continue
        if row["fact"] not in facts:
            problems.append(Problem(where, f"there is no fact '{row['fact']}'", "Add it or drop this row."))
        elif facts[row["fact"]][1]["entity"] == entity:
            found += _observation(where, row, facts[row["fact"]], problems)
    if problems:
        raise ResultError(problems)
    return tuple(sorted(found, key=lambda item: (item.variable, item.start, item.fact)))


def _rows(
    files: Sequence[Path], columns: Sequence[str], problems: list[Problem]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield where each row stands and its fields; note rows and files that cannot be read."""
    for path in files:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                yield from _table(path.name, csv.DictReader(file, strict=True), columns, problems)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            cure = "Write it as CSV in UTF-8."
            problems.append(Problem(path.name, f"the file cannot be read ({error})", cure))


def _table(
    name: str, reader: csv.DictReader[str], columns: Sequence[str], problems: list[Problem]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    given = reader.fieldnames or ()
    missing = [column for column in columns if column not in given]
    if missing:
        problems.append(Problem(name, f"there is no column '{', '.join(missing)}'", "Add it."))
        return
    for row in reader:
        where = f"{name}, line {reader.line_num}"
        if None in row or None in row.values():
            what = f"the row does not have {len(given)} fields"
            problems.append(Problem(where, what, "Put texts that hold commas in quotation marks."))
        else:
            yield where, {key: value.strip() for key, value in row.items()}


def _is_usable(where: str, text: str, problems: list[Problem]) -> bool:
    if text.casefold() not in ("yes", "no"):
        problems.append(Problem(where, f"usable is '{text}'", "Write yes or no."))
    return text.casefold() == "yes"


def _observation(
    where: str, definition: Mapping[str, str], placed: tuple[str, Mapping[str, str]], problems: list[Problem]
) -> list[Observation]:
    before, fact = len(problems), placed[1]
    at = f"{placed[0]} ({fact['id']})"
    scale = _number(where, "scale", definition["scale"] or "1", problems)
    start = _number(at, "start", fact["start"], problems)
    end = _number(at, "end", fact["end"] or fact["start"], problems)
    value = _number(at, "value", fact["value"], problems)
    low, high = (_number(at, key, fact[key], problems) * scale if fact[key] else None for key in ("low", "high"))
    if end < start:
        problems.append(Problem(at, f"it ends in {end:g}, before it starts in {start:g}", "Swap start and end."))
    if low is not None and high is not None and low > high:
        problems.append(Problem(at, "low is greater than high", "Swap them."))
    if len(problems) > before:
        return []
    variable, unit, source = definition["variable"], fact["unit"], fact["source"]
    return [
        Observation(
            fact["id"], variable, start, end, value * scale, low, high, unit, source, fact["locator"], fact["note"]
        )
    ]


def _number(where: str, key: str, text: str, problems: list[Problem]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        problems.append(Problem(where, f"{key} is '{text}'", "Write a finite number."))
    return value


def simulated(dataset: xr.Dataset, observation: Observation) -> float:
    """Return what the run says where the fact speaks: the value at its moment, or the mean over its period.

    The mean is that of the straight lines between saved points. NaN where the run does not cover the fact
    or does not hold its variable over time.
    """
    name, start, end = observation.variable, observation.start, observation.end
    if name not in dataset or dataset[name].dims != ("time",):
        return math.nan
    time = np.asarray(dataset["time"].values, dtype=np.float64)
    values = np.asarray(dataset[name].values, dtype=np.float64)
    if start < time[0] or end > time[-1]:
        return math.nan
    if start == end:
        return float(np.interp(start, time, values))
    grid = np.concatenate(([start], time[(time > start) & (time < end)], [end]))
    return float(np.trapezoid(np.interp(grid, time, values), grid) / (end - start))


def fit(simulated: Sequence[float], observed: Sequence[float]) -> Fit:
    """Return the statistics of a simulated series against an observed one of the same length.

    Raises:
        ValueError: when the lengths differ or there are fewer than two pairs.
    """
    s, a = np.asarray(simulated, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    if s.shape != a.shape or s.ndim != 1 or len(s) < 2:
        raise ValueError("two series of the same length, at least 2, are needed")
    error = s - a
    relative = error / a if np.all(a != 0) else np.full(len(a), np.nan)
    spread_s, spread_a = float(s.std()), float(a.std())
    covariance = float(np.mean((s - s.mean()) * (a - a.mean())))
    shares = np.array([(s.mean() - a.mean()) ** 2, (spread_s - spread_a) ** 2, 2 * (spread_s * spread_a - covariance)])
    mse = float(np.mean(error**2))
    bias, variation, covariation = shares / mse if mse > 0 else np.full(3, np.nan)
    r2 = (covariance / (spread_s * spread_a)) ** 2 if spread_s > 0 and spread_a > 0 else math.nan
    return Fit(
        len(a), r2, float(np.mean(np.abs(relative))), float(np.sqrt(np.mean(relative**2))),
        float(bias), float(variation), max(float(covariation), 0.0) if mse > 0 else math.nan,
    )  # fmt: skip


def fits(dataset: xr.Dataset, facts: Sequence[Observation]) -> Mapping[str, Fit]:
    """Return the fit of each variable of ``dataset`` for which at least two facts can be compared."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for fact in facts:
        value = simulated(dataset, fact)
        if math.isfinite(value):
            pairs.setdefault(fact.variable, []).append((value, fact.value))
    return {
        name: fit([pair[0] for pair in items], [pair[1] for pair in items])
        for name, items in pairs.items()
        if len(items) > 1
    }
