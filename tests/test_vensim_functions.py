"""Vensim's functions with rules of their own: what they refuse, and what ends a run rather than give a wrong number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

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


def allocated(*arguments: object) -> str:
    """Return an allocation to the elements of A, and the variables that it may be given."""
    data = "r[A] = 4, 2, 3 ~~| p[A] = 2, 5, 1 ~~| q[A, Same] = 1 ~~| Same <-> A ~~| n = 3"
    return f"v[A] = ALLOCATE BY PRIORITY({', '.join(map(str, arguments))}) ~~| {data}"


WHO = "ALLOCATE BY PRIORITY takes variables whose last subscript"
WHOLE = "INVERT MATRIX takes a whole variable whose last two subscripts are the last two on the left"
REFUSED = [
    ("v = GET TIME VALUE(0, 1)", "GET TIME VALUE takes 3 arguments, not 2"),
    ("v = GET TIME VALUE(1, 0, 0)", "GET TIME VALUE relative to 1 is not supported. Use 0, the current time; from the"),
    ("v = GET TIME VALUE(2, 0, 10)", "GET TIME VALUE relative to 2 is not supported"),
    ("v = GET TIME VALUE(0, 0, 3)", "the measure 3 of GET TIME VALUE is not supported. Use 0, the unit of Time, and"),
    ("v = GET TIME VALUE(0, 0, m) ~~| m = 0", "the first and the last argument of GET TIME VALUE must be numbers"),
    ("v = RANDOM EXPONENTIAL(0, 1, 0, 1)", "RANDOM EXPONENTIAL takes 5 arguments, not 4"),
    ("v = RANDOM EXPONENTIAL(0, 9, SMOOTH(Time, 2), 1, 0)", "a random number stands inside of RANDOM EXPONENTIAL"),
    ("v = SUM(RANDOM TRIANGULAR(0, m[A!], 0, 1, 2, 0)) ~~| m[A] = 9", "RANDOM TRIANGULAR stands inside of SUM, PROD"),
    ("v = RANDOM GAMMA(0, 9, 2, 0, 1, 0)", "Use RANDOM UNIFORM, NORMAL, EXPONENTIAL or TRIANGULAR."),
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
    (allocated("r[A]", "p[A]", 3, 1), "a function has the wrong number of arguments"),
    (allocated("r[A] + 1", "p[A]", 3, 1, 5), f"{WHO}, with all its elements, is the last on the left. Write it as"),
    (allocated("r[A]", "p[a1]", 3, 1, 5), WHO),
    (allocated("r[A]", "q[A, A]", 3, 1, 5), WHO),
    (allocated("r[A]", "p[A]", 3, 1, 5).replace("v[A]", "v[A, C]"), WHO),
    (
        allocated("r[A]", "p[A]", 3, 1, 5).replace("v[A]", "v[a1]"),
        "the left side does not have the subscript range 'A'",
    ),
    (allocated("r[Part]", "p[Part]", 2, 1, 5).replace("v[A]", "v[Part]"), WHO),
    (
        allocated("r[A]", "p[A]", 2, 1, 5),
        "the size of ALLOCATE BY PRIORITY must be the number of requests, 3. Write it",
    ),
    (allocated("r[A]", "p[A]", "n", 1, 5), "the size of ALLOCATE BY PRIORITY must be the number of requests, 3"),
    (allocated("r[A]", "p[A]", 3, "p[A]", 5), "the width of ALLOCATE BY PRIORITY must be the same for all requests"),
    (allocated("r[A]", "p[A]", 3, 1, "r[A]"), "the supply of ALLOCATE BY PRIORITY must be the same for all requests"),
    ("v = SUM(ALLOCATE BY PRIORITY(r[A!], p[A!], 3, 1, 5)) ~~| r[A] = 1 ~~| p[A] = 1", "stands inside of SUM, PROD"),
    ("v[A] = ALLOCATE AVAILABLE(r[A], p[A], 5) ~~| r[A] = 1 ~~| p[A] = 1", "the function ALLOCATE AVAILABLE is not"),
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


def by_bisection(requests: np.ndarray, priorities: np.ndarray, width: float, supply: float) -> np.ndarray:
    """Return an allocation at the price that clears the market, found by halving."""
    low, high = priorities.min() - width, priorities.max()
    for _ in range(200):
        price = (low + high) / 2
        served = requests * np.clip((priorities - price) / width, 0, 1)
        low, high = (low, price) if served.sum() < supply else (price, high)
    return served  # type: ignore[no-any-return]


@pytest.mark.parametrize("engine", ["python", "llvm"])
@pytest.mark.parametrize("width", [0.001, 0.7, 30])
def test_allocations_clear_the_market(model: Path, width: float, engine: str) -> None:
    """What is given adds up to the supply, and is what requests get at one price, whether they overlap or not."""
    random = np.random.default_rng(11)
    requests, priorities = random.uniform(0, 9, size=8).round(3), random.integers(0, 6, size=8) + 0.0
    numbers = f"r[L] = {', '.join(map(str, requests))} ~~| p[L] = {', '.join(map(str, priorities))}"
    body = f"L: (l1-l8) ~~| {numbers} ~~| s = {requests.sum()} * (Time + 0.3) / 4 ~~|"
    found = simulate(written(model, f"{body} v[L] = ALLOCATE BY PRIORITY(r[L], p[L], 8, {width}, s)"), engine=engine)
    for values, supply in zip(found["v"].values, found["s"].values, strict=True):
        np.testing.assert_allclose(values, by_bisection(requests, priorities, width, supply), rtol=0, atol=1e-9)
        assert values.sum() == pytest.approx(supply, rel=1e-14)


@pytest.mark.parametrize("engine", ["python", "llvm"])
@pytest.mark.parametrize(
    "body",
    [
        allocated("r[A]", "p[A]", 3, 0, 5),
        allocated("r[A]", "p[A]", 3, "1 - Time", 100),
        allocated("r[A]", "p[A]", 3, 1, "0 - Time"),
        allocated("w[A]", "p[A]", 3, 1, 5) + " ~~| w[A] = 4, 2, -1",
    ],
)
def test_an_allocation_without_a_rule_ends_the_run(model: Path, body: str, engine: str) -> None:
    """A width that is not above 0, or a supply or request below it, ends the run with the variable's name."""
    with pytest.raises(SimulationError, match=r"'v': the value is not finite at time [01]"):
        simulate(written(model, body), engine=engine)


