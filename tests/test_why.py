"""The difference between two runs, split: the properties that make Shapley values what they are."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from sdpolicy.backends import llvm
from sdpolicy.errors import ScenarioError
from sdpolicy.expression import Num
from sdpolicy.integrators import Grid
from sdpolicy.lower import lower
from sdpolicy.program import Program
from sdpolicy.run import simulate
from sdpolicy.scenario import Case, compose
from sdpolicy.why import interactions, merged, why
from small import op, program

CORE = Path(__file__).parents[1] / "scenarios" / "core"
PAIRS = [
    ("korea", "korea-taiwan-institutions"),
    ("korea", "korea-no-opening"),
    ("korea", "korea-diversification-1985"),
    ("korea-taiwan-finance", "korea-no-directed-credit"),
]


def scenario(name: str) -> Path:
    """Return the file of a scenario of the teaching model."""
    return CORE / f"core-{name}.toml"


def growth(**constants: float) -> Program:
    """Return a stock that grows by a * b + c, with a constant that plays no part in it."""
    values = {"a": 1.0, "b": 2.0, "c": 0.5, "idle": 0.0, **constants}
    flow = op("add", op("mul", "a", "b"), op("add", "c", op("mul", 0.0, "idle")))
    return program({"stock": ("flow", 0.0)}, {"flow": flow, **values})


def made(before: Program) -> Case:
    """Return a case of 10 time units."""
    return replace(compose(before), grid=Grid(0.0, 0.25, 40), method="euler")


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_contributions_add_up_to_the_difference(first: str, second: str) -> None:
    """At every time the contributions sum to the difference of the two runs, to 1e-9 of the output."""
    found = why(scenario(first), scenario(second), "output", loops=False)
    a, b = (simulate(scenario(name))["output"].values for name in (first, second))
    difference = np.abs(found["contribution"].values.sum(axis=0) - (b - a))
    assert np.max(difference / np.maximum(np.abs(a), 1.0)) < 1e-9
    assert np.array_equal(found["base"].values, a) or np.allclose(found["base"].values, a, rtol=1e-12)


def test_order_of_policies_makes_no_difference() -> None:
    """The value of a policy is the mean of what it adds over all orders, whichever it is named in."""
    before, after = growth(), growth(a=3.0, b=5.0, c=1.5)
    found = why(made(before), made(after), "stock")
    numbers = {"a": (1.0, 3.0), "b": (2.0, 5.0), "c": (0.5, 1.5)}
    added = dict.fromkeys(numbers, 0.0)
    for order in permutations(numbers):
        now = {name: pair[0] for name, pair in numbers.items()}
        for name in order:
            was = now["a"] * now["b"] + now["c"]
            now[name] = numbers[name][1]
            added[name] += (now["a"] * now["b"] + now["c"] - was) * 10.0 / 6.0
    values = {str(name): float(found["contribution"].values[n, -1]) for n, name in enumerate(found["policy"].values)}
    assert values == pytest.approx(added, rel=1e-12)


def test_policy_that_changes_nothing_gets_nothing() -> None:
    """A constant that plays no part has a contribution of exactly 0 at every time, and no synergy."""
    found = why(made(growth()), made(growth(a=3.0, idle=9.0)), "stock")
    at = list(found["policy"].values).index("idle")
    assert not found["contribution"].values[at].any()
    assert not found["synergy"].values[at].any()


def test_what_two_do_together() -> None:
    """The interaction of two factors is what their product gains beyond each alone; 0 where effects add up."""
    found = why(made(growth()), made(growth(a=3.0, b=5.0, c=1.5)), "stock")
    names = list(found["policy"].values)
    together = found["synergy"].values[:, :, -1]
    a, b, c = (names.index(name) for name in "abc")
    assert together[a, b] == pytest.approx((3.0 - 1.0) * (5.0 - 2.0) * 10.0)
    assert together[a, c] == pytest.approx(0.0, abs=1e-9)
    assert np.array_equal(together, together.T)


def test_back_is_the_opposite_of_forth() -> None:
    """Explaining the way back gives the same contributions with the opposite sign."""
    forth = why(scenario("korea"), scenario("korea-taiwan-institutions"), "output", loops=False)
    back = why(scenario("korea-taiwan-institutions"), scenario("korea"), "output", loops=False)
    a = {str(name): row for name, row in zip(forth["policy"].values, forth["contribution"].values, strict=True)}
    b = {str(name): row for name, row in zip(back["policy"].values, back["contribution"].values, strict=True)}
    assert all(np.allclose(a[name], -b[name], atol=1e-9) for name in a)


def test_many_policies_are_sampled() -> None:
    """Above twelve differences the contributions come with a standard error, and still add up."""
    names = [f"p{n}" for n in range(14)]
    product = op("mul", names[0], names[1])
    body = product
    for name in names[2:]:
        body = op("add", body, name)
    before, after = (
        program({"stock": ("flow", 0.0)}, {"flow": body, **dict.fromkeys(names, value)}) for value in (1.0, 2.0)
    )
    found = why(made(before), made(after), "stock", seed=0)
    assert not found.attrs["exact"]
    shares, errors = found["contribution"].values[:, -1], found["error"].values[:, -1]
    assert shares.sum() == pytest.approx(float((found["changed"] - found["base"]).values[-1]), rel=1e-9)
    assert shares[2] == pytest.approx(10.0)
    assert abs(shares[0] - 15.0) <= 4 * max(errors[0], 1e-12)
    assert np.array_equal(found["contribution"], why(made(before), made(after), "stock", seed=0)["contribution"])


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_merged_model_is_both(first: str, second: str) -> None:
    """One model with switches runs bit for bit as the first with all off, and as the second with all on."""
    from sdpolicy.scenario import case
    from sdpolicy.vensim import read_model

    cases = [case(scenario(name), read_model) for name in (first, second)]
    joined, switches = merged(cases[0].program, cases[1].program)
    lowered = lower(joined)
    kernel = llvm.ENGINE.compile(lowered)
    for value, chosen in zip((0.0, 1.0), cases, strict=True):
        row = [value if name in switches.values() else x
               for name, x in zip(lowered.parameters, lowered.defaults, strict=True)]  # fmt: skip
        values = kernel.run(np.array(row), chosen.grid, chosen.method, ["output"]).values[:, 0]
        assert np.array_equal(values, simulate(chosen)["output"].values)


def test_loops_carry_what_goes_away_without_them() -> None:
    """A loop's part is the difference of the runs less their difference without the loop."""
    found = why(scenario("korea"), scenario("korea-no-opening"), "output")
    assert list(found["loop"].values)[:2] == ["R1", "R2"]
    assert np.isfinite(found["carried"].values).all()


