"""All checks of a model or scenario, carried out: units, companion file, claims, evidence. It prints nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sdpolicy import library
from sdpolicy.checks import accounts, extremes
from sdpolicy.checks.claims import claims, judge, judge_between
from sdpolicy.checks.facts import facts
from sdpolicy.checks.integration import Manner, integration
from sdpolicy.checks.schema import ChecksFile, read_checks
from sdpolicy.checks.verdict import Report, Verdict
from sdpolicy.errors import CheckError, Problem, SimulationError
from sdpolicy.evidence import Observation, fits, observations
from sdpolicy.program import Program
from sdpolicy.run import simulate
from sdpolicy.scenario import Case, Scenario, case
from sdpolicy.scoring import read_split, targets
from sdpolicy.units import check_units
from sdpolicy.vensim import read_model

if TYPE_CHECKING:
    import xarray as xr

SUFFIX: Final = ".checks.toml"


def check(source: str | Path | Scenario, evidence: Path | None = None) -> Report:
    """Carry out all checks of a model or scenario.

    Units are those of the model. Its companion file ``<model>.checks.toml`` is held to the scenario's values, in
    the scenario's run with every step and in one for each extreme condition. Claims are the scenario's own.
    Evidence speaks of the country that the scenario's own file names; a counterfactual, which names none, is
    not compared with what happened.

    Args:
        source: a model or scenario by name or path, or a scenario as read.
        evidence: folder of facts, definitions and split; by default what is shipped.

    Raises:
        SdpolicyError: when files cannot be read or do not fit each other.
    """
    chosen = case(source, read_model)
    work = _Work(chosen, read_model(_model_path(chosen)), evidence or library.shelf("evidence"))
    return work.report()


def _model_path(chosen: Case) -> Path:
    if not chosen.program.source:
        raise CheckError(Problem(chosen.program.name, "a model can be checked only when it was read from a file"))
    return Path(chosen.program.source)


@dataclass(frozen=True)
class _Work:
    """One model or scenario while it is checked."""

    case: Case
    model: Program
    evidence: Path

    @cached_property
    def rules(self) -> ChecksFile:
        return read_checks(Path(self.model.source).with_suffix(SUFFIX))

    @cached_property
    def base(self) -> xr.Dataset:
        """The run as the scenario asks for it, with every step."""
        return self.run(Manner())

    def run(self, manner: Manner, of: Case | None = None) -> xr.Dataset:
        chosen = of or self.case
        step = chosen.grid.step * manner.fraction
        engine = manner.engine or "llvm"
        return simulate(chosen, engine=engine, method=manner.method, step=step, save=step)

    def report(self) -> Report:
        name = self.case.scenario.name if self.case.scenario else self.model.name
        units = tuple(self.units())
        try:
            wanted = self.observations() if self.base else ()
        except SimulationError as error:
            return Report(name, (*units, Verdict("run", name, "every value is finite", str(error), False)))
        verdicts = (
            *units,
            *self.held(),
            *integration(self.rules.integration, self.base, self.run),
            *(claims(self.base, self.case.scenario.expect) if self.case.scenario else self.between()),
            *self.facts(wanted),
        )
        return Report(name, verdicts, fits(self.base, wanted))

    def units(self) -> Iterator[Verdict]:
        problems = check_units(self.model)
        for problem in problems:
            yield Verdict("units", problem.where, "consistent", f"{problem.what}. {problem.cure}".strip(), False)
        if not problems:
            count = len(self.model.equations) + len(self.model.stocks)
            yield Verdict("units", self.model.name, "no equation inconsistent", f"0 of {count}", True)

    def held(self) -> Iterator[Verdict]:
        """Yield extreme conditions, and the accounts in all their runs."""
        rules, runs = self.rules, {"": self.base}
        for name, chosen in extremes.cases(self.model, self.case.scenario, rules.extreme).items():
            extreme = rules.extreme[name]
            try:
                runs[name] = self.run(Manner(), chosen)
            except SimulationError as error:
                yield Verdict("extreme", name, extreme.why, str(error), False)
                continue
            for label, claim in extreme.expect.items():
                found = judge("extreme", f"{name}: {label}", claim, runs[name], self.base)
                yield replace(found, note=found.note or extreme.why)
        yield from (accounts.balance(name, row, runs) for name, row in rules.balance.items())
        if rules.ledger:
            euler = self.run(Manner(method="euler"))
            yield from (accounts.ledger(name, row, euler) for name, row in rules.ledger.items())
        yield from accounts.start(rules.start, self.base) if rules.start else ()
        yield from accounts.non_negative(rules.non_negative, runs) if rules.non_negative else ()

    def between(self) -> Iterator[Verdict]:
        """Yield the claims about several scenarios; each scenario is run once."""
        rules = self.rules.between
        names = dict.fromkeys(name for rule in rules.values() for name in (*rule.terms, *rule.over))
        runs: dict[str, xr.Dataset] = {}
        failures: dict[str, str] = {}
        for name in names:
            try:
                runs[name] = simulate(self.scenario_named(name))
            except SimulationError as error:
                failures[name] = str(error)
        for label, rule in rules.items():
            broken = [failures[name] for name in (*rule.terms, *rule.over) if name in failures]
            if broken:
                yield Verdict("between", label, rule.why or "", broken[0], False)
            else:
                yield judge_between(label, rule, runs)

    def scenario_named(self, name: str) -> str | Path:
        """Return what finds a scenario: a file beside the model, or a shipped one's name."""
        beside = (
            Path(self.model.source).parent / f"{name.removesuffix(library.SCENARIO_SUFFIX)}{library.SCENARIO_SUFFIX}"
        )
        return beside if beside.exists() else name

    def observations(self) -> tuple[Observation, ...]:
        country = own_country(self.case.scenario)
        return observations(self.evidence, self.model.name, country) if country else ()

    def facts(self, wanted: tuple[Observation, ...]) -> list[Verdict]:
        rule = self.rules.evidence
        split = read_split(self.evidence, self.model.name)
        return facts(rule, self.base, targets(wanted, split, rule.tolerance))


def own_country(scenario: Scenario | None) -> str:
    """Return the country that the scenario's own file names, not one that it has from a parent; '' for none."""
    if scenario is None:
        return ""
    try:
        with library.scenario_path(scenario.reference).open("rb") as file:
            return scenario.country if "country" in tomllib.load(file) else ""
    except OSError:
        return scenario.country
