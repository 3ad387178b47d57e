"""What a file of checks may say, ``models/<model>.checks.toml``, and the reading of one. It knows no model."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from sdpolicy.errors import CheckError, Problem
from sdpolicy.scenario import messages
from sdpolicy.scenario.schema import Cut, Expect, Line, Lines, Method, Number, Part, Run, Setting, TimePath, refuse

Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
Bound = Annotated[Number, Field(ge=0)]


Allowed = Positive | dict[Method, Positive]
"""A number, or one for each method that a run may use; a method that is not named is not checked."""


class Claim(Expect):
    """A claim as in a scenario's [expect]; it may speak in multiples of the undisturbed run."""

    relative: bool = Field(
        default=False, description="Value and tolerance are multiples of what the undisturbed run has there."
    )


class Extreme(Part):
    """An extreme condition: what is changed, and what common sense demands of the outcome."""

    why: Line = Field(description="What common sense says, as a sentence.")
    source: Line | None = Field(default=None, description="Where that is said, if anywhere.")
    set: dict[str, Setting] = Field(default={}, description="Constants, as in a scenario.")
    path: dict[str, TimePath] = Field(default={}, description="Paths over time, as in a scenario.")
    initial: dict[str, Setting] = Field(default={}, description="Stocks at the start, as in a scenario.")
    freeze: dict[str, Number] = Field(default={}, description="Variables that keep the value of a time.")
    cut: Cut = Field(default=Cut(), description="Links and loops that are switched off.")
    run: Run = Field(default=Run(), description="Settings of the run.")
    expect: Annotated[dict[str, Claim], Field(min_length=1)] = Field(description="Claims about the run, by name.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(path.csv is not None for path in self.path.values()):
            raise refuse("a path here cannot come from a CSV file", "Write its points.")
        return self


class Balance(Part):
    """A row that sums to zero at every step of every run."""

    why: Line | None = Field(default=None, description="What the row says.")
    terms: Annotated[dict[str, Number], Field(min_length=1)] = Field(description="Variables, each with its factor.")
    absolute: Bound = Field(default=0.0, description="Residual that is allowed, in the unit of the row.")
    relative: Bound = Field(default=1e-12, description="And as a fraction of the largest term at that time.")


class Ledger(Part):
    """A stock that changes by the flows named here and by nothing else (checked with Euler's method)."""

    why: Line | None = Field(default=None, description="What the ledger says.")
    stock: Line = Field(description="The stock.")
    flows: Annotated[dict[str, Number], Field(min_length=1)] = Field(description="Its flows, each with its factor.")
    relative: Bound = Field(default=1e-9, description="Allowed residual as a fraction of the stock or its change.")


class Start(Part):
    """A balanced start: how fast variables may change in the beginning."""

    span: Positive = Field(default=1.0, description="How long the beginning lasts.")
    variables: dict[str, Positive] = Field(
        description="Variables, each with the relative change a time unit that is allowed in the beginning."
    )


class NonNegative(Part):
    """What must never be negative, in any run."""

    stocks: bool = Field(default=True, description="All stocks.")
    but: Lines = Field(default=(), description="Stocks that may be.")
    also: Lines = Field(default=(), description="Other variables that must not be.")
    tolerance: Bound = Field(default=0.0, description="How far below zero rounding may take them.")


class Crossing(Part):
    """A date that must not depend on the step."""

    variable: Line = Field(description="The variable.")
    below: Number | None = Field(default=None, description="The date is when it first falls below this value.")
    above: Number | None = Field(default=None, description="Or when it first rises above this one.")
    moves: Positive = Field(default=0.05, description="How far the date may move when the step is halved.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.below is None) == (self.above is None):
            raise refuse("a crossing takes either 'below' or 'above'", "Keep exactly one.")
        return self


class Integration(Part):
    """How much the numbers may depend on step, method and engine, as a fraction of a series' largest value.

    The numbers for step and method may differ by the method of the run: ``{euler = 0.01, rk4 = 1e-5}``.
    """

    variables: Lines = Field(default=(), description="What is compared; all stocks by default.")
    halving: Allowed | None = Field(default=None, description="Half the step.")
    euler: Allowed | None = Field(default=None, description="Euler's method with the same step.")
    rk4: Allowed | None = Field(default=None, description="The classical Runge-Kutta method with the same step.")
    dop853: Allowed | None = Field(default=None, description="A method of order 8 that chooses its steps.")
    python: Positive | None = Field(default=None, description="The engine of readable Python.")
    pysd: Positive | None = Field(default=None, description="The reference engine, both with Euler's method.")
    crossing: dict[str, Crossing] = Field(default={}, description="Dates that must not move, by name.")


class Between(Expect):
    """A claim about several scenarios together: a sum over them, or the ratio of two sums, held to a value."""

    why: Line | None = Field(default=None, description="What it says about the theory.")
    terms: Annotated[dict[str, Number], Field(min_length=1)] = Field(
        description="Scenarios, each with its factor; what the claim measures is added up over them."
    )
    over: dict[str, Number] = Field(default={}, description="The sum is divided by this other one.")


class Evidence(Part):
    """What share of the facts a baseline has to agree with."""

    tolerance: Positive = Field(default=0.25, description="For facts with neither range nor tolerance of their own.")
    calibration: Share | None = Field(default=None, description="Share of the facts that a fit may see.")
    hold_out: Share | None = Field(default=None, alias="hold-out", description="Share of those that it must not see.")
    other: Share | None = Field(default=None, description="Share of the facts that the split does not name.")


class ChecksFile(Part):
    """One file of checks."""

    extreme: dict[str, Extreme] = Field(default={}, description="Extreme conditions, by name.")
    balance: dict[str, Balance] = Field(default={}, description="Rows that sum to zero, by name.")
    ledger: dict[str, Ledger] = Field(default={}, description="Stocks and their flows, by name.")
    start: Start | None = Field(default=None, description="A balanced start.")
    non_negative: NonNegative | None = Field(
        default=None, alias="non-negative", description="What must never be negative."
    )
    between: dict[str, Between] = Field(
        default={}, description="Claims about several scenarios, by name; checked with the model alone."
    )
    integration: Integration = Field(default=Integration(), description="Step, methods, engines.")
    evidence: Evidence = Field(default=Evidence(), description="Shares of facts.")


def read_checks(path: Path) -> ChecksFile:
    """Return the checks in ``path``; none when there is no such file.

    Raises:
        CheckError: with all that is wrong with the file.
    """
    if not path.is_file():
        return ChecksFile()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise CheckError(Problem(path.name, f"the file cannot be read ({error})", "Write it as TOML.")) from error
    try:
        return ChecksFile.model_validate(raw)
    except ValidationError as error:
        raise CheckError(messages.problems(error, raw, path.name, ChecksFile)) from error
