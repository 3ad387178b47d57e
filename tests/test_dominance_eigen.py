"""Derivatives, Jacobians and eigenvalues against analysis and differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdpolicy.dominance.arithmetic import COLUMNS, evaluate
from sdpolicy.dominance.cycles import pairs, partitions
from sdpolicy.dominance.derivatives import RULES, derivative
from sdpolicy.dominance.eigen import (
    Linear,
    decompose,
    eigenvalues,
    independent_loops,
    linearize,
    link_elasticities,
    loop_elasticities,
)
from sdpolicy.dominance.run import record
from sdpolicy.expression import ARITY, Apply, Interpolation, Lookup, Ref
from sdpolicy.primitives import PRIMITIVES, Curve
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model

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
        found = link_elasticities(model, links, values[:, k], left[:, :, k], right[:, :, k])
        into = [n for n, (_, target) in enumerate(links) if target in model.states]
        assert np.allclose(found[into].sum(axis=0), 1.0)
        shares = loop_elasticities(links, loops, found)
        rebuilt = [sum(shares[m] for m, loop in enumerate(loops) if link in pairs(loop)) for link in links]
        assert np.allclose(rebuilt, found, atol=1e-9)


def test_scores_and_eigenvalues_check_each_other() -> None:
    """While the growth loop of the logistic model leads, its eigenvalue is positive, and negative after."""
    from sdpolicy.dominance import dominance, phases

    scores = dominance(TEXTBOOK / "logistic.mdl")
    found = eigenvalues(TEXTBOOK / "logistic.mdl")
    shift = phases(scores, "loop")[1].start
    rate = found.growth_rate.values[0]
    turn = float(found.time.values[int(np.argmax(rate < 0))])
    assert abs(turn - shift) <= 0.5
