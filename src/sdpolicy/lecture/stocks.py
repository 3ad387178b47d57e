"""The stock-and-flow diagrams of a model, from the sketch in its file, as plain shapes for the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sdpolicy.errors import ModelError
from sdpolicy.expression import Apply, Node, Ref
from sdpolicy.program import Program
from sdpolicy.vensim.sketch import View, read_sketch

if TYPE_CHECKING:
    from sdpolicy.figures.sketched import Curve, Pipe

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
    from sdpolicy.figures.sketched import arrange

    layout = arrange(view)
    left, top, right, bottom = layout.bounds
    shapes = [*_pipes(program, view, layout.pipes), *_arrows(view, layout.curves), *_boxes(program, view)]
    shapes += [{"kind": "valve", "x": valve.x, "y": valve.y} for valve in view.valves]
    shapes += [{"kind": "cloud", "x": cloud.x, "y": cloud.y} for cloud in view.clouds]
    moved = [_moved(shape, left - MARGIN, top - MARGIN) for shape in shapes]
    size = {"width": right - left + 2 * MARGIN, "height": bottom - top + 2 * MARGIN}
    return {"name": view.name, **size, "shapes": moved}


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
        if box.kind == "comment" and box.colour and "B" not in box.style:
            continue  # a key to colours, which the page gives to no word
        quantity = program.find(box.name)
        kind = {"stock": "stock", "comment": "comment"}.get(box.kind, "auxiliary")
        if kind == "auxiliary" and box.name in flows:
            kind = "rate"
        shape = {"kind": kind, "text": box.name, "x": box.x, "y": box.y}
        yield shape | {"width": 2 * box.width, "height": 2 * box.height, "id": quantity.id if quantity else ""}


def _arrows(view: View, curves: Sequence[Curve]) -> Iterator[dict[str, Any]]:
    """Yield the information links, from the edge of one name to the edge of the other."""
    bent = {(arrow.source, arrow.target) for arrow in view.arrows if arrow.control}
    for curve in curves:
        line = curve.points
        kept = (
            [line[0], line[len(line) // 2], line[-1]] if (curve.source, curve.target) in bent else [line[0], line[-1]]
        )
        yield {"kind": "arrow", "points": [(round(float(x), 1), round(float(y), 1)) for x, y in kept]}


def _pipes(program: Program, view: View, pipes: Sequence[Pipe]) -> Iterator[dict[str, Any]]:
    """Yield one pipe for each valve: from where the flow comes to where its head stands."""
    for valve in view.valves:
        ends = sorted((pipe for pipe in pipes if pipe.valve == valve.number), key=lambda pipe: pipe.has_head)
        if len(ends) == 2:
            flow = program.find(valve.name)
            points = [*reversed(ends[0].corners), *ends[1].corners[1:]]
            yield {"kind": "flow", "id": flow.id if flow else "", "points": points}
