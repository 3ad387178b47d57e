"""Runs with a named loop switched off: one compiled model with a switch for each loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
import xarray as xr

from sdpolicy.backends import llvm
from sdpolicy.backends.base import FloatArray
from sdpolicy.dominance.found import named_loops
from sdpolicy.errors import Problem, ScenarioError, SimulationError, suggest
from sdpolicy.expression import Apply, Node, Num, Ref, rewrite
from sdpolicy.lower import lower
from sdpolicy.program import Equation, Program, Quantity, fold, identifier
from sdpolicy.results import label
from sdpolicy.scenario import Case, case
from sdpolicy.scenario.loops import NamedLoop
from sdpolicy.vensim import read_model

WHOLE = "whole"
"""How the run with all its loops is called."""


def without(program: Program, loops: Sequence[NamedLoop]) -> tuple[Program, Mapping[str, str]]:
    """Return ``program`` with a switch for each of ``loops``, all off, and the switches' identifiers by loop.

    A loop that is switched off keeps the cause of its cut link at the value that it starts with, as [cut] does.

    Raises:
        ScenarioError: for a loop whose cut link does not exist.
    """
    taken = {*program.by_id, *program.table_by_id}
    switches: dict[str, str] = {}
    at: dict[tuple[str, str], list[str]] = {}
    problems: list[Problem] = []
    for loop in loops:
        link = _link(program, loop)
        if isinstance(link, Problem):
            problems.append(link)
            continue
        switches[loop.id] = identifier(f"without {loop.id}", taken)
        taken.add(switches[loop.id])
        at.setdefault(link, []).append(switches[loop.id])
    if problems:
        raise ScenarioError(problems)
    equations, stocks = program.equations, program.stocks
    for (source, target), ids in at.items():
        equations = tuple(
            replace(e, body=_switched(e.body, source, ids)) if e.target == target else e for e in equations
        )
        stocks = tuple(replace(s, flow=_switched(s.flow, source, ids)) if s.target == target else s for s in stocks)
    added = tuple(Quantity(f"without {name}", id_, "constant") for name, id_ in switches.items())
    return replace(
        program,
        quantities=(*program.quantities, *added),
        equations=(*equations, *(Equation(quantity.id, Num(0.0)) for quantity in added)),
        stocks=stocks,
    ), switches


def _link(program: Program, loop: NamedLoop) -> tuple[str, str] | Problem:
    where = f"{program.name}, loop {loop.id}"
    found = [program.find(name) for name in loop.cut]
    for name, quantity in zip(loop.cut, found, strict=True):
        if quantity is None:
            return Problem(where, f"the model has no variable '{name}'", program.suggest(name))
    assert found[0] is not None
    assert found[1] is not None
    return found[0].id, found[1].id


def _switched(body: Node, source: str, switches: Sequence[str]) -> Node:
    """Return ``body`` reading the starting value of ``source`` wherever one of ``switches`` is on."""
    on = reduce(lambda a, b: Apply("or", (a, b)), [Apply("ne", (Ref(name), Num(0.0))) for name in switches])

    def change(node: Node) -> Node:
        if isinstance(node, Ref) and node.name == source:
            return Apply("if", (on, Apply("initial", (node,)), node))
        return node

    return rewrite(body, change)


def cuts(
    source: str | Path | Case, loops: Sequence[str] | None = None, outputs: Sequence[str] | None = None
) -> xr.Dataset:
    """Run a scenario once as it is and once without each named loop.

    Args:
        source: a scenario or model by name or path, or a case.
        loops: ids or names of loops; by default all that the model's file names.
        outputs: names of variables to keep; by default all without subscripts that vary.

    Returns:
        A Dataset over (run, time): the run ``whole``, then one without each loop, called by the loop's id.
        A run that does not stay finite without its loop is NaN from there on.

    Raises:
        ScenarioError: for a loop or variable that does not exist.
        SimulationError: when the whole run does not stay finite.
    """
    chosen = case(source, read_model)
    named = _chosen(chosen, loops)
    program, switches = without(chosen.program, named)
    wanted = _outputs(chosen.program, outputs)
    lowered = lower(program)
    rows = [switched(lowered.parameters, lowered.defaults, lowered.by_id, [])]
    rows += [switched(lowered.parameters, lowered.defaults, lowered.by_id, [switches[loop.id]]) for loop in named]
    found = llvm.ENGINE.compile(lowered).run_many(np.array(rows), chosen.grid, chosen.method, [q.id for q in wanted])
    if 0 in found.troubles:
        what = f"'{found.troubles[0].quantity}' is not finite at time {found.troubles[0].time:g}"
        raise SimulationError(Problem(chosen.program.name, what))
    bare = label(chosen, np.empty((chosen.grid.saved, 0)), engine="llvm", outputs=())
    coordinates = {
        "run": [WHOLE, *(loop.id for loop in named)],
        "name": ("run", ["all loops", *(loop.name for loop in named)]),
        "story": ("run", ["", *(loop.story for loop in named)]),
        "time": bare["time"],
    }
    variables = {
        quantity.name: (("run", "time"), found.values[:, :, n], {"units": quantity.unit})
        for n, quantity in enumerate(wanted)
    }
    return xr.Dataset(variables, coordinates, bare.attrs)


def switched(
    parameters: Sequence[str], defaults: Sequence[float], by_id: Mapping[str, Quantity], on: Sequence[str]
) -> FloatArray:
    """Return a row of parameters with the switches ``on`` set to 1."""
    row, start = np.array(defaults), 0
    for name in parameters:
        if name in on:
            row[start] = 1.0
        start += by_id[name].size
    return row


def _chosen(chosen: Case, loops: Sequence[str] | None) -> list[NamedLoop]:
    named = {loop.id: loop for loop in named_loops(chosen)}
    if loops is None:
        return list(named.values())
    known = {fold(text): loop for loop in named.values() for text in (loop.name, loop.id)}
    problems = [
        Problem(chosen.program.name, f"the model has no loop '{name}'", suggest(name, named) or "Its file names none.")
        for name in loops
        if fold(name) not in known
    ]
    if problems:
        raise ScenarioError(problems)
    return [known[fold(name)] for name in loops]


def _outputs(program: Program, outputs: Sequence[str] | None) -> list[Quantity]:
    if outputs is None:
        return [q for q in program.quantities if q.kind in ("stock", "auxiliary") and not q.dimensions]
    found = {name: program.find(name) for name in outputs}
    problems = [
        Problem(program.name, f"the model has no variable '{name}'", program.suggest(name))
        for name, quantity in found.items()
        if quantity is None
    ]
    if problems:
        raise ScenarioError(problems)
    return [quantity for quantity in found.values() if quantity is not None]
