"""Which loops drive a run, over time: shares of loops stacked, and the phases by name. It knows Datasets only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sdpolicy.dominance.phases import Level, Phase, Shares, phases, shares, telling
from sdpolicy.figures.chart import FloatArray, darker
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.style import (
    COLOURS,
    GREY,
    INK,
    LABEL,
    MARGIN,
    NOTE,
    UNIT,
    Box,
    Ink,
    Page,
    clip,
    dress,
    measure,
    wrap,
)

OTHERS: Final = "#bbbbbb"
SHOWN: Final = len(COLOURS)
"""How many loops have a colour; all others are grey together."""
STRIP: Final = 64
"""Height of the strip of phases in pixels."""
KEY: Final = 300
"""Width of the key in pixels."""
PHASE: Final = 1 / 20
"""Phases shorter than this fraction of the horizon are not told apart on a page."""


@dataclass(frozen=True, slots=True)
class Band:
    """A loop with its colour: ``values`` are its shares, above zero where it reinforces."""

    label: str
    colour: str
    values: FloatArray


def dominance(scores: xr.Dataset, level: Level | None = None, dates: Sequence[float] = ()) -> Figure:
    """Return the shares of the strongest loops over time, stacked, under a strip that names the phases.

    Reinforcing shares stand above zero, balancing ones below; together they are 100 percent at every time.

    Args:
        scores: what :func:`sdpolicy.dominance.dominance` returns.
        level: single loops, families of loops through the same stocks, or named loops only; by default what
            :func:`sdpolicy.dominance.telling` chooses.
        dates: times to mark by a vertical line.
    """
    level = level or telling(scores)
    held = shares(scores, level)
    found = phases(scores, level, shortest=PHASE)
    bands = banded(scores, level, dates)
    page = Page()
    top = header(page, f"Which loop drives it: {scores.attrs.get('title', '')}", _question(scores, level))
    bottom = footer(page, [scores])
    plot = Box(MARGIN + 58, top + STRIP + 14, page.width - MARGIN - KEY, bottom - 30)
    strip(page, plot, top, found, bands, scores["time"].values)
    axes = _areas(page, plot, scores["time"].values, bands, held)
    for date in dates:
        axes.axvline(date, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=4)
    _key(page, plot, bands, _families(scores, level))
    return page.figure


def banded(scores: xr.Dataset, level: Level, dates: Sequence[float] = ()) -> list[Band]:
    """Return the loops that have a colour, the strongest first; what leads at a date or in a phase has one."""
    held = shares(scores, level)
    time = scores["time"].values
    leading = [
        held.labels[int(np.argmax(np.abs(held.values[:, int(np.argmin(np.abs(time - date)))])))] for date in dates
    ]
    leading += [phase.driver for phase in sorted(phases(scores, level, shortest=PHASE), key=lambda p: p.start - p.stop)]
    chosen = set(list(dict.fromkeys((*leading, *held.labels)))[:SHOWN])
    rows = [n for n, label in enumerate(held.labels) if label in chosen]
    return [Band(held.labels[n], COLOURS[k], held.values[n]) for k, n in enumerate(rows)]


def _question(scores: xr.Dataset, level: Level) -> str:
    kind: dict[Level, str] = {"loop": "loops", "family": "loops, those through the same stocks taken together"}
    count = int(scores.attrs.get("loops", 0))
    many = f"{count:,} found" if scores.attrs.get("complete", 1) else f"more than can be counted, {count:,} scored"
    if level == "named":
        inside = scores["name"].values != ""
        part = 100 * float(np.abs(scores["relative"].values[inside]).sum(axis=0).mean())
        return f"Shares among the named loops, which hold {part:.2g} % of all feedback that is scored ({many})."
    return f"Shares of {kind[level]}, in what changes from one step to the next ({many})."


def _families(scores: xr.Dataset, level: Level) -> dict[str, str]:
    if level != "family":
        return {}
    names, stocks = scores["family"].values, scores["family_stocks"].values
    return {str(name): str(stock) for name, stock in zip(names, stocks, strict=True) if name != stock}


def strip(page: Page, plot: Box, top: float, found: Sequence[Phase], bands: Sequence[Band], time: FloatArray) -> None:
    """Draw one box for each phase, in the colour of what leads in it, with its name where there is room."""
    colours = {band.label: band.colour for band in bands}
    scale = plot.width / float(time[-1] - time[0])
    page.text(MARGIN, top + STRIP / 2 - 8, "leads", Ink(16, GREY, vertical="center"))
    for phase in found:
        left, right = (plot.left + (t - float(time[0])) * scale for t in (phase.start, phase.stop))
        colour = colours.get(phase.driver, OTHERS)
        page.patch(Box(left + 1, top, max(right - 1, left + 2), top + STRIP - 8), colour, "")
        _inside(page, Box(left, top, right, top + STRIP - 8), phase, INK if is_light(colour) else "white")


def _inside(page: Page, box: Box, phase: Phase, colour: str) -> None:
    """Write the name of a phase into its box: in up to three lines, or its first word, or nothing."""
    sign = "+" if phase.share > 0 else "−"
    for size in (17, 15, 13):
        ink = Ink(size, colour, "bold", "center", "center")
        lines = wrap(f"{sign} {phase.driver}", box.width - 8, ink)
        if len(lines) * size * 1.2 <= box.height and all(measure(line, ink) <= box.width - 8 for line in lines):
            break
    else:
        word = f"{sign} {phase.driver.split()[0]}"
        lines = [word] if measure(word, ink) <= box.width - 4 else []
    middle = (box.top + box.bottom) / 2
    for n, line in enumerate(lines):
        page.text((box.left + box.right) / 2, middle + (n - (len(lines) - 1) / 2) * ink.size * 1.15, line, ink)


def is_light(colour: str) -> bool:
    """Tell whether dark letters are read better on a colour than white ones."""
    red, green, blue = to_rgb(colour)
    return bool(0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.24)


def _areas(page: Page, plot: Box, time: FloatArray, bands: Sequence[Band], held: Shares) -> Axes:
    axes = page.axes(plot)
    axes.set_xlim(float(time[0]), float(time[-1]))
    axes.set_ylim(-1.0, 1.0)
    coloured = {band.label for band in bands}
    rest = held.values[[n for n, label in enumerate(held.labels) if label not in coloured]]
    for side in (1.0, -1.0):
        base = np.zeros(len(time))
        parts = [(band.values, band.colour) for band in bands] + [(None, OTHERS)]
        for values, colour in parts:
            one = np.clip(side * rest, 0.0, None).sum(axis=0) if values is None else np.clip(side * values, 0.0, None)
            axes.fill_between(
                time, side * base, side * (base + one), facecolor=colour, edgecolor="white", linewidth=0.5
            )
            base = base + one
    axes.axhline(0.0, color=INK, linewidth=1.4, zorder=3)
    axes.set_yticks([-1.0, -0.5, 0.0, 0.5, 1.0])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):.0%}"))
    for text, y, vertical in (("reinforcing ↑", 0.97, "top"), ("balancing ↓", -0.97, "bottom")):
        note = axes.text(float(time[0]) + 0.006 * float(time[-1] - time[0]), y, "")
        dress(note, text, Ink(16, INK, "bold", "left", "top" if vertical == "top" else "bottom"))
    return axes


def _key(page: Page, plot: Box, bands: Sequence[Band], explained: dict[str, str]) -> None:
    """Write the loops beside the areas, the strongest first, with their colours and signs."""
    left, y, width = plot.right + 26, plot.top, KEY - 62
    for band in [*bands, Band("all other loops", OTHERS, np.zeros(1))]:
        page.patch(Box(left, y + 1, left + 18, y + 19), band.colour, "")
        ink = replace(LABEL, colour=darker(band.colour) if band.values.any() else GREY, vertical="top")
        for line in clip(wrap(f"{_sign(band.values)} {band.label}".strip(), width, ink), 4):
            page.text(left + 28, y, line, ink)
            y += ink.size * 1.22
        if band.label in explained:
            small = replace(NOTE, vertical="top")
            for line in clip(wrap(explained[band.label], width, small), 2):
                page.text(left + 28, y, line, small)
                y += small.size * 1.25
        y += 10
    page.text(left, plot.bottom + 2, "+ reinforcing, − balancing, ± both in turn", replace(UNIT, size=13))


def _sign(values: FloatArray) -> str:
    up, down = float(values.clip(min=0).sum()), float(-values.clip(max=0).sum())
    if up + down == 0.0:
        return ""
    return "+" if down < 0.05 * up else "−" if up < 0.05 * down else "±"
