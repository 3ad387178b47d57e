"""What a story file may say: frozen pydantic models, unknown keys forbidden. It reads no file and knows no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError

from sdpolicy.errors import Problem, suggest

LONGEST: Final = 4000


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty")
    if len(text) > LONGEST:
        raise ValueError(f"the text is longer than {LONGEST} characters")
    return text.strip()


Text = Annotated[str, Strict(), AfterValidator(_filled)]
Number = Annotated[float, Strict()]
Name = Annotated[str, Strict(), AfterValidator(_filled)]
View = Literal["graphs", "loops", "stocks"]
Language = Literal["en", "ko", "ja"]


class Part(BaseModel):
    """Base of all tables of a story file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Slider(Part):
    """One lever: a constant of the model, or an input over time that is overruled from ``since`` on.

    With ``hold`` the value holds from ``since`` on; without, the path from there is stretched to end at it.
    """

    id: Name
    variable: Name
    label: Text
    kind: Literal["policy", "assumption"]
    low: Number
    high: Number
    step: Number = Field(gt=0)
    ticks: tuple[Number, ...] = ()
    value: Number | None = None
    scale: Number = 1.0
    unit: str = ""
    decimals: int = Field(default=0, ge=0, le=6)
    since: Number | None = None
    hold: bool = False
    meaning: str = ""


class Evidence(Part):
    """An observed value, for a moment or a period."""

    start: Number
    stop: Number | None = None
    value: Number
    source: Text


class Graph(Part):
    """One behaviour-over-time graph, with axes that stay as they are."""

    id: Name
    variable: Name
    label: Text
    low: Number
    high: Number
    scale: Number = 1.0
    unit: str = ""
    decimals: int = Field(default=0, ge=0, le=6)
    line: Number | None = None
    line_label: str = ""
    evidence: tuple[Evidence, ...] = ()


class Phase(Part):
    """A period that graphs shade."""

    label: Text
    start: Number
    stop: Number


class Predict(Part):
    """The class draws a graph from ``since`` on before it is shown."""

    graph: Name
    since: Number


class Step(Part):
    """One step of a story: what is said, asked and shown."""

    id: Name
    title: Text
    text: Text
    question: str = ""
    note: str = ""
    minutes: Number = Field(default=3, gt=0)
    view: View = "graphs"
    graphs: tuple[Name, ...] = ()
    sliders: tuple[Name, ...] = ()
    loops: tuple[Name, ...] = ()
    preset: Mapping[str, Number] = Field(default_factory=dict)
    predict: Predict | None = None
    time: Number | None = None
    differences: bool = False
    answer: str = ""
    at: Mapping[str, tuple[Number, Number]] = Field(default_factory=dict)


class Term(Part):
    """An entry of the glossary."""

    word: Text
    meaning: Text


class Game(Part):
    """Rounds in which the class sets the levers anew; each round's values hold from its year to the next's."""

    rounds: tuple[Number, ...] = Field(min_length=2)
    sliders: tuple[Name, ...] = Field(min_length=1)
    goal: Text
    score: Name
    aim: Literal["high", "low"] = "high"
    limit: Name | None = None
    limit_value: Number = 0.0
    best: Mapping[str, tuple[Number, ...]] = Field(default_factory=dict)


class Diagram(Part):
    """Where the variables of the loops stand, from 0 to 1 across and down, and how they are called there."""

    at: Mapping[str, tuple[Number, Number]] = Field(default_factory=dict)
    labels: Mapping[str, Text] = Field(default_factory=dict)


class StoryFile(Part):
    """A story: the steps of a lecture on one scenario."""

    title: Text
    question: Text
    scenario: Name
    minutes: Number = Field(default=45, gt=0)
    slider: tuple[Slider, ...] = Field(min_length=1, max_length=12)
    graph: tuple[Graph, ...] = Field(min_length=1)
    phase: tuple[Phase, ...] = ()
    step: tuple[Step, ...] = Field(min_length=1)
    term: tuple[Term, ...] = ()
    source: tuple[Text, ...] = ()
    diagram: Diagram = Diagram()
    stocks: tuple[Name, ...] = ()
    game: Game | None = None


class StepText(Part):
    """A step in another language; what is missing stays as it is."""

    title: str = ""
    text: str = ""
    question: str = ""
    note: str = ""
    answer: str = ""


class Translation(Part):
    """A story in another language: long texts by step, short ones by their wording in the story."""

    title: str = ""
    question: str = ""
    words: Mapping[str, str] = Field(default_factory=dict)
    step: Mapping[str, StepText] = Field(default_factory=dict)


def problems(error: ValidationError, file: str, root: type[BaseModel]) -> Iterator[Problem]:
    """Yield what pydantic found, each with its place in the file and the keys that would do."""
    items = error.errors(include_url=False)
    deeper = {item["loc"][:depth] for item in items for depth in range(len(item["loc"]))}
    for item in items:
        path = item["loc"]
        if item["type"] == "too_short" and path in deeper:
            continue  # the list is not too short: its faulty entries were not counted
        where = f"{file}, {place(path)}" if path else file
        if item["type"] == "extra_forbidden":
            known = _known(path[:-1], root)
            cure = suggest(str(path[-1]), known) or f"Known keys: {', '.join(known)}."
            yield Problem(where, f"the key '{path[-1]}' is not known", cure)
        elif item["type"] == "missing":
            yield Problem(where, f"the key '{path[-1]}' is missing", f"Add {path[-1]} = ...")
        else:
            what = item["msg"].removeprefix("Value error, ")
            yield Problem(where, what[:1].lower() + what[1:])


def place(path: Sequence[int | str]) -> str:
    """Return where something stands: ``step 3, title``."""
    words: list[str] = []
    for part in path:
        if isinstance(part, int) and words:
            words[-1] += f" {part + 1}"
        else:
            words.append(str(part))
    return ", ".join(words)


def _known(path: Sequence[int | str], root: type[BaseModel]) -> list[str]:
    model = root
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = _inner(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _inner(annotation: Any) -> type[BaseModel] | None:
    """Return the table inside an annotation such as ``tuple[Step, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((inner for part in get_args(annotation) if (inner := _inner(part))), None)
