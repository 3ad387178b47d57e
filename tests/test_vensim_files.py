"""What a model file holds beside equations, and the files beside it: descriptions, settings, data."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName

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


def workbook(path: Path, rows: Sequence[Sequence[object]], **names: str) -> None:
    """Write a workbook with one sheet, ``s``, and these names of its ranges."""
    book = Workbook()
    sheet = book.active
    sheet.title = "s"
    for row in rows:
        sheet.append(row)
    for name, area in names.items():
        book.defined_names[name] = DefinedName(name, attr_text=f"s!{area}")
    book.save(path)


def old_workbook(path: Path, rows: Sequence[Sequence[float | str]]) -> None:
    """Write the oldest format of Excel's that is read, BIFF2: its only sheet is called Sheet 1."""
    raw = struct.pack("<4H", 0x0009, 4, 2, 0x0010)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            where = struct.pack("<2H3x", row, column)
            if isinstance(cell, str):
                raw += struct.pack("<2H", 0x0004, 8 + len(cell)) + where + bytes([len(cell)]) + cell.encode()
            else:
                raw += struct.pack("<2H", 0x0003, 15) + where + struct.pack("<d", cell)
    path.write_bytes(raw + struct.pack("<2H", 0x000A, 0))


def test_a_gap_in_a_workbook_is_no_point(model: Path) -> None:
    """Where the time or the value is missing there is no point, and the points behind it count."""
    workbook(model.with_name("b.xlsx"), [[0, 1, None, 3, 4], [5, 6, 7, None, 9]])
    body = (
        "x := GET XLS DATA('b.xlsx', 's', '1', 'A2') ~~| f(GET XLS LOOKUPS('b.xlsx', 's', '1', 'A1')) ~~| y = f(2) ~~|"
    )
    tables = {table.name: table.curves for table in read_model(written(model, body)).tables}
    assert tables["x"] == (((0.0, 1.0, 4.0), (5.0, 6.0, 9.0)),)
    assert tables["f"] == (((0.0, 1.0, 3.0, 4.0), (0.0, 1.0, 3.0, 4.0)),)


@pytest.mark.parametrize(
    ("equation", "said"),
    [
        ("x := GET DIRECT DATA('c.csv', ',', '1', 'A3')", "3 stands behind a cell without a number"),
        ("x := GET DIRECT DATA('b.xlsx', 's', '2', 'A3')", "3 stands behind a cell without a number"),
        ("x := GET DIRECT DATA('b.xlsx', 's', 'years', 'A3')", "x values go on behind their named range: 3"),
        ("f(GET DIRECT LOOKUPS('b.xlsx', 's', '1', 'A3')) ~~| x = f(1)", "no y for x = 3"),
    ],
)
def test_what_vensim_makes_of_a_gap_is_not_guessed(model: Path, equation: str, said: str) -> None:
    """A text among the times, a gap in text files, times behind their range, a look-up's missing value: refused."""
    rows = [[0, 1, None, 3, 4], [0, 1, "or", 3, 4], [5, 6, 7, None, 9]]
    workbook(model.with_name("b.xlsx"), rows, years="$A$1:$B$1")
    model.with_name("c.csv").write_text("0,1,,3,4\n0,1,or,3,4\n5,6,7,,9\n", encoding="utf-8")
    with pytest.raises(ModelError, match=said):
        read_model(written(model, f"{equation} ~~|"))


def test_old_workbooks_are_read(model: Path) -> None:
    """Excel's format before 2007 is read; a newer one may be called .xls as well."""
    old_workbook(model.with_name("old.xls"), [["year", 0.0, 9.0], ["x", 5.0, 6.5]])
    model.with_name("bad.xls").write_bytes(b"no workbook")
    workbook(model.with_name("b.xlsx"), [[0, 9], [5, 6.5]])
    model.with_name("b.xlsx").rename(model.with_name("new.xls"))
    body = "x := GET XLS DATA('old.xls', 'Sheet 1', '1', 'B2') ~~| y := GET XLS DATA('new.xls', 's', '1', 'A2') ~~|"
    assert [table.curves for table in read_model(written(model, body)).tables] == [(((0.0, 9.0), (5.0, 6.5)),)] * 2
    for name, sheet, said in (("old.xls", "s", "no sheet 's'. It has Sheet 1."), ("bad.xls", "s", "cannot be read as")):
        with pytest.raises(ModelError, match=said):
            read_model(written(model, f"x = GET XLS CONSTANTS('{name}', '{sheet}', 'B2') ~~|"))


def test_elements_from_a_workbook(model: Path) -> None:
    """Empty cells are no elements, as documented; a number is written out; what ends an open list is not guessed."""
    workbook(model.with_name("b.xlsx"), [["A", None, 1234567, "B 2"]])
    body = "Part: GET XLS SUBSCRIPT('b.xlsx', 's', 'A1', '{}', 'p') ~~| x[Part] = 1 ~~|"
    found = read_model(written(model, body.format("D1"))).find("x")
    assert found is not None
    assert found.dimensions[0].elements == ("pA", "p1234567", "pB 2")
    with pytest.raises(ModelError, match="the elements from A1 on have an empty cell among them"):
        read_model(written(model, body.format("1")))


@pytest.mark.parametrize("engine", ["llvm", "python"])
def test_each_element_may_have_a_seed_of_its_own(model: Path, engine: str) -> None:
    """A seed may depend on the subscript; the numbers of an element change with its own seed alone."""
    body = "A: a1, a2 ~~| seed[A] = {} ~~| x[A] = RANDOM UNIFORM(0, 1, seed[A] + A) ~~|"
    runs = [simulate(written(model, body.format(seeds)), engine=engine) for seeds in ("3, 4", "3, 5")]
    first, second = (run["x"].values for run in runs)
    assert (first[:, 0] == second[:, 0]).all()
    assert (first[:, 1] != second[:, 1]).any()
    assert ((first >= 0) & (first < 1)).all()
