"""Tests of calibration: a twin experiment, what is not identified, held-out facts, the log, priors and samples."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from sdpolicy import simulate
from sdpolicy.calibration import Task, profile, read_calibration, sample, search, task
from sdpolicy.calibration.priors import Range, surprise
from sdpolicy.calibration.report import Fitted, tables
from sdpolicy.calibration.sampling import predictions
from sdpolicy.calibration.searching import polish
from sdpolicy.calibration.tasks import weights
from sdpolicy.errors import ResultError, ScenarioError
from sdpolicy.evidence import Observation, simulated
from sdpolicy.library import list_scenarios, shelf
from sdpolicy.scenario.schema import Distribution

TRUTH = {"technology transfer": 1.05, "directed credit": 3.0, "market entry time": 2.5}
FILE = """title = "Twin"
scenarios = ["korea"]
evidence = "facts"
[calibrate]
"technology transfer" = {bounds = [0.6, 2.0]}
"directed credit" = {bounds = [1.0, 8.0]}
"market entry time" = {bounds = [1.0, 5.0], scale = "log"}
"R&D critical mass" = {bounds = [0.1, 0.4]}
"""
YEARS = (1964, 1966, 1968, 1970, 1972, 1974, 1976, 1978, 1980)
HELD = (1966, 1974)


def twin(folder: Path, file: str = FILE, held: float = 1.0, split: bool = True) -> Task:
    """Return the task of finding the parameters that made the facts; held-out ones are multiplied by ``held``."""
    made = simulate("core-korea", overrides=TRUTH)
    facts, definitions, parts = [], [], []
    for variable in ("output", "debt equity ratio", "export share"):
        for year in YEARS:
            name = f"{variable[:3]}{year}"
            value = float(np.interp(year, made["time"], made[variable])) * (held if year in HELD else 1.0)
            facts.append(f"{name},KOR,{variable},{year},,{value!r},,,,twin,,")
            definitions.append(f"{name},core,{variable},1,yes,")
            parts.append(f"{name},KOR,core,{'hold-out' if year in HELD else 'calibration'},0.05")
    (folder / "facts").mkdir(exist_ok=True)
    head = "id,entity,variable,start,end,value,low,high,unit,source,locator,note\n"
    (folder / "facts/facts.csv").write_text(head + "\n".join(facts) + "\n", encoding="utf-8")
    head = "fact,model,variable,scale,usable,reason\n"
    (folder / "facts/definitions.csv").write_text(head + "\n".join(definitions) + "\n", encoding="utf-8")
    if split:
        head = "fact,country,model,set,tolerance\n"
        (folder / "facts/split.csv").write_text(head + "\n".join(parts) + "\n", encoding="utf-8")
    text = (shelf("scenarios") / "core/core-korea.toml").read_text(encoding="utf-8")
    (folder / "korea.toml").write_text(text, encoding="utf-8")
    (folder / "twin.calibration.toml").write_text(file, encoding="utf-8")
    return task(read_calibration(folder / "twin.calibration.toml"))


def test_twin_experiment_finds_the_parameters_that_made_the_facts(tmp_path: Path) -> None:
    """From the scenario's own values, what the facts identify is found to four digits; the rest is said not to be."""
    work = twin(tmp_path)
    restarts = search(work, 1, seed=0)
    fitted = Fitted(work, restarts, profile(work, np.array(restarts[0].end)))
    labels = [parameter.label for parameter in work.parameters]
    found = dict(zip(labels, fitted.estimates, strict=True))
    assert restarts[0].payoff < 1e-6
    for name, value in TRUTH.items():
        assert found[name] == pytest.approx(value, rel=1e-3)
    verdicts = {item.label: item.verdict for item in fitted.profiles}
    assert verdicts == {**dict.fromkeys(TRUTH, "identified"), "R&D critical mass": "not identified"}
    for item in fitted.profiles:
        assert item.low <= TRUTH.get(item.label, 0.2) <= item.high
    assert fitted.score("calibration") == (21, 21)
    assert fitted.score("hold-out") == (6, 6)
    summary = json.loads(tables(fitted)["calibration.json"])
    assert summary["not identified"] == ["R&D critical mass"]


