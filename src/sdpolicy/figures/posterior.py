"""Bands of a posterior sample over the facts, and profiles of parameters. It knows arrays and facts only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sdpolicy.evidence import Observation
from sdpolicy.figures.behaviour import cell
from sdpolicy.figures.frame import header
from sdpolicy.figures.style import BASELINE, COLOURS, FOOTER, GREY, MARGIN, PANEL, UNIT, Box, Ink, Page
from sdpolicy.words import number, unit_words

FloatArray = NDArray[np.float64]
QUANTILES: Final = (0.025, 0.25, 0.5, 0.75, 0.975)
ACROSS: Final = 3
HEAD: Final = 52


@dataclass(frozen=True, slots=True)
class Band:
    """One variable: its draws (draws, times), the best fit, and the facts, those held out apart."""

    variable: str
    unit: str
    time: FloatArray
    draws: FloatArray
    best: FloatArray
    seen: Sequence[Observation]
    held: Sequence[Observation]


def bands(items: Sequence[Band], title: str, note: str = "") -> Figure:
    """Return a panel for each variable: 50 and 95 % of the draws, the best fit, facts seen and held out."""
    rows = math.ceil(len(items) / ACROSS)
    page = Page(height=max(460, 150 + 290 * rows))
    legend = "Shaded: half and 95 % of the posterior draws; dashed: the best fit. Facts: ● in the fit, ○ held out."
    top = header(page, title, legend)
    page.text(MARGIN, page.height - 14, note, FOOTER)
    for i, band in enumerate(items):
        box = cell(page, top, page.height - 40, (i // ACROSS, i % ACROSS), (rows, min(ACROSS, len(items))))
        axes = page.axes(_inner(box))
        low, lower, middle, upper, high = np.nanquantile(band.draws, QUANTILES, axis=0)
        axes.fill_between(band.time, low, high, color=COLOURS[0], alpha=0.18, linewidth=0)
        axes.fill_between(band.time, lower, upper, color=COLOURS[0], alpha=0.32, linewidth=0)
        axes.plot(band.time, middle, color=COLOURS[0], linewidth=1.2)
        axes.plot(band.time, band.best, color=BASELINE, linewidth=1.8, linestyle="--")
        for facts, filled in ((band.seen, True), (band.held, False)):
            for fact in facts:
                _fact(axes, fact, filled)
        seen = [fact.value for fact in (*band.seen, *band.held)]
        ends = [np.nanquantile(high, 0.98), np.nanquantile(low, 0.02), *seen]
        room = 0.08 * (max(ends) - min(ends) or 1.0)
        axes.set_ylim(min(ends) - room, max(ends) + room)
        page.text(box.left, box.top + 22, band.variable, PANEL)
        page.text(box.left, box.top + 42, unit_words(band.unit), UNIT)
    return page.figure


def _inner(box: Box) -> Box:
    return replace(box, left=box.left + 52, top=box.top + HEAD, bottom=box.bottom - 26)


def _fact(axes: Axes, fact: Observation, filled: bool) -> None:
    colour = COLOURS[1]
    middle = (fact.start + fact.end) / 2
    if fact.end > fact.start:
        axes.plot([fact.start, fact.end], [fact.value] * 2, color=colour, linewidth=1.4, zorder=4)
    if fact.low is not None or fact.high is not None:
        ends = [fact.value if end is None else end for end in (fact.low, fact.high)]
        axes.plot([middle] * 2, ends, color=colour, linewidth=1.4, zorder=4)
    axes.plot([middle], [fact.value], marker="o", markersize=6, color=colour, zorder=5,
              markerfacecolor=colour if filled else "white", markeredgewidth=1.4)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Curve:
    """The profile of one parameter: values, by how much the payoff rises, the estimate, and the verdict."""

    label: str
    values: FloatArray
    rises: FloatArray
    estimate: float
    verdict: str


def profiles(items: Sequence[Curve], limit: float, title: str) -> Figure:
    """Return a panel for each parameter; where the curve stays below the line, the facts do not end the interval."""
    across = 4
    rows = math.ceil(len(items) / across)
    page = Page(height=max(420, 140 + 220 * rows))
    top = header(page, title, "Rise of the payoff when all others adjust; above the line a value is refused (95 %).")
    for i, curve in enumerate(items):
        box = cell(page, top, page.height - 20, (i // across, i % across), (rows, min(across, len(items))))
        axes = page.axes(_inner(box))
        axes.plot(curve.values, curve.rises, color=COLOURS[0], linewidth=1.8, marker=".", markersize=6)
        axes.axhline(limit, color=GREY, linewidth=1, linestyle="--")
        axes.axvline(curve.estimate, color=BASELINE, linewidth=1)
        axes.set_ylim(-0.1 * limit, 3 * limit)
        page.text(box.left, box.top + 22, curve.label, Ink(17, PANEL.colour, "bold", vertical="bottom"))
        good = curve.verdict == "identified"
        said = f"{number(curve.estimate)}: {curve.verdict}"
        page.text(box.left, box.top + 42, said, Ink(15, GREY if good else COLOURS[1], vertical="bottom"))
    return page.figure
