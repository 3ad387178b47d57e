"""What eigenvalues say, in words: growth, decay and swings, and whether the loop scores say the same."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import Final

import numpy as np
import xarray as xr

from sdpolicy.dominance.arithmetic import FloatArray
from sdpolicy.dominance.phases import shares, telling
from sdpolicy.words import number

SLOW: Final = 1e-6
"""Rates smaller than this are none."""


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
    """How two methods agree: in which part of the time the growth rate is positive, in all of it, and while what
    leads by the scores reinforces or balances (NaN where that never is)."""

    positive: float
    reinforcing: float
    balancing: float


def check(found: xr.Dataset, scores: xr.Dataset) -> Check:
    """Hold the sign of the greatest growth rate to the polarity of what leads by the loop scores."""
    held = shares(scores, telling(scores))
    at = np.abs(scores["time"].values[:, None] - found["time"].values).argmin(axis=0)
    strongest = np.abs(held.values).argmax(axis=0)
    sign = np.take_along_axis(held.values, strongest[None], axis=0)[0][at]
    positive = found["growth_rate"].values[0] > 0
    return Check(*(float(positive[part].mean()) if part.any() else float("nan")
                   for part in (np.ones_like(positive), sign > 0, sign < 0)))  # fmt: skip
