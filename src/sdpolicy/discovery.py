"""When does it happen? Boxes and trees that say in which part of the inputs members of interest lie. It runs nothing.

Inputs are arrays of shape (members, inputs); ``interest`` tells for each member whether it is of interest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.errors import Problem, ResultError
from sdpolicy.words import number, percent

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

PEEL: Final = 0.05
"""Each step peels off this fraction of the members that are left."""
LEAST: Final = 0.03
"""A box keeps at least this fraction of all members."""
SIGNIFICANT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the inputs: for each restricted input its low and high end, infinite where it is open.

    ``coverage`` is the share of all members of interest that lie inside, ``density`` the share of the members
    inside that are of interest, ``mass`` the share of all members that lie inside. ``chance`` gives for each
    restricted input the probability that the density would be as high without it (Bryant & Lempert 2010,
    doi:10.1016/j.techfore.2009.08.002).
    """

    limits: Mapping[str, tuple[float, float]]
    coverage: float
    density: float
    mass: float
    chance: Mapping[str, float]

    def words(self) -> str:
        """Return the box as a condition: ``a < 1 and b between 2 and 3``."""
        parts = []
        for name, (low, high) in self.limits.items():
            if np.isfinite(low) and np.isfinite(high):
                parts.append(f"{name} between {number(low)} and {number(high)}")
            else:
                parts.append(f"{name} above {number(low)}" if np.isfinite(low) else f"{name} below {number(high)}")
        return " and ".join(parts) or "always"

    def sentence(self, what: str) -> str:
        """Return the finding in words."""
        worst = max(self.chance.values(), default=0.0)
        chance = "< 0.001" if worst < 0.001 else f"{worst:.2g}"
        return (
            f"{what} when {self.words()}: that is so in {percent(self.density)} of such members "
            f"and holds {percent(self.coverage)} of all cases (chance {chance})."
        )


@dataclass(frozen=True)
class Discovery:
    """The boxes that peeling went through, from all members to the smallest, and the one that was chosen."""

    trajectory: tuple[Box, ...]
    chosen: Box
    share: float
    """Members of interest among all members: the density without any restriction."""


def prim(inputs: FloatArray, interest: BoolArray, names: Sequence[str], density: float = 0.8) -> Discovery:
    """Return the box of the Patient Rule Induction Method (Friedman & Fisher 1999, doi:10.1023/A:1008894516817).

    The box chosen has the best balance of coverage and density (their harmonic mean) of those at least as dense as
    ``density``, or, if none is, of all; restrictions that could be chance are taken out of it.

    Raises:
        ResultError: when all members are of interest, or none.
    """
    _refuse_one_sided(interest)
    state = _Peeling(inputs, interest)
    trajectory = [_box(inputs, interest, names, limits) for limits in state.peel()]
    dense = [box for box in trajectory if box.density >= density]
    found = max(dense or trajectory, key=balance)
    chosen = _widened(inputs, interest, names, _sure(inputs, interest, names, found))
    return Discovery(tuple(trajectory), chosen, float(interest.mean()))


def threshold(inputs: FloatArray, interest: BoolArray, names: Sequence[str]) -> Box:
    """Return the box that one limit on one input makes, there where it tells members of interest best.

    That is where the distributions of the input in members of interest and in the others are furthest apart
    (Kolmogorov-Smirnov, as in :func:`sdpolicy.sensitivity.regional`).

    Raises:
        ResultError: when all members are of interest, or none.
    """
    _refuse_one_sided(interest)
    most, limits = -1.0, np.tile([-np.inf, np.inf], (inputs.shape[1], 1))
    for column, values in enumerate(inputs.T):
        order = np.argsort(values, kind="stable")
        inside, value = interest[order], values[order]
        apart = np.cumsum(~inside) / (~inside).sum() - np.cumsum(inside) / inside.sum()
        apart = np.where(value[:-1] < value[1:], apart[:-1], 0.0)  # equal values stay together
        place = int(np.abs(apart).argmax()) if len(apart) else 0
        if len(apart) and abs(apart[place]) > most:
            most, limit = abs(apart[place]), (value[place] + value[place + 1]) / 2
            limits[:] = -np.inf, np.inf
            limits[column, 0 if apart[place] > 0 else 1] = limit
    return _box(inputs, interest, names, limits)


