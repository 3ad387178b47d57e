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
        read(tmp_path, "{undefined}\ny = 2 ~~ é|" + CONTROL)


def test_a_first_comment_of_one_word_is_no_encoding(tmp_path: Path) -> None:
    """Where all letters are ASCII, no encoding matters, and what stands in braces may say anything."""
    assert read(tmp_path, "{World3}\ny = 2 ~~|" + CONTROL).find("y") is not None


def test_a_comment_may_be_in_any_encoding(tmp_path: Path) -> None:
    """Models from before UTF-8 name no encoding: one that changes no name and no number need not be known."""
    path = tmp_path / "old.mdl"
    path.write_bytes(b"y = 2 ~ m\xb2 ~ Gr\xf6\xdfe, 0\x8c1 |" + CONTROL.encode())
    assert (read_model(path).quantities[0].unit, read_model(path).quantities[0].doc) == ("m²", "Größe, 0Œ1")


@pytest.mark.parametrize(
    "text",
    [b"Gr\xf6\xdfe = 2 ~~|", b"y = 2 ~~ \x95| z = 3 |", b"{UTF-8} y = 2 ~~ \xf6 |"],
    ids=["name", "bar", "named"],
)
def test_an_unknown_encoding_is_refused_where_it_matters(tmp_path: Path, text: bytes) -> None:
    """A name in an unknown encoding, a byte that may be half a letter, or a wrong heading: the file must say more."""
    path = tmp_path / "old.mdl"
    path.write_bytes(text + CONTROL.encode())
    with pytest.raises(ModelError, match=r"the text is not (utf|UTF)-8. Save it as UTF-8, or name its encoding"):
        read_model(path)


@pytest.mark.parametrize("points", ["(0,0),(2,4),(2,4)", "[(0,0)-(9,9)],(0,0),(0,0),(2,4)", "0,2,2,0,4,4"])
def test_a_point_may_be_written_twice(tmp_path: Path, points: str) -> None:
    """Vensim's editor leaves points on top of each other: they say the same."""
    assert read(tmp_path, f"f({points}) ~~| y = f(1) ~~|" + CONTROL).tables[0].curves == (((0.0, 2.0), (0.0, 4.0)),)


@pytest.mark.parametrize("equation", ["x := d * d", "x :LOOK FORWARD: := d", "x :RAW: := X IF MISSING(d, 0)"])
def test_data_computed_from_data_are_refused(tmp_path: Path, equation: str) -> None:
    """Vensim computes them where the data have points, and interpolates the result: a product is another one then."""
    (tmp_path / "d.csv").write_text("0,0\n2,2\n", encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        read(tmp_path, f"d := GET DIRECT DATA('d.csv', ',', 'A', 'B1') ~~|\n{equation} ~~|" + CONTROL)
    what = "'x': a data equation (:=) that computes from other data is not supported. Write it with =, to compute it"
    assert what in str(caught.value)
    assert read(tmp_path, "y := 2 ~~|" + CONTROL).quantities[0].kind == "constant"
