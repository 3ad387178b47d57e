"""What eigenvalues say, in words: growth, decay and swings, and whether the loop scores say the same."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.dominance.arithmetic import FloatArray
from sdpolicy.dominance.phases import shares, telling
from sdpolicy.words import number

SLOW: Final = 1e-6
"""Rates smaller than this are none."""
FEW: Final = 4
"""Fewer loops than this have no order to speak of."""


def spoken(rate: float, frequency: float, unit: str = "") -> str:
    """Return in words what a mode of this growth rate and frequency does by itself.

    >>> spoken(0.1, 0.0, "Year"), spoken(-0.2, 1.0, "Year")
    ('grows, doubling in 6.93 years', 'dies away, halving in 3.47 years, in swings of 6.28 years')
    """
    times = f"{unit.lower()}s" if unit else "time units"
    if abs(rate) < SLOW:
        what = "neither grows nor dies away"
    else:
        what = f"{'grows, doubling' if rate > 0 else 'dies away, halving'} in {number(log(2) / abs(rate))} {times}"
    return f"{what}, in swings of {number(2 * pi / abs(frequency))} {times}" if abs(frequency) > SLOW else what


@dataclass(frozen=True, slots=True)
class Mover:
    """A loop or link and what it does to a growth rate: the change for one that is a hundredth stronger, times 100."""

    label: str
    influence: float
    named: bool = False


def movers(found: xr.Dataset, time: float, top: int = 5) -> list[Mover]:
    """Return the loops that move the greatest growth rate most at a time, the strongest first."""
    influence = _influences(found, time, "loop")
    names, loops = found["name"].values, found["loop"].values
    order = np.argsort(-np.abs(influence), kind="stable")[:top]
    return [Mover(str(names[n]) or str(loops[n]).partition(" ")[2], float(influence[n]), bool(names[n])) for n in order]


def named_movers(found: xr.Dataset, time: float, top: int = 3) -> list[Mover]:
    """Return the named loops that do, and at the end what all other loops do together; nothing where none is named."""
    every = movers(found, time, top=found.sizes["loop"])
    named = [mover for mover in every if mover.named][:top]
    rest = sum(mover.influence for mover in every) - sum(mover.influence for mover in named)
    return [*named, Mover("all other loops together", rest)] if named else []


def moving_links(found: xr.Dataset, time: float, top: int = 3) -> list[Mover]:
    """Return the links that move the greatest growth rate most at a time."""
    influence = _influences(found, time, "link")
    return [
        Mover(str(found["link"].values[n]), float(influence[n]))
        for n in np.argsort(-np.abs(influence), kind="stable")[:top]
    ]


def _influences(found: xr.Dataset, time: float, kind: str) -> FloatArray:
    moment = int(np.argmin(np.abs(found["time"].values - time)))
    values: FloatArray = found[f"{kind}_influence"].values[0, :, moment]
    return values


@dataclass(frozen=True, slots=True)
class Check:
    """How two methods agree; NaN where there is nothing to compare.

    In which part of the time the growth rate is positive, in all of it, and while what leads by the scores
    reinforces or balances; of what named loops do to the growth rate, which part has the sign of their scores
    (``signs``); and the rank correlation of named loops by both, averaged over time (``order``).
    """

    positive: float
    reinforcing: float
    balancing: float
    signs: float
    order: float


def check(found: xr.Dataset, scores: xr.Dataset) -> Check:
    """Hold the greatest growth rate, and what named loops do to it, to the loop scores."""
    held = shares(scores, telling(scores))
    at = np.abs(scores["time"].values[:, None] - found["time"].values).argmin(axis=0)
    strongest = np.abs(held.values).argmax(axis=0)
    sign = np.take_along_axis(held.values, strongest[None], axis=0)[0][at]
    positive = found["growth_rate"].values[0] > 0
    signs, order = _named_alike(found, scores, at)
    return Check(float(positive.mean()), _part(positive, sign > 0), _part(positive, sign < 0), signs, order)


def _part(values: NDArray[np.bool_], where: NDArray[np.bool_]) -> float:
    return float(values[where].mean()) if where.any() else float("nan")


def _named_alike(found: xr.Dataset, scores: xr.Dataset, at: NDArray[np.intp]) -> tuple[float, float]:
    """Return how far signs and order of the named loops agree where both methods give them a say."""
    named = shares(scores, "named")
    rows = [(n, named.labels.index(str(name))) for n, name in enumerate(found["name"].values) if name in named.labels]
    if not rows:
        return float("nan"), float("nan")
    influence = found["loop_influence"].values[0][[n for n, _ in rows]]
    score = named.values[[n for _, n in rows]][:, at]
    both = (np.abs(influence) > SLOW) & (score != 0.0)
    weight = np.abs(influence) * both
    signs = (
        float((weight * (np.sign(influence) == np.sign(score))).sum() / weight.sum()) if both.any() else float("nan")
    )
    ranks = [
        _rank_correlation(influence[part, k], score[part, k]) for k, part in enumerate(both.T) if part.sum() >= FEW
    ]
    return signs, float(np.mean(ranks)) if ranks else float("nan")


def _rank_correlation(first: FloatArray, second: FloatArray) -> float:
    a, b = (np.argsort(np.argsort(np.abs(values), kind="stable"), kind="stable") for values in (first, second))
    return float(np.corrcoef(a, b)[0, 1])
