"""Reading Vensim models: what comes out, and what is said when something is wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdpolicy.errors import ModelError
from sdpolicy.expression import TIME, Apply, At, Axis, Lookup, Num, Reduce, Ref
from sdpolicy.program import Dimension, Equation, Program, Stock
from sdpolicy.run import simulate
from sdpolicy.vensim import read_model
from sdpolicy.vensim.prepare import Refusal, prepare, read_points
from sdpolicy.vensim.subscripts import parse_range

CONTROL = "\nINITIAL TIME = 0 ~~|\nFINAL TIME = 10 ~~|\nTIME STEP = 1 ~~|\nSAVEPER = TIME STEP ~~|\n"
CORPUS = Path(__file__).parent / "conformance"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a model and returns its path; nothing is cached."""
    monkeypatch.setenv("SDPOLICY_CACHE", "")

    def made(body: str) -> Path:
        path = tmp_path / "small.mdl"
        path.write_text("{UTF-8}\n" + body + CONTROL, encoding="utf-8", newline="\n")
        return path

    return made


def read(write: Write, body: str) -> Program:
    """Read a model with this body."""
    return read_model(write(body))


def equation(program: Program, name: str) -> Equation:
    """Return the only equation of a variable."""
    quantity = program.find(name)
    assert quantity is not None
    (found,) = [one for one in program.equations if one.target == quantity.id]
    return found


def refusal(write: Write, body: str) -> str:
    """Return the message with which a model is refused."""
    with pytest.raises(ModelError) as caught:
        read(write, body)
    return str(caught.value)


def test_a_variable_keeps_what_its_author_wrote(write: Write) -> None:
    """Name, unit, limits, comment and line come from the file; quotes and continuation marks go."""
    program = read(write, '\n\n"R&D share" = \\\n\t\t3\n\t~ Dmnl [0, 1, 0.1]\n\t~ Share of\n\t\tR&D.\n\t|\n')
    quantity = program.quantities[0]
    assert (quantity.name, quantity.id, quantity.kind) == ("R&D share", "r_d_share", "constant")
    assert (quantity.unit, quantity.low, quantity.high) == ("Dmnl", 0.0, 1.0)
    assert (quantity.doc, quantity.line) == ("Share of R&D.", 4)


def test_open_limits_are_no_limits(write: Write) -> None:
    """A question mark stands for no limit."""
    quantity = read(write, "x = 1 ~ m [0, ?] ~ |").quantities[0]
    assert (quantity.low, quantity.high) == (0.0, None)


def test_kinds_follow_from_equations(write: Write) -> None:
    """A number makes a constant, INTEG a stock, everything else an auxiliary."""
    program = read(write, "c = - 2 ~~| s = INTEG(c, 1) ~~| a = c * 2 ~~|")
    assert [quantity.kind for quantity in program.quantities[:3]] == ["constant", "stock", "auxiliary"]
    assert equation(program, "c").body == Num(-2.0)
    assert program.stocks == (Stock("s", Ref("c"), Num(1.0)),)


def test_control_variables_have_fixed_identifiers(write: Write) -> None:
    """The four control variables are found by the identifiers that a run sets."""
    program = read(write, "x = 1 ~~|")
    assert [quantity.id for quantity in program.quantities[1:]] == [
        "initial_time",
        "final_time",
        "time_step",
        "saveper",
    ]


