"""Maps of two levers: what happens in each combination, refined along the boundaries. It draws nothing.

Where a map is started from two sides and they end differently, the outcome depends on history: it is bistable there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.ensemble import Sampling, Spread, Variation, everything, own_interval, plan, simulate_members
from sdpolicy.ensemble.design import Listed
from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.outcomes import MODES, measure, needed, parse_outcome

if TYPE_CHECKING:
    from sdpolicy.scenario import Case

FloatArray = NDArray[np.float64]
Evaluate = Callable[[FloatArray], FloatArray]
"""From points of shape (points, 2) to outcomes of shape (points, sides)."""
TOLERANCE: Final = 0.1
"""A cell is refined when its corners differ by more than this fraction of the outcome's whole range."""


@dataclass(frozen=True, slots=True)
class Lever:
    """An input along one side of a map."""

    name: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Resolution:
    """Cells along each side at first, and how many times those on a boundary are halved."""

    cells: int = 16
    halvings: int = 3

    @property
    def points(self) -> int:
        """Points along each side of the finest lattice."""
        return self.cells * (1 << self.halvings) + 1


_USUAL: Final = Resolution()
Sides = Sequence[Mapping[str, float]]


def regime_map(
    chosen: Case, levers: tuple[Lever, Lever], outcome: str, resolution: Resolution = _USUAL, sides: Sides = ({},)
) -> xr.Dataset:
    """Return a map of an outcome over two levers.

    Args:
        outcome: in words; see :mod:`sdpolicy.outcomes`.
        sides: settings to start from, one or two; with two the map holds both and ``bistable``.

    Returns:
        ``outcome`` over (side, lever, lever) on the finest lattice; ``refined``, how often the cell around a
        point was halved; ``runs`` in the attributes, and what a full lattice would have taken.

    Raises:
        ScenarioError, ResultError: for levers that can't vary and an outcome that is none.
    """
    evaluate, about = _evaluator(chosen, levers, outcome, sides)
    is_class = parse_outcome(outcome, everything(chosen)).kind in ("mode", "ever")
    lattice = Lattice(resolution, len(sides), is_class)
    axes = [np.linspace(lever.low, lever.high, resolution.points) for lever in levers]
    lattice.fill(lambda at: evaluate(np.stack([axes[0][at[:, 0]], axes[1][at[:, 1]]], axis=1)))
    dims = (levers[0].name, levers[1].name)
    variables = {"outcome": (("side", *dims), lattice.values), "refined": (dims, lattice.depth)}
    if len(sides) == 2:
        variables["bistable"] = (dims, lattice.differing())
    attrs = {"outcome": outcome, "runs": lattice.runs, "lattice": resolution.points**2 * len(sides),
             "class": int(is_class), "modes": "|".join(MODES)}  # fmt: skip
    coordinates: dict[str, object] = dict(zip(dims, axes, strict=True))
    coordinates["side"] = [", ".join(f"{name} {value:g}" for name, value in side.items()) for side in sides]
    found = xr.Dataset(variables, coordinates, {**about, **attrs})
    for lever in levers:
        quantity = chosen.program.find(lever.name)
        found[lever.name].attrs["units"] = quantity.unit if quantity else ""
    return found


def _evaluator(
    chosen: Case, levers: tuple[Lever, Lever], outcome: str, sides: Sides
) -> tuple[Evaluate, Mapping[str, object]]:
    """Return what runs points of the map, and the attributes of the runs."""
    if levers[0].name == levers[1].name or any(not lever.low < lever.high for lever in levers):
        cure = "Give two different inputs, each with a low end below its high end."
        raise ScenarioError(Problem("map", "these are no two levers", cure))
    names = sorted({name for side in sides for name in side})
    vary = {lever.name: Spread("uniform", (lever.low, lever.high)) for lever in levers}
    vary |= {name: Spread("choice", tuple(side[name] for side in sides if name in side)) for name in names}
    fixed = replace(chosen, scenario=None)  # the scenario's own ranges stay at their values
    variables = needed(everything(chosen), [outcome])
    study = plan(fixed, Sampling("monte-carlo", 2), Variation(vary), variables, own_interval(fixed))
    base = np.array([factor.base for factor in study.factors])
    found = parse_outcome(outcome, study.template)

    def evaluate(points: FloatArray) -> FloatArray:
        results = []
        for side in sides:
            values = np.tile(base, (len(points), 1))
            values[:, :2] = points
            for name, value in side.items():
                values[:, 2 + names.index(name)] = value
            job = replace(study.job, design=Listed(values), block=min(8192, len(values)))
            results.append(measure(simulate_members(replace(study, job=job)), found))
        return np.stack(results, axis=1)

    attrs = {k: v for k, v in everything(chosen).attrs.items() if k not in ("panels",)}
    return evaluate, attrs


