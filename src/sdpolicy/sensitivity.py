"""Which inputs decide an outcome: indices of members that were run, each with its uncertainty. It runs nothing itself.

All functions take outcomes as arrays of shape (members,) or (members, ...), so that a series over time is analysed
at once, and return Datasets over ``input`` and the outcome's further dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.ensemble.design import Morris, Saltelli
from sdpolicy.errors import Problem, ResultError

FloatArray = NDArray[np.float64]
LEVEL: Final = 0.95
RESAMPLES: Final = 200
SLICES: Final = 10
WIDE: Final = 0.05
"""Indices have converged when no total index has a wider interval (Sarrazin, Pianosi & Wagener 2016)."""


def sobol(
    outcome: FloatArray,
    design: Saltelli,
    names: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    draws: NDArray[np.int64] | None = None,
) -> xr.Dataset:
    """Return Sobol' indices: S1 and ST, and S2 where the design has it, with half-widths of their intervals.

    Estimators: Saltelli et al. (2010), doi:10.1016/j.cpc.2009.09.018, and Saltelli (2002) for the second order;
    intervals at 95 % from a bootstrap over base points. Base points of which a member is not finite are left out
    whole; ``used`` says how many stayed. An outcome without variance gives NaN.

    Args:
        outcome: shape (members, ...), in the order of ``design``.
        draws: resampled base points, shape (base points used, resamples); by default drawn from ``seed``.

    Raises:
        ResultError: when the outcome has another number of members than the design, or hardly any are finite.
    """
    dim, rest = design.dimensions, outcome.shape[1:]
    groups = _groups(outcome, design)
    count = len(groups)
    if draws is None:
        draws = np.random.default_rng(seed).integers(count, size=(count, resamples))
    a, b = groups[:, 0], groups[:, -1]
    mixed = [groups[:, 1 + j] for j in range(dim)]
    scale = _Scale.of_values(a, b, _weights(draws, count))
    first = [scale.ratio(b * (ab - a)) for ab in mixed]
    total = [scale.ratio(0.5 * (a - ab) ** 2) for ab in mixed]
    dims = ("input", *(f"dim_{i}" for i in range(len(rest))))
    variables = _with_widths({"S1": first, "ST": total}, dims, (dim, *rest))
    if design.second:
        second = _second(groups, scale, first)
        pair_dims = ("input", "other", *dims[1:])
        variables |= {k: xr.Variable(pair_dims, v.reshape(dim, dim, *rest)) for k, v in second.items()}
    coordinates = {"input": list(names), **({"other": list(names)} if design.second else {})}
    return xr.Dataset(variables, coordinates, {"used": count, "base": design.base, "level": LEVEL})


def sobol_of_time(
    when: FloatArray,
    design: Saltelli,
    names: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> xr.Dataset:
    """Return S1 and ST of when something happens, with half-widths of their intervals.

    They are the Sobol' indices of "it has happened by then", averaged over the moments at which members get there
    (Cramer-von Mises indices: Gamboa, Klein & Lagnoux 2018, doi:10.1137/15M1025621). Only the order of members
    counts, so that no time has to be made up for members in which it never happens, and the few that are far from
    the others don't decide the index. Estimators, base points and intervals are those of :func:`sobol`; where the
    average is taken in closed form, from ranks.

    Args:
        when: shape (members,), in the order of ``design``: a time, infinity for never, NaN for a failed member.

    Raises:
        ResultError: when there are other members than those of the design, or hardly any have not failed.
    """
    times = np.asarray(when, dtype=np.float64)[:, np.newaxis]
    groups = _whole_groups(times, design, np.isnan(times))[..., 0]
    count = len(groups)
    earlier = np.searchsorted(np.sort(groups, axis=None), groups, side="left") / groups.size
    a, b = earlier[:, [0]], earlier[:, [-1]]
    mixed = [earlier[:, [1 + j]] for j in range(design.dimensions)]
    draws = np.random.default_rng(seed).integers(count, size=(count, resamples))
    scale = _Scale.of_ranks(a, b, _weights(draws, count))
    first = [scale.ratio(np.maximum(b, a) - np.maximum(b, ab)) for ab in mixed]
    total = [scale.ratio(0.5 * np.abs(a - ab)) for ab in mixed]
    variables = _with_widths({"S1": first, "ST": total}, ("input",), (design.dimensions,))
    never = float(np.isinf(groups).mean())
    return xr.Dataset(
        variables, {"input": list(names)}, {"used": count, "base": design.base, "level": LEVEL, "never": never}
    )


def widest(found: xr.Dataset) -> float:
    """Return the width of the widest interval of a total index; 2 where resamples can't tell it."""
    total, half = found["ST"].values, found["ST_conf"].values
    return 2.0 * float(np.nanmax(np.where(np.isfinite(total) & np.isnan(half), 1.0, half), initial=0.0))


