"""Named loops: found in the model or refused, and switched off one by one in one compiled model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdpolicy.dominance import dominance
from sdpolicy.dominance.causes import causes_of
from sdpolicy.dominance.cutting import WHOLE, cuts
from sdpolicy.dominance.graph import build
from sdpolicy.dominance.named import locate
from sdpolicy.errors import ModelError, ScenarioError
from sdpolicy.lower import lower
from sdpolicy.run import simulate
from sdpolicy.scenario import read_scenario
from sdpolicy.scenario.loops import NamedLoop, read_loops
from sdpolicy.vensim import read_model

ROOT = Path(__file__).parents[1]
MODELS = sorted(path.name.removesuffix(".loops.toml") for path in (ROOT / "models").glob("*.loops.toml"))
KOREA = ROOT / "scenarios" / "core" / "core-korea.toml"


@pytest.mark.parametrize("name", MODELS)
def test_named_loops_exist(name: str) -> None:
    """Each loop that a shipped model names runs along links of the model."""
    path = ROOT / "models" / f"{name}.mdl"
    loops = read_loops(path)
    found = locate(build(lower(read_model(path))), loops)
    assert {loop.id for loop in found.values()} == {loop.id for loop in loops}


def test_loop_without_a_link_is_refused() -> None:
    """The message names the missing link and what there is instead; a name that is not there gets a suggestion."""
    graph = build(lower(read_model(ROOT / "models" / "core.mdl")))
    faulty = [
        NamedLoop("X1", "short cut", ("capital", "exports"), (("capital", "exports"),)),
        NamedLoop("X2", "misspelt", ("capitol", "output"), (("capital", "output"),)),
    ]
    with pytest.raises(ModelError) as caught:
        locate(graph, faulty)
    text = str(caught.value)
    assert "core.loops.toml, X1" in text
    assert "'capital' does not act on 'exports' directly" in text
    assert "'exports' depends on export share, world demand" in text
    assert "Did you mean 'capital'?" in text


def test_scores_know_named_loops() -> None:
    """All named loops stand in the scores with their names, whether they are strong or not."""
    scores = dominance(KOREA, listed=3)
    named = {str(id_): str(name) for id_, name in zip(scores.loop.values, scores.name.values, strict=True) if name}
    assert {"R1": "forced march", "B5": "wear"}.items() <= named.items()
    assert len(named) == len(read_loops(ROOT / "models" / "core.mdl"))


def test_cut_by_switch_is_cut_by_scenario(tmp_path: Path) -> None:
    """A run with a loop switched off is the run of a scenario that cuts the loop."""
    found = cuts(KOREA, ["R1", "B6a"])
    for name in ("R1", "B6a"):
        path = tmp_path / f"without-{name}.toml"
        path.write_text(
            f'title = "cut"\nquestion = "?"\nextends = "core-korea"\n[cut]\nloops = ["{name}"]\n', encoding="utf-8"
        )
        run = simulate(read_scenario(path))
        for variable in ("output", "debt", "export share"):
            assert np.allclose(found[variable].sel(run=name).values, run[variable].values, rtol=1e-12)


def test_whole_run_is_the_run() -> None:
    """With all switches off the model runs as it is."""
    found, run = cuts(KOREA, outputs=["output"]), simulate(KOREA)
    assert np.allclose(found["output"].sel(run=WHOLE).values, run["output"].values, rtol=1e-12)
    assert list(found["run"].values)[1:] == [loop.id for loop in read_loops(ROOT / "models" / "core.mdl")]


def test_loops_do_what_the_theory_says() -> None:
    """Without learning or imported technology there is no catch-up; without the closing gap there is no stop to it."""
    found = cuts(KOREA, outputs=["relative knowledge", "debt equity ratio", "output"])
    knowledge = found["relative knowledge"].values[:, -1]
    at = {str(name): n for n, name in enumerate(found["run"].values)}
    assert knowledge[at["R3"]] < 0.25 * knowledge[0]
    assert knowledge[at["R2"]] < 0.5 * knowledge[0]
    assert knowledge[at["B1"]] > 1.3 * knowledge[0]
    assert found["debt equity ratio"].values[at["R1"], -1] < 0.5 * found["debt equity ratio"].values[0, -1]


def test_unknown_loops_and_variables_are_refused() -> None:
    """Names that the model does not know give a message with a suggestion."""
    with pytest.raises(ScenarioError, match="no loop 'R11'"):
        cuts(KOREA, ["R11"])
    with pytest.raises(ScenarioError, match="Did you mean 'output'"):
        cuts(KOREA, outputs=["outputs"])


def test_causes_by_name() -> None:
    """What a variable is computed from, in the model's own names."""
    program = read_model(ROOT / "models" / "core.mdl")
    assert causes_of(program)["exports"] == ("export share", "world demand")
    assert causes_of(program)["capital"] == ("investment", "depreciation")