def several(
    inputs: FloatArray, interest: BoolArray, names: Sequence[str], count: int = 3, density: float = 0.8
) -> tuple[Box, ...]:
    """Return up to ``count`` boxes, each found among the members that the earlier ones left.

    Coverage and density of each are those among all members.
    """
    left, boxes = np.ones(len(interest), dtype=bool), list[Box]()
    for _ in range(count):
        if not interest[left].any() or interest[left].all():
            break
        box = prim(inputs[left], interest[left], names, density).chosen
        again = _box(inputs, interest, names, _limits(names, box))
        if not box.limits or (boxes and again.density < density):
            break
        boxes.append(again)
        left &= ~_inside(inputs, _limits(names, box))
    return tuple(boxes)


def _refuse_one_sided(interest: BoolArray) -> None:
    if interest.all() or not interest.any():
        what = f"{'all' if interest.any() else 'none'} of the {len(interest)} members are of interest"
        raise ResultError(Problem("discovery", what, "Ask for something that happens in some members only."))


def balance(box: Box) -> float:
    """Return the harmonic mean of a box's coverage and density."""
    return 2 * box.coverage * box.density / max(box.coverage + box.density, 1e-12)


class _Peeling:
    """What is left while peeling; ``limits`` has shape (inputs, 2)."""

    def __init__(self, inputs: FloatArray, interest: BoolArray) -> None:
        self.inputs, self.interest, self.total = inputs, interest, len(inputs)
        self.limits = np.tile([-np.inf, np.inf], (inputs.shape[1], 1))

    def peel(self) -> Iterator[FloatArray]:
        """Yield the limits after each step, at first those that exclude nothing."""
        yield self.limits.copy()
        while (best := self.best()) is not None:
            column, side, limit, keep = best
            self.limits[column, side] = limit
            self.inputs, self.interest = self.inputs[keep], self.interest[keep]
            yield self.limits.copy()

    def best(self) -> tuple[int, int, float, BoolArray] | None:
        """Return the peel that raises the density most for what it takes away, or None at the end."""
        found: tuple[int, int, float, BoolArray] | None = None
        most, mean, count = 0.0, self.interest.mean(), len(self.interest)
        for column in range(self.inputs.shape[1]):
            values = self.inputs[:, column]
            for side, limit in enumerate(np.quantile(values, [PEEL, 1 - PEEL])):
                keep = values > limit if side == 0 else values < limit
                left = int(keep.sum())
                if left == count or left < LEAST * self.total:
                    continue
                gain = (self.interest[keep].mean() - mean) / (count - left)
                if gain > most:
                    most, found = gain, (column, side, _between(values, keep, side), keep)
        return found


def _between(values: FloatArray, keep: BoolArray, side: int) -> float:
    """Return a limit half way between the last value that went and the first that stayed."""
    inner, outer = values[keep], values[~keep]
    return float((inner.min() + outer.max()) / 2 if side == 0 else (inner.max() + outer.min()) / 2)


def _inside(inputs: FloatArray, limits: FloatArray) -> BoolArray:
    return np.asarray(((inputs >= limits[:, 0]) & (inputs <= limits[:, 1])).all(axis=1))


def _limits(names: Sequence[str], box: Box) -> FloatArray:
    return np.array([box.limits.get(name, (-np.inf, np.inf)) for name in names])


def _box(inputs: FloatArray, interest: BoolArray, names: Sequence[str], limits: FloatArray) -> Box:
    from scipy.stats import binom

    inside = _inside(inputs, limits)
    hits, size = int(interest[inside].sum()), int(inside.sum())
    chance: dict[str, float] = {}
    restricted = [j for j in range(len(names)) if np.isfinite(limits[j]).any()]
    held = {names[j]: (float(limits[j, 0]), float(limits[j, 1])) for j in restricted}
    for name in held:
        open_ = limits.copy()
        open_[list(names).index(name)] = -np.inf, np.inf
        without = float(interest[_inside(inputs, open_)].mean())
        chance[name] = float(binom.sf(hits - 1, size, without))
    return Box(held, hits / max(int(interest.sum()), 1), hits / max(size, 1), size / len(inputs), chance)


