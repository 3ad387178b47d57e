"""What a difference between two runs is made of: policies, what they do together, and loops. It knows Datasets only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sdpolicy.figures.chart import FloatArray, darker
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.labels import short_names
from sdpolicy.figures.style import (
    BASELINE,
    COLOURS,
    FAINT,
    INK,
    LABEL,
    MARGIN,
    NOTE,
    PANEL,
    Box,
    Ink,
    Page,
    clip,
    dress,
    measure,
    wrap,
)
from sdpolicy.words import number, unit_words, year

MORE, LESS = COLOURS[0], COLOURS[1]
MOST: Final = 12
"""How many bars a panel has; the smallest others are left out and counted."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars with their names, and what they may be wrong by."""

    names: Sequence[str]
    values: FloatArray
    errors: FloatArray


def contributions(difference: xr.Dataset, at: float | None = None) -> Figure:
    """Return what each policy adds to the difference at one time, what pairs do together, and what loops carry.

    Args:
        difference: what :func:`sdpolicy.why.why` returns.
        at: the time, by default the last.
    """
    time = difference["time"].values
    moment = int(np.argmin(np.abs(time - at))) if at is not None else len(time) - 1
    facts = difference.attrs
    base, changed = (str(facts.get(key) or "the model") for key in ("base_name", "changed_name"))
    page = Page()
    values = [float(difference[key].values[moment]) for key in ("base", "changed")]
    unit = unit_words(str(difference["contribution"].attrs.get("units", "")))
    title = f"Why {facts.get('output', '')} differs in {year(float(time[moment]))}"
    names = short_names([base, changed])
    question = f"{names[0]}: {number(values[0])}. {names[1]}: {number(values[1])}. Difference: "
    top = header(page, title, f"{question}{signed(values[1] - values[0])} ({unit}).")
    other = difference.assign_attrs(scenario=changed, scenario_sha256=facts.get("changed_sha256", ""))
    bottom = footer(page, [difference, other])
    panels = ["policy", "synergy" if _pairs(difference) else "", "loop" if "carried" in difference else ""]
    shown = [panel for panel in panels if panel]
    gap = 34.0
    width = (page.width - 2 * MARGIN + gap) / len(shown)
    for n, panel in enumerate(shown):
        box = Box(MARGIN + n * width, top + 6, MARGIN + (n + 1) * width - gap, bottom)
        if panel == "policy":
            _policies(page, box, difference, moment)
        elif panel == "synergy":
            _synergy(page, box, difference, moment)
        else:
            _loops(page, box, difference, moment)
    return page.figure


def signed(value: float) -> str:
    """Return a number with its sign.

    >>> signed(2.5), signed(-3.0), signed(0.0)
    ('+2.5', '−3', '0')
    """
    return f"+{number(value)}" if value > 0 else number(value)


def _pairs(difference: xr.Dataset) -> bool:
    return "synergy" in difference and difference.sizes["policy"] > 1


def _policies(page: Page, box: Box, difference: xr.Dataset, moment: int) -> None:
    values = difference["contribution"].values[:, moment]
    errors = difference["error"].values[:, moment]
    note = "Shapley values: they add up to the difference."
    if not difference.attrs.get("exact", 1):
        note += " Sampled; the lines are two standard errors."
    names = [str(name) for name in difference["policy"].values]
    total = float(values.sum())
    bars = Bars([*names, "together"], np.append(values, total), np.append(errors, 0.0))
    _bars(page, box, ("What each policy adds", note), bars)


def _loops(page: Page, box: Box, difference: xr.Dataset, moment: int) -> None:
    values = difference["carried"].values[:, moment]
    names = [str(name) for name in difference["loop_label"].values]
    note = "How much of the difference is gone in runs without the loop. These do not add up."
    order = np.argsort(-np.abs(values))
    bars = Bars([names[n] for n in order], values[order], np.zeros(len(order)))
    _bars(page, box, ("Which loops carry it", note), bars)


