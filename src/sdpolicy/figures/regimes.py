"""Maps of two levers: the outcome in colour, boundaries drawn, bistable parts hatched. It knows Datasets only."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from sdpolicy.figures.behaviour import cell
from sdpolicy.figures.ensemble import footed
from sdpolicy.figures.frame import header
from sdpolicy.figures.style import FAINT, HEIGHT, INK, LABEL, PANEL, TICK, UNIT, WIDTH, Box, Page, points
from sdpolicy.words import number, unit_words

CLASSES: Final = ("#f2f2f2", "#0072B2", "#D55E00", "#56B4E9", "#E69F00", "#CC79A7", "#009E73", "#999999")
"""A colour for each mode of behaviour, in their order."""
NEVER: Final = "#ffffff"
SCALE: Final = 190
"""Pixels at the right for the scale of colours."""


def regime_map(found: xr.Dataset) -> Figure:
    """Return what :func:`sdpolicy.regimes.regime_map` found, a panel for each side it was started from.

    White is where the outcome never comes; hatching, in the first panel, where the two sides end differently. A
    cross marks the scenario's own values where the Dataset carries them (``here``).
    """
    page = Page(WIDTH, HEIGHT)
    outcome = str(found.attrs["outcome"])
    across, upward = (str(dim) for dim in found["refined"].dims)
    question = f"What becomes of the {outcome}, for each {across} and {upward}?"
    if "bistable" in found and bool(found["bistable"].any()):
        question += " Hatched: it depends on where the run starts."
    top = header(page, str(found.attrs.get("title", "")), question)
    runs, lattice = found.attrs["runs"], found.attrs["lattice"]
    cross = "The cross is the scenario. " if f"here {across}" in found.attrs else ""
    bottom = footed(page, found)
    page.text(
        40,
        bottom + 2,
        f"{cross}{runs:,} runs, along the boundaries; a full lattice takes {lattice:,}.",
        replace(UNIT, size=14),
    )
    sides = found["side"].values.astype(str)
    values = found["outcome"].values
    norm = _norm(values, bool(found.attrs["class"]), outcome)
    for i, side in enumerate(sides):
        box = cell(page, top, bottom - 24, (0, i), (1, len(sides)))
        right = box.right - (SCALE if i == len(sides) - 1 else 10)
        axes = page.axes(Box(box.left + 66, box.top + 58, right, box.bottom - 58))
        _paint(axes, found, i, norm)
        page.text(box.left, box.top + PANEL.size * 1.1, f"From {side}" if side else _capital(outcome), PANEL)
        page.text(box.left, box.top + 44, f"↑ {_labelled(found, upward)}", UNIT)
        page.text(right, box.bottom - 4, f"{_labelled(found, across)} →", replace(UNIT, horizontal="right"))
    _scale(page, Box(page.width - SCALE + 10, top + 60, page.width - 40, bottom - 90), found, norm)
    return page.figure


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _labelled(found: xr.Dataset, lever: str) -> str:
    unit = unit_words(str(found[lever].attrs.get("units", "")))
    return lever if unit == "no unit" else f"{lever} ({unit})"


def _norm(values: np.ndarray, is_class: bool, outcome: str) -> ScalarMappable:
    """Return which colour stands for which number."""
    if is_class and outcome.startswith("mode"):
        return ScalarMappable(Normalize(-0.5, len(CLASSES) - 0.5), ListedColormap(CLASSES))
    if is_class:
        return ScalarMappable(Normalize(-0.5, 1.5), ListedColormap([CLASSES[0], CLASSES[2]]))
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return ScalarMappable(Normalize(low, high if high > low else low + 1.0), "cividis_r")


def _paint(axes: Axes, found: xr.Dataset, side: int, norm: ScalarMappable) -> None:
    across, upward = (str(dim) for dim in found["refined"].dims)
    x, y = found[across].values, found[upward].values
    values = found["outcome"].values[side].T
    axes.set_facecolor(NEVER)
    axes.grid(visible=False)
    axes.pcolormesh(x, y, values, cmap=norm.cmap, norm=_limits_of(norm), shading="nearest", rasterized=True)
    if found.attrs["class"]:
        for value in sorted({int(value) for value in values[np.isfinite(values)]})[1:]:
            axes.contour(x, y, (values == value).astype(float), [0.5], colors=INK, linewidths=1.2)
    never = np.isnan(values)
    if never.any() and not never.all():
        axes.contour(x, y, never.astype(float), [0.5], colors=INK, linewidths=1.6)
        _write_in(axes, x, y, never, "never")
    if side == 0 and "bistable" in found and bool(found["bistable"].any()):
        both = found["bistable"].values.T.astype(float)
        axes.contourf(x, y, both, [0.5, 1.5], colors="none", hatches=["///"])
        axes.contour(x, y, both, [0.5], colors=INK, linewidths=1.6)
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])
    if f"here {across}" in found.attrs:
        here = float(found.attrs[f"here {across}"]), float(found.attrs[f"here {upward}"])
        axes.plot(
            *here, marker="X", markersize=11, color="white", markeredgecolor=INK, markeredgewidth=1.5, clip_on=False
        )


def _write_in(axes: Axes, x: np.ndarray, y: np.ndarray, where: np.ndarray, text: str) -> None:
    """Write a word inside a region, at the point of it that lies deepest."""
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(where, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
    axes.text(x[column], y[row], text, ha="center", va="center", fontsize=points(18), color=INK)


def _limits_of(norm: ScalarMappable) -> Normalize:
    low, high = norm.get_clim()
    return Normalize(low, high)


def _scale(page: Page, box: Box, found: xr.Dataset, norm: ScalarMappable) -> None:
    """Draw the scale of colours, or name the classes."""
    if not found.attrs["class"]:
        axes = page.axes(Box(box.left, box.top, box.left + 26, box.bottom))
        bar = page.figure.colorbar(norm, cax=axes)
        low, high = norm.norm.vmin or 0.0, norm.norm.vmax or 1.0
        ticks = np.linspace(low, high, 6)
        dated = "year" in str(found.attrs["outcome"]) or str(found.attrs["outcome"]).startswith("first")
        words = [f"{tick:.0f}" if dated else number(float(tick)) for tick in ticks]
        bar.set_ticks(list(ticks), labels=words)
        bar.outline.set_edgecolor(FAINT)
        axes.tick_params(
            labelsize=points(TICK), labelleft=False, labelright=True, left=False, right=True, labelbottom=False
        )
        return
    values = found["outcome"].values
    present = sorted({int(value) for value in values[np.isfinite(values)]})
    modes = str(found.attrs["modes"]).split("|") if str(found.attrs["outcome"]).startswith("mode") else ["no", "yes"]
    for k, value in enumerate(present):
        top = box.top + 34 * k
        page.patch(Box(box.left, top, box.left + 24, top + 18), str(norm_colour(norm, value)), "")
        page.text(box.left + 32, top + 9, modes[value], replace(LABEL, size=15))


def norm_colour(norm: ScalarMappable, value: float) -> str:
    """Return the colour of a number as text."""
    from matplotlib.colors import to_hex

    red, green, blue, _ = norm.to_rgba(np.array([value]))[0]
    return str(to_hex((float(red), float(green), float(blue))))
