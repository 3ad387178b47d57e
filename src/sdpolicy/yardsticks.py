"""The numbers that scenarios are compared by, from the roles of variables: catch-up, debt, crisis, upgrading, output.

Each yardstick is computed from the series that play the roles it needs, time last, so that one call serves a run
and thousands of members. It knows Datasets and roles; no engine, no file, no figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.outcomes import CRISIS, at, crisis_role, first_time
from sdpolicy.results.roles import Roles, roles_of

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
Series = Mapping[str, FloatArray]
"""Series by role, each of shape (..., times)."""

SUSTAINED: Final = 5.0
"""Catch-up has ended when relative knowledge grows too slowly over this many time units ahead."""
AFTER: Final = 3.0
"""The depth of a crisis is measured this many time units after its beginning."""
BEFORE: Final = 5.0
"""Growth before a crisis is measured over this many time units."""


@dataclass(frozen=True, slots=True)
class Yardstick:
    """One number of a run: its key, what it means, its unit, and the roles that it is computed from.

    ``measure(time, series, roles)`` returns an array of the leading shape of the series; NaN says that the
    thing did not happen, or that the run does not cover it. ``any_of`` are roles of which one is enough.
    """

    key: str
    meaning: str
    unit: str
    needs: tuple[str, ...]
    measure: Callable[[FloatArray, Series, Roles], FloatArray]
    any_of: tuple[str, ...] = ()

    def fits(self, roles: Mapping[str, object]) -> bool:
        """Tell whether the roles that there are suffice."""
        return all(role in roles for role in self.needs) and (
            not self.any_of or any(role in roles for role in self.any_of)
        )


def measure(dataset: xr.Dataset) -> Mapping[str, float]:
    """Return the yardsticks of one run by key, as far as its roles provide them."""
    roles = roles_of(dataset)
    time = np.asarray(dataset["time"].values, dtype=np.float64)
    series = {role: np.asarray(dataset[name].values, dtype=np.float64) for role, name in roles.variables.items()}
    return {key: float(values) for key, values in measure_many(time, series, roles).items()}


def measure_many(time: FloatArray, series: Series, roles: Roles) -> Mapping[str, FloatArray]:
    """Return the yardsticks of many runs by key, each of the leading shape of the series.

    Args:
        time: shape (times,).
        series: by role, shape (..., times); what is not finite in a member makes its yardsticks NaN.
        roles: for the thresholds.
    """
    return {
        stick.key: np.asarray(stick.measure(time, series, roles), dtype=np.float64)
        for stick in YARDSTICKS
        if stick.fits(series)
    }


def crisis(time: FloatArray, series: Series, roles: Roles) -> FloatArray:
    """Return when lenders' confidence, or else liquidity, first falls below its threshold; NaN for never."""
    told = crisis_role(series, roles)
    assert told is not None  # the yardstick needs one of the two roles
    return first_time(time, series[told[0]], told[1])


def depth(time: FloatArray, series: Series, roles: Roles) -> FloatArray:
    """Return the output lost ``AFTER`` the crisis began, as a fraction of what earlier growth would have given."""
    begun = crisis(time, series, roles)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(series["output"])
        earlier = np.maximum(begun - BEFORE, time[0])
        then = at(time, logs, begun)
        growth = (then - at(time, logs, earlier)) / (begun - earlier)
        return np.asarray(1.0 - np.exp(at(time, logs, begun + AFTER) - then - growth * AFTER))


def _caught_up(time: FloatArray, series: Series, roles: Roles) -> FloatArray:
    """Return the end of the fast stretch of relative knowledge: the first time after which it stays slow."""
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(series["relative knowledge"])
    half = SUSTAINED / 2
    before, after = np.maximum(time - half, time[0]), np.minimum(time + half, time[-1])
    rate = np.stack([(at(time, logs, b) - at(time, logs, a)) / (b - a) for a, b in zip(before, after, strict=True)], -1)
    fast = rate >= roles.catch_up
    flat = fast.reshape(-1, len(time))
    ends = [_last_of_fast(time, row) for row in flat]
    return np.array(ends).reshape(fast.shape[:-1])


def _last_of_fast(time: FloatArray, fast: NDArray[np.bool_]) -> float:
    """Return when the first slow stretch of at least ``SUSTAINED`` after a fast one begins; NaN for never."""
    if not fast.any():
        return math.nan
    first = int(fast.argmax())
    slow = np.concatenate(([False], ~fast[first:], [False]))
    edges = np.flatnonzero(slow[1:] != slow[:-1])
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        stop = min(first + end, len(time) - 1)
        if time[stop] - time[first + begin] >= SUSTAINED or first + end == len(time):
            return float(time[first + begin])
    return math.nan


def _peak(time: FloatArray, series: Series, roles: Roles) -> FloatArray:  # noqa: ARG001 (all measures are called alike)
    return np.asarray(series["debt/equity"].max(axis=-1))


def _peak_year(time: FloatArray, series: Series, roles: Roles) -> FloatArray:  # noqa: ARG001
    return np.asarray(time[series["debt/equity"].argmax(axis=-1)])


def _value(role: str, year: float) -> Callable[[FloatArray, Series, Roles], FloatArray]:
    def of(time: FloatArray, series: Series, roles: Roles) -> FloatArray:  # noqa: ARG001
        return at(time, series[role], year)

    return of


YARDSTICKS: Final = (
    Yardstick("catch-up ended", "year from which relative knowledge no longer gains much", "year",
            ("relative knowledge",), _caught_up),
    Yardstick("peak debt/equity", "highest debt as a multiple of equity", "", ("debt/equity",), _peak),
    Yardstick("peak year", "year of the highest debt/equity", "year", ("debt/equity",), _peak_year),
    Yardstick("crisis year", "year in which confidence (or else liquidity) first falls below its threshold", "year",
            (), crisis, CRISIS),
    Yardstick("crisis depth", "output lost three years after the crisis began, against the growth of the five before",
            "share", ("output",), depth, CRISIS),
    Yardstick("differentiated share", "share of goods of the country's own design, 2005", "share",
            ("differentiated share",), _value("differentiated share", 2005)),
    Yardstick("R&D/sales", "R&D over output or sales, 2005", "share", ("R&D/sales",), _value("R&D/sales", 2005)),
    Yardstick("design knowledge", "knowledge of design made at home, 2005", "", ("design knowledge",),
            _value("design knowledge", 2005)),
    Yardstick("relative knowledge", "knowledge as a fraction of the frontier's, 2005", "share", ("relative knowledge",),
            _value("relative knowledge", 2005)),
    Yardstick("output 2005", "output a year in 2005", "model", ("output",), _value("output", 2005)),
    Yardstick("output 2030", "output a year in 2030", "model", ("output",), _value("output", 2030)),
)  # fmt: skip
"""The outcomes that scenarios are compared by; ``unit`` is year, share, a pure number, or that of the model."""
BY_KEY: Final = {stick.key: stick for stick in YARDSTICKS}
