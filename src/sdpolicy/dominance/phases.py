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

Level = Literal["loop", "family"]
SHORTEST: Final = 1 / 40
"""A stretch shorter than this fraction of the horizon belongs to the stretch beside it."""


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
        level: single loops, or families of loops through the same stocks.
        partition: which cycle partition.
        shortest: stretches below this fraction of the horizon are counted to a neighbour.
    """
    rows = np.flatnonzero(scores[f"{level}_partition"].values == partition)
    shares = scores["relative" if level == "loop" else "family_relative"].values[rows]
    names = scores[level].values[rows]
    time = scores["time"].values
    active = np.abs(shares).sum(axis=0) > 0 if len(rows) else np.zeros(len(time), dtype=bool)
    if not active.any():
        return ()
    first = int(np.argmax(active))
    leader = np.argmax(np.abs(shares), axis=0)[first:]
    stretches = _merged(_runs(leader), np.abs(shares[:, first:]), shortest * len(time))
    return tuple(
        Phase(float(time[first + a]), float(time[min(first + b, len(time) - 1)]), str(names[who]),
              float(shares[who, first + a : first + b].mean()))
        for a, b, who in stretches
    )  # fmt: skip


def polarity_phases(scores: xr.Dataset, partition: int = 0, shortest: float = SHORTEST) -> tuple[Phase, ...]:
    """Return the stretches in which reinforcing or balancing families together hold more than half."""
    rows = np.flatnonzero(scores["family_partition"].values == partition)
    shares = scores["family_relative"].values[rows]
    time = scores["time"].values
    both = np.array([shares.clip(min=0.0).sum(axis=0), -shares.clip(max=0.0).sum(axis=0)])
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


def sentences(scores: xr.Dataset, level: Level = "family") -> list[str]:
    """Return what drives the run, in plain words, one sentence for each phase of the largest partition."""
    found = phases(scores, level)
    if not found:
        return ["No feedback loop acts in this run."]
    said = []
    for n, phase in enumerate(found):
        span = f"From {year(phase.start)} to {year(phase.stop)}"
        verb = "drives growth or decline" if phase.share > 0 else "holds it back"
        which = "the strongest loop is" if n == 0 else "it is"
        said.append(
            f"{span} {which} {phase.driver} ({phase.polarity}, {abs(phase.share):.0%} of all feedback): it {verb}."
        )
    return said
