"""A phase portrait: one variable against another, with time marked along the path. It knows Datasets only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from sdpolicy.errors import Problem, ResultError, suggest
from sdpolicy.figures import chart
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.labels import short_names
from sdpolicy.figures.style import BASELINE, COLOURS, DASHES, LABEL, MARGIN, PANEL, Box, Ink, Page, dress
from sdpolicy.summary import roles_of
from sdpolicy.words import unit_words, year

FloatArray = chart.FloatArray


def phase(runs: xr.Dataset | Sequence[xr.Dataset], x: str | None = None, y: str | None = None) -> Figure:
    """Return the path of one run, or of several, in the plane of two variables.

    Args:
        runs: the Dataset of one run, or several; the first is the baseline.
        x: display name for the horizontal axis; by default the variable that plays the knowledge gap.
        y: display name for the vertical axis; by default the variable that plays debt/equity.

    Raises:
        ResultError: when a run does not hold one of the variables over time.
    """
    datasets = [runs] if isinstance(runs, xr.Dataset) else list(runs)
    across, upward = axes_of(datasets[0], x, y)
    _check(datasets, (across, upward))
    names = short_names([str(item.attrs.get("scenario") or item.attrs.get("title", "")) for item in datasets])
    page = Page()
    first = datasets[0].attrs
    top = header(page, str(first.get("title", "")), str(first.get("question", "")))
    bottom = footer(page, datasets)
    axes = page.axes(Box(MARGIN + 60, top + 30, page.width - MARGIN - 20, bottom - 62))
    paths = [_path(item, across, upward) for item in datasets]
    axes.set_xlim(*chart.limits([path[1] for path in paths]))
    axes.set_ylim(*chart.limits([path[2] for path in paths]))
    axes.xaxis.set_major_locator(MaxNLocator(8))
    page.text(MARGIN, top + 22, f"{upward} ({unit_words(_unit(datasets[0], upward))})", PANEL)
    right = replace(PANEL, horizontal="right")
    page.text(page.width - MARGIN - 20, bottom - 4, f"{across} ({unit_words(_unit(datasets[0], across))})", right)
    for i, (name, path) in enumerate(zip(names, paths, strict=True)):
        _draw(axes, path, i, name if len(names) > 1 else "")
    return page.figure


def axes_of(dataset: xr.Dataset, x: str | None, y: str | None) -> tuple[str, str]:
    """Return the two variables of the portrait: those that are given, else by role, else the first two stocks."""
    roles = roles_of(dataset).variables
    stocks = [
        str(name)
        for name, variable in dataset.data_vars.items()
        if variable.attrs.get("kind") == "stock" and variable.dims == ("time",)
    ]
    across = x or roles.get("knowledge gap") or roles.get("relative knowledge") or next(iter(stocks), "")
    upward = y or roles.get("debt/equity") or next((name for name in stocks if name != across), across)
    return across, upward


def _check(datasets: Sequence[xr.Dataset], names: Sequence[str]) -> None:
    problems = []
    for dataset in datasets:
        over_time = [str(name) for name, variable in dataset.data_vars.items() if variable.dims == ("time",)]
        where = f"phase portrait, {dataset.attrs.get('scenario') or dataset.attrs.get('title', 'run')}"
        for name in names:
            if name not in over_time:
                cure = suggest(name, over_time) or "Name a variable that varies over time and has no subscripts."
                problems.append(Problem(where, f"the run holds no series '{name}'", cure))
    if problems:
        raise ResultError(problems)


def _unit(dataset: xr.Dataset, name: str) -> str:
    return str(dataset[name].attrs.get("units", ""))


def _path(dataset: xr.Dataset, x: str, y: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    time, across, upward = (np.asarray(dataset[name].values, dtype=np.float64) for name in ("time", x, y))
    return time, across, upward


def _draw(axes: Axes, path: tuple[FloatArray, FloatArray, FloatArray], index: int, name: str) -> None:
    time, x, y = path
    colour = BASELINE if index == 0 else COLOURS[(index - 1) % len(COLOURS)]
    dash: chart.Dash = "-" if index == 0 else DASHES[(index - 1) % len(DASHES)]
    axes.plot(x, y, color=colour, linestyle=dash, linewidth=2.4, marker="None", zorder=3)
    moments = [moment for moment in marks(time) if time[0] <= moment <= time[-1]]
    spots = [(float(np.interp(t, time, x)), float(np.interp(t, time, y))) for t in moments]
    for start, stop in zip(moments[:-1], moments[1:], strict=True):
        _arrow(axes, path, (start + stop) / 2, colour)
    taken: list[tuple[float, float]] = []
    for moment, spot in zip(moments, spots, strict=True):
        axes.plot([spot[0]], [spot[1]], marker="o", markersize=7, color=colour, linestyle="None", zorder=4)
        pixel = axes.transData.transform(spot)
        if all(abs(pixel[0] - a) > 46 or abs(pixel[1] - b) > 22 for a, b in taken):
            taken.append((pixel[0], pixel[1]))
            _write(axes, year(moment), spot, (6, 5), Ink(16, chart.darker(colour), vertical="bottom"))
    if name:
        end = (float(x[-1]), float(y[-1]))
        _write(axes, name, end, (8, -6), replace(LABEL, size=18, colour=chart.darker(colour), vertical="top"))


def marks(time: FloatArray) -> list[float]:
    """Return the round times to mark along a path, four to nine of them, and both ends."""
    ticks = MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(float(time[0]), float(time[-1]))
    step = ticks[1] - ticks[0]
    inner = [float(t) for t in ticks if time[0] + 0.4 * step <= t <= time[-1] - 0.4 * step]
    return [float(time[0]), *inner, float(time[-1])]


def _arrow(axes: Axes, path: tuple[FloatArray, FloatArray, FloatArray], at: float, colour: str) -> None:
    """Draw an arrow head at a moment, along the path; none where it hardly moves."""
    time, x, y = path
    reach = (time[-1] - time[0]) / 400
    tail = (float(np.interp(at - reach, time, x)), float(np.interp(at - reach, time, y)))
    head = (float(np.interp(at + reach, time, x)), float(np.interp(at + reach, time, y)))
    if np.hypot(*(axes.transData.transform(head) - axes.transData.transform(tail))) > 0.3:
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 0, "mutation_scale": 22, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", head, xytext=tail, arrowprops=arrow, zorder=4)


def _write(axes: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], ink: Ink) -> None:
    artist = axes.annotate("", at, xytext=offset, textcoords="offset points", zorder=6)
    dress(artist, text, ink)
    artist.set_path_effects([withStroke(linewidth=3.5, foreground="white")])