def base_needed(found: xr.Dataset) -> int:
    """Return the base points, a power of two, with which the widest interval would be as narrow as ``WIDE``.

    Intervals narrow with the square root of the number of base points.
    """
    wanted = float(found.attrs["base"]) * (widest(found) / WIDE) ** 2
    return int(2 ** np.ceil(np.log2(max(wanted, 1.0))))


_Pairs = Sequence[tuple[FloatArray, FloatArray]]
"""Indices of each input, of shape (columns,), and resampled, of shape (resamples, columns)."""


def _with_widths(found: Mapping[str, _Pairs], dims: Sequence[str], shape: Sequence[int]) -> dict[str, xr.Variable]:
    """Return indices and the half-widths of their intervals as variables."""
    variables: dict[str, xr.Variable] = {}
    for name, pairs in found.items():
        variables[name] = xr.Variable(dims, np.stack([value for value, _ in pairs]).reshape(shape))
        width = np.stack([_half_width(sample) for _, sample in pairs])
        variables[f"{name}_conf"] = xr.Variable(dims, width.reshape(shape))
    return variables


@dataclass(frozen=True)
class _Scale:
    """Means over base points, as they are and resampled, divided by the variance of A and B together."""

    weights: FloatArray
    variance: FloatArray
    resampled: FloatArray

    @classmethod
    def of_values(cls, a: FloatArray, b: FloatArray, weights: FloatArray) -> _Scale:
        """Return the scale of outcomes by their variance."""
        mean = (weights @ a + weights @ b) / 2
        resampled = (weights @ a**2 + weights @ b**2) / 2 - mean**2
        return cls(weights, np.concatenate([a, b]).var(axis=0), resampled)

    @classmethod
    def of_ranks(cls, a: FloatArray, b: FloatArray, weights: FloatArray) -> _Scale:
        """Return the scale of times by the variance of "by then", averaged over all times: half Gini's difference."""
        both = np.concatenate([a, b])[:, 0]
        order = np.argsort(both, kind="stable")
        gaps = np.diff(both[order])
        drawn = np.concatenate([weights, weights], axis=1)[:, order].cumsum(axis=1)[:, :-1] / 2
        even = np.arange(1, len(both)) / len(both)
        return cls(weights, np.array([gaps @ (even * (1 - even))]), (drawn * (1 - drawn)) @ gaps[:, np.newaxis])

    def ratio(self, products: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the index and its resampled values, of shapes (columns,) and (resamples, columns)."""
        varied = np.where(self.resampled > 1e-12 * self.variance, self.resampled, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return products.mean(axis=0) / self.variance, (self.weights @ products) / varied


def _whole_groups(outcome: FloatArray, design: Saltelli, failed: NDArray[np.bool_]) -> FloatArray:
    """Return the groups none of whose members ``failed``, of shape (base points, group, columns)."""
    if len(outcome) != design.members:
        what = f"{len(outcome)} members are given, and the design has {design.members}"
        raise ResultError(Problem("Sobol' indices", what))
    groups = outcome.reshape(design.base, design.group, -1)[~failed.reshape(design.base, -1).any(axis=1)]
    if len(groups) < 2:
        raise ResultError(Problem("Sobol' indices", "hardly any member has a finite outcome", "Narrow the ranges."))
    return groups


def _groups(outcome: FloatArray, design: Saltelli) -> FloatArray:
    """Return whole groups of members, standardised, of shape (base points, group, columns)."""
    values = np.asarray(outcome, dtype=np.float64)
    values = values.reshape(len(values), -1)
    groups = _whole_groups(values, design, ~np.isfinite(values))
    columns = groups.reshape(-1, groups.shape[2])
    deviation = columns.std(axis=0)
    size = np.abs(columns).max(axis=0)
    deviation[deviation <= 1e-12 * size] = np.nan
    return np.asarray((groups - columns.mean(axis=0)) / deviation)


def _weights(draws: NDArray[np.int64], count: int) -> FloatArray:
    """Return how often each base point was drawn in each resample, as fractions, of shape (resamples, count)."""
    return np.stack([np.bincount(draw, minlength=count) for draw in draws.T]) / len(draws)


def _half_width(sample: FloatArray) -> FloatArray:
    """Return the half-width of the interval at ``LEVEL``, the resampled values being nearly normal."""
    from scipy.special import ndtri

    return np.asarray(float(ndtri(0.5 + LEVEL / 2)) * sample.std(axis=0, ddof=1))


def _second(groups: FloatArray, scale: _Scale, first: Sequence[tuple[FloatArray, FloatArray]]) -> dict[str, FloatArray]:
    dim, columns = len(first), groups.shape[2]
    values, widths = (np.full((dim, dim, columns), np.nan) for _ in range(2))
    a, b = groups[:, 0], groups[:, -1]
    for j in range(dim):
        for k in range(j + 1, dim):
            value, sample = scale.ratio(groups[:, 1 + dim + j] * groups[:, 1 + k] - a * b)
            values[j, k] = value - first[j][0] - first[k][0]
            widths[j, k] = _half_width(sample - first[j][1] - first[k][1])
    return {"S2": values, "S2_conf": widths}


def convergence(
    outcome: FloatArray, design: Saltelli, names: Sequence[str], seed: int = 0, *, of_time: bool = False
) -> xr.Dataset:
    """Return Sobol' indices from the first 32 (few base points: 4), 64, ... up to all, over the dimension ``base``.

    With ``of_time`` the outcome is a time, as for :func:`sobol_of_time`.
    """
    indices = sobol_of_time if of_time else sobol
    least = 5 if design.base > 64 else 2
    sizes = [2**k for k in range(least, design.base.bit_length()) if 2**k < design.base] + [design.base]
    parts = []
    for size in sizes:
        smaller = Saltelli(size, design.dimensions, design.seed, design.second)
        found = indices(outcome[: smaller.members], smaller, names, seed=seed)
        parts.append(found[["S1", "S1_conf", "ST", "ST_conf"]])
    return xr.concat(parts, xr.Variable("base", sizes)).assign_attrs(parts[-1].attrs)


def morris(outcome: FloatArray, design: Morris, points: FloatArray, names: Sequence[str], seed: int = 0) -> xr.Dataset:
    """Return elementary effects: their mean ``mu``, mean size ``mu_star`` and spread ``sigma``.

    Morris (1991), doi:10.2307/1269043; Campolongo et al. (2007), doi:10.1016/j.envsoft.2006.10.004. Effects are
    changes of the outcome over the whole range of an input.

    Args:
        points: the design's points in the unit cube, shape (members, inputs).
    """
    dim, rest = design.dimensions, outcome.shape[1:]
    values = np.asarray(outcome, dtype=np.float64).reshape(design.trajectories, dim + 1, -1)
    steps = np.diff(points.reshape(design.trajectories, dim + 1, dim), axis=1)
    whole = np.isfinite(values).all(axis=(1, 2))
    values, steps = values[whole], steps[whole]
    changed = np.abs(steps).argmax(axis=2)
    size = np.take_along_axis(steps, changed[..., np.newaxis], 2)
    effects = np.empty_like(values[:, 1:])
    np.put_along_axis(effects, changed[..., np.newaxis], np.diff(values, axis=1) / size, axis=1)
    draws = np.random.default_rng(seed).integers(len(effects), size=(len(effects), RESAMPLES))
    sample = np.tensordot(_weights(draws, len(effects)), np.abs(effects), axes=1)
    found = {
        "mu": effects.mean(axis=0),
        "mu_star": np.abs(effects).mean(axis=0),
        "sigma": effects.std(axis=0, ddof=1),
        "mu_star_conf": _half_width(sample),
    }
    dims = ("input", *(f"dim_{i}" for i in range(len(rest))))
    variables = {name: xr.Variable(dims, value.reshape(dim, *rest)) for name, value in found.items()}
    return xr.Dataset(variables, {"input": list(names)}, {"used": len(effects)})


def pawn(outcome: FloatArray, inputs: FloatArray, names: Sequence[str], slices: int = SLICES) -> xr.Dataset:
    """Return PAWN indices of one outcome: how far its distribution moves when an input is known to be in a slice.

    Pianosi & Wagener (2018), doi:10.1016/j.envsoft.2018.07.019: the median and the greatest, over slices, of the
    Kolmogorov-Smirnov distance to the distribution of all members. ``dummy`` is what an input that does nothing
    gives with as many members.
    """
    keep = np.isfinite(outcome)
    y, x = outcome[keep], inputs[keep]
    order = np.argsort(y, kind="stable")
    last = np.append(np.diff(y[order]) > 0, True)  # where values are equal, the last of them counts
    idle = np.random.default_rng(0).random((len(y), 20))
    found = [_distances(column[order], last, slices) for column in x.T]
    floor = [float(np.median(_distances(column[order], last, slices))) for column in idle.T]
    variables = {
        "median": ("input", [float(np.median(distances)) for distances in found]),
        "maximum": ("input", [float(distances.max()) for distances in found]),
    }
    attrs = {"dummy": float(np.quantile(floor, LEVEL)), "used": len(y), "slices": slices}
    return xr.Dataset(variables, {"input": list(names)}, attrs)


def _distances(sorted_input: FloatArray, last: NDArray[np.bool_], slices: int) -> FloatArray:
    """Return the distance of each slice that holds members: an input with few values fills few slices."""
    edges = np.quantile(sorted_input, np.linspace(0, 1, slices + 1)[1:-1])
    member = np.searchsorted(edges, sorted_input, side="right")[:, np.newaxis] == np.arange(slices)
    member = member[:, member.any(axis=0)]
    inside = member.cumsum(axis=0) / member.sum(axis=0)
    overall = np.arange(1, len(last) + 1)[:, np.newaxis] / len(last)
    return np.asarray(np.abs(inside - overall)[last].max(axis=0))


def regional(group: NDArray[np.bool_], inputs: FloatArray, names: Sequence[str]) -> xr.Dataset:
    """Return what separates the members of a group (crisis, say) from the others, input by input.

    Spear & Hornberger (1980), doi:10.1016/0043-1354(80)90040-8: the Kolmogorov-Smirnov distance of an input's
    values in and outside the group, its p-value (Holm's correction over the inputs), and both medians.

    Raises:
        ResultError: when all members are in the group, or none.
    """
    from scipy.stats import ks_2samp

    if group.all() or not group.any():
        what = f"{'all' if group.any() else 'none'} of the {len(group)} members are in the group"
        raise ResultError(Problem("regional sensitivity", what, "Choose another outcome, or wider ranges."))
    tests = [ks_2samp(column[group], column[~group]) for column in inputs.T]
    distance = np.array([float(test.statistic) for test in tests])
    p = np.array([float(test.pvalue) for test in tests])
    order = np.argsort(p)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    inside, outside = np.median(inputs[group], axis=0), np.median(inputs[~group], axis=0)
    variables = {"distance": distance, "p": corrected, "inside": inside, "outside": outside}
    held = {name: ("input", values) for name, values in variables.items()}
    return xr.Dataset(held, {"input": list(names)}, {"share": float(group.mean())})


def one_at_a_time(outcome: FloatArray, names: Sequence[str]) -> xr.Dataset:
    """Return the tornado of an outcome of the members of :func:`one_at_a_time_points`: base, low and high."""
    ends = outcome[1:].reshape(len(names), 2)
    variables = {"low": ("input", ends[:, 0]), "high": ("input", ends[:, 1])}
    return xr.Dataset(variables, {"input": list(names)}, {"base": float(outcome[0])})


def one_at_a_time_points(base: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return members for a tornado: all inputs at ``base``, then each alone at its low and at its high end."""
    points = np.tile(base, (1 + 2 * len(base), 1))
    for j in range(len(base)):
        points[1 + 2 * j, j], points[2 + 2 * j, j] = low[j], high[j]
    return points
