"""What a calibration found, as tables: parameters, facts, restarts, profiles, posterior. It runs one member a country.

Held-out facts are scored here, after the fit; nothing here flows back into it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.calibration.profiles import Profile
from sdpolicy.calibration.sampling import Posterior
from sdpolicy.calibration.searching import Restart, spread
from sdpolicy.calibration.tasks import Task
from sdpolicy.scoring import Target

FloatArray = NDArray[np.float64]
EDGE: Final = 0.01
"""An estimate nearer to a bound than this fraction of its range is at the bound."""


@dataclass(frozen=True)
class Scored:
    """A fact of a country beside what the best fit says."""

    country: str
    target: Target
    found: float

    @property
    def ok(self) -> bool:
        low, high = self.target.demanded
        return low <= self.found <= high


@dataclass(frozen=True)
class Fitted:
    """A task that was worked out: restarts (best first), profiles and, if drawn, a posterior sample."""

    task: Task
    restarts: tuple[Restart, ...]
    profiles: tuple[Profile, ...] = ()
    posterior: Posterior | None = None

    @property
    def best(self) -> FloatArray:
        """The place of the best fit."""
        return np.array(self.restarts[0].end)

    @property
    def estimates(self) -> FloatArray:
        """The values of the best fit."""
        return np.asarray(self.task.values(self.best[np.newaxis])[0])

    @cached_property
    def facts(self) -> tuple[Scored, ...]:
        """Every fact that the runs cover, calibration and held-out, with what the best fit says."""
        values = self.estimates[np.newaxis]
        return tuple(
            Scored(country.code, target, float(said))
            for country in self.task.countries
            for wanted in (country.seen, country.held)
            for target, said in zip(wanted, country.found(values, wanted)[0], strict=True)
        )

    def score(self, part: str, country: str | None = None) -> tuple[int, int]:
        """Return how many facts of a part agree, and how many there are; the facts of no split count as seen."""
        here = [
            fact.ok
            for fact in self.facts
            if (fact.target.part or "calibration") == part and country in (None, fact.country)
        ]
        return sum(here), len(here)

    def at_bound(self) -> tuple[str, ...]:
        """Return the parameters whose estimate lies at a bound."""
        labels = [parameter.label for parameter in self.task.parameters]
        edge = (self.best < EDGE) | (self.best > 1 - EDGE)
        return tuple(label for label, near in zip(labels, edge, strict=True) if near)


def tables(fitted: Fitted) -> Mapping[str, bytes]:
    """Return the contents of the files that tell of a calibration, by name."""
    found = {
        "parameters.csv": _parameters(fitted),
        "facts.csv": _facts(fitted.facts),
        "restarts.csv": _restarts(fitted.restarts),
        "calibration.json": _summary(fitted),
    }
    if fitted.profiles:
        found["profiles.csv"] = _csv(
            ("parameter", "value", "payoff"),
            ((p.label, repr(x), repr(y)) for p in fitted.profiles for x, y in zip(p.values, p.payoffs, strict=True)),
        )
    if fitted.posterior is not None:
        values = fitted.task.values(fitted.posterior.places)
        header = [parameter.label for parameter in fitted.task.parameters]
        found["posterior.csv"] = _csv(header, (map(repr, row) for row in values.tolist()))
    return found


def _parameters(fitted: Fitted) -> bytes:
    header = ("parameter", "countries", "estimate", "low", "high", "interval low", "interval high", "verdict", "bound")
    profiles = {profile.label: profile for profile in fitted.profiles}
    bound = fitted.at_bound()
    rows = []
    for parameter, estimate in zip(fitted.task.parameters, fitted.estimates.tolist(), strict=True):
        profile = profiles.get(parameter.label)
        interval = (repr(profile.low), repr(profile.high), profile.verdict) if profile else ("", "", "")
        ends = (repr(end) for end in parameter.rule.bounds)
        at = "at a bound" if parameter.label in bound else ""
        rows.append((parameter.label, " ".join(parameter.countries), repr(estimate), *ends, *interval, at))
    return _csv(header, rows)


def _facts(facts: Sequence[Scored]) -> bytes:
    header = ("fact", "country", "variable", "start", "end", "set", "low", "high", "found", "agrees")
    return _csv(
        header,
        (
            (
                item.target.observation.fact, item.country, item.target.observation.variable,
                repr(item.target.observation.start), repr(item.target.observation.end),
                item.target.part or "calibration", *map(repr, item.target.demanded), repr(item.found),
                "yes" if item.ok else "no",
            )
            for item in facts
        ),
    )  # fmt: skip


def _restarts(restarts: Sequence[Restart]) -> bytes:
    header = ("restart", "start", "seed", "objective", "payoff", "runs", "end", "message")
    return _csv(
        header,
        (
            (str(r.number), r.kind, str(r.seed), repr(r.objective), repr(r.payoff), str(r.runs),
             " ".join(f"{place:.6f}" for place in r.end), r.message)
            for r in restarts
        ),
    )  # fmt: skip


def _summary(fitted: Fitted) -> bytes:
    from sdpolicy.results.labelling import installed

    best, posterior = fitted.restarts[0], fitted.posterior
    near, count = spread(fitted.restarts)
    content = {
        "title": fitted.task.title,
        "task": fitted.task.digest,
        "seed": best.seed,
        "parameters": len(fitted.task.parameters),
        "facts in the payoff": [t.observation.fact for c in fitted.task.countries for t in c.seen],
        "facts held out": [t.observation.fact for c in fitted.task.countries for t in c.held],
        "facts not used": [t.observation.fact for c in fitted.task.countries for t in c.outside],
        "objective": best.objective,
        "payoff": best.payoff,
        "restarts within 1 of the best": [near, count],
        "calibration score": fitted.score("calibration"),
        "held-out score": fitted.score("hold-out"),
        "by country": {
            c.code: {"calibration": fitted.score("calibration", c.code), "hold-out": fitted.score("hold-out", c.code)}
            for c in fitted.task.countries
        },
        "at a bound": fitted.at_bound(),
        "not identified": [p.label for p in fitted.profiles if p.verdict != "identified"],
        "posterior": None
        if posterior is None
        else {"acceptance": posterior.acceptance, "effective draws": posterior.effective, "steps": posterior.steps},
        "versions": {name: installed(name) for name in ("sdpolicy", "numpy", "scipy", "emcee")},
    }
    return (json.dumps(content, indent=1) + "\n").encode("utf-8")


def _csv(header: Sequence[str], rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")
