"""Designs: which points of the unit cube the members take, each by its number. They know no model or scenario.

A design is a recipe. Any stretch of members can be asked for, and is the same whoever asks.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sdpolicy.ensemble.factors import Factor
from sdpolicy.errors import Problem, ScenarioError, suggest
from sdpolicy.program import fold
from sdpolicy.scenario.correlation import can_be, matrix, normal, pair
from sdpolicy.scenario.elements import key

FloatArray = NDArray[np.float64]


class Design(Protocol):
    """Numbered points of the unit cube."""

    @property
    def members(self) -> int: ...

    def unit(self, first: int, stop: int) -> FloatArray:
        """Return points ``first`` to ``stop - 1``, of shape (stop - first, dimensions)."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return the recipe as JSON-able values: equal for equal points."""
        ...


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """Independent points. Any number of members can be drawn in stretches at no cost."""

    members: int
    dimensions: int
    seed: int

    def unit(self, first: int, stop: int) -> FloatArray:
        bits = np.random.PCG64DXSM(self.seed)
        bits.advance(first * self.dimensions)  # one draw of the generator for each number
        return np.random.Generator(bits).random((stop - first, self.dimensions))

    def describe(self) -> Mapping[str, Any]:
        return {"design": "monte-carlo", "members": self.members, "seed": self.seed}


@dataclass(frozen=True, slots=True)
class LatinHypercube:
    """McKay, Beckman & Conover (1979), doi:10.2307/1268522. It is drawn as a whole: 8 bytes a number are kept."""

    members: int
    dimensions: int
    seed: int

    def unit(self, first: int, stop: int) -> FloatArray:
        return _latin(self.members, self.dimensions, self.seed)[first:stop]

    def describe(self) -> Mapping[str, Any]:
        return {"design": "latin-hypercube", "members": self.members, "seed": self.seed}


@lru_cache(maxsize=1)
def _latin(members: int, dimensions: int, seed: int) -> FloatArray:
    from scipy.stats import qmc

    return np.asarray(qmc.LatinHypercube(dimensions, rng=np.random.default_rng(seed)).random(members))


@dataclass(frozen=True, slots=True)
class SobolSequence:
    """Scrambled Sobol' points; powers of two are balanced. Sobol' (1967), Owen (1998), as scipy draws them."""

    members: int
    dimensions: int
    seed: int

    def unit(self, first: int, stop: int) -> FloatArray:
        return _sobol(self.dimensions, self.seed, first, stop)

    def describe(self) -> Mapping[str, Any]:
        return {"design": "sobol-sequence", "members": self.members, "seed": self.seed}


