"""Which variables stand in which panel, and the lines that they become. It draws nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.errors import Problem, ResultError, suggest
from sdpolicy.program import fold
from sdpolicy.results.roles import roles_of

FloatArray = NDArray[np.float64]
Wanted = Sequence[str | Sequence[str]]
"""Panels as a scenario names them: one variable, or several that share a panel."""

MOST: Final = 8
USUAL: Final = 6
MOST_LINES: Final = 8
ROLE_ORDER: Final = ("output", "relative knowledge", "debt/equity", "liquidity", "export share")


@dataclass(frozen=True, slots=True)
class Panel:
    """Variables (display names) that share a pair of axes, and therefore a unit."""

    variables: tuple[str, ...]
    unit: str

    @property
    def title(self) -> str:
        return ", ".join(self.variables)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel: what it is called there, and its values at the Dataset's times."""

    label: str
    values: FloatArray


def choose(dataset: xr.Dataset, wanted: Wanted | None, limit: int = MOST) -> tuple[Panel, ...]:
    """Return the panels of a figure, at most ``MOST``.

    The first that is given decides: ``wanted``; the panels that the Dataset carries from its scenario, unless
    they are more than ``limit`` and there are roles; the variables that play a role; the stocks; whatever
    varies. The last three give at most ``limit``.

    Raises:
        ResultError: when a wanted variable is not in the Dataset or does not vary over time.
    """
    roles = roles_of(dataset).variables
    if wanted is None and "panels" in dataset.attrs:
        own = json.loads(dataset.attrs["panels"])
        wanted = own if len(own) <= limit or not roles else None
    if wanted:
        return _named(dataset, wanted)
    names = [roles[role] for role in ROLE_ORDER if role in roles]
    for kind in ("stock", "auxiliary", "data"):
        if len(names) < limit and (kind == "stock" or not names):
            names += [name for name in _over_time(dataset) if dataset.variables[name].attrs.get("kind") == kind]
    chosen = list(dict.fromkeys(names or _over_time(dataset)))[: min(limit, USUAL)]
    return tuple(Panel((name,), _unit(dataset, name)) for name in chosen)


def _named(dataset: xr.Dataset, wanted: Wanted) -> tuple[Panel, ...]:
    known = {fold(name): name for name in _over_time(dataset)}
    problems: list[Problem] = []
    panels: list[Panel] = []
    for entry in wanted[:MOST]:
        names = [entry] if isinstance(entry, str) else list(entry)
        unknown = [name for name in names if fold(name) not in known]
        for name in unknown:
            cure = suggest(name, known.values()) or "Name a variable of the model that varies over time."
            problems.append(Problem("figure panels", f"the run holds no series '{name}'", cure))
        found = tuple(known[fold(name)] for name in names if fold(name) in known)
        units = dict.fromkeys(_unit(dataset, name) for name in found)
        if found:
            panels.append(Panel(found, ", ".join(units)))
    if problems:
        raise ResultError(problems)
    return tuple(panels)


def _over_time(dataset: xr.Dataset) -> list[str]:
    return [str(name) for name in dataset.data_vars if dataset.variables[name].dims[:1] == ("time",)]


def _unit(dataset: xr.Dataset, name: str) -> str:
    return str(dataset.variables[name].attrs.get("units", ""))


def lines(dataset: xr.Dataset, panel: Panel) -> list[Line]:
    """Return the panel's lines; a variable with subscripts gives one for each element, ``MOST_LINES`` at most."""
    found: list[Line] = []
    for name in panel.variables:
        if name not in dataset:
            continue
        variable = dataset[name]
        values = np.asarray(variable.values, dtype=np.float64)
        flat = values.reshape(len(values), -1)
        labels = _elements(variable)
        several = len(panel.variables) > 1 and len(labels) > 1
        for column, label in enumerate(labels):
            found.append(Line(f"{name} {label}" if several else label or name, flat[:, column]))
    return found[:MOST_LINES]


def _elements(variable: xr.DataArray) -> list[str]:
    labels = [""]
    for dim in variable.dims[1:]:
        coordinate = [str(value) for value in variable[dim].values]
        labels = [f"{label}, {element}" if label else element for label in labels for element in coordinate]
    return labels
