"""What `loops`, `causes` and `why` do: run, say in words which loops drive it, and write tables and figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table
from rich.text import Text

from sdpolicy.cli import showing, terminal
from sdpolicy.errors import Problem, SdpolicyError, suggest
from sdpolicy.words import number, spoken_list, unit_words, year

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from sdpolicy.dominance import Level
    from sdpolicy.scenario import Case


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for."""

    out: Path | None = None
    formats: tuple[str, ...] = ("svg",)
    dates: tuple[float, ...] = ()


def loops(name: str, top: int, wishes: Wishes, *, cutting: bool) -> None:
    """Say which loops drive a run, and what each named loop does."""
    with terminal.working(f"looking for the loops of {name}"):
        from sdpolicy.dominance import dominance, sentences, telling
        from sdpolicy.dominance.cutting import cuts

        chosen = _case(name)
        scores = dominance(chosen)
        cut = cuts(chosen) if cutting else None
    terminal.say(str(scores.attrs.get("title", "")) or name, style="bold")
    terminal.say(" ".join(sentences(scores)))
    terminal.console().print()
    _show_loops(scores, top, wishes.dates, telling(scores))
    variable = _output(cut) if cut is not None else ""
    if cut is not None:
        _show_cuts(cut, wishes.dates)
    if wishes.out is not None:
        _write_loops(wishes, wishes.out, scores, cut, variable, chosen)


def causes(name: str, variable: str, wishes: Wishes) -> None:
    """Say what a variable is computed from, and draw it over its causes."""
    with terminal.working(f"running {name}"):
        from sdpolicy.dominance.causes import causes_of
        from sdpolicy.figures.causes import causes as strip
        from sdpolicy.run import simulate

        chosen = _case(name)
        tree = causes_of(chosen.program)
        quantity = chosen.program.find(variable)
        if quantity is None:
            what = f"the model has no variable '{variable}'"
            raise SdpolicyError(Problem("command line", what, suggest(variable, tree)))
        run = simulate(chosen)
    direct = tree[quantity.name]
    terminal.say(f"{quantity.name} is computed from {spoken_list(direct) or 'nothing else'}.", style="bold")
    table = _table("", *(year(t) for t in _moments(run, wishes.dates)), "computed from")
    for cause in (quantity.name, *direct):
        values = run[cause].values
        at = [values[int(np.argmin(np.abs(run["time"].values - t)))] if run[cause].dims[:1] == ("time",) else values
              for t in _moments(run, wishes.dates)]  # fmt: skip
        shown = [number(float(value)) if np.ndim(value) == 0 else "..." for value in at]
        table.add_row(Text(cause), *map(Text, shown), Text(", ".join(tree[cause])))
    terminal.console().print(table)
    if wishes.out is not None:
        with terminal.working("drawing"):
            contents = _drawn({"causes": strip(run, quantity.name, tree)}, wishes.formats)
        _put(wishes.out, contents)


def why(base: str, scenario: str, output: str, wishes: Wishes) -> None:
    """Split the difference of two runs over policies and loops, and say it in words."""
    with terminal.working("running every combination"):
        from sdpolicy.dominance import dominance, phases, telling
        from sdpolicy.figures.contributions import contributions
        from sdpolicy.why import why as explain

        first, second = _case(base), _case(scenario)
        found = explain(first, second, output)
        driven = [dominance(chosen) for chosen in (first, second)]
    at = wishes.dates[0] if wishes.dates else float(found["time"].values[-1])
    moment = int(np.argmin(np.abs(found["time"].values - at)))
    _say_why(found, moment)
    names = (base, scenario)
    for name, scores in zip(names, driven, strict=True):
        said = [f"{year(p.start)}-{year(p.stop)} {p.driver}" for p in phases(scores, telling(scores), shortest=1 / 20)]
        terminal.say(f"Strongest loops in {name}: {'; '.join(said)}.")
    if wishes.out is not None:
        with terminal.working("drawing"):
            contents = _drawn({"why": contributions(found, at)}, wishes.formats)
            contents |= {"why.csv": _csv("time", found["time"].values, "policy", found["contribution"], found)}
        _put(wishes.out, contents)


