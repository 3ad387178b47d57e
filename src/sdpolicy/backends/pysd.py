"""The reference engine: PySD's own translation of the model file, run by PySD, Euler only.

It reads the model file itself, not our Program, so that the two can judge each other; of the Program it
takes only what a scenario changed. PySD turns text into Python and imports it, so it is given equations
alone, in a private folder: no units, comments or sketch, and no name that could end a quotation.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from sdpolicy.backends.base import FloatArray, Trajectory, Trouble, layout
from sdpolicy.errors import Problem, SimulationError
from sdpolicy.expression import TIME, Interpolation, Lookup, Node, Num, Ref
from sdpolicy.integrators import Grid
from sdpolicy.primitives import Curve, lookup
from sdpolicy.program import CONTROL, Equation, Program, Table, fold

SAFE_TEXT: Final = re.compile(r"[^\\`{}\x00-\x1f\x7f]*")
"""What an equation may hold to be given to PySD: nothing that could leave a quoted Python string."""


def run(path: Path, base: Program, changed: Program, grid: Grid, outputs: Sequence[str]) -> Trajectory:
    """Run the model file with PySD.

    Args:
        path: the model file.
        base: the Program read from it.
        changed: the Program as a scenario changed it; what differs is handed to PySD.
        grid: the times; the method is Euler.
        outputs: identifiers, as for the other engines.

    Raises:
        SimulationError: when PySD cannot translate the model, or has no counterpart for a change.
    """
    with _quiet(path):
        model = _load(_translation(path, grid.start))
        constants, functions, starts = _changes(path, base, changed)
        names = {fold(name): key for name, key in model.namespace.items()}
        _mend_lookups(model, {names.get(fold(table.name or table.id), ""): table for table in base.tables})
        for name, value in {**constants, **functions(lambda: float(model.time()))}.items():
            model.set_components({names[fold(name)]: value})
        for name, value in starts.items():
            _stock(model, names[fold(name)]).init_func = lambda value=value: value
        frame = model.run(
            final_time=grid.time(grid.steps),
            time_step=grid.step,
            saveper=grid.step * grid.every,
            return_columns=[names[fold(base.by_id[name].name)] for name in outputs if name in base.by_id],
        )
    return _trajectory(changed, grid, outputs, frame, names)


def _trajectory(
    program: Program, grid: Grid, outputs: Sequence[str], frame: Any, names: Mapping[str, str]
) -> Trajectory:
    """Put PySD's table into a flat array; ``frame`` has a column for each element, under PySD's names."""
    chosen = [program.by_id[name] for name in outputs]
    places = layout(chosen)
    values = np.full((grid.saved, sum(quantity.size for quantity in chosen)), math.nan)
    columns: dict[str, list[Any]] = {}
    for column in frame.columns:
        columns.setdefault(re.sub(r"\[[^\]]*\]$", "", str(column)), []).append(frame[column])
    for quantity in chosen:
        found = columns.get(names.get(fold(quantity.name), ""), [])
        constant = next((e.body for e in program.equations if e.target == quantity.id), None)
        if isinstance(constant, Num) and (quantity.id in CONTROL or not found):
            values[:, places[quantity.id]] = constant.value
        elif len(found) == quantity.size:
            rows = np.column_stack([np.asarray(column, dtype=float) for column in found])
            values[:, places[quantity.id]] = rows[: grid.saved]
    return Trajectory(values, _trouble(chosen, places, grid, values))


def _trouble(chosen: Sequence[Any], places: Any, grid: Grid, values: FloatArray) -> Trouble | None:
    bad = ~np.isfinite(values)
    if not bad.any():
        return None
    row = int(np.argmax(bad.any(axis=1)))
    column = int(np.argmax(bad[row]))
    quantity = next(q for q in chosen if places[q.id].start <= column < places[q.id].stop)
    return Trouble(quantity.id, column - places[quantity.id].start, grid.time(row * grid.every))


@contextmanager
def _quiet(path: Path) -> Iterator[None]:
    """Keep PySD's warnings to ourselves, and turn what it raises into an error that names the model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except SimulationError:
            raise
        except Exception as error:
            # PySD and its parser raise errors of every kind, none of them for users.
            text = " ".join(str(error).split())[:300]
            problem = Problem(path.name, f"PySD cannot run the model ({type(error).__name__}: {text})")
            raise SimulationError(problem) from error


def _translation(path: Path, start: float) -> Path:
    """Return PySD's translation of the model, made in a private folder and kept there."""
    import pysd

    from sdpolicy.cache import folder

    text = _plain(path, start)
    name = f"{hashlib.sha256(text.encode()).hexdigest()[:32]}_{pysd.__version__.replace('.', '_')}"
    with tempfile.TemporaryDirectory(prefix="sdpolicy-") as temporary:
        model = Path(temporary) / "model.mdl"
        kept = folder("pysd")
        if kept is not None:
            kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        if kept is not None and (kept / f"m{name}.py").is_file():
            return kept / f"m{name}.py"
        model.write_text(text, encoding="utf-8")
        pysd.read_vensim(str(model), initialize=False)
        written = model.with_suffix(".py")
        target = (kept or Path(tempfile.mkdtemp(prefix="sdpolicy-"))) / f"m{name}.py"
        staged = target.with_name(f"{target.stem}.{os.getpid()}.tmp")
        staged.write_bytes(written.read_bytes())
        staged.replace(target)
        return target


