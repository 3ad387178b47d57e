"""Tests of lowering: delays become stocks, switches are held, orders are found, loops are named."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sdpolicy.backends.python import ENGINE
from sdpolicy.errors import ModelError
from sdpolicy.expression import TIME, Apply, At, Axis, Num, Ref, walk
from sdpolicy.integrators import Grid
from sdpolicy.lower import lower
from sdpolicy.program import Dimension, Equation, Program, Quantity, Stock
from small import op, program


def run(model: Program, outputs: list[str], method: str = "euler", step: float = 0.25) -> np.ndarray:
    """Run a small model from 0 to 10 and return the columns."""
    lowered = lower(model)
    kernel = ENGINE.compile(lowered)
    return kernel.run(np.array(lowered.defaults), Grid.of(0.0, 10.0, step, step), method, outputs).values


def test_a_smooth_is_a_chain_of_stocks() -> None:
    """SMOOTH3 of a constant input that starts elsewhere closes the gap as an Erlang distribution does."""
    model = program({}, {"x": op("smooth", 1.0, 2.0, 0.0, 3.0)}, time_step=2.0**-8)
    values = run(model, ["x"], "rk4", 2.0**-8)[:, 0]
    z = 3.0 * 10.0 / 2.0
    assert values[-1] == pytest.approx(1.0 - math.exp(-z) * (1.0 + z + z * z / 2.0), rel=1e-9)


def test_a_delay_conserves_what_flows_through_it() -> None:
    """DELAY3 of a constant flow gives that flow from the start."""
    assert run(program({}, {"x": op("delay", 4.0, 2.0, 4.0, 3.0)}), ["x"]) == pytest.approx(4.0)


def test_a_fixed_delay_gives_back_the_input_a_whole_number_of_steps_later() -> None:
    """DELAY FIXED by 1 of Time is the initial value for a year, then Time - 1."""
    found = run(program({}, {"x": op("delay fixed", TIME, 1.0, -5.0)}), ["x"])[:, 0]
    assert found.tolist() == [-5.0] * 4 + [0.25 * n for n in range(37)]


def test_sample_if_true_keeps_the_last_sample() -> None:
    """The value follows the input while the condition holds, and stays afterwards."""
    found = run(program({}, {"x": op("sample if true", op("lt", TIME, 3.0), TIME, -1.0)}), ["x"])[:, 0]
    assert (found[0], found[4], found[-1]) == (0.0, 1.0, 2.75)


def test_initial_keeps_the_starting_value() -> None:
    """INITIAL of a stock that grows is the stock's start, and what depends on it alone stays too."""
    model = program({"x": (1.0, 2.0)}, {"start": op("initial", "x"), "twice": op("mul", "start", 2.0)})
    lowered = lower(model)
    assert set(lowered.initials) >= {"start", "twice"}
    assert run(model, ["start", "twice"])[-1].tolist() == [2.0, 4.0]


def test_a_switch_of_time_is_held_over_a_step() -> None:
    """The condition of a STEP is computed once a step, and no running equation compares times."""
    lowered = lower(program({"x": ("f", 0.0)}, {"f": op("step", 2.0, 5.0)}))
    running = [part for equation in lowered.running for part in walk(equation.body)]
    assert not any(isinstance(part, Apply) and part.op == "gt" for part in running)
    assert len(lowered.held) == 1


def test_runge_kutta_is_exact_across_a_step_on_the_grid() -> None:
    """A stock fed by a step function is piecewise linear, and RK4 follows it without error."""
    found = run(program({"x": ("f", 0.0)}, {"f": op("step", 2.0, 5.0)}), ["x"], "rk4")[:, 0]
    assert found[-1] == pytest.approx(10.0, rel=1e-15)


def test_a_switch_that_reads_time_through_an_auxiliary_is_held() -> None:
    """The auxiliary gets a counterpart at the step's beginning; itself it still runs at stage times."""
    model = program({"x": (op("if", op("gt", "age", 2.0), 1.0, 0.0), 0.0)}, {"age": op("mul", TIME, 0.5)})
    lowered = lower(model)
    assert "age__held" in {equation.target for equation in lowered.held}
    assert run(model, ["x"], "rk4")[-1, 0] == pytest.approx(10.0 - 4.25, abs=1e-12)


def test_a_sawtooth_of_time_is_continuous_within_a_step() -> None:
    """RK4 integrates MODULO(Time, 1) exactly when the jumps lie on the grid."""
    found = run(program({"x": (op("modulo", TIME, 1.0), 0.0)}, {}), ["x"], "rk4")[:, 0]
    assert found[-1] == pytest.approx(5.0, abs=1e-12)


def test_a_comparison_of_states_is_not_held() -> None:
    """What depends on a stock changes within a step."""
    lowered = lower(program({"x": (op("if", op("gt", "x", 2.0), 0.0, 1.0), 0.0)}, {}))
    assert lowered.held == ()


def test_an_algebraic_loop_is_refused_and_walked_round() -> None:
    """The message names the members in order."""
    with pytest.raises(ModelError, match="algebraic loop while running: 'a' -> 'b' -> 'c' -> 'a'"):
        lower(program({"x": ("a", 0.0)}, {"a": op("add", "b", "x"), "b": op("mul", "c", 2.0), "c": op("neg", "a")}))


def test_a_start_up_loop_is_refused_with_its_own_cure() -> None:
    """Two stocks that start from each other cannot start; ACTIVE INITIAL would cut the circle."""
    with pytest.raises(ModelError, match=r"while initial values are computed: .*ACTIVE INITIAL"):
        lower(program({"x": (0.0, "y"), "y": (0.0, "x")}, {}))


