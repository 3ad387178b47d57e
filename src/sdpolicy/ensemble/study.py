"""From a scenario to a Study: a Job and the labels of its numbers. It runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr

from sdpolicy.ensemble.design import Design, correlate, from_file, make
from sdpolicy.ensemble.factors import Factor, inputs_of
from sdpolicy.ensemble.job import BLOCK, Job
from sdpolicy.ensemble.spread import Spread
from sdpolicy.errors import Problem, ScenarioError, SettingsError
from sdpolicy.integrators import EMBEDDED, FIXED_STEP, Grid
from sdpolicy.lower import lower
from sdpolicy.program import Program, Quantity
from sdpolicy.results import label, read_roles
from sdpolicy.results.roles import Roles
from sdpolicy.scenario.correlation import pair
from sdpolicy.scenario.elements import key

if TYPE_CHECKING:
    from sdpolicy.scenario import Case

_NO_SPREADS: Final[Mapping[str, Spread]] = MappingProxyType({})
_NO_PAIRS: Final[Mapping[tuple[str, str], float]] = MappingProxyType({})


@dataclass(frozen=True)
class Study:
    """An ensemble that can be run: the numbers' side (``job``) and the labels' (``template``, a Dataset of one run)."""

    job: Job
    template: xr.Dataset

    @property
    def factors(self) -> tuple[Factor, ...]:
        return self.job.factors


@dataclass(frozen=True, slots=True)
class Variation:
    """What varies beyond the scenario's own ranges, and how inputs hang together.

    ``vary`` gives distributions by name; ``width`` varies all other constants by this fraction; ``correlated``
    gives Spearman correlations of pairs of inputs.
    """

    vary: Mapping[str, Spread] = field(default_factory=lambda: _NO_SPREADS)
    width: float | None = None
    correlated: Mapping[tuple[str, str], float] = field(default_factory=lambda: _NO_PAIRS)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How members are drawn: the design by name (see ``design.make``) or the path of a CSV file, how many, the seed.

    ``second`` says whether a saltelli design provides for indices of pairs.
    """

    design: str = "latin-hypercube"
    samples: int = 1000
    seed: int = 0
    block: int = BLOCK
    second: bool = True


_ALL_OF_IT: Final = Variation()
_USUAL: Final = Sampling()


def plan(
    chosen: Case,
    sampling: Sampling = _USUAL,
    variation: Variation = _ALL_OF_IT,
    outputs: Sequence[str] = (),
    save: float | None = None,
) -> Study:
    """Return the study that a case and a sampling make.

    Args:
        chosen: a case; see :func:`sdpolicy.scenario.case`.
        outputs: names of the variables to save; by default those that play a role, or the stocks.
        save: time between saved rows; by default 1, or the case's own interval if that is longer.

    Raises:
        ScenarioError: for unknown outputs, inputs that can't vary, and a design that does not fit.
        SettingsError: for a method that the compiled engine does not have.
    """
    if chosen.method not in (*FIXED_STEP, *EMBEDDED):
        what = f"ensembles are run by the compiled engine, which does not have the method '{chosen.method}'"
        raise SettingsError(Problem("method", what, "Choose euler, rk2, rk4 or rk23 with --method."))
    lowered = lower(chosen.program)
    factors = inputs_of(chosen, lowered, variation.vary, variation.width)
    design = design_of(chosen, sampling, variation, factors)
    roles = read_roles(Path(chosen.program.source).with_suffix(".roles.toml")) if chosen.program.source else Roles()
    ids = tuple(quantity.id for quantity in choose_outputs(chosen.program, outputs, roles))
    grid = _coarser(chosen.grid, save)
    block = max(1, min(sampling.block, design.members))
    job = Job(chosen.program, grid, chosen.method, ids, factors, design, block)
    return label_study(replace(chosen, grid=grid), job, roles)


def own_interval(chosen: Case) -> float:
    """Return the case's own time between saved rows: what is told of dates is read between these."""
    return chosen.grid.step * chosen.grid.every


def everything(chosen: Case) -> xr.Dataset:
    """Return an empty Dataset with all variables of a case's model, by which outcomes are understood."""
    program = chosen.program
    roles = read_roles(Path(program.source).with_suffix(".roles.toml")) if program.source else Roles()
    columns = sum(quantity.size for quantity in program.quantities)
    return label(chosen, np.zeros((chosen.grid.saved, columns)), engine="llvm", roles=roles)


def label_study(chosen: Case, job: Job, roles: Roles) -> Study:
    """Return ``job`` with the labels of its case."""
    columns = sum(quantity.size for quantity in job.saved)
    empty = np.zeros((job.grid.saved, columns))
    template = label(chosen, empty, engine="llvm", outputs=job.outputs, roles=roles)
    return Study(job, template)


def with_design(study: Study, design: Design) -> Study:
    """Return the study with another design of the same inputs."""
    return Study(replace(study.job, design=design, block=max(1, min(study.job.block, design.members))), study.template)


def design_of(chosen: Case, sampling: Sampling, variation: Variation, factors: Sequence[Factor]) -> Design:
    """Return the design of ``factors``: correlated as the scenario says, which ``variation`` overrules.

    What a file lists is taken as it stands.

    Raises:
        ScenarioError: for a design that does not fit, and correlations that can't be.
    """
    if sampling.design.endswith(".csv"):
        return correlate(from_file(sampling.design, factors), factors, variation.correlated)
    design = make(sampling.design, sampling.samples, len(factors), sampling.seed, sampling.second)
    names = {key(factor.name) for factor in factors if not factor.switches}
    own = chosen.scenario.correlated if chosen.scenario else {}
    pairs = {both: rank for both, rank in own.items() if names.issuperset(both)}
    return correlate(design, factors, pairs | {pair(*both): rank for both, rank in variation.correlated.items()})


def choose_outputs(program: Program, names: Sequence[str], roles: Roles) -> tuple[Quantity, ...]:
    """Return the quantities of those names, or by default those that play a role, else the stocks.

    Raises:
        ScenarioError: for every name that the model does not have, or that is a constant.
    """
    wanted = names or tuple(dict.fromkeys(roles.variables.values()))
    found: dict[str, Quantity] = {}
    problems = []
    for name in wanted:
        quantity = program.find(name)
        if quantity is None:
            what = f"the model '{program.name}' has no variable '{name}'"
            problems.append(Problem("outputs", what, program.suggest(name)))
        elif quantity.kind == "constant":
            cure = "Inputs that vary are saved anyway."
            problems.append(Problem("outputs", f"'{quantity.name}' is a constant", cure))
        else:
            found[quantity.id] = quantity
    if problems:
        raise ScenarioError(problems)
    return tuple(found.values()) or tuple(q for q in program.shown if q.kind == "stock")


def _coarser(grid: Grid, save: float | None) -> Grid:
    """Return the grid with rows saved every ``save``, by default every whole time unit where the step divides it."""
    own = grid.step * grid.every
    if save is None:
        save = 1.0 if own < 1.0 and (1.0 / grid.step).is_integer() else own
    try:
        return Grid.of(grid.start, grid.time(grid.steps), grid.step, save)
    except ValueError as error:
        raise ScenarioError(Problem("save interval", str(error))) from error
