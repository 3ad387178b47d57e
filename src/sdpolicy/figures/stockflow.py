"""A stock-and-flow diagram from where a model's author drew what. It knows the places, no model and no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Polygon, Rectangle

from sdpolicy.figures.style import COLOURS, GREY, INK, MARGIN, NOTE, TITLE, Box, Ink, Page, dress, wrap

SCALE: Final = 1.15
"""Pixels of the page for a pixel of the sketch."""
PIPE: Final = "#8a8a8a"
WIRE: Final = "#7d94b5"
STOCK: Final = "#fff3d6"
Place = tuple[float, float, float, float]
"""Middle, half width and half height."""


class DrawnBox(Protocol):
    """A name or comment of a sketch."""

    @property
    def number(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    @property
    def kind(self) -> str: ...


class DrawnPoint(Protocol):
    """A cloud of a sketch."""

    @property
    def number(self) -> int: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...


class DrawnValve(DrawnPoint, Protocol):
    """A valve with the name of its flow."""

    @property
    def name(self) -> str: ...


class DrawnArrow(Protocol):
    """A connection of a sketch."""

    @property
    def source(self) -> int: ...
    @property
    def target(self) -> int: ...
    @property
    def control(self) -> tuple[float, float] | None: ...
    @property
    def path(self) -> Sequence[tuple[float, float]]: ...
    @property
    def polarity(self) -> str: ...
    @property
    def is_pipe(self) -> bool: ...


class DrawnView(Protocol):
    """One page of a sketch."""

    @property
    def name(self) -> str: ...
    @property
    def boxes(self) -> Sequence[DrawnBox]: ...
    @property
    def valves(self) -> Sequence[DrawnValve]: ...
    @property
    def clouds(self) -> Sequence[DrawnPoint]: ...
    @property
    def arrows(self) -> Sequence[DrawnArrow]: ...


def stockflow(view: DrawnView, title: str, fills: Mapping[str, Sequence[str]] | None = None) -> Figure:
    """Return the stock-and-flow diagram of one view: stocks in boxes, flows as pipes with valves, links as arrows.

    Args:
        view: a view of what :func:`sdpolicy.vensim.sketch.read_sketch` returns.
        title: what stands above the diagram.
        fills: for each stock the names of its inflows, by which pipes get their heads; without it they have none.
    """
    places = {box.number: (box.x, box.y, box.width, box.height) for box in view.boxes}
    places |= {valve.number: (valve.x, valve.y, 8.0, 8.0) for valve in view.valves}
    places |= {cloud.number: (cloud.x, cloud.y, 12.0, 9.0) for cloud in view.clouds}
    heads = _heads(view, fills) if fills is not None else {}
    left, right = min(p[0] - p[2] for p in places.values()) - 30, max(p[0] + p[2] for p in places.values()) + 30
    top, bottom = min(p[1] - p[3] for p in places.values()) - 20, max(p[1] + p[3] for p in places.values()) + 20
    page = Page(int((right - left) * SCALE) + 2 * MARGIN, int((bottom - top) * SCALE) + 110)
    page.text(MARGIN, 20, title, TITLE)
    page.text(MARGIN, 62, "Boxes are stocks, pipes are flows, arrows are influences with their sign.", NOTE)
    axes = page.axes(Box(MARGIN, 90, page.width - MARGIN, page.height - 20))
    axes.set_axis_off()
    axes.grid(visible=False)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    for arrow in view.arrows:
        if arrow.source in places and arrow.target in places:
            if arrow.is_pipe:
                _pipe(axes, arrow, places, heads.get((arrow.source, arrow.target), False))
            else:
                _wire(axes, arrow, places)
    for valve in view.valves:
        _valve(axes, valve.x, valve.y)
    for cloud in view.clouds:
        _cloud(axes, cloud.x, cloud.y)
    for box in view.boxes:
        _box(axes, box)
    return page.figure


def _heads(view: DrawnView, fills: Mapping[str, Sequence[str]]) -> dict[tuple[int, int], bool]:
    """Return which pipes, by valve and end, material leaves at their end: into a stock or, if none, a cloud."""
    flows = {valve.number: valve.name for valve in view.valves}
    stocks = {box.number: box.name for box in view.boxes}
    filling = {flow for listed in fills.values() for flow in listed}
    return {
        (arrow.source, arrow.target): flow in fills.get(stocks[arrow.target], ())
        if arrow.target in stocks
        else flow not in filling
        for arrow in view.arrows
        if arrow.is_pipe and (flow := flows.get(arrow.source)) is not None
    }


def _pipe(axes: Axes, arrow: DrawnArrow, places: Mapping[int, Place], head: bool) -> None:
    """Draw a pipe from a valve to a stock or cloud, round its corners."""
    points = [places[arrow.source][:2], *arrow.path, places[arrow.target][:2]]
    corners = _corners(points)
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    axes.plot(xs, ys, color=PIPE, linewidth=6.0, solid_capstyle="butt", zorder=1)
    axes.plot(xs, ys, color="white", linewidth=3.4, solid_capstyle="butt", zorder=1.1)
    if head:
        end, before = np.array(corners[-1]), np.array(corners[-2])
        along = (end - before) / max(float(np.hypot(*(end - before))), 1e-9)
        tip = end - along * (np.abs(along) @ np.array(places[arrow.target][2:]) + 1)
        back, side = tip - 15 * along, 8 * np.array([-along[1], along[0]])
        axes.add_patch(Polygon([tip, back + side, back - side], facecolor=PIPE, edgecolor="none", zorder=1.2))


def _corners(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points with a right angle wherever two neighbours differ in both directions."""
    result = [points[0]]
    for x, y in points[1:]:
        last = result[-1]
        if abs(last[0] - x) > 3 and abs(last[1] - y) > 3:
            result.append((last[0], y))
        result.append((x, y))
    return result