def test_active_initial_cuts_a_start_up_loop_only() -> None:
    """The initial expression is used while initial values are computed, the body while running."""
    model = program({"x": (0.0, 0.0)}, {})
    extra = Equation("a", op("mul", "x", 3.0), initial=Num(7.0))
    quantities = (*model.quantities, Quantity("a", "a", "auxiliary"))
    cut = Program("cut", quantities, (Stock("x", Num(0.0), Ref("a")),), (*model.equations, extra))
    assert run(cut, ["x", "a"])[0].tolist() == [7.0, 21.0]


@pytest.mark.parametrize("order", [0.0, 2.5, 1000.0])
def test_a_delay_of_an_order_that_is_no_number_of_stages_is_refused(order: float) -> None:
    """The message names the variable."""
    with pytest.raises(ModelError, match="'x': the order of a delay or smooth must be a whole number"):
        lower(program({}, {"x": op("smooth", 1.0, 2.0, 0.0, order)}))


def test_an_order_that_differs_among_elements_is_refused() -> None:
    """Each element would need a number of stages of its own."""
    model = program({}, {"x": op("add", 2.0, 0.0)})
    own = Dimension("A", ("a1", "a2"))
    axis = Axis("i1", 2)
    index = (At("i1", (0, 1)),)
    more = (Quantity("n", "n", "constant", dimensions=(own,)), Quantity("y", "y", "auxiliary", dimensions=(own,)))
    late = Equation("y", op("smooth n", 1.0, 9.0, 0.0, Ref("n", index)), (axis,), index)
    for orders in ((2.0, 2.0), (2.0, 3.0)):
        numbers = (Equation("n", Num(orders[0]), (), (0,)), Equation("n", Num(orders[1]), (), (1,)))
        made = Program("small", (*model.quantities, *more), (), (*model.equations, *numbers, late))
        if len(set(orders)) == 1:
            lower(made)
            continue
        with pytest.raises(ModelError, match=r"'y': the order .* the same for all elements"):
            lower(made)


def test_delay_n_of_three_stages_with_a_time_that_changes_is_refused() -> None:
    """What the stage in the middle does is not on record, so no number is given."""
    with pytest.raises(ModelError, match="'x': DELAY N of order 3 with a delay time that changes"):
        lower(program({}, {"x": op("delay n", 1.0, op("add", Ref(TIME), 5.0), 0.0, 3.0)}))


@pytest.mark.parametrize("name", ["delay n", "smooth n"])
@pytest.mark.parametrize(
    ("time", "order", "right"),
    [(0.75, 2.0, True), (0.5, 2.0, "delay n"), (0.45, 2.0, False), (0.25, 1.0, True), (0.2, 1.0, False)],
)
def test_a_stage_shorter_than_a_step_gives_no_number(name: str, time: float, order: float, right: bool | str) -> None:
    """Vensim lowers the order of DELAY N and SMOOTH N then; here the run stops at the variable.

    What SMOOTH N does where a stage lasts just one step is not on record; DELAY N keeps its order.
    """
    found = run(program({}, {"x": op(name, 1.0, time, 0.0, order)}), ["x"])
    assert bool(np.isfinite(found).all()) == (right if isinstance(right, bool) else name == right)


def chain(first: Equation, rest_positions: tuple[int, ...]) -> Program:
    """A quantity of four elements, each after the first computed from the one before."""
    base = program({}, {})
    ages = Dimension("age", ("a", "b", "c", "d"))
    loop = Axis("i", 3)
    target = (At("i", (1, 2, 3)),)
    body = op("add", Ref("v", (At("i", rest_positions),)), 1.0)
    return Program(
        "chain",
        (*base.quantities, Quantity("v", "v", "auxiliary", dimensions=(ages,))),
        (),
        (*base.equations, first, Equation("v", body, (loop,), target)),
    )


def test_a_circle_of_wholes_that_is_none_of_elements_is_taken_apart() -> None:
    """An auxiliary chain over a subscript runs element by element."""
    model = chain(Equation("v", Ref(TIME), (), (0,)), (0, 1, 2))
    assert run(model, ["v"])[4].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_circle_of_elements_is_a_loop() -> None:
    """When the elements form a circle too, they are named."""
    with pytest.raises(ModelError, match=r"'v'\[element 2\]"):
        lower(chain(Equation("v", Ref(TIME), (), (0,)), (3, 1, 2)))


def test_random_draws_differ_between_calls_and_repeat_between_runs() -> None:
    """Two calls with one seed are two streams; a second run repeats both."""
    model = program({}, {"a": op("random uniform", 0.0, 1.0, 5.0), "b": op("random normal", -9.0, 9.0, 1.0, 2.0, 5.0)})
    one, two = run(model, ["a", "b"]), run(model, ["a", "b"])
    assert np.array_equal(one, two)
    assert len(set(one[:, 0])) == 41
    assert all(0.0 <= draw < 1.0 for draw in one[:, 0])
    assert np.mean(one[:, 1]) == pytest.approx(1.0, abs=1.0)


def test_names_of_the_generated_text_do_not_meet_those_of_the_model() -> None:
    """Quantities called y, memory or flow are no arguments of the generated functions."""
    names = ["y", "row", "flows", "memory", "rings", "held", "constants", "initials", "parameters", "rt", "tables"]
    model = program({name: (op("smooth", name, 2.0, name, 1.0), float(i)) for i, name in enumerate(names, start=1)}, {})
    assert run(model, names)[0].tolist() == [float(i) for i in range(1, len(names) + 1)]
