"""Which policy holds up, whatever the future: packages held to one set of futures, regret, and a search over levers.

A package is a scenario; a future is one draw of what nobody decides. All packages meet the same futures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.discovery import Box, balance, prim, threshold
from sdpolicy.ensemble import Sampling, Spread, Variation, everything, own_interval, plan, simulate_members
from sdpolicy.ensemble.design import Listed, draw
from sdpolicy.ensemble.factors import Factor, rebound
from sdpolicy.ensemble.study import design_of
from sdpolicy.errors import Problem, ResultError, ScenarioError
from sdpolicy.lower import Lowered, lower
from sdpolicy.outcomes import in_full, measure, needed, parse_criterion, parse_outcome
from sdpolicy.sensitivity import regional
from sdpolicy.words import percent

if TYPE_CHECKING:
    from sdpolicy.scenario import Case

FloatArray = NDArray[np.float64]
SELDOM: Final = 0.02
"""A package that beats another in less than this share of the futures is not said to turn the ranking."""
CLEARER: Final = 0.05
"""A box of several limits is told beside a single one when its balance of coverage and density is so much better."""
_NO_VARIATION: Final = Variation()


@dataclass(frozen=True, slots=True)
class Goal:
    """An outcome, in words, and whether more of it is better."""

    outcome: str
    more: bool = True


def face_futures(
    packages: Mapping[str, Case],
    goals: Sequence[Goal],
    sampling: Sampling,
    criteria: Sequence[str] = (),
    variation: Variation = _NO_VARIATION,
) -> xr.Dataset:
    """Run every package in every future.

    Futures vary what the first package's scenario gives a range, but for what the packages set differently:
    that is policy.

    Returns:
        For each goal its outcome over (package, future), NaN for members that failed; ``satisfied``, whether all
        ``criteria`` are met; the futures' inputs as coordinates. A year that never comes counts as the last.

    Raises:
        ScenarioError, ResultError: for packages that do not fit together, or goals that can't be measured.
    """
    first = next(iter(packages.values()))
    names = everything(first)
    wanted = [parse_criterion(text, names).outcome.variable for text in criteria]
    variables = tuple(dict.fromkeys([*needed(names, [goal.outcome for goal in goals]), *wanted]))
    study = plan(first, sampling, variation, variables, own_interval(first))
    lowered = {name: lower(case.program) for name, case in packages.items()}
    policy = _policy(list(lowered.values()))
    own = lower(first.program)
    factors = tuple(f for f in study.factors if not f.switches and not _is_policy(f, policy, own))
    if not factors:
        cure = "Give ranges to inputs that no package sets."
        raise ScenarioError(Problem("futures", "nothing but policy varies", cure))
    design = design_of(first, sampling, variation, factors)
    columns: dict[str, list[FloatArray]] = {goal.outcome: [] for goal in goals}
    met = []
    for name, case in packages.items():
        planned = plan(case, sampling, _only(factors), variables, own_interval(case))
        block = min(planned.job.block, design.members)
        job = replace(planned.job, factors=rebound(lowered[name], factors), design=design, block=block)
        runs = simulate_members(replace(planned, job=job))
        for goal in goals:
            outcome = parse_outcome(goal.outcome, runs)
            columns[goal.outcome].append(in_full(runs, outcome, measure(runs, outcome)))
        met.append(np.all([parse_criterion(text, runs).met(runs) for text in criteria], axis=0))
    futures = draw(design, factors, 0, design.members)
    held = {name: (("package", "future"), np.stack(values)) for name, values in columns.items()}
    if criteria:
        held["satisfied"] = (("package", "future"), np.stack(met))
    coordinates: dict[str, Any] = {"package": list(packages)}
    coordinates |= {factor.name: ("future", futures[:, j]) for j, factor in enumerate(factors)}
    attrs = {k: v for k, v in study.template.attrs.items() if k != "panels"}
    return xr.Dataset(held, coordinates, {**attrs, "criteria": "|".join(criteria)})


def _only(factors: Sequence[Factor]) -> Variation:
    return Variation({factor.name: factor.spread for factor in factors})


def _policy(versions: Sequence[Lowered]) -> frozenset[str]:
    """Return the identifiers of constants that differ between packages, or that some have no longer."""
    values: list[dict[str, tuple[float, ...]]] = []
    for lowered in versions:
        start, found = 0, {}
        for name in lowered.parameters:
            size = lowered.by_id[name].size
            found[name] = lowered.defaults[start : start + size]
            start += size
        values.append(found)
    names = {name for found in values for name in found}
    return frozenset(name for name in names if len({found.get(name) for found in values}) > 1)


def _is_policy(factor: Factor, policy: frozenset[str], lowered: Lowered) -> bool:
    start = 0
    for name in lowered.parameters:
        size = lowered.by_id[name].size
        if start <= factor.columns[0] < start + size:
            return name in policy
        start += size
    return False


def regret(faced: xr.Dataset, goal: Goal) -> xr.DataArray:
    """Return how much worse each package does than the best one, future by future (Savage 1951)."""
    values = faced[goal.outcome] if goal.more else -faced[goal.outcome]
    return (values.max("package") - values).transpose("package", "future").rename("regret")


def regret_table(faced: xr.Dataset, goals: Sequence[Goal], seed: int = 0) -> xr.Dataset:
    """Return, for each package: median, 90 % and greatest regret by goal, how often it is best, the share satisfied.

    ``satisfied`` and ``best`` have half-widths of 95 % intervals from a bootstrap over futures.
    """
    count = faced.sizes["future"]
    draws = np.random.default_rng(seed).integers(count, size=(200, count))

    def share(flags: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        sample = np.stack([flags[:, d].mean(axis=1) for d in draws])
        return flags.mean(axis=1), 1.96 * sample.std(axis=0, ddof=1)

    rows: dict[str, Any] = {}
    for key, q in (("median", 0.5), ("high", 0.9), ("greatest", 1.0)):
        tables = [regret(faced, goal).quantile(q, "future", skipna=True).values for goal in goals]
        rows[key] = (("goal", "package"), np.stack(tables))
    firsts = [share((regret(faced, goal) <= 1e-12 * np.abs(faced[goal.outcome]).max()).values) for goal in goals]
    rows["best"] = (("goal", "package"), np.stack([value for value, _ in firsts]))
    rows["best_conf"] = (("goal", "package"), np.stack([width for _, width in firsts]))
    if "satisfied" in faced:
        value, width = share(faced["satisfied"].values)
        rows["satisfied"], rows["satisfied_conf"] = ("package", value), ("package", width)
    return xr.Dataset(rows, {"package": faced["package"].values, "goal": [goal.outcome for goal in goals]}, faced.attrs)


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the ranking of two packages turns: futures in which ``challenger`` does better than ``leader`` in a goal.

    ``more`` says whether more of the goal is better; ``share`` is the share of such futures; ``threshold`` the limit
    on one input that tells them best; ``box`` the part of the inputs in which most of them lie; ``apart``, by input,
    how different it is in them (Dataset of :func:`sdpolicy.sensitivity.regional`).
    """

    goal: str
    more: bool
    leader: str
    challenger: str
    share: float
    threshold: Box
    box: Box
    apart: xr.Dataset

    def sentence(self) -> str:
        """Return the finding in words."""
        told, box = self.threshold, self.box
        said = f"{self.challenger} beats it in {percent(self.share)}, above all when {_held(told)}."
        if len(box.limits) > 1 and balance(box) > balance(told) + CLEARER:
            return f"{said} More exactly: when {_held(box)}."
        return said


