"""Behaviour over time in small multiples. It knows Datasets and observations only."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sdpolicy.evidence import Observation
from sdpolicy.figures import chart, panels
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.labels import short_names
from sdpolicy.figures.style import BASELINE, COLOURS, DASHES, HEIGHT, MARGIN, Box, Page
from sdpolicy.results.roles import roles_of
from sdpolicy.summary import phases_of

ROW = 260
"""Pixels that a row of panels needs at least; a page of more than two rows is higher than a slide."""


def behaviour(
    runs: xr.Dataset | Sequence[xr.Dataset],
    wanted: panels.Wanted | None = None,
    observations: Sequence[Observation] = (),
) -> Figure:
    """Return small multiples of one run, or of several in the same panels.

    Args:
        runs: the Dataset of one run, or several; phases are shaded where there is one.
        wanted: names of variables, one or several for each panel; see :func:`sdpolicy.figures.panels.choose`.
        observations: facts, drawn as open circles in the panel of their variable.

    Raises:
        ResultError: when a wanted variable is not in the run.
    """
    datasets = [runs] if isinstance(runs, xr.Dataset) else list(runs)
    first = datasets[0]
    chosen = panels.choose(first, wanted)
    drawn = [fact for fact in observations if any(fact.variable in panel.variables for panel in chosen)]
    phases = phases_of(first) if len(datasets) == 1 else ()
    columns = _columns(len(chosen), labelled=len(datasets) > 1)
    rows = math.ceil(len(chosen) / columns)
    page = Page(height=max(HEIGHT, ROW * rows + 180))
    top = header(page, str(first.attrs.get("title", "")), str(first.attrs.get("question", "")), phases)
    bottom = footer(page, datasets, drawn)
    for i, panel in enumerate(chosen):
        traces = _traces(datasets, panel)
        box = cell(page, top, bottom, (i // columns, i % columns), (rows, columns))
        space = chart.label_width([trace.label for trace in traces])
        frame = chart.Frame(box, space, i + columns >= len(chosen), level_of(first, panel))
        facts = [fact for fact in drawn if fact.variable in panel.variables]
        axes = chart.draw(page, frame, traces, phases, facts)
        chart.heading(page, frame, panel.title, chart.scale_ticks(axes, panel.unit))
    return page.figure


def _columns(count: int, labelled: bool) -> int:
    return {1: 1, 2: 2, 3: 3, 4: 2}.get(count, 3 if count <= 6 or labelled else 4)


def level_of(dataset: xr.Dataset, panel: panels.Panel) -> float | None:
    """Return the threshold of the liquidity variable if it stands in ``panel``."""
    roles = roles_of(dataset)
    return roles.liquidity if roles.variables.get("liquidity") in panel.variables else None


def cell(page: Page, top: float, bottom: float, place: tuple[int, int], grid: tuple[int, int]) -> Box:
    """Return the box at (row, column) of a grid with (rows, columns) between two heights of the page."""
    gap = 26
    width = (page.width - 2 * MARGIN + gap) / grid[1]
    height = (bottom - top) / grid[0]
    left, upper = MARGIN + place[1] * width, top + place[0] * height
    return Box(left, upper, left + width - gap, upper + height - 6)


def _traces(datasets: Sequence[xr.Dataset], panel: panels.Panel) -> list[chart.Trace]:
    names = short_names([str(item.attrs.get("scenario") or item.attrs.get("title", "")) for item in datasets])
    traces: list[chart.Trace] = []
    for name, dataset in zip(names, datasets, strict=True):
        time = np.asarray(dataset["time"].values, dtype=np.float64)
        found = panels.lines(dataset, panel)
        for line in found:
            several = len(found) > 1
            words = [name] * (len(datasets) > 1) + [line.label] * several
            index = len(traces) - 1
            colour = BASELINE if index < 0 else COLOURS[index % len(COLOURS)]
            dash = "-" if index < 0 else DASHES[index % len(DASHES)]
            traces.append(chart.Trace(time, line.values, ", ".join(words), colour, dash))
    return traces
