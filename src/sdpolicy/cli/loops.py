"""What `loops` does: say in words which loops drive a run, hold that to other methods, and write tables and figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from sdpolicy.cli import cutting, holding, terminal
from sdpolicy.cli.findings import Wishes, as_csv, columns, drawn, moments, put, read_case
from sdpolicy.cli.holding import Sample
from sdpolicy.words import year

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from sdpolicy.dominance import Level
    from sdpolicy.dominance.judged import Judgement
    from sdpolicy.scenario import Case


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked beyond the scores: how many to list, other runs, other methods, and runs without each loop."""

    top: int = 10
    half_step: bool = False
    sample: Sample | None = None
    eigenvalues: bool = False
    cuts: bool = False
    outputs: tuple[str, ...] = ()


@dataclass
class Finding:
    """What is to be written in the end: figures and tables by name, and the scenarios that they tell of."""

    names: list[str]
    figures: dict[str, Figure] = field(default_factory=dict)
    tables: dict[str, bytes] = field(default_factory=dict)


def loops(name: str, asked: Questions, wishes: Wishes) -> None:
    """Say which loops drive a run, and what else was asked of them."""
    with terminal.working(f"looking for the loops of {name}"):
        from sdpolicy.dominance import dominance, sentences, telling

        chosen = read_case(name)
        scores = dominance(chosen)
    terminal.say(str(scores.attrs.get("title", "")) or name, style="bold")
    terminal.say(" ".join(sentences(scores)))
    terminal.console().print()
    _show_loops(scores, asked.top, wishes.dates, telling(scores))
    _absent(chosen)
    found = Finding([name])
    if wishes.out is not None:
        _keep_scores(found, scores, chosen, wishes)
    if asked.half_step:
        holding.halve(chosen, scores)
    if asked.sample is not None:
        _follow(found, chosen, scores, asked.sample, wishes)
    if asked.eigenvalues:
        _linearize(found, chosen, scores, wishes)
    if asked.cuts:
        _without(found, chosen, asked, wishes)
    if wishes.out is not None:
        with terminal.working("drawing"):
            contents = {**drawn(found.figures, wishes.formats), **found.tables}
        put(wishes.out, found.names, contents)


def _follow(found: Finding, chosen: Case, scores: xr.Dataset, sample: Sample, wishes: Wishes) -> None:
    """Say in which share of many members the named loops lead."""
    members, figure = holding.follow(chosen, scores, sample, wishes.dates)
    found.figures["members"] = figure
    found.tables["members.csv"] = as_csv("time", members["time"].values, "loop", members["leads"], members)
    found.tables["members.nc"] = _netcdf(members)


def _linearize(found: Finding, chosen: Case, scores: xr.Dataset, wishes: Wishes) -> None:
    """Say what the eigenvalues say."""
    from sdpolicy.cli.linearizing import linearize
    from sdpolicy.figures.eigenvalues import eigenvalues as rates

    values = linearize(chosen, scores, wishes.dates)
    if wishes.out is not None:
        found.figures["eigenvalues"] = rates(values, wishes.dates)
        time = values["time"].values
        found.tables["eigenvalues.csv"] = as_csv("time", time, "eigenvalue", values["growth_rate"], values)
        found.tables["eigenvalues.nc"] = _netcdf(values)


def _netcdf(dataset: xr.Dataset) -> bytes:
    from sdpolicy.results.files import to_netcdf

    return to_netcdf(dataset)


def book(name: str, outputs: Sequence[str], wishes: Wishes) -> None:
    """Print the table of cuts for a model's book, each loop in the scenario where it is judged; nothing else."""
    from sdpolicy.dominance.judged import judge, markdown

    with terminal.working(f"running {name} without each loop"):
        judgement = judge(read_case(name), outputs, wishes.dates[0] if wishes.dates else None, elsewhere=True)
    terminal.console().print(Text(markdown(judgement.items)), soft_wrap=True, end="")
    if wishes.out is not None:
        own = {item.scenario for item in judgement.items if item.loop.judged_in == item.scenario}
        found = Finding([name, *sorted(own)])
        _keep_cuts(found, judgement)
        put(wishes.out, found.names, {**drawn(found.figures, wishes.formats), **found.tables})