def _held(box: Box) -> str:
    return (
        f"{box.words()}: so in {percent(box.density)} of such futures, which are {percent(box.coverage)} of the cases"
    )


def turns(faced: xr.Dataset, goals: Sequence[Goal]) -> tuple[Turn, ...]:
    """Return where the ranking changes: by goal, every package that beats the first one in some of the futures.

    First is the package that does best in most futures. Packages that beat it in less than ``SELDOM`` of them, or
    in nearly all, change nothing that could be told.
    """
    names = [str(name) for name in faced.coords if faced[name].dims == ("future",)]
    inputs = np.stack([faced[name].values for name in names], axis=1)
    found = []
    for goal in goals:
        worse = regret(faced, goal).values
        whole = np.isfinite(worse).all(axis=0)
        least = 1e-12 * float(np.abs(faced[goal.outcome]).max())
        leader = int((worse[:, whole] <= least).sum(axis=1).argmax())
        for other, name in enumerate(faced["package"].values):
            beats = (worse[leader] - worse[other] > least)[whole]
            if SELDOM <= beats.mean() <= 1 - SELDOM:
                part = inputs[whole], beats, names
                who = goal.outcome, goal.more, str(faced["package"].values[leader]), str(name)
                where = threshold(*part), prim(*part).chosen, regional(beats, inputs[whole], names)
                found.append(Turn(*who, float(beats.mean()), *where))
    return tuple(found)


