"""A scenario held to a model: names, kinds, units, limits and times, every problem told, then the changes.

It reads no file and runs nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sdpolicy.errors import CheckError, Problem
from sdpolicy.expression import Apply, Node, Num, Ref, walk
from sdpolicy.integrators import Grid
from sdpolicy.program import CONTROL, Program, Quantity, fold
from sdpolicy.scenario import paths
from sdpolicy.scenario.elements import Position, position, split
from sdpolicy.scenario.messages import place, show
from sdpolicy.scenario.reader import Entry, Policy, Scenario
from sdpolicy.scenario.schema import Setting, TimePath
from sdpolicy.scenario.settings import KEYS
from sdpolicy.scenario.transform import Changes, Opening
from sdpolicy.units import convert

COMMAND_LINE: Final = "command line"
Kind = Literal["set", "path", "initial", "cut", "freeze", "run"]


@dataclass(frozen=True, slots=True)
class Applied:
    """One override as it was carried out: what, on which variable, the value in the model's unit, and from where."""

    kind: Kind
    name: str
    value: Any
    unit: str
    origin: str


@dataclass
class Binding:
    """What becomes of the entries of a scenario in one model; filled by :func:`bind`."""

    program: Program
    numbers: dict[str, float] = field(default_factory=dict)
    elements: dict[str, dict[Position, float]] = field(default_factory=dict)
    curves: dict[str, paths.Curve] = field(default_factory=dict)
    initials: dict[str, float] = field(default_factory=dict)
    cuts: list[Opening] = field(default_factory=list)
    freezes: dict[str, float] = field(default_factory=dict)
    applied: list[Applied] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    waiting: list[tuple[Entry, Quantity, TimePath, str]] = field(default_factory=list)
    """Paths that wait for the time grid."""

    @property
    def changes(self) -> Changes:
        return Changes(self.numbers, self.elements, self.curves, self.initials, tuple(self.cuts), self.freezes)

    def refuse(self, where: str, what: str, cure: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(where, what, cure))

    def note(self, kind: Kind, quantity: Quantity, value: Any, origin: str) -> None:
        """Note what was applied."""
        self.applied.append(Applied(kind, quantity.name, value, quantity.unit, origin))


def where(entry: Entry) -> str:
    """Return where an entry stands, for messages."""
    if entry.file == COMMAND_LINE:
        return f"{COMMAND_LINE}, '{show(entry.name)}'"
    return place(entry.file, entry.table, entry.name)


def bind_entries(binding: Binding, entries: Iterable[Entry]) -> None:
    """Hold the entries of [set], [path] and [initial] to the model; elements after whole variables."""
    seen: dict[tuple[str, str, Position], Entry] = {}
    for entry in sorted(entries, key=lambda entry: bool(split(entry.name)[1])):
        spot = where(entry)
        whole, elements = split(entry.name)
        single = bool(elements) and entry.table == "set" and binding.program.find(entry.name) is None
        quantity = find(binding, whole if single else entry.name, spot)
        if quantity is None:
            continue
        spots = position(quantity, elements) if single else ()
        if spots and isinstance(spots[0], str):
            binding.refuse(spot, *(show(text, 200) for text in spots))
            continue
        group = "set" if entry.table == "path" else entry.table
        other = seen.setdefault((group, quantity.id, spots), entry)
        if other is not entry:
            binding.refuse(spot, f"'{show(other.name)}' is the same variable", "Keep one of the two.")
        elif isinstance(entry.value, TimePath):
            _bind_path(binding, entry, quantity, entry.value)
        elif isinstance(entry.value, Setting):
            _bind_number(binding, entry, quantity, spots)


def bind_policies(binding: Binding, policies: Iterable[Policy]) -> None:
    """Hold what policies set to the model; a single run has them all off."""
    for policy in policies:
        bind_entries(Binding(binding.program, problems=binding.problems), policy.entries)


def find(binding: Binding, name: str, spot: str) -> Quantity | None:
    """Return the variable of that name; note a problem when there is none."""
    program = binding.program
    quantity = program.find(name)
    if quantity is None:
        base = program.find(name.partition("[")[0]) if "[" in name else None
        if base is not None:
            what = "single elements can be given under [set] only"
            binding.refuse(spot, what, f"Write '{base.name}' for all of them.")
        else:
            what = f"the model '{show(program.name)}' has no variable '{show(name)}'"
            binding.refuse(spot, what, program.suggest(name) or _listing(program))
    return quantity


def _listing(program: Program) -> str:
    names = [quantity.name for quantity in program.quantities if quantity.kind == "constant"][:6]
    return f"Its constants: {', '.join(names)}." if len(names) < 6 else "Names are spelt as in the model."


