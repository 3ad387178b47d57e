"""The sketch of a Vensim model: where its author drew what. It knows no equation and no drawing library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sdpolicy.vensim.prepare import Refusal
from sdpolicy.vensim.subscripts import bare
from sdpolicy.vensim.text import read_text, split

BoxKind = Literal["stock", "variable", "shadow", "comment"]

Point = tuple[float, float]
"""x to the right and y downwards, in Vensim's pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """A name or a comment: its middle, and half of its width and height.

    A ``stock`` has a frame; a ``shadow`` is a second picture of a variable that is defined elsewhere.
    ``style`` (of the letters ``B`` bold, ``I`` slanted, ``U``, ``S``) and ``colour`` (``#rrggbb``) are what its
    author gave this one apart from the rest, or empty; ``framed`` is a comment in a box of its own.
    """

    number: int
    name: str
    x: float
    y: float
    width: float
    height: float
    kind: BoxKind
    style: str = ""
    colour: str = ""
    framed: bool = False


@dataclass(frozen=True, slots=True)
class Valve:
    """The valve on a pipe; ``name`` is that of the flow written beside it, or empty."""

    number: int
    x: float
    y: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Cloud:
    """A source or sink outside of the model's boundary."""

    number: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """A connection between two numbered things of one view.

    ``control`` is the point that bends it, or None for a straight one; ``path`` are the corners of a pipe
    (``is_pipe``), which runs from a valve to a stock or cloud; ``polarity`` is what stands at its head:
    ``+``, ``-``, ``s``, ``o`` or nothing. ``has_head`` tells at which end of a flow's pipes material arrives.
    """

    source: int
    target: int
    control: Point | None = None
    path: tuple[Point, ...] = ()
    polarity: str = ""
    is_pipe: bool = False
    has_head: bool = True


@dataclass(frozen=True, slots=True)
class View:
    """One page of the sketch."""

    name: str
    boxes: tuple[Box, ...]
    valves: tuple[Valve, ...]
    clouds: tuple[Cloud, ...]
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, slots=True)
class Sketch:
    """All views of a model; none, when its author drew nothing."""

    views: tuple[View, ...]


_MARK: Final = re.compile(r"^\\\\\\---///.*$", re.MULTILINE)
_END: Final = "///---\\\\\\"
_FIELD: Final = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^,])*')
_LOOK: Final = re.compile(r"\|\d*\|([BIUS]*)\|(\d+)-(\d+)-(\d+)$")
_HEADLESS: Final = 64
"""The bit of a pipe's shape by which Vensim leaves out the head: 4 has one, 100 has none."""
_CLOUD_SYMBOL: Final = "48"
"""What Vensim writes in the place of a comment's text where a cloud stands."""


def read_sketch(path: str | Path) -> Sketch:
    """Read the sketch of a model file.

    A line that says nothing of boxes, valves, clouds and arrows is passed over, as are damaged ones: a
    sketch changes no number.

    Raises:
        ModelError: when the file cannot be read.
    """
    try:
        text = split(read_text(Path(path))).sketch
    except Refusal:
        return Sketch(())
    pages = _MARK.split(text.split(_END, 1)[0])
    return Sketch(tuple(view for page in pages if (view := _view(page)) is not None))


def _view(page: str) -> View | None:
    lines = page.strip().split("\n")
    name = next((line[1:].strip() for line in lines if line.startswith("*")), None)
    if name is None:
        return None
    boxes: list[Box] = []
    valves: list[Valve] = []
    clouds: list[Cloud] = []
    arrows: list[Arrow] = []
    for position, line in enumerate(lines):
        fields = _fields(line)
        found = _read(fields, lines[position + 1] if position + 1 < len(lines) else "")
        match found:
            case Box():
                boxes.append(found)
            case Valve():
                valves.append(found)
            case Cloud():
                clouds.append(found)
            case Arrow():
                arrows.append(found)
            case None:
                pass
    return View(name, tuple(boxes), tuple(_named(valves, boxes)), tuple(clouds), tuple(arrows))


def _fields(line: str) -> list[str]:
    """Split a line at its commas, those in quotes apart."""
    fields: list[str] = []
    position = 0
    while position <= len(line):
        found = _FIELD.match(line, position)
        fields.append(found.group() if found else "")
        position += len(fields[-1]) + 1
    return fields


def _read(fields: list[str], following: str) -> Box | Valve | Cloud | Arrow | None:
    try:
        match fields[0]:
            case "10":
                return _variable(fields)
            case "11":
                return Valve(int(fields[1]), float(fields[3]), float(fields[4]))
            case "12":
                return _comment(fields, following)
            case "1":
                return _arrow(fields)
            case _:
                return None
    except (IndexError, ValueError):
        return None


def _variable(fields: list[str]) -> Box:
    shape, bits = int(fields[7]), int(fields[8])
    kind: BoxKind = "shadow" if bits % 2 == 0 else "stock" if shape & 0b11111 == 3 else "variable"
    x, y, width, height = map(float, fields[3:7])
    return Box(int(fields[1]), bare(fields[2]).replace('\\"', '"'), x, y, width, height, kind, *_look(fields))


def _look(fields: list[str]) -> tuple[str, str]:
    """Return the style and colour of the font in the last field; black is no colour."""
    found = _LOOK.search(fields[-1])
    if found is None:
        return "", ""
    colour = "#" + "".join(f"{min(int(part), 255):02x}" for part in found.groups()[1:])
    return found[1], "" if colour == "#000000" else colour


def _comment(fields: list[str], following: str) -> Box | Cloud:
    x, y, width, height = map(float, fields[3:7])
    if fields[2] == _CLOUD_SYMBOL:
        return Cloud(int(fields[1]), x, y)
    text = following.strip().replace("\\n", "\n") if int(fields[8]) & 4 or fields[2] == "0" else bare(fields[2])
    return Box(int(fields[1]), text, x, y, width, height, "comment", *_look(fields), int(fields[7]) & 0b11111 == 3)


def _arrow(fields: list[str]) -> Arrow:
    """Read ``1,id,from,to,shape,hidden,polarity,thickness,...,count|(x,y)|(x,y)|``."""
    points = tuple((float(x), float(y)) for x, y in re.findall(r"\((-?\d+),(-?\d+)\)", ",".join(fields)))
    sign = int(fields[6])
    thickness = int(fields[7])
    is_pipe = thickness >= 20
    has_head = not (is_pipe and int(fields[4]) & _HEADLESS)
    bent = points[0] if points and fields[4] != "0" and not is_pipe else None
    polarity = chr(sign) if sign in map(ord, "+-soSO") else ""
    return Arrow(int(fields[2]), int(fields[3]), bent, points if is_pipe else (), polarity.lower(), is_pipe, has_head)


def _named(valves: list[Valve], boxes: list[Box]) -> Iterator[Valve]:
    """Give each valve the name of the variable that Vensim wrote right after it: the flow's own."""
    following = {box.number: box for box in boxes if box.kind != "comment"}
    for valve in valves:
        box = following.get(valve.number + 1)
        near = box is not None and abs(box.x - valve.x) < 200 and abs(box.y - valve.y) < 200
        yield Valve(valve.number, valve.x, valve.y, box.name if box is not None and near else "")
