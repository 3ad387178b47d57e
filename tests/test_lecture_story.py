from __future__ import annotations

from pathlib import Path

import pytest

from sdpolicy.errors import ScenarioError
from sdpolicy.lecture.bind import apply, bind, held_from
from sdpolicy.lecture.story import read_story
from sdpolicy.library import list_lectures

STORY = """
title = "A story"
question = "Why?"
scenario = "core-korea"

[[slider]]
id = "credit"
variable = "directed credit"
label = "Credit"
kind = "policy"
low = 0.0
high = 6.0
step = 0.5

[[graph]]
id = "debt"
variable = "debt equity ratio"
label = "Debt"
low = 0.0
high = 8.0

[[step]]
id = "one"
title = "One"
text = "Look."
graphs = ["debt"]
sliders = ["credit"]
"""


def written(folder: Path, text: str) -> Path:
    """Write a story file and return its path."""
    path = folder / "story.toml"
    path.write_text(text, encoding="utf-8")
    return path


def messages(folder: Path, text: str) -> list[str]:
    """Return what is wrong with a story, in its file or in its model."""
    with pytest.raises(ScenarioError) as caught:
        bind(read_story(written(folder, text)))
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("item", list_lectures(), ids=lambda item: item.name)
def test_shipped_stories_fit_their_models(item) -> None:
    """Every shipped story binds, its minutes add up, and each translation tells every step."""
    bound = bind(read_story(item.name))
    story = bound.story.file
    assert sum(step.minutes for step in story.step) == pytest.approx(story.minutes, abs=5)
    for language, text in bound.story.translations.items():
        missing = [step.id for step in story.step if not (text.step.get(step.id) and text.step[step.id].text)]
        assert missing == [], language
        labels = [item.label for item in (*story.slider, *story.graph, *story.phase)]
        assert [label for label in labels if label not in text.words] == [], language


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    """A misspelled key, a missing one and a wrong type come together, each with its place."""
    text = STORY.replace('question = "Why?"', 'queston = "Why?"').replace("high = 8.0", 'high = "8"')
    assert messages(tmp_path, text) == [
        "story.toml, question: the key 'question' is missing. Add question = ...",
        "story.toml, graph 1, high: input should be a valid number.",
        "story.toml, queston: the key 'queston' is not known. Did you mean 'question'?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'graphs = ["debt"]',
            'graphs = ["dept"]',
            "story.toml, step 'one': there is no graph 'dept'. Did you mean 'debt'?",
        ),
        (
            "low = 0.0\nhigh = 6.0",
            "low = 6.0\nhigh = 0.0",
            "story.toml, slider 'credit': low (6) is not below high (0). Swap them.",
        ),
        (
            '"directed credit"',
            '"directed kredit"',
            "story.toml, slider 'credit': the model has no 'directed kredit'. Did you mean 'directed credit'?",
        ),
        (
            '"directed credit"',
            '"output"',
            "story.toml, slider 'credit': no slider can move 'output': it is neither a constant nor an input over "
            "time. Name a constant of the model.",
        ),
        ('title = "One"', 'title = ""', "story.toml, step 1, title: the text is empty."),
        ('graphs = ["debt"]', 'loops = ["R99"]', "story.toml, step 'one': there is no loop 'R99'. The loops are: "),
    ],
)
def test_one_problem(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """A single mistake gives a single message that names it and its cure."""
    found = messages(tmp_path, STORY.replace(old, new))
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_unknown_story() -> None:
    """A misspelled name of a story is answered with the closest one."""
    with pytest.raises(ScenarioError, match=r"no story has this name\. Did you mean 'catch-up'"):
        read_story("cath-up")


def test_a_lever_in_time_leaves_what_was_before(tmp_path: Path) -> None:
    """A slider with a date stretches its path after that date and leaves the path before it."""
    dated = STORY.replace('variable = "directed credit"', 'variable = "capital account opening"\nsince = 1994.0')
    bound = bind(read_story(written(tmp_path, dated.replace("high = 6.0", "high = 0.06"))))
    (lever,) = bound.levers
    assert lever.value == 0.02
    path = held_from(lever, 0.04)
    assert [value for time, value in path if time < 1994.0] == [0.0]
    assert (1994.0, 0.005) in path
    assert path[-1][1] == pytest.approx(0.04)
    assert held_from(lever, 0.02) == lever.points


def test_a_lever_of_a_constant_is_a_parameter(tmp_path: Path) -> None:
    """A slider without a date sets its constant."""
    bound = bind(read_story(written(tmp_path, STORY)))
    program = apply(bound, {"credit": 2.5})
    bodies = [equation.body for equation in program.equations if equation.target == "directed_credit"]
    assert [getattr(body, "value", None) for body in bodies] == [2.5]


def test_the_guide_shows_a_story_that_works(tmp_path: Path) -> None:
    """The complete story in docs/lectures.md binds to its model."""
    guide = Path(__file__).resolve().parents[1] / "docs" / "lectures.md"
    block = guide.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    assert bind(read_story(written(tmp_path, block))).levers[0].value == 4.0
