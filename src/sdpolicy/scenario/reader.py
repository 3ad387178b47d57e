"""A scenario file and its parents, read into one Scenario. It knows no model: bind.py holds it to one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import ValidationError

from sdpolicy import library
from sdpolicy.errors import Problem, ScenarioError, SdpolicyError, suggest
from sdpolicy.program import fold
from sdpolicy.scenario import elements, files, messages
from sdpolicy.scenario.correlation import Pairs, can_be, matrix, pairs_of, twice
from sdpolicy.scenario.paths import disorder, read_column
from sdpolicy.scenario.schema import Cut, Expect, Figures, Part, Run, ScenarioFile, Setting, TimePath

Table = Literal["set", "path", "initial", "freeze"]
TABLES: Final[tuple[Table, ...]] = ("set", "path", "initial", "freeze")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a scenario says about one variable: the table, the name as written, the value, the file."""

    table: Table
    name: str
    value: Setting | TimePath | float
    file: str
    """The file as the user named it, or ``command line``."""

    @property
    def origin(self) -> str:
        """The name of the file without its folder."""
        return basename(self.file)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is on in some members of an ensemble and off in the others: its name, and what it sets when on."""

    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Scenario:
    """A scenario with its parents resolved, not yet held to a model."""

    name: str
    """The name of its file without the suffix."""
    file: str
    """Its file as the user named it, for messages."""
    reference: str
    """What finds it again: the name of a shipped scenario, or the path as given."""
    title: str
    question: str = ""
    description: str = ""
    source: str = ""
    country: str = ""
    model: Path | None = None
    entries: tuple[Entry, ...] = ()
    policies: tuple[Policy, ...] = ()
    correlated: Pairs = field(default_factory=lambda: MappingProxyType({}))
    """Rank correlations of inputs that vary; of those that are held still by now they say nothing."""
    cut: Cut = field(default_factory=Cut)
    run: Run = field(default_factory=Run)
    figures: Figures = field(default_factory=Figures)
    expect: Mapping[str, Expect] = field(default_factory=lambda: MappingProxyType({}))
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """SHA-256 of each file that was read, by its name: parents and CSV files included."""

    def canonical(self) -> str:
        """Return the resolved content as JSON: equal for equal content, however it is spelt or laid out."""
        tables: dict[str, dict[str, Any]] = {
            table: {elements.key(entry.name): _plain(entry.value) for entry in self.entries if entry.table == table}
            for table in TABLES
        }
        head = {key: getattr(self, key) for key in ("title", "question", "description", "source", "country")}
        whole: dict[str, Any] = {
            **head,
            **tables,
            "model": self.model.stem.casefold() if self.model else "",
            "policy": {p.name: {elements.key(e.name): _plain(e.value) for e in p.entries} for p in self.policies},
            "correlated": [[*names, rank] for names, rank in sorted(self.correlated.items()) if rank],
            "cut": {
                "links": sorted([fold(a), fold(b)] for a, b in self.cut.links),
                "loops": sorted(map(fold, self.cut.loops)),
            },
            "run": _plain(self.run),
            "figures": [[fold(name) for name in panel] for panel in self.figures.panels],
            "expect": {
                name: {**_plain(claim), "variable": fold(claim.variable)} for name, claim in self.expect.items()
            },
        }
        filled = {key: value for key, value in whole.items() if value and value != {"links": [], "loops": []}}
        return json.dumps(filled, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of :meth:`canonical`."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def _plain(value: Part | float) -> Any:
    """Return a part as JSON data without what was left out; a linear path is so by default."""
    if not isinstance(value, Part):
        return float(value)
    found = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if "unit" in found:
        found["unit"] = fold(found["unit"])
    return {key: item for key, item in found.items() if (key, item) != ("interpolation", "linear")}


def read_scenario(name: str | Path) -> Scenario:
    """Return a scenario with its parents resolved.

    Args:
        name: a shipped scenario by name (``korea``), or the path of a file (``./my/korea.toml``).

    Raises:
        ScenarioError: with all that is wrong with the file, its parents and its CSV files.
    """
    scenario, problems = read_draft(name)
    if problems:
        raise ScenarioError(problems)
    return scenario


def overlaid(scenario: Scenario, entries: Iterable[Entry], cut: Cut, run: Run) -> Scenario:
    """Return ``scenario`` with more entries, cuts and settings, which win, and without its claims."""
    settings = {key: value for part in (scenario.run, run) for key, value in part if value is not None}
    return replace(
        scenario,
        entries=_overlaid([scenario.entries, entries]),
        cut=_union([scenario.cut, cut]),
        run=Run(**settings),
        expect=MappingProxyType({}),
    )


def read_draft(name: str | Path) -> tuple[Scenario, tuple[Problem, ...]]:
    """Return what could be read of a scenario, and all that is wrong with it.

    The valid rest of a faulty file is of use to go on looking for what does not fit the model, so that
    all problems can be told at once.

    Raises:
        ScenarioError: when the file cannot be read at all.
    """
    path = library.scenario_path(name)
    shown = str(name) if library.is_path(name) and not _is_shipped(name) else path.name
    reader = _Reader()
    scenario = reader.read(path, shown, ())
    if scenario is not None:
        scenario = replace(scenario, reference=str(name))
    if scenario is None:
        raise ScenarioError(reader.problems)
    if scenario.model is None and not reader.problems:
        cure = "Add model = \"core\", or another name from 'sdpolicy list'."
        reader.problems.append(Problem(shown, "no model is named, here or by a parent", cure))
    return scenario, tuple(dict.fromkeys(reader.problems))


def _is_shipped(name: str | Path) -> bool:
    return not isinstance(name, Path) and library.is_shipped(name, "scenarios")


@dataclass
class _Reader:
    """The reading of one scenario: each file once, problems of all of them in one list."""

    problems: list[Problem] = field(default_factory=list)
    done: dict[Path, Scenario | None] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def read(self, path: Path, shown: str, chain: tuple[tuple[Path, str], ...]) -> Scenario | None:
        """Return the scenario in ``path``, or None when the file cannot be read at all."""
        real = path.resolve()
        if real in [other for other, _ in chain]:
            names = [name for _, name in chain] + [shown]
            what = f"the scenarios extend each other in a circle: {' -> '.join(names)}"
            self.problems.append(Problem(chain[-1][1], what, "Take one of the parents out."))
            return None
        if real not in self.done:
            try:
                self.done[real] = self._scenario(path, shown, (*chain, (real, shown)))
            except ScenarioError as error:
                self.problems.extend(error.problems)
                self.done[real] = None
        return self.done[real]

    def _scenario(self, path: Path, shown: str, chain: tuple[tuple[Path, str], ...]) -> Scenario:
        content = files.read(path, messages.show(shown, 200))
        self._record(path.name, content.digest)
        own = self._validated(files.parse(content.text, shown), shown)
        parents = [self._parent(name, path, shown, chain) for name in own.extends]
        known = [parent for parent in parents if parent is not None]
        entries = _overlaid([*(p.entries for p in known), tuple(self._entries(own, path.parent, shown))])
        model = self._model(own, known, path, shown)
        runs = [parent.run for parent in known] + [own.run]
        return Scenario(
            name=path.stem,
            file=shown,
            reference=shown,
            title=own.title,
            question=own.question or "",
            description=own.description or "",
            source=own.source or "",
            country=own.country or next((p.country for p in reversed(known) if p.country), ""),
            model=model,
            entries=entries,
            policies=_policies([*(parent.policies for parent in known), _own_policies(own, shown)]),
            correlated=self._correlated(own, known, entries, shown),
            cut=_union([*(parent.cut for parent in known), own.cut]),
            run=Run(**{key: value for run in runs for key, value in run if value is not None}),
            figures=next((f for f in [own.figures, *(p.figures for p in reversed(known))] if f.panels), Figures()),
            expect=MappingProxyType(own.expect),
            files=MappingProxyType(dict(self.digests)),
        )

    def _record(self, name: str, digest: str) -> None:
        """Note what was read; files of one name in two folders are told apart by a number."""
        label, count = name, 2
        while self.digests.get(label, digest) != digest:
            label, count = f"{name} ({count})", count + 1
        self.digests[label] = digest

    def _validated(self, raw: dict[str, Any], shown: str) -> ScenarioFile:
        """Return the valid part of a file; what is not valid is told and left out."""
        self._twice(raw, shown)
        for _ in range(len(raw) + 3):
            try:
                return ScenarioFile.model_validate(raw)
            except ValidationError as error:
                self.problems.extend(messages.problems(error, raw, shown))
                raw = _without(raw, [item["loc"] for item in error.errors(include_url=False)])
        return ScenarioFile(title="untitled")

    def _twice(self, raw: Mapping[str, Any], shown: str) -> None:
        """Tell of variables that stand in a file twice, in one spelling or in two."""
        for group in (("set", "path"), ("initial",), ("freeze",)):
            seen: dict[str, tuple[str, str]] = {}
            for table in group:
                names = raw.get(table)
                for name in names if isinstance(names, Mapping) else ():
                    before = seen.setdefault(elements.key(name), (table, name))
                    if before != (table, name):
                        where = messages.place(shown, table, name)
                        what = f"the variable was given already, as {messages.key(*before)}"
                        self.problems.append(Problem(where, what, "Keep one of the two."))

    def _parent(self, name: str, path: Path, shown: str, chain: tuple[tuple[Path, str], ...]) -> Scenario | None:
        """Return a parent: a file in the folder of the scenario, or a shipped scenario by its bare name."""
        where = messages.place(shown, "extends")
        try:
            target = _parent_path(name, path.parent, where)
        except SdpolicyError as error:
            self.problems.extend(_about(name, where, error))
            return None
        if not target.is_relative_to(path.parent):
            return self.read(target, target.name, chain)
        folder = shown[: len(shown) - len(path.name)]
        return self.read(target, f"{folder}{target.relative_to(path.parent).as_posix()}", chain)

    def _model(self, own: ScenarioFile, parents: Iterable[Scenario], path: Path, shown: str) -> Path | None:
        where = messages.place(shown, "model")
        if own.model is None:
            named = {parent.model.resolve(): parent for parent in parents if parent.model}
            if len(named) > 1:
                listed = " and ".join(f"'{found.stem}' ({p.file})" for found, p in named.items())
                what = f"the parents run different models: {listed}"
                self.problems.append(Problem(where, what, "Say which, with model = ..."))
            return next((parent.model for parent in named.values()), None)
        try:
            bare = not library.is_path(own.model)
            name = f"{own.model}{library.MODEL_SUFFIX}" if bare else own.model
            beside = files.inside(path.parent, name, where)
            if not beside.exists() and not bare:
                files.read(beside, where, "model")
            return beside if beside.exists() else library.model_path(own.model)
        except SdpolicyError as error:
            self.problems.extend(_about(own.model, where, error))
            return None

    def _entries(self, own: ScenarioFile, folder: Path, shown: str) -> Iterable[Entry]:
        for table in TABLES:
            content: Mapping[str, Setting | TimePath | float] = getattr(own, table)
            for name, value in content.items():
                given = self._points(value, name, folder, shown) if isinstance(value, TimePath) else value
                if given is not None:
                    yield Entry(table, name, given, shown)

    def _points(self, path: TimePath, name: str, folder: Path, shown: str) -> TimePath | None:
        """Return the path with its points checked, those of a CSV file read; None when they are faulty."""
        where = messages.place(shown, "path", name)
        if path.csv is None:
            found = list(disorder(path.points or (), where))
            self.problems.extend(found)
            return None if found else path
        where = f"{where}, {messages.show(path.csv)}"
        try:
            content = files.read(files.inside(folder, path.csv, where), where, "CSV")
        except ScenarioError as error:
            self.problems.extend(error.problems)
            return None
        self._record(path.csv.replace("\\", "/"), content.digest)
        points, problems = read_column(content.text, path, where)
        self.problems.extend(problems)
        kept = {"csv": None, "column": None, "time": None, "points": points}
        return None if problems else path.model_copy(update=kept)

    def _correlated(
        self, own: ScenarioFile, parents: Iterable[Scenario], entries: Iterable[Entry], shown: str
    ) -> Pairs:
        """Return the correlations of parents and file; tell of inputs that don't vary, and of what can't be."""
        where = messages.place(shown, "correlated")
        varied = {elements.key(e.name): e.name for e in entries if isinstance(e.value, Setting) and e.value.varies}
        for number, group in enumerate(own.correlated):
            for name in group.inputs:
                if elements.key(name) not in varied:
                    spot = messages.place(shown, "correlated", number, "inputs")
                    cure = suggest(name, list(varied.values())) or "Give it one under [set], or take it out."
                    self.problems.append(Problem(spot, f"'{messages.show(name)}' has no range or distribution", cure))
        again = twice(own.correlated)
        if again:
            what = f"'{again[1][0]}' and '{again[1][1]}' are correlated already"
            self.problems.append(Problem(messages.place(shown, "correlated", again[0]), what, "Keep one of the two."))
        found = {names: rank for parent in parents for names, rank in parent.correlated.items()}
        found |= pairs_of(own.correlated)
        if not can_be(matrix(list(varied), found)):
            cure = "Weaken them: two inputs that rank with a third also rank with each other."
            self.problems.append(Problem(where, "the correlations contradict each other", cure))
        return MappingProxyType(found)


def _own_policies(own: ScenarioFile, shown: str) -> Iterable[Policy]:
    for name, settings in own.policy.items():
        file = messages.place(shown, "policy", name)
        yield Policy(name, tuple(Entry("set", key, value, file) for key, value in settings.items()))


def _policies(layers: Iterable[Iterable[Policy]]) -> tuple[Policy, ...]:
    """Return the policies of all layers: of one name the last one counts, as a whole."""
    return tuple({fold(policy.name): policy for layer in layers for policy in layer}.values())


def _parent_path(name: str, folder: Path, where: str) -> Path:
    """Return the file that ``extends`` names: a path in the folder, or a bare name, looked up there first.

    Raises:
        ScenarioError: when there is none, or it lies outside.
    """
    if library.is_path(name) and not library.is_shipped(name, "scenarios"):
        beside = files.inside(folder, name, where)
        files.read(beside, where)
        return beside
    beside = files.inside(folder, f"{name}{library.SCENARIO_SUFFIX}", where)
    if beside.exists():
        return beside
    if library.is_shipped(name, "scenarios"):
        return library.scenario_path(name)
    here = [path.stem for path in sorted(folder.glob(f"*{library.SCENARIO_SUFFIX}"))]
    known = [*here, *(item.name for item in library.list_scenarios())]
    cure = suggest(name, known) or "A parent is a scenario in the same folder, or a shipped one."
    raise ScenarioError(Problem(where, "there is no scenario of this name", cure))


def basename(file: str) -> str:
    """Return the name of a file without its folder, whichever way the slashes lean."""
    return file.replace("\\", "/").rpartition("/")[2]


def _about(name: str, where: str, error: SdpolicyError) -> Iterable[Problem]:
    """Return the problems of an error as those of the key that named ``name``."""
    for problem in error.problems:
        yield replace(problem, where=where, what=f"'{messages.show(name)}': {problem.what}")


def _without(raw: Mapping[str, Any], locations: Iterable[tuple[int | str, ...]]) -> dict[str, Any]:
    """Return ``raw`` without the entries in which something is wrong, so that the rest can be looked at."""
    kept = {key: dict(value) if isinstance(value, Mapping) else value for key, value in raw.items()}
    for location in locations:
        first = str(location[0]) if location else ""
        table = kept.get(first)
        if isinstance(table, dict) and len(location) > 1:
            table.pop(str(location[1]), None)
        else:
            kept.pop(first, None)
    kept.setdefault("title", "untitled")
    return kept


def _overlaid(layers: Iterable[Iterable[Entry]]) -> tuple[Entry, ...]:
    """Return the entries of all layers: for each variable the last one counts, a path or a number alike.

    A whole variable overrules the single elements that earlier layers gave.
    """
    kept: dict[tuple[str, str], Entry] = {}
    for layer in layers:
        entries: dict[tuple[str, str], Entry] = {
            ("set" if e.table == "path" else e.table, elements.key(e.name)): e for e in layer
        }
        for place in [old for old in kept if old in entries or (old[0], old[1].partition("[")[0]) in entries]:
            del kept[place]
        kept |= entries
    return tuple(kept.values())


def _union(cuts: Iterable[Cut]) -> Cut:
    """Return all cuts together: what a parent cuts stays cut."""
    links = {(fold(a), fold(b)): (a, b) for cut in cuts for a, b in cut.links}
    loops = {fold(name): name for cut in cuts for name in cut.loops}
    return Cut(links=tuple(links.values()), loops=tuple(loops.values()))
