"""One run from start to end: a model or scenario in, a labelled Dataset out. It writes no file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from sdpolicy.backends.base import Engine, Trajectory, Trouble, layout
from sdpolicy.errors import Problem, SettingsError, SimulationError, suggest
from sdpolicy.expression import references
from sdpolicy.integrators import ADAPTIVE, EMBEDDED, FIXED_STEP, Grid
from sdpolicy.lower import Lowered, lower
from sdpolicy.program import Program

if TYPE_CHECKING:
    import xarray as xr

    from sdpolicy.scenario import Amount, Case, Scenario

ENGINES: Final = ("llvm", "python", "pysd")
DEFAULT_ENGINE: Final = "llvm"
LARGEST: Final = 2**36
"""Bytes that the values of one run may have; some systems promise more than they have, and then end the run."""


def simulate(
    source: str | Path | Program | Scenario | Case,
    *,
    engine: str = DEFAULT_ENGINE,
    method: str | None = None,
    step: float | None = None,
    save: float | None = None,
    overrides: Mapping[str, float | Amount] | None = None,
) -> xr.Dataset:
    """Run a model or a scenario once.

    Args:
        source: a scenario or model by name (``korea``, ``core``), by path, or as read; a model alone runs
            with its own settings.
        engine: ``llvm`` (compiled), ``python`` (generated text that can be read; the same bits) or ``pysd``
            (the reference; Euler only).
        method: ``euler``, ``rk2``, ``rk4`` with a fixed step; ``rk23`` (of ``llvm`` alone), ``rk45``, ``dop853``,
            ``radau``, ``lsoda`` with steps of their own; by default what the scenario says, else
            what the model was saved with in Vensim, else Euler.
        step: time step, in the model's unit of time; by default the scenario's or model's.
        save: interval at which values are kept, a whole number of steps.
        overrides: constants by name, in the model's units, or as ``Amount`` with a unit; they come last.

    Returns:
        A Dataset with one variable for each variable of the model, named as the model spells it, over
        ``time``; units and meanings in the variables' attributes, provenance in the Dataset's.

    Raises:
        ModelError, ScenarioError: when the files are not right, or do not fit each other.
        SettingsError: for an engine that does not exist, a method that it does not have, or more saved rows than
            memory holds.
        SimulationError: when a value is not finite.
    """
    from sdpolicy.results import label
    from sdpolicy.results.roles import read_roles
    from sdpolicy.scenario import RunSettings, case
    from sdpolicy.vensim import read_model

    known = _engine(engine)
    chosen = case(source, read_model, overrides or {}, RunSettings(method=method, step=step, save=save))
    trajectory = _reference(chosen) if known == "pysd" else _generated(chosen, known)
    if trajectory.trouble is not None:
        raise SimulationError(_explain(chosen, trajectory))
    roles = read_roles(Path(chosen.program.source).with_suffix(".roles.toml"))
    named = str(source) if isinstance(source, str | Path) else ""
    outputs = [quantity.id for quantity in chosen.program.shown]
    return label(chosen, trajectory.values, engine=known, outputs=outputs, reference=named, roles=roles)


def _engine(name: str) -> str:
    if name not in ENGINES:
        what = f"there is no engine '{name}'; the engines are {', '.join(ENGINES)}"
        raise SettingsError(Problem("engine", what, suggest(name, ENGINES)))
    return name


def _generated(chosen: Case, engine: str) -> Trajectory:
    lowered = lower(chosen.program)
    outputs = [quantity.id for quantity in chosen.program.shown]
    size = chosen.grid.saved * sum(quantity.size for quantity in chosen.program.shown) * 8
    if size > LARGEST:
        raise SettingsError(_too_large(chosen, size))
    kernel = _maker(engine, chosen.method).compile(lowered)
    try:
        return kernel.run(np.array(lowered.defaults), chosen.grid, chosen.method, outputs)
    except MemoryError:
        raise SettingsError(_too_large(chosen, size)) from None


def _too_large(chosen: Case, size: int) -> Problem:
    where = chosen.scenario.name if chosen.scenario else chosen.program.name
    what = f"{chosen.grid.saved:,} saved rows of all variables would fill {size / 2**30:,.1f} GiB of memory"
    return Problem(where, what, "Save less often, with a longer step, or stop earlier: save, step or stop under [run].")


def _maker(engine: str, method: str) -> Engine:
    """Return what compiles for that engine; variable-step methods have one of their own."""
    if method in ADAPTIVE:
        from sdpolicy.backends import adaptive

        return adaptive.ENGINE
    if engine == "llvm":
        from sdpolicy.backends import llvm

        return llvm.ENGINE
    if method in EMBEDDED:
        what = f"the engine '{engine}' does not have the method '{method}'"
        raise SettingsError(Problem("engine", what, "Choose the engine 'llvm', or another method, such as 'rk45'."))
    from sdpolicy.backends import python

    return python.ENGINE


def _reference(chosen: Case) -> Trajectory:
    from sdpolicy.backends import pysd
    from sdpolicy.vensim import read_model

    if chosen.method != "euler":
        what = f"the engine 'pysd' knows Euler only, and the method is '{chosen.method}'"
        raise SettingsError(Problem("engine", what, "Choose the method 'euler', or the engine 'python'."))
    if not chosen.program.source:
        raise SettingsError(Problem("engine", "the engine 'pysd' needs a model that was read from a file"))
    path = Path(chosen.program.source)
    outputs = [quantity.id for quantity in chosen.program.shown]
    return pysd.run(path, read_model(path), chosen.program, chosen.grid, outputs)


def _explain(chosen: Case, trajectory: Trajectory) -> Problem:
    """Say which variable is not finite, when, and what it was computed from."""
    trouble = trajectory.trouble
    assert trouble is not None
    program = chosen.program
    where = f"{chosen.scenario.name if chosen.scenario else program.name}, '{program.by_id[trouble.quantity].name}'"
    what = f"the value is not finite at time {trouble.time:g}"
    inputs = _inputs(lower(program), chosen, trouble)
    if inputs:
        what += f"; what it is computed from, when last known: {inputs}"
    return Problem(where, what, "Try a smaller step, or look at what these inputs should be.")


def _inputs(lowered: Lowered, chosen: Case, trouble: Trouble) -> str:
    """Return ``'a' = 1, 'b' = 2``: the scalars that the quantity reads, at the step before the trouble."""
    from sdpolicy.backends import python

    program, grid = chosen.program, chosen.grid
    bodies = [equation.body for equation in program.equations if equation.target == trouble.quantity]
    bodies += [stock.flow for stock in program.stocks if stock.target == trouble.quantity]
    names = sorted({name for body in bodies for name in references(body)} & set(program.by_id))
    names = [name for name in names if not program.by_id[name].dimensions]
    steps = round((trouble.time - grid.start) / grid.step)
    method = chosen.method if chosen.method in FIXED_STEP else "rk4"
    short = Grid(grid.start, grid.step, max(steps, 1))
    values = python.ENGINE.compile(lowered).run(np.array(lowered.defaults), short, method, names).values
    known = dict(zip(names, values[max(steps - 1, 0)], strict=True))
    places = layout(program.by_id[name] for name in lowered.parameters)
    known |= {name: lowered.defaults[places[name].start] for name in names if name in places}
    return ", ".join(f"'{program.by_id[name].name}' = {x:.6g}" for name, x in known.items() if np.isfinite(x))
