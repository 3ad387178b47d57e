"""Which inputs rank together in ensembles: pairs of names with Spearman's correlation. It knows no model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final

from sdpolicy.scenario.elements import key
from sdpolicy.scenario.schema import Correlated

Pairs = Mapping[tuple[str, str], float]
"""Rank correlations by the keys of two inputs, in the order of the alphabet."""
LEAST: Final = 1e-9
"""What must be left of an input's variance once the others are known."""


def pair(first: str, second: str) -> tuple[str, str]:
    """Return two inputs as a key of :data:`Pairs`.

    >>> pair("Wage", "debt_maturity")
    ('debt maturity', 'wage')
    """
    one, other = sorted((key(first), key(second)))
    return one, other


def pairs_of(groups: Iterable[Correlated]) -> dict[tuple[str, str], float]:
    """Return every pair of inputs of every group."""
    return {pair(a, b): group.rank for group in groups for a, b in combinations(group.inputs, 2)}


def twice(groups: Iterable[Correlated]) -> tuple[int, tuple[str, str]] | None:
    """Return the first group that names a pair which an earlier one named, and that pair, or None."""
    seen: set[tuple[str, str]] = set()
    for number, group in enumerate(groups):
        for a, b in combinations(group.inputs, 2):
            if pair(a, b) in seen:
                return number, (a, b)
            seen.add(pair(a, b))
    return None


def matrix(names: Sequence[str], pairs: Pairs) -> tuple[tuple[float, ...], ...]:
    """Return rank correlations between all of ``names`` (keys): those of ``pairs``, and 0 for the others."""
    return tuple(tuple(1.0 if a == b else pairs.get(pair(a, b), 0.0) for b in names) for a in names)


def normal(rank: float) -> float:
    """Return the correlation of normal variables that rank by ``rank`` (Pearson 1907)."""
    return 2.0 * math.sin(math.pi / 6.0 * rank)


def can_be(ranks: Sequence[Sequence[float]]) -> bool:
    """Tell whether correlations agree with each other: whether there are normal variables that have them (Cholesky)."""
    root: list[list[float]] = []
    for i, row in enumerate(ranks):
        new: list[float] = []
        for j in range(i):
            known = sum(new[k] * root[j][k] for k in range(j))
            new.append((normal(row[j]) - known) / root[j][j])
        left = 1.0 - sum(value * value for value in new)
        if left < LEAST:
            return False
        root.append([*new, math.sqrt(left)])
    return True
