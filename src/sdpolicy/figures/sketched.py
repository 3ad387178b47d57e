"""Where words, pipes, arrows and signs of a sketch stand: its geometry in the sketch's pixels. It draws nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

import numpy as np

from sdpolicy.figures.style import GREY, INK, Ink, measure, wrap

Points = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
"""Points in a row, of shape (count, 2)."""
Place = tuple[float, float, float, float]
"""Middle, half width and half height."""

VALVE: Final = 9.0
CLOUD: Final = (14.0, 11.0)
GAP: Final = 3.5
"""Between a word and the arrow that begins or ends at it."""
RIM: Final = 4.0
COMMENT: Final = "#8a3a2a"
WIDEST: Final = 260.0
"""Pixels after which a comment goes on in another line."""


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
    @property
    def style(self) -> str: ...
    @property
    def colour(self) -> str: ...
    @property
    def framed(self) -> bool: ...


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
    @property
    def has_head(self) -> bool: ...


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


@dataclass(frozen=True, slots=True)
class Word:
    """A name or comment as it is written: its lines, and the room that they and a stock's frame take."""

    number: int
    kind: str
    lines: tuple[str, ...]
    place: Place
    ink: Ink
    italic: bool
    framed: bool


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe from a valve to a stock or cloud, round its corners; ``has_head`` where material arrives there."""

    valve: int
    end: int
    corners: tuple[tuple[float, float], ...]
    has_head: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """An arrow from the rim of one thing to the rim of another; ``sign`` is +, − or empty, ``mark`` where it stands.

    ``is_aside`` when it comes from a constant or from what is drawn elsewhere: it closes no loop on this page.
    """

    source: int
    target: int
    points: Points
    sign: str
    mark: tuple[float, float]
    is_aside: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """All that is drawn of one view; ``places`` has what arrows can begin and end at, by number."""

    words: tuple[Word, ...]
    pipes: tuple[Pipe, ...]
    curves: tuple[Curve, ...]
    places: Mapping[int, Place]

    @property
    def bounds(self) -> Place:
        """Left, top, right and bottom of everything, with a little room around it."""
        boxes = np.array([(x - w, y - h, x + w, y + h) for x, y, w, h in self.places.values()])
        lines = [*(np.array(pipe.corners) for pipe in self.pipes), *(curve.points for curve in self.curves)]
        low = np.min([boxes[:, :2].min(axis=0), *(line.min(axis=0) for line in lines)], axis=0)
        high = np.max([boxes[:, 2:].max(axis=0), *(line.max(axis=0) for line in lines)], axis=0)
        return float(low[0]) - RIM, float(low[1]) - RIM, float(high[0]) + RIM, float(high[1]) + RIM


def arrange(view: DrawnView) -> Layout:
    """Return where everything of a view stands."""
    words = tuple(_word(box) for box in view.boxes)
    places = {word.number: word.place for word in words}
    places |= {valve.number: (valve.x, valve.y, VALVE, VALVE) for valve in view.valves}
    places |= {cloud.number: (cloud.x, cloud.y, *CLOUD) for cloud in view.clouds}
    known = [arrow for arrow in view.arrows if arrow.source in places and arrow.target in places]
    pipes = tuple(_pipe(arrow, places) for arrow in known if arrow.is_pipe)
    drawn = [(arrow, line) for arrow in known if not arrow.is_pipe and len(line := _line(arrow, places)) > 3]
    marks = _marks(drawn, places, pipes)
    asides = {word.number for word in words if word.kind == "shadow" or word.italic}
    asides -= {arrow.target for arrow in known}
    curves = tuple(
        Curve(arrow.source, arrow.target, line, _sign(arrow.polarity), mark, arrow.source in asides)
        for (arrow, line), mark in zip(drawn, marks, strict=True)
    )
    return Layout(words, pipes, curves, places)


def _word(box: DrawnBox) -> Word:
    text = f"‹{box.name}›" if box.kind == "shadow" else box.name
    ink = _ink(box)
    room = WIDEST if box.kind == "comment" else max(2 * box.width, 60.0)
    lines = [line for part in text.split("\n") for line in wrap(part, room, ink)]
    width, height = max((measure(line, ink) for line in lines), default=0.0) / 2, len(lines) * ink.size * 0.58
    framed = box.kind == "stock" or box.framed
    if framed:
        width, height = max(width + 6, box.width), max(height + 4, box.height)
    return Word(box.number, box.kind, tuple(lines), (box.x, box.y, width, height), ink, "I" in box.style, framed)


def _ink(box: DrawnBox) -> Ink:
    """Return how a word is written: what the author slanted is small, what is drawn elsewhere is grey."""
    match box.kind:
        case "stock":
            return Ink(16, box.colour or INK, "bold", "center", "center")
        case "shadow":
            return Ink(13, GREY, "normal", "center", "center")
        case "comment" if "B" in box.style:
            return Ink(15, box.colour or COMMENT, "bold", "center", "center")
        case "comment":
            return Ink(13, box.colour or GREY, "normal", "center", "center")
        case _:
            return Ink(13 if "I" in box.style else 15, box.colour or INK, "normal", "center", "center")


def _pipe(arrow: DrawnArrow, places: Mapping[int, Place]) -> Pipe:
    """Return a pipe to the rim of its end, with a right angle wherever two points differ in both directions.

    At a tall stock a level pipe stays level: it need not run to the middle.
    """
    valve, (x, y, width, height) = places[arrow.source][:2], places[arrow.target]
    last = arrow.path[-1] if arrow.path else valve
    aim = (x, last[1]) if abs(last[1] - y) < height - 3 else (last[0], y) if abs(last[0] - x) < width - 3 else (x, y)
    corners = [valve]
    for point in [*arrow.path, aim]:
        before = corners[-1]
        if abs(before[0] - point[0]) > 3 and abs(before[1] - point[1]) > 3:
            corners.append((before[0], point[1]))
        corners.append(point)
    back = next((corner for corner in reversed(corners) if not _within(corner, (x, y, width, height))), valve)
    kept = corners[: corners.index(back) + 1]
    kept.append((x - np.sign(x - back[0]) * width, aim[1]) if abs(back[1] - aim[1]) < 3 else
                (aim[0], y - np.sign(y - back[1]) * height))  # fmt: skip
    return Pipe(arrow.source, arrow.target, tuple((float(a), float(b)) for a, b in kept), arrow.has_head)


def _within(point: tuple[float, float], place: Place) -> bool:
    return abs(point[0] - place[0]) <= place[2] and abs(point[1] - place[1]) <= place[3]


def _line(arrow: DrawnArrow, places: Mapping[int, Place]) -> Points:
    """Return the arc through the point that bends an arrow, between the rims of its ends."""
    start, end = places[arrow.source], places[arrow.target]
    p, q = np.array(start[:2]), np.array(end[:2])
    line = _arc(p, np.array(arrow.control), q) if arrow.control else p + np.linspace(0.0, 1.0, 120)[:, None] * (q - p)
    free = np.flatnonzero(_outside(line, start, GAP) & _outside(line, end, GAP))
    return line[free[0] : free[-1] + 1] if len(free) else line[:0]


def _arc(p: Points, through: Points, q: Points) -> Points:
    """Return points on the circle through three points, from the first to the last; a line where they are in a row."""
    a, b = through - p, q - p
    twice = 2 * float(a[0] * b[1] - a[1] * b[0])
    if abs(twice) < 1e-3 * float(b @ b):
        return p + np.linspace(0.0, 1.0, 120)[:, None] * (q - p)
    centre = p + np.array([b[1] * (a @ a) - a[1] * (b @ b), a[0] * (b @ b) - b[0] * (a @ a)]) / twice
    first, middle, last = (float(np.arctan2(*(point - centre)[::-1])) for point in (p, through, q))
    turn, half = (last - first) % (2 * np.pi), (middle - first) % (2 * np.pi)
    turn = turn if half <= turn else turn - 2 * np.pi
    angles = first + np.linspace(0.0, turn, 120)
    arc: Points = centre + float(np.hypot(*(p - centre))) * np.column_stack([np.cos(angles), np.sin(angles)])
    return arc


def _outside(line: Points, place: Place, gap: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    x, y, width, height = place
    free: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (np.abs(line[:, 0] - x) > width + gap) | (
        np.abs(line[:, 1] - y) > height + gap
    )
    return free


def _sign(polarity: str) -> str:
    return "" if not polarity else "+" if polarity in "+s" else "−"


def _marks(
    drawn: Sequence[tuple[DrawnArrow, Points]], places: Mapping[int, Place], pipes: Sequence[Pipe]
) -> Iterator[tuple[float, float]]:
    """Yield for each arrow the spot beside its head that is farthest from all else."""
    rims = np.array(list(places.values()))
    lines = np.vstack([line[::3] for _, line in drawn]) if drawn else np.zeros((0, 2))
    tubes = np.vstack([_filled(pipe.corners) for pipe in pipes]) if pipes else np.zeros((0, 2))
    taken = np.zeros((0, 2))
    for _, line in drawn:
        spots = list(_beside(line))
        rooms = []
        for spot in spots:
            off = np.maximum(np.abs(rims[:, :2] - spot) - rims[:, 2:], 0.0)
            near = [np.hypot(*off.T), *(np.hypot(*(other - spot).T) for other in (lines, tubes, taken) if len(other))]
            rooms.append(min(float(distance.min()) for distance in near))
        best = spots[int(np.argmax([min(room, 9.0) - 0.2 * place for place, room in enumerate(rooms)]))]
        taken = np.vstack([taken, best])
        yield float(best[0]), float(best[1])


def _beside(line: Points) -> Iterator[Points]:
    """Yield spots on both sides of an arrow, near its head first."""
    for back in (13.0, 19.0, 8.0, 26.0, 34.0):
        for side in (9.0, -9.0, 12.0, -12.0):
            away = np.hypot(*(line - line[-1]).T)
            foot = line[int(np.argmin(np.abs(away - back)))]
            along = (line[-1] - foot) / max(float(np.hypot(*(line[-1] - foot))), 1e-9)
            spot: Points = foot + side * np.array([-along[1], along[0]])
            yield spot


def _filled(corners: Sequence[tuple[float, float]]) -> Points:
    """Return points along a line with corners, close to each other."""
    parts = [np.array(a) + np.linspace(0.0, 1.0, 12)[:, None] * (np.array(b) - np.array(a))
             for a, b in pairwise(corners)]  # fmt: skip
    return np.vstack(parts)
