"""Accounts held to runs: rows that sum to zero, stocks and their flows, a balanced start, nothing negative.

It knows Datasets that hold every step, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdpolicy.checks.claims import series, signed_sum
from sdpolicy.checks.schema import Balance, Ledger, NonNegative, Start
from sdpolicy.checks.verdict import Verdict, figure
from sdpolicy.program import fold
from sdpolicy.words import year

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
Runs = Mapping[str, "xr.Dataset"]
"""Runs by what they are called in messages; the undisturbed one is first and has the name ''."""


def balance(name: str, row: Balance, runs: Runs) -> Verdict:
    """Return whether a row sums to zero at every step of every run."""
    worst, where, excess = 0.0, "", -np.inf
    for label, dataset in runs.items():
        terms = [factor * series(dataset, variable) for variable, factor in row.terms.items()]
        residual = np.abs(np.sum(np.broadcast_arrays(*terms), axis=0))
        scale = np.max(np.abs(np.broadcast_arrays(*terms)), axis=0)
        over = np.where(np.isnan(residual), np.inf, residual - (row.absolute + row.relative * scale))
        at = np.unravel_index(int(np.argmax(over)), over.shape)
        if over[at] > excess:
            excess, worst, where = float(over[at]), float(residual[at]), _place(label, dataset, int(at[0]))
    sides = [figure(row.absolute)] * bool(row.absolute) + [f"{row.relative:g} of the largest term"] * bool(row.relative)
    demanded = f"{signed_sum(row.terms)} = 0, to {' + '.join(sides) or '0'}"
    return Verdict("balance", name, demanded, f"{figure(worst)}{where}", excess <= 0, row.why or "")


def ledger(name: str, row: Ledger, euler: xr.Dataset) -> Verdict:
    """Return whether a stock changes by its flows alone.

    Args:
        euler: a run with Euler's method that holds every step.
    """
    stock = series(euler, row.stock)
    step = float(euler.attrs["step"])
    flows = [factor * series(euler, variable) for variable, factor in row.flows.items()]
    change = step * np.sum(np.broadcast_arrays(*flows), axis=0)[:-1]
    largest = step * np.max(np.abs(np.broadcast_arrays(*flows)), axis=0)[:-1]
    scale = np.maximum(np.maximum(np.abs(stock[:-1]), largest), np.finfo(float).tiny)
    residual = np.abs(np.diff(stock, axis=0) - change) / scale
    residual = np.where(np.isnan(residual), np.inf, residual)
    at = np.unravel_index(int(np.argmax(residual)), residual.shape)
    worst = float(residual[at])
    demanded = f"d/dt {row.stock} = {signed_sum(row.flows)}, to {row.relative:g}"
    found = f"{figure(worst)}{_place('', euler, int(at[0]))}"
    return Verdict("ledger", name, demanded, found, worst <= row.relative, row.why or "")


def start(rule: Start, dataset: xr.Dataset) -> list[Verdict]:
    """Return for each variable whether it changes slowly enough in the beginning."""
    time = np.asarray(dataset["time"].values, dtype=np.float64)
    begin = time <= time[0] + rule.span * (1 + 1e-12)
    verdicts = []
    for name, allowed in rule.variables.items():
        values = series(dataset, name)[begin]
        size = np.maximum(np.abs(values[:-1]), np.finfo(float).tiny)
        rate = np.abs(np.diff(values, axis=0)) / np.diff(time[begin])[:, np.newaxis] / size
        fastest = float(np.max(rate))
        demanded = f"changes by at most {figure(allowed)} a time unit in the first {rule.span:g}"
        verdicts.append(Verdict("start", name, demanded, figure(fastest), fastest <= allowed))
    return verdicts


def non_negative(rule: NonNegative, runs: Runs) -> list[Verdict]:
    """Return a verdict for each variable that goes below zero in any run, or one for all where none does."""
    names = list(rule.also)
    first = next(iter(runs.values()))
    exempt = {fold(name) for name in rule.but}
    if rule.stocks:
        stocks = [str(name) for name, item in first.data_vars.items() if item.attrs.get("kind") == "stock"]
        names += [name for name in stocks if fold(name) not in exempt]
    bad: dict[str, tuple[float, str]] = {}
    lowest = np.inf
    for label, dataset in runs.items():
        for name in names:
            values = series(dataset, name)
            low = float(values.min())
            lowest = min(lowest, low)
            if not low >= -rule.tolerance and low < bad.get(name, (0.0, ""))[0]:
                at = int(np.unravel_index(int(np.argmin(values)), values.shape)[0])
                bad[name] = low, _place(label, dataset, at)
    demanded = f">= {figure(-rule.tolerance)}" if rule.tolerance else ">= 0"
    if bad:
        told = bad.items()
        return [Verdict("non-negative", name, demanded, f"{figure(low)}{at}", False) for name, (low, at) in told]
    what = f"{len(names)} variables in {len(runs)} runs"
    return [Verdict("non-negative", what, demanded, f"lowest {figure(lowest)}", True)]


def _place(label: str, dataset: xr.Dataset, index: int) -> str:
    moment = year(float(dataset["time"].values[index]))
    return f" in {moment}" + (f", {label}" if label else "")
