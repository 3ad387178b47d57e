"""A phase portrait: one variable against another, with time marked along the path. It knows Datasets only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from sdpolicy.summary import Phase, knowledge_gap, phases_of
from sdpolicy.words import number, unit_words, year

FloatArray = chart.FloatArray
Path = tuple[FloatArray, FloatArray, FloatArray]
"""Times and the two coordinates."""

LOG_FROM: Final = 30.0


def phase(runs: xr.Dataset | Sequence[xr.Dataset], x: str | None = None, y: str | None = None) -> Figure:
    """Return the path of one run, or of several, in the plane of two variables.

    Args:
        runs: the Dataset of one run, or several; the first is the baseline.
        x: display name for the horizontal axis; by default the knowledge gap.
        y: display name for the vertical axis; by default the variable that plays debt/equity.

    Raises:
        ResultError: when a run does not hold one of the variables over time.
    """
    datasets = [_with_gap(item) for item in ([runs] if isinstance(runs, xr.Dataset) else runs)]
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
    for stretch in (item for item in phases if item.name != "catch-up"):
        _underlay(axes, paths[0], stretch)
    for i, path in enumerate(paths):
        _draw(axes, path, i)
    _label(axes, paths, names if len(names) > 1 else [""])
    return page.figure


def _scale(axes: Axes, paths: Sequence[Path]) -> None:
    """Set both ranges; the vertical one is logarithmic where values differ by a factor of ``LOG_FROM``."""
    axes.set_xlim(*chart.limits([path[1] for path in paths], near=0.25))
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]))
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
        for name in dataset.data_vars
        if (variable := dataset.variables[name]).attrs.get("kind") == "stock" and variable.dims == ("time",)
    ]
    gap = knowledge_gap(dataset)
    across = x or (str(gap.name) if gap is not None else next(iter(stocks), ""))
    upward = y or roles.get("debt/equity") or next((name for name in stocks if name != across), across)
    return across, upward


def _with_gap(dataset: xr.Dataset) -> xr.Dataset:
    """Return the run with the knowledge gap in it, where that follows from relative knowledge."""
    gap = knowledge_gap(dataset)
    return dataset if gap is None or gap.name in dataset else dataset.assign({str(gap.name): gap})


def _check(datasets: Sequence[xr.Dataset], names: Sequence[str]) -> None:
    problems = []
    for dataset in datasets:
        over_time = [str(name) for name in dataset.data_vars if dataset.variables[name].dims == ("time",)]
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


def _draw(axes: Axes, path: Path, index: int) -> None:
    """Draw a path with its dots and arrow heads."""
    time, x, y = path
    colour, dash = _look(index)
    axes.plot(x, y, color=colour, linestyle=dash, linewidth=2.4, marker="None", zorder=3)
    moments = marks(time)
    for start, stop in pairwise(moments):
        _arrow(axes, path, (start + stop) / 2, colour)
    spots = [_at(path, moment) for moment in moments]
    axes.plot(*zip(*spots, strict=True), marker="o", markersize=7, color=colour, linestyle="None", zorder=4)


def _look(index: int) -> tuple[str, chart.Dash]:
    if index == 0:
        return BASELINE, "-"
    return COLOURS[(index - 1) % len(COLOURS)], DASHES[(index - 1) % len(DASHES)]


def _at(path: Path, moment: float) -> tuple[float, float]:
    time, x, y = path
    return float(np.interp(moment, time, x)), float(np.interp(moment, time, y))


def _label(axes: Axes, paths: Sequence[Path], names: Sequence[str]) -> None:
    """Write the name and last year at the end of each path, then the other years along the first one."""
    free = _Free(axes, [spot for path in paths for spot in _spots(axes, path)])
    for i, (name, path) in enumerate(zip(names, paths, strict=True)):
        ink = Ink(17, chart.darker(_look(i)[0]), "bold" if name else "normal")
        last = float(path[0][-1])
        free.write(f"{name} {year(last)}".strip(), _at(path, last), ink)
    for moment in marks(paths[0][0])[:-1]:
        free.write(year(moment), _at(paths[0], moment), Ink(17, BASELINE))


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


@dataclass
class _Free:
    """Where on the page text can stand: off the paths if possible, never on other text."""

    axes: Axes
    paths: list[tuple[float, float]]
    texts: list[tuple[float, float]] = field(default_factory=list)

    def write(self, text: str, at: tuple[float, float], ink: Ink) -> None:
        """Write beside a point; on a path if there is no other place, and nowhere rather than on a text."""
        width = measure(text, ink)
        for kept_off in (self.paths + self.texts, self.texts):
            for dx, dy in [(dx, dy) for dy in (13, -13, 30, -30) for dx in (9, -9 - width, -width / 2)]:
                cells = self._cells(at, width, dx, dy)
                if cells and all(abs(a - c) > 7 or abs(b - d) > 12 for a, b in cells for c, d in kept_off):
                    self._put(text, at, (dx, dy), ink)
                    self.texts += [(a, b + shift) for a, b in cells for shift in (-8, 8)]
                    return

    def _cells(self, at: tuple[float, float], width: float, dx: float, dy: float) -> list[tuple[float, float]]:
        """Return points along the text in pixels; none where it would leave the axes."""
        (x, y), box = self.axes.transData.transform(at), self.axes.bbox
        inside = box.x0 <= x + dx and x + dx + width <= box.x1 + 20 and box.y0 + 8 <= y + dy <= box.y1 + 16
        return [(x + dx + part, y + dy) for part in np.linspace(0, width, max(2, int(width / 8)))] if inside else []

    def _put(self, text: str, at: tuple[float, float], offset: tuple[float, float], ink: Ink) -> None:
        place = (points(offset[0]), points(offset[1]))
        artist = self.axes.annotate("", at, xytext=place, textcoords="offset points", zorder=6)
        dress(artist, text, replace(ink, vertical="center"))
        artist.set_path_effects([withStroke(linewidth=3.5, foreground="white")])
