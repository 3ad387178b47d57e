"""Runs with a named loop switched off: one compiled model with a switch for each loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from sdpolicy.backends import llvm
from sdpolicy.backends.base import FloatArray
from sdpolicy.dominance.found import named_loops
from sdpolicy.errors import Problem, ScenarioError, SimulationError, suggest
from sdpolicy.expression import Apply, Node, Num, Ref
from sdpolicy.lower import lower
from sdpolicy.program import Equation, Program, Quantity, fold, identifier
from sdpolicy.results import label
from sdpolicy.scenario import Case, case
from sdpolicy.scenario.loops import Link, NamedLoop
from sdpolicy.scenario.openings import openings_of
from sdpolicy.scenario.transform import Opening, opened
from sdpolicy.vensim import read_model

WHOLE = "whole"
"""How the run with all its loops is called."""


@dataclass(frozen=True)
class Switched:
    """A Program with a switch for each loop, all off.

    ``switches`` are the switches' identifiers by loop; ``idle`` says of a loop why it has none: its links are
    not there in this run, because the scenario gives the effect a path or cuts them itself.
    """

    program: Program
    switches: Mapping[str, str]
    idle: Mapping[str, str]


def without(chosen: Case, loops: Sequence[NamedLoop]) -> Switched:
    """Return the program of a case with a switch for each of ``loops``.

    A loop that is switched off holds the causes of its links where [cut] would hold them.

    Raises:
        ScenarioError: for a loop whose link, or the value that its cause is held at, does not exist.
    """
    program = chosen.program
    taken = {*program.by_id, *program.table_by_id}
    switches: dict[str, str] = {}
    idle: dict[str, str] = {}
    openings: list[tuple[Opening, Node]] = []
    problems: list[Problem] = []
    for loop in loops:
        open_, idle_ = _present(chosen, loop)
        if not open_.cuts:
            idle[loop.id] = idle_
            continue
        switches[loop.id] = identifier(f"without {loop.id}", taken)
        taken.add(switches[loop.id])
        on = Apply("ne", (Ref(switches[loop.id]), Num(0.0)))
        for found in openings_of(program, open_):
            if isinstance(found, Problem):
                problems.append(found)
            else:
                openings.append((found, on))
    if problems:
        raise ScenarioError(problems)
    equations, stocks = opened(program.equations, program.stocks, openings)
    added = tuple(Quantity(f"without {name}", id_, "constant") for name, id_ in switches.items())
    changed = replace(
        program,
        quantities=(*program.quantities, *added),
        equations=(*equations, *(Equation(quantity.id, Num(0.0)) for quantity in added)),
        stocks=stocks,
    )
    return Switched(changed, switches, idle)


def _present(chosen: Case, loop: NamedLoop) -> tuple[NamedLoop, str]:
    """Return the loop with those of its links alone that the scenario leaves in place, and what became of the last."""
    given = {fold(item.name) for item in chosen.applied if item.kind == "path"}
    done = {(fold(item.value["from"]), fold(item.value["to"])) for item in chosen.applied if item.kind == "cut"}
    kept: list[Link] = []
    why = ""
    for source, target in loop.cuts:
        if fold(target) in given:
            why = f"the scenario gives '{target}'"
        elif (fold(source), fold(target)) in done:
            why = "the scenario cuts it itself"
        else:
            kept.append((source, target))
    return replace(loop, cuts=tuple(kept)), why


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
        A run that does not stay finite without its loop is NaN from there on; ``broken`` over run names the
        variable that is not finite first, ``broken_at`` the time (NaN where all is finite). ``idle`` over run
        says why a loop is not there to be cut, because of what the scenario does; its run is the whole one.

    Raises:
        ScenarioError: for a loop or variable that does not exist.
        SimulationError: when the whole run does not stay finite.
    """
    chosen = case(source, read_model)
    named = _chosen(chosen, loops)
    made = without(chosen, named)
    wanted = _outputs(chosen.program, outputs)
    lowered = lower(made.program)
    on = [[], *([made.switches[loop.id]] if loop.id in made.switches else [] for loop in named)]
    rows = np.array([switched(lowered.parameters, lowered.defaults, lowered.by_id, names) for names in on])
    found = llvm.ENGINE.compile(lowered).run_many(rows, chosen.grid, chosen.method, [q.id for q in wanted])
    if 0 in found.troubles:
        what = f"'{found.troubles[0].quantity}' is not finite at time {found.troubles[0].time:g}"
        raise SimulationError(Problem(chosen.program.name, what))
    bare = label(chosen, np.empty((chosen.grid.saved, 0)), engine="llvm", outputs=())
    troubles = [found.troubles.get(n) for n in range(len(rows))]
    coordinates = {
        "run": [WHOLE, *(loop.id for loop in named)],
        "name": ("run", ["all loops", *(loop.name for loop in named)]),
        "story": ("run", ["", *(loop.story for loop in named)]),
        "idle": ("run", ["", *(made.idle.get(loop.id, "") for loop in named)]),
        "broken": ("run", [lowered.by_id[it.quantity].name if it else "" for it in troubles]),
        "broken_at": ("run", [it.time if it else np.nan for it in troubles]),
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
        return [q for q in program.shown if q.kind in ("stock", "auxiliary") and not q.dimensions]
    found = {name: program.find(name) for name in outputs}
    problems = [
        Problem(program.name, f"the model has no variable '{name}'", program.suggest(name))
        for name, quantity in found.items()
        if quantity is None
    ]
    if problems:
        raise ScenarioError(problems)
    return [quantity for quantity in found.values() if quantity is not None]
