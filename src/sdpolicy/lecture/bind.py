"""A story held to its model: sliders find their inputs, graphs their variables, loops their links. It runs nothing."""

from __future__ import annotations

import tomllib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sdpolicy.backends.javascript_text import reads
from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.expression import TIME, Lookup, Num, Ref
from sdpolicy.integrators import FIXED_STEP
from sdpolicy.lecture.schema import Slider
from sdpolicy.lecture.story import Story
from sdpolicy.lower import Lowered, lower
from sdpolicy.program import Equation, Program, Quantity, Table, fold
from sdpolicy.scenario import Case, case, files
from sdpolicy.vensim import read_model

Points = tuple[tuple[float, float], ...]
FAR: Final = 1e6
"""A time beyond every run, so that the last value of a path holds."""


@dataclass(frozen=True)
class Lever:
    """A slider and the input that it moves: a parameter, or the points of a table from a date on."""

    slider: Slider
    quantity: Quantity
    value: float
    table: str = ""
    points: Points = ()


@dataclass(frozen=True)
class Loop:
    """A named loop: its links as identifiers, each with the hidden quantities on its way."""

    id: str
    name: str
    meaning: str
    links: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Bound:
    """A story with its model, ready to become a page."""

    story: Story
    case: Case
    lowered: Lowered
    levers: tuple[Lever, ...]
    loops: tuple[Loop, ...]

    @property
    def program(self) -> Program:
        return self.lowered.program


def bind(story: Story) -> Bound:
    """Return the story bound to its scenario's model.

    Raises:
        ScenarioError: with all that does not fit: variables, inputs that no slider can move, methods.
    """
    chosen = case(_scenario(story), read_model)
    found: list[Problem] = list(_problems(story, chosen))
    levers, program = _levers(story, chosen.program, found)
    if found:
        raise ScenarioError(found)
    lowered = lower(program)
    loops = tuple(_loops(Path(chosen.program.source), lowered))
    known = {loop.id for loop in loops}
    missing = [(step.id, name) for step in story.file.step for name in step.loops if name not in known]
    if missing:
        cure = f"The loops are: {', '.join(known) or 'none'}."
        raise ScenarioError(Problem(f"{story.name}, step '{s}'", f"there is no loop '{n}'", cure) for s, n in missing)
    return Bound(story, replace(chosen, program=program), lowered, levers, loops)


def apply(bound: Bound, values: Mapping[str, float]) -> Program:
    """Return the program as the page runs it with the sliders at ``values`` (by slider id; model's units)."""
    program = bound.program
    for lever in bound.levers:
        value = values.get(lever.slider.id, lever.value)
        if lever.table:
            curve = _spread(held_from(lever, value))
            tables = [replace(t, curves=(curve,)) if t.id == lever.table else t for t in program.tables]
            program = replace(program, tables=tuple(tables))
        else:
            program = _with_body(program, lever.quantity.id, Equation(lever.quantity.id, Num(value)))
    return program


def held_from(lever: Lever, value: float) -> Points:
    """Return the lever's path when its last value is to be ``value``: unchanged up to ``since``, stretched after.

    A path that stays level after ``since``, or that is to be held, jumps there. At its own value it is the path itself.
    """
    since = lever.slider.since
    if since is None or value == lever.value:
        return lever.points
    before = tuple(point for point in lever.points if point[0] < since)
    base, last = _at(lever.points, since), lever.points[-1][1]
    if last == base or lever.slider.hold:
        return (*before, (since, base), (since, value), (FAR, value))
    factor = (value - base) / (last - base)
    after = tuple((x, base + (y - base) * factor) for x, y in lever.points if x > since)
    return (*before, (since, base), *after)


def _scenario(story: Story) -> str | Path:
    """Return the scenario that a story names: beside it in its folder, or a shipped one."""
    beside = story.path.parent / story.file.scenario
    return beside if beside.suffix == ".toml" and beside.is_file() else story.file.scenario


def _problems(story: Story, chosen: Case) -> Iterator[Problem]:
    program = chosen.program
    if chosen.method not in FIXED_STEP:
        cure = f"Choose one of {', '.join(FIXED_STEP)} under [run]."
        yield Problem(f"{story.name}, scenario", f"a page can't run the method '{chosen.method}'", cure)
    names = [(f"graph '{g.id}'", g.variable) for g in story.file.graph]
    names += [(f"slider '{s.id}'", s.variable) for s in story.file.slider]
    names += [("diagram", name) for name in (*story.file.diagram.at, *story.file.diagram.labels)]
    names += [("stocks", name) for name in story.file.stocks]
    names += [(f"step '{step.id}', at", name) for step in story.file.step for name in step.at]
    for where, name in names:
        quantity = program.find(name)
        if quantity is None:
            yield Problem(f"{story.name}, {where}", f"the model has no '{name}'", program.suggest(name))
        elif quantity.dimensions:
            yield Problem(f"{story.name}, {where}", f"'{name}' has dimensions", "Name a variable without.")


