"""The loops of one run: found in its graph, and their scores as a table of loops by times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.dominance.arithmetic import FloatArray
from sdpolicy.dominance.cycles import Loop, every_loop, pairs, partitions, strongest_loops, turned
from sdpolicy.dominance.graph import Graph, Link
from sdpolicy.dominance.links import Version, link_scores
from sdpolicy.dominance.named import locate
from sdpolicy.dominance.run import History
from sdpolicy.program import fold
from sdpolicy.scenario import Case
from sdpolicy.scenario.loops import NamedLoop, read_loops

MOST: Final = 20_000
"""Up to this many loops all are counted; above, the strongest are searched for."""
SEARCHED: Final = 5_000
"""How many loops the search for the strongest gathers."""
DATES: Final = 30
"""At how many times the strongest loops are searched for."""
EMPTY: Final = 1e-12
"""A partition whose absolute scores add up to less than this has no feedback at that time, only rounding."""
CHUNK: Final = 1024


@dataclass(frozen=True)
class Found:
    """The loops of one run, and the scores of the links they are made of."""

    history: History
    links: Mapping[Link, FloatArray]
    loops: tuple[Loop, ...]
    partitions: tuple[frozenset[str], ...]
    named: Mapping[Loop, NamedLoop]
    complete: bool
    """Whether these are all loops whose links ever carried anything."""


def named_loops(case: Case) -> tuple[NamedLoop, ...]:
    """Return the loops that the file beside the case's model names."""
    return read_loops(Path(case.program.source)) if case.program.source else ()


def acting_loops(case: Case) -> tuple[NamedLoop, ...]:
    """Return the named loops that the scenario leaves whole: those without a link that it cuts or gives a path to."""
    return tuple(loop for loop in named_loops(case) if not broken_by(case, loop))


def broken_by(case: Case, loop: NamedLoop) -> str:
    """Return what the scenario does to a loop so that it does not run round any more, or an empty text."""
    around = [(fold(a), fold(b)) for a, b in pairs(loop.variables)]
    for item in case.applied:
        if item.kind == "cut" and (fold(item.value["from"]), fold(item.value["to"])) in around:
            return f"the scenario cuts {item.name}"
        if item.kind == "path" and fold(item.name) in {target for _, target in around}:
            return f"the scenario gives '{item.name}'"
    return ""


def find_loops(
    history: History, names: Sequence[NamedLoop] = (), *, version: Version = "2023", most: int = MOST
) -> Found:
    """Return the loops of ``history`` whose links ever carried anything, and those that are named.

    Raises:
        ModelError: when a named loop does not exist.
    """
    graph = history.graph
    links = link_scores(history, version=version)
    named = locate(graph, names)
    parts = tuple(partitions(links))
    place = {key: number for number, part in enumerate(parts) for key in part}
    inside = {link: s for link, s in links.items() if link[0] in place and place[link[0]] == place.get(link[1])}
    live = {link: s for link, s in inside.items() if s.any()}
    loops = every_loop(live, most)
    complete = loops is not None
    if loops is None:
        times = np.unique(np.linspace(1, len(history.time) - 1, DATES).astype(int)).tolist()
        loops = []
        for part in parts:
            within = {link: s for link, s in live.items() if link[0] in part}
            loops += strongest_loops(within, sorted(part & set(graph.states)), times, SEARCHED)
    # A loop that the model names nothing of is the inside of a SMOOTH or DELAY, which counts as a link.
    real = (turned(loop) for loop in loops if not graph.visible.isdisjoint(loop))
    everything = dict.fromkeys((*real, *named))
    return Found(history, inside, tuple(everything), parts, named, complete)


