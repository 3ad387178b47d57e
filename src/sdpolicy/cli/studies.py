"""What `ensemble`, `sensitivity`, `discover`, `map` and `robust` do: read, run, say what was found, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sdpolicy.cli import terminal
from sdpolicy.errors import Problem, ScenarioError

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from sdpolicy.ensemble import Executor, Study, Variation
    from sdpolicy.ensemble.runner import Watch
    from sdpolicy.robust import Goal
    from sdpolicy.scenario import Case


@dataclass(frozen=True, slots=True)
class Wishes:
    """What these commands share: how members are drawn, what varies, what is set, and where to write."""

    samples: int
    seed: int = 0
    design: str = "latin-hypercube"
    vary: tuple[str, ...] = ()
    spread: float | None = None
    correlate: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    method: str | None = None
    out: Path | None = None
    formats: tuple[str, ...] = ("svg",)
    second: bool = True


@dataclass(frozen=True, slots=True)
class Work:
    """Who computes an ensemble: workers here, as threads or processes, or a Dask cluster."""

    workers: int | None = None
    processes: bool = False
    scheduler: str = ""

    def executor(self) -> Executor:
        from sdpolicy.ensemble import Dask, Processes, Threads

        if self.scheduler:
            return Dask(self.scheduler)
        return Processes(self.workers) if self.processes else Threads(self.workers)


@dataclass
class Files:
    """What a command writes, by file name, in one go at its end."""

    folder: Path | None
    formats: Sequence[str]
    contents: dict[str, bytes] = field(default_factory=dict)

    def draw(self, name: str, figure: Figure) -> None:
        """Keep a figure in every format that was asked for."""
        from sdpolicy.figures import render

        for kind in self.formats:
            self.contents[f"{name}.{kind}"] = render(figure, kind)

    def keep(self, name: str, dataset: xr.Dataset) -> None:
        """Keep the numbers behind the figures as CSV."""
        frame = dataset.to_dataframe()
        self.contents[f"{name}.csv"] = frame.to_csv(lineterminator="\n").encode()

    def write(self) -> None:
        """Write all of it, and say so."""
        if self.folder is None:
            terminal.say("Nothing was written; add --out DIR for figures and numbers.", style="dim")
            return
        from sdpolicy.ensemble.disk import told, write_whole

        with told(self.folder, ""):
            for name, content in self.contents.items():
                write_whole(self.folder / name, content)
        terminal.say(f"Written to {self.folder}: {', '.join(sorted(self.contents))}.", style="dim")


def plain(text: str) -> str:
    """Return ``text`` as a part of a file name."""
    return "".join(c if c.isalnum() or c in " -" else "_" for c in text)


def read_case(name: str, wishes: Wishes) -> Case:
    """Return the case of a scenario or model with the settings of the command line."""
    from sdpolicy.scenario import RunSettings, case, parse_override
    from sdpolicy.vensim import read_model

    overrides = dict(parse_override(text) for text in wishes.settings)
    return case(name, read_model, overrides, RunSettings(method=wishes.method))


def variation(wishes: Wishes) -> Variation:
    """Return what the command line varies beyond the scenario's ranges."""
    from sdpolicy.ensemble import Variation, parse_spread

    pairs: dict[tuple[str, str], float] = {}
    for text in wishes.correlate:
        names, _, number = text.rpartition("=")
        first, _, second = names.partition(",")
        try:
            pairs[first.strip(), second.strip()] = float(number)
        except ValueError:
            cure = "Write it as in --correlate 'a, b=0.5'."
            raise ScenarioError(Problem(f"command line, '{text}'", "expected NAME, NAME=NUMBER", cure)) from None
    return Variation(dict(parse_spread(text) for text in wishes.vary), wishes.spread, pairs)


def study_of(chosen: Case, wishes: Wishes, outputs: Sequence[str], design: str = "", dated: bool = True) -> Study:
    """Return the study that the command line asks for; ``dated`` saves as often as the scenario does, to tell dates."""
    from sdpolicy.ensemble import Sampling, own_interval, plan

    sampling = Sampling(design or wishes.design, wishes.samples, wishes.seed, second=wishes.second)
    return plan(chosen, sampling, variation(wishes), outputs, own_interval(chosen) if dated else None)


@contextmanager
def progress(text: str) -> Iterator[Watch]:
    """Show members done, their rate and the time left, if somebody is looking at standard error."""
    shown = terminal.console(stderr=True)
    if not shown.is_terminal:
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(text), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=shown, transient=True) as bar:
        task = bar.add_task(text, total=None, rate="")
        first: list[int] = []

        def watch(done: int, total: int) -> None:
            first.append(done)
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{(done - first[0]) / elapsed:,.0f} members/s" if elapsed and done > first[0] else ""
            bar.update(task, completed=done, total=total, rate=rate)

        yield watch


