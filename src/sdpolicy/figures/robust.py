"""Policies in many futures: regret, who holds up, and the trade-off of a search. It knows Datasets only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sdpolicy.figures import chart
from sdpolicy.figures.behaviour import cell
from sdpolicy.figures.ensemble import footed
from sdpolicy.figures.frame import header
from sdpolicy.figures.labels import short_names
from sdpolicy.figures.style import COLOURS, GREY, HEIGHT, INK, LABEL, PANEL, UNIT, WIDTH, Box, Page, clip, wrap
from sdpolicy.robust import Turn
from sdpolicy.words import number, percent

NAMES: Final = 230
MOST: Final = 8
FUTURES: Final = 3000
"""Points that are drawn at most."""


def regret_figure(table: xr.Dataset) -> Figure:
    """Return, for each package, the share of futures in which it satisfies and its regret by goal, least regret first.

    Args:
        table: what :func:`sdpolicy.robust.regret_table` returned; the first two goals are shown.
    """
    page = Page(WIDTH, HEIGHT)
    goals = [str(goal) for goal in table["goal"].values][:2]
    question = "Which policy holds up? Regret: how much worse than the best policy in the same future."
    top = header(page, str(table.attrs.get("title", "")), question)
    bottom = footed(page, table)
    worst = table["high"].values / np.maximum(table["high"].values.max(axis=1, keepdims=True), 1e-300)
    order = np.argsort(worst.mean(axis=0))[:MOST]
    names = short_names([str(name) for name in table["package"].values])
    panels = (["satisfied"] if "satisfied" in table else []) + goals
    for i, name in enumerate(panels):
        wide = (page.width - 40 - NAMES) / len(panels)
        left = NAMES + 10 + i * wide
        outer = Box(left, top, left + wide - 16, bottom)
        box = Box(left, outer.top + 78, outer.right - 58, outer.bottom - 40)
        axes = page.axes(box)
        axes.grid(visible=False, axis="y")
        axes.set_yticks([])
        axes.set_ylim(len(order) - 0.4, -0.6)
        place = np.arange(len(order))
        if i == 0:
            _name_rows(page, box, [names[j] for j in order])
        if name == "satisfied":
            _share(page, Box(left, outer.top, outer.right, outer.bottom), table)
            value, width = table["satisfied"].values[order], table["satisfied_conf"].values[order]
            axes.barh(place, value, 0.6, color=COLOURS[2], zorder=3)
            axes.errorbar(value, place, xerr=width, fmt="none", ecolor=INK, elinewidth=1.3, zorder=4)
            axes.set_xlim(0, 1)
            words = [percent(float(v)) for v in value]
        else:
            value, high = (table[key].sel(goal=name).values[order] for key in ("median", "high"))
            axes.barh(place, high, 0.6, color=COLOURS[4], zorder=3)
            axes.barh(place, value, 0.6, color=COLOURS[0], zorder=4)
            axes.set_xlim(0, float(np.nanmax(high)) * 1.02 or 1.0)
            words = [number(float(v)) for v in high]
            page.text(
                left,
                outer.top + PANEL.size * 1.2,
                clip(wrap(f"Regret: {name}", outer.right - left, replace(PANEL, size=17)), 1)[0],
                replace(PANEL, size=17),
            )
            page.text(left, outer.top + 68, "dark: median; light: nine tenths of futures", replace(UNIT, size=14))
        _write_values(page, box, words)
    return page.figure


def _share(page: Page, box: Box, table: xr.Dataset) -> None:
    """Write the heading of the share of futures that satisfy."""
    criteria = str(table.attrs.get("criteria", "")).replace("|", " and ")
    page.text(box.left, box.top + PANEL.size * 1.2, "Share of futures that satisfy", replace(PANEL, size=17))
    lines = clip(wrap(criteria, box.width, replace(UNIT, size=14)), 2)
    for i, line in enumerate(lines):
        page.text(box.left, box.top + 52 + 17 * i, line, replace(UNIT, size=14))


def _name_rows(page: Page, box: Box, names: Sequence[str]) -> None:
    height = box.height / (len(names) + 0.2)
    for i, name in enumerate(names):
        lines = clip(wrap(name, NAMES - 20, LABEL), 2)
        middle = box.top + (i + 0.6) * height - (len(lines) - 1) * 10
        for k, line in enumerate(lines):
            page.text(box.left - 10, middle + 20 * k, line, replace(LABEL, horizontal="right"))


def _write_values(page: Page, box: Box, words: Sequence[str]) -> None:
    height = box.height / (len(words) + 0.2)
    for i, word in enumerate(words):
        page.text(box.right + 6, box.top + (i + 0.6) * height, word, replace(LABEL, size=14, colour=GREY))


def trade_off(found: xr.Dataset) -> Figure:
    """Return the packages that no other beats in both of the first two goals, coloured by the first lever.

    Args:
        found: what :func:`sdpolicy.robust.search` returned.
    """
    page = Page(WIDTH, HEIGHT)
    across, upward = str(found.attrs["goals"]).split("|")[:2]
    levers = str(found.attrs["levers"]).split("|")
    held = percent(1 - float(found.attrs["quantile"]))
    question = (
        f"What does more of one goal cost in the other? Each point is a policy; it does so well in {held} of futures."
    )
    top = header(page, str(found.attrs.get("title", "")), question)
    bottom = footed(page, found)
    frame = chart.Frame(cell(page, top, bottom, (0, 0), (1, 1)), 210)
    plot = Box(frame.plot.left, frame.plot.top, frame.plot.right, frame.plot.bottom - 26)
    axes = page.axes(plot)
    drawn = axes.scatter(
        found[across].values, found[upward].values, c=found[levers[0]].values, cmap="cividis_r", s=70,
        edgecolors=INK, linewidths=0.8, zorder=3,
    )  # fmt: skip
    chart.heading(page, frame, f"↑ {upward}", "")
    page.text(plot.right, frame.box.bottom - 2, f"{across} →", replace(UNIT, horizontal="right"))
    scale = page.axes(Box(plot.right + 50, plot.top + 40, plot.right + 74, plot.bottom - 20))
    page.figure.colorbar(drawn, cax=scale)
    page.text(plot.right + 40, plot.top + 14, levers[0], replace(LABEL, size=15))
    return page.figure


def turning_figure(faced: xr.Dataset, turns: Sequence[Turn]) -> Figure:
    """Return the futures in the plane of the two inputs that tell best where the ranking of two packages turns.

    Args:
        faced: what :func:`sdpolicy.robust.face_futures` returned.
        turns: what :func:`sdpolicy.robust.turns` returned; one of each goal is shown, that of the most futures, for
            two goals at most.
    """
    shown: dict[str, Turn] = {}
    for turn in sorted(turns, key=lambda turn: -turn.share):
        shown.setdefault(turn.goal, turn)
    page = Page(WIDTH, HEIGHT)
    question = "Where does the ranking of policies change? Each point is a future; the line tells best."
    top = header(page, str(faced.attrs.get("title", "")), question)
    bottom = footed(page, faced)
    chosen = list(shown.values())[:2]
    for i, turn in enumerate(chosen):
        _futures(page, cell(page, top, bottom, (0, i), (1, len(chosen))), faced, turn)
    return page.figure


def _futures(page: Page, box: Box, faced: xr.Dataset, turn: Turn) -> None:
    inputs = [str(name) for name in turn.apart["input"].values]
    across = next(iter(turn.threshold.limits))
    others = [inputs[j] for j in np.argsort(-turn.apart["distance"].values) if inputs[j] != across]
    values = faced[turn.goal]
    better = (values.sel(package=turn.challenger) - values.sel(package=turn.leader)).values
    beats = better > 0 if turn.more else better < 0
    axes = page.axes(Box(box.left + 66, box.top + 116, box.right - 20, box.bottom - 56))
    axes.grid(visible=False)
    x = faced[across].values[:FUTURES]
    y = faced[others[0]].values[:FUTURES] if others else np.zeros(len(x))
    for flag, colour in ((False, COLOURS[0]), (True, COLOURS[1])):
        here = beats[:FUTURES] == flag
        axes.scatter(x[here], y[here], s=14, color=colour, linewidths=0, zorder=2 + flag, rasterized=True)
    limit = next(end for end in turn.threshold.limits[across] if np.isfinite(end))
    axes.axvline(limit, color=INK, linewidth=2, zorder=5)
    axes.margins(0.03)
    title = clip(wrap(f"Who does better: {turn.goal}", box.width, PANEL), 1)[0]
    page.text(box.left, box.top + PANEL.size * 1.1, title, PANEL)
    names = short_names([turn.leader, turn.challenger])
    for k, (name, colour) in enumerate(zip(names, (COLOURS[0], COLOURS[1]), strict=True)):
        y_text = box.top + 42 + 22 * k
        page.patch(Box(box.left, y_text - 8, box.left + 16, y_text + 8), colour, "")
        share = turn.share if k else 1 - turn.share
        page.text(box.left + 24, y_text, f"{name} ({percent(share)})", replace(LABEL, size=15))
    page.text(box.left, box.top + 102, f"↑ {others[0]}" if others else "", UNIT)
    page.text(box.right - 20, box.bottom - 4, f"{across} →  line: {number(limit)}", replace(UNIT, horizontal="right"))
