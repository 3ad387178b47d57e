"""A baseline and its counterfactuals, and below each panel what they make of a difference. It knows Datasets only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sdpolicy.evidence import Observation
from sdpolicy.figures import chart, panels
from sdpolicy.figures.behaviour import cell, level_of
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.labels import short_names
from sdpolicy.figures.style import BASELINE, COLOURS, DASHES, HEIGHT, MARGIN, TITLE, UNIT, Box, Page, measure
from sdpolicy.words import spoken_list

ACROSS: Final = 3
PAIR: Final = 520
"""Pixels that a panel and its differences need at least."""


def comparison(
    baseline: xr.Dataset,
    others: Sequence[xr.Dataset],
    wanted: panels.Wanted | None = None,
    observations: Sequence[Observation] = (),
) -> Figure:
    """Return levels above and differences to the baseline below, for up to three panels a row.

    Differences are taken at the baseline's saved times; between another run's times it is read along
    straight lines, and outside its horizon there is no difference.

    Args:
        baseline: the run to compare with, drawn in dark grey.
        others: counterfactuals, at most six, each in a colour and a dash of its own.
        wanted: names of variables, of which the first of each entry is compared; by default three, see
            :func:`sdpolicy.figures.panels.choose`.
        observations: facts, drawn as open circles.

    Raises:
        ResultError: when a wanted variable is not in the baseline.
    """
    chosen = _singles(panels.choose(baseline, wanted, limit=ACROSS))
    drawn = [fact for fact in observations if any(fact.variable in panel.variables for panel in chosen)]
    datasets = [baseline, *others[: len(COLOURS)]]
    names = short_names([str(item.attrs.get("scenario") or item.attrs.get("title", "")) for item in datasets])
    across = 2 if len(chosen) == 4 else min(len(chosen), ACROSS)
    rows = math.ceil(len(chosen) / across)
    page = Page(height=max(HEIGHT, PAIR * rows + 180))
    top = _heading(page, datasets, names)
    bottom = footer(page, datasets, drawn)
    for i, panel in enumerate(chosen):
        box = cell(page, top, bottom, (i // across, i % across), (rows, across))
        facts = [fact for fact in drawn if fact.variable in panel.variables]
        _pair(page, box, panel, dict(zip(names, datasets, strict=True)), facts)
    return page.figure


def _singles(chosen: Sequence[panels.Panel]) -> tuple[panels.Panel, ...]:
    return tuple(panels.Panel(panel.variables[:1], panel.unit) for panel in chosen)


def _heading(page: Page, datasets: Sequence[xr.Dataset], names: Sequence[str]) -> float:
    """Write the titles of all runs if they fit one line, else the baseline's, and the others by their short names."""
    titles = [str(item.attrs.get("title", "")) for item in datasets]
    question = str(datasets[0].attrs.get("question", ""))
    whole = f"{titles[0]}, against {spoken_list(titles[1:])}"
    if len(titles) == 1 or measure(whole, TITLE) <= page.width - 2 * MARGIN:
        return header(page, whole if len(titles) > 1 else titles[0], question)
    return header(page, titles[0], f"{question} Compared with: {spoken_list(names[1:])}.")


def _pair(page: Page, box: Box, panel: panels.Panel, runs: dict[str, xr.Dataset], facts: Sequence[Observation]) -> None:
    """Draw one variable: levels in the upper three fifths, differences below."""
    names, datasets = list(runs), list(runs.values())
    levels = [
        chart.Trace(_time(dataset), line.values, name, *_look(i))
        for i, (name, dataset) in enumerate(runs.items())
        for line in panels.lines(dataset, panel)[:1]
    ]
    space = chart.label_width(names)
    middle = box.top + 0.58 * box.height
    upper = chart.Frame(Box(box.left, box.top, box.right, middle), space, False, level_of(datasets[0], panel))
    axes = chart.draw(page, upper, levels, (), facts)
    unit = chart.scale_ticks(axes, panel.unit)
    chart.heading(page, upper, panel.title, unit)
    lower = chart.Frame(Box(box.left, middle - UNIT.size * 0.6, box.right, box.bottom), space, True, 0.0)
    below = chart.draw(page, lower, _differences(levels))
    below.set_xlim(axes.get_xlim())
    word = chart.scale_ticks(below, panel.unit)
    chart.heading(page, lower, "", f"difference to {names[0]}" + (f", {word}" if word != unit else ""))


def _look(index: int) -> tuple[str, chart.Dash]:
    return (BASELINE, "-") if index == 0 else (COLOURS[index - 1], DASHES[index - 1])


def _differences(levels: Sequence[chart.Trace]) -> list[chart.Trace]:
    """Return each other run less the baseline; the baseline itself is the line at 0."""
    base = levels[0]
    traces = [
        chart.Trace(
            base.time,
            np.interp(base.time, other.time, other.values, left=np.nan, right=np.nan) - base.values,
            other.label, other.colour, other.dash,
        )
        for other in levels[1:]
    ]  # fmt: skip
    return traces or [chart.Trace(base.time, base.values - base.values, "", base.colour)]


def _time(dataset: xr.Dataset) -> chart.FloatArray:
    return np.asarray(dataset["time"].values, dtype=np.float64)
