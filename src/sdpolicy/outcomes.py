"""What is asked of a run in one number: crisis year, peak of a ratio, mode of behaviour. It runs and draws nothing.

An outcome is written in words: ``crisis year``, ``final output``, ``peak debt equity ratio``,
``lowest liquidity coverage``, ``mean output growth``, ``output at 1996``, ``first liquidity coverage < 1``,
``mode of relative knowledge``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.errors import Problem, ResultError, suggest
from sdpolicy.program import fold
from sdpolicy.results.roles import Roles

FloatArray = NDArray[np.float64]
Kind = Literal["final", "peak", "lowest", "mean", "at", "first", "mode", "ever"]

MODES: Final = ("steady", "growth", "decline", "growth that levels off", "decline that levels off",
                "rise and fall", "fall and recovery", "waves")  # fmt: skip
"""Modes of behaviour; the outcome ``mode of ...`` is the place in this list."""
TURN: Final = 0.1
"""A change of direction counts as a turn when it exceeds this fraction of a series' whole span."""
STILL: Final = 0.02
"""A series whose span is less than this fraction of its greatest size is steady."""
LEVEL: Final = 0.1
"""A series levels off when its last fifth brings less than this fraction of its whole change."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One number of a run: which, of which variable, at what time or beyond which level."""

    name: str
    kind: Kind
    variable: str
    level: float = 0.0
    below: bool = True

    @property
    def is_time(self) -> bool:
        """Whether the outcome is a time, which may never come."""
        return self.kind == "first"


def parse_outcome(text: str, dataset: xr.Dataset) -> Outcome:
    """Return the outcome that ``text`` names, for a Dataset of one run or of members.

    Raises:
        ResultError: when the words or the variable are not known.
    """
    words = " ".join(text.split())
    for pattern, kind in _PATTERNS:
        match = re.fullmatch(pattern, words, re.IGNORECASE)
        if match:
            return _found(words, kind, match, dataset)
    roles = roles_in(dataset)
    told = crisis_role(roles.variables, roles)
    if words.casefold() in ("crisis year", "crisis") and told:
        kind = "first" if words.casefold() == "crisis year" else "ever"
        return Outcome(words, kind, roles.variables[told[0]], told[1])
    lacking = " here: no variable plays confidence or liquidity" if words.casefold().startswith("crisis") else ""
    what = f"'{words}' is no outcome{lacking}"
    cure = "Write it as in 'final output', 'peak X', 'lowest X', 'mean X', 'X at 1996', 'first X < 1' or 'mode of X'."
    raise ResultError(Problem("outcome", what, cure))


_NUMBER: Final = r"([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)"
_PATTERNS: Final[tuple[tuple[str, Kind], ...]] = (
    (rf"first (.+?) ([<>]) {_NUMBER}", "first"),
    (rf"ever (.+?) ([<>]) {_NUMBER}", "ever"),
    (rf"(.+?) at {_NUMBER}", "at"),
    (r"final (.+)", "final"),
    (r"peak (.+)", "peak"),
    (r"lowest (.+)", "lowest"),
    (r"mean (.+)", "mean"),
    (r"mode of (.+)", "mode"),
)


def _found(words: str, kind: Kind, match: re.Match[str], dataset: xr.Dataset) -> Outcome:
    known = {fold(str(name)): str(name) for name in dataset.data_vars}
    name = known.get(fold(match[1]))
    if name is None or set(dataset[name].dims) - {"member"} != {"time"}:
        cure = suggest(match[1], list(known.values())) or f"Saved are {', '.join(known.values())}."
        raise ResultError(Problem(f"outcome '{words}'", f"no series '{match[1]}' was saved", cure))
    if kind == "at":
        _refuse_outside(words, float(match[2]), np.asarray(dataset["time"].values, dtype=np.float64))
        return Outcome(words, kind, name, float(match[2]))
    if kind in ("first", "ever"):
        return Outcome(words, kind, name, float(match[3]), match[2] == "<")
    return Outcome(words, kind, name)


def _refuse_outside(words: str, when: float, time: FloatArray) -> None:
    if not time[0] <= when <= time[-1]:
        cure = f"It lasts from {time[0]:g} to {time[-1]:g}."
        raise ResultError(Problem(f"outcome '{words}'", f"the run does not reach {when:g}", cure))


