"""Scenarios side by side as a table of coloured cells: blue above the baseline, orange below. It computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sdpolicy.figures.frame import footer, header
from sdpolicy.figures.style import COLOURS, GREY, INK, MARGIN, Box, Ink, Page, clip, measure, wrap

ROW: Final = 44
HEAD: Final = 84
CELL: Final = Ink(17, INK, horizontal="center", vertical="center")
HEADING: Final = Ink(13, INK, "bold", horizontal="center", vertical="bottom")
NAME: Final = Ink(17, INK, vertical="center")
ABOVE, BELOW = COLOURS[0], COLOURS[1]
PALEST, STRONGEST = 0.10, 0.45
"""How much of the colour a cell takes; the text in it stays dark."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What the table holds: a row for each scenario, a column for each outcome.

    ``texts`` are the cells; ``differences`` (rows, columns) give the colours, NaN for none; ``notes`` stand at
    the end of each row; ``groups`` tell the baseline of each row.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    texts: Sequence[Sequence[str]]
    differences: NDArray[np.float64]
    notes: Sequence[str]
    baselines: Sequence[str]


def outcomes(grid: Grid, runs: Sequence[xr.Dataset], title: str, question: str = "") -> Figure:
    """Return the table as a figure; differences of a column are shaded by its largest one.

    Args:
        runs: the baselines, whose model and scenario the footer names.
    """
    page = Page(height=max(400, 190 + HEAD + ROW * len(grid.rows) + 40))
    top = header(page, title, question or "Blue: more than the baseline; orange: less. Baselines are bold.")
    footer(page, runs[:2])
    left = MARGIN + min(360.0, 24 + max(measure(name, replace(NAME, weight="bold")) for name in grid.rows))
    width = (page.width - MARGIN - left) / (len(grid.columns) + 1)
    for j, name in enumerate((*grid.columns, "claims that hold")):
        for i, line in enumerate(reversed(clip(wrap(name, width - 6, HEADING), 3))):
            page.text(left + (j + 0.5) * width, top + HEAD - 8 - i * HEADING.size * 1.25, line, HEADING)
    for i, name in enumerate(grid.rows):
        y = top + HEAD + i * ROW
        ink = replace(NAME, weight="bold" if grid.baselines[i] == name else "normal")
        page.text(MARGIN, y + ROW / 2, clip(wrap(name, left - MARGIN, ink), 1)[0], ink)
        for j, text in enumerate(grid.texts[i]):
            box = Box(left + j * width + 2, y + 2, left + (j + 1) * width - 2, y + ROW - 2)
            page.patch(box, _colour(grid.differences[:, j], i), "")
            page.text(left + (j + 0.5) * width, y + ROW / 2, text, CELL)
        told = grid.notes[i]
        ink = CELL if _all(told) else replace(CELL, colour=BELOW, weight="bold")
        page.text(
            left + (len(grid.columns) + 0.5) * width,
            y + ROW / 2,
            told or "none",
            ink if told else replace(ink, colour=GREY),
        )
    return page.figure


def _all(note: str) -> bool:
    """Tell whether ``5 of 5`` says that all of them hold."""
    first, _, last = note.partition(" of ")
    return first == last or not note


def _colour(column: NDArray[np.float64], i: int) -> str:
    """Return the shade of a cell: white for no difference, stronger for one that is large in its column."""
    largest = np.nanmax(np.abs(column), initial=0.0) if np.isfinite(column).any() else 0.0
    value = column[i]
    if not np.isfinite(value) or largest == 0 or abs(value) < 1e-9 * largest:
        return "#ffffff"
    strength = PALEST + (STRONGEST - PALEST) * abs(value) / largest
    base = np.array(to_rgb(ABOVE if value > 0 else BELOW))
    return str(to_hex(tuple(1 - strength * (1 - base))))