def first_in(faced: xr.Dataset, goal: Goal) -> tuple[str, float]:
    """Return the package that ranks first in most futures, and in which share of them; ties count for each."""
    worse = regret(faced, goal).values
    best = (worse <= 1e-12 * float(np.abs(faced[goal.outcome]).max())).mean(axis=1)
    return str(faced["package"].values[int(best.argmax())]), float(best.max())


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to search: candidates in a generation, generations, and the futures that each candidate meets."""

    population: int = 48
    generations: int = 20
    futures: int = 128
    seed: int = 0


_USUAL: Final = Budget()


def search(
    chosen: Case,
    levers: Mapping[str, tuple[float, float]],
    goals: Sequence[Goal],
    budget: Budget = _USUAL,
    quantile: float = 0.1,
) -> xr.Dataset:
    """Search the levers for packages that no other beats in all goals at once (NSGA-II, by pymoo).

    A candidate's value of a goal is the one that it reaches in all but the ``quantile`` worst of the futures.

    Returns:
        Goals and levers over ``candidate``: the packages found, none of which is better than another in all goals.

    Raises:
        ResultError: when pymoo is not installed.
        ScenarioError: for levers that can't vary.
    """
    problem = _Candidates(chosen, levers, goals, budget, quantile)
    points, values = _evolve(problem, budget)
    order = np.argsort(values[:, 0])
    signs = np.array([1.0 if goal.more else -1.0 for goal in goals])
    held = {goal.outcome: ("candidate", -values[order, j] * signs[j]) for j, goal in enumerate(goals)}
    held |= {name: ("candidate", points[order, j]) for j, name in enumerate(levers)}
    about = {key: value for key, value in problem.study.template.attrs.items() if key != "panels"}
    words = {"levers": "|".join(levers), "goals": "|".join(goal.outcome for goal in goals)}
    attrs = {**about, **words, "runs": problem.runs, "quantile": quantile}
    return xr.Dataset(held, attrs=attrs)


class _Candidates:
    """Evaluates many candidates at once, each in the same futures; values to be made small."""

    def __init__(
        self, chosen: Case, levers: Mapping[str, tuple[float, float]], goals: Sequence[Goal], budget: Budget,
        quantile: float,
    ) -> None:  # fmt: skip
        spreads = {name: Spread("uniform", ends) for name, ends in levers.items()}
        variables = needed(everything(chosen), [goal.outcome for goal in goals])
        study = plan(chosen, Sampling("monte-carlo", 2), Variation(spreads), variables, own_interval(chosen))
        factors = tuple(factor for factor in study.factors if not factor.switches)  # policies stay off
        self.study = replace(study, job=replace(study.job, factors=factors))
        self.goals, self.quantile, self.runs = goals, quantile, 0
        by_name = {f.name.casefold(): j for j, f in enumerate(self.study.factors)}
        self.places = [by_name[_display(chosen, name).casefold()] for name in levers]
        self.bounds = np.array(list(levers.values()), dtype=np.float64)
        sampling = Sampling("latin-hypercube", budget.futures, budget.seed)
        design = design_of(chosen, sampling, Variation(spreads), self.study.factors)
        self.futures = draw(design, self.study.factors, 0, budget.futures)

    def __call__(self, points: FloatArray) -> FloatArray:
        count, futures = len(points), len(self.futures)
        values = np.tile(self.futures, (count, 1))
        values[:, self.places] = np.repeat(points, futures, axis=0)
        job = replace(self.study.job, design=Listed(values), block=min(8192, len(values)))
        runs = simulate_members(replace(self.study, job=job))
        self.runs += len(values)
        found = []
        for goal in self.goals:
            outcome = parse_outcome(goal.outcome, runs)
            reached = in_full(runs, outcome, measure(runs, outcome)).reshape(count, futures)
            bad = np.where(np.isnan(reached), -np.inf if goal.more else np.inf, reached)
            cost = -bad if goal.more else bad
            found.append(np.quantile(cost, 1 - self.quantile, axis=1, method="nearest"))
        return np.asarray(np.nan_to_num(np.stack(found, axis=1), posinf=1e30), dtype=np.float64)


def _display(chosen: Case, name: str) -> str:
    quantity = chosen.program.find(name)
    return quantity.name if quantity else name


def _evolve(problem: _Candidates, budget: Budget) -> tuple[FloatArray, FloatArray]:
    try:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.problem import Problem as Abstract
        from pymoo.optimize import minimize
    except ImportError as error:
        cure = "Install it with: pip install 'sdpolicy[ensemble]'."
        raise ResultError(Problem("search", "pymoo is not installed", cure)) from error

    class Search(Abstract):  # type: ignore[misc]
        def _evaluate(self, x: FloatArray, out: dict[str, Any], *_args: Any, **_more: Any) -> None:
            out["F"] = problem(x)

    low, high = problem.bounds.T
    task = Search(n_var=len(low), n_obj=len(problem.goals), xl=low, xu=high)
    found = minimize(task, NSGA2(pop_size=budget.population), ("n_gen", budget.generations), seed=budget.seed)
    return np.atleast_2d(found.X), np.atleast_2d(found.F)