def _sure(inputs: FloatArray, interest: BoolArray, names: Sequence[str], box: Box) -> Box:
    """Take out, one by one, the restrictions that could be chance."""
    while box.chance and max(box.chance.values()) > SIGNIFICANT:
        worst = max(box.chance, key=lambda name: box.chance[name])
        limits = _limits(names, box)
        limits[list(names).index(worst)] = -np.inf, np.inf
        box = _box(inputs, interest, names, limits)
    return box


def _widened(inputs: FloatArray, interest: BoolArray, names: Sequence[str], box: Box) -> Box:
    """Paste: push each limit out again, a hundredth of the members at a time, while what comes in is as dense."""
    limits = _limits(names, box)
    step = max(1, len(inputs) // 100)
    for column, side in zip(*np.nonzero(np.isfinite(limits)), strict=True):
        while True:
            open_ = limits.copy()
            open_[column, side] = -np.inf if side == 0 else np.inf
            outside = _inside(inputs, open_) & ~_inside(inputs, limits)
            values = inputs[outside, column]
            order = np.argsort(values)[::-1] if side == 0 else np.argsort(values)
            near = order[:step]
            if len(near) < step or interest[outside][near].mean() < box.density:
                break
            limits[column, side] = values[near[-1]]
    return _box(inputs, interest, names, limits)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of a tree: its conditions, and coverage, density and mass as of a box."""

    conditions: tuple[str, ...]
    coverage: float
    density: float
    mass: float


@dataclass(frozen=True, slots=True)
class Tree:
    """A classification tree: its leaves, densest first, and how often it is right on members that it did not see."""

    leaves: tuple[Leaf, ...]
    accuracy: float
    guess: float
    """How often the more frequent answer alone would be right."""


def tree(inputs: FloatArray, interest: BoolArray, names: Sequence[str], leaves: int = 8, seed: int = 0) -> Tree:
    """Return a classification tree (CART, by scikit-learn), learned on three quarters of the members.

    Raises:
        ResultError: when all members are of interest, or none; and when scikit-learn is not installed.
    """
    _refuse_one_sided(interest)
    try:
        from sklearn.tree import DecisionTreeClassifier
    except ImportError as error:
        cure = "Install it with: pip install 'sdpolicy[ensemble]'."
        raise ResultError(Problem("classification tree", "scikit-learn is not installed", cure)) from error
    train = np.random.default_rng(seed).random(len(inputs)) < 0.75
    least = max(1, int(0.01 * train.sum()))
    grown = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=least, random_state=seed)
    grown.fit(inputs[train], interest[train])
    right = float((grown.predict(inputs[~train]) == interest[~train]).mean()) if (~train).any() else float("nan")
    leaf = grown.apply(inputs)
    found = []
    for node, conditions in _paths(grown.tree_, names, 0, ()):
        inside = leaf == node
        hits = int(interest[inside].sum())
        found.append(Leaf(conditions, hits / interest.sum(), hits / max(int(inside.sum()), 1), float(inside.mean())))
    share = float(interest.mean())
    return Tree(tuple(sorted(found, key=lambda item: -item.density)), right, max(share, 1 - share))


def _paths(
    grown: Any, names: Sequence[str], node: int, before: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield each leaf's number with the conditions that lead to it."""
    left, right = int(grown.children_left[node]), int(grown.children_right[node])
    if left == right:
        yield node, before
        return
    name, limit = names[int(grown.feature[node])], number(float(grown.threshold[node]))
    yield from _paths(grown, names, left, (*before, f"{name} below {limit}"))
    yield from _paths(grown, names, right, (*before, f"{name} above {limit}"))
