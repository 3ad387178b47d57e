"""A causes strip: a variable, its causes beside it, and theirs beside them. It knows Datasets only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sdpolicy.errors import Problem, ResultError, suggest
from sdpolicy.figures import chart
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.style import BASELINE, COLOURS, GREY, HEIGHT, MARGIN, NOTE, Box, Ink, Page, clip, wrap
from sdpolicy.program import fold

DIRECT: Final = 6
"""How many direct causes are drawn, and how many causes of each of these."""
INDIRECT: Final = 4


def causes(run: xr.Dataset, variable: str, tree: Mapping[str, Sequence[str]]) -> Figure:
    """Return the strip of ``variable``.

    Args:
        run: a run.
        variable: a variable of it, without subscripts.
        tree: for each variable the names of what it is computed from.

    Raises:
        ResultError: when the run does not hold the variable over time.
    """
    series = {fold(str(name)): str(name) for name in run.data_vars if run[name].dims == ("time",)}
    if fold(variable) not in series:
        cure = suggest(variable, series.values())
        raise ResultError(Problem("causes", f"the run holds no series '{variable}' over time", cure))
    root = series[fold(variable)]
    drawn = set(series.values())
    direct = [name for name in tree.get(root, ()) if name in drawn][:DIRECT]
    page = Page(height=max(HEIGHT, 130 * max(len(direct), 1) + 180))
    title = f"What moves {root}: {run.attrs.get('title', '')}"
    top = header(page, title, "Each variable stands left of its causes. " + _steady(tree, root, drawn))
    bottom = footer(page, [run])
    width = page.width - 2 * MARGIN
    first = Box(MARGIN, top, MARGIN + 0.36 * width, bottom)
    _panel(page, first, run, root, BASELINE, 20)
    height = (bottom - top) / max(len(direct), 1)
    for n, name in enumerate(direct):
        upper = top + n * height
        box = Box(MARGIN + 0.39 * width, upper, MARGIN + 0.63 * width, upper + height - 6)
        _panel(page, box, run, name, COLOURS[n % len(COLOURS)], 15)
        below = [other for other in tree.get(name, ()) if other in drawn][:INDIRECT]
        part = 0.36 * width / max(len(below), 2)
        for k, other in enumerate(below):
            left = MARGIN + 0.65 * width + k * part
            _panel(
                page, Box(left, upper, left + part - 8, upper + height - 6), run, other, COLOURS[n % len(COLOURS)], 12
            )
        if not below:
            page.text(MARGIN + 0.66 * width, upper + height / 2, _steady(tree, name, drawn), replace(NOTE, size=13))
    return page.figure


def _steady(tree: Mapping[str, Sequence[str]], name: str, drawn: set[str]) -> str:
    """Return the sentence that names the causes that stay as they are."""
    constant = [other for other in tree.get(name, ()) if other not in drawn]
    return f"Constant: {', '.join(constant)}." if constant else ""


def _panel(page: Page, box: Box, run: xr.Dataset, name: str, colour: str, size: int) -> None:
    ink = Ink(size, "#1a1a1a", "bold", vertical="bottom")
    lines = clip(wrap(name, box.width - 4, ink), 2 if size < 15 else 1)
    for n, line in enumerate(lines):
        page.text(box.left, box.top + (n + 1) * size * 1.2, line, ink)
    head = len(lines) * size * 1.2 + 4
    left = 58 if size > 15 else 46 if size > 12 else 34
    head += 24 if size > 15 else 0
    axes = page.axes(Box(box.left + left, box.top + head + 4, box.right - 4, box.bottom - 22))
    time = np.asarray(run["time"].values, dtype=np.float64)
    values = np.asarray(run[name].values, dtype=np.float64)
    axes.plot(time, values, color=colour, linewidth=2.6 if size > 15 else 2.0)
    axes.set_xlim(float(time[0]), float(time[-1]))
    axes.set_ylim(*chart.limits([values]))
    axes.tick_params(labelsize=11 if size > 15 else 7.5)
    if size <= 12:
        axes.locator_params(axis="both", nbins=2)
    unit = chart.scale_ticks(axes, str(run[name].attrs.get("units", "")))
    if size > 15:
        page.text(box.left, box.top + head - 2, unit, Ink(13, GREY, vertical="bottom"))
