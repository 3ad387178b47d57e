"""What members do: fans over time. It knows Datasets over (member, time) only."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sdpolicy.errors import Problem, ResultError
from sdpolicy.figures import chart
from sdpolicy.figures.behaviour import cell
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.style import COLOURS, HEIGHT, NOTE, Box, Page
from sdpolicy.outcomes import CRISIS, roles_in
from sdpolicy.words import percent

MOST: Final = 6
BANDS: Final = ((0.05, 0.95, 0.18), (0.25, 0.75, 0.35))
"""Quantiles and opacity of the bands, the wider first."""
ROW: Final = 270


def fans(ensemble: xr.Dataset, wanted: Sequence[str] = ()) -> Figure:
    """Return, for each variable, the median over time in bands that hold 50 % and 90 % of the members.

    Members that failed are left out of the bands and counted in the subtitle.

    Args:
        ensemble: Dataset over (member, time).
        wanted: names of variables; by default all that vary over time, at most six.

    Raises:
        ResultError: when there is none.
    """
    names = list(wanted or (str(n) for n in ensemble.data_vars if set(ensemble[n].dims) == {"member", "time"}))[:MOST]
    if not names or any(name not in ensemble for name in names):
        raise ResultError(Problem("fans", "the ensemble holds no such series over time"))
    columns = {1: 1, 2: 2, 4: 2}.get(len(names), 3)
    rows = math.ceil(len(names) / columns)
    page = Page(height=max(HEIGHT, ROW * rows + 180))
    top = header(page, str(ensemble.attrs.get("title", "")), _question(ensemble))
    bottom = footed(page, ensemble)
    for i, name in enumerate(names):
        box = cell(page, top, bottom, (i // columns, i % columns), (rows, columns))
        _fan(page, box, ensemble, name)
    return page.figure


def _question(ensemble: xr.Dataset) -> str:
    members = ensemble.sizes["member"]
    inputs = [str(name) for name in ensemble.coords if ensemble[name].attrs.get("kind") == "input"]
    failed = int((ensemble["failed"] >= 0).sum()) if "failed" in ensemble else 0
    text = (
        f"{members:,} members, {len(inputs)} inputs varied: line: median; bands: half and nine tenths of the members."
    )
    return f"{text} {failed:,} failed." if failed else text


def _fan(page: Page, box: Box, ensemble: xr.Dataset, name: str) -> None:
    values = np.asarray(ensemble[name].transpose("member", "time").values, dtype=np.float64)
    whole = values[np.isfinite(values).all(axis=1)]
    time = np.asarray(ensemble["time"].values, dtype=np.float64)
    roles = roles_in(ensemble)
    level = next((getattr(roles, role) for role in CRISIS if roles.variables.get(role) == name), None)
    low, middle, high = np.quantile(whole, [BANDS[0][0], 0.5, BANDS[0][1]], axis=0)
    edges = [chart.Trace(time, edge, "", COLOURS[0], "-", 0.0) for edge in (low, high)]
    frame = chart.Frame(box, 0, True, level)
    axes = chart.draw(page, frame, [chart.Trace(time, middle, "", COLOURS[0]), *edges])
    for lower, upper, opacity in BANDS:
        ends = np.quantile(whole, [lower, upper], axis=0)
        axes.fill_between(time, ends[0], ends[1], color=COLOURS[0], alpha=opacity, linewidth=0, zorder=1)
    unit = chart.scale_ticks(axes, str(ensemble[name].attrs.get("units", "")))
    if level is not None:
        share = (whole < level).any(axis=1).mean()
        unit = f"{percent(float(share))} of members fall below {level:g}"
    chart.heading(page, frame, name, unit)


def footed(page: Page, dataset: xr.Dataset) -> float:
    """Write the footer of a Dataset that may have no times of its own, with the design of its members."""
    about = json.loads(str(dataset.attrs.get("ensemble", "{}"))).get("design", {})
    timed = dataset if "time" in dataset.coords else xr.Dataset(coords={"time": [0.0]}, attrs=dataset.attrs)
    height = footer(page, [timed])
    if about:
        words = ", ".join(
            f"{key} {value}" for key, value in about.items() if key in ("members", "base", "trajectories", "seed")
        )
        ink = replace(NOTE, vertical="bottom")
        page.text(40, height, f"Design {about.get('design')}, {words}", ink)
        height -= 22
    return height