def test_saveper_is_the_step_when_the_model_does_not_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model without SAVEPER is saved at every step."""
    monkeypatch.setenv("SDPOLICY_CACHE", "")
    path = tmp_path / "short.mdl"
    path.write_text("INITIAL TIME=0~~|FINAL TIME=1~~|TIME STEP=0.5~~|", encoding="utf-8")
    assert equation(read_model(path), "SAVEPER").body == Ref("time_step")


def test_expressions_keep_the_order_of_the_text(write: Write) -> None:
    """Operators of equal rank lean to the left; nothing is rearranged or computed beforehand."""
    program = read(write, "a = 2 ~~| x = 1 - a - 3 ~~| y = 8 - 3 - 2 ~~|")
    assert equation(program, "x").body == Apply("sub", (Apply("sub", (Num(1.0), Ref("a"))), Num(3.0)))
    assert equation(program, "y").body == Apply("sub", (Apply("sub", (Num(8.0), Num(3.0))), Num(2.0)))


def test_functions_become_operators(write: Write) -> None:
    """Arguments that a function leaves out are filled in; logarithms to a base become quotients."""
    program = read(write, "x = SMOOTH3(Time, 4) ~~| y = LOG(x, 10) ~~| z = PULSE TRAIN(1, 2, 3, 4) ~~|")
    assert equation(program, "x").body == Apply("smooth", (Ref(TIME), Num(4.0), Ref(TIME), Num(3.0)))
    assert equation(program, "y").body == Apply("div", (Apply("ln", (Ref("x"),)), Apply("ln", (Num(10.0),))))
    assert equation(program, "z").body == Apply("pulse train", (Num(1.0), Num(2.0), Num(3.0), Num(4.0)))


def test_tables_stand_apart_from_quantities(write: Write) -> None:
    """A look-up is a table; calling it reads the table, by its own mode."""
    program = read(write, "f([(0,0)-(9,9)],(0,1),(2,3)) ~ m ~ | x = f(Time) ~~| y = LOOKUP FORWARD(f, 1) ~~|")
    assert [quantity.name for quantity in program.quantities[:2]] == ["x", "y"]
    assert program.tables[0].curves == (((0.0, 2.0), (1.0, 3.0)),)
    assert (program.tables[0].name, program.tables[0].unit) == ("f", "m")
    assert equation(program, "x").body == Lookup("f", Ref(TIME))
    assert equation(program, "y").body == Lookup("f", Num(1.0), "forward")


def test_active_initial_is_a_second_body(write: Write) -> None:
    """ACTIVE INITIAL gives its equation another body for the start."""
    found = equation(read(write, "x = ACTIVE INITIAL(Time, 3) ~~|"), "x")
    assert (found.body, found.initial) == (Ref(TIME), Num(3.0))


def test_subscripts_become_loops(write: Write) -> None:
    """An equation with a range is one loop; references move along with it."""
    program = read(write, "R: a, b, c ~~| S: a, c ~~| x[R] = 1, 2, 3 ~~| y[S] = x[S] ~~| z = SUM(x[R!]) ~~|")
    loop = Axis("i1", 2)
    assert equation(program, "y") == Equation("y", Ref("x", (At("i1", (0, 2)),)), (loop,), (At("i1", (0, 1)),))
    assert equation(program, "z").body == Reduce("sum", (Axis("i1", 3),), Ref("x", (At("i1", (0, 1, 2)),)))
    quantity = program.find("y")
    assert quantity is not None
    assert quantity.dimensions == (Dimension("S", ("a", "c")),)


@pytest.mark.parametrize(("left", "axis"), [("A, B", "i1"), ("B, A", "i2")])
def test_a_mapping_goes_to_the_range_that_it_names(write: Write, left: str, axis: str) -> None:
    """Where two subscripts of the left side are equal ranges, a mapping is to the one by whose name it is written."""
    body = f"A: a1, a2 -> C ~~| B <-> A ~~| C: c1, c2 ~~| y[C] = 1, 2 ~~| x[{left}] = y[C] ~~|"
    assert equation(read(write, body), "x").body == Ref("y", (At(axis, (0, 1)),))


def test_ranges_of_ranges_and_numbers() -> None:
    """A range may name others and count names."""
    found = parse_range("R: a, (b1 - b3), S -> T, (U: u1, u2)")
    assert found is not None
    assert found.items == ("a", "b1", "b2", "b3", "S")
    assert found.mappings == (("T", ()), ("U", ("u1", "u2")))
    assert parse_range("x :INTERPOLATE: := y") is None


def test_reality_checks_change_nothing(write: Write) -> None:
    """Constraints and test inputs are passed over."""
    program = read(write, "x = 1 ~~| check :THE CONDITION: x > 0 :IMPLIES: x < 9 ~~|")
    assert program.quantities[0].name == "x"
    assert program.find("check") is None


def test_reading_writes_nothing_beside_the_model(write: Write) -> None:
    """The folder of the model is left as it was."""
    path = write("x = 1 ~~|")
    read_model(path)
    assert [one.name for one in path.parent.iterdir()] == ["small.mdl"]


def test_text_is_never_executed(write: Write, tmp_path: Path) -> None:
    """What a model says in the limits of a table, in units and in names is not evaluated."""
    trap = f"__import__('pathlib').Path('{(tmp_path / 'trap').as_posix()}').touch()"
    read(write, f'f([({trap},0)-(1,1)],(0,0),(1,1)) ~ m [{trap}, 1] ~ | "{trap}" = f(1) ~~|')
    refusal(write, f"x = WITH LOOKUP(1, ([({trap},0)-(1,1)],(0,0),(1,1))) ~~|")
    refusal(write, f"x = 1, {trap} ~~|")
    assert not (tmp_path / "trap").exists()


def test_all_problems_come_at_once(write: Write) -> None:
    """Problems of syntax, names and tables are reported together, each with line and variable."""
    message = refusal(write, "a = (1 ~~|\nb = a + wage ~~|\nWages = 2 ~~|\nf((1,1),(1,0)) ~~|\nc = f(1) ~~|")
    assert message.splitlines() == [
        "small.mdl, line 2, 'a': a '(' is not closed.",
        "small.mdl, line 5, 'f': the table has two values for x = 1. Write each x once.",
        "small.mdl, line 3, 'b': 'wage' is not defined. Did you mean 'Wages'?",
    ]


MACRO = "\n:MACRO: m(a)\nm = a ~~|\n:END OF MACRO:\n:MACRO: w(a : b)\nw = a ~~|\nb = a ~~|\n:END OF MACRO:\n"
BAD = [
    ("x = y ~~|", "'x': 'y' is not defined"),
    ("x = 1 ~~|\nX = 2 ~~|", "'x' is defined more than once (lines 2 and 3)"),
    ("f() ~~|", "'f': the table is empty"),
    ("f((0,0),(0,1)) ~~|", "'f': the table has two values for x = 0"),
    ("f(1,2,3) ~~|", "'f': the table has more x than y values"),
    ("f((0,0),(1,1)) ~~| x = f ~~|", "'x': the table 'f' stands where a number is expected"),
    ("f = 2 ~~| x = f(1) ~~|", "'x': 'f' is called like a table, and is none"),
    ("x = SMOTH(3, 4) ~~|", "'x': the function 'SMOTH' is unknown. Did you mean 'SMOOTH'?"),
    ("x = VECTOR LOOKUP(1, 2) ~~|", "'x': the function VECTOR LOOKUP is not supported. Write the result"),
    ("x = A FUNCTION OF(y) ~~| y = 1 ~~|", "'x': the function A FUNCTION OF is not supported"),
    ("x = RANDOM POISSON(1) ~~|", "Use RANDOM UNIFORM, NORMAL, EXPONENTIAL or TRIANGULAR."),
    ("x = DEPRECIATE STRAIGHTLINE(1, 2, 3, 4) ~~|", "'x': the function DEPRECIATE STRAIGHTLINE is not supported"),
    (
        "x = SINTEG(1, 2, 0, 9, 0, 0, 0) ~~|",
        "'x': the function SINTEG is not supported. Write it as INTEG, with a flow",
    ),
    ("x = m(1 : y) ~~|", "'x': the equation cannot be read at ': y)'. If this is the further output of a macro"),
    (
        "A: a1, a2 ~~| d[A] = 1 ~~| x = SUM(m(d[A!])) ~~|" + MACRO,
        "'x': the macro 'm' stands inside of SUM, PROD, VMIN, VMAX or VECTOR",
    ),
    ("x = w(1) ~~|" + MACRO, "'x': the macro 'w' has 1 further outputs, and none is given here. Write it alone on the"),
    ("x = w(1 : y, z) ~~|" + MACRO, "'x': the macro 'w' has 1 further outputs, and 2 are given. Write it as w(a : b)."),
    ("x = 1 + w(1 : y) ~~|" + MACRO, "'x': the equation cannot be read at ': y)'. If this is the further output"),
    ("x = w(1 : y + 1) ~~|" + MACRO, "'x': this is no definition. Write it as 'name = equation'."),
    ("x = w(1 : y) ~~| y = 2 ~~|" + MACRO, "'y' is defined more than once"),
    ("A: a1, a2 ~~| x[A] = w(1 : y) ~~|" + MACRO, "'x': the output 'y' of a macro has not the subscripts of the left"),
    ("x = w(1 : Time) ~~|" + MACRO, "the variable has the name of the simulated time"),
    (":MACRO: m(a : b)\nm = a ~~|\n:END OF MACRO:\nx = 1 ~~|", "'m': the macro does not define its output 'b'"),
    ("x = 1 + ~~|", "'x': nothing follows the '+'"),
    ("x = 1) ~~|", "'x': a ')' has no partner"),
    ("x = 3 4 ~~|", "'x': no operator stands between"),
    ("x = MAX(1, 2, 3) ~~|", "'x': MAX takes 2 arguments, not 3"),
    ("x = INTEG(1) ~~|", "'x': a function has the wrong number of arguments"),
    ("x = ~~|", "'x': the variable has no equation"),
    ("x ~~|", "'x': the variable has no equation: it would be read from a data file"),
    ("A: a1, a2 ~~| x[A] ~~| y = x[a1] ~~|", "'x': the variable has no equation: it would be read"),
    ("x + 1 ~~|", "'x': this is no definition"),
    ("x = 1 = :NOT: 1 = 2 ~~|", "'= :NOT: ... = ...' is read differently by different programs"),
    ("x = 1e999 ~~|", "the number 1e999 is too large"),
    ("x = " + "(" * 100 + "1" + ")" * 100 + " ~~|", "more than 60 brackets"),
    ("x = " + "+".join(["Time"] * 500) + " ~~|", "more than 150 operations"),
    ("x = " + "-" * 100 + "1 ~~|", "more than 4 signs"),
    ("Time = 3 ~~|", "the variable has the name of the simulated time"),
    ("x = INTEG(1, 2) ~~| x = 3 ~~|", "the variable is defined as constant and as stock"),
    ("x[A] = 1 ~~|", "the subscript 'A' is not defined"),
    ("A: a1, a2 ~~| x[A] = 1 ~~| y = x ~~|", "'x' has the subscripts A, and 0 are given"),
    ("A: a1, a2 ~~| x[A] = 1 ~~| y = x[A] ~~|", "the left side does not have the subscript range 'A'"),
    ("A: a1, a2 ~~| x[A] = 1, 2, 3 ~~|", "3 numbers are given for 2 elements"),
    (
        "A: a1, a2 -> C ~~| B: b1, b2 -> C ~~| C: c1, c2 ~~| y[C] = 1, 2 ~~| x[A, B] = y[C] ~~|",
        "'x': 'C' is mapped to more than one subscript of the left side. Write the subscript that is meant",
    ),
    (
        "A: a1, a2 -> C ~~| B: b1, b2 -> C ~~| C: c1, c2 ~~| y[C] = 1, 2 ~~| x[A, b1] = y[C] ~~|",
        "'x': 'C' is mapped to more than one subscript of the left side",
    ),
    ("A: a1, a2, a3 ~~| B: b1, b2 ~~| x[A, B] = 1, 2, 3; 4, 5, 6; ~~|", "the array's rows have 3 numbers for 2 elem"),
    ("A: a1, a2 ~~| B: b1, b2 ~~| x[A, B] = 1, 2; 3, 4, 5; ~~|", "the array's rows have different lengths"),
    ("A: a1, a2 ~~| x[a1] = 1 ~~| y = x[a2] ~~|", "'x' has no element 'a2'. It has a1."),
    ("A: a1, a2 ~~| x[A] :EXCEPT: [a1] = Time ~~| x[a2] = 1 ~~|", "is defined more than once"),
    ("A: a1, a2 ~~| x[A] = 1 ~~| y = x[A!] ~~|", "stands outside of SUM, PROD, VMIN, VMAX and VECTOR SELECT"),
    ("A: a ~~| A: b ~~|", "the range is defined before, in line 2"),
    ("A: A ~~|", "the subscript range 'A' contains itself"),
    ("d :INTERPOLATE: ~~|", "'d': the variable has no equation: it would be read"),
    ("d :RAW: := GET XLS DATA('a.xlsx', 's', 'A', 'B2') ~~|", ":RAW: data are not supported"),
    ("d := GET DIRECT DATA('../a.csv', ',', 'A', 'B2') ~~|", "'../a.csv' lies outside of the model's folder"),
    ("d := GET DIRECT DATA('a.csv', ',', 'A', 'B2') ~~|", "the file 'a.csv' cannot be read"),
    ("d := GET XLS DATA('?a', 's', 'A', 'B2') ~~|", "the model's settings name no file for '?a'"),
    (":MACRO: m(a)\nm = m(a) ~~|\n:END OF MACRO:\nx = m(1) ~~|", "the macro 'm' calls itself"),
    (":MACRO: m(a)\nm = a + b ~~|\n:END OF MACRO:\nx = m(1) ~~|", "'b' is not defined inside of the macro"),
    (":MACRO: m(a)\nm = a ~~|\nx = m(1) ~~|", "a :MACRO: has no :END OF MACRO:"),
]


@pytest.mark.parametrize(("body", "part"), BAD, ids=[part[:40] for _, part in BAD])
def test_a_bad_model_is_refused_with_its_reason(write: Write, body: str, part: str) -> None:
    """Each kind of fault has a message of its own that says what is wrong."""
    assert part in refusal(write, body)


FILES = [
    ("empty.mdl", b"", "empty.mdl: the file is empty."),
    ("zip.mdl", b"PK\x03\x04\x00\x00", "the file is binary, and text was expected"),
    (
        "latin.mdl",
        b"{UTF-8}\nx = 1\n~\xe4~|",
        "latin.mdl, line 3: the text is not UTF-8. Save it as UTF-8, or name",
    ),
    ("odd.mdl", "{klingon}\nx = 1~~ \xe9|".encode(), "odd.mdl, line 1: the encoding 'klingon' is unknown"),
    ("prose.mdl", b"hello world", "prose.mdl, line 1: the file holds no equation"),
    ("bare.mdl", b"x = 1~~|", "'TIME STEP': the model does not set it"),
    ("model.txt", b"x = 1~~|", "model.txt: a model file ends in .mdl"),
]


@pytest.mark.parametrize(("name", "content", "part"), FILES, ids=[name for name, _, _ in FILES])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, name: str, content: bytes, part: str) -> None:
    """A file that cannot be a model says so, with its name."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_model(path)
    assert part in str(caught.value)