@pytest.mark.parametrize(
    ("supply", "width", "result", "wrong"),
    [("Goods", "Points", "Goods", 0), ("Goods", "Points", "Year", 1), ("Year", "Points", "Goods", 1)],
)
def test_what_is_allocated_has_the_unit_of_the_requests(
    model: Path, supply: str, width: str, result: str, wrong: int
) -> None:
    """Requests, supply and result have one unit, priorities and width another."""
    body = f"r[A] = 4 ~ Goods ~| p[A] = 2 ~ Points ~| w = 1 ~ {width} ~| s = 5 ~ {supply} ~| end = 1 ~ Dmnl ~|"
    body += f" v[A] = ALLOCATE BY PRIORITY(r[A], p[A], 3, w, s) ~ {result}"
    assert len(check_units(read_model(written(model, body)))) == wrong


def test_priorities_and_width_have_one_unit(model: Path) -> None:
    """A width in another unit than the priorities is noted."""
    body = "r[A] = 4 ~ Goods ~| p[A] = 2 ~ Points ~| w = 1 ~ Goods ~| end = 1 ~ Dmnl ~|"
    assert wrong_units(model, body + " v[A] = ALLOCATE BY PRIORITY(r[A], p[A], 3, w, 5) ~ Goods")


@dataclass(frozen=True)
class _Part:
    """The part of a distribution between two values."""

    whole: Any
    least: float
    largest: float

    def cdf(self, value: np.ndarray) -> np.ndarray:
        first, last = self.whole.cdf(self.least), self.whole.cdf(self.largest)
        return (self.whole.cdf(value) - first) / (last - first)  # type: ignore[no-any-return]