def _bind_number(binding: Binding, entry: Entry, quantity: Quantity, element: Position) -> None:
    spot, setting = where(entry), entry.value
    refusal = _not_settable if entry.table == "set" else _not_a_stock
    told = refusal(binding.program, quantity)
    if told or not isinstance(setting, Setting):
        binding.refuse(spot, *(told or ("expected a number",)))
        return
    scale = _scale(binding, quantity, setting.unit, spot)
    if scale is None:
        return
    value = scale(setting.value)
    outside = beyond(quantity, (value,))
    if outside:
        binding.refuse(spot, *outside)
    elif element:
        binding.elements.setdefault(quantity.id, {})[element] = value
        names = [dimension.elements[i] for dimension, i in zip(quantity.dimensions, element, strict=True)]
        name = f"{quantity.name}[{','.join(names)}]"
        binding.applied.append(Applied("set", name, value, quantity.unit, entry.origin))
    elif entry.table == "set":
        binding.numbers[quantity.id] = value
        binding.note("set", quantity, value, entry.origin)
    else:
        binding.initials[quantity.id] = value
        binding.note("initial", quantity, value, entry.origin)


def _not_settable(program: Program, quantity: Quantity) -> tuple[str, str] | None:
    name = quantity.name
    if quantity.id in CONTROL:
        key = next(key for key, id_ in KEYS.items() if id_ == quantity.id)
        return f"'{name}' is a setting of the run", f"Give {key} under [run]."
    if quantity.kind == "stock":
        return f"'{name}' is a stock: it has a starting value, not a constant one", "Give it under [initial]."
    bodies = bodies_of(program, quantity.id)
    if bodies and all(_plain(body) for body in bodies):
        return None
    if quantity.kind == "data":
        return f"'{name}' is a series over time", "Give it under [path]."
    causes = names_read(program, bodies)
    from_ = f"computed from {causes}" if causes else "computed"
    return f"'{name}' is {from_}", "Change one of those, give it a [path], or [freeze] it from a time on."


def _not_a_stock(program: Program, quantity: Quantity) -> tuple[str, str] | None:
    if quantity.kind == "stock":
        return None
    table = "[set]" if _not_settable(program, quantity) is None else "[path]"
    kind = {"constant": "a constant", "data": "a series"}.get(quantity.kind, "computed")
    return f"'{quantity.name}' is {kind}, not a stock", f"Give it under {table}."


def bodies_of(program: Program, id_: str) -> list[Node]:
    """Return the right-hand sides of the equations of a quantity."""
    return [equation.body for equation in program.equations if equation.target == id_]


def _plain(body: Node) -> bool:
    """Tell whether an equation is a number, a negative one included."""
    return isinstance(body, Num) or (isinstance(body, Apply) and body.op == "neg" and isinstance(body.args[0], Num))


def names_read(program: Program, bodies: Iterable[Node]) -> str:
    """Return the display names of what equations read, in the order in which they read it."""
    ids = dict.fromkeys(part.name for body in bodies for part in walk(body) if isinstance(part, Ref))
    names = [program.by_id[id_].name if id_ in program.by_id else "Time" for id_ in ids]
    quoted = [f"'{name}'" for name in names[:4]] + ([f"{len(names) - 4} more"] if len(names) > 4 else [])
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _scale(binding: Binding, quantity: Quantity, unit: str | None, spot: str) -> Callable[[float], float] | None:
    """Return what turns a number of the scenario into one of the model's unit; None after noting a problem."""
    if unit is None or fold(unit) == fold(quantity.unit):
        return float
    if not quantity.unit:
        binding.refuse(f"{spot}, unit", f"the model states no unit for '{quantity.name}'", "Take the unit out.")
        return None
    try:
        convert(1.0, unit, quantity.unit)
    except CheckError as error:
        problem = error.problems[0]
        what = problem.what if "cannot be" in problem.what else f"{problem.where}: {problem.what}"
        binding.refuse(f"{spot}, unit", show(what, 200), problem.cure)
        return None
    return lambda value: convert(value, unit, quantity.unit)


def beyond(quantity: Quantity, values: Iterable[float]) -> tuple[str, str] | None:
    """Return what to say of the first value that is not finite or outside the limits that the model states."""
    low = -math.inf if quantity.low is None else quantity.low
    high = math.inf if quantity.high is None else quantity.high
    for value in values:
        if not math.isfinite(value):
            return f"the value {value} is not a finite number", ""
        if not low <= value <= high:
            limits = f"the limits that the model states for '{quantity.name}': {low:g} to {high:g}"
            unit = f" ({quantity.unit})" if quantity.unit else ""
            return f"the value {value:g} is outside {limits}{unit}", "Stay inside, or change the limits in the model."
    return None


def _bind_path(binding: Binding, entry: Entry, quantity: Quantity, path: TimePath) -> None:
    spot = where(entry)
    if quantity.id in CONTROL:
        binding.refuse(spot, *(_not_settable(binding.program, quantity) or ("", "")))
    elif quantity.kind == "stock":
        cure = "Give its start under [initial], or [freeze] it from a time on."
        binding.refuse(spot, f"'{quantity.name}' is a stock: it accumulates its flows", cure)
    else:
        binding.waiting.append((entry, quantity, path, spot))


