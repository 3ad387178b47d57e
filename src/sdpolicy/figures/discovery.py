"""Boxes of scenario discovery: members of interest and the box in the two inputs that restrict most. Arrays in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from sdpolicy.discovery import Box as Found
from sdpolicy.discovery import Discovery
from sdpolicy.figures.behaviour import cell
from sdpolicy.figures.ensemble import footed
from sdpolicy.figures.frame import header
from sdpolicy.figures.style import COLOURS, FAINT, GREY, HEIGHT, INK, LABEL, PANEL, UNIT, WIDTH, Box, Page
from sdpolicy.words import percent

MEMBERS = 3000
"""Points that are drawn at most."""


def discovery_figure(found: Discovery, ensemble: xr.Dataset, interest: NDArray[np.bool_], what: str) -> Figure:
    """Return the members in the plane of the two inputs that the box restricts most, and how the box was chosen.

    Args:
        found: what :func:`sdpolicy.discovery.prim` returned.
        ensemble: Dataset of the members, inputs as coordinates.
        interest: which members are of interest.
        what: what is of interest, in words (``Korea stays liquid``).
    """
    page = Page(WIDTH, HEIGHT)
    box = found.chosen
    said = f"{what} in {percent(found.share)} of all members, but in {percent(box.density)} when {box.words()}."
    top = header(page, str(ensemble.attrs.get("title", "")), said)
    bottom = footed(page, ensemble)
    left, right = (cell(page, top, bottom, (0, i), (1, 2)) for i in range(2))
    across, upward = _widest(found.chosen, ensemble)
    _members(page, left, ensemble, interest, (across, upward), box.limits)
    _trajectory(page, right, found.trajectory, box)
    return page.figure


def _widest(box: Found, ensemble: xr.Dataset) -> tuple[str, str]:
    """Return the two inputs whose restriction excludes most members; others fill up."""
    inputs = [str(name) for name in ensemble.coords if ensemble[name].dims == ("member",) and name != "member"]

    def kept(name: str) -> float:
        low, high = box.limits.get(name, (-np.inf, np.inf))
        return float(((ensemble[name] >= low) & (ensemble[name] <= high)).mean())

    ordered = sorted(inputs, key=kept)
    return ordered[0], ordered[1]


def _members(
    page: Page, box: Box, ensemble: xr.Dataset, interest: NDArray[np.bool_], names: tuple[str, str],
    limits: Mapping[str, tuple[float, float]],
) -> None:  # fmt: skip
    axes = page.axes(Box(box.left + 66, box.top + 92, box.right - 20, box.bottom - 56))
    axes.grid(visible=False)
    x, y = (np.asarray(ensemble[name].values, dtype=np.float64)[:MEMBERS] for name in names)
    for flag, colour, size in ((False, "#b5b5b5", 7), (True, COLOURS[0], 11)):
        chosen = interest[:MEMBERS] == flag
        axes.scatter(x[chosen], y[chosen], s=size, color=colour, linewidths=0, zorder=2 + flag, rasterized=True)
    ends = [(float(values.min()), float(values.max())) for values in (x, y)]
    for values, setter in ((ends[0], axes.set_xlim), (ends[1], axes.set_ylim)):
        room = 0.03 * (values[1] - values[0])
        setter(values[0] - room, values[1] + room)
    corners = []
    for name, (low, high) in zip(names, ends, strict=True):
        first, last = limits.get(name, (-np.inf, np.inf))
        corners.append((max(first, low), min(last, high)))
    (x0, x1), (y0, y1) = corners
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=COLOURS[1], linewidth=3, zorder=5))
    page.text(box.left, box.top + PANEL.size * 1.1, "The members", PANEL)
    page.patch(Box(box.left, box.top + 32, box.left + 16, box.top + 46), COLOURS[0], "")
    page.text(box.left + 24, box.top + 39, "of interest", replace(LABEL, size=15))
    page.patch(Box(box.left + 130, box.top + 32, box.left + 146, box.top + 46), "#b5b5b5", "")
    page.text(box.left + 154, box.top + 39, "the others", replace(LABEL, size=15))
    page.text(box.left + 270, box.top + 39, "frame: the box", replace(LABEL, size=15, colour=COLOURS[1]))
    page.text(box.left, box.top + 78, f"↑ {names[1]}", UNIT)
    page.text(box.right - 20, box.bottom - 4, f"{names[0]} →", replace(UNIT, horizontal="right"))


def _trajectory(page: Page, box: Box, trajectory: Sequence[Found], chosen: Found) -> None:
    axes = page.axes(Box(box.left + 66, box.top + 92, box.right - 20, box.bottom - 56))
    coverage, density = np.array([(b.coverage, b.density) for b in trajectory]).T
    axes.plot(coverage, density, color=GREY, linewidth=1.2, zorder=2)
    axes.scatter(coverage, density, s=26, color="white", edgecolors=GREY, zorder=3)
    axes.scatter([chosen.coverage], [chosen.density], s=170, marker="X", color=COLOURS[1], edgecolors=INK, zorder=4)
    axes.set_xlim(0, 1.03)
    axes.set_ylim(0, 1.05)
    axes.axhline(float(density[0]), color=FAINT, linewidth=1.5, zorder=1)
    page.text(box.left, box.top + PANEL.size * 1.1, "The choice of the box", PANEL)
    page.text(box.left, box.top + 39, "each point a box; the cross is the one in the frame", replace(LABEL, size=15))
    page.text(box.left, box.top + 78, "↑ density: share of members in the box that are of interest", UNIT)
    page.text(
        box.right - 20,
        box.bottom - 4,
        "coverage: share of those of interest in the box →",
        replace(UNIT, horizontal="right"),
    )
