"""Vensim's functions of vectors: what they refuse, and what ends a run rather than give a wrong number."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdpolicy.errors import ModelError, SimulationError
from sdpolicy.run import simulate
from sdpolicy.units import check_units
from sdpolicy.vensim import read_model

CONTROL = "INITIAL TIME = 0 ~~|\nFINAL TIME = 3 ~~|\nTIME STEP = 1 ~~|\nSAVEPER = TIME STEP ~~|\n"
RANGES = "A: a1, a2, a3 ~~| Part: a2, a3 ~~| B: b1, b2 -> Twin ~~| Twin: t1, t2 ~~| Turned: u1, u2 -> (B: b2, b1) ~~|\n"
DATA = "x[A] = 3, 1, 2 ~~| p[Part] = 5, 6 ~~| y[B] = 2, 1 ~~| z[A, B] = 1, 2; 3, 4; 5, 6; ~~|"
DATA += " q[Part, B] = 1, 2; 3, 4; ~~|\n"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the place of a model; nothing is cached."""
    monkeypatch.setenv("SDPOLICY_CACHE", "")
    return tmp_path / "small.mdl"


def written(model: Path, body: str) -> Path:
    """Write a model with these equations beside the data, and return its path."""
    model.write_text("{UTF-8}\n" + RANGES + DATA + body + " ~~|\n" + CONTROL, encoding="utf-8")
    return model


def values(model: Path, body: str, name: str = "v") -> list[object]:
    """Return what one variable is at the start of the run."""
    found = simulate(written(model, body), engine="python")[name]
    return found.isel(time=0).values.tolist() if "time" in found.dims else found.values.tolist()  # type: ignore[no-any-return]


WHOLE = "takes variables over a whole range, no part of another: the last on the left, or one mapped to it. Write it"
REFUSED = [
    ("v[A] = VECTOR RANK(x[A])", "VECTOR RANK takes 2 arguments, not 1"),
    ("v[A] = VECTOR RANK(x[A] + 1, 1)", f"VECTOR RANK {WHOLE} as y[range] = VECTOR RANK(x[range], ...)."),
    ("v[A] = VECTOR RANK(x[a1], 1)", WHOLE),
    ("v[a1] = VECTOR RANK(x[a1], 1)", WHOLE),
    ("v[B, A] = VECTOR RANK(z[A, B], 1)", WHOLE),
    ("v[Part] = VECTOR SORT ORDER(x[Part], 1)", WHOLE),
    ("v[Part] = VECTOR SORT ORDER(p[Part], 1)", WHOLE),
    ("v[Turned] = VECTOR SORT ORDER(y[B], 1)", WHOLE),
    ("v = SUM(VECTOR RANK(x[A!], 1))", WHOLE),
    ("v[A] = VECTOR REORDER(x[A], x[a1])", WHOLE),
    ("v[A] = VECTOR RANK(x[A], x[A])", "the direction of VECTOR RANK must be one number or variable"),
    ("v[A] = VECTOR RANK(x[A], 2 * Time)", "Give it a variable of its own."),
    ("v[A] = VECTOR RANK(w[A], 1)", "'w' is not defined"),
    ("v = VECTOR ELM MAP(3, 1)", "must be a variable with subscripts. Give it an element"),
    ("v = VECTOR ELM MAP(p[a2], 1)", "cannot count along 'Part', which is a part of a range"),
    (
        "v = VECTOR ELM MAP(x[a1], RANDOM UNIFORM(0, 1, 1))",
        "a state or a random number stands inside of VECTOR ELM MAP",
    ),
    ("v = SUM(VECTOR ELM MAP(x[a1], x[A!]))", "VECTOR ELM MAP stands inside of SUM, PROD, VMIN, VMAX or VECTOR SELECT"),
    ("v = VECTOR SELECT(x[a1], x[a2], 0, 0, 0)", "VECTOR SELECT has no subscript marked with !"),
    ("v = VECTOR SELECT(x[A!], x[A!], x[A!], 0, 0)", "'A!' stands outside of SUM, PROD, VMIN, VMAX and VECTOR SELECT"),
    (
        "v = VECTOR SELECT(x[A!], x[A!], 0, 11, 0)",
        "the numerical action of VECTOR SELECT is 11. Use a whole number from",
    ),
    ("v = VECTOR SELECT(x[A!], x[A!], 0, 0.5, 0)", "the numerical action of VECTOR SELECT is 0.5"),
    (
        "v = VECTOR SELECT(x[A!], x[A!], 0, 0, 4)",
        "the error action of VECTOR SELECT is 4. Use a whole number from 0 to 3.",
    ),
    (
        "v = VECTOR SELECT(SMOOTH(x[A!], 2), x[A!], 0, 0, 0)",
        "a state or a random number stands inside of VECTOR SELECT",
    ),
]


@pytest.mark.parametrize(("body", "part"), REFUSED, ids=[body for body, _ in REFUSED])
def test_what_is_not_known_to_be_right_is_refused(model: Path, body: str, part: str) -> None:
    """Parts of ranges, expressions where a vector must stand, and unknown actions have a message of their own."""
    with pytest.raises(ModelError) as caught:
        read_model(written(model, body))
    assert part in str(caught.value)
    assert "small.mdl, line 4, 'v'" in str(caught.value)


def test_a_broken_vector_is_no_second_problem(model: Path) -> None:
    """Where a vector's own definition is refused, the functions of it are not refused as well."""
    with pytest.raises(ModelError) as caught:
        read_model(written(model, "w[A] = 1 + ~~|\nv[A] = VECTOR RANK(w[A], 1)"))
    assert len(str(caught.value).splitlines()) == 1