def _levers(story: Story, program: Program, found: list[Problem]) -> tuple[tuple[Lever, ...], Program]:
    levers = []
    for slider in story.file.slider:
        quantity = program.find(slider.variable)
        if quantity is None:
            continue
        lever, program = _lever(slider, quantity, program)
        if lever is None:
            what = f"no slider can move '{slider.variable}': it is neither a constant nor an input over time"
            found.append(Problem(f"{story.name}, slider '{slider.id}'", what, "Name a constant of the model."))
        else:
            levers.append(lever)
    return tuple(levers), program


def _lever(slider: Slider, quantity: Quantity, program: Program) -> tuple[Lever | None, Program]:
    bodies = [equation.body for equation in program.equations if equation.target == quantity.id]
    match bodies:
        case [Num(value=value)] if slider.since is None:
            return Lever(slider, quantity, value if slider.value is None else slider.value), program
        case [Num(value=value)]:
            points: Points = ((-FAR, value), (FAR, value))
        case [Lookup(table=table, x=Ref(name="time"), mode="linear", index=())] if slider.since is not None:
            xs, ys = program.table_by_id[table].curves[0]
            points = tuple(zip(xs, ys, strict=True))
        case _:
            return None, program
    assert slider.since is not None
    name = f"lever__{slider.id}".replace("-", "_")
    program = replace(program, tables=(*program.tables, Table(name, (_spread(points),))))
    program = _with_body(program, quantity.id, Equation(quantity.id, Lookup(name, Ref(TIME))))
    value = points[-1][1] if slider.value is None else slider.value
    return Lever(slider, quantity, value, name, points), program


def _with_body(program: Program, target: str, equation: Equation) -> Program:
    equations = tuple(equation if e.target == target else e for e in program.equations)
    return replace(program, equations=equations)


def _spread(points: Points) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(x for x, _ in points), tuple(y for _, y in points)


def _at(points: Points, x: float) -> float:
    from sdpolicy.primitives import Curve, lookup

    return lookup(Curve.of(*_spread(points)), x)


def _loops(model: Path, lowered: Lowered) -> Iterator[Loop]:
    """Yield the loops of the file beside the model whose links all exist in the lowered model."""
    path = model.with_suffix(".loops.toml")
    if not path.is_file():
        return
    program = lowered.program
    inputs = reads(lowered)
    for key, entry in _entries(tomllib.loads(files.read(path, path.name, "loop").text)):
        pairs = [(program.find(str(a)), program.find(str(b))) for a, b in _pairs(entry)]
        if not pairs or not all(a and b for a, b in pairs):
            continue
        links = [_way(inputs, lowered, a.id, b.id) for a, b in pairs if a and b]
        if all(links):
            meaning = str(entry.get("meaning", entry.get("doc", entry.get("story", ""))))
            yield Loop(key, str(entry.get("name", key)), meaning, tuple(links))


def _entries(raw: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    entries = raw.get("loops", raw.get("loop", raw))
    if isinstance(entries, list):
        yield from ((str(e.get("id", e.get("name", ""))), e) for e in entries if isinstance(e, dict))
    else:
        yield from ((str(key), e) for key, e in entries.items() if isinstance(e, dict))


def _pairs(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the links of a loop, given as pairs or as the list of its variables."""
    if entry.get("links"):
        return [(str(a), str(b)) for a, b in entry["links"]]
    around = [str(name) for name in entry.get("variables", ())]
    if around and fold(around[0]) == fold(around[-1]):
        around = around[:-1]
    return list(zip(around, [*around[1:], *around[:1]], strict=True))


def _way(inputs: Mapping[str, Iterable[str]], lowered: Lowered, source: str, target: str) -> tuple[str, ...]:
    """Return the quantities from ``source`` to ``target``, hidden ones only between them; empty when there are none."""
    own = {quantity.id for quantity in lowered.program.quantities}
    queue: deque[tuple[str, ...]] = deque([(target,)])
    seen = {target}
    while queue:
        way = queue.popleft()
        for name in sorted(inputs.get(way[0], ())):
            if name == source:
                return (source, *way)
            if name not in own and name not in seen:
                seen.add(name)
                queue.append((name, *way))
    return ()
