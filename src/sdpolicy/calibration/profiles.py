"""Profile likelihoods: what the facts say of each parameter when all others adjust to it. It prints nothing.

Raue et al. (2009), Bioinformatics 25(15), 1923-1929, doi:10.1093/bioinformatics/btp358.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sdpolicy.calibration.searching import polish

if TYPE_CHECKING:
    from sdpolicy.calibration.tasks import Task

FloatArray = NDArray[np.float64]
Verdict = Literal["identified", "bounded below only", "bounded above only", "not identified"]
RISE: Final = 3.841
"""Rise of the payoff that ends the interval: the 95 % point of chi-squared with one degree of freedom."""
POINTS: Final = 6
"""Places looked at on each side of the estimate."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of one parameter: values in order, the payoff of the best others, and the interval of 95 %.

    ``low`` and ``high`` are the bounds where the facts do not end the interval.
    """

    label: str
    estimate: float
    values: tuple[float, ...]
    payoffs: tuple[float, ...]
    low: float
    high: float
    verdict: Verdict


def profile(task: Task, best: FloatArray, wanted: Sequence[int] | None = None) -> tuple[Profile, ...]:
    """Return the profiles of parameters (all by default) around the place ``best``."""
    chosen = range(len(task.parameters)) if wanted is None else wanted
    return tuple(_profile(task, np.asarray(best, dtype=np.float64), i) for i in chosen)


def _profile(task: Task, best: FloatArray, i: int) -> Profile:
    centre = float(task.payoff(best[np.newaxis])[0])
    places, rises = [float(best[i])], [centre]
    for end in (0.0, 1.0):
        place = best.copy()
        for step in np.linspace(best[i], end, POINTS + 1)[1:]:
            if step == best[i]:
                continue
            place = place.copy()
            place[i] = step
            place, _ = polish(task, place, fixed=i)
            places.append(float(step))
            rises.append(float(task.payoff(place[np.newaxis])[0]))
    order = np.argsort(places)
    x, y = np.array(places)[order], np.array(rises)[order]
    low, high = _interval(x, y)
    parameter = task.parameters[i]
    ends = parameter.range.value(np.array([low if low is not None else 0.0, high if high is not None else 1.0]))
    verdict: Verdict = (
        "identified" if low is not None and high is not None
        else "bounded below only" if low is not None
        else "bounded above only" if high is not None
        else "not identified"
    )  # fmt: skip
    values = parameter.range.value(x)
    estimate = float(parameter.range.value(best[i : i + 1])[0])
    return Profile(parameter.label, estimate, tuple(values), tuple(y), float(ends[0]), float(ends[1]), verdict)


def _interval(x: FloatArray, y: FloatArray) -> tuple[float | None, float | None]:
    """Return where the payoff has risen by ``RISE`` on each side of its lowest point; None where it has not."""
    lowest = int(np.argmin(y))
    level = float(y[lowest]) + RISE
    found: list[float | None] = []
    for side in (range(lowest, -1, -1), range(lowest, len(x))):
        steps = list(side)
        crossing = None
        for near, far in pairwise(steps):
            if y[far] >= level:
                crossing = float(x[near] + (level - y[near]) / (y[far] - y[near]) * (x[far] - x[near]))
                break
        found.append(crossing)
    return found[0], found[1]
