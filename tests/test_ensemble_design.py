"""Tests of designs and distributions: each design's own promise, and the same members however they are asked for."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from growing import VARY, growing
from sdpolicy.ensemble import (
    DESIGNS,
    Sampling,
    Spread,
    Variation,
    Worker,
    correlate,
    draw,
    factors_of,
    from_file,
    make,
    parse_spread,
    plan,
    simulate_members,
)
from sdpolicy.ensemble.design import Morris, Saltelli
from sdpolicy.ensemble.factors import Factor
from sdpolicy.errors import ScenarioError, SettingsError
from sdpolicy.lower import lower
from sdpolicy.scenario import Case, case
from sdpolicy.vensim import read_model

FACTORS = tuple(Factor(name, Spread("uniform", (0.0, 1.0)), 0.5, (i, i + 1)) for i, name in enumerate("abc"))


@pytest.mark.parametrize("kind", DESIGNS)
def test_members_do_not_depend_on_the_stretch(kind: str) -> None:
    """Members 3 to 16 are the same whether they are asked for alone or with all others, and seeds matter."""
    design = make(kind, 27, 3, 0)
    whole = draw(design, FACTORS, 0, design.members)
    parts = np.concatenate([draw(design, FACTORS, 0, 3), draw(design, FACTORS, 3, 17)])
    np.testing.assert_array_equal(parts, whole[:17])
    if kind != "factorial":
        assert not np.array_equal(make(kind, 27, 3, 1).unit(0, 17), design.unit(0, 17))
    assert ((whole >= 0) & (whole <= 1)).all()


def test_latin_hypercube_has_one_member_in_each_slice() -> None:
    """Of n members, each n-th of every input's range holds exactly one."""
    points = make("latin-hypercube", 50, 4, 3).unit(0, 50)
    assert (np.sort((points * 50).astype(int), axis=0) == np.arange(50)[:, np.newaxis]).all()


def test_saltelli_is_that_of_salib() -> None:
    """Members, and their order, are those of SALib's Sobol' sampling from the same sequence."""
    sobol = pytest.importorskip("SALib.sample.sobol")
    problem = {"num_vars": 3, "names": list("abc"), "bounds": [[0.0, 1.0]] * 3}
    for second in (True, False):
        expected = sobol.sample(problem, 16, calc_second_order=second, seed=np.random.default_rng(5))
        design = Saltelli(16, 3, 5, second)
        np.testing.assert_array_equal(draw(design, FACTORS, 0, design.members), expected)


def test_morris_changes_one_input_at_a_time() -> None:
    """In each trajectory every input changes once, by the jump, and all points are on the grid of four levels."""
    design = Morris(30, 5, 7)
    points = design.unit(0, design.members).reshape(30, 6, 5)
    steps = np.abs(np.diff(points, axis=1))
    np.testing.assert_allclose(np.sort(steps, axis=2)[:, :, -1], design.jump)
    assert (np.count_nonzero(steps > 1e-12, axis=2) == 1).all()
    assert (np.count_nonzero(steps > 1e-12, axis=1) == 1).all()
    np.testing.assert_allclose(points * 3, np.round(points * 3), atol=1e-12)


def test_factorial_has_every_combination_once() -> None:
    """Three levels of three inputs give 27 different members, ends included."""
    points = make("factorial", 27, 3, 0).unit(0, 27)
    assert len(np.unique(points, axis=0)) == 27
    assert set(points.ravel()) == {0.0, 0.5, 1.0}


@pytest.mark.parametrize(
    ("spread", "exact"),
    [
        (Spread("uniform", (2.0, 5.0)), stats.uniform(2.0, 3.0)),
        (Spread("normal", (1.0, 2.0)), stats.norm(1.0, 2.0)),
        (Spread("normal", (1.0, 2.0), 0.0, 4.0), stats.truncnorm(-0.5, 1.5, 1.0, 2.0)),
        (Spread("lognormal", (3.0, 0.4)), stats.lognorm(0.4, scale=3.0)),
        (Spread("triangular", (1.0, 2.0, 5.0)), stats.triang(0.25, 1.0, 4.0)),
    ],
)
def test_quantiles_are_exact(spread: Spread, exact: stats.rv_continuous) -> None:
    """The value at each quantile is that of scipy's distribution."""
    u = np.linspace(0.001, 0.999, 41)
    np.testing.assert_allclose(spread.at(u), exact.ppf(u), rtol=1e-9)


