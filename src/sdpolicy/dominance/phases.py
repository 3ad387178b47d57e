"""Stretches of a run in which one loop, or one polarity, drives it; and the sentences that say so."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.dominance.arithmetic import FloatArray
from sdpolicy.words import year

Level = Literal["loop", "family", "named"]
"""What shares are compared of: single loops, families through the same stocks, or the loops that have a name."""
SHORTEST: Final = 1 / 40
"""A stretch shorter than this fraction of the horizon belongs to the stretch beside it."""
FEW: Final = 6
ENOUGH: Final = 0.5
"""Families tell the story where the ``FEW`` strongest hold this fraction of all feedback; else named loops do."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Relative scores in one partition: ``values`` of shape (labels, times), with signs, the strongest first."""

    labels: tuple[str, ...]
    values: FloatArray


def shares(scores: xr.Dataset, level: Level, partition: int = 0) -> Shares:
    """Return who has which share in a partition; ``named`` loops as fractions of the named loops' scores."""
    home = "family" if level == "family" else "loop"
    inside = scores[f"{home}_partition"].values == partition
    if level == "named":
        rows = np.flatnonzero(inside & (scores["name"].values != ""))
        raw = scores["score"].values[rows]
        total = np.abs(raw).sum(axis=0)
        values = np.where(total > 0.0, raw / np.where(total > 0.0, total, 1.0), 0.0)
        labels = [f"{id_} {name}" for id_, name in zip(scores["loop"].values[rows], scores["name"].values[rows],
                                                       strict=True)]  # fmt: skip
        order = np.argsort(-np.abs(values).mean(axis=1), kind="stable") if len(rows) else rows
        return Shares(tuple(labels[n] for n in order), values[order])
    rows = np.flatnonzero(inside)
    values = scores["relative" if level == "loop" else "family_relative"].values[rows]
    return Shares(tuple(str(name) for name in scores[home].values[rows]), values)


def telling(scores: xr.Dataset, partition: int = 0) -> Level:
    """Return the level at which a few can be told apart: families where few hold most, else named loops."""
    families = shares(scores, "family", partition)
    if not len(families.labels):
        return "family"
    held = np.abs(families.values[:FEW]).sum(axis=0).mean()
    return "named" if held < ENOUGH and bool((scores["name"].values != "").any()) else "family"


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of time and what drives it: ``share`` is the mean relative score, with its sign."""

    start: float
    stop: float
    driver: str
    share: float

    @property
    def polarity(self) -> str:
        return "reinforcing" if self.share > 0 else "balancing"


def phases(
    scores: xr.Dataset, level: Level = "family", partition: int = 0, shortest: float = SHORTEST
) -> tuple[Phase, ...]:
    """Return the stretches in which one loop or family has the largest absolute share.

    Args:
        scores: what :func:`sdpolicy.dominance.dominance` returns.
        level: see :data:`Level`.
        partition: which cycle partition.
        shortest: stretches below this fraction of the horizon are counted to a neighbour.
    """
    held = shares(scores, level, partition)
    time = scores["time"].values
    if not held.values.any():
        return ()
    first = int(np.argmax(np.abs(held.values).sum(axis=0) > 0))
    values = held.values[:, first:]
    stretches = _merged(_runs(np.argmax(np.abs(values), axis=0)), np.abs(values), shortest * len(time))
    return tuple(
        Phase(float(time[first + a]), float(time[min(first + b, len(time) - 1)]), held.labels[who],
              float(values[who, a:b].mean()))
        for a, b, who in stretches
    )  # fmt: skip


def polarity_phases(scores: xr.Dataset, partition: int = 0, shortest: float = SHORTEST) -> tuple[Phase, ...]:
    """Return the stretches in which reinforcing or balancing families together hold more than half."""
    held = shares(scores, "family", partition).values
    time = scores["time"].values
    both = np.array([held.clip(min=0.0).sum(axis=0), -held.clip(max=0.0).sum(axis=0)])
    active = both.sum(axis=0) > 0
    if not active.any():
        return ()
    first = int(np.argmax(active))
    stretches = _merged(_runs(np.argmax(both, axis=0)[first:]), both[:, first:], shortest * len(time))
    signs, words = (1.0, -1.0), ("reinforcing", "balancing")
    return tuple(
        Phase(float(time[first + a]), float(time[min(first + b, len(time) - 1)]), words[who],
              signs[who] * float(both[who, first + a : first + b].mean()))
        for a, b, who in stretches
    )  # fmt: skip


def agreement(first: xr.Dataset, second: xr.Dataset, level: Level, partition: int = 0) -> float:
    """Return the part of the time in which the same loop or family leads in two runs with equal saved times.

    Where nothing acts in either there is nothing to agree on; NaN where that is always so.
    """
    leads = []
    for scores in (first, second):
        held = shares(scores, level, partition)
        if not held.labels:
            return float("nan")
        acts = np.abs(held.values).sum(axis=0) > 0
        who = np.array([*held.labels, ""])[np.abs(held.values).argmax(axis=0)]
        leads.append(np.where(acts, who, ""))
    acting = (leads[0] != "") | (leads[1] != "")
    return float((leads[0] == leads[1])[acting].mean()) if acting.any() else float("nan")


Stretch = tuple[int, int, int]
"""First position, position after the last, and who leads."""


def _runs(leader: NDArray[np.intp]) -> list[Stretch]:
    edges = [0, *(np.flatnonzero(np.diff(leader)) + 1).tolist(), len(leader)]
    return [(a, b, int(leader[a])) for a, b in pairwise(edges)]


def _merged(runs: list[Stretch], shares: FloatArray, shortest: float) -> list[Stretch]:
    """Give each short stretch to the neighbour whose leader is stronger in it, the shortest first."""
    runs = list(runs)
    while len(runs) > 1:
        n = min(range(len(runs)), key=lambda i: runs[i][1] - runs[i][0])
        a, b, _ = runs[n]
        if b - a >= shortest:
            break
        sides = [i for i in (n - 1, n + 1) if 0 <= i < len(runs)]
        into = max(sides, key=lambda i: float(shares[runs[i][2], a:b].sum()))
        runs[n] = (a, b, runs[into][2])
        runs = _joined(runs)
    return runs


def _joined(runs: list[Stretch]) -> list[Stretch]:
    result: list[Stretch] = []
    for a, b, who in runs:
        if result and result[-1][2] == who:
            result[-1] = (result[-1][0], b, who)
        else:
            result.append((a, b, who))
    return result


def sentences(scores: xr.Dataset, level: Level | None = None) -> list[str]:
    """Return what drives the run, in plain words, one sentence for each phase of the largest partition."""
    level = level or telling(scores)
    found = phases(scores, level, shortest=2 * SHORTEST)
    if not found:
        return ["No feedback loop acts in this run."]
    whole = "the named loops' feedback" if level == "named" else "all feedback"
    said = []
    for n, phase in enumerate(found):
        span = f"From {year(phase.start)} to {year(phase.stop)}"
        what = "it reinforces" if phase.share > 0 else "it balances"
        which = "the strongest loop is" if n == 0 else "it is"
        said.append(f"{span} {which} {phase.driver} ({what}; {abs(phase.share):.0%} of {whole}).")
    return said
