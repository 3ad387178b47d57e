"""Eigenvalues along a run: the exact Jacobian, and how much each link and loop moves the dominant eigenvalues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.dominance.arithmetic import FloatArray, evaluate
from sdpolicy.dominance.basis import independent_loops
from sdpolicy.dominance.cycles import Loop, pairs, partitions
from sdpolicy.dominance.derivatives import derivative
from sdpolicy.dominance.found import acting_loops, visible_members
from sdpolicy.dominance.graph import Link
from sdpolicy.dominance.named import locate
from sdpolicy.dominance.run import History, record
from sdpolicy.errors import Problem, SimulationError
from sdpolicy.expression import references
from sdpolicy.results import label
from sdpolicy.scenario import Case, case
from sdpolicy.vensim import read_model

ComplexArray = NDArray[np.complex128]
DATES = 200
"""At how many times, at most, eigenvalues are computed."""
NONE = 1e-12
"""An eigenvalue smaller than this is 0, and has no elasticity."""


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

    Looked at are the stocks of the largest cycle partition, those that drive each other; a stock that follows its
    own law beside them (a world market that grows at a given rate) has an eigenvalue that says nothing of them.

    The elasticity of an eigenvalue to a link is the relative change of the eigenvalue for a relative change of
    the link's gain; its influence is the change of the growth rate itself, the real part. Loops get theirs by
    splitting those of the links over a set of independent loops, the named ones first:
    Kampmann (2012), doi:10.1002/sdr.483; Oliva (2016), doi:10.1002/sdr.1560. Another set would split otherwise.

    Args:
        source: a scenario or model by name or path, or a case.
        dominant: how many eigenvalues, those of largest real part, to explain.

    Returns:
        A Dataset over ``time``: ``growth_rate`` and ``frequency`` (real and imaginary part, per unit of time) over
        (eigenvalue, time), the greatest growth rate first; ``link_elasticity`` (absolute value) and
        ``link_influence`` over (mode, link, time); ``loop_elasticity`` (real part) and ``loop_influence`` over
        (mode, loop, time). A named loop has its ``name``.

    Raises:
        SimulationError: when the model has no feedback, or a value is not finite.
    """
    chosen = case(source, read_model)
    history = record(chosen)
    rows = np.unique(np.linspace(0, len(history.time) - 1, DATES).astype(int))
    linear = linearize(history, rows)
    part = next(iter(partitions(link for link, gain in linear.gains.items() if gain.any())), frozenset())
    inside = [link for link, gain in linear.gains.items() if gain.any() and part.issuperset(link)]
    states = [n for n, state in enumerate(linear.states) if state in part]
    if not states:
        raise SimulationError(Problem(chosen.program.name, "no stock acts on itself or on another that acts back"))
    values, left, right = decompose(linear.jacobian[:, states][:, :, states])
    named = locate(history.graph, acting_loops(chosen))
    loops = independent_loops(inside, list(named))
    modes = range(min(dominant, len(states)))
    moved = np.array([link_influences(linear, inside, *_spread(linear, states, left, right, k)) for k in modes])
    split = np.array([split_over_loops(inside, loops, of_links) for of_links in moved])
    names = history.graph.names
    found = _labelled(values, moved, split, f"1/{history.graph.lowered.by_id['time_step'].unit or 'time'}")
    bare = label(chosen, np.empty((chosen.grid.saved, 0)), engine="llvm", outputs=())
    found = found.assign_coords(
        time=("time", linear.time, bare["time"].attrs),
        link=[f"{names[a]} → {names[b]}" for a, b in inside],
        loop=[f"{n + 1} {around(visible_members(history.graph, loop))}" for n, loop in enumerate(loops)],
        name=("loop", [named[loop].label if loop in named else "" for loop in loops]),
    )
    return found.assign_attrs(
        {**bare.attrs, "method": "euler", "stocks": len(states), "all_stocks": len(linear.states)}
    )


def _labelled(values: ComplexArray, moved: ComplexArray, split: ComplexArray, rate: str) -> xr.Dataset:
    """Return eigenvalues (times, n), and what links and loops do to some of them (modes, links, times), by name."""
    scale = np.where(np.abs(values) > NONE, values, np.inf).T[: len(moved), None]
    return xr.Dataset(
        {
            "growth_rate": (("eigenvalue", "time"), values.real.T, {"long_name": "real part", "units": rate}),
            "frequency": (("eigenvalue", "time"), values.imag.T, {"long_name": "imaginary part", "units": rate}),
            "link_elasticity": (("mode", "link", "time"), np.abs(moved / scale)),
            "link_influence": (("mode", "link", "time"), moved.real, {"units": rate}),
            "loop_elasticity": (("mode", "loop", "time"), (split / scale).real),
            "loop_influence": (("mode", "loop", "time"), split.real, {"units": rate}),
        },
        {"eigenvalue": np.arange(values.shape[1]), "mode": np.arange(len(moved))},
    )


def around(members: Sequence[str]) -> str:
    """Return a loop by the names that it runs through; one name alone returns to itself."""
    return " → ".join(members) if len(members) > 1 else f"{''.join(members)} ↺"


def _spread(
    linear: Linear, states: Sequence[int], left: ComplexArray, right: ComplexArray, mode: int
) -> tuple[ComplexArray, ComplexArray]:
    """Return a left and a right eigenvector over all states, 0 outside the partition."""
    both = np.zeros((2, len(linear.time), len(linear.states)), dtype=np.complex128)
    both[0][:, states], both[1][:, states] = left[:, :, mode], right[:, :, mode]
    return both[0], both[1]


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


def link_influences(linear: Linear, links: Sequence[Link], left: ComplexArray, right: ComplexArray) -> ComplexArray:
    """Return what one eigenvalue changes by for a relative change of each link's gain, of shape (links, times)."""
    upstream = {key: (reached * right).sum(axis=1) for key, reached in linear.forward.items()}
    downstream: dict[str, ComplexArray] = {}
    ahead: dict[str, list[str]] = {}
    for source, target in linear.gains:
        ahead.setdefault(source, []).append(target)
    place = {state: n for n, state in enumerate(linear.states)}
    for key in reversed(tuple(linear.history.graph.bodies)):
        weight = np.zeros(len(linear.time), dtype=np.complex128)
        for target in ahead.get(key, ()):
            beyond = left[:, place[target]] if target in place else downstream.get(target)
            if beyond is not None:
                weight = weight + linear.gains[key, target] * beyond
        downstream[key] = weight
    result = np.zeros((len(links), len(linear.time)), dtype=np.complex128)
    for n, (source, target) in enumerate(links):
        beyond = left[:, place[target]] if target in place else downstream[target]
        result[n] = linear.gains[source, target] * upstream[source] * beyond
    return result


def split_over_loops(links: Sequence[Link], loops: Sequence[Loop], of_links: ComplexArray) -> ComplexArray:
    """Split what links do over loops: each link's part is the sum of those of the loops through it."""
    if not loops:
        return np.zeros((0, of_links.shape[1]), dtype=np.complex128)
    place = {link: n for n, link in enumerate(links)}
    through = np.zeros((len(links), len(loops)))
    for n, loop in enumerate(loops):
        for pair in pairs(loop):
            through[place[pair], n] = 1.0
    solved = np.linalg.lstsq(through.astype(np.complex128), of_links, rcond=None)[0]
    return np.asarray(solved, dtype=np.complex128)