def test_folders_missing_files_and_huge_files_are_refused(tmp_path: Path) -> None:
    """What is no readable file of a sane size is said to be so."""
    folder, huge = tmp_path / "folder.mdl", tmp_path / "huge.mdl"
    folder.mkdir()
    huge.write_bytes(b" " * 10_000_001)
    for path, part in [
        (folder, "this is a folder"),
        (huge, "larger than 10 MB"),
        (tmp_path / "no.mdl", "no such file"),
    ]:
        with pytest.raises(ModelError, match=part):
            read_model(path)


def test_another_encoding_is_read_when_the_file_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first line may name the encoding."""
    monkeypatch.setenv("SDPOLICY_CACHE", "")
    path = tmp_path / "latin.mdl"
    path.write_bytes(("{windows-1252}\nGröße = 1 ~~|" + CONTROL).encode("windows-1252"))
    assert read_model(path).find("größe") is not None


def test_a_data_file_that_links_out_of_the_folder_is_not_opened(write: Write, tmp_path: Path) -> None:
    """A link beside the model to a file elsewhere does not help."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside.csv"
    outside.write_text("0,1\n1,2\n", encoding="utf-8")
    try:
        (tmp_path / "link.csv").symlink_to(outside)
    except OSError:
        pytest.skip("this system makes no links")
    assert "lies outside" in refusal(write, "d := GET DIRECT DATA('link.csv', ',', 'A', 'B1') ~~|")


