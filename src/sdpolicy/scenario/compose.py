"""From a Program and a Scenario to a Case: the model as it will run, on its time grid, and what was applied.

Precedence: the model is overruled by parents from left to right, these by the scenario's own file, and that
by the command line. Nothing is mutated; every problem is told at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sdpolicy import library
from sdpolicy.errors import ModelError, Problem, ScenarioError
from sdpolicy.integrators import Grid
from sdpolicy.program import Program
from sdpolicy.scenario import bind, openings
from sdpolicy.scenario.bind import COMMAND_LINE, Applied, Binding, entries_of
from sdpolicy.scenario.elements import key as name_key
from sdpolicy.scenario.elements import split
from sdpolicy.scenario.loops import read_loops
from sdpolicy.scenario.messages import show
from sdpolicy.scenario.paths import NUMERAL
from sdpolicy.scenario.reader import Entry, Scenario, basename, read_draft
from sdpolicy.scenario.schema import Setting
from sdpolicy.scenario.settings import KEYS, RunSettings, choose_method, choose_times, grid_of
from sdpolicy.scenario.transform import transform


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its unit."""

    value: float
    unit: str


@dataclass(frozen=True)
class Case:
    """A run that is ready: the model with the overrides in it, the times, the method, and what was applied."""

    program: Program
    grid: Grid
    method: str
    applied: tuple[Applied, ...]
    scenario: Scenario | None


Overrides = Mapping[str, float | Amount]
_NONE: Final[Overrides] = MappingProxyType({})
_NO_PROBLEM: Final[tuple[Problem, ...]] = ()
_DEFAULT: Final = RunSettings()


def compose(
    program: Program,
    scenario: Scenario | None = None,
    overrides: Overrides = _NONE,
    run: RunSettings = _DEFAULT,
) -> Case:
    """Return the case that ``scenario`` makes of ``program``.

    Args:
        overrides: constants by name, which win over the scenario.
        run: settings of the run, which win over the scenario.

    Raises:
        ScenarioError: with all that does not fit the model.
    """
    case, problems = _composed(program, scenario, overrides, run)
    if case is None:
        raise ScenarioError(problems)
    return case


def case(
    source: str | Path | Program | Scenario | Case,
    read_model: Callable[[Path], Program],
    overrides: Overrides = _NONE,
    run: RunSettings = _DEFAULT,
) -> Case:
    """Return the case of a model or scenario, given by name, path, or as read before.

    A bare model runs with its own settings. A name that both a scenario and a model have is the scenario's.
    A case stays what it is, but for what the caller overrules.

    Args:
        read_model: ``sdpolicy.vensim.read_model``, which a scenario does not know.
        overrides: as for :func:`compose`.
        run: as for :func:`compose`.

    Raises:
        ModelError: when the model cannot be read.
        ScenarioError: with all that is wrong with the scenario by itself and in its model.
    """
    if isinstance(source, Case):
        return _again(source, overrides, run)
    if isinstance(source, Program):
        return compose(source, None, overrides, run)
    if isinstance(source, Scenario):
        scenario, problems = source, _NO_PROBLEM
    elif is_model(source):
        return compose(read_model(library.model_path(source)), None, overrides, run)
    else:
        scenario, problems = read_draft(source)
    if scenario.model is None:
        raise ScenarioError(problems or (Problem(scenario.file, "no model is named", "Add model = ..."),))
    try:
        program = read_model(scenario.model)
    except ModelError:
        if problems:  # the scenario is what the user named; the model can wait
            raise ScenarioError(problems) from None
        raise
    found, more = _composed(program, scenario, overrides, run)
    if found is None or problems:
        raise ScenarioError(dict.fromkeys((*problems, *more)))
    return found


def _again(source: Case, overrides: Overrides, run: RunSettings) -> Case:
    if not overrides and run == _DEFAULT:
        return source
    chosen = replace(run, method=run.method or source.method)
    found = compose(source.program, None, overrides, chosen)
    more = [item for item in found.applied if item.name != "method" or run.method]
    return replace(found, applied=(*source.applied, *more), scenario=source.scenario)


def is_model(source: str | Path) -> bool:
    """Tell whether ``source`` names a model, not a scenario."""
    if library.is_path(source):
        return Path(source).suffix.casefold() == library.MODEL_SUFFIX
    return not library.is_shipped(source, "scenarios") and library.is_shipped(source, "models")


