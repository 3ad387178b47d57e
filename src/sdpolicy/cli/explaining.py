"""What `causes` and `why` do: run, say in words what a variable is made of and why two runs differ, and write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from sdpolicy.cli import terminal
from sdpolicy.cli.findings import Wishes, as_csv, columns, drawn, moments, put, read_case
from sdpolicy.errors import Problem, SdpolicyError, suggest
from sdpolicy.words import number, spoken_list, unit_words, year

if TYPE_CHECKING:
    import xarray as xr


def causes(name: str, variable: str, wishes: Wishes) -> None:
    """Say what a variable is computed from, and draw it over its causes."""
    with terminal.working(f"running {name}"):
        from sdpolicy.dominance.causes import causes_of
        from sdpolicy.figures.causes import causes as strip
        from sdpolicy.run import simulate

        chosen = read_case(name)
        tree = causes_of(chosen.program)
        quantity = chosen.program.find(variable)
        if quantity is None:
            what = f"the model has no variable '{variable}'"
            raise SdpolicyError(Problem("command line", what, suggest(variable, tree)))
        run = simulate(chosen)
    direct = tree[quantity.name]
    terminal.say(f"{quantity.name} is computed from {spoken_list(direct) or 'nothing else'}.", style="bold")
    table = columns("", *(year(t) for t in moments(run, wishes.dates)), "computed from")
    for cause in (quantity.name, *direct):
        values = run[cause].values
        at = [values[int(np.argmin(np.abs(run["time"].values - t)))] if run[cause].dims[:1] == ("time",) else values
              for t in moments(run, wishes.dates)]  # fmt: skip
        shown = [number(float(value)) if np.ndim(value) == 0 else "..." for value in at]
        table.add_row(Text(cause), *map(Text, shown), Text(", ".join(tree[cause])))
    terminal.console().print(table)
    if wishes.out is not None:
        with terminal.working("drawing"):
            contents = drawn({"causes": strip(run, quantity.name, tree)}, wishes.formats)
        put(wishes.out, [name], contents)


def why(base: str, scenario: str, output: str, wishes: Wishes) -> None:
    """Split the difference of two runs over policies and loops, and say it in words."""
    with terminal.working("running every combination"):
        from sdpolicy.dominance import dominance, phases, telling
        from sdpolicy.figures.contributions import contributions
        from sdpolicy.why import why as explain

        first, second = read_case(base), read_case(scenario)
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
            contents = drawn({"why": contributions(found, at)}, wishes.formats)
            contents |= {"why.csv": as_csv("time", found["time"].values, "policy", found["contribution"], found)}
        put(wishes.out, names, contents)


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
    table = columns("policy", "adds", *([] if facts["exact"] else ["standard error"]), "most with")
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
