"""What each named loop does: one panel a loop, a variable with the loop and without it. It knows judged runs only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from sdpolicy.dominance.judged import Judged, Judgement
from sdpolicy.figures.chart import darker
from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.style import BASELINE, COLOURS, INK, MARGIN, NOTE, Box, Ink, Page, clip, wrap
from sdpolicy.words import unit_words, year

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = Ink(16, INK, "bold", vertical="bottom")
CHANGE: Final = Ink(14, darker(COLOURS[1]), "bold", "right")
HIGHEST: Final = 2.5
"""A panel goes up to this multiple of the greatest value with all loops, so that what explodes hides nothing."""


def without_loops(judgement: Judgement) -> Figure:
    """Return a panel for each named loop: what it is judged by, with all loops (dark) and without it (in colour).

    Args:
        judgement: what :func:`sdpolicy.dominance.judged.judge` returns; the first variable of each loop is drawn.
    """
    first = {item.loop.id: item for item in reversed(judgement.items)}
    items = [first[id_] for id_ in dict.fromkeys(item.loop.id for item in judgement.items)]
    same = len({(item.variable, item.scenario) for item in items}) == 1
    page = Page(height=720 if len(items) <= 12 else 960)
    runs = list(judgement.runs.values())
    home = items[0].scenario
    what = f"{items[0].variable} ({unit_words(items[0].unit)})" if same else "What each is said to do"
    question = f"{what}: dark with all loops, dashed without it; percent at the dots."
    top = header(page, f"What each loop does: {judgement.runs[home].attrs.get('title', '')}", question)
    bottom = footer(page, runs)
    across = 4 if len(items) <= 12 else 5
    width, height = (page.width - 2 * MARGIN + 20) / across, (bottom - top) / -(-len(items) // across)
    limits = _limits(items) if same else None
    for n, item in enumerate(items):
        left, upper = MARGIN + (n % across) * width, top + (n // across) * height
        page.text(left, upper + 20, clip(wrap(item.loop.label, width - 26, TITLE), 1)[0], TITLE)
        where = "" if item.scenario == home else f" ({item.scenario})"
        if not same:
            page.text(left, upper + 22, clip(wrap(f"{item.variable}{where}", width - 22, NOTE), 1)[0], NOTE)
        above = upper + (22 if same else 40)
        page.text(left + width - 22, above, _change(item), CHANGE)
        box = Box(left + 34, above + 22, left + width - 22, upper + height - 26)
        _panel(page.axes(box), item, limits or _limits([item]))
    return page.figure


def _limits(items: Sequence[Judged]) -> tuple[float, float]:
    whole = np.concatenate([item.whole for item in items])
    every = np.concatenate([whole, *(item.without[np.isfinite(item.without)] for item in items)])
    room = HIGHEST * float(np.abs(whole).max())
    low, high = max(min(0.0, float(every.min())), -room), min(float(every.max()), room)
    return low * 1.06, high * 1.06 if high > low else low + 1.0


def _panel(axes: Axes, item: Judged, limits: tuple[float, float]) -> None:
    axes.tick_params(labelsize=8.5)
    axes.set_xlim(float(item.time[0]), float(item.time[-1]))
    axes.set_ylim(*limits)
    colour = COLOURS[1]
    axes.fill_between(item.time, item.whole, item.without, color=colour, alpha=0.18, linewidth=0)
    axes.plot(item.time, item.whole, color=BASELINE, linewidth=1.8)
    axes.plot(item.time, item.without, color=colour, linewidth=2.2, linestyle="--")
    when = float(item.time[item.moment])
    for value, ink in zip(item.values, (BASELINE, colour), strict=True):
        axes.plot([when], [value], "o", color=ink, markersize=4, clip_on=not limits[0] <= value <= limits[1])


def _change(item: Judged) -> str:
    if item.idle:
        return "not here"
    if not np.isfinite(item.change):
        return item.broken.partition(" on (")[0]
    change = "no change" if item.values[0] == item.values[1] else f"{item.change:+.0%}".replace("-", "−")
    return f"{change} in {year(float(item.time[item.moment]))}"
