"""What happened in a run, in words: made from a Dataset and the roles of its variables. It draws and prints nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sdpolicy.results.roles import Roles, roles_of
from sdpolicy.words import number, percent, unit_words, year

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
PhaseName = Literal["catch-up", "stall", "liquidity failure"]

WINDOW: Final = 5.0
"""Growth is measured over this many time units around a moment, so that a short dip is no stall."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of time that has a name."""

    name: PhaseName
    start: float
    stop: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that happened: a heading and a few characters for a table, and the sentence that says it."""

    heading: str
    short: str
    sentence: str
    time: float | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What happened in one run."""

    title: str
    findings: tuple[Finding, ...]
    phases: tuple[Phase, ...]

    @property
    def text(self) -> str:
        """All sentences, one a line."""
        return "\n".join(finding.sentence for finding in self.findings)


def summarize(dataset: xr.Dataset) -> Summary:
    """Return what happened: in terms of the roles if the Dataset carries any, else start, end and extremes."""
    roles = roles_of(dataset)
    phases = phases_of(dataset)
    findings = tuple(_findings(dataset, roles, phases)) if roles.variables else tuple(_extremes(dataset))
    return Summary(str(dataset.attrs.get("title", "")), findings, phases)


def phases_of(dataset: xr.Dataset) -> tuple[Phase, ...]:
    """Return catch-up and stall, and every stretch in which liquidity failed, in order of their start.

    Catch-up lasts from the first time at which relative knowledge grows faster than the threshold to the first
    at which it grows more slowly and goes on doing so for ``WINDOW``; what follows to the end is the stall.
    """
    roles = roles_of(dataset)
    time = _time(dataset)
    phases: list[Phase] = []
    if "relative knowledge" in roles.variables:
        fast = growth(time, _values(dataset, roles, "relative knowledge")) >= roles.catch_up
        start, stop = _catch_up(time, fast)
        if start is not None:
            phases.append(Phase("catch-up", start, stop))
            phases += [Phase("stall", stop, float(time[-1]))] if stop < time[-1] else []
    if "liquidity" in roles.variables:
        failing = _values(dataset, roles, "liquidity") < roles.liquidity
        phases += [Phase("liquidity failure", *stretch) for stretch in _stretches(time, failing)]
    return tuple(sorted(phases, key=lambda phase: phase.start))


def growth(time: FloatArray, values: FloatArray) -> FloatArray:
    """Return the growth rate of ``values`` around each time, as the slope of the logarithm over ``WINDOW``.

    Near the ends the window is what is left of it. Values that are not positive give NaN.
    """
    if len(time) < 2:
        return np.full(len(time), np.nan)
    logs = np.log(np.where(values > 0, values, np.nan))
    before = np.maximum(time - WINDOW / 2, time[0])
    after = np.minimum(time + WINDOW / 2, time[-1])
    result: FloatArray = (np.interp(after, time, logs) - np.interp(before, time, logs)) / (after - before)
    return result


def _catch_up(time: FloatArray, fast: NDArray[np.bool_]) -> tuple[float | None, float]:
    if not fast.any():
        return None, float(time[-1])
    first = int(np.argmax(fast))
    for begin, end in _stretches(time[first:], ~fast[first:]):
        if end - begin >= WINDOW or end >= time[-1]:
            return float(time[first]), begin
    return float(time[first]), float(time[-1])


def knowledge_gap(dataset: xr.Dataset) -> xr.DataArray | None:
    """Return the variable that plays the knowledge gap, or 1 less relative knowledge, or None."""
    roles = roles_of(dataset).variables
    if "knowledge gap" in roles:
        return dataset[roles["knowledge gap"]]
    if "relative knowledge" not in roles:
        return None
    relative = dataset[roles["relative knowledge"]]
    return (1.0 - relative).rename("knowledge gap").assign_attrs(relative.attrs)