class Lattice:
    """Values on a square lattice, computed where they are needed: coarsely, then along the boundaries."""

    def __init__(self, resolution: Resolution, sides: int, is_class: bool) -> None:
        self.resolution, self.is_class = resolution, is_class
        size = resolution.points
        self.values = np.full((sides, size, size), np.nan)
        self.known = np.zeros((size, size), dtype=bool)
        self.depth = np.zeros((size, size), dtype=np.int64)
        self.runs = 0

    def fill(self, evaluate: Callable[[NDArray[np.int64]], FloatArray]) -> None:
        """Compute corners, halve the cells whose corners differ and their neighbours, and fill in the others."""
        width = 2**self.resolution.halvings
        count = self.resolution.cells
        active = {(i, j) for i in range(count) for j in range(count)}
        self._compute(evaluate, self._corners(active, width))
        left: list[tuple[tuple[int, int], int]] = []
        while True:
            mixed = {cell for cell in active if self._differs(cell, width)} if width > 1 else set()
            wide = {(i + a, j + b) for i, j in mixed for a in (-1, 0, 1) for b in (-1, 0, 1)} & active
            left += [(cell, width) for cell in active - wide]
            if not wide:
                break
            active = {(2 * i + a, 2 * j + b) for i, j in wide for a in (0, 1) for b in (0, 1)}
            width //= 2
            self._compute(evaluate, self._corners(active, width))
        for cell, size in sorted(left, key=lambda item: -item[1]):
            self._interpolate(cell, size)

    def _corners(self, cells: set[tuple[int, int]], width: int) -> Iterator[tuple[int, int]]:
        return (((i + a) * width, (j + b) * width) for i, j in cells for a in (0, 1) for b in (0, 1))

    def _compute(self, evaluate: Callable[[NDArray[np.int64]], FloatArray], points: Iterator[tuple[int, int]]) -> None:
        new = np.array(sorted({point for point in points if not self.known[point]}), dtype=np.int64).reshape(-1, 2)
        if len(new):
            found = evaluate(new)
            self.values[:, new[:, 0], new[:, 1]] = found.T
            self.known[new[:, 0], new[:, 1]] = True
            self.runs += found.size

    def _differs(self, cell: tuple[int, int], width: int) -> bool:
        i, j = cell[0] * width, cell[1] * width
        corners = self.values[:, [i, i, i + width, i + width], [j, j + width, j, j + width]]
        missing = np.isnan(corners)
        if (missing.any(axis=1) & ~missing.all(axis=1)).any():
            return True
        span = np.nan_to_num(np.ptp(corners, axis=1))
        if self.is_class:
            return bool((span > 0).any())
        known = self.values[:, self.known]
        reach = np.nanmax(known) - np.nanmin(known) if np.isfinite(known).any() else 0.0
        return bool((span > TOLERANCE * reach).any())

    def _interpolate(self, cell: tuple[int, int], width: int) -> None:
        """Give the points of a cell that were not computed values from its corners."""
        i, j = cell[0] * width, cell[1] * width
        self.depth[i : i + width + 1, j : j + width + 1] = self.resolution.halvings - (width.bit_length() - 1)
        share = np.linspace(0, 1, width + 1)
        if self.is_class:
            share = np.round(share)
        block = np.s_[:, i : i + width + 1, j : j + width + 1]
        low = self.values[:, i, [j]] * (1 - share) + self.values[:, i, [j + width]] * share
        high = self.values[:, i + width, [j]] * (1 - share) + self.values[:, i + width, [j + width]] * share
        inner = low[:, np.newaxis] * (1 - share[:, np.newaxis]) + high[:, np.newaxis] * share[:, np.newaxis]
        self.values[block] = np.where(self.known[block[1:]], self.values[block], inner)

    def differing(self) -> NDArray[np.bool_]:
        """Tell where the two sides end differently."""
        a, b = self.values
        if self.is_class:
            return np.asarray(a != b)
        reach = np.nanmax(self.values) - np.nanmin(self.values) if np.isfinite(self.values).any() else 0.0
        return np.asarray((np.isnan(a) ^ np.isnan(b)) | (np.nan_to_num(np.abs(a - b)) > TOLERANCE * reach))
