"""The exception tree: every error that a user can meet. It imports nothing of ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it is, what it is, and how to repair it.

    ``where`` names the file and, if there is one, the line or key (``korea.toml, [set] wage``);
    ``what`` says what was found and what was expected; ``cure`` is the repair, a full sentence.
    """

    where: str
    what: str
    cure: str = ""

    def __str__(self) -> str:
        cure = f" {self.cure}" if self.cure else ""
        return f"{self.where}: {self.what}.{cure}"


class SdpolicyError(Exception):
    """Base of all errors that a user can meet.

    An error is a list of problems, all those that could be found at once; its text is one line for each.
    """

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class ModelError(SdpolicyError):
    """A model file cannot be read, or what it says is not a model that can run."""


class ScenarioError(SdpolicyError):
    """A scenario file is not valid, or does not fit its model."""


class SimulationError(SdpolicyError):
    """A run could not be carried out: a value that is not finite, or an engine that fails."""


class SettingsError(SimulationError):
    """Settings of a run that do not go together: an engine that does not exist, a method that it does not have."""


class ResultError(SdpolicyError):
    """A result cannot be written, read or verified."""


class CheckError(SdpolicyError):
    """A check of units, balances or claims cannot be carried out."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?`` for the known name closest to ``name``, or an empty string."""
    import difflib

    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return f"Did you mean '{by_folded[close[0]]}'?" if close else ""
