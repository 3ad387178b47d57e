"""A scenario changes a model by making another one; nothing is mutated, and what was applied is recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdpolicy.errors import ScenarioError
from sdpolicy.expression import TIME, Apply, Lookup, Num, Ref
from sdpolicy.integrators import Grid
from sdpolicy.program import Equation, Program, Stock
from sdpolicy.scenario import Amount, Applied, Case, RunSettings, as_json, case, compose, parse_override, read_scenario
from tiny import TINY, read_tiny, write

HEAD = 'title = "T"\nmodel = "tiny"\n'


@pytest.fixture
def composed(tmp_path: Path, request: pytest.FixtureRequest) -> Case:
    """Return the case that the text of the test's ``scenario`` mark makes of the tiny model."""
    write(tmp_path, s=HEAD + request.param)
    return case(tmp_path / "s.toml", read_tiny)


def body(program: Program, target: str) -> object:
    """Return the right-hand side of an equation."""
    return next(equation.body for equation in program.equations if equation.target == target)


def stock(program: Program) -> Stock:
    """Return the only stock."""
    return program.stocks[0]


def composing(text: str) -> pytest.MarkDecorator:
    """Mark a test with the text of its scenario."""
    return pytest.mark.parametrize("composed", [text], indirect=True)


@composing("[set]\nLife_Time = 5\n")
def test_set_replaces_the_number(composed: Case) -> None:
    """A constant that is set has that number as its equation, and the model itself is as before."""
    assert body(composed.program, "life_time") == Num(5.0)
    assert body(TINY, "life_time") == Num(10.0)
    assert composed.applied == (Applied("set", "life time", 5.0, "Year", "s.toml"),)


@composing(
    '[set]\n"life time" = {value = 60, unit = "Months"}\n[initial]\ncapital = {value = 2500, unit = "Million USD1990"}'
)
def test_units_are_converted(composed: Case) -> None:
    """Numbers in another unit of the same kind become numbers in the model's unit."""
    assert [(item.name, item.value) for item in composed.applied] == [("life time", 5.0), ("Capital", 2.5)]


@composing("[set]\nmood = 2\n")
def test_negative_number_may_be_set(composed: Case) -> None:
    """A constant that the model writes with a minus sign is a constant."""
    assert body(composed.program, "mood") == Num(2.0)


@composing("[initial]\ncapital = 50\n")
def test_initial_gives_the_stock_a_start(composed: Case) -> None:
    """A stock's start becomes a hidden constant, so that an ensemble can vary it without a new model."""
    assert stock(composed.program).initial == Ref("capital_initial_override")
    assert body(composed.program, "capital_initial_override") == Num(50.0)
    hidden = composed.program.by_id["capital_initial_override"]
    assert (hidden.name, hidden.kind, hidden.unit) == ("Capital initial override", "constant", "Billion USD1990")


@composing('[path]\n"investment rate" = {points = [[1970, 10], [1980, 20]], unit = "percent/Year"}\n')
def test_points_become_a_table_over_time(composed: Case) -> None:
    """A path is a table read at the time, in the model's unit; the variable is no parameter any more."""
    assert body(composed.program, "investment_rate") == Lookup("investment_rate_path", Ref(TIME), "linear")
    assert composed.program.table_by_id["investment_rate_path"].curves == (((1970.0, 1980.0), (0.1, 0.2)),)
    assert composed.program.by_id["investment_rate"].kind == "auxiliary"


@composing('[path]\n"investment rate" = {step = {at = 1980, to = 0.2}}\n')
def test_step_starts_from_the_models_value(composed: Case) -> None:
    """A step without `from` jumps from the number that the model has."""
    assert body(composed.program, "investment_rate") == Lookup("investment_rate_path", Ref(TIME), "backward")
    assert composed.program.table_by_id["investment_rate_path"].curves == (((1979.0, 1980.0), (0.1, 0.2)),)


@composing('[path]\n"investment rate" = {pulse = {start = 1980, width = 2, height = 0.05, base = 0.2}}\n')
def test_pulse_stands_on_its_base(composed: Case) -> None:
    """A pulse adds its height to its base while it lasts."""
    curve = composed.program.table_by_id["investment_rate_path"].curves[0]
    assert curve == ((1979.0, 1980.0, 1982.0), (0.2, 0.25, 0.2))


@composing('[path]\n"world demand" = {ramp = {start = 1980, stop = 1990, from = 2, to = 3}}\n')
def test_ramp_is_a_line(composed: Case) -> None:
    """A ramp is a straight line between two levels."""
    assert composed.program.table_by_id["world_demand_path"].curves == (((1980.0, 1990.0), (2.0, 3.0)),)


