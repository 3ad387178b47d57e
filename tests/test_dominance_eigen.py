"""Derivatives, Jacobians and eigenvalues against analysis and differences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sdpolicy.dominance import dominance, phases
from sdpolicy.dominance.arithmetic import COLUMNS, evaluate
from sdpolicy.dominance.basis import independent_loops
from sdpolicy.dominance.cycles import pairs, partitions
from sdpolicy.dominance.derivatives import RULES, derivative
from sdpolicy.dominance.eigen import Linear, decompose, eigenvalues, linearize, link_influences, split_over_loops
from sdpolicy.dominance.found import named_loops
from sdpolicy.dominance.modes import check, movers, moving_links, named_movers, spoken
from sdpolicy.dominance.named import locate
from sdpolicy.dominance.run import record
from sdpolicy.expression import ARITY, Apply, Interpolation, Lookup, Ref
from sdpolicy.integrators import Grid
from sdpolicy.primitives import PRIMITIVES, Curve
from sdpolicy.scenario import case, compose
from sdpolicy.vensim import read_model
from small import op, program

TEXTBOOK = Path(__file__).parent / "textbook"
POINTS = {"arcsin": (0.3,), "arccos": (0.3,), "modulo": (7.3, 2.0), "quantum": (7.3, 2.0), "noise": (3.0, 4.0)}
CURVE = Curve.of((0.0, 1.0, 3.0), (2.0, 4.0, 3.0))


def linear(name: str) -> Linear:
    """Return a model made linear along its run."""
    source = TEXTBOOK / f"{name}.mdl"
    history = record(case(source if source.exists() else name, read_model))
    return linearize(history, np.arange(1, len(history.time), 16))


@pytest.mark.parametrize("op", sorted(RULES))
def test_rule_agrees_with_differences(op: str) -> None:
    """The derivative of each primitive by each argument is the limit of its differences."""
    at = POINTS.get(op, (1.7, 0.6, 0.4)[: ARITY[op]])
    names = [f"x{n}" for n in range(len(at))]
    node = Apply(op, tuple(Ref(name) for name in names))
    for n, name in enumerate(names):
        found = evaluate(derivative(node, name, {})[0], dict(zip(names, at, strict=True)), {})
        step = 1e-6
        up, down = ([x + sign * step * (k == n) for k, x in enumerate(at)] for sign in (1, -1))
        expected = 0.0 if op == "noise" else (PRIMITIVES[op](*up) - PRIMITIVES[op](*down)) / (2 * step)
        assert float(np.asarray(found)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("op", sorted(COLUMNS))
def test_column_is_the_primitive(op: str) -> None:
    """On a column of numbers each primitive gives what it gives one by one, signs and zeros included."""
    random = np.random.default_rng(0)
    columns = [np.concatenate((random.normal(0.0, 2.0, 50), [0.0, 1.0, -1.0])) for _ in range(ARITY[op])]
    if op == "noise":
        columns = [np.abs(np.round(column)) for column in columns]
    with np.errstate(all="ignore"):
        found = np.broadcast_to(COLUMNS[op](*columns), columns[0].shape)
    expected = [PRIMITIVES[op](*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
    assert np.allclose(found, expected, rtol=1e-14, equal_nan=True)


@pytest.mark.parametrize("mode", ["linear", "extrapolate", "backward", "forward"])
def test_tables_and_their_slopes(mode: Interpolation) -> None:
    """A table read at many points gives what it gives one by one, and its derivative is the slope there."""
    from sdpolicy.primitives import lookup

    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
    node, curves = Lookup("t", Ref("x"), mode), {"t": CURVE}
    assert np.allclose(evaluate(node, {"x": x}, curves), [lookup(CURVE, float(value), mode) for value in x])
    slope, more = derivative(node, "x", curves)
    inner = np.array([-1.0, 0.5, 2.0, 4.0])
    found = np.broadcast_to(evaluate(slope, {"x": inner}, {**curves, **more}), inner.shape)
    expected = {"linear": [0, 2, -0.5, 0], "extrapolate": [2, 2, -0.5, -0.5]}.get(mode, [0, 0, 0, 0])
    assert np.allclose(found, expected)


def test_oscillator_has_its_textbook_eigenvalues() -> None:
    """Inventory and workforce: the roots of x^2 + x / 10 + 1 / 20."""
    found = eigenvalues(TEXTBOOK / "inventory.mdl")
    roots = np.roots([1.0, 0.1, 0.05])
    assert np.allclose(found.growth_rate.values, roots.real[:, None], atol=1e-12)
    assert np.allclose(np.sort(found.frequency.values, axis=0), np.sort(roots.imag)[:, None], atol=1e-12)


def test_logistic_growth_has_the_slope_of_its_parabola() -> None:
    """The eigenvalue of logistic growth is r (1 - 2 P / K); it changes its sign where dominance shifts."""
    model = linear("logistic")
    population = np.asarray(model.history.values["population"])[np.arange(1, len(model.history.time), 16)]
    assert np.allclose(model.jacobian[:, 0, 0], 0.5 * (1.0 - 2.0 * population / 100.0), rtol=1e-12)


@pytest.mark.parametrize("name", ["core", "core-korea", "market", "smoothing", "lookup", "yeast"])
def test_jacobian_agrees_with_differences(name: str) -> None:
    """The exact Jacobian is the limit of the differences of the flows."""
    model = linear(name)
    history, graph = model.history, model.history.graph
    rows = np.arange(1, len(history.time), 16)
    base = {key: np.asarray(value)[rows] for key, value in history.values.items()}

    def flows(state: str, by: np.ndarray) -> np.ndarray:
        values = {**base, state: base[state] + by}
        with np.errstate(all="ignore"):
            for key, body in graph.bodies.items():
                values[key] = np.broadcast_to(evaluate(body, values, history.curves), rows.shape)
        return np.array([sum(sign * values[key] for key, sign in graph.flows[s]) for s in model.states])

    for n, state in enumerate(model.states):
        step = 1e-6 * np.maximum(np.abs(base[state]), 1e-3)
        differences = ((flows(state, step) - flows(state, -step)) / (2 * step)).T
        scale = np.abs(differences).max() + 1e-9
        corner = np.abs(model.jacobian[:, :, n] - differences) > 1e-5 * scale
        assert corner.mean() <= 0.02, state  # only where a MIN, MAX or table has a corner


def test_elasticities_add_up() -> None:
    """An eigenvalue's elasticities to all links into the stocks are 1 together; loops explain those of all links."""
    model = linear("predators")
    links = [link for link in model.gains if any(set(link) <= part for part in partitions(model.gains))]
    values, left, right = decompose(model.jacobian)
    loops = independent_loops(links)
    assert len(loops) == len(links) - len({key for link in links for key in link}) + 1
    for k in range(2):
        found = link_influences(model, links, left[:, :, k], right[:, :, k]) / values[:, k]
        into = [n for n, (_, target) in enumerate(links) if target in model.states]
        assert np.allclose(found[into].sum(axis=0), 1.0)
        shares = split_over_loops(links, loops, found)
        rebuilt = [sum(shares[m] for m, loop in enumerate(loops) if link in pairs(loop)) for link in links]
        assert np.allclose(rebuilt, found, atol=1e-9)