def test_what_cannot_be_compared_is_refused() -> None:
    """Two that are alike, of different models, or run differently give a message, and so does an unknown output."""
    with pytest.raises(ScenarioError, match="do the same"):
        why(made(growth()), made(growth()), "stock")
    with pytest.raises(ScenarioError, match="times or method"):
        why(made(growth()), replace(made(growth(a=2.0)), method="rk4"), "stock")
    with pytest.raises(ScenarioError, match="Did you mean"):
        why(scenario("korea"), scenario("korea-no-opening"), "outputt")
    with pytest.raises(ScenarioError, match="different models"):
        why(made(growth()), replace(made(growth()), program=replace(growth(a=2.0), name="other")), "stock")


def test_interactions_of_a_product_of_three() -> None:
    """In a product of three factors each pair interacts by its product, averaged over the third being there."""
    values = np.array([[float((1 + n % 2) * (1 + (n >> 1) % 2) * (1 + (n >> 2) % 2))] for n in range(8)])
    assert np.allclose(interactions(values, 3)[0, 1], (1.0 + 2.0) / 2.0)


def test_constant_of_several_elements() -> None:
    """A node that differs is a policy even where it is a number and the other a formula."""
    before, after = growth(), growth()
    changed = tuple(replace(e, body=op("add", 1.0, 1.0)) if e.target == "a" else e for e in after.equations)
    found = why(made(before), made(replace(after, equations=changed)), "stock")
    assert list(found["policy"].values) == ["a"]
    assert isinstance(before.equations[-1].body, Num)
