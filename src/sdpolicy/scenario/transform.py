"""Overrides as transformations of a Program: every engine then runs the same model. Nothing is mutated.

It knows no scenario file: quantities come as identifiers, values in the model's units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from sdpolicy.expression import TIME, Apply, Lookup, Node, Num, Ref, rewrite
from sdpolicy.program import Equation, Program, Quantity, Stock, Table, identifier
from sdpolicy.scenario.elements import Position, spread
from sdpolicy.scenario.paths import Curve

OVERRIDE: Final = "initial override"
"""How the hidden constant that holds a stock's start is called, after the stock's name."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change in a Program, by identifier; applied in the order of the fields."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    elements: Mapping[str, Mapping[Position, float]] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    initials: Mapping[str, float] = field(default_factory=dict)
    cuts: tuple[tuple[str, str], ...] = ()
    freezes: Mapping[str, float] = field(default_factory=dict)


def transform(program: Program, changes: Changes) -> Program:
    """Return ``program`` with ``changes`` carried out; its digest stays that of the model file."""
    names = {quantity.id: quantity for quantity in program.quantities}
    taken = {*names, *program.table_by_id}
    tables: dict[str, Table] = {}
    for target, curve in changes.curves.items():
        name = f"{names[target].name} path"
        table = identifier(name, taken | {table.id for table in tables.values()})
        tables[target] = Table(table, ((curve.x, curve.y),), name=name, unit=names[target].unit)
    bodies = _bodies(changes, tables)
    equations = tuple(
        replace(e, body=bodies[e.target], initial=None) if e.target in bodies else e for e in program.equations
    )
    equations = _with_elements(program, equations, changes.elements)
    hidden, stocks = _started(program, changes.initials, taken | {table.id for table in tables.values()})
    for source, target in changes.cuts:
        equations, stocks = _with_bodies(equations, stocks, target, _cutter(source), _cutter(source))
    for target, time in changes.freezes.items():
        held, stopped = partial(_held, time), partial(_stopped, time)
        equations, stocks = _with_bodies(equations, stocks, target, held, stopped)
    return replace(
        program,
        quantities=(*(_retyped(q, changes) for q in program.quantities), *(q for q, _ in hidden)),
        stocks=stocks,
        equations=(*equations, *(e for _, e in hidden)),
        tables=(*program.tables, *tables.values()),
    )


def _with_elements(
    program: Program, equations: tuple[Equation, ...], elements: Mapping[str, Mapping[Position, float]]
) -> tuple[Equation, ...]:
    """Return the equations, those of constants with single new elements written out one by one."""
    if not elements:
        return equations
    changed = replace(program, equations=equations)
    kept = tuple(equation for equation in equations if equation.target not in elements)
    return kept + tuple(e for id_, given in elements.items() for e in spread(changed, program.by_id[id_], given))


def _bodies(changes: Changes, tables: Mapping[str, Table]) -> dict[str, Node]:
    paths: dict[str, Node] = {
        target: Lookup(tables[target].id, Ref(TIME), curve.mode) for target, curve in changes.curves.items()
    }
    return {target: Num(value) for target, value in changes.numbers.items()} | paths


def _retyped(quantity: Quantity, changes: Changes) -> Quantity:
    """Make what became a path an auxiliary: it is no parameter of the run any more."""
    if quantity.id in changes.curves:
        return replace(quantity, kind="auxiliary")
    return replace(quantity, kind="constant") if quantity.id in changes.numbers else quantity


def _started(
    program: Program, initials: Mapping[str, float], taken: Iterable[str]
) -> tuple[list[tuple[Quantity, Equation]], tuple[Stock, ...]]:
    """Return the hidden constants that hold starting values, and the stocks that start from them."""
    used, hidden, refs = set(taken), [], {}
    for target, value in initials.items():
        stock = program.by_id[target]
        name = f"{stock.name} {OVERRIDE}"
        id_ = identifier(name, used)
        used.add(id_)
        doc = f"Where {stock.name} starts, as the scenario says."
        hidden.append((Quantity(name, id_, "constant", stock.unit, doc), Equation(id_, Num(value))))
        refs[target] = Ref(id_)
    stocks = tuple(replace(s, initial=refs[s.target]) if s.target in refs else s for s in program.stocks)
    return hidden, stocks


def _with_bodies(
    equations: tuple[Equation, ...],
    stocks: tuple[Stock, ...],
    target: str,
    in_equation: Callable[[Node], Node],
    in_flow: Callable[[Node], Node],
) -> tuple[tuple[Equation, ...], tuple[Stock, ...]]:
    """Return equations and stocks with what defines ``target`` changed."""
    return (
        tuple(replace(e, body=in_equation(e.body)) if e.target == target else e for e in equations),
        tuple(replace(s, flow=in_flow(s.flow)) if s.target == target else s for s in stocks),
    )


def _cutter(source: str) -> Callable[[Node], Node]:
    """Return what keeps every reference to ``source`` at its starting value."""

    def keep(node: Node) -> Node:
        return Apply("initial", (node,)) if isinstance(node, Ref) and node.name == source else node

    return lambda body: rewrite(body, keep)


def _held(time: float, body: Node) -> Node:
    """Follow ``body`` up to and including ``time``, and keep its value of then."""
    return Apply("sample if true", (Apply("le", (Ref(TIME), Num(time))), body, body))


def _stopped(time: float, flow: Node) -> Node:
    """Let a stock change until ``time``: it keeps the value that it has then."""
    return Apply("if", (Apply("lt", (Ref(TIME), Num(time))), flow, Num(0.0)))
