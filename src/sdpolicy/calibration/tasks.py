"""The task of a calibration: countries, parameters, facts, and the payoff of many members in one call.

The payoff knows the calibration facts alone. Held-out facts are kept apart, for the score after the fit.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy import library
from sdpolicy.backends.base import layout
from sdpolicy.backends.llvm import ENGINE, CompiledKernel
from sdpolicy.calibration.priors import Range, surprise
from sdpolicy.calibration.schema import Estimate, Wanted
from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.evidence import observations
from sdpolicy.expression import Apply, Num, Ref
from sdpolicy.integrators import FIXED_STEP, Grid
from sdpolicy.lower import lower
from sdpolicy.program import Equation, Program, Quantity, fold, identifier
from sdpolicy.scenario import Case, case
from sdpolicy.scoring import Target, read_split, targets
from sdpolicy.vensim import read_model

FloatArray = NDArray[np.float64]
FAILED: Final = 1e3
"""What a fact counts, in standard deviations, in a member whose run breaks off before it."""


@dataclass(frozen=True)
class Parameter:
    """One number that is estimated: of which variable, for which countries, between which bounds."""

    label: str
    variable: str
    countries: tuple[str, ...]
    rule: Estimate

    @property
    def range(self) -> Range:
        return Range(*self.rule.bounds, self.rule.scale == "log")


@dataclass(frozen=True)
class Country:
    """One country: its run, the facts that a fit may see, those that are held out, and those the run leaves out."""

    code: str
    case: Case
    kernel: CompiledKernel
    seen: tuple[Target, ...]
    held: tuple[Target, ...]
    outside: tuple[Target, ...]
    columns: Mapping[int, int]
    """Parameter of the task to column of the kernel."""

    @cached_property
    def row(self) -> FloatArray:
        """The kernel's parameters as the scenario has them."""
        return np.array(self.kernel.lowered.defaults)

    def table(self, values: FloatArray) -> FloatArray:
        """Return the kernel's parameters for members; ``values`` has shape (members, parameters of the task)."""
        table = np.tile(self.row, (len(values), 1))
        for parameter, column in self.columns.items():
            table[:, column] = values[:, parameter]
        return table

    def found(self, values: FloatArray, wanted: Sequence[Target]) -> FloatArray:
        """Return what members say of facts, shape (members, facts); NaN where a run broke off before."""
        if not wanted:
            return np.empty((len(values), 0))
        program, grid = self.case.program, _shortened(self.case.grid, wanted)
        times = np.array([grid.time(n * grid.every) for n in range(grid.saved)])
        ids = [_quantity(program, target).id for target in wanted]
        outputs = list(dict.fromkeys(ids))
        runs = self.kernel.run_many(self.table(values), grid, self.case.method, outputs).values
        said = [
            runs[:, :, outputs.index(id_)] @ weights(times, target.observation.start, target.observation.end)
            for id_, target in zip(ids, wanted, strict=True)
        ]
        return np.stack(said, axis=1)


@dataclass(frozen=True)
class Task:
    """Countries and parameters together; places of parameters are numbers between 0 and 1."""

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    countries: tuple[Country, ...]
    weights: Mapping[str, float]
    sigmas: float
    digest: str

    def values(self, places: FloatArray) -> FloatArray:
        """Return parameter values for places, both of shape (members, parameters)."""
        return np.stack([p.range.value(places[:, i]) for i, p in enumerate(self.parameters)], axis=1)

    def places(self, values: FloatArray) -> FloatArray:
        """Return the places of values, both of shape (members, parameters)."""
        return np.stack([p.range.unit(values[:, i]) for i, p in enumerate(self.parameters)], axis=1)

    @cached_property
    def own(self) -> FloatArray:
        """The place of the scenarios' own values (or the stated starts), at the bounds where they lie outside."""
        starts = []
        for i, parameter in enumerate(self.parameters):
            country = next(c for c in self.countries if i in c.columns)
            start = parameter.rule.start
            value = float(country.row[country.columns[i]]) if start is None else start
            starts.append(np.clip(value, *parameter.rule.bounds))
        return np.asarray(self.places(np.array([starts]))[0])

    @property
    def facts(self) -> int:
        """Number of facts in the payoff."""
        return sum(len(country.seen) for country in self.countries)

    def residuals(self, places: FloatArray) -> FloatArray:
        """Return weighted distances in standard deviations, of shape (members, facts)."""
        values = self.values(places)
        parts = [self._distances(country, values) for country in self.countries]
        return np.concatenate(parts, axis=1)

    def _distances(self, country: Country, values: FloatArray) -> FloatArray:
        said = country.found(values, country.seen)
        columns = [
            math.sqrt(self.weight(target)) * self.sigmas * target.distance(said[:, i])
            for i, target in enumerate(country.seen)
        ]
        far = np.stack(columns, axis=1) if columns else np.empty((len(values), 0))
        return np.where(np.isfinite(said), np.clip(far, -FAILED, FAILED), FAILED)

    def weight(self, target: Target) -> float:
        """Return the weight of a fact: its own, or that of its variable, or 1."""
        fact = target.observation
        return self.weights.get(fold(fact.fact), self.weights.get(fold(fact.variable), 1.0))

    def surprises(self, places: FloatArray) -> FloatArray:
        """Return how far members are from the priors, in standard deviations, shape (members, parameters)."""
        values = self.values(places)
        return np.stack([surprise(p.rule.prior, values[:, i]) for i, p in enumerate(self.parameters)], axis=1)

    def payoff(self, places: FloatArray) -> FloatArray:
        """Return minus twice the log likelihood of members, up to a constant: the sum of squared residuals."""
        return np.asarray((self.residuals(places) ** 2).sum(axis=1))

    def objective(self, places: FloatArray) -> FloatArray:
        """Return minus twice the log posterior of members, up to a constant."""
        return np.asarray(self.payoff(places) + (self.surprises(places) ** 2).sum(axis=1))


