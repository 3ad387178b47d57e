"""Whether the same named loops lead in many members of an ensemble, and with half the step, as in the run itself."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.backends import llvm
from sdpolicy.backends.base import FloatArray
from sdpolicy.dominance.cycles import Loop, pairs
from sdpolicy.dominance.found import acting_loops
from sdpolicy.dominance.graph import build, unfold
from sdpolicy.dominance.links import link_scores
from sdpolicy.dominance.named import locate
from sdpolicy.dominance.phases import Phase
from sdpolicy.dominance.run import every_step, history
from sdpolicy.ensemble.design import draw
from sdpolicy.ensemble.factors import factors_of, fill
from sdpolicy.ensemble.study import Sampling, Variation, design_of
from sdpolicy.errors import Problem, ScenarioError, SimulationError
from sdpolicy.integrators import Grid
from sdpolicy.lower import Lowered, lower
from sdpolicy.results import label
from sdpolicy.scenario import Case, case
from sdpolicy.vensim import read_model

CHUNK: Final = 16
"""Members whose whole histories are in memory at a time."""
MOST: Final = 0.5
"""More than this fraction of a phase is most of it."""
Leaders = tuple[NDArray[np.int16], NDArray[np.int8]]
"""Who leads (the number of a named loop, or -1) and the sign of its score, of shape (members, times)."""
Watch = Callable[[int, int], None]
"""Called with the members that are done and those there are."""


@dataclass(frozen=True, slots=True)
class Work:
    """Who computes: this process, or several of this machine. The numbers are the same."""

    workers: int = 1
    watch: Watch | None = None


@dataclass(frozen=True)
class _Task:
    """What any process can carry out: named loops to be followed through runs of a model."""

    lowered: Lowered
    grid: Grid
    routes: Mapping[Loop, int]
    count: int
    every: int


_HERE: Final = Work()


def robustness(
    source: str | Path | Case, members: int = 1000, seed: int = 0, width: float | None = None, work: Work = _HERE
) -> xr.Dataset:
    """Score the named loops in many members, drawn over the ranges of the scenario (a Latin hypercube).

    Args:
        source: a scenario by name or path, or a case.
        members: how many.
        seed: equal seeds give equal members.
        width: let all other constants vary too, by this fraction up and down.
        work: in how many processes, and who watches.

    Returns:
        A Dataset with ``leader`` over (member, time), the number of the loop with the largest absolute score
        among the named ones (-1 where none acts or the member is not finite), ``sign`` likewise, whether it
        reinforces (1) or balances (-1), ``leads`` over (loop, time), the share of the finite members in which
        each loop leads, and over time ``reinforcing``, the share in which what leads reinforces, ``baseline``,
        the leader of the run itself, and ``halved``, its leader with half the step.

    Raises:
        ScenarioError: when the model names no loops, or nothing varies.
        SimulationError: when processes die.
    """
    chosen = case(source, read_model)
    task, ids, names = _task(chosen)
    factors = factors_of(chosen, task.lowered, width=width)
    design = design_of(chosen, Sampling("latin-hypercube", members, seed), Variation(width=width), factors)
    rows = np.repeat(np.array(task.lowered.defaults)[np.newaxis], members, axis=0)
    fill(rows, factors, draw(design, factors, 0, members), task.lowered.defaults)
    own = np.array(task.lowered.defaults)[np.newaxis]
    half = replace(task, grid=every_step(chosen.grid, chosen.grid.step / 2), every=2 * task.every)
    baseline, halved = (_leaders(one, own)[0][0] for one in (task, half))
    shape = members, len(baseline)
    leaders, signs = np.full(shape, -1, dtype=np.int16), np.zeros(shape, dtype=np.int8)
    for first, (leader, sign) in _blocks(task, rows, work):
        leaders[first : first + len(leader)], signs[first : first + len(sign)] = leader, sign
    finite = (leaders >= 0).any(axis=1)
    leads = np.array([(leaders[finite] == n).mean(axis=0) for n in range(len(ids))])
    bare = label(chosen, np.empty((chosen.grid.saved, 0)), engine="llvm", outputs=())
    return xr.Dataset(
        {
            "leader": (("member", "time"), leaders),
            "sign": (("member", "time"), signs),
            "leads": (("loop", "time"), leads),
            "reinforcing": ("time", (signs[finite] > 0).mean(axis=0)),
            "baseline": ("time", baseline),
            "halved": ("time", halved),
        },
        {"time": bare["time"], "loop": ids, "name": ("loop", names)},
        {
            **bare.attrs, "method": "euler", "members": members, "finite": int(finite.sum()), "seed": seed,
            "factors": len(factors),
        },
    )  # fmt: skip


def _task(chosen: Case) -> tuple[_Task, list[str], list[str]]:
    names = acting_loops(chosen)
    if not names:
        what = "the model names no loops, so that none can be followed from member to member"
        raise ScenarioError(Problem(chosen.program.name, what, f"List them in {chosen.program.name}.loops.toml."))
    lowered = lower(chosen.program)
    ids = [loop.id for loop in names]
    routes = {loop: ids.index(named.id) for loop, named in locate(build(lowered), names).items()}
    task = _Task(lowered, every_step(chosen.grid, None), routes, len(ids), chosen.grid.every)
    return task, ids, [loop.name for loop in names]


def _label(id_: str, name: str) -> str:
    return f"{id_} {name}" if name != id_ else id_


def _blocks(task: _Task, rows: FloatArray, work: Work) -> Iterator[tuple[int, Leaders]]:
    """Yield the first member of each block and who leads in it; the blocks don't depend on who computes them."""
    starts = range(0, len(rows), CHUNK)
    done = 0
    for first, found in _here(task, rows, starts) if work.workers < 2 else _beside(task, rows, starts, work.workers):
        done += len(found[0])
        if work.watch:
            work.watch(done, len(rows))
        yield first, found


