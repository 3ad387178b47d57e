"""The stock-and-flow diagrams of a model, from the sketch in its file, as plain shapes for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sdpolicy.errors import ModelError
from sdpolicy.expression import Apply, Node, Ref, references
from sdpolicy.program import Program
from sdpolicy.vensim.sketch import Arrow, Box, Cloud, Point, Valve, View, read_sketch

MARGIN: Final = 30.0


def drawings(program: Program) -> list[dict[str, Any]]:
    """Return the views of the model's sketch that show a stock; none when the model has no sketch."""
    path = Path(program.source)
    if not program.source or not path.is_file():
        return []
    try:
        views = read_sketch(path).views
    except ModelError:
        return []
    return [_drawing(program, view) for view in views if any(box.kind == "stock" for box in view.boxes)]


def lanes(program: Program, chosen: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return each scalar stock with what flows in and out by name; ``chosen`` names those that matter, in order."""
    wanted = [quantity.id for name in chosen if (quantity := program.find(name))]
    flows = {stock.target: stock.flow for stock in program.stocks if not program.by_id[stock.target].dimensions}
    made = []
    for stock in wanted or flows:
        terms = list(_terms(flows[stock], 1)) if stock in flows else []
        inflows = [name for name, sign in terms if sign > 0]
        made.append({"id": stock, "inflows": inflows, "outflows": [name for name, sign in terms if sign < 0]})
    return made


def _terms(node: Node, sign: int) -> Iterator[tuple[str, int]]:
    """Yield the quantities that a sum adds and subtracts; other terms have no name."""
    match node:
        case Apply(op="add", args=(a, b)):
            yield from (*_terms(a, sign), *_terms(b, sign))
        case Apply(op="sub", args=(a, b)):
            yield from (*_terms(a, sign), *_terms(b, -sign))
        case Ref(name=name):
            yield name, sign
        case _:
            pass


def _drawing(program: Program, view: View) -> dict[str, Any]:
    things: list[Box | Valve | Cloud] = [*view.boxes, *view.valves, *view.clouds]
    left = min(thing.x - _half(thing)[0] for thing in things) - MARGIN
    top = min(thing.y - _half(thing)[1] for thing in things) - MARGIN
    right = max(thing.x + _half(thing)[0] for thing in things) + MARGIN
    bottom = max(thing.y + _half(thing)[1] for thing in things) + MARGIN
    shapes = [*_pipes(program, view), *_arrows(view), *_boxes(program, view)]
    shapes += [{"kind": "valve", "x": valve.x, "y": valve.y} for valve in view.valves]
    shapes += [{"kind": "cloud", "x": cloud.x, "y": cloud.y} for cloud in view.clouds]
    moved = [_moved(shape, left, top) for shape in shapes]
    return {"name": view.name, "width": right - left, "height": bottom - top, "shapes": moved}


def _half(thing: Box | Valve | Cloud) -> Point:
    return (thing.width, thing.height) if isinstance(thing, Box) else (10.0, 10.0)


def _moved(shape: dict[str, Any], left: float, top: float) -> dict[str, Any]:
    moved = dict(shape)
    if "x" in shape:
        moved |= {"x": shape["x"] - left, "y": shape["y"] - top}
    if "points" in shape:
        moved["points"] = [[x - left, y - top] for x, y in shape["points"]]
    return moved


def _boxes(program: Program, view: View) -> Iterator[dict[str, Any]]:
    flows = {valve.name for valve in view.valves}
    for box in view.boxes:
        quantity = program.find(box.name)
        kind = {"stock": "stock", "comment": "comment"}.get(box.kind, "auxiliary")
        if kind == "auxiliary" and box.name in flows:
            kind = "rate"
        shape = {"kind": kind, "text": box.name, "x": box.x, "y": box.y}
        yield shape | {"width": 2 * box.width, "height": 2 * box.height, "id": quantity.id if quantity else ""}


def _arrows(view: View) -> Iterator[dict[str, Any]]:
    """Yield the information links, from the edge of one name to the edge of the other."""
    things: list[Box | Valve | Cloud] = [*view.boxes, *view.valves, *view.clouds]
    at = {thing.number: thing for thing in things}
    for arrow in view.arrows:
        source, target = at.get(arrow.source), at.get(arrow.target)
        if arrow.is_pipe or source is None or target is None:
            continue
        middle = [arrow.control] if arrow.control else []
        towards = arrow.control or (target.x, target.y)
        back = arrow.control or (source.x, source.y)
        yield {"kind": "arrow", "points": [_edge(source, towards), *middle, _edge(target, back)]}


def _edge(thing: Box | Valve | Cloud, towards: Point) -> Point:
    """Return where the line from the middle of ``thing`` towards a point leaves it."""
    width, height = _half(thing)
    dx, dy = towards[0] - thing.x, towards[1] - thing.y
    scale = max(abs(dx) / (width + 3), abs(dy) / (height + 3))
    return (thing.x, thing.y) if scale <= 1 else (thing.x + dx / scale, thing.y + dy / scale)


def _pipes(program: Program, view: View) -> Iterator[dict[str, Any]]:
    """Yield one pipe for each valve: from where the flow comes to where it goes."""
    holders: list[Box | Cloud] = [*view.boxes, *view.clouds]
    ends = {holder.number: holder for holder in holders}
    for valve in view.valves:
        pipes = [arrow for arrow in view.arrows if arrow.is_pipe and valve.number in (arrow.source, arrow.target)]
        sides = [(_other(arrow, valve), arrow) for arrow in pipes]
        known = [(ends[number], arrow) for number, arrow in sides if number in ends]
        if len(known) != 2:
            continue
        flow = program.find(valve.name)
        first, second = known
        if flow is not None and _fills(program, first[0], flow.id):
            first, second = second, first
        points = [*_way(valve, *first)[::-1], (valve.x, valve.y), *_way(valve, *second)]
        yield {"kind": "flow", "id": flow.id if flow else "", "points": points}


def _other(arrow: Arrow, valve: Valve) -> int:
    return arrow.target if arrow.source == valve.number else arrow.source


def _way(valve: Valve, end: Box | Cloud, arrow: Arrow) -> Sequence[Point]:
    """Return the corners between a valve and the edge of what its pipe leads to."""
    corners = [p for p in arrow.path if abs(p[0] - valve.x) > 5 and abs(p[1] - valve.y) > 5]
    last = corners[-1] if corners else (valve.x, valve.y)
    return [*corners, _edge(end, last)]


def _fills(program: Program, end: Box | Cloud, flow: str) -> bool:
    """Tell whether ``end`` is a stock that the flow adds to, or a cloud while the other end is a stock it drains."""
    if isinstance(end, Box):
        stock = program.find(end.name)
        flows = {item.target: item.flow for item in program.stocks}
        return stock is not None and stock.id in flows and _sign(flows[stock.id], flow) > 0
    drained: Mapping[str, int] = {item.target: _sign(item.flow, flow) for item in program.stocks}
    return any(sign < 0 for sign in drained.values()) and not any(sign > 0 for sign in drained.values())


def _sign(node: Node, name: str) -> int:
    """Return +1 or -1 as ``name`` stands in a sum, 0 when it isn't there."""
    match node:
        case Apply(op="add", args=(a, b)):
            return _sign(a, name) or _sign(b, name)
        case Apply(op="sub", args=(a, b)):
            return _sign(a, name) or -_sign(b, name)
        case Apply(op="neg", args=(a,)):
            return -_sign(a, name)
        case _:
            return 1 if name in references(node) else 0