def _wire(axes: Axes, arrow: DrawnArrow, places: Mapping[int, Place]) -> None:
    start, end = places[arrow.source], places[arrow.target]
    p, q = np.array(start[:2]), np.array(end[:2])
    through = np.array(arrow.control) if arrow.control else (p + q) / 2
    t = np.linspace(0.0, 1.0, 160)[:, None]
    curve = (1 - t) ** 2 * p + 2 * t * (1 - t) * (2 * through - (p + q) / 2) + t**2 * q
    free = _outside(curve, start) & _outside(curve, end)
    kept = curve[free]
    if len(kept) < 4:
        return
    axes.plot(kept[:, 0], kept[:, 1], color=WIRE, linewidth=1.1, zorder=2)
    tail, head = kept[-min(4, len(kept))], kept[-1]
    axes.add_patch(FancyArrowPatch(tuple(tail), tuple(head), arrowstyle="-|>", mutation_scale=12, color=WIRE,
                                   linewidth=0.8, shrinkA=0, shrinkB=0, zorder=2.2))  # fmt: skip
    if arrow.polarity:
        along = head - kept[-min(14, len(kept))]
        along = along / max(float(np.hypot(*along)), 1e-9)
        x, y = head - 13 * along + 9 * np.array([-along[1], along[0]])
        sign = "+" if arrow.polarity in "+s" else "−"
        colour = COLOURS[0] if sign == "+" else COLOURS[1]
        dress(axes.text(float(x), float(y), "", zorder=3), sign, Ink(15, colour, "bold", "center", "center"))


def _outside(
    curve: np.ndarray[tuple[int, ...], np.dtype[np.float64]], place: Place
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    x, y, width, height = place
    outside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (np.abs(curve[:, 0] - x) > width + 3) | (
        np.abs(curve[:, 1] - y) > height + 4
    )
    return outside


def _valve(axes: Axes, x: float, y: float) -> None:
    shape = [(x - 9, y - 8), (x + 9, y + 8), (x + 9, y - 8), (x - 9, y + 8)]
    axes.add_patch(Polygon(shape, facecolor="white", edgecolor=INK, linewidth=1.2, zorder=4))


def _cloud(axes: Axes, x: float, y: float) -> None:
    for dx, dy, radius in ((-8, 2, 7), (0, -4, 8), (8, 2, 7), (0, 4, 7)):
        axes.add_patch(Circle((x + dx, y + dy), radius, facecolor="#eeeeee", edgecolor=GREY, linewidth=0.9, zorder=3))
    axes.add_patch(Circle((x, y), 8, facecolor="#eeeeee", edgecolor="none", zorder=3.1))


def _box(axes: Axes, box: DrawnBox) -> None:
    if box.kind == "stock":
        corner = (box.x - box.width, box.y - box.height)
        axes.add_patch(Rectangle(corner, 2 * box.width, 2 * box.height, facecolor=STOCK, edgecolor=INK,
                                 linewidth=1.6, zorder=4))  # fmt: skip
    text = f"‹{box.name}›" if box.kind == "shadow" else box.name
    ink = {
        "stock": Ink(17, INK, "bold", "center", "center"),
        "variable": Ink(14, INK, "normal", "center", "center"),
        "shadow": Ink(13, GREY, "normal", "center", "center"),
        "comment": Ink(14, "#8a3a2a", "bold", "center", "center"),
    }[box.kind]
    width = max(2 * box.width * SCALE, 60.0) if box.kind != "comment" else 260.0
    if box.kind == "stock" and len(wrap(text, width, ink)) * ink.size * 1.1 > 2 * box.height * SCALE:
        ink = Ink(14, INK, "bold", "center", "center")
    dress(axes.text(box.x, box.y, "", zorder=5, linespacing=1.05), "\n".join(wrap(text, width, ink)), ink)
