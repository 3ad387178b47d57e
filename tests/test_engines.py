"""Tests of the engines against each other and against known solutions."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sdpolicy import SettingsError, SimulationError, simulate
from sdpolicy.backends import adaptive, python
from sdpolicy.expression import TIME
from sdpolicy.integrators import ADAPTIVE, Grid
from sdpolicy.lower import lower
from sdpolicy.vensim import read_model
from small import op, program

MODEL = r"""{UTF-8}
Capital = INTEG(Investment - Depreciation, 100.0) ~ $ ~|
Investment = Capital * rate * effect(Capital / 500.0) + STEP(2.0, 1970.0) ~ $/Year ~|
effect([(0,0)-(2,1)],(0,1),(0.5,0.8),(1,0.3),(2,0)) ~ Dmnl ~|
"R&D rate" = 0.1 ~ 1/Year ~|
rate = "R&D rate" * SMOOTH3(wave, 3.0) ~ 1/Year ~|
wave = 1.0 + 0.5 * SIN(Time / 3.0) + PULSE(1980.0, 2.0) + RAMP(0.01, 1985.0, 1990.0) ~ Dmnl ~|
Depreciation = Capital / life ~ $/Year ~|
life = 20.0 ~ Year ~|
delivered = DELAY3(Investment, 4.0) ~ $/Year ~|
kept = SAMPLE IF TRUE(Time > 1975.0 :AND: Time < 1980.0, Capital, 0.0) ~ $ ~|
late = DELAY FIXED(Capital, 5.0, 0.0) ~ $ ~|
INITIAL TIME = 1962 ~ Year ~|
FINAL TIME = 2010 ~ Year ~|
TIME STEP = 0.25 ~ Year ~|
SAVEPER = 1 ~ Year ~|
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model file in a folder of its own."""
    path = tmp_path / "growth.mdl"
    path.write_text(MODEL, encoding="utf-8")
    return path


def test_the_engines_agree_on_every_variable(model: Path) -> None:
    """PySD's own translation and our generated text give the same numbers to 1e-12."""
    ours, reference = simulate(model, method="euler"), simulate(model, engine="pysd", method="euler")
    for name in ours:
        np.testing.assert_allclose(ours[name], reference[name], rtol=1e-12, atol=0.0, err_msg=str(name))


def test_the_reference_keeps_the_digits_of_tables(tmp_path: Path) -> None:
    """PySD alone rounds the points of a table to eight decimals; mended, it agrees to the last digits."""
    path = tmp_path / "digits.mdl"
    path.write_text(MODEL.replace("(0.5,0.8)", "(0.5,0.8000000012345)"), encoding="utf-8")
    ours, reference = simulate(path, method="euler"), simulate(path, engine="pysd", method="euler")
    np.testing.assert_allclose(ours["Capital"], reference["Capital"], rtol=1e-13)


def test_the_reference_starts_when_the_scenario_says(model: Path, tmp_path: Path) -> None:
    """A start before the model's own is PySD's start too."""
    scenario = tmp_path / "early.toml"
    text = f'title = "t"\nquestion = "q"\nmodel = "{model.name}"\n[run]\nstart = 1950.0\n'
    scenario.write_text(text, encoding="utf-8")
    ours, reference = simulate(scenario), simulate(scenario, engine="pysd")
    assert float(ours.time[0]) == 1950.0
    np.testing.assert_allclose(ours["Capital"], reference["Capital"], rtol=1e-12)


@pytest.mark.parametrize("scenario", ["core-korea", "korea", "taiwan", "japan"])
def test_shipped_models_agree_with_the_reference(scenario: str) -> None:
    """Every variable, at every saved time: to 1e-12 of its own value or, for residuals near 0, of the run's flows."""
    ours = simulate(scenario, method="euler")
    reference = simulate(scenario, engine="pysd", method="euler")
    for name in ours:
        np.testing.assert_allclose(ours[name], reference[name], rtol=1e-12, atol=1e-11, err_msg=str(name))


def test_runs_leave_no_trace_in_later_runs(model: Path) -> None:
    """A, B, A gives A to the last bit, on both engines."""
    for engine in ("llvm", "python", "pysd"):
        first = simulate(model, engine=engine)
        other = simulate(model, engine=engine, overrides={"life": 10.0}, step=0.125)
        again = simulate(model, engine=engine)
        assert first.identical(again)
        assert not np.array_equal(first["Capital"], other["Capital"])


def test_nothing_is_written_beside_the_model(model: Path) -> None:
    """Both engines leave the model's folder as it was."""
    for engine in ("llvm", "python", "pysd"):
        simulate(model, engine=engine)
    assert [path.name for path in model.parent.iterdir()] == [model.name]


