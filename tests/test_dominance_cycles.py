"""Loops of graphs: counted, searched for, and the partitions that they fall into."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from sdpolicy.dominance.cycles import every_loop, pairs, partitions, strongest_loops, turned

Links = list[tuple[str, str]]


def random_links(seed: int, nodes: int = 7) -> Links:
    """Return a random graph, self-loops included."""
    random = np.random.default_rng(seed)
    return [(f"n{i}", f"n{j}") for i in range(nodes) for j in range(nodes) if random.random() < 0.3]


def by_trying(links: Links) -> set[tuple[str, ...]]:
    """Return all elementary loops by trying every order of every choice of nodes."""
    known = set(links)
    nodes = sorted({node for link in links for node in link})
    return {
        turned(path)
        for size in range(1, len(nodes) + 1)
        for path in permutations(nodes, size)
        if all(pair in known for pair in pairs(path))
    }


@pytest.mark.parametrize("seed", range(8))
def test_every_loop_is_found_once(seed: int) -> None:
    """The loops that are counted are those that trying every order finds, each once."""
    links = random_links(seed, 6)
    found = every_loop(links, 100_000)
    assert found is not None
    assert len(found) == len({turned(loop) for loop in found})
    assert {turned(loop) for loop in found} == by_trying(links)


def test_too_many_loops_are_not_counted() -> None:
    """Above the bound there is no list."""
    links = [(f"n{i}", f"n{j}") for i in range(9) for j in range(9) if i != j]
    assert every_loop(links, 1000) is None


def test_partitions_are_what_lies_on_loops_together() -> None:
    """Two loops that share a node are one partition; a node on no loop belongs to none."""
    links = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b"), ("c", "x"), ("y", "y")]
    assert partitions(links) == [frozenset("abc"), frozenset("y")]


@pytest.mark.parametrize("seed", range(5))
def test_search_finds_the_strongest_loop(seed: int) -> None:
    """The strongest loop through a start is always among those that the search finds."""
    links = random_links(seed + 20)
    random = np.random.default_rng(seed)
    scores = {link: random.uniform(0.1, 0.9, 1) for link in links}
    starts = sorted({node for link in links for node in link})
    found = strongest_loops(scores, starts, [0], 10_000)
    every = every_loop(links, 100_000)
    assert every is not None
    assert set(found) <= {turned(loop) for loop in every}
    best = max(every, key=lambda loop: float(np.prod([scores[pair][0] for pair in pairs(loop)])))
    assert turned(best) in found
