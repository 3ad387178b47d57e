"""What a calibration file may say, ``<name>.calibration.toml`` beside the scenarios, and the reading of one."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sdpolicy import library
from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.scenario import messages
from sdpolicy.scenario.schema import Distribution, Line, Lines, Number, Part, Range, Text, refuse

SUFFIX: Final = library.CALIBRATION_SUFFIX
Weight = Annotated[Number, Field(ge=0)]


class Estimate(Part):
    """One parameter that is to be estimated."""

    bounds: Range = Field(description="[low, high]: the estimate stays between them, in the model's unit.")
    prior: Distribution | None = Field(
        default=None, description="What is known beforehand; by default all values between the bounds alike."
    )
    scale: Literal["linear", "log"] = Field(default="linear", description="How the range is searched.")
    start: Number | None = Field(default=None, description="Where the first search starts; the scenario's own value.")
    each: bool = Field(default=False, description="Whether each country has a value of its own.")
    countries: Lines = Field(default=(), description="Country codes that it is estimated for; by default all.")
    factor: bool = Field(
        default=False, description="Whether the estimate multiplies what the scenario says, a path for instance."
    )
    note: Text | None = Field(default=None, description="A remark for readers.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.bounds
        if self.scale == "log" and low <= 0:
            raise refuse(f"a range from {low:g} cannot be searched in logarithms", "Give a lower bound above 0.")
        if self.start is not None and not low <= self.start <= high:
            raise refuse(f"the start {self.start:g} is outside the bounds [{low:g}, {high:g}]")
        if self.prior is not None and self.prior.choice is not None:
            raise refuse("a prior cannot be a choice", "Give a uniform, normal, lognormal or triangular one.")
        return self


class Payoff(Part):
    """How the distance between run and facts is weighed."""

    tolerance: Annotated[Number, Field(gt=0)] = Field(
        default=0.25, description="For facts with neither range nor tolerance of their own."
    )
    sigmas: Annotated[Number, Field(gt=0)] = Field(
        default=2.0, description="How many standard deviations a tolerance stands for."
    )


class CalibrationFile(Part):
    """One calibration file."""

    title: Line = Field(description="What the calibration is called.")
    description: Text | None = Field(default=None, description="What it is for, at any length.")
    scenarios: Lines = Field(description="Baselines of the countries, beside this file or shipped.")
    evidence: Line | None = Field(
        default=None, description="Folder of facts, beside this file; by default the shipped."
    )
    calibrate: Annotated[dict[str, Estimate], Field(min_length=1)] = Field(description="Parameters, by name.")
    weights: dict[str, Weight] = Field(
        default={}, description="Weights of facts by id, or of all of a variable; else 1."
    )
    payoff: Payoff = Field(default=Payoff(), description="Tolerance and what it stands for.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A calibration file as read: its content, where it stands, and the SHA-256 of its bytes."""

    name: str
    folder: Path
    content: CalibrationFile
    digest: str

    def scenario(self, name: str) -> str | Path:
        """Return what finds a scenario: a file beside the calibration file, or a shipped one's name."""
        beside = self.folder / (name if name.endswith(library.SCENARIO_SUFFIX) else f"{name}{library.SCENARIO_SUFFIX}")
        return beside if beside.exists() else name


def read_calibration(name: str | Path) -> Wanted:
    """Return a calibration file: a shipped one by name (``core-korea``), or one by path.

    Raises:
        ScenarioError: with all that is wrong with the file.
    """
    path = library.calibration_path(name)
    try:
        data = path.read_bytes()
        raw = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        what = f"the file cannot be read ({getattr(error, 'strerror', None) or error})"
        raise ScenarioError(Problem(str(name), what, f"Name a file that ends in {SUFFIX}.")) from error
    try:
        content = CalibrationFile.model_validate(raw)
    except ValidationError as error:
        raise ScenarioError(messages.problems(error, raw, path.name, CalibrationFile)) from error
    return Wanted(path.name.removesuffix(SUFFIX), path.parent, content, hashlib.sha256(data).hexdigest())