def _bars(page: Page, box: Box, heading: tuple[str, str], bars: Bars) -> None:
    title, note = heading
    names, values, errors = bars.names, bars.values, bars.errors
    page.text(box.left, box.top + 22, title, PANEL)
    left_out = len([name for name in names if name != "together"]) - MOST
    note = f"{note} The {left_out} smallest are left out." if left_out > 0 else note
    y = box.top + 30.0
    for line in wrap(note, box.width, NOTE):
        page.text(box.left, y, line, NOTE)
        y += NOTE.size * 1.3
    order = [n for n in np.argsort(-np.abs(values)) if names[n] != "together"][:MOST]
    order += [n for n, name in enumerate(names) if name == "together"]
    side = min(max(measure(part, LABEL) for n in order for part in wrap(names[n], 132, LABEL)) + 14, 160)
    plot = Box(box.left + side, y + 14, box.right - 6, min(box.bottom - 6, y + 14 + 54 * len(order)))
    axes = page.axes(plot)
    _bare(axes)
    reach = float(np.nanmax(np.abs(values[order]) + 2 * errors[order])) or 1.0
    low = -1.55 * reach if (values[order] < 0).any() else -0.05 * reach
    high = 1.55 * reach if (values[order] > 0).any() else 0.05 * reach
    axes.set_xlim(low, high)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.axvline(0.0, color=INK, linewidth=1.2)
    for row, n in enumerate(order):
        value, whole = float(values[n]), names[n] == "together"
        colour = BASELINE if whole else MORE if value > 0 else LESS
        axes.barh(row, value, height=0.62, color=colour)
        if errors[n] > 0:
            axes.plot([value - 2 * errors[n], value + 2 * errors[n]], [row, row], color=INK, linewidth=1.5)
        text = axes.text(value + (0.03 if value >= 0 else -0.03) * (high - low), row, "")
        dress(text, signed(value), Ink(16, darker(colour), "bold", "left" if value >= 0 else "right", "center"))
        lines = clip(wrap(names[n], 140, LABEL), 2)
        centre = plot.top + (row + 0.5) * plot.height / len(order)
        for k, line in enumerate(lines):
            ink = replace(LABEL, weight="bold" if whole else "normal")
            page.text(box.left, centre + (k - (len(lines) - 1) / 2) * LABEL.size * 1.1, line, ink)


def _synergy(page: Page, box: Box, difference: xr.Dataset, moment: int) -> None:
    """Draw the matrix of what pairs do together: a number in a shade for each pair."""
    values = difference["synergy"].values[:, :, moment]
    names = [str(name) for name in difference["policy"].values]
    page.text(box.left, box.top + 22, "What pairs do together", PANEL)
    y = box.top + 30.0
    for line in wrap("Beyond what each does alone, averaged over all orders.", box.width, NOTE):
        page.text(box.left, y, line, NOTE)
        y += NOTE.size * 1.3
    count = len(names)
    small = Ink(15, INK, vertical="center")
    side = 120.0
    cell = min((box.width - side) / count, (box.bottom - y - 110) / count, 84.0)
    plot = Box(box.left + side, y + 14, box.left + side + cell * count, y + 14 + cell * count)
    axes = page.axes(plot)
    _bare(axes)
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    most = float(np.abs(values).max()) or 1.0
    for i in range(count):
        for k, line in enumerate(clip(wrap(f"{i + 1} {names[i]}", side - 8, small), 2)):
            page.text(box.left, plot.top + (i + 0.5) * cell + (k - 0.5) * 16, line, small)
        page.text(plot.left + (i + 0.5) * cell, plot.bottom + 16, f"{i + 1}", replace(small, horizontal="center"))
        for j in range(count):
            value = float(values[i, j])
            face = (MORE if value > 0 else LESS, 0.75 * abs(value) / most) if i != j else FAINT
            axes.add_patch(Rectangle((j - 0.48, i - 0.48), 0.96, 0.96, facecolor=face, edgecolor="none"))
            if i != j and cell > 40:
                text = axes.text(j, i, "")
                dress(text, signed(value), Ink(14 if cell > 56 else 11, INK, "normal", "center", "center"))


def _bare(axes: Axes) -> None:
    axes.grid(visible=False)
    axes.tick_params(bottom=False, left=False, labelbottom=False, labelleft=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