def test_cut_lognormal_stays_inside() -> None:
    """A lognormal distribution that is cut off gives no value beyond its ends."""
    values = Spread("lognormal", (3.0, 2.0), 1.0, 4.0).at(np.linspace(0, 1, 101))
    assert values.min() >= 1.0
    assert values.max() <= 4.0


def test_bounds_are_the_ends_or_hundredths() -> None:
    """A distribution without an end reaches from its first to its last hundredth."""
    assert Spread("uniform", (2.0, 5.0)).bounds == (2.0, 5.0)
    assert Spread("normal", (0.0, 1.0)).bounds == pytest.approx(stats.norm.ppf([0.01, 0.99]))


def test_choice_takes_each_value_equally_often() -> None:
    """Of evenly spaced quantiles, each of three values gets a third."""
    values, counts = np.unique(Spread("choice", (1.0, 4.0, 9.0)).at((np.arange(300) + 0.5) / 300), return_counts=True)
    assert values.tolist() == [1.0, 4.0, 9.0]
    assert counts.tolist() == [100, 100, 100]


def test_correlated_inputs_rank_together() -> None:
    """The rank correlation of a pair is the one asked for; the third input stays independent, margins stay."""
    design = correlate(make("sobol-sequence", 4096, 3, 0), FACTORS, {("a", "B"): -0.6})
    values = draw(design, FACTORS, 0, 4096)
    ranks = stats.spearmanr(values).statistic
    assert ranks[0, 1] == pytest.approx(-0.6, abs=0.01)
    assert ranks[0, 2] == pytest.approx(0.0, abs=0.01)
    np.testing.assert_allclose(np.quantile(values, [0.25, 0.5, 0.75], axis=0)[:, 1], [0.25, 0.5, 0.75], atol=0.01)
    np.testing.assert_array_equal(draw(design, FACTORS, 1001, 1102), values[1001:1102])


def test_contradicting_correlations_are_refused() -> None:
    """Three inputs can't all rank against each other by -0.9; nor one with itself, nor by more than 1."""
    design = make("monte-carlo", 10, 3, 0)
    with pytest.raises(ScenarioError, match="contradict"):
        correlate(design, FACTORS, {("a", "b"): -0.9, ("b", "c"): -0.9, ("a", "c"): -0.9})
    for pair, rank in ((("a", "A"), 0.5), (("a", "b"), 1.5)):
        with pytest.raises(ScenarioError, match="can't rank by"):
            correlate(design, FACTORS, {pair: rank})


@pytest.mark.parametrize("kind", ["saltelli", "morris", "factorial"])
def test_designs_of_independent_inputs_refuse_correlations(kind: str) -> None:
    """Where a method assumes independent inputs, a correlation is refused with what to do; 0 is none."""
    design = make(kind, 8, 3, 0)
    with pytest.raises(ScenarioError, match=r"'a' ranks with 'b'.*--kind pawn or regional.*'a, b=0'"):
        correlate(design, FACTORS, {("b", "a"): 0.5})
    assert correlate(design, FACTORS, {("a", "b"): 0.0}) is design


def written(folder: Path, text: str, **other: str) -> Case:
    """Return the case of a scenario of the teaching model that varies three inputs, and says ``text``."""
    start = "".join(f"[set.{name!r}]\nvalue = {v}\nrange = [{a}, {b}]\n" for name, v, a, b in THREE)
    for name, more in {"s": f'title = "S"\nmodel = "core"\n{start}{text}', **other}.items():
        (folder / f"{name}.toml").write_text(more, encoding="utf-8")
    return case(folder / f"{next(reversed(other), 's')}.toml", read_model)


THREE = (("debt maturity", 13.0, 10.0, 16.0), ("world interest rate", 0.02, 0.0, 0.08),
         ("operating margin", 0.29, 0.25, 0.32))  # fmt: skip


