"""Overrides as transformations of a Program: every engine then runs the same model. Nothing is mutated.

It knows no scenario file: quantities come as identifiers, values in the model's units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
class Opening:
    """A link that is opened for a test, by identifiers: what its effect then sees instead of its cause.

    ``held`` is a number in the cause's unit, the identifier of a constant, or None for the starting value.
    """

    source: str
    target: str
    held: float | str | None = None

    def stand_in(self, cause: Ref) -> Node:
        """Return what stands for one reference to the cause."""
        match self.held:
            case None:
                return Apply("initial", (cause,))
            case str(name):
                return Ref(name, cause.index)
            case value:
                return Num(value)


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change in a Program, by identifier; applied in the order of the fields."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    elements: Mapping[str, Mapping[Position, float]] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    initials: Mapping[str, float] = field(default_factory=dict)
    cuts: tuple[Opening, ...] = ()
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
    equations, stocks = opened(equations, stocks, [(opening, None) for opening in changes.cuts])
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


def opened(
    equations: tuple[Equation, ...], stocks: tuple[Stock, ...], openings: Sequence[tuple[Opening, Node | None]]
) -> tuple[tuple[Equation, ...], tuple[Stock, ...]]:
    """Return equations and stocks with links opened: each while the condition beside it holds, None is always.

    Where two openings of one link are on, the first counts.
    """
    by_target: dict[str, list[tuple[Opening, Node | None]]] = {}
    for opening, on in openings:
        by_target.setdefault(opening.target, []).append((opening, on))
    for target, own in by_target.items():
        change = partial(_without_causes, own)
        equations, stocks = _with_bodies(equations, stocks, target, change, change)
    return equations, stocks


def _without_causes(openings: Sequence[tuple[Opening, Node | None]], body: Node) -> Node:
    def change(node: Node) -> Node:
        if not isinstance(node, Ref):
            return node
        seen: Node = node
        for opening, on in reversed(openings):
            if opening.source == node.name:
                seen = opening.stand_in(node) if on is None else Apply("if", (on, opening.stand_in(node), seen))
        return seen

    return rewrite(body, change)


def _held(time: float, body: Node) -> Node:
    """Follow ``body`` up to and including ``time``, and keep its value of then."""
    return Apply("sample if true", (Apply("le", (Ref(TIME), Num(time))), body, body))


def _stopped(time: float, flow: Node) -> Node:
    """Let a stock change until ``time``: it keeps the value that it has then."""
    return Apply("if", (Apply("lt", (Ref(TIME), Num(time))), flow, Num(0.0)))