def test_a_workbook_beside_the_model_is_read(write: Write, tmp_path: Path) -> None:
    """Series, constants, curves and elements come out of a workbook, by cell and by named range."""
    from openpyxl import Workbook
    from openpyxl.workbook.defined_name import DefinedName

    book = Workbook()
    sheet = book.active
    for row in (["year", 0, 2, 4], ["north", 1, None, 5], ["south", 2, 3, 6]):
        sheet.append(row)
    sheet.title = "Data"
    book.defined_names["years"] = DefinedName("years", attr_text="Data!$B$1:$D$1")
    book.save(tmp_path / "book.xlsx")
    program = read(
        write,
        "Region: GET XLS SUBSCRIPT('book.xlsx', 'Data', 'A2', 'A', '') ~~|\n"
        "x[Region] := GET XLS DATA('book.xlsx', 'Data', '1', 'B2') ~~|\n"
        "y[Region] = GET XLS CONSTANTS('book.xlsx', 'Data', 'B2*') ~~|\n"
        "f(GET XLS LOOKUPS('book.xlsx', 'Data', 'years', 'B3')) ~~|\nz = f(1) ~~|\n",
    )
    found = program.find("x")
    assert found is not None
    assert (found.kind, found.dimensions) == ("data", (Dimension("Region", ("north", "south")),))
    tables = {table.name: table.curves for table in program.tables}
    assert tables["x"] == (((0.0, 4.0), (1.0, 5.0)), ((0.0, 2.0, 4.0), (2.0, 3.0, 6.0)))
    assert tables["f"] == (((0.0, 2.0, 4.0), (2.0, 3.0, 6.0)),)
    assert [one.body for one in program.equations if one.target == "y"] == [Num(1.0), Num(2.0)]


