"""Which inputs of a case vary, how, and which columns of the kernel's parameters they are. It runs nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.backends.base import layout
from sdpolicy.ensemble.spread import Spread, of_setting
from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.lower import Lowered
from sdpolicy.program import CONTROL, Quantity
from sdpolicy.scenario import Case
from sdpolicy.scenario.elements import key, position, split
from sdpolicy.scenario.reader import Entry
from sdpolicy.scenario.schema import Setting
from sdpolicy.scenario.transform import OVERRIDE
from sdpolicy.units import convert

FloatArray = NDArray[np.float64]
COMMAND_LINE: Final = "command line"
ON_OR_OFF: Final = Spread("choice", (0.0, 1.0))
_NONE: Final[Mapping[str, Spread]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Factor:
    """An input that varies: its name and unit, how it varies, what it is otherwise, and its columns."""

    name: str
    spread: Spread
    base: float
    columns: tuple[int, int]
    """First column of the kernel's parameters and the one after the last."""
    unit: str = ""
    switches: tuple[tuple[int, int, float], ...] = ()
    """What a policy sets when it is on: first column, the one after the last, and the value."""


def inputs_of(
    case: Case,
    lowered: Lowered,
    vary: Mapping[str, Spread] = _NONE,
    width: float | None = None,
) -> tuple[Factor, ...]:
    """Return what varies with the scenario's policies, each on (1) or off (0), at the end; see :func:`factors_of`.

    Raises:
        ScenarioError: as :func:`factors_of`; and for what policies can't set, or set both.
    """
    return _some(case, (*_found(case, lowered, vary, width), *_policies(case, lowered)))


def factors_of(
    case: Case,
    lowered: Lowered,
    vary: Mapping[str, Spread] = _NONE,
    width: float | None = None,
) -> tuple[Factor, ...]:
    """Return what varies: the scenario's entries with a range or distribution, then ``vary``, which wins.

    What the command line or caller has set to a number does not vary. Policies are not among it.

    Args:
        vary: distributions by name of a constant or of a stock that starts from [initial], in the model's unit.
        width: vary all other constants too, by this fraction up and down, inside the model's limits.

    Raises:
        ScenarioError: for names that can't vary and values outside the model's limits, all at once; and when
            nothing varies.
    """
    return _some(case, _found(case, lowered, vary, width))


def _some(case: Case, found: tuple[Factor, ...]) -> tuple[Factor, ...]:
    """Return what was found, if it is anything."""
    if not found:
        cure = "Give constants a range or distribution in the scenario, or use --vary or --spread."
        raise ScenarioError(Problem(case.scenario.file if case.scenario else case.program.name, "nothing varies", cure))
    return found


def _found(case: Case, lowered: Lowered, vary: Mapping[str, Spread], width: float | None) -> tuple[Factor, ...]:
    problems: list[Problem] = []
    found: dict[tuple[int, int], Factor] = {}
    fixed = _fixed(case)
    for entry in case.scenario.entries if case.scenario else ():
        spread = of_setting(entry.value) if isinstance(entry.value, Setting) else None
        if spread is None or {key(entry.name), key(split(entry.name)[0])} & fixed:
            continue
        factor = _bound(lowered, entry.name, spread, entry)
        if isinstance(factor, Factor):
            found[factor.columns] = factor
        else:
            problems.append(factor)
    for name, spread in vary.items():
        factor = _bound(lowered, name, spread, None)
        if isinstance(factor, Factor):
            found[factor.columns] = factor
        else:
            problems.append(factor)
    if width is not None:
        covered = {column for first, last in found for column in range(first, last)}
        found |= {f.columns: f for f in _widened(lowered, width) if f.columns[0] not in covered}
    if problems:
        raise ScenarioError(problems)
    return tuple(found.values())


def _fixed(case: Case) -> set[str]:
    """Return what the command line or caller has set, by the keys of names."""
    return {key(item.name) for item in case.applied if item.origin == COMMAND_LINE}


def _policies(case: Case, lowered: Lowered) -> tuple[Factor, ...]:
    """Return the scenario's policies; what the command line sets stays as it is, on or off."""
    found: list[Factor] = []
    problems: list[Problem] = []
    taken: dict[int, str] = {}
    for policy in case.scenario.policies if case.scenario else ():
        switches = []
        for entry in policy.entries:
            if {key(entry.name), key(split(entry.name)[0])} & _fixed(case) or not isinstance(entry.value, Setting):
                continue
            bound = _bound(lowered, entry.name, Spread("choice", (entry.value.value,)), entry)
            if isinstance(bound, Problem):
                problems.append(bound)
                continue
            switches.append((*bound.columns, bound.spread.numbers[0]))
            for column in range(*bound.columns):
                if taken.setdefault(column, policy.name) != policy.name:
                    what = f"the policy '{taken[column]}' sets it too"
                    problems.append(Problem(f"[policy.{policy.name}] {entry.name}", what, "Leave it to one of them."))
        if switches:
            found.append(Factor(policy.name, ON_OR_OFF, 0.0, (0, 0), "", tuple(switches)))
    if problems:
        raise ScenarioError(problems)
    return tuple(found)