ENDING = [
    ("v = VECTOR SELECT(none[A!], x[A!], 7, 0, 1) ~~| none[A] = 0", "v"),
    ("v = VECTOR SELECT(x[A!], x[A!], 7, 0, 2)", "v"),
    ("v = VECTOR SELECT(none[A!], x[A!], 7, 0, 3) ~~| none[A] = 0", "v"),
    ("v = VECTOR SELECT(x[A!], x[A!], 7, 0, strict) ~~| strict = 2", "v"),
    ("v = VECTOR SELECT(x[A!], x[A!], 7, 0, strict) ~~| strict = 9", "v"),
    ("v = VECTOR SELECT(x[A!], x[A!], 7, action, 0) ~~| action = 11", "v"),
    ("v = VECTOR SELECT(0 / (x[A!] - 1), x[A!], 7, 6, 0)", "v"),
    ("v = VECTOR ELM MAP(x[a1], 0.5)", "v"),
    ("v = IF THEN ELSE(VECTOR ELM MAP(x[a1], 0.5) > 0, 1, 2)", "v vector elm map"),
    ("v = VECTOR ELM MAP(q[a2, b1], 2)", "v"),
    ("v[B] = VECTOR REORDER(y[B], y[B])", "v"),
]


@pytest.mark.parametrize("engine", ["python", "llvm"])
@pytest.mark.parametrize(("body", "name"), ENDING, ids=[body for body, _ in ENDING])
def test_a_fault_ends_the_run(model: Path, body: str, name: str, engine: str) -> None:
    """What Vensim calls an error, or gives no rule for, ends the run with the variable's name, wherever it stands."""
    with pytest.raises(SimulationError, match=f"'{name}': the value is not finite at time 0"):
        simulate(written(model, body), engine=engine)


def test_selection_may_ask_for_one_element(model: Path) -> None:
    """The error actions let pass what they allow, and count the selection alone, not the pairs with the expression."""
    assert values(model, "v = VECTOR SELECT(x[A!], x[A!], 7, 0, 1)") == 14
    assert values(model, "v = VECTOR SELECT(one[A!], y[B!], 7, 6, 2) ~~| one[A] = 0, 1, 0") == 3
    assert values(model, "v = VECTOR SELECT(none[A!], x[A!], 7, 0, 2) ~~| none[A] = 0") == 7
    assert values(model, "v = VECTOR SELECT(one[A!], x[A!], 7, 0, strict) ~~| strict = 3 ~~| one[A] = 0, 1, 0") == 1


def test_selection_without_a_range_of_its_own_selects_all_or_nothing(model: Path) -> None:
    """A selection that does not run over the marked range holds for each of its elements."""
    assert values(model, "v[B] = VECTOR SELECT(chosen[B], z[A!, B], -1, 4, 2) ~~| chosen[B] = 0, 2") == [-1, 8]


def test_selections_may_stand_in_expressions(model: Path) -> None:
    """A selection inside of a sum, or of another selection, runs over its own ranges."""
    assert values(model, "v = 1 + SUM(y[B!] * VECTOR SELECT(z[A!, B!], x[A!], 0, 6, 0))") == 1 + 3 * 2 * 6
    inner = "VECTOR SELECT(y[B!], y[B!], 0, 6, 0)"
    assert values(model, f"v = VECTOR SELECT(x[A!], x[A!] * {inner}, 0, 6, 0)") == 18
    assert values(model, "v[B] = SUM(VECTOR SELECT(z[A!, B], x[A!], 0, 6, 0) * y[B!])") == [18, 18]


def test_elements_of_a_row_are_found_where_the_rows_are_part_of_a_range(model: Path) -> None:
    """Along whole ranges elements are counted even where an earlier subscript is a part of one."""
    assert values(model, "v[Part] = VECTOR ELM MAP(q[Part, b2], -1)") == [1, 3]


def test_vectors_may_come_out_of_a_macro(model: Path) -> None:
    """A macro may sort what it is given."""
    body = ":MACRO: place(vec)\nplace = VECTOR RANK(vec, 1) ~~|\n:END OF MACRO:\nv[A] = place(x[A])"
    assert values(model, body) == [3, 1, 2]


def test_a_vector_is_the_same_for_what_stands_before_it(model: Path) -> None:
    """A left side may have more subscripts than the vector; each row is the whole vector's order."""
    assert values(model, "v[B, A] = VECTOR SORT ORDER(x[A], 1)") == [[1, 2, 0], [1, 2, 0]]


def test_numbers_of_elements_are_no_constants(model: Path) -> None:
    """What counts the elements is shared between functions, has no unit, and is nothing that a run could change."""
    program = read_model(written(model, "v[A] = VECTOR RANK(x[A], 1) ~~| w[A] = VECTOR RANK(x[A], 0)"))
    counting = [quantity for quantity in program.quantities if quantity.name == "place in A"]
    assert [(quantity.kind, quantity.unit) for quantity in counting] == [("auxiliary", "Dmnl")]


@pytest.mark.parametrize(("unit", "number", "wrong"), [("Goods", "Dmnl", 0), ("Year", "Goods", 3)])
def test_units_pass_through(model: Path, unit: str, number: str, wrong: int) -> None:
    """What is selected or looked up has the unit of its variable; a place in an order is a pure number."""
    body = (
        f"g[A] = 4 ~ Goods ~| h = VECTOR ELM MAP(g[a1], x[a3]) ~ {unit} ~| r[A] = VECTOR SORT ORDER(g[A], 1) ~ {number}"
    )
    body += f" ~| l = VECTOR SELECT(x[A!], g[A!], 0, 8, 0) ~ {unit} ~| end = 1"
    found = [str(problem) for problem in check_units(read_model(written(model, body)))]
    assert len([one for one in found if "no unit is stated" not in one]) == wrong
