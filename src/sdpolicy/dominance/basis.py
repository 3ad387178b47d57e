"""A set of independent loops of a graph: few enough to be listed where all loops cannot be counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from sdpolicy.dominance.arithmetic import FloatArray
from sdpolicy.dominance.cycles import Loop, Neighbours, neighbours, pairs, partitions, turned
from sdpolicy.dominance.graph import Link

SMALL: Final = 1e-9


def independent_loops(links: Collection[Link], first: Sequence[Loop] = ()) -> list[Loop]:
    """Return independent loops that together make up every circulation: links less keys plus 1, in each partition.

    What each link carries can be split over them in one way. Those of ``first`` come first, as far as they are
    independent; then the shortest loop through each link, the short ones first (Oliva 2004, doi:10.1002/sdr.298);
    then what is still missing. Another set would split otherwise.
    """
    chosen: list[Loop] = []
    for part in partitions(links):
        inside = [link for link in links if link[0] in part and link[1] in part]
        own = [loop for loop in first if set(pairs(loop)) <= set(inside)]
        chosen += _independent(inside, own, len(inside) - len(part) + 1)
    return chosen


def _independent(links: Sequence[Link], first: Sequence[Loop], wanted: int) -> list[Loop]:
    place = {link: n for n, link in enumerate(links)}
    span = np.zeros((0, len(links)))
    chosen: list[Loop] = []
    for loop in _candidates(links, first):
        if len(chosen) == wanted:
            break
        row = np.zeros(len(links))
        row[[place[pair] for pair in pairs(loop)]] = 1.0
        fresh = _beyond(span, row)
        if fresh is not None:
            span = np.vstack((span, fresh))
            chosen.append(loop)
    return chosen


def _beyond(span: FloatArray, row: FloatArray) -> FloatArray | None:
    """Return the direction of ``row`` that orthonormal rows do not have, or None when there is none."""
    rest = row - span.T @ (span @ row)
    rest = rest - span.T @ (span @ rest)
    length = float(np.linalg.norm(rest))
    return rest / length if length > SMALL * float(np.linalg.norm(row)) else None


def _candidates(links: Sequence[Link], first: Sequence[Loop]) -> Iterator[Loop]:
    yield from first
    ahead = neighbours(links)
    shortest = {turned(_way(ahead, target, {source})) for source, target in links}
    yield from sorted(shortest, key=lambda loop: (len(loop), loop))
    yield from _ears(links, ahead)


def _ears(links: Sequence[Link], ahead: Neighbours) -> Iterator[Loop]:
    """Yield loops that span all circulations: each closes a way out of what was covered before, and back into it."""
    covered, known = {links[0][0]}, set[Link]()
    while True:
        link = next((link for link in links if link not in known and link[0] in covered), None)
        if link is None:
            return
        out = (link[0], *_way(ahead, link[1], covered))
        back = _way(neighbours(known), out[-1], {out[0]}) if out[-1] != out[0] else (out[0],)
        known.update(pairwise(out))
        covered.update(out)
        yield turned((*out[:-1], *back[:-1]) if out[-1] != out[0] else out[:-1])


def _way(ahead: Neighbours, start: str, goal: Collection[str]) -> tuple[str, ...]:
    """Return a shortest way from ``start`` to the first key of ``goal``, both included."""
    before: dict[str, str] = {start: ""}
    queue = deque([start])
    while queue:
        key = queue.popleft()
        if key in goal:
            way = [key]
            while before[way[-1]]:
                way.append(before[way[-1]])
            return tuple(reversed(way))
        for other in ahead[key]:
            if other not in before:
                before[other] = key
                queue.append(other)
    raise ValueError(start)  # no way back: these links are not of one partition
