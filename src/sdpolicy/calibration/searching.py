"""The search for the best fit, from many starts, each kept on disk when it is done. It prints nothing.

One start is the scenario's own values, one is a population (differential evolution), the rest are the best of many
random places; each ends with least squares whose derivatives come from one call of many members.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.errors import Problem, ResultError

if TYPE_CHECKING:
    from sdpolicy.calibration.tasks import Task

FloatArray = NDArray[np.float64]
FOLDER: Final = "restarts"
SCREENED: Final = 64
"""Random places that are looked at for each start."""
POPULATION: Final = 8
"""Members for each parameter of differential evolution."""
GENERATIONS: Final = 60
NUDGE: Final = 1e-5
"""Distance, in places, over which derivatives are taken."""
EVALUATIONS: Final = 60
"""Steps that least squares may take."""


@dataclass(frozen=True, slots=True)
class Restart:
    """One search: how it started, where from and to (places between 0 and 1), and what the end is worth."""

    number: int
    kind: str
    seed: int
    task: str
    start: tuple[float, ...]
    end: tuple[float, ...]
    objective: float
    payoff: float
    runs: int
    message: str


def search(task: Task, starts: int, seed: int, folder: Path | None = None) -> tuple[Restart, ...]:
    """Return the restarts, best first.

    Args:
        starts: how many; at least 1.
        seed: equal seeds give equal searches, whether they were interrupted or not.
        folder: where each restart is kept when it is done, and found again by the next call.

    Raises:
        ResultError: when the folder holds restarts of another task or seed.
    """
    done = dict(_kept(folder, task, seed)) if folder else {}
    plans = _plans(task, starts, seed)
    found = []
    for number, (kind, place) in enumerate(plans):
        restart = done.get(number) or _one(task, number, (kind, place), seed)
        if folder and number not in done:
            _keep(folder, restart)
        found.append(restart)
    return tuple(sorted(found, key=lambda item: item.objective))


def _plans(task: Task, starts: int, seed: int) -> list[tuple[str, FloatArray]]:
    """Return kind and place of each start; these do not depend on how many there are."""
    plans = [("the scenario's values", task.own), ("differential evolution", task.own)]
    for number in range(2, starts):
        places = np.random.default_rng([seed, number]).random((SCREENED, len(task.parameters)))
        plans.append(("the best of random places", places[int(np.argmin(_objective(task)(places)))]))
    return plans[:starts]


def _one(task: Task, number: int, plan: tuple[str, FloatArray], seed: int) -> Restart:
    kind, start = plan
    count = _Count(task)
    place = _evolve(task, count, seed) if kind == "differential evolution" else start
    end, message = polish(task, place, count=count)
    objective, payoff = float(task.objective(end[np.newaxis])[0]), float(task.payoff(end[np.newaxis])[0])
    return Restart(
        number, kind, seed, task.digest, tuple(map(float, start)), tuple(map(float, end)), objective, payoff,
        count.runs, message,
    )  # fmt: skip


class _Count:
    """Counts the members that were run."""

    def __init__(self, task: Task) -> None:
        self.task, self.runs = task, 0

    def vector(self, places: FloatArray) -> FloatArray:
        """Return what least squares makes small: residuals and distances from the priors."""
        self.runs += len(places)
        parts = [self.task.residuals(places), np.clip(self.task.surprises(places), -1e3, 1e3)]
        return np.concatenate(parts, axis=1)


def _objective(task: Task) -> Callable[[FloatArray], FloatArray]:
    return lambda places: np.nan_to_num(task.objective(places), nan=1e12, posinf=1e12)


def _evolve(task: Task, count: _Count, seed: int) -> FloatArray:
    from scipy.optimize import differential_evolution

    objective = _objective(task)

    def cost(columns: FloatArray) -> FloatArray:
        places = np.ascontiguousarray(np.atleast_2d(columns.T))
        count.runs += len(places)
        return objective(places)

    evolve: Any = differential_evolution  # its types do not know vectorized functions
    answer = evolve(
        cost, [(0.0, 1.0)] * len(task.parameters), vectorized=True, updating="deferred", polish=False,
        popsize=POPULATION, maxiter=GENERATIONS, rng=np.random.default_rng([seed, 1]), x0=task.own, init="sobol",
    )  # fmt: skip
    return np.asarray(answer.x)


def polish(
    task: Task, start: FloatArray, fixed: int | None = None, count: _Count | None = None
) -> tuple[FloatArray, str]:
    """Return the place that least squares comes to from ``start``, and how it ended.

    Args:
        fixed: a parameter that keeps its place.
    """
    from scipy.optimize import least_squares

    counter = count or _Count(task)
    free = np.array([i for i in range(len(task.parameters)) if i != fixed], dtype=np.intp)
    if not free.size:
        return start, "nothing is free"

    def whole(x: FloatArray) -> FloatArray:
        places = np.tile(start, (len(x), 1))
        places[:, free] = x
        return places

    def slope(x: FloatArray) -> FloatArray:
        up = np.minimum(x + NUDGE * np.eye(len(x)), 1.0)
        down = np.maximum(x - NUDGE * np.eye(len(x)), 0.0)
        found = counter.vector(whole(np.concatenate((up, down))))
        width = (up - down).diagonal()
        return np.asarray(((found[: len(x)] - found[len(x) :]) / width[:, np.newaxis]).T)

    def residuals(x: FloatArray) -> FloatArray:
        return np.asarray(counter.vector(whole(x[np.newaxis]))[0])

    inside = np.clip(start[free], 1e-9, 1 - 1e-9)
    answer = least_squares(
        residuals, inside, jac=slope, bounds=(0.0, 1.0),
        max_nfev=EVALUATIONS, xtol=1e-10, ftol=1e-10, gtol=1e-10,
    )  # fmt: skip
    return whole(np.asarray(answer.x)[np.newaxis])[0], str(answer.message)


def _kept(folder: Path, task: Task, seed: int) -> Iterator[tuple[int, Restart]]:
    for path in sorted((folder / FOLDER).glob("restart-*.json")):
        try:
            found = restart_of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            continue  # not whole: it is searched again
        if found.task != task.digest or found.seed != seed:
            what = "this restart belongs to another task, facts or seed"
            raise ResultError(Problem(str(path), what, "Give another folder with --out, or remove this one."))
        yield found.number, found


def restart_of(content: dict[str, Any]) -> Restart:
    """Return a restart from what JSON held."""
    return Restart(**{**content, "start": tuple(content["start"]), "end": tuple(content["end"])})


def _keep(folder: Path, restart: Restart) -> None:
    """Write a restart whole or not at all."""
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(restart), indent=1)
    handle, temporary = tempfile.mkstemp(dir=place, prefix=".new-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).replace(place / f"restart-{restart.number:03d}.json")


def spread(restarts: Sequence[Restart]) -> tuple[int, int]:
    """Return how many restarts end within 1 of the best objective, and how many there are."""
    best = min(restart.objective for restart in restarts)
    return sum(restart.objective - best < 1.0 for restart in restarts), len(restarts)