def test_two_processes_at_once_do_not_disturb_each_other(model: Path, tmp_path: Path) -> None:
    """Both translate into one cold cache at the same moment, and both give the right numbers."""
    script = (
        "import sys; from sdpolicy import simulate\n"
        "print(repr(float(simulate(sys.argv[1], engine=sys.argv[2])['Capital'][-1])))"
    )
    environment = {**__import__("os").environ, "SDPOLICY_CACHE": str(tmp_path / "cache")}
    runs = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", script, str(model), engine],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for engine in ("pysd", "pysd", "llvm", "llvm")
    ]
    found = [float(run.communicate(timeout=120)[0]) for run in runs]
    assert found == pytest.approx([found[0]] * 4, rel=1e-12)


def test_the_reference_is_not_given_a_name_that_could_leave_a_string(tmp_path: Path) -> None:
    """A model with a backslash in a name is refused before PySD makes Python of it."""
    path = tmp_path / "odd.mdl"
    path.write_text(MODEL.replace("wave", '"wa\\ve"'), encoding="utf-8")
    with pytest.raises(SimulationError, match="not handed to PySD"):
        simulate(path, engine="pysd")


def test_the_reference_runs_the_comments_of_a_model_as_nothing(tmp_path: Path) -> None:
    """A comment that looks like the end of a docstring is no code."""
    path, proof = tmp_path / "hostile.mdl", tmp_path / "proof"
    comment = f'"""\nopen({str(proof)!r}, "w")\n"""'
    path.write_text(MODEL.replace("life = 20.0 ~ Year ~|", f"life = 20.0 ~ Year ~ {comment} |"), encoding="utf-8")
    simulate(path, engine="pysd")
    assert not proof.exists()


def test_the_reference_takes_paths_and_starting_values(model: Path, tmp_path: Path) -> None:
    """What a scenario sets, paths and starts reaches PySD as it reaches our own engine."""
    assert model.name == "growth.mdl"
    scenario = tmp_path / "s.toml"
    scenario.write_text(
        'title = "t"\nquestion = "q"\nmodel = "growth.mdl"\n[set]\nlife = 15.0\n[initial]\nCapital = 80.0\n'
        '[path]\n"R&D rate" = {points = [[1970, 0.1], [1990, 0.05]]}\n'
        "wave = {step = {at = 1975, from = 1.0, to = 1.2}}\n",
        encoding="utf-8",
    )
    ours, reference = simulate(scenario, method="euler"), simulate(scenario, engine="pysd", method="euler")
    np.testing.assert_allclose(ours["Capital"], reference["Capital"], rtol=1e-12)
    assert float(ours["Capital"][0]) == 80.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "pysd", "method": "rk4"}, "knows Euler only"),
        ({"engine": "python", "method": "rk23"}, "'python' does not have the method 'rk23'"),
        ({"engine": "numpy"}, "there is no engine 'numpy'"),
    ],
)
def test_engines_refuse_what_they_lack(model: Path, settings: dict[str, str], message: str) -> None:
    """An engine that does not exist, or a method that it does not have, is a clear error."""
    with pytest.raises(SettingsError, match=message):
        simulate(model, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ["llvm", "python"])
def test_more_rows_than_memory_holds_are_refused(model: Path, engine: str) -> None:
    """A step a million million times too short ends in a sentence, not in an exception of the machine."""
    with pytest.raises(SettingsError, match=r"48,000,000,000,001 saved rows of all variables would fill .* Save less"):
        simulate(model, engine=engine, step=1e-12, save=1e-12)