def bind_paths(binding: Binding, grid: Grid) -> None:
    """Turn the paths into curves, their jumps on the times of the grid."""
    for entry, quantity, path, spot in binding.waiting:
        scale = _scale(binding, quantity, path.unit, spot)
        if scale is None:
            continue
        bodies = bodies_of(binding.program, quantity.id)
        own = bodies[0] if bodies and _plain(bodies[0]) and len(bodies) == 1 else None
        if paths.needs_base(path) and own is None:
            key = "base" if path.pulse else "from"
            what = f"'{quantity.name}' is not a constant in the model, so that it has no value to start from"
            binding.refuse(spot, what, f"Give {key} = ...")
            continue
        given = paths.curve(_scaled(path, scale), _number(own), lambda time: snap(grid, time))
        outside = beyond(quantity, given.y)
        if outside:
            binding.refuse(spot, *outside)
            continue
        if quantity.id in binding.elements:
            binding.refuse(spot, f"'{quantity.name}' is given a path as a whole, and single numbers", "Keep one.")
            continue
        binding.curves[quantity.id] = given
        binding.note("path", quantity, {"mode": given.mode, "x": given.x, "y": given.y}, entry.origin)


def _number(node: Node | None) -> float:
    match node:
        case Num(value=value):
            return value
        case Apply(op="neg", args=(Num(value=value),)):
            return -value
        case _:
            return math.nan


def _scaled(path: TimePath, scale: Callable[[float], float]) -> TimePath:
    """Return the path with its values, not its times, in the model's unit."""
    if path.points is not None:
        return path.model_copy(update={"points": tuple((x, scale(y)) for x, y in path.points)})
    part = path.step or path.ramp
    if part is not None:
        before = None if part.before is None else scale(part.before)
        new = part.model_copy(update={"before": before, "to": scale(part.to)})
        return path.model_copy(update={"step" if path.step else "ramp": new})
    if path.pulse is None:
        return path
    base = None if path.pulse.base is None else scale(path.pulse.base)
    return path.model_copy(
        update={"pulse": path.pulse.model_copy(update={"base": base, "height": scale(path.pulse.height)})}
    )


def snap(grid: Grid, time: float) -> float:
    """Return ``time`` as the grid computes it when it is one of its times up to rounding."""
    n = round((time - grid.start) / grid.step)
    close = grid.time(n)
    return close if abs(close - time) <= 1e-9 * max(1.0, abs(time)) else time


def bind_freezes(binding: Binding, entries: Iterable[Entry], grid: Grid | None) -> None:
    """Hold [freeze] to the model and, where the times are known, to the horizon."""
    for entry in entries:
        spot = where(entry)
        quantity = find(binding, entry.name, spot)
        time = entry.value
        if quantity is None or not isinstance(time, float):
            continue
        if quantity.id in CONTROL:
            binding.refuse(spot, *(_not_settable(binding.program, quantity) or ("",)))
            continue
        fixed = quantity.kind == "constant" or quantity.id in binding.numbers
        if fixed and quantity.id not in {other.id for _, other, _, _ in binding.waiting}:
            binding.refuse(spot, f"'{quantity.name}' is a constant: it does not change anyway", "Take the line out.")
        elif grid and not grid.start <= time < grid.time(grid.steps):
            what = f"the time {time:g} is not inside the run, {_span(grid)}"
            binding.refuse(spot, what, "Freeze it while the run lasts.")
        elif grid:
            binding.freezes[quantity.id] = snap(grid, time)
            binding.note("freeze", quantity, time, entry.origin)


def bind_claims(binding: Binding, scenario: Scenario, grid: Grid | None) -> None:
    """Hold [figures] and [expect] to the model: variables and times."""
    for panel in scenario.figures.panels:
        for name in panel:
            find(binding, name, place(scenario.file, "figures", "panels"))
    for label, claim in scenario.expect.items():
        find(binding, claim.variable, place(scenario.file, "expect", label, "variable"))
        key = "at" if claim.at is not None else "period"
        for time in (claim.at,) if claim.at is not None else claim.period or ():
            if grid and time is not None and not grid.start <= time <= grid.time(grid.steps):
                spot = place(scenario.file, "expect", label, key)
                binding.refuse(spot, f"the time {time:g} is not inside the run, {_span(grid)}")


def _span(grid: Grid) -> str:
    return f"{grid.start:g} to {grid.time(grid.steps):g}"


def as_json(applied: Iterable[Applied]) -> str:
    """Return what was applied as JSON, for the attributes of a result."""
    return json.dumps([{name: getattr(item, name) for name in Applied.__slots__} for item in applied])


def entries_of(entries: Iterable[Entry], *tables: str) -> Iterator[Entry]:
    """Yield the entries of some tables."""
    return (entry for entry in entries if entry.table in tables)
