"""What a model file holds beside equations, and the files beside it: descriptions, settings, data."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdpolicy.errors import ModelError
from sdpolicy.expression import TIME, Lookup, Num, Ref
from sdpolicy.run import simulate
from sdpolicy.vensim import read_model

CONTROL = "\nINITIAL TIME = 0 ~~|\nFINAL TIME = 10 ~~|\nTIME STEP = 1 ~~|\nSAVEPER = TIME STEP ~~|\n"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the place of a model; nothing is cached."""
    monkeypatch.setenv("SDPOLICY_CACHE", "")
    return tmp_path / "small.mdl"


def written(model: Path, body: str, settings: str = "") -> Path:
    """Write a model with this body and these settings, and return its path."""
    model.write_text("{UTF-8}\n" + body + CONTROL + settings, encoding="utf-8")
    return model


def test_what_describes_a_variable_may_hold_any_sign(model: Path) -> None:
    """Quotes and braces without partners end no entry and hide none; the sketch may begin with two signs or three."""
    body = 'x = 1 ~ m {long} ~ A "room" 5" wide { and more |\ny = x {a {b} c} ~ ~ one "quote ~ :SUP: |\nz = y ~ ~ } |'
    program = read_model(written(model, body, "\n\\\\---/// Sketch\n"))
    shown = [(one.name, one.unit, one.doc) for one in program.quantities[:3]]
    assert shown == [("x", "m", 'A "room" 5" wide { and more'), ("y", "", 'one "quote'), ("z", "", "}")]


@pytest.mark.parametrize(
    ("code", "method"), [("0", "euler"), ("1", "rk4"), ("2", "euler"), ("3", "rk2"), ("4", "rk2"), ("5", "rk4")]
)
def test_settings_name_the_method(model: Path, code: str, method: str) -> None:
    """A model runs by the method with which it was saved, unless the run takes another."""
    settings = f"\n\\\\\\---/// Sketch\nV300\n///---\\\\\\\n:L\x7f<%^E!@\n15:0,0,0,{code},0,0\n5:Labels\n4:Time\n"
    path = written(model, "x = INTEG(x, 1) ~~|", settings)
    assert read_model(path).method == method
    assert simulate(path, engine="python").attrs["method"] == method
    assert simulate(path, engine="python", method="rk4").attrs["method"] == "rk4"


def test_settings_name_the_data_files(model: Path) -> None:
    """A name that begins with a question mark stands in the settings at the end; elements may mix their sources."""
    model.with_name("numbers.csv").write_text("year,one\n0,5\n9,6\n", encoding="utf-8")
    body = "A: a1, a2 ~~| x[a1] := GET DIRECT DATA('?n', ',', 'A', 'B2') ~~| x[a2] = 7 ~~|"
    settings = "\n\\\\\\---/// Sketch\nV300\n///---\\\\\\\n:L\n30:?n=numbers.csv\n"
    program = read_model(written(model, body, settings))
    assert program.tables[0].curves == (((0.0, 9.0), (5.0, 6.0)),)
    assert [one.body for one in program.equations if one.target == "x"] == [Lookup("x_data", Ref(TIME)), Num(7.0)]


@pytest.mark.parametrize("cell", ["", "x", "nan", "1_000", "inf"])
def test_a_constant_that_is_no_number_is_refused(model: Path, cell: str) -> None:
    """A cell is a number where Vensim would take it for one, and nothing else is."""
    model.with_name("c.csv").write_text(f"a,b\n1,{cell}\n", encoding="utf-8")
    with pytest.raises(ModelError, match="'x': the cell 0 below and 0 right of B2 holds no number"):
        read_model(written(model, "x = GET DIRECT CONSTANTS('c.csv', ',', 'B2') ~~|"))


@pytest.mark.parametrize("engine", ["llvm", "python"])
def test_each_element_may_have_a_seed_of_its_own(model: Path, engine: str) -> None:
    """A seed may depend on the subscript; the numbers of an element change with its own seed alone."""
    body = "A: a1, a2 ~~| seed[A] = {} ~~| x[A] = RANDOM UNIFORM(0, 1, seed[A] + A) ~~|"
    runs = [simulate(written(model, body.format(seeds)), engine=engine) for seeds in ("3, 4", "3, 5")]
    first, second = (run["x"].values for run in runs)
    assert (first[:, 0] == second[:, 0]).all()
    assert (first[:, 1] != second[:, 1]).any()
    assert ((first >= 0) & (first < 1)).all()
