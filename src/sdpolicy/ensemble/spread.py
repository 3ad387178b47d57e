"""How a value is uncertain: distributions as data, and the values that they give at quantiles. It draws nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.scenario.schema import Distribution, Setting

FloatArray = NDArray[np.float64]
Kind = Literal["uniform", "normal", "lognormal", "triangular", "choice"]

INSIDE: Final = 2.0**-54
"""Quantiles are kept this far from 0 and 1, where a normal distribution would be infinite."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution.

    ``numbers`` are low and high (uniform), mean and standard deviation (normal), median and standard
    deviation of the logarithm (lognormal), low, mode and high (triangular), or equally likely values
    (choice); ``low`` and ``high`` cut a normal or lognormal distribution off.
    """

    kind: Kind
    numbers: tuple[float, ...]
    low: float = -math.inf
    high: float = math.inf

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest value that can come, infinite ones included."""
        if self.kind in ("normal", "lognormal"):
            return (max(self.low, 0.0) if self.kind == "lognormal" else self.low), self.high
        return min(self.numbers), max(self.numbers)

    @property
    def bounds(self) -> tuple[float, float]:
        """The ends; where one is infinite, the quantiles at 1 % and 99 %."""
        if all(map(math.isfinite, self.ends)):
            return self.ends
        low, high = self.at(np.array([0.01, 0.99]))
        return float(low), float(high)

    def at(self, quantile: FloatArray) -> FloatArray:
        """Return the values at quantiles in [0, 1)."""
        u = np.asarray(quantile, dtype=np.float64)
        match self.kind:
            case "uniform":
                low, high = self.numbers
                return low + u * (high - low)
            case "choice":
                places = np.minimum((u * len(self.numbers)).astype(np.intp), len(self.numbers) - 1)
                return np.asarray(self.numbers, dtype=np.float64)[places]
            case "triangular":
                return _triangular(u, *self.numbers)
            case "normal":
                return self._bell(u, self.numbers, (self.low, self.high))
            case "lognormal":
                median, sigma = self.numbers
                ends = [math.log(end) if end > 0 else -math.inf for end in (self.low, self.high)]
                return np.exp(self._bell(u, (math.log(median), sigma), (ends[0], ends[1])))

    @staticmethod
    def _bell(u: FloatArray, shape: tuple[float, ...], ends: tuple[float, float]) -> FloatArray:
        """Return quantiles of a normal distribution cut off at ``ends``."""
        from scipy.special import ndtr, ndtri

        mean, deviation = shape
        low, high = (float(ndtr((end - mean) / deviation)) for end in ends)
        inside = np.clip(low + u * (high - low), INSIDE, 1.0 - INSIDE)
        return np.clip(mean + deviation * np.asarray(ndtri(inside), dtype=np.float64), *ends)

    def scaled(self, convert: Callable[[float], float]) -> Spread:
        """Return the distribution with its values, not its logarithms, converted to another unit."""
        zero = convert(0.0)
        numbers = tuple(convert(number) for number in self.numbers)
        if self.kind == "normal":
            numbers = (numbers[0], numbers[1] - zero)
        if self.kind == "lognormal":
            numbers = (numbers[0], self.numbers[1])
        low, high = (convert(end) if math.isfinite(end) else end for end in (self.low, self.high))
        return replace(self, numbers=numbers, low=low, high=high)


def _triangular(u: FloatArray, low: float, mode: float, high: float) -> FloatArray:
    """Return quantiles of a triangular distribution."""
    turn = (mode - low) / (high - low)
    rising = low + np.sqrt(u * (high - low) * (mode - low))
    falling = high - np.sqrt((1.0 - u) * (high - low) * (high - mode))
    return np.where(u < turn, rising, falling)


def of_setting(setting: Setting) -> Spread | None:
    """Return how a scenario's number is uncertain: its distribution, else its range, else None."""
    if setting.distribution is not None:
        return _of_distribution(setting.distribution)
    return Spread("uniform", setting.range) if setting.range is not None else None


def _of_distribution(given: Distribution) -> Spread:
    def end(value: float | None, sign: float) -> float:
        return sign * math.inf if value is None else value

    if given.uniform is not None:
        return Spread("uniform", given.uniform)
    if given.normal is not None:
        n = given.normal
        return Spread("normal", (n.mean, n.sd), end(n.low, -1), end(n.high, 1))
    if given.lognormal is not None:
        g = given.lognormal
        return Spread("lognormal", (g.median, g.sigma), end(g.low, -1), end(g.high, 1))
    if given.triangular is not None:
        t = given.triangular
        return Spread("triangular", (t.low, t.mode, t.high))
    return Spread("choice", given.choice or ())


def parse_spread(text: str) -> tuple[str, Spread]:
    """Return name and distribution of ``NAME=LOW..HIGH`` or ``NAME=VALUE,VALUE,...``.

    >>> parse_spread("wage=1..2")
    ('wage', Spread(kind='uniform', numbers=(1.0, 2.0), low=-inf, high=inf))
    >>> parse_spread("directed credit = 0, 4")[1].kind
    'choice'

    Raises:
        ScenarioError: when the text is not of that form.
    """
    name, equals, rest = text.partition("=")
    try:
        if not equals or not name.strip():
            raise ValueError(text)
        if ".." in rest:
            low, high = (float(part) for part in rest.split(".."))
            if not low < high or not math.isfinite(high - low):
                raise ValueError(text)
            return name.strip(), Spread("uniform", (low, high))
        values = tuple(float(part) for part in rest.split(","))
        if len(values) < 2 or not all(map(math.isfinite, values)):
            raise ValueError(text)
        return name.strip(), Spread("choice", values)
    except ValueError:
        cure = "Write it as in 'wage=1..2' or, for values of which one is taken, 'wage=1,2,4'."
        raise ScenarioError(Problem(f"'{text}'", "expected NAME=LOW..HIGH or NAME=VALUE,VALUE", cure)) from None