def task(wanted: Wanted) -> Task:
    """Return the task that a calibration file sets.

    Raises:
        SdpolicyError: when scenarios or facts cannot be read, parameters are not constants, or no fact is left.
    """
    content = wanted.content
    cases = [case(wanted.scenario(name), read_model) for name in content.scenarios]
    codes = [chosen.scenario.country if chosen.scenario else "" for chosen in cases]
    problems = list(_faulty(wanted, cases, codes))
    if problems:
        raise ScenarioError(problems)
    parameters = tuple(_parameters(content.calibrate, codes))
    countries = tuple(_country(wanted, parameters, chosen, problems) for chosen in cases)
    if not problems and not any(country.seen for country in countries):
        problems.append(Problem(f"{wanted.name}", "no fact of these countries may be used", "Look at split.csv."))
    if problems:
        raise ScenarioError(problems)
    scales = {fold(name): weight for name, weight in content.weights.items()}
    made = Task(wanted.name, content.title, parameters, countries, scales, content.payoff.sigmas, "")
    return replace(made, digest=_digest(wanted, made))


def _faulty(wanted: Wanted, cases: Sequence[Case], codes: Sequence[str]) -> Iterator[Problem]:
    for chosen, code, name in zip(cases, codes, wanted.content.scenarios, strict=True):
        where = f"{wanted.name}, scenarios '{name}'"
        if not code:
            yield Problem(where, "the scenario names no country", "Add country = ... to it.")
        elif codes.count(code) > 1:
            yield Problem(where, f"two scenarios are of '{code}'", "Keep one of them.")
        if chosen.method not in FIXED_STEP:
            what = f"the method '{chosen.method}' has no fixed step"
            yield Problem(where, what, f"Give the scenario one of {', '.join(FIXED_STEP)}.")
    for name, rule in wanted.content.calibrate.items():
        for code in set(rule.countries) - set(codes):
            yield Problem(f"{wanted.name}, [calibrate.'{name}']", f"no scenario is of the country '{code}'")


def _parameters(rules: Mapping[str, Estimate], codes: Sequence[str]) -> Iterator[Parameter]:
    for name, rule in rules.items():
        chosen = tuple(code for code in codes if not rule.countries or code in rule.countries)
        if rule.each:
            yield from (Parameter(f"{name} ({code})", name, (code,), rule) for code in chosen)
        else:
            only = f" ({', '.join(chosen)})" if rule.countries else ""
            yield Parameter(f"{name}{only}", name, chosen, rule)


def _country(wanted: Wanted, parameters: Sequence[Parameter], chosen: Case, problems: list[Problem]) -> Country:
    code = chosen.scenario.country if chosen.scenario else ""
    mine = {i: p for i, p in enumerate(parameters) if code in p.countries}
    program, ids = chosen.program, {}
    for i, parameter in mine.items():
        quantity = program.find(parameter.variable)
        where = f"{wanted.name}, [calibrate.'{parameter.variable}']"
        if quantity is None:
            what = f"the model '{program.name}' has no variable '{parameter.variable}'"
            problems.append(Problem(where, what, program.suggest(parameter.variable)))
            continue
        if parameter.rule.factor:
            program, ids[i] = scaled(program, quantity)
        else:
            ids[i] = quantity.id
    lowered = lower(program)
    places = layout(lowered.by_id[name] for name in lowered.parameters)
    for i, id_ in ids.items():
        if id_ not in places or places[id_].stop - places[id_].start != 1:
            what = f"'{parameters[i].variable}' is not a single constant in the scenario of '{code}'"
            cure = "Give factor = true to estimate what it is multiplied by."
            problems.append(Problem(f"{wanted.name}, [calibrate.'{parameters[i].variable}']", what, cure))
    seen, held, outside = _facts(wanted, replace(chosen, program=program), code)
    columns = {i: places[id_].start for i, id_ in ids.items() if id_ in places}
    return Country(code, replace(chosen, program=program), ENGINE.compile(lowered), seen, held, outside, columns)