def test_population_and_random_places_come_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Differential evolution and least squares from random places end at the values that made the facts."""
    monkeypatch.setattr("sdpolicy.calibration.searching.GENERATIONS", 15)
    work = twin(tmp_path)
    restarts = search(work, 3, seed=1)
    assert {r.kind for r in restarts} == {
        "the scenario's values", "differential evolution", "the best of random places",
    }  # fmt: skip
    for restart in restarts:
        values = work.values(np.array([restart.end]))[0, :3]
        np.testing.assert_allclose(values, list(TRUTH.values()), rtol=1e-2)


def test_held_out_facts_never_enter_the_payoff(tmp_path: Path) -> None:
    """Held-out facts a thousand times as large leave task, residuals and estimate as they are, bit by bit."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    honest, absurd = twin(tmp_path / "a"), twin(tmp_path / "b", held=1000.0)
    assert honest.digest == absurd.digest
    assert {t.observation.start for t in absurd.countries[0].seen}.isdisjoint(HELD)
    places = np.random.default_rng(0).random((20, 4))
    np.testing.assert_array_equal(honest.residuals(places), absurd.residuals(places))
    ends = [polish(work, work.own)[0] for work in (honest, absurd)]
    np.testing.assert_array_equal(ends[0], ends[1])
    scores = [Fitted(work, search(work, 1, 0)).score("hold-out") for work in (honest, absurd)]
    assert scores == [(6, 6), (0, 6)]


