"""Causal-loop diagrams of the strongest loops at chosen dates, links as wide as their loops are strong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from sdpolicy.dominance.phases import Level, telling
from sdpolicy.figures.chart import darker
from sdpolicy.figures.dominance import Band, banded
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.style import FAINT, GREY, INK, LABEL, MARGIN, PANEL, Box, Ink, Page, clip, dress, measure, wrap
from sdpolicy.words import year

Link = tuple[str, str]
FAR: Final = 26
"""How many variables a diagram shows; weaker loops that would bring more are left out."""
LISTED: Final = 3
"""How many loops are listed below each diagram."""
LOWER: Final = 122
WIDEST: Final = 10.0


@dataclass(frozen=True, slots=True)
class Ring:
    """A loop that is drawn: its band and the names round it."""

    band: Band
    members: tuple[str, ...]

    @property
    def links(self) -> list[Link]:
        return list(zip(self.members, (*self.members[1:], self.members[0]), strict=True))


def loops(scores: xr.Dataset, dates: Sequence[float] = (), level: Level | None = None) -> Figure:
    """Return one diagram for each date, side by side, with the same places for the same variables.

    A link has the colour of the strongest loop that runs through it at that date, and a width by the shares of all
    loops that do. A family of loops through the same stocks is drawn as its strongest loop.

    Args:
        scores: what :func:`sdpolicy.dominance.dominance` returns.
        dates: up to four times; by default three spread over the run.
        level: as for :func:`sdpolicy.figures.dominance.dominance`.
    """
    level = level or telling(scores)
    time = scores["time"].values
    chosen = list(dates)[:4] or [float(time[int(len(time) * part)]) for part in (0.25, 0.5, 0.75)]
    moments = [int(np.argmin(np.abs(time - date))) for date in chosen]
    bands = banded(scores, level, [float(time[at]) for at in moments])
    rings = _rings(scores, level, bands, moments)
    page = Page()
    title = f"Which loop drives it: {scores.attrs.get('title', '')}"
    top = header(
        page, title, "The strongest loops at each date: the wider a link, the more of the feedback runs through it."
    )
    bottom = footer(page, [scores])
    places = _places(rings)
    gap = 18.0
    width = (page.width - 2 * MARGIN + gap) / len(chosen)
    for n, at in enumerate(moments):
        left = MARGIN + n * width
        box = Box(left, top, left + width - gap, bottom)
        _panel(page, box, rings, places, at, year(float(time[at])))
        _list(page, Box(left + 8, bottom - LOWER + 8, left + width - gap, bottom), bands, at)
    return page.figure


def _rings(scores: xr.Dataset, level: Level, bands: Sequence[Band], moments: Sequence[int]) -> list[Ring]:
    """Return the strongest loops that fit one diagram, in the colours that they have in the figure of shares."""
    members = {
        str(id_): tuple(json.loads(text))
        for id_, text in zip(scores["loop"].values, scores["members"].values, strict=True)
    }
    found: list[Ring] = []
    for band in sorted(bands, key=lambda band: -float(np.abs(band.values[list(moments)]).max())):
        names = members[_loop_of(scores, level, band.label)]
        everything = {name for ring in found for name in ring.members} | set(names)
        if names and (not found or len(everything) <= FAR):
            found.append(Ring(band, names))
    return found


def _loop_of(scores: xr.Dataset, level: Level, label: str) -> str:
    """Return the loop that stands for a label: itself, or the strongest of its family."""
    if level != "family":
        return label.split(" ")[0] if level == "named" and label not in scores["loop"].values else label
    family = int(np.flatnonzero(scores["family"].values == label)[0])
    inside = np.flatnonzero(scores["loop_family"].values == family)
    if not len(inside):
        return str(scores["loop"].values[0])
    named = [n for n in inside if scores["name"].values[n]]
    strength = np.abs(scores["relative"].values).mean(axis=1)
    best = max(
        inside,
        key=lambda n: (bool(named) and n in named and label.startswith(str(scores["loop"].values[n])), strength[n]),
    )
    return str(scores["loop"].values[best])


def _places(rings: Sequence[Ring]) -> dict[str, tuple[float, float]]:
    """Place the variables round an oval, in the order in which the strongest loops run through them.

    They stand at equal heights on its two sides, so that no name runs into another.
    """
    order: list[str] = []
    for ring in rings:
        for n, name in enumerate(ring.members):
            if name not in order:
                before = ring.members[n - 1]
                order.insert(order.index(before) + 1 if before in order else len(order), name)
    half = (len(order) + 1) // 2
    places: dict[str, tuple[float, float]] = {}
    for n, name in enumerate(order):
        side, rank, count = (1.0, n, half) if n < half else (-1.0, len(order) - 1 - n, len(order) - half)
        y = 1.0 - (2.0 * rank + 1.0) / count
        places[name] = (side * max(0.3, sqrt(1.0 - y * y)), y)
    return places


def _panel(
    page: Page, box: Box, rings: Sequence[Ring], places: Mapping[str, tuple[float, float]], at: int, title: str
) -> None:
    ranked = sorted(rings, key=lambda ring: -abs(ring.band.values[at]))
    page.text((box.left + box.right) / 2, box.top + 24, title, replace(PANEL, size=26, horizontal="center"))
    plot = Box(box.left, box.top + 30, box.right, box.bottom - LOWER)
    axes = page.axes(plot)
    axes.set_axis_off()
    axes.grid(visible=False)
    axes.set_xlim(-1, 1)
    axes.set_ylim(-1, 1)
    reach = (1 - 2 * 112 / plot.width, 1 - 2 * 12 / plot.height)
    _draw_links(axes, ranked, places, reach, at)
    strong = {name for ring in ranked[:1] for name in ring.members}
    for name, (x, y) in places.items():
        _name(axes, name, (x, y), reach, name in strong)


def _draw_links(
    axes: Axes, ranked: Sequence[Ring], places: Mapping[str, tuple[float, float]], reach: tuple[float, float], at: int
) -> None:
    widths: dict[Link, float] = {}
    colours: dict[Link, str] = {}
    for ring in ranked:
        for link in ring.links:
            share = abs(float(ring.band.values[at]))
            widths[link] = widths.get(link, 0.0) + share
            colours.setdefault(link, ring.band.colour if share > 0.02 else FAINT)
    for link in sorted(widths, key=lambda pair: widths[pair]):
        (x0, y0), (x1, y1) = (places[name] for name in link)
        start, end = (x0 * reach[0], y0 * reach[1]), (x1 * reach[0], y1 * reach[1])
        width = 0.8 + WIDEST * min(widths[link], 1.0)
        axes.add_patch(
            FancyArrowPatch(
                start, end, connectionstyle="arc3,rad=0.18", arrowstyle="-|>", mutation_scale=9 + 1.6 * width,
                linewidth=width * 0.72, color=colours[link], shrinkA=4, shrinkB=4, zorder=2 + widths[link],
            )
        )  # fmt: skip


def _name(axes: Axes, name: str, place: tuple[float, float], reach: tuple[float, float], strong: bool) -> None:
    x, y = place
    ink = Ink(13, INK if strong else GREY, "bold" if strong else "normal", "left" if x > 0 else "right", "center")
    lines = clip(wrap(name, 104, ink), 2)
    text = axes.text(x * reach[0] + (0.03 if x > 0 else -0.03), y * reach[1], "", zorder=9, linespacing=1.0)
    dress(text, "\n".join(lines), ink)
    text.set_clip_on(False)


def _list(page: Page, box: Box, bands: Sequence[Band], at: int) -> None:
    """Write the strongest loops of the date, with their sign and share."""
    y = box.top
    for n, band in enumerate(sorted(bands, key=lambda band: -abs(band.values[at]))[:LISTED]):
        share = float(band.values[at])
        ink = replace(LABEL, colour=darker(band.colour), weight="bold" if n == 0 else "normal", vertical="top")
        number = f"{abs(share):.0%}".rjust(4)
        page.text(box.left, y, f"{'+' if share > 0 else '−'} {number}", ink)
        indent = measure("− 100%", ink) + 10
        for line in clip(wrap(band.label, box.width - indent - 8, ink), 2):
            page.text(box.left + indent, y, line, ink)
            y += ink.size * 1.2
        y += 3