def _facts(
    wanted: Wanted, chosen: Case, code: str
) -> tuple[tuple[Target, ...], tuple[Target, ...], tuple[Target, ...]]:
    """Return the facts that a fit may see, those held out, and those left: not covered, or not in the split."""
    folder = wanted.folder / wanted.content.evidence if wanted.content.evidence else library.shelf("evidence")
    model = chosen.program.name
    split = read_split(folder, model)
    every = targets(observations(folder, model, code), split, wanted.content.payoff.tolerance)
    part = {target: target.part or ("" if split else "calibration") for target in every}
    grid = chosen.grid
    covered = {
        target
        for target in every
        if target.observation.start >= grid.start
        and target.observation.end <= grid.time(grid.steps)
        and _is_scalar(chosen.program, target)
    }
    seen = tuple(target for target in every if target in covered and part[target] == "calibration")
    held = tuple(target for target in every if target in covered and part[target] == "hold-out")
    return seen, held, tuple(target for target in every if target not in (*seen, *held))


def _is_scalar(program: Program, target: Target) -> bool:
    quantity = program.find(target.observation.variable)
    return quantity is not None and not quantity.dimensions


def _quantity(program: Program, target: Target) -> Quantity:
    quantity = program.find(target.observation.variable)
    assert quantity is not None
    return quantity


def scaled(program: Program, quantity: Quantity) -> tuple[Program, str]:
    """Return a program in which a variable is multiplied by a new constant, which is 1, and that constant's id."""
    id_ = identifier(f"{quantity.name} factor", program.by_id)
    factor = Quantity(f"{quantity.name} factor", id_, "constant", "Dmnl")
    equations = [
        replace(e, body=Apply("mul", (e.body, Ref(id_)))) if e.target == quantity.id else e for e in program.equations
    ]
    kind = replace(quantity, kind="auxiliary") if quantity.kind == "data" else quantity
    quantities = [kind if q is quantity else q for q in program.quantities]
    return (
        replace(program, quantities=(*quantities, factor), equations=(*equations, Equation(id_, Num(1.0)))),
        id_,
    )


def weights(times: FloatArray, start: float, end: float) -> FloatArray:
    """Return the weights of saved values in what a run says of a period, or of a moment; see evidence.simulated."""
    if start == end:
        return _at(times, start)
    moments = np.concatenate(([start], times[(times > start) & (times < end)], [end]))
    width = np.diff(moments)
    share = (np.concatenate((width, [0.0])) + np.concatenate(([0.0], width))) / (2 * (end - start))
    return np.asarray(sum(part * _at(times, moment) for part, moment in zip(share, moments, strict=True)))


def _at(times: FloatArray, moment: float) -> FloatArray:
    found = np.zeros(len(times))
    right = int(np.clip(np.searchsorted(times, moment, side="left"), 1, len(times) - 1))
    part = (moment - times[right - 1]) / (times[right] - times[right - 1])
    found[right - 1], found[right] = 1.0 - part, part
    return found


def _shortened(grid: Grid, wanted: Sequence[Target]) -> Grid:
    """Return the grid up to the last fact: what comes later need not be computed."""
    last = max(target.observation.end for target in wanted)
    needed = math.ceil((last - grid.start) / (grid.step * grid.every) - 1e-9) * grid.every
    return replace(grid, steps=min(grid.steps, max(needed, grid.every)))


def _digest(wanted: Wanted, made: Task) -> str:
    """Return what tells this task from another: the file, the models, and the facts in the payoff with their limits."""
    content = {
        "file": wanted.digest,
        "countries": [
            {
                "code": c.code,
                "program": c.case.program.fingerprint,
                "method": c.case.method,
                "grid": [c.case.grid.start, c.case.grid.step, c.case.grid.steps, c.case.grid.every],
                "facts": [[t.observation.fact, t.observation.variable, *t.limits, t.tolerance] for t in c.seen],
            }
            for c in made.countries
        ],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
