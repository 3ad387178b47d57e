"""A sample of the posterior, by the affine-invariant sampler emcee, many members a call. It prints nothing.

Foreman-Mackey et al. (2013), PASP 125, 306, doi:10.1086/670067; Goodman & Weare (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.errors import Problem, SimulationError

if TYPE_CHECKING:
    from sdpolicy.calibration.tasks import Task

FloatArray = NDArray[np.float64]
KEPT: Final = 400
"""Draws that are kept, evenly from the second half of the walk."""


@dataclass(frozen=True)
class Posterior:
    """Draws as places (draws, parameters), and how well the walk mixed.

    ``effective`` is the number of independent draws that the walk is worth, for its worst parameter.
    """

    places: FloatArray
    acceptance: float
    effective: float
    steps: int


def sample(task: Task, best: FloatArray, steps: int, seed: int) -> Posterior:
    """Return a sample of the posterior around the best place.

    Args:
        steps: steps of each walker; the first half is left out.
        seed: equal seeds give equal samples.

    Raises:
        SimulationError: when the sampler is not installed.
    """
    try:
        import emcee
    except ImportError as error:
        cure = "Install it with: pip install 'sdpolicy[calibration]'."
        raise SimulationError(Problem("posterior sample", "the package emcee is not installed", cure)) from error
    count = len(task.parameters)
    walkers = 2 * max(count + 1, 16)

    def log_density(places: FloatArray) -> FloatArray:
        inside = np.asarray((places >= 0) & (places <= 1)).all(axis=1)
        safe = np.where(np.asarray(inside)[:, np.newaxis], places, 0.5)
        value = -0.5 * task.objective(safe) + _volume(task, safe)
        return np.where(inside & np.isfinite(value), value, -np.inf)

    rng = np.random.default_rng([seed, 2])
    centre = np.clip(best, 0.02, 0.98)
    begin = np.clip(centre + rng.normal(0.0, 0.01, (walkers, count)), 1e-6, 1 - 1e-6)
    sampler = emcee.EnsembleSampler(walkers, count, log_density, vectorize=True)
    state = np.random.RandomState(np.random.MT19937(np.random.SeedSequence([seed, 3]))).get_state()
    sampler.run_mcmc(emcee.State(begin, random_state=state), steps, skip_initial_state_check=True)
    half = steps // 2
    chain = sampler.get_chain(discard=half)
    length = np.max(sampler.get_autocorr_time(discard=half, quiet=True, tol=0)) if steps >= 20 else np.nan
    flat = chain.reshape(-1, count)
    chosen = np.unique(np.linspace(0, len(flat) - 1, min(KEPT, len(flat))).astype(int))
    return Posterior(flat[chosen], float(np.mean(sampler.acceptance_fraction)), float(len(flat) / length), steps)


def _volume(task: Task, places: FloatArray) -> FloatArray:
    """Return the logarithm of the stretch from places to values, which a prior on values needs.

    A parameter without a prior of its own is alike over its places: evenly, or evenly in its logarithm.
    """
    found = np.zeros(len(places))
    for i, parameter in enumerate(task.parameters):
        if parameter.range.log and parameter.rule.prior is not None:
            found += np.log(parameter.range.value(places[:, i]))
    return found


def predictions(task: Task, places: FloatArray, country: int) -> tuple[FloatArray, list[str], FloatArray]:
    """Return times, variables and series of members for one country, shape (members, times, variables).

    The variables are those that facts speak of, held-out ones included.
    """
    chosen = task.countries[country]
    program, grid = chosen.case.program, chosen.case.grid
    names = {}
    for target in (*chosen.seen, *chosen.held):
        quantity = program.find(target.observation.variable)
        if quantity is not None:
            names[quantity.id] = quantity.name
    times = np.array([grid.time(n * grid.every) for n in range(grid.saved)])
    runs = chosen.kernel.run_many(chosen.table(task.values(places)), grid, chosen.case.method, list(names)).values
    return times, list(names.values()), runs
