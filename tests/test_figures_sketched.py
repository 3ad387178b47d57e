"""The shipped models' sketches as they are drawn: what stands on each page, without looking at pixels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from sdpolicy.dominance.arithmetic import evaluate
from sdpolicy.dominance.derivatives import derivative
from sdpolicy.dominance.run import record
from sdpolicy.expression import Apply, Node, Ref, references
from sdpolicy.figures.sketched import Curve, Layout, Place, arrange
from sdpolicy.figures.style import points
from sdpolicy.program import CONTROL, Program
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model
from sdpolicy.vensim.sketch import Arrow, View, read_sketch

ROOT = Path(__file__).parents[1]
BASELINES = {"core": "core/core-korea.toml", "catchup": "catchup/korea.toml"}
MODELS = {name: ROOT / "models" / f"{name}.mdl" for name in BASELINES}
INDICATORS = {("core", "output growth")}
"""Computed from all that output is computed from: one arrow from output stands for them."""
PAGES = [(name, number) for name, path in MODELS.items() for number in range(len(read_sketch(path).views))]


def view_of(page: tuple[str, int]) -> View:
    """Return one page of a shipped model."""
    return read_sketch(MODELS[page[0]]).views[page[1]]


@pytest.fixture(scope="module", params=PAGES, ids=lambda page: f"{page[0]}-{page[1] + 1}")
def layout(request: pytest.FixtureRequest) -> Layout:
    """Return a page as it is drawn."""
    return arrange(view_of(request.param))


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> tuple[Program, tuple[View, ...]]:
    """Return a shipped model and its pages."""
    path = MODELS[request.param]
    return read_model(path), read_sketch(path).views


def overlap(one: Place, other: Place) -> bool:
    """Tell whether two boxes share room."""
    return abs(one[0] - other[0]) < one[2] + other[2] and abs(one[1] - other[1]) < one[3] + other[3]


def inside(curve: Curve, place: Place) -> bool:
    """Tell whether an arrow enters a box."""
    x, y, width, height = place
    return bool(np.any((np.abs(curve.points[:, 0] - x) < width) & (np.abs(curve.points[:, 1] - y) < height)))


def terms(node: Node, sign: int = 1) -> Iterator[tuple[Node, int]]:
    """Yield what a net flow adds and subtracts."""
    match node:
        case Apply(op="add", args=(a, b)):
            yield from (*terms(a, sign), *terms(b, sign))
        case Apply(op="sub", args=(a, b)):
            yield from (*terms(a, sign), *terms(b, -sign))
        case Apply(op="neg", args=(a,)):
            yield from terms(a, -sign)
        case _:
            yield node, sign


def pipes(view: View) -> dict[str, list[Arrow]]:
    """Return for each stock of a page the pipes that end at it."""
    stocks = {box.number: box.name for box in view.boxes if box.kind == "stock"}
    return {name: [a for a in view.arrows if a.is_pipe and a.target == number] for number, name in stocks.items()}


def test_words_leave_each_other_room(layout: Layout) -> None:
    """No two words, valves or clouds of a page overlap."""
    named = {word.number: " ".join(word.lines) for word in layout.words}
    clashes = [(named.get(a, a), named.get(b, b)) for a, b in combinations(layout.places, 2)
               if overlap(layout.places[a], layout.places[b])]  # fmt: skip
    assert clashes == []


def test_no_arrow_runs_through_a_word(layout: Layout) -> None:
    """An arrow touches no word, valve or cloud but those at its ends."""
    named = {word.number: " ".join(word.lines) for word in layout.words}
    hits = [(named.get(curve.source), named.get(curve.target), named.get(number, number)) for curve in layout.curves
            for number, place in layout.places.items()
            if number not in (curve.source, curve.target) and inside(curve, place)]  # fmt: skip
    assert hits == []


def test_no_two_arrows_cross(layout: Layout) -> None:
    """Arrows of one page never cross, so that each can be followed."""
    assert [(a.source, a.target, b.source, b.target) for a, b in combinations(layout.curves, 2) if crossing(a, b)] == []


def crossing(one: Curve, other: Curve) -> bool:
    """Tell whether two arrows cross."""
    p, q = one.points[:-1, None], other.points[None, :-1]
    r, s = np.diff(one.points, axis=0)[:, None], np.diff(other.points, axis=0)[None]
    across = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
    with np.errstate(all="ignore"):
        t = ((q - p)[..., 0] * s[..., 1] - (q - p)[..., 1] * s[..., 0]) / across
        u = ((q - p)[..., 0] * r[..., 1] - (q - p)[..., 1] * r[..., 0]) / across
    return bool(np.any((t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)))


def test_words_can_be_read_on_a_slide(layout: Layout) -> None:
    """On a slide 13.3 inches wide no word is under eight points, on A4 across none under seven."""
    left, top, right, bottom = layout.bounds
    width = max(right - left + 80, (bottom - top + 116) * 16 / 9, 1280.0)
    least = min(word.ink.size for word in layout.words)
    assert points(least) * 100 * 13.33 / width >= 8.0
    assert points(least) * 100 * 11.7 / width >= 7.0


def test_every_flow_of_a_stock_is_a_pipe(model: tuple[Program, tuple[View, ...]]) -> None:
    """A stock has a pipe for each term of its net flow, with the flow's name and its head at the right end."""
    program, views = model
    drawn = {name: (view, found) for view in views for name, found in pipes(view).items()}
    for stock in program.stocks:
        view, found = drawn[program.by_id[stock.target].name]
        valves = {valve.number: valve.name for valve in view.valves}
        shown = sorted((valves[pipe.source], pipe.has_head) for pipe in found)
        wanted = [(program.by_id[node.name].name if isinstance(node, Ref) else "", sign > 0)
                  for node, sign in terms(stock.flow)]  # fmt: skip
        assert shown == sorted(wanted), program.by_id[stock.target].name


