"""In which share of many members each named loop leads, over time. It knows Datasets and phases only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sdpolicy.dominance.robust import Held, labels_of
from sdpolicy.figures.chart import darker
from sdpolicy.figures.dominance import KEY, OTHERS, STRIP, Band, strip
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.style import COLOURS, GREY, INK, LABEL, MARGIN, NOTE, Box, Ink, Page, clip, wrap

SHOWN: Final = len(COLOURS)


def members(found: xr.Dataset, phases: Sequence[Held], dates: Sequence[float] = ()) -> Figure:
    """Return the shares of members in which each loop leads, stacked, under the phases of the run itself.

    Args:
        found: what :func:`sdpolicy.dominance.robust.robustness` returns.
        phases: what :func:`sdpolicy.dominance.robust.held` returns; each is written with the share of the members
            in which its loop leads most of it.
        dates: times to mark by a vertical line.
    """
    labels, leads, time = labels_of(found), found["leads"].values, found["time"].values
    drivers = [item.phase.driver for item in sorted(phases, key=lambda item: item.phase.start - item.phase.stop)]
    ranked = [labels[n] for n in np.argsort(-leads.mean(axis=1), kind="stable")]
    chosen = list(dict.fromkeys((*drivers, *ranked)))[:SHOWN]
    ordered = [label for label in ranked if label in chosen]
    bands = [Band(label, COLOURS[n], leads[labels.index(label)]) for n, label in enumerate(ordered)]
    page = Page()
    count, finite = int(found.attrs["members"]), int(found.attrs["finite"])
    kept = "" if finite == count else f", {finite:,} of them finite"
    question = (
        f"Share of {count:,} members in which each named loop is the strongest (seed {found.attrs['seed']}{kept})."
    )
    top = header(page, f"How sure is what leads? {found.attrs.get('title', '')}", question)
    bottom = footer(page, [found])
    plot = Box(MARGIN + 58, top + STRIP + 42, page.width - MARGIN - KEY, bottom - 30)
    strip(page, plot, top, [item.phase for item in phases], bands, time)
    _shares(page, plot, top, phases, time)
    axes = page.axes(plot)
    axes.set_xlim(float(time[0]), float(time[-1]))
    axes.set_ylim(0.0, 1.0)
    base = np.zeros(len(time))
    rest = leads.sum(axis=0) - sum((band.values for band in bands), np.zeros(len(time)))
    for values, colour in [*((band.values, band.colour) for band in bands), (rest, OTHERS)]:
        axes.fill_between(time, base, base + values, facecolor=colour, edgecolor="white", linewidth=0.5)
        base = base + values
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    for date in dates:
        axes.axvline(date, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=4)
    _key(page, plot, bands)
    return page.figure


def _shares(page: Page, plot: Box, top: float, phases: Sequence[Held], time: np.ndarray) -> None:
    """Write under each phase in which share of the members its loop leads most of it."""
    scale = plot.width / float(time[-1] - time[0])
    page.text(MARGIN, top + STRIP + 6, "holds in", Ink(14, GREY, vertical="center"))
    for item in phases:
        left, right = (plot.left + (t - float(time[0])) * scale for t in (item.phase.start, item.phase.stop))
        ink = Ink(17, INK, "bold" if item.mostly > 0.5 else "normal", "center", "center")
        page.text((left + right) / 2, top + STRIP + 6, f"{item.mostly:.0%}", ink)


def _key(page: Page, plot: Box, bands: Sequence[Band]) -> None:
    left, y, width = plot.right + 26, plot.top, KEY - 62
    for band in [*reversed(bands), Band("all other named loops", OTHERS, np.zeros(1))]:
        page.patch(Box(left, y + 1, left + 18, y + 19), band.colour, "")
        ink = replace(LABEL, colour=darker(band.colour) if band.values.any() else GREY, vertical="top")
        for line in clip(wrap(band.label, width, ink), 3):
            page.text(left + 28, y, line, ink)
            y += ink.size * 1.22
        y += 10
    y += 6
    words = (
        "Above: what leads in the run itself, and in which share of the members the same loop leads most of that time."
    )
    for line in wrap(words, KEY - 30, NOTE):
        page.text(left, y, line, NOTE)
        y += NOTE.size * 1.3
