"""Which inputs decide: indices as bars, over time and converging; tornado; screening. It knows Datasets only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sdpolicy.figures import chart
from sdpolicy.figures.behaviour import cell
from sdpolicy.figures.ensemble import footed
from sdpolicy.figures.frame import header
from sdpolicy.figures.style import (
    COLOURS,
    DASHES,
    GREY,
    HEIGHT,
    INK,
    LABEL,
    PANEL,
    UNIT,
    WIDTH,
    Box,
    Page,
    clip,
    dress,
    measure,
    wrap,
)
from sdpolicy.words import number, year

FloatArray = NDArray[np.float64]
MOST: Final = 10
"""Inputs that a figure shows; the others hardly matter."""
LINES: Final = 6
"""Inputs that get a line of their own over time."""
UNSURE: Final = 0.5
"""Where the half-width of an interval is greater, an index says nothing and is not drawn."""
NAMES: Final = 215
"""Pixels for the names of inputs at the left of bars."""


def bars(found: Mapping[str, xr.Dataset]) -> Figure:
    """Return first-order and total indices of scalar outcomes as bars with their intervals, largest first.

    Args:
        found: what :func:`sdpolicy.sensitivity.sobol` returned, by outcome; the first three are shown.
    """
    outcomes = list(found)[:3]
    page = Page(WIDTH, HEIGHT)
    first = found[outcomes[0]]
    top = header(page, str(first.attrs.get("title", "")), "Which inputs decide, by themselves and with others?")
    bottom = footed(page, first)
    _key(page, top, (("by itself (S1)", COLOURS[1]), ("with others (ST)", COLOURS[0])), "lines: 95 % intervals")
    for i, outcome in enumerate(outcomes):
        box = cell(page, top + 34, bottom, (0, i), (1, len(outcomes)))
        chosen = found[outcome].isel(input=_order(found[outcome]["ST"].values)[:MOST])
        axes = _bar_axes(
            page, box, _capital(outcome), [str(name) for name in chosen["input"].values], _share(found[outcome])
        )
        place = np.arange(chosen.sizes["input"])
        for name, colour, shift in (("ST", COLOURS[0], 0.18), ("S1", COLOURS[1], -0.18)):
            value = chosen[name].values
            axes.barh(place - shift, np.maximum(value, 0), 0.34, color=colour, zorder=3)
            axes.errorbar(
                value,
                place - shift,
                xerr=chosen[f"{name}_conf"].values,
                fmt="none",
                ecolor=INK,
                elinewidth=1.3,
                zorder=4,
            )
        highest = float(np.nanmax(chosen["ST"].values + chosen["ST_conf"].values))
        axes.set_xlim(0, max(1.0, highest) * 1.02)
    return page.figure


def over_time(found: Mapping[str, xr.Dataset], time: FloatArray) -> Figure:
    """Return total indices over time with their intervals, a panel for each series, at most four.

    Args:
        found: Sobol' indices over (input, time) by series; the second dimension has the length of ``time``.
    """
    names = list(found)[:4]
    columns = 1 if len(names) == 1 else 2
    rows = math.ceil(len(names) / columns)
    page = Page(WIDTH, max(HEIGHT, 330 * rows + 170))
    first = found[names[0]]
    top = header(page, str(first.attrs.get("title", "")), "Which inputs decide, and when? Bands: 95 % intervals.")
    bottom = footed(page, first)
    sure = [_sure(found[name]) for name in names]
    inputs = first["input"].values.astype(str)
    dashes = ("-", *DASHES)
    looks = {j: (COLOURS[k % len(COLOURS)], dashes[k % len(dashes)]) for k, j in enumerate(_leading(sure))}
    for i, (name, values) in enumerate(zip(names, sure, strict=True)):
        box = cell(page, top, bottom, (i // columns, i % columns), (rows, columns))
        width = found[name]["ST_conf"].values
        here = [j for j in looks if j in _of_series(values)]
        traces = [chart.Trace(time, values[j], inputs[j], *looks[j]) for j in here] or [
            chart.Trace(time, np.zeros(len(time)), "nothing varies", GREY)
        ]
        frame = chart.Frame(box, chart.label_width([trace.label for trace in traces], 150))
        axes = chart.draw(page, frame, [*traces, *_whole_range(time)])
        for j in here:
            axes.fill_between(
                time, values[j] - width[j], values[j] + width[j], color=looks[j][0], alpha=0.15, linewidth=0, zorder=1
            )
        gaps = "; gaps: too uncertain" if np.isnan(values[:, 1:]).any() else ""
        chart.heading(page, frame, name, f"share of the variance, with others (ST){gaps}")
    return page.figure


def converging(found: xr.Dataset, outcome: str) -> Figure:
    """Return total indices against the number of base points, with their intervals."""
    page = Page(WIDTH, HEIGHT)
    question = f"Are there enough members? Indices of {outcome} from more and more base points."
    top = header(page, str(found.attrs.get("title", "")), question)
    bottom = footed(page, found)
    box = cell(page, top, bottom, (0, 0), (1, 1))
    order = _order(found["ST"].isel(base=-1).values)[:LINES]
    base = np.asarray(found["base"].values, dtype=np.float64)
    traces = []
    for k, j in enumerate(order):
        values = found["ST"].isel(input=j).transpose("base").values
        name = str(found["input"].values[j])
        traces.append(chart.Trace(np.log2(base), values, name, COLOURS[k], "-" if k == 0 else DASHES[k - 1]))
    frame = chart.Frame(box, chart.label_width([trace.label for trace in traces], 200))
    axes = chart.draw(page, frame, [*traces, *_whole_range(np.log2(base))])
    for k, j in enumerate(order):
        middle, width = (found[key].isel(input=j).transpose("base").values for key in ("ST", "ST_conf"))
        beside = np.log2(base) + 0.03 * (k - LINES / 2)  # so that the intervals of several inputs can be told apart
        axes.errorbar(beside, middle, yerr=width, fmt="none", ecolor=COLOURS[k], elinewidth=2.2, capsize=4, zorder=2)
    axes.set_xlim(float(np.log2(base[0])) - 0.15, float(np.log2(base[-1])) + 0.15)
    axes.set_xticks(np.log2(base), [f"{int(n):,}" for n in base])
    chart.heading(
        page,
        frame,
        "Base points, doubled from left to right",
        f"{_share(found)}, with others (ST); bars: 95 % intervals",
    )
    return page.figure


def tornado(found: xr.Dataset, outcome: str, unit: str = "") -> Figure:
    """Return how far an outcome goes when each input alone moves to its low and its high end, widest first."""
    page = Page(WIDTH, HEIGHT)
    base = float(found.attrs["base"])
    dated = "year" in outcome or outcome.startswith("first")
    said = year(base) if dated else number(base)
    question = f"How far does the {outcome} move when one input alone goes to an end of its range?"
    question += " (The last year stands for never.)" if dated else ""
    top = header(page, str(found.attrs.get("title", "")), question)
    bottom = footed(page, found)
    _key(
        page,
        top,
        (("at its low end", COLOURS[4]), ("at its high end", COLOURS[1])),
        f"line: {said}, all inputs as they are",
    )
    reach = np.nanmax(np.abs(np.stack([found["low"].values, found["high"].values]) - base), axis=0)
    chosen = found.isel(input=_order(reach)[:MOST])
    box = cell(page, top + 34, bottom, (0, 0), (1, 1))
    axes = _bar_axes(page, box, _capital(outcome), [str(name) for name in chosen["input"].values], unit)
    place = np.arange(chosen.sizes["input"])
    for key, colour in (("low", COLOURS[4]), ("high", COLOURS[1])):
        axes.barh(place, chosen[key].values - base, 0.6, left=base, color=colour, zorder=3)
    axes.axvline(base, color=INK, linewidth=1.3, zorder=4)
    return page.figure


def screening(found: xr.Dataset, outcome: str) -> Figure:
    """Return Morris' plane: mean size of elementary effects against their spread."""
    page = Page(WIDTH, HEIGHT)
    question = f"Which inputs matter for {outcome}? Further right: more; further up: depending on the others."
    top = header(page, str(found.attrs.get("title", "")), question)
    bottom = footed(page, found)
    frame = chart.Frame(cell(page, top, bottom, (0, 0), (1, 1)), 190)
    axes = page.axes(frame.plot)
    size, spread = found["mu_star"].values, found["sigma"].values
    axes.set_xlim(0, float(size.max()) * 1.08 or 1.0)
    axes.set_ylim(0, float(max(spread.max(), size.max() * 0.5)) * 1.1 or 1.0)
    axes.errorbar(size, spread, xerr=found["mu_star_conf"].values, fmt="o", color=COLOURS[0], ecolor=GREY, zorder=3)
    named = [j for j in _order(size)[:MOST] if size[j] > 0.12 * size.max()]
    for k, j in enumerate(named):
        above = k % 2 == 0
        shift = (8, 5 if above else -5)
        mark = axes.annotate("", (size[j], spread[j]), xytext=shift, textcoords="offset points", zorder=4)
        dress(mark, str(found["input"].values[j]), replace(LABEL, size=15, vertical="bottom" if above else "top"))
    chart.heading(page, frame, "Spread of the effects", "over the whole range of an input")
    page.text(frame.plot.right - 330, frame.plot.bottom - 8, "mean size of the effects →", replace(UNIT, size=16))
    return page.figure