def test_a_machine_that_has_less_memory_says_the_same(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one machine holds another may not: the run's own failure to find memory is said so as well."""

    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(type(python.ENGINE.compile(lower(read_model(model)))), "run", fails)
    with pytest.raises(SettingsError, match=r"49 saved rows of all variables would fill 0.0 GiB of memory"):
        simulate(model, engine="python")


def test_a_value_that_is_not_finite_is_named_with_what_it_came_from(model: Path) -> None:
    """The message has the variable, the time and the inputs."""
    with pytest.raises(SimulationError, match=r"'Depreciation': .* at time 1962; .* 'life' = 0\."):
        simulate(model, overrides={"life": 0.0})


def test_the_embedded_pair_comes_near_the_most_exact_method(model: Path) -> None:
    """With steps of its own, rk23 lies within 1e-6 of dop853 where the grid's step is as long as a year."""
    exact = simulate(model, method="dop853", step=1.0)["Capital"]
    np.testing.assert_allclose(simulate(model, method="rk23", step=1.0)["Capital"], exact, rtol=1e-6)
    assert abs(simulate(model, method="rk4", step=1.0)["Capital"] / exact - 1.0).max() > 1e-5


@pytest.mark.parametrize("method", sorted(ADAPTIVE))
def test_variable_step_methods_meet_a_known_solution(method: str) -> None:
    """The logistic curve comes out to 1e-8 with each solver."""
    growth = op("mul", op("mul", "r", "x"), op("sub", 1.0, "x"))
    lowered = lower(program({"x": (growth, 0.1)}, {"r": 0.8}))
    run = adaptive.ENGINE.compile(lowered).run(np.array(lowered.defaults), Grid.of(0, 10, 0.25, 1), method, ["x"])
    exact = 1.0 / (1.0 + 9.0 * np.exp(-0.8 * np.arange(11.0)))
    np.testing.assert_allclose(run.values[:, 0], exact, rtol=1e-8)


def test_variable_step_methods_stop_at_switches() -> None:
    """A pulse much shorter than the solver would step is not missed."""
    lowered = lower(program({"x": (op("pulse", 5.0, 0.25), 0.0)}, {}))
    run = adaptive.ENGINE.compile(lowered).run(np.array(lowered.defaults), Grid.of(0, 10, 0.25, 10), "dop853", ["x"])
    assert run.values[-1, 0] == pytest.approx(0.25, rel=1e-12)


def test_variable_step_methods_stop_at_the_ends_of_ramps() -> None:
    """The corners of a ramp off the grid cost no accuracy."""
    lowered = lower(program({"x": (op("ramp", 1.0, 2.1, 4.7), 0.0)}, {}))
    run = adaptive.ENGINE.compile(lowered).run(np.array(lowered.defaults), Grid.of(0, 10, 0.25, 10), "dop853", ["x"])
    assert run.values[-1, 0] == pytest.approx(2.6**2 / 2 + 2.6 * 5.3, rel=1e-12)


def test_euler_against_a_variable_step_method_has_a_first_order_error(model: Path) -> None:
    """Halving Euler's step halves its distance to dop853; RK4 at the model's step is far nearer."""
    text = "\n".join(line for line in MODEL.splitlines() if not line.startswith(("kept", "late", "wave")))
    model.write_text(text + "\nwave = 1.0 + 0.5 * SIN(Time / 3.0) ~ Dmnl ~|\n", encoding="utf-8")
    exact = simulate(model, method="dop853")["Capital"]

    def error(method: str, step: float) -> float:
        found = simulate(model, method=method, step=step)["Capital"]
        return float(np.max(np.abs(found / exact - 1.0)))

    assert error("euler", 0.25) / error("euler", 0.125) == pytest.approx(2.0, abs=0.2)
    assert error("rk4", 0.25) < 1e-4 * error("euler", 0.25) * 100


def test_time_functions_switch_where_the_manual_says() -> None:
    """STEP, PULSE and PULSE TRAIN at the times that Vensim's manual gives for them."""
    model = program(
        {},
        {
            "step": op("step", 2.0, 5.0),
            "pulse": op("pulse", 2.0, 1.0),
            "train": op("pulse train", 1.0, 0.5, 2.0, 6.0),
            "ramp": op("ramp", 2.0, 1.0, 3.0),
            "clock": op("mul", TIME, 1.0),
        },
        time_step=0.5,
    )
    lowered = lower(model)
    kernel = python.ENGINE.compile(lowered)
    names = ["clock", "step", "pulse", "train", "ramp"]
    table = kernel.run(np.array(lowered.defaults), Grid.of(0, 10, 0.5, 0.5), "euler", names).values
    on = {name: [t for t, v in zip(table[:, 0], table[:, i], strict=True) if v] for i, name in enumerate(names)}
    assert on["step"][0] == 5.0
    assert on["pulse"] == [2.0, 2.5]
    assert on["train"] == [1.0, 3.0, 5.0]
    assert table[:, 4].max() == 4.0
    assert math.isclose(table[4, 4], 2.0)


def test_results_hold_what_the_model_s_author_wrote(tmp_path: Path) -> None:
    """What stands behind a function or inside a macro is computed, and no variable of the results."""
    text = (
        "{UTF-8}\n:MACRO: TWICE(x)\nTWICE = inner + inner ~~|\ninner = x ~~|\n:END OF MACRO:\n"
        "Firm: f1, f2 ~~| size[Firm] = 4, 2 ~~| order[Firm] = VECTOR SORT ORDER(size[Firm], 1) ~~|\n"
        "y = TWICE(Time) ~~| z = 1 + INTEG(y, 3) ~~|\n"
        "INITIAL TIME = 0 ~~| FINAL TIME = 2 ~~| TIME STEP = 1 ~~| SAVEPER = 1 ~~|\n"
    )
    path = tmp_path / "own.mdl"
    path.write_text(text, encoding="utf-8")
    found = simulate(path)
    assert set(found.data_vars) == {
        "size", "order", "y", "z", "INITIAL TIME", "FINAL TIME", "TIME STEP", "SAVEPER",
    }  # fmt: skip
    assert found["z"].values.tolist() == [4.0, 4.0, 6.0]
