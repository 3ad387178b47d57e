"""Vensim's functions with rules of their own: what they refuse, and what ends a run rather than give a wrong number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdpolicy.errors import ModelError, SimulationError
from sdpolicy.run import simulate
from sdpolicy.units import check_units
from sdpolicy.vensim import read_model

CONTROL = "INITIAL TIME = 0 ~ Year ~|\nFINAL TIME = 3 ~ Year ~|\nTIME STEP = 1 ~ Year ~|\nSAVEPER = 1 ~ Year ~|\n"
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


WHOLE = "INVERT MATRIX takes a whole variable whose last two subscripts are the last two on the left"
REFUSED = [
    ("v = GET TIME VALUE(0, 1)", "GET TIME VALUE takes 3 arguments, not 2"),
    ("v = GET TIME VALUE(1, 0, 0)", "GET TIME VALUE relative to 1 is not supported. Use 0, the current time; from the"),
    ("v = GET TIME VALUE(2, 0, 10)", "GET TIME VALUE relative to 2 is not supported"),
    ("v = GET TIME VALUE(0, 0, 3)", "the measure 3 of GET TIME VALUE is not supported. Use 0, the unit of Time, and"),
    ("v = GET TIME VALUE(0, 0, m) ~~| m = 0", "the first and the last argument of GET TIME VALUE must be numbers"),
    ("v[A, B] = INVERT MATRIX(m[A, B]) ~~| m[A, B] = 1", "INVERT MATRIX takes 2 arguments, not 1"),
    ("v[A, B] = 2 * INVERT MATRIX(m[A, B], 3) ~~| m[A, B] = 1", "INVERT MATRIX must stand alone on the right side"),
    ("v[A, B] = INVERT MATRIX(m[B, A], 3) ~~| m[B, A] = 1", f"{WHOLE}. Write it as inverse[row, column] = INVERT"),
    ("v[A, B] = INVERT MATRIX(2 * m[A, B], 3) ~~| m[A, B] = 1", "INVERT MATRIX takes a variable whose last two"),
    ("v[A] = INVERT MATRIX(m[A, B], 3) ~~| m[A, B] = 1", "'B'"),
    ("v[A, b1] = INVERT MATRIX(m[A, b1], 3) ~~| m[A, B] = 1", "INVERT MATRIX takes a variable whose last two"),
    ("v[Part, C] = INVERT MATRIX(m[Part, C], 2) ~~| m[A, C] = 1", WHOLE),
    ("v[A, B] = INVERT MATRIX(m[A, A, B], 3) ~~| m[A, Same, B] = 1 ~~| Same <-> A", "stands in two places"),
    ("v[A, C] = INVERT MATRIX(m[A, C], 3) ~~| m[A, C] = 1", "must have the same number of rows and columns"),
    ("v[A, B] = INVERT MATRIX(m[A, B], 2) ~~| m[A, B] = 1", "Write the size as a number, or with ELMCOUNT."),
    ("v[A, B] = INVERT MATRIX(m[A, B], n) ~~| m[A, B] = 1 ~~| n = 3", "Write the size as a number"),
    ("v[L, K] = INVERT MATRIX(m[L, K], 51) ~~| m[L, K] = 1 ~~| L: (l1-l51) ~~| K: (k1-k51)", "of more than 50 rows"),
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


def rows(matrix: np.ndarray) -> str:
    """Return a matrix as a model's text."""
    return "".join(", ".join(map(repr, row)) + "; " for row in matrix.tolist())


def square(model: Path, matrix: np.ndarray) -> Path:
    """Write a model with the inverse of a matrix that changes in time."""
    size = len(matrix)
    body = f"L: (l1-l{size}) ~~| K: (k1-k{size}) ~~| m[L, K] = {rows(matrix)} ~~| t[L, K] = m[L, K] / (1 + Time) ~~|"
    return written(model, body + " v[L, K] = INVERT MATRIX(t[L, K], ELMCOUNT(L))")


@pytest.mark.parametrize("engine", ["python", "llvm"])
@pytest.mark.parametrize("kind", ["full", "pivots", "scaled"])
def test_inverses_agree_with_another_program(model: Path, kind: str, engine: str) -> None:
    """Full matrices, those whose diagonal is 0, and those of rows in other units have the inverse that NumPy finds."""
    noise = np.random.default_rng(7).normal(size=(9, 9))
    units = 10.0 ** np.arange(-12, 15, 3)
    matrix = {"full": noise, "pivots": np.roll(np.diag(np.arange(1.0, 10.0)), 4, axis=1), "scaled": noise * units}[kind]
    found = simulate(square(model, matrix), engine=engine)["v"].values
    for time in range(4):
        expected = np.linalg.inv(noise if kind == "scaled" else matrix) * (1 + time)
        seen = found[time] * units[:, None] if kind == "scaled" else found[time]
        np.testing.assert_allclose(seen, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


SINGULAR = ["6, 12; 1, 2;", "0, 0; 0, 0;", "0, 1; 0, 2;", "0.1, 0.3; 0.7, 2.1;", "1, 2; 2, 4.0000000000001;"]


@pytest.mark.parametrize("engine", ["python", "llvm"])
@pytest.mark.parametrize("text", SINGULAR)
def test_a_matrix_without_an_inverse_ends_the_run(model: Path, text: str, engine: str) -> None:
    """Where there is no inverse, or one of which rounding leaves nothing, the run names what was to be it."""
    body = f"D <-> C ~~| m[C, D] = {text} ~~| v[C, D] = INVERT MATRIX(m[C, D], 2)"
    with pytest.raises(SimulationError, match="'v': the value is not finite at time 0"):
        simulate(written(model, body), engine=engine)


def test_a_matrix_over_a_part_of_a_range_has_an_inverse(model: Path) -> None:
    """A variable with subscripts over a part of a range is whole when it has no other elements."""
    body = "P <-> Part ~~| m[Part, P] = 0, 4; 2, 0; ~~| v[Part, P] = INVERT MATRIX(m[Part, P], 2)"
    found = simulate(written(model, body), engine="python")["v"]
    assert found.isel(time=0).values.tolist() == [[0, 0.5], [0.25, 0]]


def test_what_a_function_hides_needs_no_unit(model: Path) -> None:
    """A model whose author has stated every unit is told of none that is missing."""
    body = "D <-> C ~~| m[C, D] = 0, 4; 2, 0; ~ Dmnl ~| v[C, D] = INVERT MATRIX(m[C, D], 2) ~ Dmnl ~| end = 1 ~ Dmnl"
    assert not check_units(read_model(written(model, body)))