def _without(found: Finding, chosen: Case, asked: Questions, wishes: Wishes) -> None:
    """Say what the run is without each named loop."""
    from sdpolicy.dominance.judged import judge

    with terminal.working("running without each loop"):
        judgement = judge(chosen, asked.outputs, wishes.dates[0] if wishes.dates else None)
    ascribed = not asked.outputs and any(item.loop.shows for item in judgement.items)
    cutting.show(judgement.items, side_by_side=not ascribed)
    if wishes.out is not None:
        _keep_cuts(found, judgement)


def _keep_cuts(found: Finding, judgement: Judgement) -> None:
    from sdpolicy.dominance.judged import markdown
    from sdpolicy.figures.cuts import without_loops

    found.figures["cuts"] = without_loops(judgement)
    found.tables["cuts.csv"] = cutting.as_csv(judgement.items)
    found.tables["cuts.md"] = markdown(judgement.items).encode()


def _keep_scores(found: Finding, scores: xr.Dataset, chosen: Case, wishes: Wishes) -> None:
    from sdpolicy.figures.dominance import dominance as areas
    from sdpolicy.figures.loops import loops as diagrams

    found.figures |= {"dominance": areas(scores, dates=wishes.dates), "loops": diagrams(scores, wishes.dates)}
    found.figures |= _sketched(chosen)
    time = scores["time"].values
    found.tables["loops.csv"] = as_csv("time", time, "loop", scores["relative"], scores)
    found.tables["families.csv"] = as_csv("time", time, "family", scores["family_relative"], scores)


def _show_loops(scores: xr.Dataset, top: int, dates: Sequence[float], level: Level) -> None:
    """Print the strongest loops, and all that are named: sign, shares, members."""
    count, whole = int(scores.attrs["loops"]), bool(scores.attrs["complete"])
    many = f"{count:,} loops" if whole else f"More loops than can be counted, {count:,} of them scored"
    relative, named = scores["relative"].values, scores["name"].values != ""
    if level == "named":
        held = float(np.abs(relative[named]).sum(axis=0).mean())
        terminal.say(
            f"{many}; no few of them hold most of it. The shares below are those among the named loops, "
            f"which together hold {held:.1%} of all scores. + reinforces, - balances."
        )
        raw = np.where(named[:, None], scores["score"].values, 0.0)
        total = np.abs(raw).sum(axis=0)
        relative = raw / np.where(total > 0.0, total, 1.0)
        chosen = [n for n in np.argsort(-np.abs(relative).mean(axis=1), kind="stable") if named[n]]
    else:
        terminal.say(f"{many}; shares are of the change from one step to the next, and + reinforces, - balances.")
        chosen = [n for n in range(len(named)) if n < top or named[n]]
    at = moments(scores, dates)
    table = columns("loop", "sign", "mean", *(year(t) for t in at), "runs through")
    for n in chosen:
        table.add_row(*map(Text, _row(scores, relative[n], int(n), at)))
    terminal.console().print(table)
    terminal.console().print()


def _absent(chosen: Case) -> None:
    """Say which named loops do not run round in this scenario, and why."""
    from sdpolicy.dominance.found import broken_by, named_loops

    for loop in named_loops(chosen):
        why = broken_by(chosen, loop)
        if why:
            terminal.say(f"{loop.label} does not run round here: {why}.")


def _row(scores: xr.Dataset, shares: np.ndarray, n: int, dates: Sequence[float]) -> list[str]:
    time = scores["time"].values
    at = [float(shares[int(np.argmin(np.abs(time - t)))]) for t in dates]
    sign = {"R": "+", "B": "-", "U": "+-"}.get(str(scores["polarity"].values[n]), "never acts")
    id_, name = str(scores["loop"].values[n]), str(scores["name"].values[n])
    members = json.loads(str(scores["members"].values[n]))
    written = [f"{value:+.1%}".replace("+0.0%", "0").replace("-0.0%", "0") for value in at]
    label = f"{id_} {name}" if name and name != id_ else id_
    return [label, sign, f"{np.abs(shares).mean():.1%}", *written, ", ".join(members)]


def _sketched(chosen: Case) -> dict[str, Figure]:
    """Return the stock-and-flow diagrams of the views that the model's author drew."""
    from sdpolicy.figures.stockflow import stockflow
    from sdpolicy.vensim.sketch import read_sketch

    if not chosen.program.source:
        return {}
    views = [view for view in read_sketch(chosen.program.source).views if view.boxes]
    name = chosen.program.name
    return {
        "stockflow" if len(views) == 1 else f"stockflow-{n + 1}": stockflow(view, f"{name} · {view.name}")
        for n, view in enumerate(views)
    }
