"""Claims held to a run: [expect] of a scenario, and those of extreme conditions. It knows Datasets, runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.checks.schema import Between, Claim
from sdpolicy.checks.verdict import Verdict, figure
from sdpolicy.errors import CheckError, Problem, suggest
from sdpolicy.program import fold
from sdpolicy.scenario.schema import Expect
from sdpolicy.words import year

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
PRODUCT: Final = " * "
"""What stands between the factors of a product of variables."""


def claims(dataset: xr.Dataset, expected: Mapping[str, Expect]) -> Iterator[Verdict]:
    """Yield a verdict for each claim about a run, in their order."""
    for name, claim in expected.items():
        yield judge("expect", name, claim, dataset)


def judge(kind: str, name: str, claim: Expect, dataset: xr.Dataset, base: xr.Dataset | None = None) -> Verdict:
    """Return the verdict on one claim.

    A claim about a variable with subscripts holds when it does for each element; the element nearest to failing
    is the one told.

    Args:
        base: the undisturbed run, for claims that speak in multiples of it.
    """
    found = measured(dataset, claim)
    relative = isinstance(claim, Claim) and claim.relative and base is not None
    factor = measured(base, claim) if relative and base is not None else np.ones(1)
    slack = margins(claim, found, np.asarray(claim.value * factor), np.asarray((claim.tolerance or 0.0) * abs(factor)))
    worst = int(np.argmin(np.where(np.isnan(slack), -np.inf, slack)))
    value = float(np.ravel(np.broadcast_to(claim.value * factor, slack.shape))[worst])
    holds = bool(slack[worst] > 0 or (slack[worst] == 0 and claim.comparison not in ("<", ">")))
    return Verdict(kind, name, _demand(claim, value), figure(float(found[worst])), holds, claim.claim or "")


def judge_between(name: str, claim: Between, runs: Mapping[str, xr.Dataset]) -> Verdict:
    """Return the verdict on a claim about several scenarios.

    Args:
        runs: the scenarios that the claim names, by the names that it uses.
    """
    measures = {scenario: measured(run, claim) for scenario, run in runs.items()}
    found = sum((factor * measures[scenario] for scenario, factor in claim.terms.items()), np.zeros(1))
    if claim.over:
        with np.errstate(divide="ignore", invalid="ignore"):
            found = found / sum((factor * measures[scenario] for scenario, factor in claim.over.items()), np.zeros(1))
    slack = margins(claim, found, np.asarray(claim.value), np.asarray(claim.tolerance or 0.0))
    worst = int(np.argmin(np.where(np.isnan(slack), -np.inf, slack)))
    holds = bool(slack[worst] > 0 or (slack[worst] == 0 and claim.comparison not in ("<", ">")))
    row = signed_sum(claim.terms)
    what = f"{_demand(claim, claim.value)}: " + (f"({row}) / ({signed_sum(claim.over)})" if claim.over else row)
    return Verdict("between", name, what, figure(float(found[worst])), holds, claim.why or claim.claim or "")


def signed_sum(terms: Mapping[str, float]) -> str:
    """Return a sum as it is written.

    >>> signed_sum({"capital": 1, "debt": -1, "equity": -2})
    'capital - debt - 2 equity'
    """
    parts = []
    for name, factor in terms.items():
        size = "" if abs(factor) == 1 else f"{abs(factor):g} "
        parts.append(f"{'-' if factor < 0 else '+'} {size}{name}")
    return " ".join(parts).removeprefix("+ ")


def margins(claim: Expect, found: FloatArray, value: FloatArray, tolerance: FloatArray) -> FloatArray:
    """Return by how much each element is on the right side: negative where the claim does not hold."""
    match claim.comparison:
        case "<" | "<=":
            return np.asarray(value - found)
        case ">" | ">=":
            return np.asarray(found - value)
        case "within":
            return np.asarray(tolerance - np.abs(found - value))


def measured(dataset: xr.Dataset, claim: Expect) -> FloatArray:
    """Return what the claim speaks of, one number for each element of the variable; NaN outside the run."""
    values = series(dataset, claim.variable)
    time = np.asarray(dataset["time"].values, dtype=np.float64)
    if claim.at is not None:
        return _read(time, values, claim.at)
    start, stop = claim.period or (time[0], time[-1])
    inside = time[(time > start) & (time < stop)]
    moments = np.array([start, *inside, stop])
    window = np.stack([_read(time, values, moment) for moment in moments])
    match claim.statistic or "mean":
        case "max":
            return np.asarray(window.max(axis=0))
        case "min":
            return np.asarray(window.min(axis=0))
        case "first":
            return np.asarray(window[0])
        case "last":
            return np.asarray(window[-1])
        case _:
            return np.asarray(np.trapezoid(window, moments, axis=0) / (stop - start))


def series(dataset: xr.Dataset, name: str) -> FloatArray:
    """Return a variable, or a product such as ``price * sales``, as an array of shape (times, elements).

    A constant is the same at all times.

    Raises:
        CheckError: when the run has no such variable.
    """
    known = {fold(str(key)): str(key) for key in dataset.data_vars}
    if fold(name) not in known and PRODUCT in name:
        factors = [series(dataset, part) for part in name.split(PRODUCT)]
        return np.asarray(np.prod(np.broadcast_arrays(*factors), axis=0))
    if fold(name) not in known:
        what = f"the model has no variable '{name}'"
        raise CheckError(Problem(str(dataset.attrs.get("model", "")), what, suggest(name, known.values())))
    variable = dataset[known[fold(name)]]
    values = np.asarray(variable.values, dtype=np.float64)
    count = dataset.sizes["time"]
    if variable.dims[:1] != ("time",):
        values = np.broadcast_to(values, (count, *values.shape))
    return values.reshape(count, -1)


def _read(time: FloatArray, values: FloatArray, moment: float) -> FloatArray:
    if not time[0] <= moment <= time[-1]:
        return np.full(values.shape[1], np.nan)
    right = int(np.clip(np.searchsorted(time, moment, side="left"), 1, len(time) - 1))
    part = (moment - time[right - 1]) / (time[right] - time[right - 1])
    return np.asarray(values[right - 1] + part * (values[right] - values[right - 1]))


def _demand(claim: Expect, value: float) -> str:
    when = f"in {year(claim.at)}" if claim.at is not None else _period(claim)
    if claim.comparison == "within":
        off = (claim.tolerance or 0.0) * (abs(value / claim.value) if claim.value else 1.0)
        side = f"within {figure(value)} +- {figure(off)}"
    else:
        side = f"{claim.comparison} {figure(value)}"
    return f"{claim.variable} {when} {side}"


def _period(claim: Expect) -> str:
    start, stop = claim.period or (0.0, 0.0)
    return f"{claim.statistic or 'mean'} {year(start)}-{year(stop)}"
