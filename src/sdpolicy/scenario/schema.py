"""What a scenario file may say: one frozen pydantic model for each table, unknown keys forbidden.

It checks a file by itself; what must fit a model is checked in bind.py. It reads no file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from sdpolicy.integrators import METHODS
from sdpolicy.program import fold

Method = Literal["euler", "rk2", "rk4", "rk23", "rk45", "dop853", "radau", "lsoda"]
if set(Method.__args__) != set(METHODS):  # type: ignore[attr-defined]
    raise AssertionError("the schema must offer the methods that there are")


HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of characters that do not show, or that turn the direction of writing."""


def refuse(what: str, cure: str = "") -> PydanticCustomError:
    """Return the error for a value that is not acceptable; messages.py turns it into a Problem."""
    # The texts travel as context: pydantic would otherwise take braces in them for placeholders.
    return PydanticCustomError("sdpolicy", "{what}", {"what": what, "cure": cure})


def hidden(text: str, allowed: str = "") -> str:
    """Return the first character of ``text`` that does not print or turns the direction of writing, or ''."""
    for character in text:
        if unicodedata.category(character) in HIDDEN and character not in allowed:
            return character
    return ""


def _printable(text: str, allowed: str = "") -> str:
    character = hidden(text, allowed)
    if character:
        raise refuse(f"the text holds the character U+{ord(character):04X}, which does not show", "Take it out.")
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise refuse("the text is empty", "Write something, or leave the key out.")
    return text


def _words(text: str) -> str:
    return _printable(text, "\n\t\r")


def _number(value: object) -> object:
    """Refuse whole numbers that no float can hold, which pydantic would let fail."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**300:
        raise refuse("the number is too large")
    return value


def _listed(given: object) -> object:
    """Let a single text stand for a list of one."""
    return (given,) if isinstance(given, str) else given


def _code(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2,3}", text):
        raise refuse("the country is not an ISO code", "Write its two or three capital letters, such as KOR.")
    return text


Number = Annotated[float, Strict(), BeforeValidator(_number)]
Line = Annotated[str, Strict(), AfterValidator(_printable), AfterValidator(_filled)]
Text = Annotated[str, Strict(), AfterValidator(_words)]
Grade = Literal["A", "B", "C"]
Pair = tuple[Number, Number]
_LINES: Final[dict[str, Any]] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Lines = Annotated[tuple[Line, ...], BeforeValidator(_listed), WithJsonSchema(_LINES)]
"""A list of texts, or one text alone."""

UNIT: Final = "Unit in which the numbers are stated, as models write units. They are converted to the model's."
SOURCE: Final = "Where the numbers come from: author, year, page or table."
GRADE: Final = "Grade of the evidence: A measured, B inferred from text, C judgement."
NOTE: Final = "A remark for readers."


class Part(BaseModel):
    """Base of all tables of a scenario file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


def _ordered(pair: Pair) -> Pair:
    if pair[0] >= pair[1]:
        raise refuse(f"the lower end {pair[0]:g} is not below the upper end {pair[1]:g}", "Swap them.")
    return pair


Range = Annotated[Pair, AfterValidator(_ordered)]


