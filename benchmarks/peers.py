"""The other engines, each as a function that runs members; one that is not installed says so and is left out."""

from __future__ import annotations

import bisect
import contextlib
import ctypes
import json
import logging
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import model as bench
import numpy as np

Runner = Callable[[np.ndarray], np.ndarray]
"""From values of the varied constants, one row a member, to (members, saved, series)."""


@dataclass(frozen=True)
class Names:
    """What members differ in, and the series that are kept."""

    varied: tuple[str, ...] = bench.VARIED
    saved: tuple[str, ...] = bench.SAVED


BENCH = Names()


def _stacked(one: Callable[[np.ndarray], np.ndarray]) -> Runner:
    return lambda members: np.stack([one(member) for member in members])


def pysd(path: Path, *, mended: bool, names: Names = BENCH) -> Runner:
    """PySD as shipped; or with the look-ups of this one model instance read by bisection."""
    import pysd as library

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = library.read_vensim(str(path))
    if mended:
        _mend(model)
    series = list(names.saved)

    def one(member: np.ndarray) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = model.run(params=dict(zip(names.varied, map(float, member), strict=True)), return_columns=series)
        return np.asarray(found[series].to_numpy(), dtype=float)

    return _stacked(one)


def _mend(model: Any) -> None:
    """Give every look-up of this model a reader that needs no labelled array."""
    from pysd.py_backend.lookups import Lookups

    for found in list(vars(model.components._components).values()):
        if isinstance(found, Lookups):
            data = found.data
            xs, ys = data["lookup_dim"].values.tolist(), data.values.ravel().tolist()

            def read(x: Any, *_: Any, xs: list[float] = xs, ys: list[float] = ys) -> float:
                x = float(x)
                if x <= xs[0]:
                    return ys[0]
                if x >= xs[-1]:
                    return ys[-1]
                j = bisect.bisect_right(xs, x) - 1
                return ys[j] + (ys[j + 1] - ys[j]) * (x - xs[j]) / (xs[j + 1] - xs[j])

            found._call = lambda _, x, __=None, read=read: read(x)


def pysimlin(path: Path, names: Names = BENCH) -> Runner:
    """pysimlin's simulation, made once and set back for every member: the fastest way that its interface has."""
    import simlin

    simulation = simlin.load(str(path)).simulate()

    def one(member: np.ndarray) -> np.ndarray:
        simulation.reset()
        for name, value in zip(names.varied, map(float, member), strict=True):
            simulation.set_value(name, value)
        simulation.run_to_end()
        return np.stack([simulation.get_series(name) for name in names.saved], axis=1)

    return _stacked(one)


def ema(path: Path) -> Runner:
    """EMA Workbench, one process, over PySD."""
    from ema_workbench import (  # type: ignore[import-not-found]
        RealParameter,
        Scenario,
        SequentialEvaluator,
        TimeSeriesOutcome,
    )
    from ema_workbench.connectors.pysd_connector import PysdModel  # type: ignore[import-not-found]

    logging.getLogger("EMA").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PysdModel("bench", mdl_file=str(path))
    model.uncertainties = [RealParameter(name, -1e9, 1e9) for name in bench.VARIED]
    model.outcomes = [TimeSeriesOutcome(name) for name in bench.SAVED]

    def run(members: np.ndarray) -> np.ndarray:
        samples = [Scenario(str(i), **dict(zip(bench.VARIED, row, strict=True))) for i, row in enumerate(members)]
        with warnings.catch_warnings(), SequentialEvaluator(model) as evaluator:
            warnings.simplefilter("ignore")
            _, found = evaluator.perform_experiments(samples)
        return np.stack([found[name] for name in bench.SAVED], axis=2)

    return run


def sdeverywhere(path: Path, work: Path, flags: Sequence[str] = ("-O2",)) -> Runner:
    """The C that SDEverywhere generates, compiled by gcc and called through its own buffers.

    ``sde`` (npm: @sdeverywhere/cli) makes the C; or SDE_C names a folder with its model.c and runtime.
    """
    folder = Path(os.environ["SDE_C"]) if os.environ.get("SDE_C") else _generate(path, work)
    library = work / f"sde{''.join(flags)}.so"
    sources = sorted(map(str, folder.glob("*.c")))
    sources = [source for source in sources if not source.endswith("main.c")]
    link = ["-shared", "-fPIC", "-w", "-Wl,-Bsymbolic"]  # its names must not meet those of the Python process
    command = ["gcc", *flags, *link, f"-I{folder}", "-o", str(library), *sources, "-lm"]
    subprocess.run(command, check=True)
    run_model = ctypes.CDLL(str(library)).runModelWithBuffers
    saved = round((bench.STOP - bench.START) / bench.SAVE) + 1
    count = len(bench.SAVED)

    def one(member: np.ndarray) -> np.ndarray:
        inputs = np.ascontiguousarray(member)
        outputs = np.empty((count, saved))
        pointers = [ctypes.c_void_p(inputs.ctypes.data), None, ctypes.c_void_p(outputs.ctypes.data), None, None, None]
        run_model(*pointers)
        return outputs.T

    return _stacked(one)


def _generate(path: Path, work: Path) -> Path:
    """Let SDEverywhere's command make the C; return where it put it."""
    command = shutil.which("sde")
    if command is None or shutil.which("gcc") is None:
        raise FileNotFoundError("needs sde (npm: @sdeverywhere/cli) and gcc, or SDE_C")
    spec = work / "spec.json"
    spec.write_text(json.dumps({"inputVarNames": list(bench.VARIED), "outputVarNames": list(bench.SAVED)}))
    subprocess.run([command, "generate", "--genc", "--spec", str(spec), str(path)], check=True, cwd=work)
    (model,) = work.rglob("build/**/*.c")
    return model.parent


def available(makers: dict[str, Callable[[], Runner]]) -> tuple[dict[str, Runner], dict[str, str]]:
    """Make the runners; return those that could be made, and for the others why not."""
    found: dict[str, Runner] = {}
    missing: dict[str, str] = {}
    for name, make in makers.items():
        with contextlib.suppress(KeyboardInterrupt):
            try:
                found[name] = make()
            except (ImportError, OSError, KeyError, subprocess.CalledProcessError) as error:
                missing[name] = f"{type(error).__name__}: {error}"
    return found, missing