def test_search_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Kept restarts are not searched again; a lost or damaged one is, with the same end; another seed is refused."""
    work, folder = twin(tmp_path), tmp_path / "out"
    first = search(work, 1, seed=0, folder=folder)
    path = folder / "restarts/restart-000.json"
    changed = json.loads(path.read_text())
    path.write_text(json.dumps({**changed, "message": "kept"}), encoding="utf-8")
    assert search(work, 1, seed=0, folder=folder)[0].message == "kept"
    path.write_text("{", encoding="utf-8")
    assert search(work, 1, seed=0, folder=folder) == first
    with pytest.raises(ResultError, match="another task, facts or seed"):
        search(work, 1, seed=1, folder=folder)
    other = twin(tmp_path, FILE.replace("[0.6, 2.0]", "[0.6, 2.1]"))
    with pytest.raises(ResultError, match="another task, facts or seed"):
        search(other, 1, seed=0, folder=folder)


def test_members_are_runs(tmp_path: Path) -> None:
    """What a member says of the facts is what the run with its values says, for moments and periods."""
    work = twin(tmp_path)
    values = np.array([[1.1, 4.0, 2.0, 0.2], [0.9, 2.0, 3.0, 0.3]])
    country = work.countries[0]
    said = country.found(values, country.seen)
    names = [parameter.variable for parameter in work.parameters]
    for i, row in enumerate(values):
        run = simulate(tmp_path / "korea.toml", overrides=dict(zip(names, row.tolist(), strict=True)))
        expected = [simulated(run, target.observation) for target in country.seen]
        np.testing.assert_allclose(said[i], expected, rtol=1e-12)
    run = simulate("core-korea")
    time = run["time"].values
    for start, end in ((1970.1, 1970.1), (1965.0, 1973.0), (1965.1, 1965.2), (1962.0, 2010.0)):
        fact = Observation("x", "output", start, end, 1.0, None, None, "", "")
        assert weights(time, start, end) @ run["output"].values == pytest.approx(simulated(run, fact), rel=1e-13)


def test_sample_surrounds_the_truth(tmp_path: Path) -> None:
    """The posterior sample is the same for the same seed, holds the truth in its middle, and predicts the facts."""
    pytest.importorskip("emcee")
    work = twin(tmp_path, FILE.replace('"R&D critical mass" = {bounds = [0.1, 0.4]}\n', ""))
    best, _ = polish(work, work.own)
    drawn = sample(work, best, 120, seed=0)
    np.testing.assert_array_equal(drawn.places, sample(work, best, 120, seed=0).places)
    values = work.values(drawn.places)
    low, high = np.quantile(values, (0.01, 0.99), axis=0)
    assert (low < list(TRUTH.values())).all()
    assert (high > list(TRUTH.values())).all()
    assert 0.2 < drawn.acceptance < 0.9
    time, names, series = predictions(work, drawn.places, 0)
    assert series.shape == (len(drawn.places), len(time), len(names))
    at = int(np.searchsorted(time, 1978))
    spread = series[:, at, names.index("output")]
    truth = float(simulate("core-korea", overrides=TRUTH)["output"].sel(time=1978))
    assert np.quantile(spread, 0.01) < truth < np.quantile(spread, 0.99)


def test_weights_and_priors_count(tmp_path: Path) -> None:
    """A weight of 4 doubles a residual, by fact or by variable; a prior adds its distance; two facts differ."""
    text = FILE + "[weights]\noutput = 4.0\ndeb1970 = 0.0\n"
    plain, weighted = twin(tmp_path), twin(tmp_path, text)
    places = np.full((1, 4), 0.3)
    before, after = plain.residuals(places)[0], weighted.residuals(places)[0]
    facts = [t.observation for t in plain.countries[0].seen]
    for fact, old, new in zip(facts, before, after, strict=True):
        factor = 2.0 if fact.variable == "output" else 0.0 if fact.fact == "deb1970" else 1.0
        assert new == pytest.approx(factor * old)
    prior = FILE.replace("bounds = [1.0, 8.0]", "bounds = [1.0, 8.0], prior = {normal = {mean = 4.0, sd = 0.5}}")
    informed = twin(tmp_path, prior)
    far = (informed.values(places)[0, 1] - 4.0) / 0.5
    assert informed.objective(places)[0] == pytest.approx(plain.objective(places)[0] + far**2)


def test_a_path_is_estimated_by_a_factor(tmp_path: Path) -> None:
    """What the scenario says over time is multiplied; a constant that has a path is refused otherwise."""
    rule = '"capital account opening" = {bounds = [0.0, 4.0], factor = true}\n'
    work = twin(tmp_path, FILE + rule)
    assert work.own[4] == 0.25
    with pytest.raises(ScenarioError, match="factor = true"):
        twin(tmp_path, FILE + rule.replace(", factor = true", ""))


def test_faulty_files_are_told(tmp_path: Path) -> None:
    """Unknown variables, keys, bounds and starts are told with their place and a suggestion."""
    with pytest.raises(ScenarioError, match="Did you mean 'directed credit'"):
        twin(tmp_path, FILE.replace('"directed credit"', '"directed credits"'))
    with pytest.raises(ScenarioError, match="below the upper end"):
        twin(tmp_path, FILE.replace("[1.0, 8.0]", "[8.0, 1.0]"))
    with pytest.raises(ScenarioError, match=r"'bound' is not known.*'bounds'"):
        twin(tmp_path, FILE.replace("{bounds = [1.0, 8.0]}", "{bound = [1.0, 8.0]}"))
    with pytest.raises(ScenarioError, match="outside the bounds"):
        twin(tmp_path, FILE.replace("bounds = [1.0, 8.0]", "bounds = [1.0, 8.0], start = 9.0"))
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_calibration(tmp_path / "none.calibration.toml")


@pytest.mark.parametrize(
    ("prior", "value", "expected"),
    [
        ({"uniform": [1.0, 3.0]}, 2.0, 0.0),
        ({"uniform": [1.0, 3.0]}, 3.5, math.inf),
        ({"normal": {"mean": 1.0, "sd": 0.5}}, 2.0, 2.0),
        ({"normal": {"mean": 1.0, "sd": 0.5, "low": 0.0}}, -0.5, math.inf),
        ({"lognormal": {"median": 1.0, "sigma": 0.5}}, math.e, 2.0),
        ({"lognormal": {"median": 1.0, "sigma": 0.5}}, -1.0, math.inf),
        ({"triangular": {"low": 0.0, "mode": 1.0, "high": 3.0}}, 1.0, 0.0),
        ({"triangular": {"low": 0.0, "mode": 1.0, "high": 3.0}}, 2.0, math.sqrt(2 * math.log(2))),
    ],
)  # fmt: skip
def test_priors_are_distances_from_the_most_likely(prior: dict[str, object], value: float, expected: float) -> None:
    """Half the square of the distance is the loss of log density."""
    found = surprise(Distribution.model_validate(prior), np.array([value]))
    assert found[0] == pytest.approx(expected)


@pytest.mark.parametrize("log", [False, True])
def test_places_and_values_are_inverse(log: bool) -> None:
    """A value is back where it was, and the ends are the bounds."""
    span = Range(0.5, 8.0, log)
    places = np.linspace(0, 1, 5)
    np.testing.assert_allclose(span.unit(span.value(places)), places, atol=1e-15)
    np.testing.assert_allclose(span.value(np.array([0.0, 1.0])), [0.5, 8.0])


def test_calibration_files_are_no_scenarios() -> None:
    """The list of scenarios leaves them out; each shipped one sets a task with facts."""
    assert not [item.name for item in list_scenarios() if "calibration" in item.name]
    names = sorted(shelf("scenarios").glob("*/*.calibration.toml"))
    assert names
    for path in names:
        assert task(read_calibration(path)).facts > 0
