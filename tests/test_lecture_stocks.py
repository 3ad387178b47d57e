"""The drawings that a lecture page carries: pipes as the sketch has them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from sdpolicy.lecture.stocks import drawings
from sdpolicy.vensim import read_model

MODELS = Path(__file__).parents[1] / "models"


@pytest.mark.parametrize(("name", "pages"), [("core", 1), ("catchup", 14)])
def test_pipes_run_level_past_their_valve(name: str, pages: int) -> None:
    """Each valve has one pipe, level or upright from end to end, within its page."""
    found = drawings(read_model(MODELS / f"{name}.mdl"))
    assert len(found) == pages
    for page in found:
        pipes = [shape["points"] for shape in page["shapes"] if shape["kind"] == "flow"]
        assert len(pipes) == sum(shape["kind"] == "valve" for shape in page["shapes"])
        assert all(a[0] == b[0] or a[1] == b[1] for points in pipes for a, b in pairwise(points))
        assert all(0 < x < page["width"] and 0 < y < page["height"] for points in pipes for x, y in points)


def test_a_pipe_ends_where_its_head_stands() -> None:
    """Investment flows into capital, and what no flow names out of a cloud into expected output."""
    page = drawings(read_model(MODELS / "catchup.mdl"))[1]
    assert page["name"].startswith("Real economy")
    places = {shape["text"]: shape for shape in page["shapes"] if shape["kind"] == "stock"}
    ends = [shape["points"][-1] for shape in page["shapes"] if shape["kind"] == "flow"]
    for stock in ("capital", "expected output"):
        shape = places[stock]
        assert [abs(abs(x - shape["x"]) - shape["width"] / 2) < 3 for x, y in ends if abs(y - shape["y"]) < 3].count(
            True
        ) == 1


def test_keys_to_colours_are_left_out() -> None:
    """The page draws no word in blue, so that it does not say what blue is."""
    shapes = [shape for page in drawings(read_model(MODELS / "core.mdl")) for shape in page["shapes"]]
    texts = {shape.get("text") for shape in shapes}
    assert "R1 forced march" in texts
    assert "blue: policies" not in texts
