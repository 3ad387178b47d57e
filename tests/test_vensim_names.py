"""Names that authors choose freely: they may be those of functions, of operators, or hold any sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdpolicy.errors import ModelError
from sdpolicy.run import simulate
from sdpolicy.vensim import read_model

CONTROL = "\nINITIAL TIME = 0 ~~|\nFINAL TIME = 2 ~~|\nTIME STEP = 1 ~~|\nSAVEPER = TIME STEP ~~|\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for models; nothing is cached."""
    monkeypatch.setenv("SDPOLICY_CACHE", "")
    return tmp_path


def values(folder: Path, body: str) -> list[float]:
    """Return what ``y`` is at the times 0, 1 and 2."""
    path = folder / "small.mdl"
    path.write_text("{UTF-8}\n" + body + CONTROL, encoding="utf-8", newline="\n")
    result = simulate(path, engine="python", method="euler")
    return [float(value) for value in result["y"].broadcast_like(result["time"]).values]


def refusal(folder: Path, body: str) -> str:
    """Return the message with which a model is refused."""
    path = folder / "small.mdl"
    path.write_text("{UTF-8}\n" + body + CONTROL, encoding="utf-8", newline="\n")
    with pytest.raises(ModelError) as caught:
        read_model(path)
    return str(caught.value)


TAKEN = [
    ("neg((0,0),(10,100)) ~~| y = -Time ~~|", [0, -1, -2]),
    ("Not((0,5),(10,5)) ~~| y = IF THEN ELSE(:NOT: Time > 1, 1, 0) ~~|", [1, 1, 0]),
    ("Sub((0,0),(10,100)) ~~| y = Time - 2 ~~|", [-2, -1, 0]),
    (":MACRO: ADD(a, b)\nADD = a * b ~~|\n:END OF MACRO:\ny = Time + 2 ~~|", [2, 3, 4]),
    (":MACRO: ADD(a, b)\nADD = a * b ~~|\n:END OF MACRO:\ny = ADD(3, Time) ~~|", [0, 3, 6]),
    ("Delay((0,1),(10,1)) ~~| y = DELAY1I(8, 2, 0) * Delay(3) ~~|", [0, 4, 6]),
]


@pytest.mark.parametrize(("body", "expected"), TAKEN, ids=[body for body, _ in TAKEN])
def test_a_table_or_macro_may_have_the_name_of_an_operator_of_ours(
    folder: Path, body: str, expected: list[float]
) -> None:
    """An operator is never read as the table or macro that happens to have our name for it."""
    assert values(folder, body) == expected


@pytest.mark.parametrize(
    "call", ["ADD(1, 2)", "LT(1, 2)", "NEG(1)", "DELAY(1, 2, 3, 1)", "GET DATA('a', 'b', 'c', 'd')"]
)
def test_names_of_ours_are_no_functions_of_a_model(folder: Path, call: str) -> None:
    """What only we call so is unknown, as it is to Vensim."""
    assert f"the function '{call.partition('(')[0]}' is unknown" in refusal(folder, f"y = {call} ~~|")


def test_control_variables_are_single_numbers(folder: Path) -> None:
    """A control variable with subscripts, with and without, or as a table is refused by its name."""
    head = "A: a1, a2 ~~| INITIAL TIME = 0 ~~| FINAL TIME = 2 ~~|"
    path = folder / "small.mdl"
    for body, part in [
        ("TIME STEP = 1 ~~| SAVEPER[A] = 1, 2 ~~|", "'SAVEPER': it cannot have subscripts"),
        ("TIME STEP = 1 ~~| SAVEPER[A] = 1 ~~| SAVEPER = 1 ~~|", "'SAVEPER': the definitions have 0 and 1 subscripts"),
        ("TIME STEP((0,0),(1,1)) ~~|", "'TIME STEP': it is a table, and a number was expected"),
    ]:
        path.write_text(head + body, encoding="utf-8")
        with pytest.raises(ModelError) as caught:
            read_model(path)
        assert part in str(caught.value)


