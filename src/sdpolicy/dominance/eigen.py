"""Eigenvalues along a run: the exact Jacobian, and how much each link and loop moves the dominant eigenvalues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.dominance.arithmetic import FloatArray, evaluate
from sdpolicy.dominance.cycles import Loop, every_loop, pairs, partitions
from sdpolicy.dominance.derivatives import derivative
from sdpolicy.dominance.found import visible_members
from sdpolicy.dominance.graph import Link
from sdpolicy.dominance.run import History, record
from sdpolicy.expression import references
from sdpolicy.results import label
from sdpolicy.scenario import Case, case
from sdpolicy.vensim import read_model

ComplexArray = NDArray[np.complex128]
DATES = 200
"""At how many times, at most, eigenvalues are computed."""


@dataclass(frozen=True)
class Linear:
    """A run made linear around each of its times.

    ``gains`` are the partial derivatives of every link, of shape (times,); ``jacobian`` that of the flows of
    ``states`` by the states, of shape (times, states, states).
    """

    history: History
    time: FloatArray
    states: tuple[str, ...]
    gains: Mapping[Link, FloatArray]
    jacobian: FloatArray
    forward: Mapping[str, FloatArray]
    """For each key its derivatives by all states, of shape (times, states)."""


def linearize(history: History, rows: NDArray[np.intp] | None = None) -> Linear:
    """Return the exact linear model around each time of a run.

    The derivatives are those of the model's equations, not differences. Memories and delay lines, which change
    once a step, count as held.

    Args:
        rows: positions of the times, by default all.
    """
    graph = history.graph
    picked = np.arange(len(history.time)) if rows is None else rows
    time = history.time[picked]
    values = {key: column[picked] if np.ndim(column) else column for key, column in history.values.items()
              for column in [np.asarray(column)]}  # fmt: skip
    states = tuple(graph.flows)
    gains: dict[Link, FloatArray] = {}
    forward = {state: np.zeros((len(time), len(states))) for state in states}
    for n, state in enumerate(states):
        forward[state][:, n] = 1.0
    with np.errstate(all="ignore"):
        for key, body in graph.bodies.items():
            reached = np.zeros((len(time), len(states)))
            for source in sorted(references(body) & forward.keys()):
                node, slopes = derivative(body, source, history.curves)
                gain = np.asarray(evaluate(node, values, {**history.curves, **slopes}), dtype=np.float64)
                gains[source, key] = np.nan_to_num(np.broadcast_to(gain, time.shape), posinf=0.0, neginf=0.0)
                reached = reached + gains[source, key][:, None] * forward[source]
            forward[key] = reached
    jacobian = np.zeros((len(time), len(states), len(states)))
    for n, state in enumerate(states):
        for key, sign in graph.flows[state]:
            if key in forward:
                gains[key, state] = np.full(len(time), float(sign))
                jacobian[:, n, :] += sign * forward[key]
    return Linear(history, time, states, gains, jacobian, forward)


def eigenvalues(source: str | Path | Case, dominant: int = 3) -> xr.Dataset:
    """Return the eigenvalues of a run over time, and what moves the dominant ones.

    The elasticity of an eigenvalue to a link is the relative change of the eigenvalue for a relative change of
    the link's gain. Loops get theirs by splitting those of the links over a set of independent loops, the
    shortest ones: Kampmann (2012), doi:10.1002/sdr.483; Oliva (2016), doi:10.1002/sdr.1560.

    Args:
        source: a scenario or model by name or path, or a case.
        dominant: how many eigenvalues, those of largest real part, to explain.

    Returns:
        A Dataset over ``time``: ``growth_rate`` and ``frequency`` (real and imaginary part) over (eigenvalue,
        time), the greatest growth rate first; ``link_elasticity`` (absolute value) over (mode, link, time) and
        ``loop_elasticity`` (real part) over (mode, loop, time).
    """
    chosen = case(source, read_model)
    history = record(chosen)
    rows = np.unique(np.linspace(0, len(history.time) - 1, DATES).astype(int))
    linear = linearize(history, rows)
    values, left, right = decompose(linear.jacobian)
    graph = history.graph
    parts = partitions(linear.gains)
    inside = [link for link in linear.gains if any(link[0] in part and link[1] in part for part in parts)]
    loops = independent_loops(inside)
    modes = min(dominant, len(linear.states))
    links = np.array([link_elasticities(linear, inside, values[:, k], left[:, :, k], right[:, :, k])
                      for k in range(modes)])  # fmt: skip
    shares = np.array([loop_elasticities(inside, loops, links[k]) for k in range(modes)])
    bare = label(chosen, np.empty((chosen.grid.saved, 0)), engine="llvm", outputs=())
    members = [" → ".join(visible_members(graph, loop)) for loop in loops]
    return xr.Dataset(
        {
            "growth_rate": (("eigenvalue", "time"), values.real.T, {"long_name": "real part of the eigenvalue"}),
            "frequency": (("eigenvalue", "time"), values.imag.T, {"long_name": "imaginary part of the eigenvalue"}),
            "link_elasticity": (("mode", "link", "time"), np.abs(links)),
            "loop_elasticity": (("mode", "loop", "time"), shares.real),
        },
        {
            "time": ("time", linear.time),
            "eigenvalue": np.arange(len(linear.states)),
            "mode": np.arange(modes),
            "link": [f"{graph.names[a]} → {graph.names[b]}" for a, b in inside],
            "loop": [f"{n + 1} {text}" for n, text in enumerate(members)],
        },
        {**bare.attrs, "method": "euler"},
    )


def decompose(jacobian: FloatArray) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """Return the eigenvalues by real part, of shape (times, n), and the left and right eigenvectors as columns.

    The left ones are scaled so that their product with the right ones is 1.
    """
    values, right = np.linalg.eig(jacobian)
    order = np.lexsort((-values.imag, -values.real), axis=-1)
    values = np.take_along_axis(values, order, axis=1).astype(np.complex128)
    right = np.take_along_axis(right, order[:, None, :], axis=2).astype(np.complex128)
    left = np.linalg.pinv(right).transpose(0, 2, 1)
    return values, left, right


def link_elasticities(
    linear: Linear, links: Sequence[Link], value: ComplexArray, left: ComplexArray, right: ComplexArray
) -> ComplexArray:
    """Return the elasticity of one eigenvalue to each link, of shape (links, times)."""
    upstream = {key: (reached * right).sum(axis=1) for key, reached in linear.forward.items()}
    downstream: dict[str, ComplexArray] = {}
    ahead: dict[str, list[str]] = {}
    for source, target in linear.gains:
        ahead.setdefault(source, []).append(target)
    place = {state: n for n, state in enumerate(linear.states)}
    for key in reversed(tuple(linear.history.graph.bodies)):
        weight = np.zeros(len(value), dtype=np.complex128)
        for target in ahead.get(key, ()):
            beyond = left[:, place[target]] if target in place else downstream.get(target)
            if beyond is not None:
                weight = weight + linear.gains[key, target] * beyond
        downstream[key] = weight
    result = np.zeros((len(links), len(value)), dtype=np.complex128)
    scale = np.where(np.abs(value) > 1e-12, value, np.inf)
    for n, (source, target) in enumerate(links):
        beyond = left[:, place[target]] if target in place else downstream[target]
        result[n] = linear.gains[source, target] * upstream[source] * beyond / scale
    return result


def independent_loops(links: Sequence[Link], most: int = 5_000) -> list[Loop]:
    """Return a set of independent loops, short ones first, that together use every link that lies on a loop.

    Oliva (2004), doi:10.1002/sdr.298. Where there are more than ``most`` loops, there is none: an empty list.
    """
    every = every_loop(links, most)
    if every is None:
        return []
    chosen: list[Loop] = []
    used: set[Link] = set()
    for loop in sorted(every, key=lambda item: (len(item), item)):
        if not used.issuperset(pairs(loop)):
            chosen.append(loop)
            used.update(pairs(loop))
    return chosen


def loop_elasticities(links: Sequence[Link], loops: Sequence[Loop], elasticities: ComplexArray) -> ComplexArray:
    """Split the elasticities of links over loops: each link's is the sum of those of the loops through it."""
    if not loops:
        return np.zeros((0, elasticities.shape[1]), dtype=np.complex128)
    place = {link: n for n, link in enumerate(links)}
    through = np.zeros((len(links), len(loops)))
    for n, loop in enumerate(loops):
        for pair in pairs(loop):
            through[place[pair], n] = 1.0
    solved = np.linalg.lstsq(through.astype(np.complex128), elasticities, rcond=None)[0]
    return np.asarray(solved, dtype=np.complex128)
