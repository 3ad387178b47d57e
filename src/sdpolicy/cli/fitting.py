"""What `calibrate` does: search, profile, sample; print what was found, and write tables, figures and runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from sdpolicy.cli import showing, terminal

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from sdpolicy.backends.base import FloatArray
    from sdpolicy.calibration.report import Fitted
    from sdpolicy.calibration.schema import Wanted
    from sdpolicy.calibration.tasks import Country
    from sdpolicy.figures.posterior import Band


@dataclass(frozen=True, slots=True)
class Wishes:
    """How many searches, from which seed, and what comes after them."""

    starts: int
    seed: int
    steps: int
    profiles: bool


def calibrate(name: str, out: Path, wishes: Wishes) -> None:
    """Work out a calibration file, write all of it into ``out``, and print the result."""
    with terminal.working("reading"):
        from sdpolicy.calibration import profile, read_calibration, sample, search, task
        from sdpolicy.calibration.report import Fitted
        from sdpolicy.results import MANIFEST, save

        wanted = read_calibration(name)
        work = task(wanted)
    with terminal.working(f"searching from {wishes.starts} places"):
        fitted = Fitted(work, search(work, wishes.starts, wishes.seed, out))
    if wishes.profiles:
        with terminal.working("profiles"):
            fitted = Fitted(work, fitted.restarts, profile(work, fitted.best))
    if wishes.steps:
        with terminal.working("posterior sample"):
            fitted = Fitted(
                work, fitted.restarts, fitted.profiles, sample(work, fitted.best, wishes.steps, wishes.seed)
            )
    with terminal.working("drawing and writing"):
        from sdpolicy.calibration.report import tables

        manifest = save(_runs(fitted, wanted), out, {**tables(fitted), **_figures(fitted)})
    _show(fitted)
    showing.show_files(str(out), [*sorted(manifest.files), MANIFEST])


def _runs(fitted: Fitted, wanted: Wanted) -> Mapping[str, xr.Dataset]:
    """Return the best fit of each country as a run."""
    from sdpolicy.run import simulate

    runs = {}
    for country, source in zip(fitted.task.countries, wanted.content.scenarios, strict=True):
        mine = {i: p for i, p in enumerate(fitted.task.parameters) if i in country.columns}
        values = {
            f"{p.variable} factor" if p.rule.factor else p.variable: float(fitted.estimates[i]) for i, p in mine.items()
        }
        scaled = any(p.rule.factor for p in mine.values())
        runs[country.code.casefold()] = simulate(country.case if scaled else wanted.scenario(source), overrides=values)
    return runs


def _figures(fitted: Fitted) -> Mapping[str, bytes]:
    from sdpolicy.figures import render

    figures = {}
    if fitted.profiles:
        figures["profiles.svg"] = render(profile_figure(fitted), "svg")
    if fitted.posterior is not None:
        for i, country in enumerate(fitted.task.countries):
            figures[f"bands.{country.code}.svg"] = render(band_figure(fitted, i), "svg")
    return figures


def profile_figure(fitted: Fitted) -> Figure:
    """Return the figure of all profiles."""
    import numpy as np

    from sdpolicy.calibration.profiles import RISE
    from sdpolicy.figures.posterior import Curve, profiles

    curves = [
        Curve(p.label, np.array(p.values), np.array(p.payoffs) - min(p.payoffs), p.estimate, p.verdict)
        for p in fitted.profiles
    ]
    return profiles(curves, RISE, f"{fitted.task.title}: what the facts say of each parameter")


def band_figure(fitted: Fitted, index: int) -> Figure:
    """Return the figure of one country's posterior-predictive bands."""
    from sdpolicy.calibration.sampling import predictions
    from sdpolicy.figures.posterior import bands

    assert fitted.posterior is not None
    country = fitted.task.countries[index]
    time, names, draws = predictions(fitted.task, fitted.posterior.places, index)
    _, _, best = predictions(fitted.task, fitted.best[None, :], index)
    items = [_band(country, name, time, draws[:, :, j], best[0, :, j]) for j, name in enumerate(names)]
    note = (
        f"{len(draws)} draws, worth {fitted.posterior.effective:.0f} independent ones; calibration {fitted.task.name}"
    )
    return bands(items, f"{fitted.task.title}: {country.code}", note)


def _band(country: Country, name: str, time: FloatArray, draws: FloatArray, best: FloatArray) -> Band:
    from sdpolicy.figures.posterior import Band

    quantity = country.case.program.find(name)
    facts = [
        [t.observation for t in part if country.case.program.find(t.observation.variable) is quantity]
        for part in (country.seen, country.held)
    ]
    return Band(name, quantity.unit if quantity else "", time, draws, best, *facts)


def _show(fitted: Fitted) -> None:
    """Print estimates with what the facts say of them, and the scores."""
    from sdpolicy.calibration.searching import spread

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("parameter", "estimate", "bounds", "95 %", ""):
        table.add_column(heading, overflow="fold")
    profiles = {profile.label: profile for profile in fitted.profiles}
    bound = fitted.at_bound()
    for parameter, estimate in zip(fitted.task.parameters, fitted.estimates, strict=True):
        found = profiles.get(parameter.label)
        low, high = parameter.rule.bounds
        told: list[str] = [found.verdict] if found else []
        told += ["at a bound"] if parameter.label in bound else []
        interval = f"{found.low:.4g} to {found.high:.4g}" if found else ""
        style = "" if told in ([], ["identified"]) else "bold yellow"
        cells = (parameter.label, f"{estimate:.4g}", f"{low:g} to {high:g}", interval)
        table.add_row(*map(Text, cells), Text(", ".join(told), style))
    terminal.console().print(table)
    near, count = spread(fitted.restarts)
    best = fitted.restarts[0]
    terminal.say(
        f"{fitted.task.facts} facts, {len(fitted.task.parameters)} parameters, payoff {best.payoff:.4g}; "
        f"{near} of {count} searches end within 1 of the best."
    )
    for part, name in (("calibration", "Facts in the fit"), ("hold-out", "Held-out facts")):
        good, every = fitted.score(part)
        if every:
            countries = (c.code for c in fitted.task.countries)
            parts = ", ".join(f"{code} {'/'.join(map(str, fitted.score(part, code)))}" for code in countries)
            terminal.say(f"{name} that agree: {good} of {every} ({100 * good / every:.0f} %); {parts}.")
    if fitted.posterior is not None:
        terminal.say(
            f"Posterior sample: {len(fitted.posterior.places)} draws, worth {fitted.posterior.effective:.0f} "
            f"independent ones; {100 * fitted.posterior.acceptance:.0f} % of steps accepted."
        )
