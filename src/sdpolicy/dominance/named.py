"""The loops that a theory names, found in the graph of the model, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sdpolicy.dominance.cycles import Loop, pairs, turned
from sdpolicy.dominance.graph import Graph, Link
from sdpolicy.errors import ModelError, Problem, suggest
from sdpolicy.program import fold
from sdpolicy.scenario.loops import SUFFIX, NamedLoop


def locate(graph: Graph, loops: Sequence[NamedLoop]) -> dict[Loop, NamedLoop]:
    """Return where each named loop runs in ``graph``; one that runs through a delay and past it has several ways.

    Raises:
        ModelError: for each pair of neighbours of a named loop that no link joins, with what exists instead.
    """
    paths = between(graph)
    known = {fold(graph.names[key]): key for key in sorted(graph.visible, reverse=True)}
    found: dict[Loop, NamedLoop] = {}
    problems: list[Problem] = []
    for loop in loops:
        place = f"{graph.lowered.program.name}{SUFFIX}, {loop.id}"
        unknown = [name for name in loop.variables if fold(name) not in known]
        for name in unknown:
            names = [graph.names[key] for key in graph.visible]
            problems.append(Problem(place, f"the model has no variable '{name}'", suggest(name, names)))
        if unknown:
            continue
        members = tuple(known[fold(name)] for name in loop.variables)
        missing = [pair for pair in pairs(members) if pair not in paths]
        problems += [_missing(graph, paths, place, pair) for pair in missing]
        if not missing and members:
            found |= {turned(whole): loop for whole in _ways(members, paths)}
    if problems:
        raise ModelError(problems)
    return found


def between(graph: Graph) -> dict[Link, list[tuple[str, ...]]]:
    """Return the links between what the model names: for each the ways through what it does not name."""
    ahead: dict[str, list[str]] = {}
    for source, target in graph.links:
        ahead.setdefault(source, []).append(target)
    found: dict[Link, list[tuple[str, ...]]] = {}
    for source in sorted(graph.visible & ahead.keys()):
        work: list[tuple[str, ...]] = [(source,)]
        while work:
            path = work.pop()
            for other in ahead.get(path[-1], ()):
                if other in graph.visible:
                    found.setdefault((source, other), []).append(path[1:])
                elif other not in path:
                    work.append((*path, other))
    return found


def _ways(members: Sequence[str], paths: Mapping[Link, list[tuple[str, ...]]]) -> Iterator[tuple[str, ...]]:
    """Yield every way round, hidden keys included."""
    ways: list[tuple[str, ...]] = [()]
    for pair in pairs(members):
        ways = [(*way, pair[0], *hidden) for way in ways for hidden in paths[pair]]
    yield from ways


def _missing(graph: Graph, paths: Mapping[Link, object], place: str, pair: Link) -> Problem:
    source, target = (graph.names[key] for key in pair)
    causes = sorted(graph.names[a] for a, b in paths if b == pair[1])
    effects = sorted(graph.names[b] for a, b in paths if a == pair[0])
    cure = f"'{target}' depends on {', '.join(causes) or 'nothing that varies'}; "
    cure += f"'{source}' acts on {', '.join(effects) or 'nothing'}."
    return Problem(place, f"'{source}' does not act on '{target}' directly", cure)
