"""How much a run depends on its step, its method and its engine. It takes a function that runs, and compares."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdpolicy.checks.claims import series
from sdpolicy.checks.schema import Allowed, Crossing, Integration
from sdpolicy.checks.verdict import Verdict, figure
from sdpolicy.errors import SimulationError
from sdpolicy.outcomes import first_time

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Manner:
    """How to run: None leaves it as it is. ``fraction`` is that of the usual step."""

    fraction: float = 1.0
    method: str | None = None
    engine: str | None = None


Runner = Callable[[Manner], "xr.Dataset"]


def integration(rule: Integration, base: xr.Dataset, run: Runner) -> Iterator[Verdict]:
    """Yield a verdict for each way to run that the file names, and for each date that must not move.

    Args:
        base: the run as the scenario asks for it, with every step.
        run: runs it in another manner, with every step.
    """
    names = rule.variables or [str(n) for n, v in base.data_vars.items() if v.attrs.get("kind") == "stock"]
    half = _try(run, Manner(0.5)) if rule.halving is not None or rule.crossing else None
    own = str(base.attrs["method"])
    halving = _allowed(rule.halving, own)
    if halving is not None:
        yield _compare("half the step", halving, names, base, half)
    for method, wanted in (("euler", rule.euler), ("rk4", rule.rk4), ("dop853", rule.dop853)):
        allowed = _allowed(wanted, own)
        if allowed is not None and method != own:
            yield _compare(f"method {method}", allowed, names, base, _try(run, Manner(method=method)))
    if rule.python is not None:
        yield _compare("engine python", rule.python, names, base, _try(run, Manner(engine="python")))
    if rule.pysd is not None:
        reference, ours = _try(run, Manner(method="euler", engine="pysd")), _try(run, Manner(method="euler"))
        yield _compare("engine pysd (Euler)", rule.pysd, names, ours, reference)
    for name, crossing in rule.crossing.items():
        yield _date(name, crossing, base, half)


def _allowed(given: Allowed | None, method: str) -> float | None:
    """Return the number for runs with that method."""
    return {str(key): value for key, value in given.items()}.get(method) if isinstance(given, dict) else given


def _try(run: Runner, manner: Manner) -> xr.Dataset | str:
    """Return the run, or what its failure says."""
    try:
        return run(manner)
    except SimulationError as error:
        return str(error)


def _compare(
    what: str, allowed: float, names: Sequence[str], one: xr.Dataset | str | None, other: xr.Dataset | str | None
) -> Verdict:
    demanded = f"moves no series by more than {allowed:g} of its largest value"
    if one is None or other is None or isinstance(one, str) or isinstance(other, str):
        trouble = next((item for item in (one, other) if isinstance(item, str)), "no run")
        return Verdict("integration", what, demanded, trouble, False)
    moved = {name: _difference(name, one, other) for name in names}
    worst = max(moved, key=lambda name: moved[name])
    return Verdict("integration", what, demanded, f"{figure(moved[worst])} ({worst})", moved[worst] <= allowed)


def _difference(name: str, one: xr.Dataset, other: xr.Dataset) -> float:
    """Return the largest distance at the times that both have, as a fraction of the largest value."""
    first, second = np.asarray(one["time"].values), np.asarray(other["time"].values)
    every = max(1, round((first[1] - first[0]) / (second[1] - second[0])))
    a, b = series(one, name), series(other, name)[::every]
    largest = float(np.max(np.abs(a)))
    distance = float(np.max(np.abs(a - b)))
    return distance if distance == 0 else distance / largest if largest > 0 else math.inf


def _date(name: str, crossing: Crossing, base: xr.Dataset, half: xr.Dataset | str | None) -> Verdict:
    level = crossing.below if crossing.below is not None else crossing.above
    side = "below" if crossing.below is not None else "above"
    demanded = f"{crossing.variable} first {side} {level:g}: moves less than {crossing.moves:g} with half the step"
    if half is None or isinstance(half, str):
        return Verdict("integration", name, demanded, half or "no run", False)
    dates = [crossed(crossing, dataset) for dataset in (base, half)]
    if all(map(math.isnan, dates)):
        return Verdict("integration", name, demanded, "never, with either step", True)
    if any(map(math.isnan, dates)):
        return Verdict("integration", name, demanded, f"{dates[0]:.3f} and {dates[1]:.3f}: with one step only", False)
    moved = abs(dates[1] - dates[0])
    return Verdict("integration", name, demanded, f"{dates[0]:.3f}, moves {figure(moved)}", moved < crossing.moves)


def crossed(crossing: Crossing, dataset: xr.Dataset) -> float:
    """Return when the variable (the first of its elements) crosses the value; NaN for never."""
    sign = 1.0 if crossing.below is not None else -1.0
    level = crossing.below if crossing.below is not None else crossing.above
    time = np.asarray(dataset["time"].values, dtype=np.float64)
    dates = first_time(time, sign * series(dataset, crossing.variable).T, sign * (level or 0.0))
    return float(np.nanmin(dates)) if np.isfinite(dates).any() else math.nan
