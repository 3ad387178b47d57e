"""A phase portrait: one variable against another, with time marked along the path. It knows Datasets only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from sdpolicy.errors import Problem, ResultError, suggest
from sdpolicy.figures import chart
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.labels import short_names
from sdpolicy.figures.style import (
    BASELINE,
    COLOURS,
    DASHES,
    MARGIN,
    PANEL,
    SHADES,
    Box,
    Ink,
    Page,
    dress,
    measure,
    points,
)
from sdpolicy.results.roles import roles_of
from sdpolicy.summary import Phase, phases_of
from sdpolicy.words import number, unit_words, year

FloatArray = chart.FloatArray
Path = tuple[FloatArray, FloatArray, FloatArray]
"""Times and the two coordinates."""

LOG_FROM: Final = 30.0


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
    phases = phases_of(datasets[0]) if len(datasets) == 1 else ()
    page = Page()
    first = datasets[0].attrs
    top = header(page, str(first.get("title", "")), str(first.get("question", "")), phases)
    bottom = footer(page, datasets)
    axes = page.axes(Box(MARGIN + 60, top + 36, page.width - MARGIN - 20, bottom - 62))
    paths = [_path(item, across, upward) for item in datasets]
    _scale(axes, paths)
    scale = ", logarithmic" if axes.get_yscale() == "log" else ""
    page.text(MARGIN, top + 24, f"{upward} ({unit_words(_unit(datasets[0], upward))}{scale})", PANEL)
    right = replace(PANEL, horizontal="right")
    page.text(page.width - MARGIN - 20, bottom - 4, f"{across} ({unit_words(_unit(datasets[0], across))})", right)
    for stretch in phases:
        _underlay(axes, paths[0], stretch)
    taken = [spot for path in paths for spot in _spots(axes, path)]
    for i, (name, path) in enumerate(zip(names, paths, strict=True)):
        _draw(axes, path, i, name if len(names) > 1 else "", taken)
    return page.figure


def _scale(axes: Axes, paths: Sequence[Path]) -> None:
    """Set both ranges; the vertical one is logarithmic where values differ by a factor of ``LOG_FROM``."""
    axes.set_xlim(*chart.limits([path[1] for path in paths], near=0.25))
    axes.xaxis.set_major_locator(MaxNLocator(8))
    upward = np.concatenate([path[2] for path in paths])
    upward = upward[np.isfinite(upward)]
    if len(upward) and upward.min() > 0 and upward.max() / upward.min() > LOG_FROM:
        axes.set_yscale("log")
        axes.set_ylim(upward.min() / 1.3, upward.max() * 1.3)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    else:
        axes.set_ylim(*chart.limits([path[2] for path in paths], near=0.4))


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


def _path(dataset: xr.Dataset, x: str, y: str) -> Path:
    time, across, upward = (np.asarray(dataset[name].values, dtype=np.float64) for name in ("time", x, y))
    return time, across, upward


def _spots(axes: Axes, path: Path) -> list[tuple[float, float]]:
    """Return pixels along a path that text should keep off, evenly spaced in time."""
    time, x, y = path
    moments = np.linspace(time[0], time[-1], 240)
    pixels = axes.transData.transform(np.column_stack([np.interp(moments, time, x), np.interp(moments, time, y)]))
    return [(float(a), float(b)) for a, b in pixels]


def _underlay(axes: Axes, path: Path, stretch: Phase) -> None:
    """Draw the colour of a phase, broad, below its part of the path."""
    time, x, y = path
    inside = (time >= stretch.start) & (time <= stretch.stop)
    face, hatch = SHADES[stretch.name]
    layer, width = (2.0, 16.0) if hatch else (1.5, 26.0)
    axes.plot(x[inside], y[inside], color=face, linewidth=width, linestyle="-", solid_capstyle="butt", zorder=layer)


def _draw(axes: Axes, path: Path, index: int, name: str, taken: list[tuple[float, float]]) -> None:
    """Draw a path with its dots and arrow heads; the first path bears all years, others that of their end."""
    time, x, y = path
    colour = BASELINE if index == 0 else COLOURS[(index - 1) % len(COLOURS)]
    dash: chart.Dash = "-" if index == 0 else DASHES[(index - 1) % len(DASHES)]
    axes.plot(x, y, color=colour, linestyle=dash, linewidth=2.4, marker="None", zorder=3)
    moments = marks(time)
    for start, stop in pairwise(moments):
        _arrow(axes, path, (start + stop) / 2, colour)
    for moment in moments:
        spot = (float(np.interp(moment, time, x)), float(np.interp(moment, time, y)))
        axes.plot([spot[0]], [spot[1]], marker="o", markersize=7, color=colour, linestyle="None", zorder=4)
        last = moment == moments[-1]
        text = f"{name} {year(moment)}".strip() if last else year(moment)
        if last or index == 0:
            _write(axes, text, spot, Ink(17, chart.darker(colour), "bold" if name and last else "normal"), taken)


def marks(time: FloatArray) -> list[float]:
    """Return the round times to mark along a path, four to nine of them, and both ends."""
    ticks = MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(float(time[0]), float(time[-1]))
    step = ticks[1] - ticks[0]
    inner = [float(t) for t in ticks if time[0] + 0.4 * step <= t <= time[-1] - 0.4 * step]
    return [float(time[0]), *inner, float(time[-1])]


def _arrow(axes: Axes, path: Path, at: float, colour: str) -> None:
    """Draw an arrow head at a moment, along the path; none where it hardly moves."""
    time, x, y = path
    reach = (time[-1] - time[0]) / 400
    tail = (float(np.interp(at - reach, time, x)), float(np.interp(at - reach, time, y)))
    head = (float(np.interp(at + reach, time, x)), float(np.interp(at + reach, time, y)))
    if np.hypot(*(axes.transData.transform(head) - axes.transData.transform(tail))) > 0.3:
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 0, "mutation_scale": 22, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", head, xytext=tail, arrowprops=arrow, zorder=4)


def _write(axes: Axes, text: str, at: tuple[float, float], ink: Ink, taken: list[tuple[float, float]]) -> None:
    """Write beside a point, at the first place that is free; nowhere if all are taken."""
    x, y = axes.transData.transform(at)
    width, box = measure(text, ink), axes.bbox
    sides = [(dx, dy) for dy in (13, -13, 30, -30, 46) for dx in (9, -9 - width, -width / 2)]
    for dx, dy in sides:
        cells = [(x + dx + part, y + dy) for part in np.linspace(0, width, max(2, int(width / 8)))]
        inside = x + dx >= box.x0 and x + dx + width <= box.x1 + 20 and box.y0 + 8 <= y + dy <= box.y1 + 16
        if inside and all(abs(a - c) > 7 or abs(b - d) > 12 for a, b in cells for c, d in taken):
            artist = axes.annotate("", at, xytext=(points(dx), points(dy)), textcoords="offset points", zorder=6)
            dress(artist, text, replace(ink, vertical="center"))
            artist.set_path_effects([withStroke(linewidth=3.5, foreground="white")])
            taken += [(a, b + shift) for a, b in cells for shift in (-8, 8)]
            return
