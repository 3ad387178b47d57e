"""The stock-and-flow diagram of a sketch: what stands on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from sdpolicy.figures.stockflow import stockflow
from sdpolicy.vensim.sketch import Arrow, Box, Cloud, Valve, View, read_sketch

CORE = Path(__file__).parents[1] / "models" / "core.mdl"
TANK = View(
    "Tank",
    (
        Box(1, "water", 300, 100, 40, 20, "stock"),
        Box(6, "outflow", 400, 122, 40, 9, "variable"),
        Box(7, "drain rate", 400, 30, 40, 9, "variable", "I"),
    ),
    (Valve(5, 400, 100, "outflow"),),
    (Cloud(2, 500, 100),),
    (
        Arrow(5, 1, None, ((360, 100),), "", is_pipe=True, has_head=False),
        Arrow(5, 2, None, ((450, 100),), "", is_pipe=True),
        Arrow(7, 5, None, (), "+"),
        Arrow(1, 6, (345, 150), (), ""),
    ),
)


def words(figure: Figure) -> str:
    """Return all that is written on a page."""
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")


def test_page_has_all_words_of_its_view() -> None:
    """Every name of the sketch is written, those from elsewhere in angle brackets."""
    view = read_sketch(CORE).views[0]
    text = words(stockflow(view, "core"))
    assert all((f"‹{box.name}›" if box.kind == "shadow" else box.name) in text for box in view.boxes)


def test_page_explains_what_is_on_it() -> None:
    """The line under the title speaks of signs, grey words and constants where there are some."""
    text = words(stockflow(TANK, "A tank"))
    assert "A tank" in text
    assert "Italics: constants" in text
    assert "+ the same way" in text
    assert "Grey" not in text
    plain = View("Plain", TANK.boxes[:1], (), (), ())
    assert "same way" not in words(stockflow(plain, "Plain"))


def test_page_has_the_form_of_a_slide() -> None:
    """A small sketch fills a slide of 16:9; a large one makes the page larger, in the same form."""
    far = View("Far", (*TANK.boxes, Box(9, "far", 3000, 100, 40, 9, "variable")), TANK.valves, TANK.clouds, TANK.arrows)
    for view in (TANK, far):
        width, height = stockflow(view, "").get_size_inches()
        assert abs(width / height - 16 / 9) < 0.01
    assert width > 28


def test_stock_stands_in_a_frame_and_pipe_ends_at_it() -> None:
    """The stock has its rectangle, and the pipe's two lines end at its right side."""
    axes = stockflow(TANK, "").axes[0]
    frame = next(patch for patch in axes.patches if isinstance(patch, Rectangle))
    assert frame.get_x() + frame.get_width() == 340
    spans = [np.sort(np.asarray(line.get_xdata(), dtype=float)) for line in axes.lines]
    assert sum(bool(span[0] == 340 and span[-1] == 400) for span in spans) == 2