def ensemble(name: str, wishes: Wishes, outputs: Sequence[str], work: Work, resume: bool) -> None:
    """Draw, run and write the members of an ensemble."""
    from sdpolicy.ensemble import open_ensemble, write_ensemble

    assert wishes.out is not None
    with terminal.working("reading"):
        study = study_of(read_case(name, wishes), wishes, outputs, dated=False)
    with progress("members") as watch:
        report = write_ensemble(study, wishes.out, resume=resume, executor=work.executor(), watch=watch)
    stored = open_ensemble(wishes.out)
    saved = ", ".join(quantity.name for quantity in study.job.saved)
    terminal.say(f"{report.members:,} members, {len(study.factors)} inputs varied, saved: {saved}.")
    if report.computed:
        again = f" ({report.members - report.computed:,} were there)" if report.computed < report.members else ""
        terminal.say(f"{report.computed:,} computed in {report.seconds:.1f} s, {report.rate:,.0f} a second{again}.")
    else:
        terminal.say("All members were there already, and fit their hashes.")
    if report.failed:
        terminal.complain(f"{report.failed:,} members failed; 'failed' says by which variable", label="note")
    if wishes.formats:
        from sdpolicy.figures.ensemble import fans

        files = Files(wishes.out.with_name(wishes.out.name + "-figures"), wishes.formats)
        part = stored.read(None, 0, min(stored.members, 20_000))
        files.draw("fans", fans(part))
        files.write()
    terminal.say(f"Written to {wishes.out}, a Zarr store.", style="dim")


def discover(name: str, wishes: Wishes, conditions: Sequence[str], density: float) -> None:
    """Find when the members meet all conditions, and say it."""
    import numpy as np

    from sdpolicy.discovery import several, tree
    from sdpolicy.ensemble import everything, simulate_members
    from sdpolicy.figures.discovery import discovery_figure
    from sdpolicy.outcomes import parse_criterion

    with terminal.working("reading"):
        chosen = read_case(name, wishes)
        known = everything(chosen)
        variables = list(dict.fromkeys(parse_criterion(text, known).outcome.variable for text in conditions))
        study = study_of(chosen, wishes, variables)
    with progress("members") as watch:
        members = simulate_members(study, watch=watch)
    names = [factor.name for factor in study.factors]
    inputs = np.stack([members[name].values for name in names], axis=1)
    interest = np.all([parse_criterion(text, members).met(members) for text in conditions], axis=0)
    what = " and ".join(conditions)
    terminal.say(f"{what}: in {interest.mean():.1%} of {len(interest):,} members.")
    from sdpolicy.discovery import prim

    found = prim(inputs, interest, names, density)
    for box in several(inputs, interest, names, 3, density) or (found.chosen,):
        terminal.say(box.sentence(what))
    grown = _tree(tree, inputs, interest, names)
    if grown:
        terminal.say(grown)
    files = Files(wishes.out, wishes.formats)
    files.draw("discovery", discovery_figure(found, members, interest, what))
    files.write()


def _tree(grow: object, inputs: object, interest: object, names: Sequence[str]) -> str:
    """Return the densest leaf of a classification tree in words, or '' where scikit-learn is missing."""
    from sdpolicy.errors import ResultError

    try:
        found = grow(inputs, interest, names)  # type: ignore[operator]
    except ResultError:
        return ""
    leaf = found.leaves[0]
    return (
        f"A tree is right for {found.accuracy:.1%} of unseen members (guessing: {found.guess:.1%}); "
        f"its densest leaf, {' and '.join(leaf.conditions)}: density {leaf.density:.1%}, coverage {leaf.coverage:.1%}."
    )


def draw_map(name: str, wishes: Wishes, levers: tuple[str, str], outcome: str, how: MapWishes) -> None:
    """Draw the map of an outcome over two levers."""
    from sdpolicy.ensemble import parse_spread
    from sdpolicy.figures.regimes import regime_map as figure
    from sdpolicy.regimes import Lever, Resolution, regime_map

    chosen = read_case(name, wishes)
    found_levers = []
    for text in levers:
        lever, spread = parse_spread(text)
        quantity = chosen.program.find(lever)
        found_levers.append(Lever(quantity.name if quantity else lever, *spread.ends))
    sides = tuple(dict([_setting(text)]) for text in how.sides) or ({},)
    with terminal.working("running along the boundaries"):
        found = regime_map(
            chosen, (found_levers[0], found_levers[1]), outcome, Resolution(how.cells, how.halvings), sides
        )
    found = found.assign_attrs(_here(chosen, [lever.name for lever in found_levers]))
    terminal.say(f"{found.attrs['runs']:,} runs, where a full lattice takes {found.attrs['lattice']:,}.")
    values = found["outcome"]
    if bool(values.isnull().any()):
        terminal.say(f"The {outcome} never comes in {float(values.isnull().mean()):.1%} of the map.")
    if "bistable" in found:
        terminal.say(f"Where the run starts decides in {float(found['bistable'].mean()):.1%} of the map.")
    files = Files(wishes.out, wishes.formats)
    files.draw("map", figure(found))
    files.keep("map", found[["outcome"]])
    files.write()


