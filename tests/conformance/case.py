"""What a case of the conformance corpus is, and short ways to write several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent

Values = float | Sequence["Values"]
"""A number, or one for each element, first dimension outermost."""


@dataclass(frozen=True)
class Case:
    """One variable of one model: what it must be at these times, and why."""

    model: str
    variable: str
    times: Sequence[float]
    expected: Sequence[Values]
    reason: str
    pysd_differs: str = ""
    relative: float = 1e-12
    absolute: float = 1e-12

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.model}.mdl"

    @property
    def id(self) -> str:
        return f"{self.model}-{self.variable.replace(' ', '_')}"


@dataclass(frozen=True)
class Refused:
    """A model that must not be read: the parts that the message must have."""

    model: str
    parts: Sequence[str] = field(default_factory=tuple)

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.model}.mdl"


def constants(
    model: str, reason: str, values: Mapping[str, Values], differs: Mapping[str, str] | None = None
) -> list[Case]:
    """Variables that are the same at the times 0 and 1."""
    found = differs or {}
    return [Case(model, name, (0, 1), (value, value), reason, found.get(name, "")) for name, value in values.items()]


def series(
    model: str,
    reason: str,
    times: Sequence[float],
    values: Mapping[str, Sequence[Values]],
    differs: Mapping[str, str] | None = None,
) -> list[Case]:
    """Variables at the same times."""
    found = differs or {}
    return [Case(model, name, times, row, reason, found.get(name, "")) for name, row in values.items()]


def upto(last: int) -> range:
    """Return the times 0, 1 ... last."""
    return range(last + 1)