@composing("[path]\nmood = {step = {at = 0.3, to = 1}}\n[run]\nstart = 0\nstop = 1\nstep = 0.1\nsave = 0.1\n")
def test_jumps_lie_on_the_times_of_the_grid(composed: Case) -> None:
    """A jump at 0.3 is seen by the step that begins at 3 * 0.1, which is another number in its last bit."""
    time = composed.program.table_by_id["mood_path"].curves[0][0][1]
    assert time == composed.grid.time(3)
    assert time != 0.3


@composing('[cut]\nlinks = [["capital", "investment"]]\n')
def test_cut_keeps_the_influence_at_its_start(composed: Case) -> None:
    """In the equation that the link leads to, the cause is replaced by its initial value."""
    start = Apply("initial", (Ref("capital"),))
    assert body(composed.program, "investment") == Apply("mul", (start, Ref("investment_rate")))
    assert stock(composed.program) == stock(TINY)


@composing('[cut]\nlinks = [["investment", "capital"]]\n')
def test_cut_into_a_stock_acts_on_its_flow(composed: Case) -> None:
    """A link into a stock is cut in its flow."""
    outflow = Apply("div", (Ref("capital"), Ref("life_time")))
    assert stock(composed.program).flow == Apply("sub", (Apply("initial", (Ref("investment"),)), outflow))


def test_cut_of_a_named_loop(tmp_path: Path) -> None:
    """A loop is cut at the link that the file beside the model names, or else at the first of its links."""
    write(tmp_path, s=HEAD + '[cut]\nloops = ["r1", "B1"]\n')
    (tmp_path / "tiny.loops.toml").write_text(
        '[R1]\nlinks = [["investment", "Capital"], ["Capital", "investment"]]\ncut = ["Capital", "investment"]\n'
        '[B1]\nlinks = [["investment", "Capital"]]\n',
        encoding="utf-8",
    )
    applied = case(tmp_path / "s.toml", read_tiny).applied
    assert [item.name for item in applied] == ["Capital -> investment", "investment -> Capital"]


@composing("[freeze]\ninvestment = 1985\ncapital = 1990\n")
def test_freeze_holds_from_its_time_on(composed: Case) -> None:
    """A frozen auxiliary is sampled until its time, a frozen stock has no flow from its time on."""
    until = Apply("le", (Ref(TIME), Num(1985.0)))
    own = body(TINY, "investment")
    assert body(composed.program, "investment") == Apply("sample if true", (until, own, own))
    before = Apply("lt", (Ref(TIME), Num(1990.0)))
    assert stock(composed.program).flow == Apply("if", (before, stock(TINY).flow, Num(0.0)))


def test_settings_of_the_caller_are_told_as_such() -> None:
    """A faulty step or method of the caller is told at its own place, not at the file's."""
    with pytest.raises(ScenarioError) as caught:
        compose(TINY, None, run=RunSettings(step=0.4, method="rk5"))
    assert [problem.where for problem in caught.value.problems] == ["command line, method", "command line, step"]
    with pytest.raises(ScenarioError, match="command line, stop: expected a number"):
        compose(TINY, None, run=RunSettings(stop="1990"))  # type: ignore[arg-type]


def test_bare_model_runs_with_its_own_settings() -> None:
    """A model alone has the grid of its control constants, Euler's method, and nothing applied."""
    assert case(TINY, read_tiny) == Case(TINY, Grid(1960.0, 0.25, 160, 4), "euler", (), None)


@composing('[run]\nstop = 1990\nstep = 0.5\nsave = 2\nmethod = "rk4"\n')
def test_run_settings_overrule_the_model(composed: Case) -> None:
    """Settings of the run change the grid and the model's control constants, and are recorded."""
    assert (composed.grid, composed.method) == (Grid(1960.0, 0.5, 60, 4), "rk4")
    assert body(composed.program, "time_step") == Num(0.5)
    assert [(item.kind, item.name, item.value) for item in composed.applied] == [
        ("run", "stop", 1990.0),
        ("run", "step", 0.5),
        ("run", "save", 2.0),
        ("run", "method", "rk4"),
    ]


@composing('[set]\nmood = 1\n[path]\n"life time" = {points = [[1960, 1]]}\n[run]\nstep = 0.5\nmethod = "rk4"\n')
def test_command_line_wins(composed: Case) -> None:
    """What the caller gives overrules the scenario: a number replaces a path too."""
    scenario = composed.scenario
    found = compose(TINY, scenario, {"Life Time": 7.0, "mood": 2.0}, RunSettings(step=0.25, method="euler"))
    assert [(item.name, item.value, item.origin) for item in found.applied] == [
        ("life time", 7.0, "command line"),
        ("mood", 2.0, "command line"),
        ("step", 0.25, "command line"),
        ("method", "euler", "command line"),
    ]