def test_an_ensemble_takes_the_methods_of_the_compiled_engine() -> None:
    """A member's own steps (rk23) bring it to where a short fixed step does; scipy's methods are refused."""
    near, exact = (
        simulate_members(plan(replace(growing(), method=method), Sampling(samples=4), Variation(VARY)))["x"].values
        for method in ("rk23", "rk4")
    )
    np.testing.assert_allclose(near, exact, rtol=1e-4)
    assert not np.array_equal(near, exact)
    with pytest.raises(SettingsError, match="does not have the method 'dop853'"):
        plan(replace(growing(), method="dop853"))


GROUP = '[[correlated]]\ninputs = ["World_interest_rate", "debt maturity"]\nrank = -0.6\n'


@pytest.mark.parametrize("kind", ["latin-hypercube", "monte-carlo", "sobol-sequence"])
def test_scenarios_correlate_inputs(kind: str, tmp_path: Path) -> None:
    """Inputs rank together as the scenario says, each over its own range, and those of no group are independent."""
    study = plan(written(tmp_path, GROUP), Sampling(kind, 8192, 3))
    values = draw(study.job.design, study.factors, 0, 8192)
    assert [f.name for f in study.factors] == [name for name, *_ in THREE]
    ranks = stats.spearmanr(values).statistic
    assert ranks[0, 1] == pytest.approx(-0.6, abs=0.03)
    assert ranks[0, 2] == pytest.approx(0.0, abs=0.04)
    for column, (_, _, low, high) in zip(values.T, THREE, strict=True):
        assert stats.kstest(column, stats.uniform(low, high - low).cdf).statistic < 0.02


def test_what_is_held_still_ranks_with_nothing(tmp_path: Path) -> None:
    """A child or a caller that sets a correlated input to a number, or its rank to 0, has no correlation left."""
    held = written(tmp_path, GROUP, child='title = "C"\nextends = "s"\n[set]\n"debt maturity" = 12\n')
    assert plan(held, Sampling("saltelli", 4)).job.design == Saltelli(4, 2, 0)
    none = written(tmp_path, GROUP, child='title = "C"\nextends = "s"\n' + GROUP.replace("-0.6", "0"))
    assert plan(none, Sampling("saltelli", 4)).job.design == Saltelli(4, 3, 0)
    with pytest.raises(ScenarioError, match="independent inputs"):
        plan(written(tmp_path, GROUP), Sampling("saltelli", 4))
    pairs = {("debt maturity", "world interest rate"): 0.0}
    assert plan(written(tmp_path, GROUP), Sampling("saltelli", 4), Variation(correlated=pairs)).job.design.members == 32


POLICY = '[policy.lean]\n"operating margin" = 0.3\n"directed credit" = 1\n[policy.open]\n"debt maturity" = 11\n'


def test_policies_are_on_or_off(tmp_path: Path) -> None:
    """Every combination is run; on, a policy sets its constants, drawn ones too; off, they are as ever."""
    chosen = written(tmp_path, POLICY)
    study = plan(chosen, Sampling("factorial", 32), outputs=["output"])
    assert [f.name for f in study.factors] == [*(name for name, *_ in THREE), "lean", "open"]
    worker = Worker(study.job)
    block = worker.block(0)
    on = block.inputs[:, 3:] > 0
    assert sorted(map(tuple, on[:4].tolist())) == [(False, False), (False, True), (True, False), (True, True)]
    names = [worker.lowered.by_id[id_].name for id_ in worker.lowered.parameters]
    margin, credit, maturity = (
        worker.parameters[:, names.index(n)] for n in ("operating margin", "directed credit", "debt maturity")
    )
    np.testing.assert_array_equal(margin, np.where(on[:, 0], 0.3, block.inputs[:, 2]))
    np.testing.assert_array_equal(maturity, np.where(on[:, 1], 11.0, block.inputs[:, 0]))
    off = worker.lowered.defaults[names.index("directed credit")]
    np.testing.assert_array_equal(credit, np.where(on[:, 0], 1.0, off))
    alone = worker.kernel.run(worker.parameters[5], study.job.grid, study.job.method, study.job.outputs).values
    np.testing.assert_allclose(block.values[5], alone, rtol=1e-11)
    plain = np.tile(worker.lowered.defaults, (len(block.inputs), 1))
    changed = (worker.parameters != plain).any(axis=0)
    assert {worker.lowered.parameters[column] for column in np.flatnonzero(changed)}.isdisjoint(worker.kernel.shared)