def fill(parameters: FloatArray, factors: Sequence[Factor], inputs: FloatArray, defaults: Sequence[float]) -> None:
    """Write the members' inputs into the kernel's parameters; a policy that is on overrules what was drawn.

    Args:
        parameters: shape (members, columns); overwritten where something varies.
        inputs: shape (members, factors).
    """
    for factor in factors:
        for first, last, _ in factor.switches:
            parameters[:, first:last] = defaults[first]
    for j, factor in enumerate(factors):
        parameters[:, slice(*factor.columns)] = inputs[:, j, np.newaxis]
    for j, factor in enumerate(factors):
        for first, last, value in factor.switches:
            parameters[inputs[:, j] > 0, first:last] = value


def written(factors: Sequence[Factor]) -> frozenset[int]:
    """Return the columns that :func:`fill` writes."""
    places = [factor.columns for factor in factors]
    places += [(first, last) for factor in factors for first, last, _ in factor.switches]
    return frozenset(column for place in places for column in range(*place))


def _bound(lowered: Lowered, name: str, spread: Spread, entry: Entry | None) -> Factor | Problem:
    """Return a factor, in the model's unit, or what is wrong."""
    where = f"{entry.origin}, [{entry.table}] {name}" if entry else f"{COMMAND_LINE}, '{name}'"
    program, initial = lowered.program, entry is not None and entry.table == "initial"
    whole, elements = split(name)
    quantity = program.find(name) or program.find(whole)
    if quantity is not None and (initial or quantity.kind == "stock"):
        quantity = program.find(f"{quantity.name} {OVERRIDE}")
        if quantity is None:
            cure = "Give its start under [initial] in the scenario first."
            return Problem(where, "a stock's start varies only where the scenario sets it", cure)
    if quantity is None:
        return Problem(where, f"the model '{program.name}' has no variable '{name}'", program.suggest(name))
    places = layout(lowered.by_id[id_] for id_ in lowered.parameters)
    if quantity.id not in places or quantity.id in CONTROL:
        return Problem(where, f"'{quantity.name}' is not a constant of the run, so that it cannot vary")
    columns = places[quantity.id].start, places[quantity.id].stop
    if elements and program.find(name) is None:
        spot = position(quantity, elements)
        if spot and isinstance(spot[0], str):
            return Problem(where, str(spot[0]), str(spot[1]))
        columns = (columns[0] + _flat(quantity, spot),) * 2
        columns = columns[0], columns[0] + 1
    unit = entry.value.unit if entry and isinstance(entry.value, Setting) else None
    if unit and unit != quantity.unit:
        spread = spread.scaled(lambda value: convert(value, unit, quantity.unit))
    outside = _outside(quantity, spread)
    if outside:
        return Problem(where, outside, "Stay inside, or change the limits in the model.")
    shown = name if columns[1] - columns[0] < quantity.size else quantity.name.removesuffix(f" {OVERRIDE}")
    return Factor(shown, spread, lowered.defaults[columns[0]], columns, quantity.unit)


def _flat(quantity: Quantity, spot: tuple[int | str, ...]) -> int:
    place = 0
    for index, length in zip(spot, quantity.shape, strict=True):
        place = place * length + int(index)
    return place


def _outside(quantity: Quantity, spread: Spread) -> str:
    low = -math.inf if quantity.low is None else quantity.low
    high = math.inf if quantity.high is None else quantity.high
    ends = spread.ends
    if low <= ends[0] and ends[1] <= high:
        return ""
    return f"values from {ends[0]:g} to {ends[1]:g} go beyond the model's limits, {low:g} to {high:g}"


def _widened(lowered: Lowered, width: float) -> Iterator[Factor]:
    """Yield every scalar constant but the run's own settings, plus and minus a fraction of its value."""
    places = layout(lowered.by_id[id_] for id_ in lowered.parameters)
    for id_ in lowered.parameters:
        quantity, base = lowered.by_id[id_], lowered.defaults[places[id_].start]
        if id_ in CONTROL or quantity.size > 1 or base == 0:
            continue
        low, high = sorted((base * (1.0 - width), base * (1.0 + width)))
        low = low if quantity.low is None else max(low, quantity.low)
        high = high if quantity.high is None else min(high, quantity.high)
        spread = Spread("uniform", (low, high))
        yield Factor(quantity.name, spread, base, (places[id_].start, places[id_].stop), quantity.unit)


def rebound(lowered: Lowered, factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """Return the same factors for another version of the model, whose columns may stand elsewhere.

    Raises:
        ScenarioError: for every input that does not vary there.
    """
    found = [_bound(lowered, factor.name, factor.spread, None) for factor in factors]
    problems = [item for item in found if isinstance(item, Problem)]
    if problems:
        raise ScenarioError(problems)
    return tuple(item for item in found if isinstance(item, Factor))