class Table:
    """Scores of all loops at every ``every``-th step, computed in pieces, so that memory stays bounded."""

    def __init__(self, found: Found, every: int = 1) -> None:
        self.found = found
        self.time = found.history.time[::every]
        place = {link: number for number, link in enumerate(found.links)}
        self.links = np.array([*(s[::every] for s in found.links.values()), np.ones(len(self.time))])
        longest = max(map(len, found.loops), default=1)
        self.route = np.full((len(found.loops), longest), len(place))
        for number, loop in enumerate(found.loops):
            self.route[number, : len(loop)] = [place[link] for link in pairs(loop)]
        home = {key: number for number, part in enumerate(found.partitions) for key in part}
        self.partition = np.array([home[loop[0]] for loop in found.loops], dtype=int)
        states = set(found.history.graph.states)
        passed = [turned([key for key in loop if key in states]) for loop in found.loops]
        self.families = list(dict.fromkeys(passed))
        number_of = {family: number for number, family in enumerate(self.families)}
        self.family = np.array([number_of[family] for family in passed], dtype=int)
        self.family_partition = np.array([home[family[0]] for family in self.families], dtype=int)

    def scores(self, rows: Sequence[int] | NDArray[np.intp]) -> FloatArray:
        """Return the scores of the loops ``rows``, of shape (loops, times)."""
        route = self.route[np.asarray(rows, dtype=int)]
        product = np.ones((len(route), len(self.time)))
        for column in route.T:
            product *= self.links[column]
        return product

    @cached_property
    def _sums(self) -> tuple[FloatArray, FloatArray]:
        totals = np.zeros((len(self.found.partitions), len(self.time)))
        families = np.zeros((len(self.families), len(self.time)))
        for rows in self._pieces():
            scores = self.scores(rows)
            np.add.at(totals, self.partition[rows], np.abs(scores))
            np.add.at(families, self.family[rows], scores)
        return totals, families

    def _pieces(self) -> list[NDArray[np.intp]]:
        return [np.arange(n, min(n + CHUNK, len(self.family))) for n in range(0, len(self.family), CHUNK)]

    @property
    def family_scores(self) -> FloatArray:
        """The sum of the scores of each family's loops."""
        return self._sums[1]

    def relative(self, rows: Sequence[int] | NDArray[np.intp]) -> FloatArray:
        """Return the scores of the loops ``rows`` as fractions of their partition's absolute scores."""
        rows = np.asarray(rows, dtype=int)
        return _fraction(self.scores(rows), self._sums[0][self.partition[rows]])

    @cached_property
    def family_relative(self) -> FloatArray:
        """The scores of all families as fractions of the absolute family scores of their partition."""
        totals = np.zeros((len(self.found.partitions), len(self.time)))
        np.add.at(totals, self.family_partition, np.abs(self.family_scores))
        return _fraction(self.family_scores, totals[self.family_partition])

    @cached_property
    def shares(self) -> FloatArray:
        """The mean absolute relative score of every loop."""
        share = np.zeros(len(self.family))
        for rows in self._pieces():
            share[rows] = np.abs(self.relative(rows)).mean(axis=1)
        return share

    def order(self) -> NDArray[np.intp]:
        """Return the loops by their mean absolute share, the greatest first.

        A loop that is alone in its partition has all of it whatever it does, so such loops come after those
        that others compete with.
        """
        return _ranked(self.shares, self.partition)

    def family_order(self) -> NDArray[np.intp]:
        """Return the families in the same way."""
        share = np.abs(self.family_relative).mean(axis=1) if len(self.families) else np.zeros(0)
        return _ranked(share, self.family_partition)

    def rest(self, kept: NDArray[np.intp]) -> FloatArray:
        """Return, for each partition, the share of the loops that are not in ``kept``."""
        totals = self._sums[0]
        shares = np.zeros_like(totals)
        np.add.at(shares, self.partition[kept], np.abs(self.relative(kept)))
        return np.where(totals > EMPTY, np.maximum(1.0 - shares, 0.0), 0.0)


def _fraction(scores: FloatArray, totals: FloatArray) -> FloatArray:
    result: FloatArray = np.where(totals > EMPTY, scores / np.where(totals > EMPTY, totals, 1.0), 0.0)
    return result


def _ranked(share: FloatArray, partition: NDArray[np.intp]) -> NDArray[np.intp]:
    mates = np.bincount(partition, minlength=1)[partition] if len(partition) else partition
    return np.lexsort((-share, mates < 2))


def visible_members(graph: Graph, loop: Sequence[str]) -> tuple[str, ...]:
    """Return the names that the model gives to what a loop runs through, from its first stock on."""
    first = next((n for n, key in enumerate(loop) if key in graph.visible and key in graph.states), 0)
    return tuple(graph.names[key] for key in (*loop[first:], *loop[:first]) if key in graph.visible)
