"""Facts held to a run: each by itself, the share that agrees, and the fit of each series. It runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sdpolicy.checks.schema import Evidence
from sdpolicy.checks.verdict import Verdict, figure
from sdpolicy.scoring import Agreement, Target, agreements, shares
from sdpolicy.words import year

if TYPE_CHECKING:
    import xarray as xr


def facts(rule: Evidence, dataset: xr.Dataset, wanted: Sequence[Target]) -> list[Verdict]:
    """Return a line for each fact, and a verdict on each share that is demanded or can be told.

    A single fact is told, not demanded: what is demanded is the share that agrees.
    """
    found = agreements(dataset, wanted)
    lines = [_line(item) for item in found]
    demands = {"calibration": rule.calibration, "hold-out": rule.hold_out, "": rule.other}
    for part, (agree, count) in shares(found).items():
        demanded = demands[part]
        ok = None if demanded is None else agree / count >= demanded
        told = "told" if demanded is None else f"at least {100 * demanded:g} % agree"
        name = f"{part} facts" if part else "facts in no set"
        lines.append(Verdict("score", name, told, f"{agree} of {count} ({100 * agree / count:.0f} %)", ok))
    return lines


def _line(item: Agreement) -> Verdict:
    fact = item.target.observation
    low, high = item.target.demanded
    when = year(fact.start) if fact.start == fact.end else f"{year(fact.start)}-{year(fact.end)}"
    what = f"{fact.fact} {fact.variable} {when}"
    state = {True: "agrees", False: "does not agree", None: "outside the run"}[item.ok]
    part = f"{item.target.part}: " if item.target.part else ""
    return Verdict(
        "evidence", what, f"{figure(low)} to {figure(high)}", figure(item.found), None, f"{part}{state}; {fact.source}"
    )