ODD = [
    r'"back\\" = 3 ~~| y = "back\\" * 2 ~~|',
    r'"a\\" = 2 ~~| "b\\" = 4 ~~| y = "a\\" + "b\\" ~~|',
    r'"say \"hi\", ok \\" = 3 ~~| y = "say \"hi\", ok \\" * 2 ~~|',
    'A: "e\\"1\\\\", e2 ~~| x[A] :EXCEPT: ["e\\"1\\\\"] = 2 ~~| x["e\\"1\\\\"] = 6 ~~| y = x["e\\"1\\\\"] ~~|',
    '"long \\\n\t\tname | ~" = 3 ~~| y = "long name | ~" * 2 ~~|',
    "R: (Age 1 - Age 3) ~~| x[R] = 1, 6, 3 ~~| y = x[Age 2] ~~|",
]


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_a_name_may_hold_any_sign(folder: Path, body: str) -> None:
    """Backslashes at the end, quotes, line breaks and spaces before a number are parts of names."""
    assert values(folder, body) == [6, 6, 6]


def test_a_name_is_shown_without_its_backslashes(folder: Path) -> None:
    """What stands behind a backslash is what the author meant."""
    path = folder / "small.mdl"
    path.write_text('"say \\"hi\\" \\\\" = 3 ~~|' + CONTROL, encoding="utf-8")
    assert read_model(path).quantities[0].name == 'say "hi" \\'


def test_an_element_is_counted_in_a_range_that_holds_all_of_the_loop(folder: Path) -> None:
    """Ranges may overlap: the place of an element is not looked for in a range that lacks its neighbours."""
    body = "A: a1, a2, a3 ~~| S: a3, b1 ~~| P: a2, a3 ~~| x[S] = S * 10 ~~| z[P] = P ~~| y = x[b1] + z[a3] ~~|"
    assert values(folder, body) == [23, 23, 23]


def test_a_count_with_zeros_in_front_is_refused(folder: Path) -> None:
    """Whether (r01-r03) names r1 or r01 is not documented."""
    assert "'(r01-r03)' counts with zeros in front. Name its" in refusal(folder, "R: (r01-r03) ~~| x[R] = 1 ~~|")


CLASH = "the macro has the name of a function, of a table or of another macro. Rename it."
MACROS = [
    (":MACRO: INITIAL(x)\nINITIAL = x * 2 ~~|\n:END OF MACRO:\ny = INITIAL(3) ~~|", CLASH),
    (":MACRO: Foo(x)\nFoo = x ~~|\n:END OF MACRO:\nFoo((0,0),(1,1)) ~~| y = Foo(2) ~~|", CLASH),
    (":MACRO: Foo(x)\nFoo = x ~~|\n:END OF MACRO:\n:MACRO: foo(x)\nfoo = 2 * x ~~|\n:END OF MACRO:\ny = 1 ~~|", CLASH),
    (":MACRO: Foo(x)\nFoo = k ~~|\nk = 1 ~~|\nk = 2 ~~|\n:END OF MACRO:\ny = Foo(1) ~~|", "line 5, 'k': the macro has"),
    (
        ":MACRO: Foo(x)\nFoo = x ~~|\nx = 2 ~~|\n:END OF MACRO:\ny = Foo(1) ~~|",
        "line 4, 'x': the macro has an input or",
    ),
    (
        ":MACRO: Foo(x, x)\nFoo = x ~~|\n:END OF MACRO:\ny = Foo(1, 2) ~~|",
        "'Foo': the macro has two inputs of the same",
    ),
]


@pytest.mark.parametrize(("body", "part"), MACROS, ids=range(len(MACROS)))
def test_a_name_that_a_macro_makes_ambiguous_is_refused(folder: Path, body: str, part: str) -> None:
    """Which of two things a call or a name means is never guessed."""
    assert part in refusal(folder, body)