def test_policies_leave_a_single_run_alone(tmp_path: Path) -> None:
    """With its policies off a scenario runs as without them; what the caller sets, no policy changes."""
    assert written(tmp_path, POLICY).program == written(tmp_path, "").program
    written(tmp_path, POLICY)
    fixed = case(tmp_path / "s.toml", read_model, {"debt maturity": 12.0})
    assert [f.name for f in plan(fixed).factors] == ["world interest rate", "operating margin", "lean"]


def test_two_policies_on_one_constant_are_refused(tmp_path: Path) -> None:
    """Which of them would win, nobody says."""
    chosen = written(tmp_path, POLICY + '[policy.third]\n"Debt Maturity" = 12\n')
    with pytest.raises(ScenarioError, match=r"\[policy.third\] Debt Maturity: the policy 'open' sets it too"):
        plan(chosen)


def test_a_file_lists_members(tmp_path: Path) -> None:
    """Columns are found by name, in any order; a file that lacks one is refused."""
    file = tmp_path / "d.csv"
    file.write_text("c,a,b\n3,1,2\n6,4,5\n", encoding="utf-8")
    design = from_file(file, FACTORS)
    assert draw(design, FACTORS, 0, 2).tolist() == [[1, 2, 3], [4, 5, 6]]
    file.write_text("c,a\n3,1\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="one number for each input"):
        from_file(file, FACTORS)


def test_scenario_ranges_become_factors() -> None:
    """The shipped uncertain scenario varies ten inputs; one set on the command line varies no more."""

    def varied(chosen: Case) -> list[str]:
        return [factor.name for factor in factors_of(chosen, lower(chosen.program))]

    names = varied(case("core-korea-uncertain", read_model))
    assert len(names) == 10
    fewer = varied(case("core-korea-uncertain", read_model, {"Directed_Credit": 2.0}))
    assert fewer == [name for name in names if name != "directed credit"]


def test_spread_varies_all_constants_inside_their_limits() -> None:
    """A width of a tenth varies what nothing else varies, up and down by a tenth of its value."""
    chosen = growing()
    found = {f.name: f.spread.numbers for f in factors_of(chosen, lower(chosen.program), {}, 0.1)}
    assert found["limit"] == pytest.approx((9.0, 11.0))
    assert set(found) == {"rate", "limit"}
    only = factors_of(chosen, lower(chosen.program), VARY, 0.1)
    assert {f.name: f.spread for f in only} == VARY


def test_problems_are_told_together() -> None:
    """Unknown names and computed variables are refused at once, each by name."""
    chosen, wide = growing(), Spread("uniform", (0.0, 1.0))
    with pytest.raises(ScenarioError) as caught:
        factors_of(chosen, lower(chosen.program), {"rat": wide, "flow": wide, "time_step": wide})
    assert len(caught.value.problems) == 3


def test_nothing_varies_is_an_error() -> None:
    """A case without ranges says how to give some."""
    chosen = growing()
    with pytest.raises(ScenarioError, match="nothing varies"):
        factors_of(chosen, lower(chosen.program))


@pytest.mark.parametrize("text", ["wage", "=1..2", "wage=2..1", "wage=a", "wage=1", "wage=1..inf"])
def test_faulty_spreads_are_refused(text: str) -> None:
    """What is not NAME=LOW..HIGH or a list of values gives a message."""
    with pytest.raises(ScenarioError):
        parse_spread(text)


def test_units_are_converted() -> None:
    """A distribution in another unit scales its values, not its logarithms."""
    assert Spread("lognormal", (2.0, 0.5), 1.0).scaled(lambda x: 12 * x) == Spread("lognormal", (24.0, 0.5), 12.0)
    assert Spread("normal", (2.0, 0.5)).scaled(lambda x: 1.8 * x + 32).numbers[1] == pytest.approx(0.9)
    assert math.isinf(Spread("normal", (2.0, 0.5)).scaled(lambda x: 12 * x).high)