def _case(name: str) -> Case:
    from sdpolicy.scenario import case
    from sdpolicy.vensim import read_model

    return case(name, read_model)


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(Text(heading), overflow="fold")
    return table


def _moments(run: xr.Dataset, dates: Sequence[float]) -> list[float]:
    time = run["time"].values
    return list(dates) or [float(time[0]), float(time[len(time) // 2]), float(time[-1])]


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
    moments = _moments(scores, dates)
    table = _table("loop", "sign", "mean", *(year(t) for t in moments), "runs through")
    for n in chosen:
        table.add_row(*map(Text, _row(scores, relative[n], int(n), moments)))
    terminal.console().print(table)
    terminal.console().print()


def _row(scores: xr.Dataset, shares: np.ndarray, n: int, moments: Sequence[float]) -> list[str]:
    time = scores["time"].values
    at = [float(shares[int(np.argmin(np.abs(time - t)))]) for t in moments]
    sign = {"R": "+", "B": "-", "U": "+-"}.get(str(scores["polarity"].values[n]), "never acts")
    id_, name = str(scores["loop"].values[n]), str(scores["name"].values[n])
    members = json.loads(str(scores["members"].values[n]))
    written = [f"{value:+.1%}".replace("+0.0%", "0").replace("-0.0%", "0") for value in at]
    label = f"{id_} {name}" if name and name != id_ else id_
    return [label, sign, f"{np.abs(shares).mean():.1%}", *written, ", ".join(members)]


def _output(cut: xr.Dataset) -> str:
    """Return the variable that a figure of cuts shows: that which plays output, or the first."""
    from sdpolicy.results.roles import roles_of

    played = roles_of(cut).variables.get("output", "")
    known = [str(name) for name in cut.data_vars]
    return played if played in known else "output" if "output" in known else known[0]


def _show_cuts(cut: xr.Dataset, dates: Sequence[float]) -> None:
    """Print what the stocks and the output are without each loop, at the end or at the first date."""
    time = cut["time"].values
    at = int(np.argmin(np.abs(time - dates[0]))) if dates else len(time) - 1
    shown = _columns(cut)
    terminal.say(f"Without each named loop, in {year(float(time[at]))}:", style="bold")
    table = _table("without", *shown)
    for n, run in enumerate(cut["run"].values):
        label = "(all loops)" if n == 0 else f"{run} {cut['name'].values[n]}"
        cells = []
        for name in shown:
            value, whole = float(cut[name].values[n, at]), float(cut[name].values[0, at])
            change = f" ({(value - whole) / abs(whole):+.0%})" if n and whole and np.isfinite(value) else ""
            cells.append(f"{number(value)}{change}" if np.isfinite(value) else "not finite")
        table.add_row(Text(label), *map(Text, cells))
    terminal.console().print(table)


def _columns(cut: xr.Dataset) -> list[str]:
    """Return up to five variables to show: the panels that the scenario asks for, or the first."""
    panels = [str(part[0]) for part in json.loads(str(cut.attrs.get("panels", "[]"))) if part]
    known = [name for name in panels if name in cut.data_vars]
    return (known or [str(name) for name in cut.data_vars])[:5]


def _say_why(found: xr.Dataset, moment: int) -> None:
    base, changed = (float(found[key].values[moment]) for key in ("base", "changed"))
    unit, facts = unit_words(str(found["base"].attrs.get("units", ""))), found.attrs
    when = year(float(found["time"].values[moment]))
    shares = found["contribution"].values[:, moment]
    order = np.argsort(-np.abs(shares))
    names = [str(name) for name in found["policy"].values]
    told = [f"{names[n]} ({_plus(shares[n])})" for n in order if shares[n] != 0.0][:3]
    sentence = (
        f"In {when} {facts['output']} is {number(changed)} instead of {number(base)} {unit}: {_plus(changed - base)}."
    )
    sentence += (
        f" It is made above all of {spoken_list(told)}." if told else " Nothing that differs makes a difference."
    )
    terminal.say(sentence, style="bold")
    table = _table("policy", "adds", *([] if facts["exact"] else ["standard error"]), "most with")
    for n in order:
        row = [names[n], _plus(shares[n])]
        row += [] if facts["exact"] else [number(float(found["error"].values[n, moment]))]
        row.append(_partner(found, n, moment, names))
        table.add_row(*map(Text, row))
    table.add_row(*map(Text, ["together", _plus(float(shares.sum()))]))
    terminal.console().print(table)
    if "carried" in found:
        carried = found["carried"].values[:, moment]
        labels = [str(name) for name in found["loop_label"].values]
        order = np.argsort(-np.abs(np.nan_to_num(carried)))[:4]
        told = [f"{labels[n]} ({_plus(carried[n])})" for n in order if np.isfinite(carried[n]) and carried[n] != 0]
        terminal.say(f"Of the difference, what is gone without a loop: {spoken_list(told) or 'nothing'}.")


def _partner(found: xr.Dataset, policy: int, moment: int, names: Sequence[str]) -> str:
    if "synergy" not in found or len(names) < 2:
        return ""
    row = found["synergy"].values[policy, :, moment]
    other = int(np.argmax(np.abs(row)))
    return f"{names[other]} ({_plus(float(row[other]))})" if row[other] else ""


def _plus(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def _write_loops(
    wishes: Wishes, out: Path, scores: xr.Dataset, cut: xr.Dataset | None, variable: str, chosen: Case
) -> None:
    from sdpolicy.figures.contributions import without_loops
    from sdpolicy.figures.dominance import dominance as areas
    from sdpolicy.figures.loops import loops as diagrams

    with terminal.working("drawing"):
        figures = {"dominance": areas(scores, dates=wishes.dates), "loops": diagrams(scores, wishes.dates)}
        figures |= _sketched(chosen)
        contents: dict[str, bytes] = {
            "loops.csv": _csv("time", scores["time"].values, "loop", scores["relative"], scores),
            "families.csv": _csv("time", scores["time"].values, "family", scores["family_relative"], scores),
        }
        if cut is not None:
            figures["cuts"] = without_loops(cut, variable)
            contents["cuts.csv"] = _csv("time", cut["time"].values, "run", cut[variable], cut)
        contents |= _drawn(figures, wishes.formats)
    _put(out, contents)


def _sketched(chosen: Case) -> dict[str, Figure]:
    """Return the stock-and-flow diagrams of the views that the model's author drew."""
    from sdpolicy.dominance.causes import inflows_of
    from sdpolicy.figures.stockflow import stockflow
    from sdpolicy.vensim.sketch import read_sketch

    if not chosen.program.source:
        return {}
    views = [view for view in read_sketch(chosen.program.source).views if view.boxes]
    fills = inflows_of(chosen.program) if views else {}
    name = chosen.program.name
    return {
        "stockflow" if len(views) == 1 else f"stockflow-{n + 1}": stockflow(view, f"{name}: {view.name}", fills)
        for n, view in enumerate(views)
    }


def _drawn(figures: Mapping[str, Figure], formats: Sequence[str]) -> dict[str, bytes]:
    from sdpolicy.figures.render import render

    return {f"{name}.{kind}": render(figure, kind) for name, figure in figures.items() for kind in formats}


def _csv(index: str, times: np.ndarray, dimension: str, values: xr.DataArray, scores: xr.Dataset) -> bytes:
    """Return a table with a row for each time and a column for each loop, policy or run."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([index, *(str(name) for name in scores[dimension].values)])
    block = values.transpose("time", dimension).values
    for time, row in zip(times, block, strict=True):
        writer.writerow([repr(float(time)), *(repr(float(value)) for value in row)])
    return text.getvalue().encode()


def _put(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files, each under another name first, so that none is left half-written; say where."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        fresh = folder / f".{name}.part"
        fresh.write_bytes(content)
        fresh.replace(folder / name)
    showing.show_files(str(folder), sorted(contents))
