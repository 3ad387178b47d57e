"""How a model file is laid out: what counts as an entry, a macro, a sketch or a comment."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdpolicy.errors import ModelError
from sdpolicy.expression import Num
from sdpolicy.program import Program
from sdpolicy.vensim import read_model

CONTROL = "\nINITIAL TIME = 0 ~~|\nFINAL TIME = 2 ~~|\nTIME STEP = 1 ~~|\nSAVEPER = TIME STEP ~~|\n"


def read(folder: Path, text: str) -> Program:
    """Read a model of just this text, with its control variables."""
    path = folder / "small.mdl"
    path.write_bytes(text.encode())
    return read_model(path)


LAYOUTS = [
    "y = 2 ~~|" + CONTROL + "\n///---\\\\\\\n:L<%^E!@\n1:Current.vdf\n15:0,0,0,1,0,0\n",
    "{A {nested} heading | of the file} y = 2 ~~|" + CONTROL,
    "{ see :MACRO: Foo(x) }\nx = 1 ~~ uses a :MACRO: or not |\ny = 2 ~~|" + CONTROL,
    ":MACRO: F(x)\nF = x ~~|\n:END_OF_MACRO:\ny = 2 ~~| z = F(y) ~~|" + CONTROL,
    "z = 1 ~~| :MACRO: F(x) F = x ~~| :END OF MACRO: y = 2 ~~|" + CONTROL,
    "title :IS: 'Scenario A' ~~|\ny = 2 ~~|" + CONTROL,
    "z = WITH_LOOKUP(Time, ((0,0),(2,4))) ~~|\ny = 2 ~~|" + CONTROL,
    "A: a1, a2 ~~| x[A] = TABBED_ARRAY(\n\t1\t2\n) ~~|\ny = 2 ~~|" + CONTROL,
]


@pytest.mark.parametrize("text", LAYOUTS, ids=range(len(LAYOUTS)))
def test_a_model_may_be_laid_out_in_many_ways(tmp_path: Path, text: str) -> None:
    """Settings without a sketch, nested headings, comments on macros, texts and underscores do not disturb."""
    program = read(tmp_path, text)
    assert [one.body for one in program.equations if one.target == "y"] == [Num(2.0)]


def test_settings_count_without_a_sketch(tmp_path: Path) -> None:
    """The method of integration is found behind the mark that would end a sketch."""
    assert read(tmp_path, LAYOUTS[0]).method == "rk4"


def test_a_codec_that_decodes_nothing_is_no_encoding(tmp_path: Path) -> None:
    """Whatever the first line names, no exception of Python reaches the user."""
    with pytest.raises(ModelError, match="the encoding 'undefined' is unknown"):
        read(tmp_path, "{undefined}\ny = 2 ~~|" + CONTROL)


@pytest.mark.parametrize("equation", ["x := d * d", "x :LOOK FORWARD: := d", "x :RAW: := X IF MISSING(d, 0)"])
def test_data_computed_from_data_are_refused(tmp_path: Path, equation: str) -> None:
    """Vensim computes them where the data have points, and interpolates the result: a product is another one then."""
    (tmp_path / "d.csv").write_text("0,0\n2,2\n", encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        read(tmp_path, f"d := GET DIRECT DATA('d.csv', ',', 'A', 'B1') ~~|\n{equation} ~~|" + CONTROL)
    what = "'x': a data equation (:=) that computes from other data is not supported. Write it with =, to compute it"
    assert what in str(caught.value)
    assert read(tmp_path, "y := 2 ~~|" + CONTROL).quantities[0].kind == "constant"
