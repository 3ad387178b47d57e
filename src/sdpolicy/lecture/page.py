"""One HTML file from a story: template, data, model and the prebuilt bundle put together. It runs no model.

Everything that a user wrote travels as data, in JSON whose ``<`` is escaped; the page shows it as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import sdpolicy
from sdpolicy.backends import javascript_text
from sdpolicy.backends.javascript import runtime
from sdpolicy.integrators import Grid
from sdpolicy.lecture.bind import Bound, Lever, bind
from sdpolicy.lecture.schema import Graph
from sdpolicy.lecture.stocks import drawings, lanes
from sdpolicy.lecture.story import read_story
from sdpolicy.program import Program

MOST_ROWS: Final = 400
"""Saved times of a run in the page: more than a projector shows."""

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="sdpolicy {version}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript>This page needs JavaScript.</noscript>
<div id="app"></div>
<script type="application/json" id="data">{data}</script>
<script id="engine">{engine}</script>
<script>{bundle}</script>
</body>
</html>
"""


def make(story: str | Path) -> str:
    """Return the text of the lecture page of a story, given by name or path.

    Raises:
        ScenarioError: when the story or its scenario is not right, or they don't fit the model.
        ModelError: when the model cannot be read.
    """
    return assemble(bind(read_story(story)))


def assemble(bound: Bound) -> str:
    """Return the page of a bound story."""
    style, bundle = part("page.css"), part("page.js")
    engine = engine_text(bound)
    return PAGE.format(
        policy=policy(style, engine, bundle),
        version=sdpolicy.__version__,
        title=_html(shown(bound.story.file.title)),
        style=style,
        data=as_json(page_data(bound)),
        engine=engine,
        bundle=bundle,
    )


@cache
def part(name: str) -> str:
    """Return a file of the bundle."""
    return (files("sdpolicy.lecture") / "bundle" / name).read_text(encoding="utf-8").strip()


def engine_text(bound: Bound) -> str:
    """Return the script that page and worker run: the runtime and the model, generated names and numbers alone."""
    return f"{runtime()}\nglobalThis.sdpolicyModel = {javascript_text.source(bound.lowered).rstrip()};\n"


def policy(style: str, *scripts: str) -> str:
    """Return a Content-Security-Policy that allows these scripts and no connection to anywhere."""
    allowed = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    rules = {
        "default-src": "'none'",
        "script-src": allowed,
        "style-src": f"'sha256-{_hash(style)}'",
        "worker-src": "blob:",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def page_grid(grid: Grid) -> Grid:
    """Return the grid that the page runs: the same steps, saved as often as a screen can show."""
    every = max(1, -(-grid.steps // MOST_ROWS))
    while grid.steps % every:
        every += 1
    return Grid(grid.start, grid.step, grid.steps, every)


def page_data(bound: Bound) -> dict[str, Any]:
    """Return all that the page shows, as JSON-able data."""
    story, program = bound.story.file, bound.program
    grid = page_grid(bound.case.grid)
    plan = javascript_text.plan(bound.lowered)
    scenario = bound.case.scenario
    return {
        "version": sdpolicy.__version__,
        "title": story.title,
        "question": story.question,
        "minutes": story.minutes,
        "model": program.name,
        "scenario": scenario.title if scenario else program.name,
        "fingerprint": program.digest[:12],
        "languages": ["en", *bound.story.translations],
        "translations": {code: text.model_dump() for code, text in bound.story.translations.items()},
        "grid": {"start": grid.start, "step": grid.step, "steps": grid.steps, "every": grid.every},
        "method": bound.case.method,
        "parameters": list(bound.lowered.defaults),
        "plan": plan,
        "sliders": [_slider(bound, lever) for lever in bound.levers],
        "graphs": [_graph(bound, graph) for graph in story.graph],
        "phases": [phase.model_dump() for phase in story.phase],
        "steps": [step.model_dump() | {"at": _places(program, step.at)} for step in story.step],
        "terms": [term.model_dump() for term in story.term],
        "sources": list(story.source),
        "loops": [asdict(loop) for loop in bound.loops],
        "names": {quantity.id: quantity.name for quantity in program.quantities},
        "units": {quantity.id: quantity.unit for quantity in program.quantities if quantity.unit},
        "docs": {quantity.id: quantity.doc for quantity in program.quantities if quantity.doc},
        "states": [state.target for state in bound.lowered.states],
        "diagram": _diagram(bound),
        "stocks": drawings(program),
        "lanes": lanes(program, story.stocks),
        "game": story.game.model_dump() if story.game else None,
    }


def _slider(bound: Bound, lever: Lever) -> dict[str, Any]:
    """Return a slider with the place of its input: an index into the parameters, or a table and its points."""
    index, start = -1, 0
    for name in bound.lowered.parameters:
        if name == lever.quantity.id:
            index = start
        start += bound.lowered.by_id[name].size
    data = lever.slider.model_dump()
    return data | {
        "variable": lever.quantity.id,
        "value": lever.value,
        "unit": lever.slider.unit or _unit(lever.quantity.unit),
        "index": index,
        "table": lever.table,
        "points": [list(point) for point in lever.points],
    }


def _graph(bound: Bound, graph: Graph) -> dict[str, Any]:
    quantity = bound.program.find(graph.variable)
    assert quantity is not None
    data = graph.model_dump()
    return data | {"variable": quantity.id, "unit": graph.unit or _unit(quantity.unit)}


def _unit(unit: str) -> str:
    """Return a unit as readers want it: none for pure numbers."""
    return "" if unit.casefold() in ("dmnl", "dimensionless", "1", "fraction") else unit


def _diagram(bound: Bound) -> dict[str, Any]:
    program, diagram = bound.program, bound.story.file.diagram
    labels = {quantity.id: text for name, text in diagram.labels.items() if (quantity := program.find(name))}
    return {"at": _places(program, diagram.at), "labels": labels}


def _places(program: Program, at: Mapping[str, tuple[float, float]]) -> dict[str, list[float]]:
    return {quantity.id: list(place) for name, place in at.items() if (quantity := program.find(name))}


def as_json(data: Any) -> str:
    """Return JSON that is safe inside a script element, with characters that turn or hide text made visible."""
    text = json.dumps(_visible(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _visible(data: Any) -> Any:
    match data:
        case str():
            return shown(data)
        case dict():
            return {shown(str(key)): _visible(value) for key, value in data.items()}
        case list() | tuple():
            return [_visible(value) for value in data]
        case _:
            return data


def shown(text: str) -> str:
    """Return ``text`` with control characters, those that turn the direction of writing included, as ``[U+202E]``."""
    return "".join(
        f"[U+{ord(c):04X}]" if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") else c
        for c in text.replace("\t", " ").replace("\r", "")
    )


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