def _stretches(time: FloatArray, inside: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return (first, last) times of each run of True; a stretch ends where the next False value stands."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False])).astype(np.int8)))
    ends = np.minimum(edges[1::2], len(time) - 1)
    return [(float(time[a]), float(time[b])) for a, b in zip(edges[::2], ends, strict=True)]


def _findings(dataset: xr.Dataset, roles: Roles, phases: tuple[Phase, ...]) -> Iterator[Finding]:
    time = _time(dataset)
    if "relative knowledge" in roles.variables:
        yield _catch_up_finding(roles, phases, time)
    if "debt/equity" in roles.variables:
        name, values = roles.variables["debt/equity"], _values(dataset, roles, "debt/equity")
        at = int(np.nanargmax(values))
        yield Finding(
            "highest debt/equity", f"{number(values[at])} in {year(time[at])}",
            f"{_capital(name)} was highest in {year(time[at])}, at {number(values[at])}.",
            float(time[at]), float(values[at]),
        )  # fmt: skip
    if "liquidity" in roles.variables:
        yield _liquidity_finding(dataset, roles, phases)
    gap = knowledge_gap(dataset)
    if gap is not None:
        name, values = str(gap.name), np.asarray(gap.values, dtype=np.float64)
        yield Finding(
            "final knowledge gap", number(values[-1]),
            f"{_capital(name)} went from {number(values[0])} to {number(values[-1])} in {year(time[-1])}.",
            float(time[-1]), float(values[-1]),
        )  # fmt: skip
    if "output" in roles.variables:
        yield _growth_finding(dataset, roles, phases)


def _catch_up_finding(roles: Roles, phases: tuple[Phase, ...], time: FloatArray) -> Finding:
    name, threshold = roles.variables["relative knowledge"], percent(roles.catch_up)
    phase = next((phase for phase in phases if phase.name == "catch-up"), None)
    if phase is None:
        sentence = f"There was no catch-up: {name} never grew by {threshold} a year."
        return Finding("catch-up ended", "none", sentence)
    if phase.stop >= time[-1]:
        sentence = f"Catch-up went on to the end of the run: {name} kept growing by {threshold} a year or more."
        return Finding("catch-up ended", "not by " + year(time[-1]), sentence)
    sentence = f"Catch-up ended in {year(phase.stop)}: from then on {name} grew by less than {threshold} a year."
    return Finding("catch-up ended", year(phase.stop), sentence, phase.stop)


def _liquidity_finding(dataset: xr.Dataset, roles: Roles, phases: tuple[Phase, ...]) -> Finding:
    name, threshold = roles.variables["liquidity"], number(roles.liquidity)
    failures = [phase for phase in phases if phase.name == "liquidity failure"]
    if not failures:
        values = _values(dataset, roles, "liquidity")
        sentence = f"Liquidity never failed: {name} stayed at {threshold} or more (lowest {number(values.min())})."
        return Finding("liquidity failed", "never", sentence, None, float(values.min()))
    first, length = failures[0], sum(phase.stop - phase.start for phase in failures)
    unit = _time_unit(dataset, length)
    open_end = ", and had not recovered at the end" if failures[-1].stop >= _time(dataset)[-1] else ""
    times = "" if len(failures) == 1 else f" {len(failures)} times, first"
    sentence = (
        f"Liquidity failed{times} in {year(first.start)}: {name} was below {threshold} "
        f"for {number(length)} {unit}{' in all' if times else ''}{open_end}."
    )
    return Finding("liquidity failed", f"{year(first.start)}, {number(length)} {unit}", sentence, first.start, length)


def _growth_finding(dataset: xr.Dataset, roles: Roles, phases: tuple[Phase, ...]) -> Finding:
    name, time, values = roles.variables["output"], _time(dataset), _values(dataset, roles, "output")
    spans = [phase for phase in phases if phase.name != "liquidity failure"]
    spans = spans or [Phase("catch-up", float(time[0]), float(time[-1]))]
    rates = []
    for span in spans:
        low, high = np.interp([span.start, span.stop], time, values)
        rates.append(float(np.log(high / low) / (span.stop - span.start)) if low > 0 and high > 0 else float("nan"))
    during = ", ".join(
        f"{percent(rate)} a year from {year(span.start)} to {year(span.stop)}"
        + (f" ({span.name})" if len(spans) > 1 else "")
        for rate, span in zip(rates, spans, strict=True)
    )
    short = ", then ".join(percent(rate) for rate in rates)
    return Finding("growth a year", short, f"{_capital(name)} grew by {during}.", None, rates[0])


def _extremes(dataset: xr.Dataset) -> Iterator[Finding]:
    time = _time(dataset)
    for name in dataset.data_vars:
        variable = dataset.variables[name]
        if variable.attrs.get("kind") != "stock" or variable.dims != ("time",):
            continue
        values = np.asarray(variable.values, dtype=np.float64)
        if np.isnan(values).all():
            continue
        high, low = int(np.nanargmax(values)), int(np.nanargmin(values))
        unit = unit_words(str(variable.attrs.get("units", "")))
        sentence = (
            f"{_capital(str(name))} went from {number(values[0])} to {number(values[-1])} "
            f"{'' if unit == 'no unit' else unit + ' '}(highest {number(values[high])} in {year(time[high])}, "
            f"lowest {number(values[low])} in {year(time[low])})."
        )
        yield Finding(str(name), f"{number(values[0])} to {number(values[-1])}", sentence, None, float(values[-1]))


def _time(dataset: xr.Dataset) -> FloatArray:
    return np.asarray(dataset["time"].values, dtype=np.float64)


def _time_unit(dataset: xr.Dataset, length: float) -> str:
    unit = str(dataset["time"].attrs.get("units", "") or "time units").lower()
    return unit if length == 1 or unit.endswith("s") else f"{unit}s"


def _values(dataset: xr.Dataset, roles: Roles, role: str) -> FloatArray:
    return np.asarray(dataset.variables[roles.variables[role]].values, dtype=np.float64)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
