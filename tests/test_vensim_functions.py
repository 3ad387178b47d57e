"""Vensim's functions with rules of their own: what they refuse, and what ends a run rather than give a wrong number."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdpolicy.errors import ModelError
from sdpolicy.units import check_units
from sdpolicy.vensim import read_model

CONTROL = "INITIAL TIME = 0 ~ Year ~|\nFINAL TIME = 3 ~ Year ~|\nTIME STEP = 1 ~ Year ~|\nSAVEPER = TIME STEP ~ Year ~|\n"
RANGES = "A: a1, a2, a3 ~~| Part: a2, a3 ~~| B: b1, b2, b3 ~~| C: c1, c2 ~~|\n"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the place of a model; nothing is cached."""
    monkeypatch.setenv("SDPOLICY_CACHE", "")
    return tmp_path / "small.mdl"


def written(model: Path, body: str) -> Path:
    """Write a model with these equations, from line 3 on, and return its path."""
    model.write_text("{UTF-8}\n" + RANGES + body + " ~~|\n" + CONTROL, encoding="utf-8")
    return model


REFUSED = [
    ("v = GET TIME VALUE(0, 1)", "GET TIME VALUE takes 3 arguments, not 2"),
    ("v = GET TIME VALUE(1, 0, 0)", "GET TIME VALUE relative to 1 is not supported. Use 0, the current time; from the"),
    ("v = GET TIME VALUE(2, 0, 10)", "GET TIME VALUE relative to 2 is not supported"),
    ("v = GET TIME VALUE(0, 0, 3)", "the measure 3 of GET TIME VALUE is not supported. Use 0, the unit of Time, and"),
    ("v = GET TIME VALUE(0, 0, m) ~~| m = 0", "the first and the last argument of GET TIME VALUE must be numbers"),
]


@pytest.mark.parametrize(("body", "part"), REFUSED, ids=[body for body, _ in REFUSED])
def test_what_is_not_known_to_be_right_is_refused(model: Path, body: str, part: str) -> None:
    """What Vensim's guide and its output on record don't determine has a message of its own."""
    with pytest.raises(ModelError) as caught:
        read_model(written(model, body))
    assert part in str(caught.value)
    assert "small.mdl, line 3, 'v'" in str(caught.value)


def wrong_units(model: Path, body: str) -> list[str]:
    """Return what is wrong with the units of these equations, but for those that state none."""
    found = map(str, check_units(read_model(written(model, body))))
    return [one for one in found if "no unit is stated" not in one]


@pytest.mark.parametrize(("unit", "wrong"), [("Year", 0), ("Goods", 1)])
def test_a_time_value_is_a_time(model: Path, unit: str, wrong: int) -> None:
    """What GET TIME VALUE gives has the unit of Time, as its offset has."""
    body = f"shift = 2 ~ Year ~| v = GET TIME VALUE(0, shift, 0) ~ {unit} ~| end = 1"
    assert len(wrong_units(model, body)) == wrong