def _composed(
    program: Program, scenario: Scenario | None, overrides: Overrides, run: RunSettings
) -> tuple[Case | None, tuple[Problem, ...]]:
    binding = Binding(program)
    entries = _overruled(program, scenario.entries if scenario else (), overrides, binding)
    bind.bind_entries(binding, entries_of(entries, "set", "path", "initial"))
    layers = _layers(scenario, run)
    chosen, problems = choose_times(program, binding.numbers, layers)
    binding.problems.extend(problems)
    method, unknown = choose_method(program.method, layers)
    grid, clash = grid_of(chosen) if not problems else (None, None)
    binding.problems.extend(problem for problem in (unknown, clash) if problem)
    # Names and units are looked at even where the times are faulty: on the model's own, or on any.
    sketch = grid or Grid(chosen["start"].value if "start" in chosen else 0.0, 1.0, 1)
    bind.bind_paths(binding, sketch)
    if scenario:
        _bind_rest(binding, scenario, entries, grid)
    if binding.problems or grid is None:
        return None, tuple(dict.fromkeys(binding.problems))
    for key, id_ in KEYS.items():
        origin = chosen[key].origin
        if origin != "model":
            binding.numbers[id_] = chosen[key].value
            unit = program.by_id[id_].unit if id_ in program.by_id else ""
            binding.applied.append(Applied("run", key, chosen[key].value, unit, _origin(origin)))
    named = [place for place, settings in layers.items() if settings.method is not None]
    if named:
        binding.applied.append(Applied("run", "method", method, "", _origin(named[-1])))
    return Case(transform(program, binding.changes), grid, method, tuple(binding.applied), scenario), ()


def _bind_rest(binding: Binding, scenario: Scenario, entries: tuple[Entry, ...], grid: Grid | None) -> None:
    """Hold cuts, freezes and claims to the model."""
    try:
        loops = read_loops(scenario.model) if scenario.cut.loops else ()
        openings.bind_cuts(binding, scenario, loops)
    except ScenarioError as error:
        binding.problems.extend(error.problems)
    bind.bind_policies(binding, scenario.policies)
    bind.bind_freezes(binding, entries_of(entries, "freeze"), grid)
    bind.bind_claims(binding, scenario, grid)


def _layers(scenario: Scenario | None, run: RunSettings) -> dict[str, RunSettings]:
    own = scenario.run if scenario else None
    found = {f"{show(scenario.file, 200)}, [run]": RunSettings(**dict(own))} if scenario and own else {}
    return {**found, COMMAND_LINE: run}


def _origin(where: str) -> str:
    return basename(where.removesuffix(", [run]"))


def _overruled(
    program: Program, entries: tuple[Entry, ...], overrides: Overrides, binding: Binding
) -> tuple[Entry, ...]:
    """Return the entries of the scenario, those of the command line instead of what they overrule."""
    own: dict[str, Entry] = {}
    for name, given in overrides.items():
        amount = given if isinstance(given, Amount) else Amount(given, "")
        key = _key(program, name)
        what = _not_a_number(amount.value) or ("the variable is given twice" if key in own else "")
        if what:
            binding.refuse(f"{COMMAND_LINE}, '{show(name)}'", what)
        else:
            setting = Setting(value=float(amount.value), unit=amount.unit or None)
            own[key] = Entry("set", name, setting, COMMAND_LINE)
    kept = [e for e in entries if e.table not in ("set", "path") or not _keys(program, e.name) & own.keys()]
    return (*kept, *own.values())


def _keys(program: Program, name: str) -> set[str]:
    """Return what overrules the variable or element of that name: itself, and its whole variable."""
    return {_key(program, name), _key(program, split(name)[0])}


def _not_a_number(value: object) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "expected a number"
    return "" if math.isfinite(value) else f"expected a finite number, found {value}"


def _key(program: Program, name: str) -> str:
    quantity = program.find(name)
    return quantity.id if quantity else name_key(name)


def parse_override(text: str) -> tuple[str, float | Amount]:
    """Return name and value of ``NAME=VALUE`` or ``NAME=VALUE UNIT``.

    >>> parse_override("wage = 2.5")
    ('wage', 2.5)

    Raises:
        ScenarioError: when the text is not of that form.
    """
    name, equals, rest = text.partition("=")
    number, _, unit = rest.strip().partition(" ")
    place = f"{COMMAND_LINE}, '{show(text)}'"
    cure = "Write it as in --set 'debt ratio=2' or --set 'capital cost=3 Billion USD1990'."
    if not equals or not name.strip():
        raise ScenarioError(Problem(place, "expected NAME=VALUE", cure))
    if not NUMERAL.fullmatch(number):
        what = f"expected a number after the equals sign, found '{show(rest.strip())}'"
        raise ScenarioError(Problem(place, what, cure))
    value = float(number)
    if not math.isfinite(value):
        raise ScenarioError(Problem(place, f"the number '{show(number)}' is too large"))
    return name.strip(), Amount(value, unit.strip()) if unit.strip() else value