@dataclass(frozen=True, slots=True)
class MapWishes:
    """How fine a map is, and the sides that it is started from."""

    cells: int = 16
    halvings: int = 3
    sides: tuple[str, ...] = ()


def _setting(text: str) -> tuple[str, float]:
    from sdpolicy.scenario import parse_override

    name, value = parse_override(text)
    return name, value if isinstance(value, float) else value.value


def _here(chosen: Case, names: Sequence[str]) -> Mapping[str, float]:
    """Return the scenario's own values of two levers, for the cross on the map."""
    from sdpolicy.backends.base import layout
    from sdpolicy.lower import lower

    lowered = lower(chosen.program)
    places = layout(lowered.by_id[name] for name in lowered.parameters)
    found = {name: chosen.program.find(name) for name in names}
    return {f"here {n}": lowered.defaults[places[q.id].start] for n, q in found.items() if q and q.id in places}


def robust(
    names: Sequence[str], wishes: Wishes, goals: Sequence[str], criteria: Sequence[str], levers: Sequence[str]
) -> None:
    """Hold packages to the same futures; with levers, search for better ones."""
    from sdpolicy.ensemble import Sampling, parse_spread
    from sdpolicy.figures.robust import regret_figure, trade_off
    from sdpolicy.robust import Budget, Goal, face_futures, regret_table, search

    with terminal.working("reading"):
        packages = {name: read_case(name, wishes) for name in dict.fromkeys(names)}
    wanted = [Goal(text[5:].strip(), False) if text.startswith("less ") else Goal(text.removeprefix("more "))
              for text in goals]  # fmt: skip
    files = Files(wishes.out, wishes.formats)
    if len(packages) > 1:
        sampling = Sampling(wishes.design, wishes.samples, wishes.seed)
        with terminal.working("running every package in every future"):
            faced = face_futures(packages, wanted, sampling, criteria, variation(wishes))
        table = regret_table(faced, wanted, wishes.seed)
        for line in _ranking(table):
            terminal.say(line)
        files.draw("regret", regret_figure(table))
        files.keep("regret", table)
        _turning(faced, wanted, files)
    if levers:
        ends = {lever: spread.ends for lever, spread in map(parse_spread, levers)}
        with terminal.working("searching"):
            found = search(packages[names[0]], ends, wanted, Budget(seed=wishes.seed))
        terminal.say(
            f"{found.sizes['candidate']} policies that no other beats, found with {found.attrs['runs']:,} runs."
        )
        files.draw("trade-off", trade_off(found))
        files.keep("trade-off", found)
    files.write()


def _turning(faced: xr.Dataset, goals: Sequence[Goal], files: Files) -> None:
    """Say, draw and keep where the ranking of the packages changes."""
    from sdpolicy.figures.robust import turning_figure
    from sdpolicy.robust import first_in, turns
    from sdpolicy.words import percent

    found = turns(faced, goals)
    for goal in goals:
        leader, share = first_in(faced, goal)
        terminal.say(f"{goal.outcome}: {leader} ranks first in {percent(share)} of futures.")
        mine = [turn for turn in found if turn.goal == goal.outcome]
        for turn in mine:
            terminal.say(turn.sentence())
        if not mine:
            terminal.say("The ranking hardly changes: no other beats it in more than a few futures.")
    if found:
        files.draw("ranking", turning_figure(faced, found))
    for turn in found:
        files.keep(f"ranking {plain(turn.goal)} {plain(turn.challenger)}", turn.apart)


def _ranking(table: xr.Dataset) -> Iterator[str]:
    """Yield a sentence for each package, those that satisfy most often first."""
    from sdpolicy.words import number, percent

    goals = [str(goal) for goal in table["goal"].values]
    key = table["satisfied"] if "satisfied" in table else table["best"].mean("goal")
    for package in table["package"].values[key.argsort().values[::-1]]:
        row = table.sel(package=package)
        parts = [f"best for {goal} in {percent(float(row['best'].sel(goal=goal)))} of futures, regret in nine tenths "
                 f"up to {number(float(row['high'].sel(goal=goal)))}" for goal in goals]  # fmt: skip
        if "satisfied" in table:
            width = percent(float(row["satisfied_conf"]))
            parts.insert(0, f"satisfies in {percent(float(row['satisfied']))} (+- {width})")
        yield f"{package}: {'; '.join(parts)}."
