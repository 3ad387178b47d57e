"""What a scenario says is what a run does: numbers, on the engine that reads like the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdpolicy.backends import python
from sdpolicy.backends.base import FloatArray
from sdpolicy.errors import ScenarioError
from sdpolicy.lower import lower
from sdpolicy.scenario import Case, case
from tiny import TINY, read_tiny, write

HEAD = 'title = "T"\nmodel = "tiny"\n[run]\nsave = 0.25\n'


def run(chosen: Case, variable: str) -> FloatArray:
    """Return one variable of the run at all saved times."""
    lowered = lower(chosen.program)
    defaults = np.array(lowered.defaults)
    kernel = python.ENGINE.compile(lowered)
    return kernel.run(defaults, chosen.grid, chosen.method, [variable]).values[:, 0]


def composed(folder: Path, text: str) -> Case:
    """Return the case of a scenario of the tiny model."""
    write(folder, s=HEAD + text)
    return case(folder / "s.toml", read_tiny)


def at(chosen: Case, values: FloatArray, time: float) -> float:
    """Return the value at a time."""
    return float(values[round((time - chosen.grid.start) / chosen.grid.step)])


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_step(tmp_path: Path, method: str) -> None:
    """Before its time a step has the old value, from its time on the new one."""
    chosen = composed(
        tmp_path, f'method = "{method}"\n[path]\n"investment rate" = {{step = {{at = 1980, to = 0.2}}}}\n'
    )
    rate = run(chosen, "investment_rate")
    assert (at(chosen, rate, 1979.75), at(chosen, rate, 1980.0), at(chosen, rate, 2000.0)) == (0.1, 0.2, 0.2)


def test_linear_points(tmp_path: Path) -> None:
    """Between points the path is a line, beyond them it is level."""
    chosen = composed(tmp_path, '[path]\n"investment rate" = {points = [[1970, 0.1], [1980, 0.2]]}\n')
    rate = run(chosen, "investment_rate")
    assert (at(chosen, rate, 1960), at(chosen, rate, 2000)) == (0.1, 0.2)
    assert at(chosen, rate, 1975) == pytest.approx(0.15, rel=1e-14)


def test_step_points(tmp_path: Path) -> None:
    """With step interpolation each value holds until the next point."""
    text = '[path]\n"investment rate" = {points = [[1970, 0.1], [1980, 0.2]], interpolation = "step"}\n'
    chosen = composed(tmp_path, text)
    rate = run(chosen, "investment_rate")
    times = (1960.0, 1979.75, 1980.0, 2000.0)
    assert tuple(at(chosen, rate, time) for time in times) == (0.1, 0.1, 0.2, 0.2)


def test_pulse(tmp_path: Path) -> None:
    """A pulse is there from its start for its width, on top of its base."""
    text = "[path]\nmood = {pulse = {start = 1980, width = 2, height = 0.5, base = 1}}\n"
    chosen = composed(tmp_path, text)
    mood = run(chosen, "mood")
    times = (1979.75, 1980.0, 1981.75, 1982.0)
    assert tuple(at(chosen, mood, time) for time in times) == (1.0, 1.5, 1.5, 1.0)


def test_initial(tmp_path: Path) -> None:
    """A stock starts where the scenario says."""
    chosen = composed(tmp_path, "[initial]\ncapital = 50\n")
    assert at(chosen, run(chosen, "capital"), 1960) == 50.0


def test_cut_stops_the_loop(tmp_path: Path) -> None:
    """With the reinforcing link cut, investment stays what it was at the start, and capital finds its balance."""
    chosen = composed(tmp_path, '[set]\n"investment rate" = 0.2\n[cut]\nlinks = [["capital", "investment"]]\n')
    assert set(run(chosen, "investment")) == {20.0}
    assert at(chosen, run(chosen, "capital"), 2000) == pytest.approx(200.0 - 100.0 * (1 - 0.025) ** 160, rel=1e-12)


def test_frozen_stock_stays(tmp_path: Path) -> None:
    """A frozen stock keeps the value of its date, and is the same as before until then."""
    free = run(composed(tmp_path, '[set]\n"investment rate" = 0.2\n'), "capital")
    chosen = composed(tmp_path, '[set]\n"investment rate" = 0.2\n[freeze]\ncapital = 1985\n')
    frozen = run(chosen, "capital")
    assert frozen[:101].tolist() == free[:101].tolist()
    assert set(frozen[100:]) == {free[100]}


def test_frozen_auxiliary_stays(tmp_path: Path) -> None:
    """A frozen auxiliary keeps the value of its date, while what it acts on goes on."""
    text = '[set]\n"investment rate" = 0.2\n'
    free = run(composed(tmp_path, text), "investment")
    chosen = composed(tmp_path, f"{text}[freeze]\ninvestment = 1985\n")
    frozen = run(chosen, "investment")
    assert frozen[:101].tolist() == free[:101].tolist()
    assert set(frozen[100:]) == {free[100]}
    capital = run(chosen, "capital")
    assert capital[-1] > capital[100]


def test_nothing_changes_without_a_scenario(tmp_path: Path) -> None:
    """Composing and running leave the model as it was: A, B, A gives A."""
    first = run(case(TINY, read_tiny), "capital")
    run(composed(tmp_path, '[set]\n"investment rate" = 0.2\n'), "capital")
    assert run(case(TINY, read_tiny), "capital").tolist() == first.tolist()


WHOLE = """title = "T"
model = "tiny"
[set]
"life time" = {value = 3, unit = "Year", range = [1, 5], distribution = {uniform = [1, 5]}}
[path]
"world demand" = {points = [[1960, 1], [1970, 2]], interpolation = "step"}
"investment rate" = {step = {at = 1980, from = 0.1, to = 0.2}}
[cut]
links = [["capital", "investment"]]
[freeze]
investment = 1985
[run]
step = 0.5
save = 1
[expect.a]
variable = "Capital"
period = [1970, 1980]
is = ">"
value = 3
"""


@settings(max_examples=150, deadline=None)
@given(
    start=st.integers(0, len(WHOLE)),
    length=st.integers(0, 12),
    put=st.text(st.sampled_from("abc019.-\"'=[]{},\n \t#_\\\u202e\x00é"), max_size=6),
)
def test_damaged_files_give_messages(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int, put: str
) -> None:
    """Whatever is cut out of a scenario or put into it, the answer is a case or a list of problems."""
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    write(folder)
    (folder / "s.toml").write_text(WHOLE[:start] + put + WHOLE[start + length :], encoding="utf-8", newline="")
    try:
        case(folder / "s.toml", read_tiny)
    except ScenarioError as error:
        told = str(error)
        assert told.startswith(str(folder / "s.toml"))
        assert "\u202e" not in told
        assert "\x00" not in told
