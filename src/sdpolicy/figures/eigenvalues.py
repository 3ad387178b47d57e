"""How fast a run grows or dies away by itself, over time, and which loops that hangs on. It knows Datasets only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sdpolicy.dominance.modes import Mover, movers, named_movers, spoken
from sdpolicy.figures.chart import darker
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.style import BASELINE, COLOURS, GREY, INK, MARGIN, NOTE, PANEL, Box, Ink, Page, clip, dress, wrap
from sdpolicy.words import year

FASTER, SLOWER = COLOURS[0], COLOURS[1]
LEFT: Final = 0.5
DATES: Final = 3
"""So many dates fit on a page."""
EXTREME: Final = 0.02
"""This part of the values, where the model's corners make spikes, may lie outside the panel."""


def eigenvalues(found: xr.Dataset, dates: Sequence[float] = ()) -> Figure:
    """Return the greatest growth rates over time, and for some dates the loops that move the greatest.

    Args:
        found: what :func:`sdpolicy.dominance.eigen.eigenvalues` returns.
        dates: up to three times; by default the first, middle and last third's middles.
    """
    time = found["time"].values
    span = float(time[-1] - time[0])
    chosen = sorted(dates)[:DATES] or [float(time[0]) + span * part for part in (1 / 6, 1 / 2, 5 / 6)]
    page = Page()
    question = "Growth rate of the model made linear at each time: above zero it grows by itself, below it dies away."
    top = header(page, f"How fast would it go on? {found.attrs.get('title', '')}", question)
    bottom = footer(page, [found])
    middle = MARGIN + LEFT * (page.width - 2 * MARGIN)
    page.text(MARGIN, top + 24, "The greatest growth rates", PANEL)
    page.text(MARGIN, top + 30, "Dashed: the next.", NOTE)
    _rates(page.axes(Box(MARGIN + 62, top + 56, middle - 40, bottom - 30)), found, chosen)
    page.text(middle, top + 24, "What the greatest hangs on", PANEL)
    note = "Change of the growth rate, in points, if a loop were 10 % stronger."
    page.text(middle, top + 30, note, NOTE)
    height = (bottom - top - 56) / len(chosen)
    reach = max((abs(mover.influence) for date in chosen for mover in _listed(found, date)), default=1.0) or 1.0
    for n, date in enumerate(chosen):
        upper = top + 56 + n * height
        _bars(page, Box(middle, upper, page.width - MARGIN, upper + height), found, date, reach)
    return page.figure


def _rates(axes: Axes, found: xr.Dataset, dates: Sequence[float]) -> None:
    time, rates = found["time"].values, found["growth_rate"].values
    axes.set_xlim(float(time[0]), float(time[-1]))
    low, high = np.quantile(rates[:2], (EXTREME, 1 - EXTREME))
    room = 0.15 * float(high - low) or 0.01
    axes.set_ylim(min(0.0, float(low)) - room, max(0.0, float(high)) + 1.6 * room)
    axes.fill_between(time, 0.0, np.clip(rates[0], 0.0, None), color=FASTER, alpha=0.18, linewidth=0)
    axes.fill_between(time, 0.0, np.clip(rates[0], None, 0.0), color=SLOWER, alpha=0.18, linewidth=0)
    for row in rates[1:2]:
        axes.plot(time, row, color=GREY, linewidth=1.4, linestyle="--")
    axes.plot(time, rates[0], color=BASELINE, linewidth=2.4)
    axes.axhline(0.0, color=INK, linewidth=1.2)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+.0%}".replace("-", "−")))
    for date in dates:
        axes.axvline(date, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
        words = axes.text(date, 0.985, "", transform=axes.get_xaxis_transform())
        dress(words, f" {year(date)}", Ink(15, INK, "bold", "left", "top"))


def _mode(found: xr.Dataset, date: float) -> str:
    """Return what the strongest mode does at a date; swings longer than the run are left out."""
    time = found["time"].values
    n = int(np.argmin(np.abs(time - date)))
    rate, swing = (float(found[key].values[0, n]) for key in ("growth_rate", "frequency"))
    seen = swing if abs(swing) * float(time[-1] - time[0]) >= 2 * np.pi else 0.0
    return spoken(rate, seen, str(found["time"].attrs.get("units", "")))


def _listed(found: xr.Dataset, date: float) -> list[Mover]:
    """Return what a student can name: the named loops and the rest, or the strongest of a model without names."""
    return named_movers(found, date) or movers(found, date, top=4)


def _bars(page: Page, box: Box, found: xr.Dataset, date: float, reach: float) -> None:
    """Draw the loops that move the greatest growth rate at a date."""
    listed = _listed(found, date)
    words = f"{year(date)}: {_mode(found, date)}"
    page.text(box.left, box.top + 20, words, Ink(17, INK, "bold", vertical="bottom"))
    if not listed:
        return
    plot = Box(box.left + 300, box.top + 24, box.right - 40, box.bottom - 8)
    axes = page.axes(plot)
    axes.grid(visible=False)
    axes.tick_params(bottom=False, left=False, labelbottom=False, labelleft=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlim(-1.5 * reach, 1.5 * reach)
    axes.set_ylim(len(listed) - 0.5, -0.5)
    axes.axvline(0.0, color=INK, linewidth=1.2)
    for row, mover in enumerate(listed):
        colour = FASTER if mover.influence > 0 else SLOWER
        axes.barh(row, mover.influence, height=0.62, color=colour)
        text = axes.text(mover.influence + (0.03 if mover.influence >= 0 else -0.03) * reach, row, "")
        written = f"{10 * mover.influence:+.2f}".replace("-", "−")
        dress(text, written, Ink(15, darker(colour), "bold", "left" if mover.influence >= 0 else "right", "center"))
        _label(page, box.left, plot.top + (row + 0.5) * plot.height / len(listed), mover)


def _label(page: Page, left: float, centre: float, mover: Mover) -> None:
    ink = Ink(15 if mover.named else 14, INK, "bold" if mover.named else "normal", vertical="center")
    lines = clip(wrap(mover.label, 290, ink), 2)
    for k, line in enumerate(lines):
        page.text(left, centre + (k - (len(lines) - 1) / 2) * ink.size * 1.15, line, ink)