DRAWS = [
    ("RANDOM EXPONENTIAL(0, 10000, 0, 1, 3)", stats.truncexpon(10000)),
    ("RANDOM EXPONENTIAL(2, 100, 0, 1, 3)", stats.truncexpon(98, 2)),
    ("RANDOM EXPONENTIAL(3, 6.9, 5, 5, 3)", stats.truncexpon(1.9 / 5, 5, 5)),
    ("RANDOM TRIANGULAR(0, 9, 2, 3, 7, 3)", stats.triang(0.2, 2, 5)),
    ("RANDOM TRIANGULAR(0, 9, 2, 2, 7, 3)", stats.triang(0, 2, 5)),
    ("RANDOM TRIANGULAR(0, 9, 2, 7, 7, 3)", stats.triang(1, 2, 5)),
    ("RANDOM TRIANGULAR(2.5, 6, 2, 3, 7, 3)", _Part(stats.triang(0.2, 2, 5), 2.5, 6)),
    ("RANDOM TRIANGULAR(-1, 2.5, 2, 3, 7, 3)", _Part(stats.triang(0.2, 2, 5), 2, 2.5)),
    ("RANDOM NORMAL(-1000, 1000, 3, 2, 3)", stats.norm(3, 2)),
    ("RANDOM NORMAL(0, 1000, 0, 1, 3)", stats.truncnorm(0, 1000)),
    ("RANDOM NORMAL(1, 2, 5, 2, 3)", stats.truncnorm(-2, -1.5, 5, 2)),
    ("RANDOM NORMAL(13, 99, 1, 2, 3)", stats.truncnorm(6, 49, 1, 2)),
]


def drawn(model: Path, call: str, engine: str) -> np.ndarray:
    """Return 4000 draws and one."""
    path = written(model, f"v = {call}")
    text = path.read_text(encoding="utf-8").replace("FINAL TIME = 3", "FINAL TIME = 4000")
    path.write_text(text, encoding="utf-8")
    return simulate(path, engine=engine)["v"].values


@pytest.mark.parametrize(("call", "expected"), DRAWS, ids=[call for call, _ in DRAWS])
def test_draws_have_their_distribution(model: Path, call: str, expected: Any) -> None:
    """Draws are spread as Vensim's guide says, truncated ones as those of the others that lie between the bounds."""
    found = drawn(model, call, "llvm")
    assert stats.kstest(found, expected.cdf).pvalue > 0.01
    np.testing.assert_allclose(drawn(model, call, "python"), found, rtol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        "RANDOM EXPONENTIAL(0, 1, 2, 1, 0)",
        "RANDOM EXPONENTIAL(3, 3, 2, 1, 0)",
        "RANDOM EXPONENTIAL(0, 9, 2, 0, 0)",
        "RANDOM TRIANGULAR(0, 9, 2, 8, 7, 0)",
        "RANDOM TRIANGULAR(0, 9, 2, 2, 2, 0)",
        "RANDOM TRIANGULAR(7, 9, 2, 3, 7, 0)",
        "RANDOM NORMAL(2, 1, 0, 1, 0)",
    ],
)
def test_where_nothing_can_be_drawn_the_run_ends(model: Path, call: str) -> None:
    """Bounds that leave nothing of a distribution, or a distribution that is none, end the run."""
    with pytest.raises(SimulationError, match="'v"):
        simulate(written(model, f"v = {call}"), engine="python")


def test_draws_in_expressions_are_those_of_their_own(model: Path) -> None:
    """Each element, and each call, has draws of its own; what stands in an expression is a part of it."""
    body = "v[A] = 2 + RANDOM EXPONENTIAL(0, 9, 0, 1, 1) - RANDOM TRIANGULAR(0, 1, 0, 0.5, 1, 1)"
    found = simulate(written(model, body), engine="python")["v"].values
    assert len(np.unique(found)) == found.size
