"""From an engine's bare array to a Dataset that says what it is. It knows a Case, no engine and no file."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.integrators import ADAPTIVE
from sdpolicy.program import Quantity
from sdpolicy.results.roles import Roles
from sdpolicy.scenario import Case, as_json

FloatArray = NDArray[np.float64]


def label(
    case: Case,
    values: FloatArray,
    *,
    engine: str,
    outputs: Sequence[str] | None = None,
    reference: str = "",
    roles: Roles | None = None,
) -> xr.Dataset:
    """Return a run as a Dataset.

    Variables are keyed by the names that the model gives them and have the dimensions ``time`` and their
    subscript ranges; constants have no time. Attributes say what was run with what, and hold nothing that
    changes from one equal run to the next.

    Args:
        case: what was run.
        values: shape (saved times, columns), as :class:`sdpolicy.backends.base.Trajectory` has them.
        engine: name of the engine.
        outputs: identifiers of quantities in the order of the columns, each with all its elements; by
            default all of the model.
        reference: what the user named to have it run, by which it can be run again.
        roles: which variables play which part, for words and figures.
    """
    program = case.program
    time = np.array([case.grid.time(n * case.grid.every) for n in range(case.grid.saved)], dtype=np.float64)
    # A bare array would have xarray import pint, to see whether it is one of pint's.
    units = {"units": _time_unit(case), "long_name": "time"}
    index = xr.IndexVariable("time", pd.Index(time), units)  # type: ignore[no-untyped-call]
    coordinates: dict[str, object] = {"time": index}
    variables: dict[str, object] = {}
    start = 0
    ids = [quantity.id for quantity in program.quantities] if outputs is None else outputs
    for quantity in (program.by_id[id_] for id_ in ids):
        block = np.asarray(values[:, start : start + quantity.size], dtype=np.float64)
        start += quantity.size
        dims = _dimensions(quantity)
        shaped = block.reshape(len(time), *quantity.shape)
        coordinates |= {dim: list(d.elements) for dim, d in zip(dims, quantity.dimensions, strict=True)}
        if quantity.kind == "constant":
            variables[quantity.name] = (dims, shaped[0].copy(), _attributes(quantity))
        else:
            variables[quantity.name] = (("time", *dims), shaped.copy(), _attributes(quantity))
    return xr.Dataset(variables, coordinates, _provenance(case, engine, reference, roles or Roles()))


def _dimensions(quantity: Quantity) -> tuple[str, ...]:
    """Return the names of subscript ranges; one that a variable has twice is numbered."""
    names: list[str] = []
    for dimension in quantity.dimensions:
        count = sum(name == dimension.name or name.startswith(f"{dimension.name} (") for name in names)
        names.append(f"{dimension.name} ({count + 1})" if count else dimension.name)
    return tuple(names)


def _attributes(quantity: Quantity) -> dict[str, str]:
    sentence = re.split(r"(?<=[.!?])\s", " ".join(quantity.doc.split()), maxsplit=1)[0]
    return {
        "units": quantity.unit,
        "long_name": sentence or quantity.name,
        "vensim_name": quantity.name,
        "kind": quantity.kind,
        "id": quantity.id,
    }


def _time_unit(case: Case) -> str:
    quantity = case.program.by_id.get("time_step") or case.program.by_id.get("final_time")
    return quantity.unit if quantity else ""


def _provenance(case: Case, engine: str, reference: str, roles: Roles) -> dict[str, str | float]:
    scenario, program, grid = case.scenario, case.program, case.grid
    attributes: dict[str, str | float] = {
        "title": scenario.title if scenario else program.name,
        "question": scenario.question if scenario else "",
        "country": scenario.country if scenario else "",
        "reference": reference or (scenario.file if scenario else program.source),
        "scenario": scenario.name if scenario else "",
        "scenario_sha256": scenario.digest if scenario else "",
        "scenario_files": json.dumps(dict(scenario.files) if scenario else {}, sort_keys=True),
        "model": program.name,
        "model_sha256": program.digest,
        "program_sha256": program.fingerprint,
        "applied": as_json(case.applied),
        "engine": engine,
        "method": case.method,
        "step": grid.step,
        "save": grid.step * grid.every,
        "start": grid.start,
        "stop": grid.time(grid.steps),
        **_versions(engine, case.method),
    }
    if scenario and scenario.figures.panels:
        attributes["panels"] = json.dumps([list(panel) for panel in scenario.figures.panels])
    if roles.variables:
        attributes["roles"] = roles.to_json()
    return attributes


def _versions(engine: str, method: str) -> dict[str, str]:
    """Return the versions of what the numbers depend on."""
    packages = ["sdpolicy", "numpy"]
    packages += ["scipy"] * (method in ADAPTIVE) + ["pysd"] * (engine == "pysd")
    return {"python": platform.python_version()} | {f"{name}_version": installed(name) for name in packages}


def installed(package: str) -> str:
    """Return the version of an installed package; of sdpolicy itself also where it is not installed."""
    if package == "sdpolicy":
        import sdpolicy

        return sdpolicy.__version__
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
