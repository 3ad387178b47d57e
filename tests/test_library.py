"""Models and scenarios are found by name or path, in a source checkout and in an installed package."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdpolicy import library
from sdpolicy.errors import ModelError, ScenarioError
from sdpolicy.scenario import is_model


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand a library of two models and their scenarios in for the shipped one."""
    for name in ("core", "catchup"):
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "models" / f"{name}.mdl").write_text("", encoding="utf-8")
        (tmp_path / "scenarios" / name).mkdir(parents=True)
        for scenario in ("korea", f"only-{name}"):
            text = f'title = "{scenario} of {name}"\nquestion = "Why?"\n'
            (tmp_path / "scenarios" / name / f"{scenario}.toml").write_text(text, encoding="utf-8")
    (tmp_path / "models" / "core.md").write_text("# The teaching model\n\nText.\n", encoding="utf-8")
    monkeypatch.setattr(library, "shelf", lambda kind: tmp_path / kind)
    return tmp_path


def test_model_by_name(root: Path) -> None:
    """A shipped model is found by its name, in any case of letters."""
    assert library.model_path("core") == library.model_path("CORE") == root / "models" / "core.mdl"


def test_model_by_path() -> None:
    """What has a suffix or a folder is a path, and is left as it is."""
    assert library.model_path("./my/core.mdl") == Path("my/core.mdl")
    assert library.model_path(Path("core.mdl")) == Path("core.mdl")


def test_scenario_by_name(root: Path) -> None:
    """A scenario is found by its name, or by that of its model and its own."""
    assert library.scenario_path("only-catchup") == root / "scenarios" / "catchup" / "only-catchup.toml"
    assert library.scenario_path("catchup/korea") == root / "scenarios" / "catchup" / "korea.toml"


def test_bare_name_that_two_models_have(root: Path) -> None:
    """Where two models have a scenario of one name, the bare name finds none, and the longer ones do."""
    with pytest.raises(ScenarioError, match="Did you mean 'c"):
        library.scenario_path("korea")
    assert library.scenario_path("core/korea") == root / "scenarios" / "core" / "korea.toml"


@pytest.mark.usefixtures("root")
def test_list_gives_each_scenario_once() -> None:
    """The list shows the shortest name that finds a scenario, with title, question and model."""
    found = [(item.name, item.title, item.question, item.model) for item in library.list_scenarios()]
    assert found == [
        ("catchup/korea", "korea of catchup", "Why?", "catchup"),
        ("only-catchup", "only-catchup of catchup", "Why?", "catchup"),
        ("core/korea", "korea of core", "Why?", "core"),
        ("only-core", "only-core of core", "Why?", "core"),
    ]


@pytest.mark.usefixtures("root")
def test_title_of_a_model() -> None:
    """A model's title is the heading of its page, if it has one."""
    assert [(item.name, item.title) for item in library.list_models()] == [
        ("catchup", ""),
        ("core", "The teaching model"),
    ]


def test_faulty_file_does_not_stop_the_list(root: Path) -> None:
    """A scenario that cannot be read is listed as such."""
    (root / "scenarios" / "core" / "korea.toml").write_text("title = ", encoding="utf-8")
    assert "(cannot be read)" in [item.title for item in library.list_scenarios()]


@pytest.mark.usefixtures("root")
def test_unknown_names() -> None:
    """A name that nothing has is answered with the closest one, or with where to look."""
    with pytest.raises(ScenarioError) as scenario:
        library.scenario_path("only-croe")
    assert str(scenario.value) == "only-croe: no shipped scenario has this name. Did you mean 'only-core'?"
    with pytest.raises(ModelError) as model:
        library.model_path("x\x1b")
    assert str(model.value) == (
        "x\\x1b: no shipped model has this name. 'sdpolicy list' shows those that there are; "
        "a file of your own is given as x\\x1b.mdl."
    )


@pytest.mark.usefixtures("root")
def test_model_or_scenario() -> None:
    """A bare name is a scenario's before it is a model's; a path tells by its suffix."""
    assert is_model("core")
    assert is_model("./a.MDL")
    assert not is_model("korea")
    assert not is_model("a.toml")
    assert not is_model("neither")


def test_shelves_of_a_checkout() -> None:
    """In a source checkout the shelves are the folders at its top."""
    assert library.shelf("models").name == "models"