def _plain(path: Path, start: float) -> str:
    """Return the model's equations alone, as a model file that starts at ``start``, which PySD fixes on reading.

    Raises:
        SimulationError: for text that must not reach a translator that writes Python, and for what
            reads files beside the model.
    """
    from sdpolicy.vensim.text import read_text, split

    source = split(read_text(path))
    problems = []
    for entry in source.entries:
        if not SAFE_TEXT.fullmatch(entry.equation):
            what = "the definition holds a character that is not handed to PySD (a backslash, brace or control)"
            problems.append(Problem(f"{path.name}, line {entry.line}", what, "Rename the variable."))
        elif re.search(r"\bGET[ _](XLS|DIRECT|VDF|123|TIME)", entry.equation, re.IGNORECASE):
            what = "the reference engine is not given data files"
            problems.append(Problem(f"{path.name}, line {entry.line}", what, "Choose the engine 'python'."))
    if source.macros:
        problems.append(Problem(path.name, "the reference engine is not given macros", "Choose 'python'."))
    if problems:
        raise SimulationError(problems)
    return "{UTF-8}\n" + "".join(
        f"{_starting(entry.equation, start)}\n\t~\t\n\t~\t\n\t|\n\n" for entry in source.entries
    )


def _starting(equation: str, start: float) -> str:
    """Return the equation, that of INITIAL TIME with ``start`` in it."""
    name, equals, _ = equation.partition("=")
    return f"{name}= {start!r}" if equals and fold(name) == "initial time" else equation


def _load(path: Path) -> Any:
    import pysd

    return pysd.load(str(path))


def _mend_lookups(model: Any, tables: Mapping[str, Table]) -> None:
    """Replace the scalar look-up of each table of this instance, which spends its time in xarray.

    The values are those of PySD: clamped at the ends, linear between. PySD 3.14 rounds the points of a table
    to eight decimals when it writes its translation; they are given back the digits of the model file.
    Only this model object changes.
    """
    for owner in vars(model.components._components).values():
        data: Any = getattr(owner, "data", None)
        if type(owner).__name__ != "HardcodedLookups" or getattr(data, "ndim", 0) != 1:
            continue
        if owner.interp != "interpolate":
            continue
        curve = Curve.of(data["lookup_dim"].values.tolist(), data.values.tolist())
        table = tables.get(owner.py_name.removeprefix("_hardcodedlookup_"))
        if table is not None and _rounded(curve, table):
            curve = Curve.of(*table.curves[0])
        owner._call = _scalar(curve, owner._call)


def _rounded(curve: Curve, table: Table) -> bool:
    """Tell whether ``curve`` is ``table`` but for the rounding to eight decimals."""
    xs, ys = table.curves[0]
    return len(xs) == len(curve.xs) and np.allclose([*curve.xs, *curve.ys], [*xs, *ys], rtol=0.0, atol=5.1e-9)


def _scalar(curve: Curve, original: Callable[..., Any]) -> Callable[..., Any]:
    def call(data: Any, x: Any, final_subs: Any = None) -> Any:
        if isinstance(x, float | int | np.floating):
            return lookup(curve, float(x))
        return original(data, x, final_subs)

    return call


Functions = Callable[[Callable[[], float]], dict[str, Callable[[], float]]]


def _changes(path: Path, base: Program, changed: Program) -> tuple[dict[str, float], Functions, dict[str, float]]:
    """Return what a scenario changed: constants, functions of time, and starting values, by name."""
    constants: dict[str, float] = {}
    tables: dict[str, Lookup] = {}
    starts: dict[str, float] = {}
    problems: list[Problem] = []
    numbers = {e.target: e.body.value for e in changed.equations if isinstance(e.body, Num)}
    known = {equation.target: equation for equation in base.equations if not equation.index}
    for equation in changed.equations:
        before = known.get(equation.target)
        if equation.target in CONTROL or equation.target not in base.by_id or before == equation:
            continue
        name = base.by_id[equation.target].name
        match equation:
            case Equation(index=(_, *_)) if equation in base.equations:
                pass
            case Equation(body=Num(value=value), index=()):
                constants[name] = value
            case Equation(body=Lookup(x=Ref(name=clock), index=()) as table) if clock == TIME:
                tables[name] = table
            case _:
                problems.append(_no_counterpart(path, name))
    flows = {stock.target: stock.flow for stock in base.stocks if not stock.index}
    for stock in changed.stocks:
        if stock in base.stocks:
            continue
        name, start = base.by_id[stock.target].name, _number(stock.initial, numbers)
        if flows.get(stock.target) != stock.flow or start is None:
            problems.append(_no_counterpart(path, name))
        else:
            starts[name] = start
    if problems:
        raise SimulationError(problems)
    curves = {name: Curve.of(*changed.table_by_id[t.table].curves[0]) for name, t in tables.items()}

    def functions(clock: Callable[[], float]) -> dict[str, Callable[[], float]]:
        return {name: _of_clock(curve, tables[name].mode, clock) for name, curve in curves.items()}

    return constants, functions, starts


def _of_clock(curve: Curve, mode: Interpolation, clock: Callable[[], float]) -> Callable[[], float]:
    return lambda: lookup(curve, clock(), mode)


def _number(node: Node, numbers: dict[str, float]) -> float | None:
    if isinstance(node, Num):
        return node.value
    return numbers.get(node.name) if isinstance(node, Ref) else None


def _no_counterpart(path: Path, name: str) -> Problem:
    what = f"the engine 'pysd' has no counterpart for what the scenario does to '{name}' (a cut or a freeze)"
    return Problem(path.name, what, "Choose the engine 'python'.")


def _stock(model: Any, name: str) -> Any:
    """Return PySD's stateful object behind a stock."""
    for owner in model._stateful_elements.values():
        if owner.py_name.removeprefix("_integ_") == name:
            return owner
    raise KeyError(name)
