"""Parameters between their bounds: to a unit interval and back, and what a prior says of them. It knows no model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdpolicy.scenario.schema import Distribution

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Range:
    """The interval of a parameter and the way in which it is searched: evenly, or evenly in its logarithm."""

    low: float
    high: float
    log: bool = False

    def value(self, unit: FloatArray) -> FloatArray:
        """Return the values at places between 0 and 1."""
        if self.log:
            return np.asarray(np.exp(math.log(self.low) + unit * math.log(self.high / self.low)))
        return np.asarray(self.low + unit * (self.high - self.low))

    def unit(self, value: FloatArray) -> FloatArray:
        """Return the places between 0 and 1 of values."""
        if self.log:
            return np.asarray(np.log(np.asarray(value) / self.low) / math.log(self.high / self.low))
        return np.asarray((np.asarray(value) - self.low) / (self.high - self.low))


def surprise(prior: Distribution | None, value: FloatArray) -> FloatArray:
    """Return how far values are from the most likely one: half its square is the loss of log density.

    Signed where the density is smooth, so that a least-squares search sees a slope. 0 for a uniform prior inside
    its ends; infinite where the density is 0. It is the density in the parameter itself.
    """
    if prior is None:
        return np.zeros_like(value)
    if prior.normal is not None:
        normal = prior.normal
        return _cut((value - normal.mean) / normal.sd, value, normal.low, normal.high)
    if prior.lognormal is not None:
        lognormal = prior.lognormal
        with np.errstate(divide="ignore", invalid="ignore"):
            far = np.log(value / lognormal.median) / lognormal.sigma
        return _cut(np.where(value > 0, far, np.inf), value, lognormal.low, lognormal.high)
    if prior.triangular is not None:
        low, mode, high = prior.triangular.low, prior.triangular.mode, prior.triangular.high
        with np.errstate(divide="ignore", invalid="ignore"):
            left = (value - low) / (mode - low) if mode > low else np.ones_like(value)
            right = (high - value) / (high - mode) if high > mode else np.ones_like(value)
            density = np.clip(np.where(value < mode, left, right), 0.0, 1.0)
            return np.asarray(np.sqrt(-2 * np.log(density)))
    ends = prior.uniform or (-math.inf, math.inf)
    return _cut(np.zeros_like(value), value, *ends)


def _cut(far: FloatArray, value: FloatArray, low: float | None, high: float | None) -> FloatArray:
    inside = (value >= (-math.inf if low is None else low)) & (value <= (math.inf if high is None else high))
    return np.where(inside, far, np.inf)