@pytest.mark.parametrize("name", ["core-korea", "korea"])
def test_independent_loops_make_up_every_circulation(name: str) -> None:
    """There are links less keys plus 1, the named ones among them first, and they explain what each link does."""
    chosen = case(name, read_model)
    history = record(chosen)
    model = linearize(history, np.array([len(history.time) // 2]))
    part = partitions(model.gains)[0]
    links = [link for link in model.gains if part.issuperset(link)]
    named = list(locate(history.graph, named_loops(chosen)))
    loops = independent_loops(links, named)
    assert len(loops) == len(links) - len(part) + 1
    kept = [loop for loop in named if loop in loops]
    assert loops[: len(kept)] == kept
    assert len(kept) > 0.8 * len(named)
    rows = np.array([[link in pairs(loop) for link in links] for loop in loops], dtype=float)
    assert np.linalg.matrix_rank(rows) == len(loops)


def test_loops_of_first_are_taken_once() -> None:
    """A loop that depends on those before it is left out, and one that is not in the graph."""
    links = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "a")]
    assert independent_loops(links, [("a", "b"), ("a", "b"), ("a", "x")]) == [("a", "b"), ("a", "b", "c")]
    assert independent_loops([("a", "b")]) == []


def test_what_stands_beside_the_loops_has_no_say() -> None:
    """A stock that grows by a law of its own has no eigenvalue here: what is explained is what feeds back."""
    bodies = {"birth": op("mul", "a", 0.1), "death": op("mul", "a", op("mul", "b", 0.3)), "world": op("mul", "w", 5.0)}
    stocks = {"a": (op("sub", "birth", "death"), 1.0), "b": (op("sub", "a", "b"), 1.0), "w": ("world", 1.0)}
    found = eigenvalues(replace(compose(program(stocks, bodies)), grid=Grid(0.0, 0.25, 8), method="euler"))
    assert (found.attrs["stocks"], found.attrs["all_stocks"]) == (2, 3)
    assert float(found.growth_rate.max()) < 1.0


def test_influence_is_the_change_of_the_growth_rate() -> None:
    """With one gain a thousandth stronger the growth rate changes by a thousandth of the link's influence."""

    def rate(birth: float) -> xr.Dataset:
        bodies = {"birth": op("mul", "a", birth), "death": op("mul", "a", op("mul", "b", 0.3))}
        stocks = {"a": (op("sub", "birth", "death"), 1.0), "b": (op("sub", "a", "b"), 1.0)}
        return eigenvalues(replace(compose(program(stocks, bodies)), grid=Grid(0.0, 0.25, 8), method="euler"))

    before, after = rate(0.9), rate(0.9 * 1.001)
    link = list(before.link.values).index("a → birth")
    change = float(after.growth_rate[0, 0] - before.growth_rate[0, 0])
    assert change == pytest.approx(0.001 * float(before.link_influence[0, link, 0]), rel=1e-2)
    loop = list(before.loop.values).index("1 a → birth")
    assert float(before.loop_influence[0, loop, 0]) == pytest.approx(float(before.link_influence[0, link, 0]))


def test_words_and_lists() -> None:
    """The strongest come first, named loops stand before the rest, and all together are what all loops do."""
    found = eigenvalues("core-korea")
    first, second, *_ = movers(found, 1975.0)
    assert abs(first.influence) >= abs(second.influence)
    *named, rest = named_movers(found, 1975.0)
    assert [mover.named for mover in named] == [True] * 3
    moment = int(np.argmin(np.abs(found.time.values - 1975.0)))
    whole = sum(mover.influence for mover in named) + rest.influence
    assert whole == pytest.approx(float(found.loop_influence[0, :, moment].sum()))
    assert "→" in moving_links(found, 1975.0)[0].label
    assert spoken(0.0, 0.5) == "neither grows nor dies away, in swings of 12.6 time units"
    assert named_movers(eigenvalues(TEXTBOOK / "logistic.mdl"), 5.0) == []


def test_check_counts_the_sign_beside_what_leads() -> None:
    """In logistic growth the rate is positive while the growth loop leads, and negative after."""
    path = TEXTBOOK / "logistic.mdl"
    found = check(eigenvalues(path), dominance(path))
    assert found.reinforcing > 0.95
    assert found.balancing < 0.05
    assert found.balancing < found.positive < found.reinforcing
    assert np.isnan(found.signs)


def test_named_loops_raise_or_lower_the_growth_rate_as_they_reinforce_or_balance() -> None:
    """In the teaching model nearly all that named loops do to the growth rate has the sign of their scores."""
    scores = dominance("core-korea")
    found = eigenvalues("core-korea")
    assert check(found, scores).signs > 0.9
    turned = found.assign(loop_influence=-found.loop_influence)
    assert check(turned, scores).signs == pytest.approx(1.0 - check(found, scores).signs)
    assert check(turned, scores).order == check(found, scores).order


def test_scores_and_eigenvalues_check_each_other() -> None:
    """While the growth loop of the logistic model leads, its eigenvalue is positive, and negative after."""
    scores = dominance(TEXTBOOK / "logistic.mdl")
    found = eigenvalues(TEXTBOOK / "logistic.mdl")
    shift = phases(scores, "loop")[1].start
    rate = found.growth_rate.values[0]
    turn = float(found.time.values[int(np.argmax(rate < 0))])
    assert abs(turn - shift) <= 0.5
