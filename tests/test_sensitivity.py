"""Tests of sensitivity indices: analytic values of published functions, and SALib number by number."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sdpolicy import sensitivity
from sdpolicy.ensemble.design import MonteCarlo, Morris, Saltelli
from sdpolicy.errors import ResultError

NAMES = ["x1", "x2", "x3"]


def ishigami(u: np.ndarray) -> np.ndarray:
    """Return Ishigami & Homma's (1990) function, a = 7 and b = 0.1, of points in the unit cube."""
    x = np.pi * (2 * u - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def ishigami_exact() -> dict[str, np.ndarray]:
    """Return its indices in closed form."""
    b, pi = 0.1, np.pi
    v1 = 0.5 * (1 + b * pi**4 / 5) ** 2
    v2, v13 = 49 / 8, b**2 * pi**8 * (1 / 18 - 1 / 50)
    variance = v1 + v2 + v13
    return {"S1": np.array([v1, v2, 0]) / variance, "ST": np.array([v1 + v13, v2, v13]) / variance,
            "S2": np.array([0, v13, 0]) / variance}  # fmt: skip


def sobol_g(u: np.ndarray) -> np.ndarray:
    """Return Sobol's G function with a = 0, 1, 4.5, 9, 99, 99, 99, 99 (Saltelli & Sobol 1995)."""
    a = np.array([0, 1, 4.5, 9, 99, 99, 99, 99])
    return np.prod((np.abs(4 * u - 2) + a) / (1 + a), axis=1)


def sobol_g_exact() -> dict[str, np.ndarray]:
    """Return its indices in closed form."""
    v = 1 / (3 * (1 + np.array([0, 1, 4.5, 9, 99, 99, 99, 99])) ** 2)
    variance = np.prod(1 + v) - 1
    return {"S1": v / variance, "ST": v * np.prod(1 + v) / (1 + v) / variance}


@pytest.mark.parametrize(
    ("function", "exact", "dimensions"), [(ishigami, ishigami_exact, 3), (sobol_g, sobol_g_exact, 8)]
)
def test_sobol_finds_the_analytic_values(function: object, exact: object, dimensions: int) -> None:
    """S1 and ST lie within their bootstrap intervals of the closed forms (99.9 % of them, over all inputs)."""
    design = Saltelli(2048, dimensions, 1, second=False)
    y = function(design.unit(0, design.members))  # type: ignore[operator]
    found = sensitivity.sobol(y, design, [f"x{i}" for i in range(dimensions)])
    for name, expected in exact().items():  # type: ignore[operator]
        if name in found:
            width = found[f"{name}_conf"].values * 3.3 / 1.96
            assert (np.abs(found[name].values - expected) <= width + 1e-4).all(), name
            assert width.max() < 0.15


def test_second_order_of_ishigami() -> None:
    """Only the pair x1, x3 interacts, by the closed form's amount."""
    design = Saltelli(4096, 3, 1)
    found = sensitivity.sobol(ishigami(design.unit(0, design.members)), design, NAMES)
    pairs = found["S2"].values[[0, 0, 1], [1, 2, 2]]
    widths = found["S2_conf"].values[[0, 0, 1], [1, 2, 2]]
    assert (np.abs(pairs - ishigami_exact()["S2"]) < widths * 3.3 / 1.96).all()
    assert pairs[1] == pytest.approx(0.24, abs=0.05)


@pytest.mark.parametrize("second", [True, False])
def test_sobol_equals_salib(second: bool) -> None:
    """Indices and interval widths are SALib's, from the same resamples, for several outcomes at once."""
    analyze = pytest.importorskip("SALib.analyze.sobol").analyze
    design = Saltelli(256, 3, 3, second)
    y = ishigami(design.unit(0, design.members))
    both = np.stack([y, y**2 + 50.0], axis=1)
    draws = np.random.default_rng(9).integers(256, size=(256, 100))
    found = sensitivity.sobol(both, design, NAMES, draws=draws)
    problem = {"num_vars": 3, "names": NAMES, "bounds": [[0.0, 1.0]] * 3}
    for column in range(2):
        expected = analyze(problem, both[:, column], calc_second_order=second, num_resamples=100, seed=9)
        for name in ("S1", "ST", "S1_conf", "ST_conf", *(["S2", "S2_conf"] if second else [])):
            np.testing.assert_allclose(found[name].values[..., column], expected[name], rtol=1e-9, atol=1e-12)


def test_failed_members_take_their_base_point_along() -> None:
    """A member that is not finite leaves out its whole group: the indices are those of the other groups."""
    design = Saltelli(64, 3, 0, second=False)
    y = ishigami(design.unit(0, design.members))
    y[7 * design.group + 2] = np.nan
    found = sensitivity.sobol(y, design, NAMES)
    rest = np.delete(y.reshape(64, -1), 7, axis=0).ravel()
    expected = sensitivity.sobol(rest, Saltelli(63, 3, 0, second=False), NAMES)
    assert found.attrs["used"] == 63
    np.testing.assert_allclose(found["ST"], expected["ST"])


def test_an_outcome_that_never_varies_has_no_indices() -> None:
    """Where all members agree, there is nothing to explain: NaN, without a warning."""
    design = Saltelli(16, 3, 0, second=False)
    assert np.isnan(sensitivity.sobol(np.full(design.members, 3.1), design, NAMES)["S1"]).all()
    with pytest.raises(ResultError, match="has 80"):
        sensitivity.sobol(np.zeros(7), design, NAMES)


def test_intervals_narrow_with_more_members() -> None:
    """The last of the converging indices is that of all members, with the narrowest interval."""
    design = Saltelli(512, 3, 1, second=False)
    y = ishigami(design.unit(0, design.members))
    found = sensitivity.convergence(y, design, NAMES)
    assert found["base"].values.tolist() == [32, 64, 128, 256, 512]
    np.testing.assert_allclose(found["ST"].isel(base=-1), sensitivity.sobol(y, design, NAMES)["ST"])
    widths = found["ST_conf"].sum("input").values
    assert widths[-1] < widths[0] / 2


def normal_sum(design: Saltelli) -> np.ndarray:
    """Return a sum of normal inputs that explain 4/5 and 1/5 of its variance, and one that does nothing."""
    from scipy.special import ndtri

    return ndtri(design.unit(0, design.members)) @ np.array([2.0, 1.0, 0.0])


def test_indices_of_a_time_have_the_analytic_values() -> None:
    """Of a sum of normal inputs they lie within their intervals of the closed form (Gamboa et al. 2018)."""
    design = Saltelli(4096, 3, 1, second=False)
    found = sensitivity.sobol_of_time(normal_sum(design), design, NAMES)

    def alone(share: np.ndarray) -> np.ndarray:
        return 3 * np.arcsin((1 + share) / 2) / np.pi - 0.5

    shares = np.array([0.8, 0.2, 0.0])
    for name, expected in {"S1": alone(shares), "ST": 1 - alone(1 - shares)}.items():
        width = found[f"{name}_conf"].values * 3.3 / 1.96
        assert (np.abs(found[name].values - expected) <= width + 1e-9).all(), name
        assert width.max() < 0.08


def test_indices_of_a_time_are_means_of_those_of_by_then() -> None:
    """They are the Sobol' indices of whether it has happened by then, weighted by their variance, over all moments."""
    design = Saltelli(64, 3, 2, second=False)
    when = np.round(normal_sum(design), 1)
    when[when > 2] = np.inf
    found = sensitivity.sobol_of_time(when, design, NAMES)
    moments, members = np.unique(when, return_counts=True)
    come = (when[:, np.newaxis] <= moments).astype(float)
    groups = come.reshape(64, design.group, -1)
    variance = np.concatenate([groups[:, 0], groups[:, -1]]).var(axis=0)
    for j in range(3):
        missed = 0.5 * ((groups[:, 0] - groups[:, 1 + j]) ** 2).mean(axis=0)
        expected = (missed @ members) / (variance @ members)
        assert found["ST"].values[j] == pytest.approx(expected, rel=1e-12)
        shared = (groups[:, -1] * (groups[:, 1 + j] - groups[:, 0])).mean(axis=0)
        assert found["S1"].values[j] == pytest.approx((shared @ members) / (variance @ members), rel=1e-9)
    assert found.attrs["never"] == pytest.approx(np.isinf(when).mean())


def test_only_the_order_of_times_counts() -> None:
    """Another scale of time gives the same indices; a failed member takes its base point along; no time, no index."""
    design = Saltelli(128, 3, 1, second=False)
    when = normal_sum(design)
    same = sensitivity.sobol_of_time(np.exp(when), design, NAMES)
    expected = sensitivity.sobol_of_time(when, design, NAMES)
    np.testing.assert_array_equal(same["ST"], expected["ST"])
    when[5] = np.nan
    assert sensitivity.sobol_of_time(when, design, NAMES).attrs["used"] == 127
    never = np.full(design.members, np.inf)
    assert np.isnan(sensitivity.sobol_of_time(never, design, NAMES)["ST"]).all()


def test_a_rare_never_leaves_the_indices_of_a_time_sure() -> None:
    """Where few members never get there, intervals are narrower than those of the variance, which the few decide."""
    design = Saltelli(512, 3, 1, second=False)
    when = normal_sum(design)
    late = np.where(when > 4.0, 40.0, when)  # one in thirty is put far from the others
    by_variance = sensitivity.sobol(late, design, NAMES)
    by_order = sensitivity.sobol_of_time(np.where(when > 4.0, np.inf, when), design, NAMES)
    assert sensitivity.widest(by_order) < sensitivity.widest(by_variance) / 2


def test_the_base_that_would_do() -> None:
    """Intervals that are twice as wide as wanted need four times the base points, up to a power of two."""
    design = Saltelli(256, 3, 1, second=False)
    found = sensitivity.sobol(ishigami(design.unit(0, design.members)), design, NAMES)
    assert sensitivity.widest(found) == pytest.approx(2 * found["ST_conf"].values.max())
    needed = sensitivity.base_needed(found)
    assert needed == 2 ** int(np.ceil(np.log2(256 * (sensitivity.widest(found) / sensitivity.WIDE) ** 2)))
    more = Saltelli(needed, 3, 1, second=False)
    assert sensitivity.widest(sensitivity.sobol(ishigami(more.unit(0, more.members)), more, NAMES)) < 0.05


def test_times_converge_too() -> None:
    """The last of the converging indices of a time is that of all members."""
    design = Saltelli(128, 3, 1, second=False)
    when = normal_sum(design)
    found = sensitivity.convergence(when, design, NAMES, of_time=True)
    np.testing.assert_allclose(found["ST"].isel(base=-1), sensitivity.sobol_of_time(when, design, NAMES)["ST"])


def morris_function(u: np.ndarray) -> np.ndarray:
    """Return Morris' (1991) function of 20 inputs, with its 'small' coefficients drawn from a normal distribution."""
    random = np.random.default_rng(12)
    w = 2 * (u - 0.5)
    for j in (2, 4, 6):
        w[:, j] = 2 * (1.1 * u[:, j] / (u[:, j] + 0.1) - 0.5)
    one = random.normal(size=20)
    one[:10] = 20
    two = random.normal(size=(20, 20))
    two[:6, :6] = -15
    y = w @ one
    for i in range(20):
        for j in range(i + 1, 20):
            y += two[i, j] * w[:, i] * w[:, j]
    for i in range(5):
        for j in range(i + 1, 5):
            for k in range(j + 1, 5):
                y += -10 * w[:, i] * w[:, j] * w[:, k]
    for i in range(4):
        for j in range(i + 1, 4):
            for k in range(j + 1, 4):
                for m in range(k + 1, 4):
                    y += 5 * w[:, i] * w[:, j] * w[:, k] * w[:, m]
    return y


def test_morris_screens_its_published_function() -> None:
    """As published: inputs 1 to 10 matter; 8, 9, 10 act alone, with little spread; 11 to 20 do nothing much."""
    design = Morris(200, 20, 1)
    points = design.unit(0, design.members)
    found = sensitivity.morris(morris_function(points), design, points, [f"x{i + 1}" for i in range(20)])
    size, spread = found["mu_star"].values, found["sigma"].values
    assert size[:10].min() > 2 * size[10:].max()
    assert spread[7:10].max() < 0.5 * spread[:7].min()
    np.testing.assert_allclose(found["mu"].values[7:10], 40.0, atol=4.0)


def test_morris_equals_salib() -> None:
    """Elementary effects are SALib's, outcome by outcome."""
    analyze = pytest.importorskip("SALib.analyze.morris").analyze
    design = Morris(20, 3, 4)
    points = design.unit(0, design.members)
    y = ishigami(points)
    found = sensitivity.morris(np.stack([y, y], axis=1), design, points, NAMES)
    problem = {"num_vars": 3, "names": NAMES, "bounds": [[0.0, 1.0]] * 3}
    expected = analyze(problem, points, y, num_levels=4, seed=1)
    for name in ("mu", "mu_star", "sigma"):
        np.testing.assert_allclose(found[name].values[:, 1], np.asarray(expected[name]), rtol=1e-9, atol=1e-12)


def test_pawn_equals_salib() -> None:
    """Median and greatest distance over slices are SALib's, up to where it puts a slice's last member."""
    analyze = pytest.importorskip("SALib.analyze.pawn").analyze
    points = MonteCarlo(2000, 3, 2).unit(0, 2000)
    y = ishigami(points)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = analyze({"num_vars": 3, "names": NAMES, "bounds": [[0.0, 1.0]] * 3}, points, y, S=10)
    found = sensitivity.pawn(y, points, NAMES)
    np.testing.assert_allclose(found["median"], expected["median"], atol=0.006)
    np.testing.assert_allclose(found["maximum"], expected["maximum"], atol=0.006)


def test_pawn_knows_an_input_that_does_nothing() -> None:
    """An idle input stays near the dummy, one that decides is far above it."""
    points = MonteCarlo(4000, 2, 2).unit(0, 4000)
    found = sensitivity.pawn(np.floor(5 * points[:, 0]), points, ["acts", "idle"])
    assert found["median"].values[1] < 1.5 * found.attrs["dummy"]
    assert found["median"].values[0] > 5 * found.attrs["dummy"]


def test_pawn_of_a_policy_that_is_on_or_off() -> None:
    """An input of two values has two slices: each is as far from all members as the outcome's share of the other."""
    points = MonteCarlo(4000, 2, 2).unit(0, 4000)
    inputs = np.column_stack([points[:, 0] > 0.5, points[:, 1] > 0.5]).astype(float)
    found = sensitivity.pawn(inputs[:, 0] + 0.1 * points[:, 1], inputs, ["acts", "idle"])
    assert found["maximum"].values[0] == pytest.approx(0.5, abs=0.03)
    acts = sensitivity.pawn(inputs[:, 0], inputs, ["acts", "idle"])
    assert acts["median"].values[1] < 2 * acts.attrs["dummy"]


def test_regional_names_what_separates() -> None:
    """A group that one input decides is told by that input alone."""
    points = MonteCarlo(1000, 3, 5).unit(0, 1000)
    found = sensitivity.regional(points[:, 1] > 0.7, points, NAMES)
    assert found["distance"].values[1] == 1.0
    assert (found["p"].values[[0, 2]] > 0.05).all()
    assert found["inside"].values[1] > 0.7
    with pytest.raises(ResultError, match="none of the 3"):
        sensitivity.regional(np.zeros(3, bool), points[:3], NAMES)


def test_tornado_reads_both_ends() -> None:
    """Each input alone at its ends gives a bar from the outcome there to the outcome here."""
    points = sensitivity.one_at_a_time_points(np.array([1.0, 1.0]), np.array([0.0, 0.5]), np.array([3.0, 1.5]))
    found = sensitivity.one_at_a_time(points[:, 0] * 10 + points[:, 1], ["a", "b"])
    assert found.attrs["base"] == 11.0
    assert found["low"].values.tolist() == [1.0, 10.5]
    assert found["high"].values.tolist() == [31.0, 11.5]
