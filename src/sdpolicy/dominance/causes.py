"""What each variable of a model is computed from, by name. It runs nothing."""

from __future__ import annotations

from collections.abc import Mapping

from sdpolicy.expression import references
from sdpolicy.program import CONTROL, Program


def causes_of(program: Program) -> Mapping[str, tuple[str, ...]]:
    """Return, for each variable, the names of what its equation reads, in the order of the model's file."""
    reads: dict[str, set[str]] = {quantity.id: set() for quantity in program.quantities}
    for stock in program.stocks:
        reads[stock.target] |= references(stock.flow)
    for equation in program.equations:
        reads[equation.target] |= references(equation.body)
    return {
        quantity.name: tuple(
            other.name
            for other in program.quantities
            if other.id in reads[quantity.id] and other.id != quantity.id and other.id not in CONTROL
        )
        for quantity in program.quantities
    }