def _here(task: _Task, rows: FloatArray, starts: Sequence[int]) -> Iterator[tuple[int, Leaders]]:
    for first in starts:
        yield first, _leaders(task, rows[first : first + CHUNK])


def _beside(task: _Task, rows: FloatArray, starts: Sequence[int], workers: int) -> Iterator[tuple[int, Leaders]]:
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    payload = pickle.dumps(task)
    try:
        with ProcessPoolExecutor(min(workers, len(starts)), mp_context=get_context("spawn")) as pool:
            running = {pool.submit(_elsewhere, payload, rows[first : first + CHUNK]): first for first in starts}
            try:
                for future in as_completed(running):
                    yield running[future], future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
    except BrokenProcessPool as error:
        cure = "The system may be out of memory: use fewer workers."
        raise SimulationError(Problem("workers", "a process died", cure)) from error


def _elsewhere(payload: bytes, rows: FloatArray) -> Leaders:
    """Follow the loops through some members in another process."""
    return _leaders(_unpacked(payload), rows)


@lru_cache(maxsize=4)
def _unpacked(payload: bytes) -> _Task:
    task: _Task = pickle.loads(payload)
    return task


def _leaders(task: _Task, rows: FloatArray) -> Leaders:
    """Return who leads in each run; a member that is not finite has no leader."""
    graph = build(task.lowered)
    shown = unfold(task.lowered)
    outputs = [quantity.id for quantity in shown.program.quantities]
    time = np.array([task.grid.time(n) for n in range(task.grid.saved)])
    links = dict.fromkeys(pair for loop in task.routes for pair in pairs(loop))
    found = llvm.ENGINE.compile(shown).run_many(rows, task.grid, "euler", outputs, threads=1)
    saved = slice(None, None, task.every)
    shape = len(rows), len(time[saved])
    leaders, signs = np.full(shape, -1, dtype=np.int16), np.zeros(shape, dtype=np.int8)
    for n, values in enumerate(found.values):
        if n in found.troubles:
            continue
        scored = link_scores(history(graph, values, time), links)
        scores: FloatArray = np.zeros((task.count, len(time)))
        for loop, number in task.routes.items():
            scores[number] += np.prod([scored[pair] for pair in pairs(loop)], axis=0)
        scores = scores[:, saved]
        leader = np.abs(scores).argmax(axis=0)
        strongest = np.take_along_axis(scores, leader[None], axis=0)[0]
        leaders[n], signs[n] = np.where(strongest != 0, leader, -1), np.sign(strongest)
    return leaders, signs


@dataclass(frozen=True, slots=True)
class Held:
    """How a phase of the run itself holds in the members.

    ``mostly`` is the share of the members in which the same loop leads most of it; ``rival`` the loop that does so
    most often beside it, and ``rivalled`` in which share; ``polarity`` the share in which what leads has the same
    sign most of it; ``halved`` the part of it in which the same loop leads with half the step.
    """

    phase: Phase
    mostly: float
    rival: str
    rivalled: float
    polarity: float
    halved: float


def labels_of(found: xr.Dataset) -> list[str]:
    """Return the loops of :func:`robustness` as figures write them."""
    return [_label(str(id_), str(name)) for id_, name in zip(found["loop"].values, found["name"].values, strict=True)]


def held(found: xr.Dataset, phases: Sequence[Phase]) -> tuple[Held, ...]:
    """Return how phases of named loops hold in the members of :func:`robustness`."""
    time, labels = found["time"].values, labels_of(found)
    leader, sign = found["leader"].values, found["sign"].values
    finite = (leader >= 0).any(axis=1)
    result = []
    for phase in phases:
        inside = (time >= phase.start) & (time < phase.stop)
        own = leader[finite][:, inside]
        mostly = np.array([((own == n).mean(axis=1) > MOST).mean() for n in range(len(labels))])
        who = labels.index(phase.driver)
        rival = max((n for n in range(len(labels)) if n != who), key=lambda n: float(mostly[n]))
        polarity = (sign[finite][:, inside] == np.sign(phase.share)).mean(axis=1) > MOST
        halved = float((found["halved"].values[inside] == who).mean())
        shares = float(mostly[who]), labels[rival], float(mostly[rival]), float(polarity.mean())
        result.append(Held(phase, *shares, halved))
    return tuple(result)
