"""The same model on NumPy arrays over members: what a careful user would write, generated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sdpolicy.expression import Apply, Lookup, Node, Num, Ref
from sdpolicy.integrators import Grid
from sdpolicy.lower import Lowered

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
FUNCTIONS = {"min": "minimum", "max": "maximum", "exp": "exp", "ln": "log", "sqrt": "sqrt", "abs": "abs"}


def spell(node: Node) -> str:
    """Return an expression of scalars as NumPy text."""
    match node:
        case Num(value=value):
            return repr(value)
        case Ref(name=name):
            return name
        case Lookup(table=table, x=x):
            return f"np.interp({spell(x)}, *tables[{table!r}])"
        case Apply(op="neg", args=(x,)):
            return f"(-{spell(x)})"
        case Apply(op="if", args=(test, yes, no)):
            return f"np.where({spell(test)}, {spell(yes)}, {spell(no)})"
        case Apply(op=("and" | "or") as op, args=(a, b)):
            return f"np.logical_{op}({spell(a)}, {spell(b)})"
        case Apply(op=op, args=(a, b)) if op in SIGNS:
            return f"({spell(a)} {SIGNS[op]} {spell(b)})"
        case Apply(op=op, args=args) if op in FUNCTIONS:
            return f"np.{FUNCTIONS[op]}({', '.join(map(spell, args))})"
    raise ValueError(f"the NumPy contender does not know {node}")


def make(lowered: Lowered, grid: Grid, outputs: tuple[str, ...]) -> Callable[[Any], Any]:
    """Return a function from parameters (members, P) to saved values (members, saved, outputs)."""
    names = [stock.target for stock in lowered.states]
    lines = ["def run(parameters):"]
    lines += [f"    {name} = parameters[:, {i}]" for i, name in enumerate(lowered.parameters)]
    lines += [f"    time = step_time = {grid.start!r}"]
    lines += [f"    {e.target} = {spell(e.body)}" for e in (*lowered.constants, *lowered.startup)]
    lines += [f"    {name} = {name} + np.zeros(len(parameters))" for name in names]
    lines += [f"    out = np.empty((len(parameters), {grid.saved}, {len(outputs)}))"]
    lines += [f"    for n in range({grid.steps} + 1):"]
    lines += [f"        time = step_time = {grid.start!r} + n * {grid.step!r}"]
    lines += [f"        {e.target} = {spell(e.body)}" for e in (*lowered.held, *lowered.running)]
    lines += [f"        if n % {grid.every} == 0:"]
    lines += [f"            out[:, n // {grid.every}, {i}] = {name}" for i, name in enumerate(outputs)]
    flows = ", ".join(f"{s.target} + {grid.step!r} * ({spell(s.flow)})" for s in lowered.states)
    lines += [f"        {', '.join(names)}, = {flows},", "    return out"]
    tables = {table.id: table.curves[0] for table in lowered.program.tables}
    scope: dict[str, Any] = {"np": np, "tables": {name: tuple(map(np.array, curve)) for name, curve in tables.items()}}
    exec("\n".join(lines), scope)
    result: Callable[[Any], Any] = scope["run"]
    return result
