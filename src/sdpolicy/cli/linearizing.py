"""What `loops --eigenvalues` says: how fast the run grows or swings by itself, and which loops that hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from sdpolicy.cli import terminal
from sdpolicy.cli.findings import columns, moments
from sdpolicy.words import year

if TYPE_CHECKING:
    import xarray as xr

    from sdpolicy.scenario import Case


def linearize(chosen: Case, scores: xr.Dataset, dates: Sequence[float]) -> xr.Dataset:
    """Say what the eigenvalues say, at some dates and beside the scores; return them."""
    with terminal.working("making the model linear along its run"):
        from sdpolicy.dominance.eigen import eigenvalues

        found = eigenvalues(chosen)
    stocks, every = int(found.attrs["stocks"]), int(found.attrs["all_stocks"])
    terminal.say(
        f"Made linear at each time, the {stocks} of {every} stocks (those of delays too) that drive each other:",
        style="bold",
    )
    when = moments(found, dates)
    _modes(found, when)
    _movers(found, when)
    _check(found, scores)
    return found


def _modes(found: xr.Dataset, when: Sequence[float]) -> None:
    from sdpolicy.dominance.modes import spoken

    unit = str(found["time"].attrs.get("units", ""))
    table = columns("in", "growth rate", "the strongest mode", "the next")
    for date in when:
        n = int(np.argmin(np.abs(found["time"].values - date)))
        pairs = zip(found["growth_rate"].values[:, n], found["frequency"].values[:, n], strict=True)
        known = [(float(rate), float(swing)) for rate, swing in pairs if swing >= 0]  # of a pair, one
        told = [spoken(rate, swing, unit) for rate, swing in known[:2]]
        table.add_row(*map(Text, (year(date), f"{known[0][0]:+.1%}", *told)))
    terminal.console().print(table)


def _movers(found: xr.Dataset, when: Sequence[float]) -> None:
    from sdpolicy.dominance.modes import movers, moving_links, named_movers

    terminal.say("What the greatest growth rate hangs on: its change, in points, if a loop or link were 10 % stronger.")
    for date in when:
        table = columns(year(date), "")
        strongest = movers(found, date)
        known = {mover.label for mover in strongest}
        named = [mover for mover in named_movers(found, date) if mover.named and mover.label not in known]
        for word, listed in (("loop", [*strongest, *named]), ("link", moving_links(found, date))):
            for mover in listed:
                table.add_row(Text(f"{10 * mover.influence:+.2f}"), Text(f"{word} {mover.label}"))
        terminal.console().print(table)


def _check(found: xr.Dataset, scores: xr.Dataset) -> None:
    from sdpolicy.dominance.modes import check

    agreed = check(found, scores)
    parts = [
        f"{share:.0%} of the time in which the loop that leads by its scores {word}"
        for share, word in ((agreed.reinforcing, "reinforces"), (agreed.balancing, "balances"))
        if np.isfinite(share) and 0.0 < agreed.positive < 1.0
    ]
    beside = f"; in {' and in '.join(parts)}" if parts else ""
    terminal.say(f"Beside the scores: the growth rate is positive in {agreed.positive:.0%} of the run{beside}.")
    if np.isfinite(agreed.signs):
        order = (
            f" The order of the loops by both: rank correlation {agreed.order:+.2f}."
            if np.isfinite(agreed.order)
            else ""
        )
        terminal.say(
            f"Of what the named loops do to it, {agreed.signs:.0%} has the sign of their scores: "
            f"what reinforces raises it.{order}"
        )
    terminal.console().print()
