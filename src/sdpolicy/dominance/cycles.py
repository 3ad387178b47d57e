"""Feedback loops of a graph: all of them where they can be counted, the strongest where they cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from sdpolicy.dominance.arithmetic import FloatArray
from sdpolicy.dominance.graph import Link

Loop = tuple[str, ...]
"""The keys round a loop, in causal order, the first of them the smallest."""
Neighbours = Mapping[str, Sequence[str]]


def partitions(links: Iterable[Link]) -> list[frozenset[str]]:
    """Return the cycle partitions: the sets of keys that lie on feedback loops with each other, largest first."""
    ahead = neighbours(links)
    found = [frozenset(part) for part in _components(ahead) if len(part) > 1 or part[0] in ahead[part[0]]]
    return sorted(found, key=lambda part: (-len(part), min(part)))


def neighbours(links: Iterable[Link]) -> dict[str, list[str]]:
    """Return what each key acts on."""
    ahead: dict[str, list[str]] = {}
    for source, target in links:
        ahead.setdefault(source, []).append(target)
        ahead.setdefault(target, [])
    return ahead


def _components(ahead: Neighbours) -> list[list[str]]:
    """Return the strongly connected components (Tarjan 1972, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    found: list[list[str]] = []
    for root in ahead:
        if root in number:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(ahead[root]))]
        number[root] = low[root] = len(number)
        stack.append(root)
        waiting.add(root)
        while work:
            node, rest = work[-1]
            fresh = next((other for other in rest if _unseen(other, node, number, low, waiting)), None)
            if fresh is not None:
                number[fresh] = low[fresh] = len(number)
                stack.append(fresh)
                waiting.add(fresh)
                work.append((fresh, iter(ahead[fresh])))
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
            if low[node] == number[node]:
                cut = stack.index(node)
                found.append(stack[cut:])
                waiting.difference_update(stack[cut:])
                del stack[cut:]
    return found


def _unseen(other: str, node: str, number: dict[str, int], low: dict[str, int], waiting: set[str]) -> bool:
    if other not in number:
        return True
    if other in waiting:
        low[node] = min(low[node], number[other])
    return False


def every_loop(links: Iterable[Link], most: int) -> list[Loop] | None:
    """Return every elementary loop, or None where there are more than ``most``.

    Johnson (1975), doi:10.1137/0204007: each loop is found once, from the first of its keys.
    """
    ahead = neighbours(links)
    found: list[Loop] = []
    for start in sorted(ahead):
        rest = {node: [other for other in others if other >= start] for node, others in ahead.items() if node >= start}
        part = next((set(part) for part in _components(rest) if start in part), set())
        if len(part) < 2 and start not in rest[start]:
            continue
        inside = {node: [other for other in rest[node] if other in part] for node in part}
        for loop in _loops_from(start, inside):
            found.append(loop)
            if len(found) > most:
                return None
    return found


def _loops_from(start: str, ahead: Neighbours) -> Iterator[Loop]:
    """Yield the elementary loops through ``start``."""
    path, blocked, closed = [start], {start}, set[str]()
    waiting: dict[str, set[str]] = {}
    work = [(start, list(ahead[start]))]
    while work:
        node, rest = work[-1]
        if rest:
            other = rest.pop()
            if other == start:
                yield tuple(path)
                closed.update(path)
            elif other not in blocked:
                path.append(other)
                work.append((other, list(ahead[other])))
                closed.discard(other)
                blocked.add(other)
            continue
        if node in closed:
            _release(node, blocked, waiting)
        else:
            for other in ahead[node]:
                waiting.setdefault(other, set()).add(node)
        work.pop()
        path.pop()


def _release(node: str, blocked: set[str], waiting: dict[str, set[str]]) -> None:
    free = [node]
    while free:
        node = free.pop()
        if node in blocked:
            blocked.discard(node)
            free.extend(waiting.pop(node, ()))


def strongest_loops(
    scores: Mapping[Link, FloatArray], starts: Sequence[str], times: Sequence[int], most: int, steps: int = 2_000
) -> list[Loop]:
    """Return the loops that a search along the strongest links finds.

    From each start and at each of ``times`` the search follows links from strong to weak and turns back
    where it has been by a stronger way. Eberlein & Schoenberg (2020), arXiv:2006.08425. It finds nearly all
    strong loops, not every one.

    Args:
        scores: of the links inside one partition.
        starts: the states of the partition.
        times: positions along the score columns.
        most: how many loops to gather; the search ends there.
        steps: how many links one search may follow.
    """
    links = list(scores)
    sizes = np.abs(np.array([scores[link] for link in links]))
    found: dict[Loop, None] = {}
    for time in times:
        ahead: dict[str, list[tuple[float, str]]] = {}
        for (source, target), size in zip(links, sizes[:, time].tolist(), strict=True):
            if size > 0.0:
                ahead.setdefault(source, []).append((size, target))
        for listed in ahead.values():
            listed.sort(reverse=True)
        for start in starts:
            found |= dict.fromkeys(_search(start, ahead, steps))
        if len(found) > most:
            break
    return list(found)[:most]


def _search(start: str, ahead: Mapping[str, list[tuple[float, str]]], steps: int) -> Iterator[Loop]:
    best: dict[str, float] = {start: 0.0}
    path, inside = [start], {start}
    work = [(1.0, iter(ahead.get(start, ())))]
    while work and steps > 0:
        strength, rest = work[-1]
        size, other = next(rest, (0.0, ""))
        if not other:
            work.pop()
            inside.discard(path.pop())
            continue
        steps -= 1
        reached = strength * size
        if other == start:
            yield turned(path)
        elif other not in inside and reached > best.get(other, 0.0):
            best[other] = reached
            path.append(other)
            inside.add(other)
            work.append((reached, iter(ahead.get(other, ()))))


def turned(path: Sequence[str]) -> Loop:
    """Return a loop written from its smallest key on, so that equal loops are equal."""
    first = min(range(len(path)), key=path.__getitem__)
    return (*path[first:], *path[:first])


def pairs(loop: Sequence[str]) -> list[Link]:
    """Return the links round a loop.

    >>> pairs(("a", "b", "c"))
    [('a', 'b'), ('b', 'c'), ('c', 'a')]
    """
    return list(zip(loop, (*loop[1:], loop[0]), strict=True))
