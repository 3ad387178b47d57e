"""What `loops --members` and `loops --half-step` say: whether the same loops lead in other runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from sdpolicy.cli import terminal
from sdpolicy.cli.findings import columns, moments
from sdpolicy.words import year

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from sdpolicy.scenario import Case

FEW = 64
"""Members that are not worth a process of their own."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How many members, from which seed, in how many processes (all processors by default)."""

    members: int
    seed: int = 0
    workers: int | None = None


def halve(chosen: Case, scores: xr.Dataset) -> None:
    """Say what leads with half the step."""
    with terminal.working("with half the step"):
        from sdpolicy.dominance import agreement, dominance, sentences, telling

        level = telling(scores)
        halved = dominance(chosen, step=chosen.grid.step / 2)
    same = agreement(scores, halved, level)
    first = f"With half the step the same loop leads in {same:.0%} of the time. " if np.isfinite(same) else ""
    terminal.say(f"{first}{' '.join(sentences(halved, level))}")
    terminal.console().print()


def follow(chosen: Case, scores: xr.Dataset, sample: Sample, dates: Sequence[float]) -> tuple[xr.Dataset, Figure]:
    """Say in which share of many members the named loops lead; return the numbers and their figure."""
    from sdpolicy.cli.studies import progress
    from sdpolicy.dominance import phases
    from sdpolicy.dominance.robust import Work, held, robustness
    from sdpolicy.figures.members import members

    workers = sample.workers or min(os.cpu_count() or 1, -(-sample.members // FEW))
    with progress("members") as watch:
        found = robustness(chosen, sample.members, sample.seed, work=Work(workers, watch))
    lasting = held(found, phases(scores, "named", shortest=1 / 20))
    finite = int(found.attrs["finite"])
    terminal.say(
        f"In {sample.members:,} members, drawn over the ranges of {found.attrs['factors']} inputs (seed {sample.seed}; "
        f"{finite:,} finite), among the named loops:",
        style="bold",
    )
    headings = ("from", "to", "leads", "mostly in", "same sign in", "with half the step", "else mostly")
    table = columns(*headings)
    for item in lasting:
        phase = item.phase
        sign = "+" if phase.share > 0 else "-"
        told = [f"{item.mostly:.0%}", f"{item.polarity:.0%}", f"{item.halved:.0%} of it"]
        rival = f"{item.rival} in {item.rivalled:.0%}" if item.rivalled else ""
        table.add_row(*map(Text, (year(phase.start), year(phase.stop), f"{sign} {phase.driver}", *told, rival)))
    terminal.console().print(table)
    _at(found, dates)
    return found, members(found, lasting, dates)


def _at(found: xr.Dataset, dates: Sequence[float]) -> None:
    """Print in which share of the members each loop leads at some dates."""
    from sdpolicy.dominance.robust import labels_of

    when = moments(found, dates)
    rows = [int(np.argmin(np.abs(found["time"].values - date))) for date in when]
    leads = found["leads"].values[:, rows]
    table = columns("leads in", *(year(date) for date in when))
    for n in np.argsort(-leads.max(axis=1), kind="stable"):
        if leads[n].max() >= 0.005:
            table.add_row(Text(labels_of(found)[n]), *(Text(f"{share:.0%}" if share else "") for share in leads[n]))
    terminal.console().print(table)
    terminal.console().print()