CRISIS: Final = ("confidence", "liquidity")
"""The roles that tell a crisis, the one that counts first; each falls below a threshold of its name."""


def crisis_role(known: Container[str], roles: Roles) -> tuple[str, float] | None:
    """Return the role that tells a crisis, lenders' confidence or else liquidity, and the level that it falls below."""
    levels = {"confidence": roles.confidence, "liquidity": roles.liquidity}
    return next(((role, levels[role]) for role in CRISIS if role in known), None)


def roles_in(dataset: xr.Dataset) -> Roles:
    """Return the roles that a Dataset carries, of variables that it holds."""
    content = json.loads(str(dataset.attrs.get("roles") or "{}"))
    variables = {role: name for role, name in content.pop("variables", {}).items() if name in dataset}
    return Roles(variables, **content)


def needed(dataset: xr.Dataset, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the variables that outcomes need, of a Dataset that holds at least these."""
    return tuple(dict.fromkeys(parse_outcome(text, dataset).variable for text in texts))


def measure(dataset: xr.Dataset, outcome: Outcome) -> FloatArray:
    """Return the outcome of each member, of shape (members,), or () for a single run.

    A time that never comes is NaN, and so is everything of a member that failed.
    """
    series = dataset[outcome.variable]
    time = np.asarray(dataset["time"].values, dtype=np.float64)
    values = np.asarray(series.transpose(..., "time").values, dtype=np.float64)
    whole: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=-1))
    found = _reduced(outcome, time, np.where(whole[..., np.newaxis], values, 0.0))
    return np.where(whole, found, np.nan)


def _reduced(outcome: Outcome, time: FloatArray, values: FloatArray) -> FloatArray:
    match outcome.kind:
        case "final":
            return values[..., -1]
        case "peak":
            return np.asarray(values.max(axis=-1))
        case "lowest":
            return np.asarray(values.min(axis=-1))
        case "mean":
            return np.asarray(np.trapezoid(values, time, axis=-1) / (time[-1] - time[0]))
        case "at":
            return at(time, values, outcome.level)
        case "first" | "ever":
            when = first_time(time, values, outcome.level, outcome.below)
            return when if outcome.kind == "first" else np.isfinite(when).astype(np.float64)
        case "mode":
            return modes(values).astype(np.float64)


def at(time: FloatArray, values: FloatArray, moment: float | FloatArray) -> FloatArray:
    """Return ``values`` (shape (..., times)) at a moment, the same or one for each member; NaN outside the run."""
    when = np.broadcast_to(np.asarray(moment, dtype=np.float64), values.shape[:-1])
    inside = (when >= time[0]) & (when <= time[-1])
    safe = np.where(inside, when, time[0])
    right = np.clip(np.searchsorted(time, safe, side="left"), 1, len(time) - 1)
    part = (safe - time[right - 1]) / (time[right] - time[right - 1])
    low = np.take_along_axis(values, (right - 1)[..., np.newaxis], axis=-1)[..., 0]
    high = np.take_along_axis(values, right[..., np.newaxis], axis=-1)[..., 0]
    return np.where(inside, low + part * (high - low), np.nan)


def first_time(time: FloatArray, values: FloatArray, level: float, below: bool = True) -> FloatArray:
    """Return when a series first passes a level, along straight lines between saved times; NaN for never."""
    gap = values - level if below else level - values
    passed = gap < 0
    ever = passed.any(axis=-1)
    at = passed.argmax(axis=-1)
    before = np.maximum(at - 1, 0)
    left = np.take_along_axis(gap, before[..., np.newaxis], -1)[..., 0]
    right = np.take_along_axis(gap, at[..., np.newaxis], -1)[..., 0]
    share = np.divide(left, left - right, out=np.zeros_like(left), where=(at > 0) & (left > right))
    return np.where(ever, time[before] + share * (time[at] - time[before]), np.nan)


def modes(values: FloatArray) -> NDArray[np.int64]:
    """Return the mode of behaviour of each series (places in ``MODES``); ``values`` has shape (..., times)."""
    flat = values.reshape(-1, values.shape[-1])
    span = np.ptp(flat, axis=1)
    turns, first, last = _turns(flat, np.asarray(TURN * span))
    net = np.abs(flat[:, -1] - flat[:, 0])
    late = np.abs(flat[:, -1] - flat[:, -1 - max(1, (flat.shape[1] - 1) // 5)])
    level = late < LEVEL * net
    found = np.select(
        [span <= STILL * np.abs(flat).max(axis=1), turns >= 2, (turns == 1) & (first > 0), turns == 1,
         (last > 0) & level, last > 0, level],
        [0, 7, 5, 6, 3, 1, 4],
        2,
    )  # fmt: skip
    return np.asarray(found.reshape(values.shape[:-1]), dtype=np.int64)


def _turns(flat: FloatArray, least: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each series, how often it turns by more than ``least``, and its first and last direction."""
    count = len(flat)
    turns, first, way = (np.zeros(count, dtype=np.int64) for _ in range(3))
    high, low = flat[:, 0].copy(), flat[:, 0].copy()
    for now in flat.T:
        high, low = np.maximum(high, now), np.minimum(low, now)
        falls = (way >= 0) & (now < high - least)
        rises = (way <= 0) & (now > low + least) & ~falls
        turns += (falls & (way > 0)) | (rises & (way < 0))
        way = np.where(falls, -1, np.where(rises, 1, way))
        first = np.where(first == 0, way, first)
        low, high = np.where(falls, now, low), np.where(rises, now, high)
    return turns, first, way


def measure_all(dataset: xr.Dataset, texts: Sequence[str]) -> Mapping[str, FloatArray]:
    """Return several outcomes by what they are called."""
    return {text: measure(dataset, parse_outcome(text, dataset)) for text in texts}


def in_full(dataset: xr.Dataset, outcome: Outcome, values: FloatArray, never: float | None = None) -> FloatArray:
    """Return outcomes in which a time that never came is ``never``; failed members stay NaN.

    By default that is the end of the run, the earliest that "later" can be. Where only the order of members
    counts, infinity says the same without naming a time.
    """
    if not outcome.is_time:
        return values
    whole = np.isfinite(dataset[outcome.variable].transpose(..., "time").values).all(axis=-1)
    put = float(dataset["time"].values[-1]) if never is None else never
    return np.where(np.isnan(values) & whole, put, values)


@dataclass(frozen=True, slots=True)
class Criterion:
    """An outcome held to a number: ``final output > 100``; ``crisis year = never``."""

    text: str
    outcome: Outcome
    sign: str
    value: float

    def met(self, dataset: xr.Dataset) -> NDArray[np.bool_]:
        """Tell for each member whether it is met; by a member that failed it is not."""
        found = measure(dataset, self.outcome)
        if self.sign == "never":
            whole = np.isfinite(dataset[self.outcome.variable].transpose(..., "time").values).all(axis=-1)
            return np.asarray(np.isnan(found) & whole)
        with np.errstate(invalid="ignore"):
            compared = {"<": found < self.value, ">": found > self.value, "<=": found <= self.value,
                        ">=": found >= self.value, "=": found == self.value}  # fmt: skip
        return np.asarray(compared[self.sign])


def parse_criterion(text: str, dataset: xr.Dataset) -> Criterion:
    """Return the criterion that ``text`` states.

    Raises:
        ResultError: when it is not of the form ``OUTCOME < NUMBER`` or ``OUTCOME = never``, or a mode by its name.
    """
    match = re.fullmatch(rf"(.+?)\s*(<=|>=|<|>|=)\s*({_NUMBER[1:-1]}|[a-z ]+)", " ".join(text.split()), re.IGNORECASE)
    if not match:
        cure = "Write it as in 'final output > 100', 'crisis year = never' or 'mode of output = growth'."
        raise ResultError(Problem(f"'{text}'", "expected OUTCOME, a sign and a number", cure))
    outcome, value = parse_outcome(match[1], dataset), match[3].strip().casefold()
    if outcome.is_time and value == "never" and match[2] == "=":
        return Criterion(text, outcome, "never", 0.0)
    if outcome.kind == "mode" and value in MODES:
        return Criterion(text, outcome, "=", float(MODES.index(value)))
    try:
        return Criterion(text, outcome, match[2], float(value))
    except ValueError:
        raise ResultError(Problem(f"'{text}'", f"'{value}' is no number", f"Modes are {', '.join(MODES)}.")) from None