def test_every_variable_is_drawn_once(model: tuple[Program, tuple[View, ...]]) -> None:
    """Each variable but the constants has one place of its own; what else there is of it is grey."""
    program, views = model
    own = [box.name for view in views for box in view.boxes if box.kind in ("stock", "variable")]
    assert len(own) == len(set(own))
    assert {q.name for q in program.quantities if q.kind != "constant"} <= set(own)
    assert {box.name for view in views for box in view.boxes if box.kind != "comment"} <= {
        q.name for q in program.quantities
    }


def causes(program: Program, view: View) -> Iterator[tuple[int, Node, list[Arrow]]]:
    """Yield each variable and nameless flow of a page with what it is computed from and the arrows to it."""
    bodies = {program.by_id[equation.target].name: equation.body for equation in program.equations}
    flows = {program.by_id[stock.target].name: stock.flow for stock in program.stocks}
    own = {box.name: box.number for box in view.boxes if box.kind == "variable"}
    arrows = [arrow for arrow in view.arrows if not arrow.is_pipe]
    for valve in view.valves:
        ends = [arrow for arrow in view.arrows if arrow.is_pipe and arrow.source == valve.number]
        stock, head = next((box.name, a.has_head) for a in ends for box in view.boxes if box.number == a.target)
        if valve.name in own:
            number = own.pop(valve.name)
            yield number, bodies[valve.name], [a for a in arrows if a.target in (number, valve.number)]
        elif not valve.name:
            nameless = [node for node, sign in terms(flows[stock]) if not isinstance(node, Ref) and (sign > 0) == head]
            assert len(nameless) == 1
            yield valve.number, nameless[0], [a for a in arrows if a.target == valve.number]
    for name, number in own.items():
        yield number, bodies[name], [a for a in arrows if a.target == number]


def test_arrows_are_what_the_equations_read(model: tuple[Program, tuple[View, ...]]) -> None:
    """Each arrow is a cause of what it points at, and all causes that vary have their arrow in the country model."""
    program, views = model
    for view in views:
        names = {box.number: box.name for box in view.boxes} | {valve.number: valve.name for valve in view.valves}
        for number, body, arrows in causes(program, view):
            if (program.name, names[number]) in INDICATORS:
                continue
            read = {program.by_id[key].name for key in references(body) if key in program.by_id and key not in CONTROL}
            assert {names[arrow.source] for arrow in arrows} <= read
            if program.name == "catchup" and arrows:
                assert {names[arrow.source] for arrow in arrows} == read


@pytest.mark.parametrize("name", MODELS)
def test_signs_hold_throughout_the_baseline(name: str) -> None:
    """A sign at an arrow's head is that of the partial derivative at every step of the Korean baseline."""
    history = record(case(str(ROOT / "scenarios" / BASELINES[name]), read_model))
    program = read_model(MODELS[name])
    for view in read_sketch(MODELS[name]).views:
        names = {box.number: box.name for box in view.boxes} | {valve.number: valve.name for valve in view.valves}
        for number, body, arrows in causes(program, view):
            for arrow in arrows:
                source = program.find(names[arrow.source])
                assert source is not None
                slope, curves = derivative(body, source.id, history.curves)
                with np.errstate(all="ignore"):
                    values = np.asarray(evaluate(slope, history.values, {**history.curves, **curves}))
                small = 1e-9 * np.abs(values).max()
                if arrow.polarity == "+":
                    assert np.all(values >= -small), (names[arrow.source], names[number])
                if arrow.polarity == "-":
                    assert np.all(values <= small), (names[arrow.source], names[number])
