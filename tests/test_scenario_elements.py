"""Single elements of constants with dimensions can be set by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdpolicy.errors import ScenarioError
from sdpolicy.expression import At, Axis, Num
from sdpolicy.program import Dimension, Equation, Program, Quantity
from sdpolicy.scenario import Case, case, compose
from tiny import TINY, write

PLACE = Dimension("Place", ("north", "south", "far east"))
GOOD = Dimension("Good", ("rice", "steel"))
LOOP = (Axis("i", 3), Axis("j", 2))
PRICE = Program(
    "places",
    (
        *TINY.quantities,
        Quantity("price", "price", "constant", "Year", dimensions=(PLACE, GOOD), high=50.0),
        Quantity("wage", "wage", "constant", "Year", dimensions=(PLACE,)),
    ),
    TINY.stocks,
    (
        *TINY.equations,
        Equation("price", Num(7.0), LOOP, (At("i", (0, 1, 2)), At("j", (0, 1)))),
        *(Equation("wage", Num(float(n)), index=(n,)) for n in range(3)),
    ),
)
HEAD = 'title = "T"\nmodel = "tiny"\n'


def composed(folder: Path, text: str) -> Case:
    """Return the case of a scenario of the model with places."""
    write(folder, s=HEAD + text)
    return case(folder / "s.toml", lambda _: PRICE)


def numbers(chosen: Case, name: str) -> dict[tuple[object, ...], float]:
    """Return the elements of a constant by position, where its equations are written out."""
    bodies = {e.index: e.body for e in chosen.program.equations if e.target == name}
    return {index: body.value for index, body in bodies.items() if isinstance(body, Num)}


def test_one_element(tmp_path: Path) -> None:
    """The element has the new number, in the model's unit, the others keep theirs."""
    chosen = composed(tmp_path, '[set]\n"Price[far_east, STEEL]" = {value = 24, unit = "Months"}\n')
    assert [(item.name, item.value) for item in chosen.applied] == [("price[far east,steel]", 2.0)]
    assert list(numbers(chosen, "price").values()) == [7.0, 7.0, 7.0, 7.0, 7.0, 2.0]


def test_element_over_whole(tmp_path: Path) -> None:
    """In one file an element overrules its whole variable, wherever it stands."""
    chosen = composed(tmp_path, '[set]\n"wage[south]" = 5\nwage = 9\n')
    assert numbers(chosen, "wage") == {(0,): 9.0, (1,): 5.0, (2,): 9.0}


def test_whole_of_a_child_over_element_of_a_parent(tmp_path: Path) -> None:
    """A whole variable overrules elements that a parent gave."""
    write(tmp_path, p=HEAD + '[set]\n"wage[south]" = 5\n', s='title = "S"\nextends = "p"\n[set]\nwage = 9\n')
    assert set(numbers(case(tmp_path / "s.toml", lambda _: PRICE), "wage").values()) == {9.0}


def test_element_from_the_command_line(tmp_path: Path) -> None:
    """The command line may give an element; a whole variable from there overrules elements."""
    scenario = composed(tmp_path, '[set]\n"wage[south]" = 5\n').scenario
    assert numbers(compose(PRICE, scenario, {"wage[ South ]": 6.0}), "wage") == {(0,): 0.0, (1,): 6.0, (2,): 2.0}
    assert set(numbers(compose(PRICE, scenario, {"wage": 8.0}), "wage").values()) == {8.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[set]\n"wage[souht]" = 1\n', "[set] 'wage[souht]': 'Place' has no element 'souht'. Did you mean 'south'?"),
        ('[set]\n"price[south]" = 1\n', "[set] 'price[south]': 1 elements are given, and there are 2. "),
        ('[set]\n"price[south,rice]" = 60\n', "[set] 'price[south,rice]': the value 60 is outside the limits"),
        ('[set]\n"wage[south]" = 1\n"Wage[ South]" = 1\n', "[set] 'Wage[ South]': the variable was given already"),
        (
            '[path]\n"wage[south]" = {points = [[1960, 1]]}\n',
            "[path] 'wage[south]': single elements can be",
        ),
    ],
)
def test_faulty_elements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    """A faulty element is told like any other name."""
    monkeypatch.chdir(write(tmp_path, s=HEAD + text))
    with pytest.raises(ScenarioError) as caught:
        case("s.toml", lambda _: PRICE)
    assert str(caught.value).startswith(f"s.toml, {message}")


def test_path_and_element_together(tmp_path: Path) -> None:
    """A variable that is given a path as a whole cannot have single numbers besides."""
    text = '[set]\n"wage[south]" = 1\n[path]\nwage = {points = [[1960, 1]]}\n'
    with pytest.raises(ScenarioError, match="'wage' is given a path as a whole"):
        composed(tmp_path, text)