class Normal(Part):
    """A normal distribution, cut off at ``low`` and ``high`` where they are given."""

    mean: Number = Field(description="Mean.")
    sd: Annotated[Number, Field(gt=0)] = Field(description="Standard deviation, greater than 0.")
    low: Number | None = Field(default=None, description="No value below this one is drawn.")
    high: Number | None = Field(default=None, description="No value above this one is drawn.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low is not None and self.high is not None:
            _ordered((self.low, self.high))
        return self


class Lognormal(Part):
    """A lognormal distribution, cut off at ``low`` and ``high`` where they are given."""

    median: Annotated[Number, Field(gt=0)] = Field(description="Median, greater than 0.")
    sigma: Annotated[Number, Field(gt=0)] = Field(description="Standard deviation of the natural logarithm.")
    low: Number | None = Field(default=None, description="No value below this one is drawn.")
    high: Number | None = Field(default=None, description="No value above this one is drawn.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low is not None and self.high is not None:
            _ordered((self.low, self.high))
        return self


class Triangular(Part):
    """A triangular distribution."""

    low: Number = Field(description="Lower end.")
    mode: Number = Field(description="The most likely value.")
    high: Number = Field(description="Upper end.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _ordered((self.low, self.high))
        if not self.low <= self.mode <= self.high:
            raise refuse(f"the mode {self.mode:g} is not between {self.low:g} and {self.high:g}")
        return self


def _one_of(part: Part, keys: tuple[str, ...], what: str) -> None:
    given = [key for key in keys if getattr(part, key) is not None]
    if len(given) != 1:
        found = "none of them is given" if not given else f"{' and '.join(given)} are given together"
        raise refuse(f"{what} takes one of {', '.join(keys)}; {found}", "Keep exactly one.")


def _exactly_one(keys: tuple[str, ...]) -> dict[str, Any]:
    return {"oneOf": [{"required": [key]} for key in keys]}


KINDS: Final = ("uniform", "normal", "lognormal", "triangular", "choice")


class Distribution(Part):
    """How a value is uncertain: exactly one of the keys, in the unit of the value."""

    model_config = ConfigDict(json_schema_extra=_exactly_one(KINDS))

    uniform: Range | None = Field(default=None, description="[low, high]: every value between them is equally likely.")
    normal: Normal | None = Field(default=None, description="A normal distribution.")
    lognormal: Lognormal | None = Field(default=None, description="A lognormal distribution.")
    triangular: Triangular | None = Field(default=None, description="A triangular distribution.")
    choice: Annotated[tuple[Number, ...], Field(min_length=1)] | None = Field(
        default=None, description="A list of values, each equally likely."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        _one_of(self, KINDS, "a distribution")
        return self


class Setting(Part):
    """A number for a constant or for the start of a stock: the number alone, or a table that documents it."""

    value: Number = Field(description="The number.")
    unit: Line | None = Field(default=None, description=UNIT)
    range: Range | None = Field(default=None, description="[low, high]: values that are plausible, in the same unit.")
    distribution: Distribution | None = Field(default=None, description="How the value is uncertain, for ensembles.")
    source: Line | None = Field(default=None, description=SOURCE)
    grade: Grade | None = Field(default=None, description=GRADE)
    note: Text | None = Field(default=None, description=NOTE)

    @property
    def varies(self) -> bool:
        """Whether ensembles vary it."""
        return self.range is not None or self.distribution is not None

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, given: object) -> object:
        return given if isinstance(given, Mapping | cls) else {"value": given}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.range is not None and not self.range[0] <= self.value <= self.range[1]:
            low, high = self.range
            raise refuse(f"the value {self.value:g} is outside its own range [{low:g}, {high:g}]")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        table = handler.resolve_ref_schema(handler(core))
        return {"description": table.get("description", ""), "anyOf": [{"type": "number"}, table]}


class Step(Part):
    """One jump."""

    at: Number = Field(description="Time of the jump.")
    before: Number | None = Field(
        default=None, alias="from", description="Value before the jump; by default the model's own."
    )
    to: Number = Field(description="Value from the jump on.")


class Ramp(Part):
    """A straight line between two times, level before and after."""

    start: Number = Field(description="Time at which the ramp begins.")
    stop: Number = Field(description="Time at which it ends.")
    before: Number | None = Field(
        default=None, alias="from", description="Value until the beginning; by default the model's own."
    )
    to: Number = Field(description="Value from the end on.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.stop <= self.start:
            raise refuse(f"the ramp stops ({self.stop:g}) no later than it starts ({self.start:g})")
        return self


class Pulse(Part):
    """A rectangle on top of a base."""

    start: Number = Field(description="Time at which the pulse begins.")
    width: Annotated[Number, Field(gt=0)] = Field(description="How long it lasts.")
    height: Number = Field(description="By how much the value is higher than the base meanwhile.")
    base: Number | None = Field(default=None, description="Value before and after; by default the model's own.")


FORMS: Final = ("points", "step", "ramp", "pulse", "csv")


class TimePath(Part):
    """A path over time: exactly one of points, step, ramp, pulse and csv. Its end values hold beyond it."""

    model_config = ConfigDict(json_schema_extra=_exactly_one(FORMS))

    points: Annotated[tuple[Pair, ...], Field(min_length=1)] | None = Field(
        default=None, description="[[time, value], ...] in the order of time."
    )
    interpolation: Literal["linear", "step"] | None = Field(
        default=None, description="Between the points: linear (the default), or step, which holds the last value."
    )
    step: Step | None = Field(default=None, description="One jump: {at, from, to}.")
    ramp: Ramp | None = Field(default=None, description="A straight line: {start, stop, from, to}.")
    pulse: Pulse | None = Field(default=None, description="A rectangle: {start, width, height, base}.")
    csv: Line | None = Field(default=None, description="A CSV file in the folder of the scenario, with a header row.")
    column: Line | None = Field(default=None, description="The column of the CSV file that holds the values.")
    time: Line | None = Field(default=None, description="The column that holds the times; by default 'year'.")
    unit: Line | None = Field(default=None, description=UNIT)
    source: Line | None = Field(default=None, description=SOURCE)
    grade: Grade | None = Field(default=None, description=GRADE)
    note: Text | None = Field(default=None, description=NOTE)

    @model_validator(mode="after")
    def _check(self) -> Self:
        _one_of(self, FORMS, "a path")
        if self.csv is not None and self.column is None:
            raise refuse("the key 'column' is missing beside 'csv'", "Name the column that holds the values.")
        if self.csv is None and (self.column is not None or self.time is not None):
            raise refuse("'column' and 'time' go with 'csv' only", "Take them out.")
        if self.interpolation is not None and self.points is None and self.csv is None:
            raise refuse("'interpolation' goes with 'points' and 'csv' only", "Take it out.")
        return self


class Correlated(Part):
    """Inputs that rank together in ensembles."""

    inputs: tuple[Line, ...] = Field(description="Two or more inputs that have a range or distribution.")
    rank: Number = Field(description="Spearman's rank correlation of each two of them, between -1 and 1.")
    source: Line | None = Field(default=None, description=SOURCE)
    grade: Grade | None = Field(default=None, description=GRADE)
    note: Text | None = Field(default=None, description=NOTE)

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [fold(name) for name in self.inputs]
        if len(set(names)) < max(2, len(names)):
            found = "an input is named twice" if len(set(names)) < len(names) else "there are fewer than two inputs"
            raise refuse(found, "Name two or more different ones.")
        if not -1.0 < self.rank < 1.0:
            cure = "What moves as one is one input: set both from one constant in the model."
            raise refuse(f"the rank correlation {self.rank:g} is not between -1 and 1", cure)
        return self


class Cut(Part):
    """What is switched off for a test."""

    links: tuple[tuple[Line, Line], ...] = Field(
        default=(), description="[[from, to], ...]: the influence of one variable on another stays at its start."
    )
    loops: tuple[Line, ...] = Field(default=(), description="Loops by the names that the model's loop file gives them.")


class Run(Part):
    """Settings of the run; what is not given is the model's."""

    start: Number | None = Field(default=None, description="Time at which the run begins.")
    stop: Number | None = Field(default=None, description="Time at which it ends.")
    step: Annotated[Number, Field(gt=0)] | None = Field(default=None, description="Time step.")
    save: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="Time between saved rows: a whole number of steps."
    )
    method: Method | None = Field(default=None, description="Integration method; euler by default.")


class Figures(Part):
    """Panels of the figure of a run."""

    panels: tuple[Lines, ...] = Field(
        default=(), description="Variables in the order of the panels; a list of variables shares one panel."
    )


class Expect(Part):
    """A claim about the run that a check can test."""

    variable: Line = Field(description="The variable that the claim is about.")
    at: Number | None = Field(default=None, description="The time that it is about.")
    period: Range | None = Field(default=None, description="[from, to]: the period that it is about.")
    statistic: Literal["mean", "max", "min", "first", "last"] | None = Field(
        default=None, description="What is taken over the period; the mean by default."
    )
    comparison: Literal[">", ">=", "<", "<=", "within"] = Field(
        alias="is", description="How it compares with the value; within means no further off than the tolerance."
    )
    value: Number = Field(description="The number to compare with, in the model's unit.")
    tolerance: Annotated[Number, Field(ge=0)] | None = Field(
        default=None, description="Allowed distance, in the model's unit; needed for within."
    )
    source: Line | None = Field(default=None, description=SOURCE)
    claim: Line | None = Field(default=None, description="The claim as a sentence.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.at is None) == (self.period is None):
            found = "none of them is given" if self.at is None else "both are given"
            raise refuse(f"a claim takes either 'at' or 'period'; {found}", "Keep exactly one.")
        if self.at is not None and self.statistic is not None:
            raise refuse("'statistic' goes with 'period' only", "Take it out, or give a period.")
        if self.comparison == "within" and self.tolerance is None:
            raise refuse("'within' needs a tolerance", "Add tolerance = ... in the unit of the variable.")
        return self


class ScenarioFile(Part):
    """One scenario file."""

    title: Line = Field(description="What the scenario is called in lists and figures.")
    question: Line | None = Field(default=None, description="The question that the scenario answers.")
    description: Text | None = Field(default=None, description="What it stands for, at any length.")
    source: Line | None = Field(default=None, description=SOURCE)
    country: Annotated[str, Strict(), AfterValidator(_code)] | None = Field(
        default=None, description="ISO code of the country whose evidence the run is compared with, such as KOR."
    )
    model: Line | None = Field(
        default=None, description="The model: the name of a shipped one, or a .mdl file in the folder of the scenario."
    )
    extends: Lines = Field(
        default=(), description="The scenario, or the list of them, that this one builds on; later ones win."
    )
    set: dict[str, Setting] = Field(default={}, description="Constants: name = number, or a table that documents it.")
    path: dict[str, TimePath] = Field(default={}, description="Paths over time for constants and inputs from outside.")
    initial: dict[str, Setting] = Field(default={}, description="Stocks at the start of the run.")
    policy: dict[str, dict[str, Setting]] = Field(
        default={}, description="Policies by name, each on or off in the members of an ensemble: what it sets when on."
    )
    correlated: tuple[Correlated, ...] = Field(default=(), description="Inputs that rank together in ensembles.")
    cut: Cut = Field(default=Cut(), description="Links and loops that are switched off for a test.")
    freeze: dict[str, Number] = Field(default={}, description="Variables that keep, from a time on, the value of then.")
    run: Run = Field(default=Run(), description="Settings of the run.")
    figures: Figures = Field(default=Figures(), description="What the figure of a run shows.")
    expect: dict[str, Expect] = Field(default={}, description="Claims about the run that a check can test, by name.")
