"""In which order a kernel computes the equations of a step: those first for which the longest chain waits.

While a processor waits, it runs ahead by some hundred instructions, less than a model's step holds; what can't
wait has to stand early. This module knows equations, no IR.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Final

from sdpolicy.expression import Apply, Lookup, Node, Reduce, children, references
from sdpolicy.lower import Lowered
from sdpolicy.program import Equation

LATENCY: Final[Mapping[str, int]] = {
    "div": 14, "zidz": 20, "xidz": 20, "modulo": 30, "quantum": 30, "sqrt": 18, "exp": 25, "ln": 25, "pow": 45,
    **dict.fromkeys(("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "noise"), 50),
}  # fmt: skip
"""About how many cycles the result of a primitive lets wait; that of the others, ``SIMPLE``."""
SIMPLE: Final = 4
ARRAY: Final = 30
"""The same for a table, and for what combines elements."""


def scheduled(lowered: Lowered) -> tuple[Equation, ...]:
    """Return the running equations, each still after those that it reads, by the chain that waits for each."""
    equations = lowered.running
    users = _users(equations)
    states: dict[str, int] = {}
    for stock in lowered.states:
        for name in references(stock.flow):
            states[name] = max(states.get(name, 0), latency(stock.flow))
    waiting = [0] * len(equations)
    missing = [0] * len(equations)
    for i in reversed(range(len(equations))):
        behind = max((waiting[j] for j in users[i]), default=0)
        waiting[i] = latency(equations[i].body) + max(behind, states.get(equations[i].target, 0))
        for j in users[i]:
            missing[j] += 1
    ready = [(-waiting[i], i) for i in range(len(equations)) if not missing[i]]
    heapq.heapify(ready)
    order = []
    while ready:
        _, i = heapq.heappop(ready)
        order.append(equations[i])
        for j in users[i]:
            missing[j] -= 1
            if not missing[j]:
                heapq.heappush(ready, (-waiting[j], j))
    return tuple(order)


def _users(equations: Sequence[Equation]) -> list[set[int]]:
    """Return, for each equation, those that must come after it: they read it or give further elements of it."""
    users: list[set[int]] = [set() for _ in equations]
    last: dict[str, int] = {}
    for i, equation in enumerate(equations):
        for name in {*references(equation.body), equation.target} & last.keys():
            users[last[name]].add(i)
        last[equation.target] = i
    return users


def latency(node: Node) -> int:
    """Return about how many cycles after its arguments the value of ``node`` is there."""
    match node:
        case Lookup() | Reduce():
            own = ARRAY
        case Apply(op=op):
            own = LATENCY.get(op, SIMPLE)
        case _:
            own = 0
    return own + max((latency(child) for child in children(node)), default=0)