@pytest.mark.parametrize("name", ["integ", "lookups", "subscripts", "macro"])
def test_reading_twice_gives_the_same_program(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Identifiers and order do not depend on chance, nor on where the file lies."""
    monkeypatch.setenv("SDPOLICY_CACHE", "")
    copy = shutil.copy(CORPUS / f"{name}.mdl", tmp_path / f"{name}.mdl")
    assert read_model(CORPUS / f"{name}.mdl") == read_model(copy)


def test_importing_the_reader_imports_no_heavy_package() -> None:
    """The translator is imported when a model is read, not before."""
    code = "import sys, sdpolicy.vensim; print([m for m in ('pysd', 'numpy', 'openpyxl') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@given(st.text(alphabet="ab1.(),[]+-*/^<>=:NOTA! ", max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_the_preparation(text: str) -> None:
    """Any text is prepared or refused; nothing else happens."""
    try:
        prepared, _ = prepare(text)
    except Refusal:
        return
    assert prepared.count("(") == prepared.count(")")


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20, unique=True))
def test_points_are_read_exactly(xs: list[float]) -> None:
    """A table's numbers come out as they were written, in both notations."""
    xs.sort()
    ys = [x / 3 for x in xs]
    expected = (tuple(xs), tuple(ys))
    assert read_points(",".join(f"({x!r},{y!r})" for x, y in zip(xs, ys, strict=True))) == expected
    if len(xs) > 1:
        assert read_points(",".join(map(repr, [*xs, *ys]))) == expected


def test_an_element_without_an_equation_may_not_be_used(write: Write) -> None:
    """Elements left out by :EXCEPT: need no equation as long as nothing refers to them."""
    body = "A: a1, a2 ~~| B: b1, b2 ~~| x[A, B] :EXCEPT: [a1, b1] = 1 ~~| y = x[a1, b2] ~~|"
    assert read(write, body).find("y") is not None
    assert "'z': 'x[a1, b1]' has no equation" in refusal(write, body + " z[A] = x[A, b1] ~~|")


def test_an_exception_on_a_single_range_shortens_it(write: Write) -> None:
    """A variable has just the elements that its equations fill."""
    program = read(write, "A: a1, a2, a3 ~~| x[A] :EXCEPT: [a2] = 1 ~~| y[a3] = 2 ~~|")
    shown = [quantity.dimensions for quantity in program.quantities[:2]]
    assert shown == [(Dimension("A (a1, a3)", ("a1", "a3")),), (Dimension("A (a3)", ("a3",)),)]


def test_random_functions_keep_their_seeds(write: Write) -> None:
    """Each call carries its own limits and seed."""
    program = read(write, "x = RANDOM UNIFORM(2, 4, 7) ~~| y = RANDOM 0 1() ~~| z = RANDOM NORMAL(-1, 1, 0, 1, 3) ~~|")
    assert equation(program, "x").body == Apply("random uniform", (Num(2.0), Num(4.0), Num(7.0)))
    assert equation(program, "y").body == Apply("random uniform", (Num(0.0), Num(1.0), Num(0.0)))
    assert equation(program, "z").body == Apply("random normal", (Num(-1.0), Num(1.0), Num(0.0), Num(1.0), Num(3.0)))


SIGNS = [
    ("-2^2", Apply("neg", (Apply("pow", (Num(2.0), Num(2.0))),))),
    ("(-2)^2", Apply("pow", (Num(-2.0), Num(2.0)))),
    ("2^-2", Apply("pow", (Num(2.0), Num(-2.0)))),
    ("- - Time", Apply("neg", (Apply("neg", (Ref(TIME),)),))),
    ("1 - Time^2", Apply("sub", (Num(1.0), Apply("pow", (Ref(TIME), Num(2.0)))))),
]


@pytest.mark.parametrize(("text", "expected"), SIGNS, ids=[text for text, _ in SIGNS])
def test_signs_apply_to_whole_powers(write: Write, text: str, expected: Apply) -> None:
    """A sign before a power negates the power, unless brackets say otherwise."""
    assert equation(read(write, f"x = {text} ~~|"), "x").body == expected


def test_a_level_inside_of_an_expression_has_the_elements_of_its_equation(write: Write) -> None:
    """Where an equation leaves elements out, what is hidden in it has those that are left, under their names."""
    body = "A: North, South, West ~~| x[A] :EXCEPT: [North] = 1 + INTEG(1, 2) ~~| x[North] = 3 ~~|"
    program = read(write, body)
    assert program.by_id["x_level"].dimensions == (Dimension("A (South, West)", ("South", "West")),)
    assert simulate(program, engine="python")["x"].isel(time=2).values.tolist() == [3, 5, 5]
