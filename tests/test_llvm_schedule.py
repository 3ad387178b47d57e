"""Tests of the order in which a kernel computes the equations of a step."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdpolicy.backends.llvm.schedule import latency, scheduled
from sdpolicy.expression import references
from sdpolicy.library import model_path
from sdpolicy.lower import lower
from sdpolicy.vensim import read_model
from small import node, op, program


def test_what_the_longest_chain_waits_for_comes_first() -> None:
    """A power that a stock's flow waits for stands before sums that were written earlier."""
    model = program(
        {"x": ("late", 1.0)},
        {
            "a": op("add", "x", 1.0),
            "b": op("add", "x", 2.0),
            "early": op("pow", "x", "x"),
            "late": op("div", "early", "x"),
        },
    )
    assert [equation.target for equation in scheduled(lower(model))] == ["early", "late", "a", "b"]


def test_a_chain_waits_for_the_sum_of_its_parts() -> None:
    """The slowest argument counts, and what is done with it."""
    assert latency(node(3.0)) == 0
    assert latency(op("add", op("div", "x", "y"), op("mul", "x", "y"))) == 14 + 4


CIRCLE = """{UTF-8}
Part: p1, p2, p3 ~~|
a[p1] = b[p1] + 1 ~~|
a[p2] = EXP(b[p2]) ~~|
a[p3] = b[p3] * 3 ~~|
b[p1] = level ~~|
b[p2] = a[p1] ~~|
b[p3] = a[p2] ~~|
level = INTEG(a[p3], 1) ~~|
FINAL TIME = 2 ~~| INITIAL TIME = 0 ~~| TIME STEP = 1 ~~| SAVEPER = 1 ~~|
"""


@pytest.mark.parametrize("name", ["catchup", "core", "circle"])
def test_each_equation_still_comes_after_what_it_reads(name: str, tmp_path: Path) -> None:
    """All equations are there once, and none stands before one that it stood behind and reads."""
    path = tmp_path / "circle.mdl"
    path.write_text(CIRCLE, encoding="utf-8")
    lowered = lower(read_model(path if name == "circle" else model_path(name)))
    order = scheduled(lowered)
    place = {id(equation): n for n, equation in enumerate(order)}
    assert sorted(place) == sorted(map(id, lowered.running))
    for n, equation in enumerate(lowered.running):
        for earlier in lowered.running[:n]:
            if earlier.target in references(equation.body):
                assert place[id(earlier)] < place[id(equation)]
