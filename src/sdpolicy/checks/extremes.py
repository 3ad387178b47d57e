"""Extreme conditions as scenarios on top of the one that is checked. It knows no engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sdpolicy.checks.schema import Extreme
from sdpolicy.errors import CheckError, Problem, ScenarioError
from sdpolicy.program import Program
from sdpolicy.scenario import Case, Scenario, compose
from sdpolicy.scenario.reader import TABLES, Entry, overlaid


def cases(program: Program, scenario: Scenario | None, extremes: Mapping[str, Extreme]) -> dict[str, Case]:
    """Return the case of each extreme condition, by its name.

    Args:
        program: the model as it was read.
        scenario: what is checked; None for the model alone.

    Raises:
        CheckError: with all that does not fit the model.
    """
    path = Path(program.source or program.name)
    file = f"{path.stem}.checks.toml"
    own = scenario or Scenario(name=path.stem, file=file, reference=file, title=program.name, model=path)
    found: dict[str, Case] = {}
    problems: list[Problem] = []
    for name, extreme in extremes.items():
        entries = [Entry(table, key, value, file) for table in TABLES for key, value in getattr(extreme, table).items()]
        changed = overlaid(own, entries, extreme.cut, extreme.run)
        try:
            found[name] = compose(program, replace(changed, title=f"{own.title}: {name}"))
        except ScenarioError as error:
            problems += [replace(problem, where=f"[extreme.{name}] {problem.where}") for problem in error.problems]
    if problems:
        raise CheckError(problems)
    return found
