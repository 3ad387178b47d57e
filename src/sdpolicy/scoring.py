"""Which facts a fit may see (the split), and whether a simulated value agrees with a fact. It runs nothing.

A fact that the source gives a range for agrees inside the range; its tolerance, a fraction, widens the limits.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from sdpolicy.errors import Problem, ResultError
from sdpolicy.evidence import Observation, simulated

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
Part = Literal["calibration", "hold-out", ""]
"""The part that a fact plays: a fit sees it, a fit must not see it, or nothing was said."""

FILE: Final = "split.csv"
COLUMNS: Final = ("fact", "country", "model", "set", "tolerance")
TOLERANCE: Final = 0.25
"""Fraction by which a value may miss a fact that has neither a range nor a tolerance of its own."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What was decided about a fact before the first fit: its part, and how near a value has to come."""

    part: Part
    tolerance: float


@dataclass(frozen=True, slots=True)
class Target:
    """A fact with the limits between which a simulated value agrees with it."""

    observation: Observation
    part: Part
    tolerance: float

    @property
    def limits(self) -> tuple[float, float]:
        """The range that the source states, or the value twice."""
        fact = self.observation
        ends = [fact.value if end is None else end for end in (fact.low, fact.high)]
        return min(ends[0], fact.value), max(ends[1], fact.value)

    @property
    def demanded(self) -> tuple[float, float]:
        """The limits, widened by the tolerance."""
        low, high = self.limits
        return low - self.tolerance * abs(low), high + self.tolerance * abs(high)

    def distance(self, found: FloatArray) -> FloatArray:
        """Return how far ``found`` lies outside the limits, in tolerances: 1 in size is just acceptable.

        Positive above, negative below, 0 between the limits. Where a fact has a range and no tolerance, half the
        range is the unit; a limit of 0 is taken for 1.
        """
        low, high = self.limits
        return np.where(
            found > high, (found - high) / self._unit(high), np.where(found < low, (found - low) / self._unit(low), 0.0)
        )

    def _unit(self, limit: float) -> float:
        low, high = self.limits
        return self.tolerance * (abs(limit) or 1.0) or (high - low) / 2 or abs(limit) or 1.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """A fact, what the run says there, and whether they agree; None when the run does not cover the fact."""

    target: Target
    found: float
    ok: bool | None


def read_split(folder: Path, model: str) -> Mapping[str, Rule]:
    """Return by fact what ``split.csv`` says for ``model``; nothing when there is no such file.

    Raises:
        ResultError: for rows that cannot be read, each with its line; all at once.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    problems: list[Problem] = []
    rules: dict[str, Rule] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise ResultError(Problem(FILE, f"there is no column '{', '.join(missing)}'", "Add it."))
            for row in reader:
                if row["model"] == model:
                    rules |= _rule(f"{FILE}, line {reader.line_num}", row, rules, problems)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ResultError(Problem(FILE, f"the file cannot be read ({error})", "Write it as CSV in UTF-8.")) from error
    if problems:
        raise ResultError(problems)
    return rules


def _rule(
    where: str, row: Mapping[str, str | None], known: Mapping[str, Rule], problems: list[Problem]
) -> dict[str, Rule]:
    part, fact = (row["set"] or "").strip(), (row["fact"] or "").strip()
    if part not in ("calibration", "hold-out"):
        problems.append(Problem(where, f"the set is '{part}'", "Write calibration or hold-out."))
    if fact in known:
        problems.append(Problem(where, f"the fact '{fact}' is there twice", "Keep one row."))
    try:
        tolerance = float(row["tolerance"] or "")
    except ValueError:
        tolerance = math.nan
    if not (math.isfinite(tolerance) and tolerance >= 0):
        what = f"the tolerance is '{row['tolerance']}'"
        problems.append(Problem(where, what, "Write a fraction such as 0.2."))
    return {fact: Rule(cast("Part", part), tolerance)}


def targets(
    facts: Sequence[Observation], split: Mapping[str, Rule], tolerance: float = TOLERANCE
) -> tuple[Target, ...]:
    """Return the facts with their parts and tolerances.

    Args:
        tolerance: for facts that the split does not name; those of them that have a range need none.
    """
    found = []
    for fact in facts:
        ranged = fact.low is not None or fact.high is not None
        rule = split.get(fact.fact, Rule("", 0.0 if ranged else tolerance))
        found.append(Target(fact, rule.part, rule.tolerance))
    return tuple(found)


def agreements(dataset: xr.Dataset, wanted: Sequence[Target]) -> tuple[Agreement, ...]:
    """Return for each fact whether the run agrees with it."""
    return tuple(_agreement(target, simulated(dataset, target.observation)) for target in wanted)


def _agreement(target: Target, found: float) -> Agreement:
    low, high = target.demanded
    return Agreement(target, found, low <= found <= high if math.isfinite(found) else None)


def shares(found: Sequence[Agreement]) -> Mapping[str, tuple[int, int]]:
    """Return by part how many facts agree, out of how many that the run covers; '' is the part of the rest."""
    return dict(_shares(found))


def _shares(found: Sequence[Agreement]) -> Iterator[tuple[str, tuple[int, int]]]:
    for part in ("calibration", "hold-out", ""):
        here = [item.ok for item in found if item.target.part == part and item.ok is not None]
        if here:
            yield part, (sum(here), len(here))
