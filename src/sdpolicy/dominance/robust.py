"""Whether the same named loops lead in many members of an ensemble as in the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.backends import llvm
from sdpolicy.backends.base import FloatArray
from sdpolicy.dominance.cycles import Loop, pairs
from sdpolicy.dominance.found import named_loops
from sdpolicy.dominance.graph import build, unfold
from sdpolicy.dominance.links import link_scores
from sdpolicy.dominance.named import locate
from sdpolicy.dominance.run import History, every_step, history
from sdpolicy.ensemble.design import draw, make
from sdpolicy.ensemble.factors import factors_of
from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.lower import lower
from sdpolicy.results import label
from sdpolicy.scenario import Case, case
from sdpolicy.scenario.loops import NamedLoop
from sdpolicy.vensim import read_model

CHUNK: Final = 16
"""Members whose whole histories are in memory at a time."""


def robustness(source: str | Path | Case, members: int = 1000, seed: int = 0, width: float | None = None) -> xr.Dataset:
    """Score the named loops in many members, drawn over the ranges of the scenario (a Latin hypercube).

    Args:
        source: a scenario by name or path, or a case.
        members: how many.
        seed: equal seeds give equal members.
        width: let all other constants vary too, by this fraction up and down.

    Returns:
        A Dataset with ``leader`` over (member, time), the number of the loop with the largest absolute score
        among the named ones (-1 where none acts or the member is not finite), ``baseline`` over time, the
        leader of the run itself, and ``leads`` over (loop, time), the share of the finite members in which
        each loop leads.

    Raises:
        ScenarioError: when the model names no loops, or nothing varies.
    """
    chosen = case(source, read_model)
    names = named_loops(chosen)
    if not names:
        what = "the model names no loops, so that none can be followed from member to member"
        raise ScenarioError(Problem(chosen.program.name, what, f"List them in {chosen.program.name}.loops.toml."))
    lowered = lower(chosen.program)
    graph = build(lowered)
    routes = locate(graph, names)
    factors = factors_of(chosen, lowered, width=width)
    drawn = draw(make("latin-hypercube", members, len(factors), seed), factors, 0, members)
    rows = np.repeat(np.array(lowered.defaults)[np.newaxis], members + 1, axis=0)
    for factor, column in zip(factors, drawn.T, strict=True):
        rows[1:, factor.columns[0] : factor.columns[1]] = column[:, None]
    shown = unfold(lowered)
    kernel = llvm.ENGINE.compile(shown)
    outputs = [quantity.id for quantity in shown.program.quantities]
    grid = every_step(chosen.grid, None)
    time = np.array([grid.time(n) for n in range(grid.saved)])
    saved = slice(None, None, chosen.grid.every)
    leaders = np.full((members + 1, len(time[saved])), -1, dtype=np.int16)
    ids = [loop.id for loop in names]
    for first in range(0, members + 1, CHUNK):
        block = rows[first : first + CHUNK]
        found = kernel.run_many(block, grid, "euler", outputs)
        for n, values in enumerate(found.values):
            if n not in found.troubles:
                leaders[first + n] = _leader(history(graph, values, time), routes, ids)[saved]
    finite = (leaders[1:] >= 0).any(axis=1)
    leads = np.array([(leaders[1:][finite] == n).mean(axis=0) for n in range(len(ids))])
    bare = label(chosen, np.empty((chosen.grid.saved, 0)), engine="llvm", outputs=())
    return xr.Dataset(
        {
            "leader": (("member", "time"), leaders[1:]),
            "baseline": ("time", leaders[0]),
            "leads": (("loop", "time"), leads),
        },
        {"time": bare["time"], "loop": ids, "name": ("loop", [loop.name for loop in names])},
        {**bare.attrs, "members": members, "finite": int(finite.sum()), "seed": seed, "factors": len(factors)},
    )


def _leader(found: History, routes: Mapping[Loop, NamedLoop], ids: list[str]) -> NDArray[np.int16]:
    """Return, at every time, the number of the named loop with the largest absolute score, -1 where all are 0."""
    links = link_scores(found, dict.fromkeys(pair for loop in routes for pair in pairs(loop)))
    scores: FloatArray = np.zeros((len(ids), len(found.time)))
    for loop, named in routes.items():
        product = np.prod([links[pair] for pair in pairs(loop)], axis=0)
        scores[ids.index(named.id)] += product
    strength = np.abs(scores)
    return np.where(strength.max(axis=0) > 0, strength.argmax(axis=0), -1).astype(np.int16)
