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
