"""A stock-and-flow diagram from where a model's author drew what. It knows the places, no model and no file."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Polygon, Rectangle

from sdpolicy.figures.sketched import Curve, DrawnView, Layout, Pipe, Word, arrange
from sdpolicy.figures.style import COLOURS, GREY, HEIGHT, INK, MARGIN, NOTE, TITLE, WIDTH, Box, Ink, Page, dress

TOP: Final = 92
BOTTOM: Final = 24
PIPE: Final = "#8a8a8a"
WIRE: Final = "#3f6296"
ASIDE: Final = "#a9b6c9"
ZOOM: Final = 1.35
"""The most by which a small sketch is enlarged to fill its page."""
STOCK: Final = "#fff3d6"


def stockflow(view: DrawnView, title: str) -> Figure:
    """Return the stock-and-flow diagram of one view: stocks in boxes, flows as pipes with valves, links as arrows.

    The page has the form of a slide and one pixel for each of the sketch; it grows with the sketch.

    Args:
        view: a view of what :func:`sdpolicy.vensim.sketch.read_sketch` returns, with a box at least.
        title: what stands above the diagram.
    """
    layout = arrange(view)
    left, top, right, bottom = layout.bounds
    wide, high = right - left + 2 * MARGIN, bottom - top + BOTTOM
    height = int(max(HEIGHT, high + TOP, wide * HEIGHT / WIDTH))
    page = Page(height * WIDTH // HEIGHT, height)
    page.text(MARGIN, 18, title, TITLE)
    page.text(MARGIN, 60, _legend(layout), NOTE)
    axes = page.axes(Box(0, TOP, page.width, page.height - BOTTOM))
    axes.set_axis_off()
    axes.grid(visible=False)
    room = page.height - TOP - BOTTOM
    zoom = min(ZOOM, page.width / wide, room / (bottom - top))
    axes.set_xlim((left + right - page.width / zoom) / 2, (left + right + page.width / zoom) / 2)
    axes.set_ylim((top + bottom + room / zoom) / 2, (top + bottom - room / zoom) / 2)
    _draw(axes, view, layout, zoom)
    return page.figure


def _legend(layout: Layout) -> str:
    told = ["Boxes are stocks, pipes with valves are flows."] if layout.pipes else []
    told.append("Arrows are influences: + the same way, − the other way." if any(curve.sign for curve in layout.curves)
                else "Arrows are influences.")  # fmt: skip
    if any(word.kind == "shadow" for word in layout.words):
        told.append("‹Grey›: from elsewhere.")
    if any(word.italic and word.kind == "variable" for word in layout.words):
        told.append("Italics: constants.")
    return " ".join(told)


def _draw(axes: Axes, view: DrawnView, layout: Layout, zoom: float) -> None:
    for pipe in layout.pipes:
        _pipe(axes, pipe, zoom)
    for curve in layout.curves:
        _curve(axes, curve, zoom)
    for valve in view.valves:
        _valve(axes, valve.x, valve.y, any(p.valve == valve.number and _upright(p) for p in layout.pipes))
    for cloud in view.clouds:
        _cloud(axes, cloud.x, cloud.y)
    for word in layout.words:
        _word(axes, word, zoom)


def _upright(pipe: Pipe) -> bool:
    (x, y), (a, b) = pipe.corners[:2]
    return abs(y - b) > abs(x - a)


def _pipe(axes: Axes, pipe: Pipe, zoom: float) -> None:
    xs, ys = [x for x, _ in pipe.corners], [y for _, y in pipe.corners]
    axes.plot(xs, ys, color=PIPE, linewidth=5.0 * zoom, solid_capstyle="butt", zorder=1)
    axes.plot(xs, ys, color="white", linewidth=2.8 * zoom, solid_capstyle="butt", zorder=1.1)
    if pipe.has_head:
        end, before = np.array(pipe.corners[-1]), np.array(pipe.corners[-2])
        along = (end - before) / max(float(np.hypot(*(end - before))), 1e-9)
        back, side = end - 15 * along, 8 * np.array([-along[1], along[0]])
        axes.add_patch(Polygon([end, back + side, back - side], facecolor=PIPE, edgecolor="none", zorder=1.2))


def _curve(axes: Axes, curve: Curve, zoom: float) -> None:
    line, colour = curve.points, ASIDE if curve.is_aside else WIRE
    axes.plot(line[:, 0], line[:, 1], color=colour, linewidth=1.0 if curve.is_aside else 1.4, zorder=2)
    tail = line[int(np.argmin(np.abs(np.hypot(*(line - line[-1]).T) - 6.0)))]
    axes.add_patch(FancyArrowPatch(tuple(tail), tuple(line[-1]), arrowstyle="-|>", mutation_scale=11 * zoom,
                                   color=colour, linewidth=0.8, shrinkA=0, shrinkB=0, zorder=2.2))  # fmt: skip
    if curve.sign:
        ink = Ink(14 * zoom, COLOURS[0] if curve.sign == "+" else COLOURS[1], "bold", "center", "center")
        dress(axes.text(*curve.mark, "", zorder=3), curve.sign, ink)


def _valve(axes: Axes, x: float, y: float, upright: bool) -> None:
    shape = [(x - 9, y - 8), (x + 9, y + 8), (x + 9, y - 8), (x - 9, y + 8)]
    if upright:
        shape = [(x - 8, y - 9), (x + 8, y - 9), (x - 8, y + 9), (x + 8, y + 9)]
    axes.add_patch(Polygon(shape, facecolor="white", edgecolor=INK, linewidth=1.2, zorder=4))


def _cloud(axes: Axes, x: float, y: float) -> None:
    for dx, dy, radius in ((-8, 2, 7), (0, -4, 8), (8, 2, 7), (0, 4, 7)):
        axes.add_patch(Circle((x + dx, y + dy), radius, facecolor="#eeeeee", edgecolor=GREY, linewidth=0.9, zorder=3))
    axes.add_patch(Circle((x, y), 8, facecolor="#eeeeee", edgecolor="none", zorder=3.1))


def _word(axes: Axes, word: Word, zoom: float) -> None:
    x, y, width, height = word.place
    if word.framed:
        fill, edge = (STOCK, INK) if word.kind == "stock" else ("#f3f3f3", GREY)
        axes.add_patch(Rectangle((x - width, y - height), 2 * width, 2 * height, facecolor=fill, edgecolor=edge,
                                 linewidth=1.6, zorder=4))  # fmt: skip
    style = "italic" if word.italic else "normal"
    ink = replace(word.ink, size=word.ink.size * zoom)
    parts = [(y, word.lines, ink)]
    if word.framed and word.kind == "comment":
        line = 2 * word.ink.size * 0.58
        plain = replace(ink, weight="normal")
        parts = [(y - line * (len(word.lines) - 1) / 2, word.lines[:1], ink), (y + line / 2, word.lines[1:], plain)]
    for middle, lines, look in parts:
        dress(axes.text(x, middle, "", zorder=5, linespacing=1.05, fontstyle=style), "\n".join(lines), look)