def _sobol(dimensions: int, seed: int, first: int, stop: int) -> FloatArray:
    from scipy.stats import qmc

    sequence = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    if first:
        sequence.fast_forward(first)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The balance properties")
        return np.asarray(sequence.random(stop - first), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Saltelli:
    """Points for Sobol' indices: for each of ``base`` pairs of points A and B, those mixed from both.

    Members come in groups of 2 D + 2 (D + 2 without second order): A, A with one number of B each, B with one
    number of A each, B. Saltelli (2002), doi:10.1016/S0010-4655(02)00280-1.
    """

    base: int
    dimensions: int
    seed: int
    second: bool = True

    @property
    def group(self) -> int:
        """Members for each base point."""
        return (2 if self.second else 1) * self.dimensions + 2

    @property
    def members(self) -> int:
        return self.base * self.group

    def unit(self, first: int, stop: int) -> FloatArray:
        size, dim = self.group, self.dimensions
        start, end = first // size, -(-stop // size)
        pairs = _sobol(2 * dim, self.seed, start, end)
        a, b = pairs[:, :dim], pairs[:, dim:]
        points = np.empty((end - start, size, dim))
        points[:, : dim + 1] = a[:, np.newaxis]
        points[:, dim + 1 :] = b[:, np.newaxis]
        for j in range(dim):
            points[:, 1 + j, j] = b[:, j]
            if self.second:
                points[:, 1 + dim + j, j] = a[:, j]
        flat: FloatArray = points.reshape(-1, dim)
        return flat[first - start * size : stop - start * size]

    def describe(self) -> Mapping[str, Any]:
        return {"design": "saltelli", "base": self.base, "second": self.second, "seed": self.seed}


@dataclass(frozen=True, slots=True)
class Morris:
    """Trajectories on a grid in which one number changes at a time. Morris (1991), doi:10.2307/1269043."""

    trajectories: int
    dimensions: int
    seed: int
    levels: int = 4

    @property
    def members(self) -> int:
        return self.trajectories * (self.dimensions + 1)

    @property
    def jump(self) -> float:
        """By how much a number changes: just over half of its range."""
        return self.levels / (2 * (self.levels - 1))

    def unit(self, first: int, stop: int) -> FloatArray:
        return _trajectories(self.trajectories, self.dimensions, self.seed, self.levels)[first:stop]

    def describe(self) -> Mapping[str, Any]:
        head = {"design": "morris", "trajectories": self.trajectories}
        return {**head, "levels": self.levels, "seed": self.seed}


@lru_cache(maxsize=1)
def _trajectories(count: int, dimensions: int, seed: int, levels: int) -> FloatArray:
    random, jump = np.random.default_rng(seed), levels / (2 * (levels - 1))
    low = random.integers(0, levels // 2, (count, dimensions)) / (levels - 1)
    up = random.integers(0, 2, (count, dimensions)).astype(bool)
    order = random.permuted(np.tile(np.arange(dimensions), (count, 1)), axis=1)
    when = np.argsort(order, axis=1)  # after which step each number has changed
    changed = np.arange(dimensions + 1)[np.newaxis, :, np.newaxis] > when[:, np.newaxis, :]
    points: FloatArray = low[:, np.newaxis, :] + jump * (changed == up[:, np.newaxis, :])
    return points.reshape(-1, dimensions)


@dataclass(frozen=True, slots=True)
class Factorial:
    """Every combination of evenly spaced levels, the last input changing fastest; ends included."""

    levels: tuple[int, ...]

    @property
    def members(self) -> int:
        return math.prod(self.levels)

    def unit(self, first: int, stop: int) -> FloatArray:
        digits = np.unravel_index(np.arange(first, stop), self.levels)
        return np.stack([d / max(n - 1, 1) for d, n in zip(digits, self.levels, strict=True)], axis=1)

    def describe(self) -> Mapping[str, Any]:
        return {"design": "factorial", "levels": list(self.levels)}


@dataclass(frozen=True, eq=False)
class Listed:
    """Values that are given, not drawn: ``values`` of shape (members, inputs), in the model's units."""

    values: FloatArray

    @property
    def members(self) -> int:
        return len(self.values)

    def unit(self, first: int, stop: int) -> FloatArray:
        """Return the values themselves; :func:`draw` takes them as they are."""
        return self.values[first:stop]

    def describe(self) -> Mapping[str, Any]:
        content = np.ascontiguousarray(self.values, dtype="<f8").tobytes()
        return {"design": "listed", "members": self.members, "sha256": hashlib.sha256(content).hexdigest()}


@dataclass(frozen=True, slots=True)
class Correlated:
    """Points of another design, made to rank together by a Gaussian copula: ``ranks`` holds Spearman correlations."""

    inner: MonteCarlo | LatinHypercube | SobolSequence
    ranks: tuple[tuple[float, ...], ...]

    @property
    def members(self) -> int:
        return self.inner.members

    def unit(self, first: int, stop: int) -> FloatArray:
        from scipy.special import ndtr, ndtri

        root = np.linalg.cholesky([[normal(rank) for rank in row] for row in self.ranks])
        plain = np.clip(self.inner.unit(first, stop), 2.0**-54, 1.0 - 2.0**-54)
        # Sums in a fixed order, which a matrix product does not promise: a member must not depend on its block.
        bell = np.asarray(ndtri(plain), dtype=np.float64)
        mixed = sum(bell[:, j, np.newaxis] * root[:, j] for j in range(root.shape[0]))
        return np.asarray(ndtr(mixed), dtype=np.float64)

    def describe(self) -> Mapping[str, Any]:
        return {**self.inner.describe(), "ranks": [list(row) for row in self.ranks]}


def draw(design: Design, factors: Sequence[Factor], first: int, stop: int) -> FloatArray:
    """Return the values of the inputs for members ``first`` to ``stop - 1``, in the model's units."""
    points = design.unit(first, stop)
    if isinstance(design, Listed):
        return np.array(points, dtype=np.float64)
    return np.stack([f.spread.at(points[:, j]) for j, f in enumerate(factors)], axis=1)


DESIGNS: Final = ("latin-hypercube", "monte-carlo", "sobol-sequence", "saltelli", "morris", "factorial")


def make(kind: str, samples: int, dimensions: int, seed: int, second: bool = True) -> Design:
    """Return a design by its name.

    ``samples`` are members, except for saltelli (base points) and morris (trajectories); a factorial design
    takes the largest number of levels with which it has no more members than that. ``second`` says whether
    saltelli provides for indices of pairs.

    Raises:
        ScenarioError: for an unknown design, or fewer than two samples.
    """
    if kind not in DESIGNS:
        cure = suggest(kind, DESIGNS) or f"The designs are {', '.join(DESIGNS)}."
        raise ScenarioError(Problem("design", f"there is no design '{kind}'", cure))
    if samples < 2:
        raise ScenarioError(Problem("design", f"{samples} samples say nothing", "Ask for 2 or more."))
    if kind == "factorial":
        levels = max(2, int(samples ** (1.0 / dimensions) + 1e-9))
        return Factorial((levels,) * dimensions)
    if kind == "latin-hypercube":
        return LatinHypercube(samples, dimensions, seed)
    if kind == "monte-carlo":
        return MonteCarlo(samples, dimensions, seed)
    if kind == "sobol-sequence":
        return SobolSequence(samples, dimensions, seed)
    return Saltelli(samples, dimensions, seed, second) if kind == "saltelli" else Morris(samples, dimensions, seed)


def correlate(design: Design, factors: Sequence[Factor], pairs: Mapping[tuple[str, str], float]) -> Design:
    """Return ``design`` with pairs of inputs ranking together, by Spearman correlations between -1 and 1.

    Pairs that are not named are independent, and so is what a correlation of 0 names.

    Raises:
        ScenarioError: for a design that can't be correlated, an unknown input, and correlations that
            contradict each other.
    """
    names = [key(factor.name) for factor in factors if not factor.switches]
    for names_of_pair, rank in pairs.items():
        unknown = [name for name in names_of_pair if key(name) not in names]
        if unknown:
            cure = suggest(unknown[0], [factor.name for factor in factors])
            raise ScenarioError(Problem("correlation", f"no input '{unknown[0]}' varies", cure))
        if not -1.0 < rank < 1.0 or key(names_of_pair[0]) == key(names_of_pair[1]):
            what = f"'{names_of_pair[0]}' and '{names_of_pair[1]}' can't rank by {rank:g}"
            cure = "Take two different inputs, and a number between -1 and 1."
            raise ScenarioError(Problem("correlation", what, cure))
    held = {pair(*both): float(rank) for both, rank in pairs.items() if rank}
    if not held:
        return design
    if not isinstance(design, MonteCarlo | LatinHypercube | SobolSequence):
        first, second = next(iter(held))
        what = f"this design needs independent inputs, and '{first}' ranks with '{second}'"
        cure = "Use latin-hypercube, monte-carlo or sobol-sequence (sensitivity: --kind pawn or regional); hold one"
        cure += f" of them with --set; or leave the correlation out: --correlate '{first}, {second}=0'."
        raise ScenarioError(Problem("correlation", what, cure))
    ranks = matrix([key(factor.name) for factor in factors], held)
    if not can_be(ranks):
        cure = "Weaken them: two inputs that rank with a third also rank with each other."
        raise ScenarioError(Problem("correlation", "the correlations contradict each other", cure))
    return Correlated(design, ranks)


def from_file(path: str | Path, factors: Sequence[Factor]) -> Listed:
    """Return the members that a CSV file lists: a header of input names, then a row for each member.

    Raises:
        ScenarioError: when it cannot be read, or does not name exactly the inputs that vary.
    """
    file = Path(path)
    try:
        with file.open(encoding="utf-8-sig") as stream:
            header = [name.strip().strip('"') for name in stream.readline().split(",")]
            values = np.loadtxt(stream, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise ScenarioError(Problem(str(file), f"the design cannot be read ({error})")) from error
    names = {fold(name): place for place, name in enumerate(header)}
    wanted = [fold(factor.name) for factor in factors]
    if sorted(names) != sorted(wanted) or values.shape[1:] != (len(wanted),) or not np.isfinite(values).all():
        cure = f"Its first line names the inputs: {json.dumps([factor.name for factor in factors])[1:-1]}."
        raise ScenarioError(Problem(str(file), "the file does not list one number for each input that varies", cure))
    return Listed(np.ascontiguousarray(values[:, [names[name] for name in wanted]]))