def test_override_with_a_unit() -> None:
    """A number of the caller may have a unit, which is converted or refused."""
    assert compose(TINY, None, {"life time": Amount(60.0, "Month")}).applied[0].value == 5.0
    with pytest.raises(ScenarioError) as caught:
        compose(TINY, None, {"life time": Amount(60.0, "Person")})
    assert str(caught.value).startswith("command line, 'life time', unit: the unit 'Person' cannot be converted")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"Capital": 3.0}, "command line, 'Capital': 'Capital' is a stock"),
        ({"life time": float("nan")}, "command line, 'life time': expected a finite number, found nan"),
        ({"life time": True}, "command line, 'life time': expected a number"),
        ({"investment rate": 3.0}, "command line, 'investment rate': the value 3 is outside the limits"),
        ({"life-time": 3.0}, "command line, 'life-time': the model 'tiny' has no variable 'life-time'. Did you mean"),
        ({"life time": 3.0, "life_time": 4.0}, "command line, 'life_time': the variable is given twice"),
    ],
)
def test_faulty_overrides(overrides: dict[str, float], message: str) -> None:
    """Numbers of the caller are held to the model like those of a file."""
    with pytest.raises(ScenarioError) as caught:
        compose(TINY, None, overrides)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("life time=3", ("life time", 3.0)),
        (" a = -2.5e-3 ", ("a", -0.0025)),
        ("cost=3 Billion USD1990", ("cost", Amount(3.0, "Billion USD1990"))),
    ],
)
def test_parse_override(text: str, expected: tuple[str, object]) -> None:
    """NAME=VALUE and NAME=VALUE UNIT are read."""
    assert parse_override(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("life time", "command line, 'life time': expected NAME=VALUE. Write it"),
        ("=3", "command line, '=3': expected NAME=VALUE. Write it"),
        ("a=", "command line, 'a=': expected a number after the equals sign, found ''. Write it"),
        ("a=nan", "command line, 'a=nan': expected a number after the equals sign, found 'nan'. Write it"),
        ("a=1_000", "command line, 'a=1_000': expected a number after the equals sign, found '1_000'. Write it"),
        ("a=1e999", "command line, 'a=1e999': the number '1e999' is too large."),
    ],
)
def test_faulty_texts_of_overrides(text: str, message: str) -> None:
    """A text that is not of the form says what was expected."""
    with pytest.raises(ScenarioError) as caught:
        parse_override(text)
    assert str(caught.value).startswith(message)


def test_save_interval_that_follows_the_step() -> None:
    """A model that saves every TIME STEP does so with another step too."""
    equations = tuple(
        Equation("saveper", Ref("time_step")) if equation.target == "saveper" else equation
        for equation in TINY.equations
    )
    program = Program(TINY.name, TINY.quantities, TINY.stocks, equations)
    assert compose(program, None, run=RunSettings(step=0.4)).grid == Grid(1960.0, 0.4, 100, 1)


def test_case_can_be_overruled_again(tmp_path: Path) -> None:
    """A case passes through as it is, or with what the caller adds on top."""
    write(tmp_path, s=HEAD + '[set]\nmood = 1\n[run]\nmethod = "rk4"\n')
    first = case(tmp_path / "s.toml", read_tiny)
    assert case(first, read_tiny) is first
    second = case(first, read_tiny, {"life time": 5.0}, RunSettings(step=0.5))
    assert (second.method, second.grid.step, second.scenario) == ("rk4", 0.5, first.scenario)
    assert [item.name for item in second.applied] == ["mood", "method", "life time", "step"]


def test_equal_scenarios_make_equal_cases(tmp_path: Path) -> None:
    """Composing twice gives the same program, bit by bit."""
    write(tmp_path, s=HEAD + '[set]\nmood = 1\n[path]\n"life time" = {points = [[1960, 1]]}\n')
    scenario = read_scenario(tmp_path / "s.toml")
    assert compose(TINY, scenario).program.fingerprint == compose(TINY, scenario).program.fingerprint


@composing(
    '[set]\nmood = 1\n[path]\n"life time" = {points = [[1960, 1]]}\n[cut]\nlinks = [["capital", "investment"]]\n'
)
def test_what_was_applied_is_json(composed: Case) -> None:
    """The record of what was applied can be kept in the attributes of a result."""
    kinds = [item["kind"] for item in json.loads(as_json(composed.applied))]
    assert kinds == ["set", "path", "cut"]