def _whole_range(time: FloatArray) -> list[chart.Trace]:
    """Return invisible lines at 0 and 1, so that the axis shows the whole range of a share."""
    return [chart.Trace(time, np.full(len(time), level), "", GREY, "-", 0.0) for level in (0.0, 1.0)]


def _sure(found: xr.Dataset) -> FloatArray:
    """Return total indices over (input, time), NaN at times at which one of them says nothing."""
    return np.asarray(np.where(found["ST_conf"].values.max(axis=0) <= UNSURE, found["ST"].values, np.nan))


def _mean(values: FloatArray) -> FloatArray:
    """Return the mean share of each input over the times at which it is known."""
    known = np.isfinite(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _of_series(values: FloatArray) -> list[int]:
    """Return the inputs that get a line in the panel of a series: those that explain most of it."""
    peak = np.where(np.isfinite(values), values, 0.0).max(axis=1, initial=0.0)
    return [j for j in _order(_mean(values))[:LINES] if peak[j] > 0.1]


def _leading(tables: Sequence[FloatArray]) -> list[int]:
    """Return the inputs that get a line in some panel, in the order of the greatest share in one."""
    chosen = {j for table in tables for j in _of_series(table)}
    most = np.max([_mean(table) for table in tables], axis=0)
    return [j for j in _order(most) if j in chosen]


def _order(values: FloatArray) -> list[int]:
    """Return places from the greatest value down, NaN last."""
    return [int(j) for j in np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _share(found: xr.Dataset) -> str:
    """Return what an index is a share of: of a time, the variance of its having come, averaged over all times."""
    return "share of the variance of 'come by then'" if "never" in found.attrs else "share of the variance"


def _key(page: Page, y: float, entries: Sequence[tuple[str, str]], more: str) -> None:
    """Write what the colours mean in one line, and a remark after it."""
    x, ink = 40.0, replace(LABEL, size=16)
    for text, colour in entries:
        page.patch(Box(x, y + 3, x + 26, y + 19), colour, "")
        x += 34 + page.text(x + 34, y + 11, text, ink) + 28
    page.text(x, y + 11, more, replace(ink, colour=GREY))


def _bar_axes(page: Page, box: Box, title: str, names: Sequence[str], unit: str) -> Axes:
    """Return axes for horizontal bars, the names of inputs at the left."""
    left = min(NAMES, max(measure(name, LABEL) for name in names) + 14)
    plot = Box(box.left + left, box.top + PANEL.size * 2.6, box.right - 6, box.bottom - 52)
    axes = page.axes(plot)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color="#d9d9d9", linewidth=0.8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks([])
    page.text(box.left, box.top + PANEL.size * 1.2, clip(wrap(title, box.width, PANEL), 1)[0], PANEL)
    page.text(plot.left, box.bottom - 6, unit, replace(UNIT, size=15))
    height = plot.height / (len(names) + 0.2)
    for i, name in enumerate(names):
        lines = clip(wrap(name, left - 12, replace(LABEL, size=16)), 2)
        middle = plot.top + (i + 0.6) * height - (len(lines) - 1) * 9
        for k, line in enumerate(lines):
            page.text(plot.left - 10, middle + 18 * k, line, replace(LABEL, size=16, horizontal="right"))
    return axes
