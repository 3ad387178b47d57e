"""What a kernel has to compute, and which values it must test so that no infinity or NaN stays unseen.

It knows Lowered models, not IR.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sdpolicy.backends.base import targets
from sdpolicy.expression import Apply, Node, Ref, references
from sdpolicy.lower import Lowered
from sdpolicy.program import Equation

SURE: Final = frozenset({"add", "sub", "mul", "neg", "abs", "sqrt", "ln", "integer", "sin", "cos", "tan"})
"""Primitives whose value is not finite whenever an argument is not (inf * 0 and inf - inf are NaN)."""


def prune(lowered: Lowered, outputs: Sequence[str]) -> Lowered:
    """Return the model without the equations that neither ``outputs`` nor any state needs."""
    wanted = set(outputs)
    wanted |= {*targets(lowered.states), *targets(lowered.memories), *targets(lowered.rings)}
    wanted |= {name for stock in lowered.states for name in references(stock.flow)}
    wanted |= {name for memory in lowered.memories for name in references(memory.update)}
    for ring in lowered.rings:
        wanted |= references(ring.input) | references(ring.delay)
    running = _needed(lowered.running, wanted)
    held = _needed(lowered.held, wanted)
    startup = _needed(lowered.startup, wanted)
    constants = _needed(lowered.constants, wanted)
    started = set(targets(startup))
    initials = tuple(name for name in lowered.initials if name in started)
    return replace(lowered, constants=constants, startup=startup, initials=initials, held=held, running=running)


def _needed(equations: Sequence[Equation], wanted: set[str]) -> tuple[Equation, ...]:
    """Return those equations whose targets are wanted, directly or by one another; add what they read to ``wanted``."""
    kept = []
    for equation in reversed(equations):
        if equation.target in wanted:
            wanted |= references(equation.body)
            kept.append(equation)
    return tuple(reversed(kept))


@dataclass(frozen=True, slots=True)
class Sinks:
    """Quantities to test: ``once`` after start-up, ``each`` in every step; the others show in these or in a state."""

    once: tuple[str, ...]
    each: tuple[str, ...]


def sinks(lowered: Lowered) -> Sinks:
    """Return which quantities of the program a kernel must test.

    A value that is added, subtracted or multiplied into another makes that one not finite too, and a
    state that is not finite stays so to the end of the run.
    """
    known = {quantity.id for quantity in lowered.program.quantities}
    shape = {name: quantity.shape for name, quantity in lowered.by_id.items()}
    shown = {name for stock in lowered.states if not stock.axes for name in _surely(stock.flow)}
    for equation in reversed(lowered.running):
        if not shape[equation.target]:
            shown |= set(_surely(equation.body))
    once = (*lowered.parameters, *targets(lowered.constants), *lowered.initials)
    states = set(targets(lowered.states))
    each = [
        name
        for name in targets((*lowered.held, *lowered.running))
        if name not in states and (shape[name] or name not in shown)
    ]
    stepped = targets((*lowered.memories, *lowered.rings))
    return Sinks(tuple(n for n in once if n in known), tuple(n for n in (*each, *stepped) if n in known))


def _surely(node: Node) -> Iterator[str]:
    """Yield the scalars without which ``node`` can't be finite."""
    match node:
        case Ref(name=name, index=()):
            yield name
        case Apply(op="div", args=(a, _)):
            yield from _surely(a)
        case Apply(op=op, args=args) if op in SURE:
            for arg in args:
                yield from _surely(arg)
        case _:
            pass
