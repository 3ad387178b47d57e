"""From a Program to what engines run: delays become stocks, time switches are held, orders are found.

Engines see a Lowered model only: primitive operators, states, memories, and equations in running order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sdpolicy.expand import Expanded, Memory, Ring, expand
from sdpolicy.expression import STATEFUL, TIME, TIME_FUNCTIONS, Apply, Num, references, walk
from sdpolicy.hold import hold
from sdpolicy.interpret import flat, positions
from sdpolicy.order import arrange
from sdpolicy.program import Equation, Program, Quantity, Stock, Table

__all__ = ["Lowered", "Memory", "Ring", "lower"]


@dataclass(frozen=True)
class Lowered:
    """A model that an engine can run. All targets are identifiers; orders are final.

    A run goes: ``constants`` once, ``startup`` once (initial values of states, memories and rings,
    and of ``initials``, which then stay as they are); then in each step ``held`` once at the step's
    beginning (time is ``step_time``) and ``running`` at every Runge-Kutta stage (time is the stage's),
    after which ``states`` give the flows. Saved rows are the values of the first stage.
    ``startup`` may target auxiliaries too: these are scratch values of the start-up alone.
    """

    program: Program
    hidden: tuple[Quantity, ...]
    """Quantities that lowering added: orders of delays, held switches, memories. Not saved."""
    parameters: tuple[str, ...]
    """Constants whose equation is a plain number: inputs of the kernel, element by element in this order."""
    constants: tuple[Equation, ...]
    startup: tuple[Equation, ...]
    initials: tuple[str, ...]
    held: tuple[Equation, ...]
    running: tuple[Equation, ...]
    states: tuple[Stock, ...]
    memories: tuple[Memory, ...] = ()
    rings: tuple[Ring, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Quantity]:
        """All quantities, hidden ones too."""
        return {quantity.id: quantity for quantity in (*self.program.quantities, *self.hidden)}

    @cached_property
    def table_by_id(self) -> Mapping[str, Table]:
        return self.program.table_by_id

    @cached_property
    def defaults(self) -> tuple[float, ...]:
        """The values of ``parameters`` that the program itself gives, flat."""
        found: dict[tuple[str, int], float] = {}
        for equation in self.program.equations:
            if isinstance(equation.body, Num):
                shape = self.by_id[equation.target].shape
                for at in positions(equation.axes):
                    found[equation.target, flat(equation.index, shape, at)] = equation.body.value
        return tuple(found[name, element] for name in self.parameters for element in range(self.by_id[name].size))


def lower(program: Program) -> Lowered:
    """Lower ``program``.

    Raises:
        ModelError: for a true algebraic loop, at start-up or while running, with its members in order,
            and for delays whose order is no whole number.
    """
    parameters, derived, fixed = _constants(program)
    expanded = expand(program, fixed)
    initials = _initials(expanded, fixed)
    start = _startup(expanded, fixed, initials)
    rest = tuple(e for e in expanded.equations if e.target not in fixed and e.target not in initials)
    running, held, twins = hold(expanded, rest, fixed | initials)
    shapes = {q.id: q.shape for q in (*program.quantities, *expanded.hidden, *twins)}
    return Lowered(
        program=program,
        hidden=(*expanded.hidden, *twins),
        parameters=parameters,
        constants=arrange(program, derived, shapes, "among the constants"),
        startup=arrange(program, start, shapes, "while initial values are computed"),
        initials=tuple(q.id for q in (*program.quantities, *expanded.hidden) if q.id in initials),
        held=arrange(program, held, shapes, "among the time switches"),
        running=arrange(program, running.equations, shapes, "while running"),
        states=running.stocks,
        memories=running.memories,
        rings=running.rings,
    )


def _constants(program: Program) -> tuple[tuple[str, ...], tuple[Equation, ...], frozenset[str]]:
    """Return the parameters, the equations of constants computed from them, and all of both."""
    plain = {e.target for e in program.equations} - {e.target for e in program.equations if not isinstance(e.body, Num)}
    fixed = set(plain)
    waiting: dict[str, set[str]] = {}
    for equation in program.equations:
        if equation.target not in plain:
            waiting.setdefault(equation.target, set()).update(references(equation.body))
            if _varies(equation):
                waiting[equation.target].add(TIME)
    changed = True
    while changed:
        ready = {target for target, reads in waiting.items() if target not in fixed and reads <= fixed}
        fixed |= ready
        changed = bool(ready)
    parameters = tuple(q.id for q in program.quantities if q.id in plain)
    derived = tuple(e for e in program.equations if e.target in fixed and e.target not in plain)
    return parameters, derived, frozenset(fixed)


def _varies(equation: Equation) -> bool:
    """Tell whether an equation can change in time although it reads constants only."""
    changing = set(STATEFUL) | set(TIME_FUNCTIONS) | {"noise"}
    return equation.initial is not None or any(
        isinstance(part, Apply) and part.op in changing for part in walk(equation.body)
    )


def _initials(expanded: Expanded, fixed: frozenset[str]) -> frozenset[str]:
    """Return what is computed at start-up and stays: INITIAL() and what depends on it and constants alone."""
    stay = set(expanded.initials)
    by_target: dict[str, set[str]] = {}
    for equation in expanded.equations:
        if equation.target not in fixed and equation.target not in stay and equation.initial is None:
            by_target.setdefault(equation.target, set()).update(references(equation.body))
    changed = bool(stay)
    while changed:
        ready = {t for t, reads in by_target.items() if t not in stay and reads <= fixed | stay}
        stay |= ready
        changed = bool(ready)
    return frozenset(stay)


def _startup(expanded: Expanded, fixed: frozenset[str], initials: frozenset[str]) -> tuple[Equation, ...]:
    """Return, unordered, the equations that give all initial values."""
    offers: dict[str, list[Equation]] = {}
    carriers: list[Stock | Memory | Ring] = [*expanded.stocks, *expanded.memories, *expanded.rings]
    for item in carriers:
        offers.setdefault(item.target, []).append(Equation(item.target, item.initial, item.axes, item.index))
    for e in expanded.equations:
        if e.target not in fixed:
            body = e.body if e.initial is None else e.initial
            offers.setdefault(e.target, []).append(Equation(e.target, body, e.axes, e.index))
    wanted = [*(item.target for item in carriers), *sorted(initials)]
    chosen: dict[str, list[Equation]] = {}
    while wanted:
        target = wanted.pop()
        if target in chosen or target not in offers:
            continue
        chosen[target] = offers[target]
        for equation in offers[target]:
            wanted.extend(references(equation.body))
    return tuple(equation for equations in chosen.values() for equation in equations)
