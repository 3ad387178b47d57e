"""Named feedback loops of a model, as the file beside it lists them (``core.loops.toml``). It knows no scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError

from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.program import fold
from sdpolicy.scenario import files, messages
from sdpolicy.scenario.schema import Line, Number, Part, refuse

SUFFIX: Final = ".loops.toml"
Link = tuple[str, str]
Held = float | str
"""What a cut cause is held at: a number in its unit, or the name of a constant."""


@dataclass(frozen=True, slots=True)
class NamedLoop:
    """A loop that the theory names.

    ``variables`` are the names round it in causal order (empty where the file gives no more than a link),
    ``cuts`` the links at which a test opens it, ``held`` what their causes are then held at, by folded name
    (those not in it at their starting value), ``polarity`` what the theory says: ``+``, ``-`` or nothing.
    ``shows`` are the variables whose behaviour the theory ascribes to the loop, each with the time at which to
    look, or None for the end; ``judged_in`` is the scenario in which to look, where it is not any baseline.
    """

    id: str
    name: str
    variables: tuple[str, ...]
    cuts: tuple[Link, ...]
    polarity: str = ""
    story: str = ""
    held: Mapping[str, Held] = field(default_factory=lambda: MappingProxyType({}))
    shows: Mapping[str, float | None] = field(default_factory=lambda: MappingProxyType({}))
    judged_in: str = ""

    @property
    def label(self) -> str:
        """Return id and name, as figures write them: ``R1 forced march``."""
        return f"{self.id} {self.name}".strip() if self.name != self.id else self.id


def _pairs(given: object) -> object:
    """Let one pair stand for a list of one."""
    listed: list[Any] = given if isinstance(given, list) else [given]
    pairs: list[Any] = listed if listed and all(isinstance(part, list) for part in listed) else [listed]
    if not all(len(pair) == 2 and all(isinstance(name, str) for name in pair) for pair in pairs):
        raise refuse("expected two names, or a list of such pairs", 'Write cut = ["from", "to"].')
    return pairs


def _held(given: object) -> object:
    """Let one value stand for that of the only cause; the empty name marks it."""
    table = given if isinstance(given, dict) else {"": given}
    for value in table.values():
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise refuse("expected a number, or the name of a constant", 'Write held = 0.25, or held = "a constant".')
    return table


def _shown(given: object) -> object:
    """Let names without times stand for the end of the run."""
    if isinstance(given, str):
        return {given: None}
    return dict.fromkeys(given) if isinstance(given, list) and all(isinstance(name, str) for name in given) else given


class LoopEntry(Part):
    """What the file says of one loop."""

    id: Line | None = Field(default=None, description="Its short name, in a file that lists loops as [[loops]].")
    name: Line | None = Field(default=None, description="Its name in words.")
    polarity: Literal["", "+", "-"] = Field(default="", description="What the theory says: + or -.")
    variables: tuple[Line, ...] = Field(default=(), description="The names round it, in causal order.")
    links: tuple[tuple[Line, Line], ...] = Field(default=(), description="The same, as pairs.")
    cut: Annotated[tuple[tuple[Line, Line], ...], BeforeValidator(_pairs)] = Field(
        default=(), description="The link at which it is opened: [from, to]; or several of them."
    )
    held: Annotated[dict[str, Number | Line], BeforeValidator(_held)] = Field(
        default={},
        description="What the cause is held at: a number, or a constant's name; {cause = value} for several.",
    )
    shows: Annotated[dict[Line, Number | None], BeforeValidator(_shown)] = Field(
        default={}, description="Variables whose behaviour the theory ascribes to it: {name = time}, or [names]."
    )
    judged_in: Line | None = Field(default=None, alias="in", description="The scenario in which it is judged.")
    story: str = Field(default="", description="What goes round, in a sentence.")


def companion(model: Path) -> Path:
    """Return the file of named loops that belongs to a model file, whether or not it exists."""
    return model.with_suffix(SUFFIX)


def read_loops(model: Path | None) -> tuple[NamedLoop, ...]:
    """Return the named loops of a model; a model without such a file has none.

    Raises:
        ScenarioError: with all that is wrong with the file by itself.
    """
    path = companion(model) if model else None
    if path is None or not path.exists():
        return ()
    files.inside(path.parent, path.name, path.name)
    raw = files.parse(files.read(path, path.name, "loop").text, path.name)
    entries = raw.get("loops", raw)
    if isinstance(entries, list):
        entries = {str(entry.get("id", entry.get("name", ""))): entry for entry in entries if isinstance(entry, dict)}
    tables = {str(name): entry for name, entry in entries.items() if isinstance(entry, dict)}
    problems: list[Problem] = []
    found = [_loop(name, entry, f"{path.name}, {messages.show(name)}", problems) for name, entry in tables.items()]
    if problems:
        raise ScenarioError(problems)
    return tuple(loop for loop in found if loop is not None)


def _loop(id_: str, raw: Mapping[str, Any], where: str, problems: list[Problem]) -> NamedLoop | None:
    """Return the loop, or None after noting what is wrong with its entry."""
    try:
        entry = LoopEntry.model_validate(raw)
    except ValidationError as error:
        problems.extend(messages.problems(error, raw, where, LoopEntry))
        return None
    cuts = entry.cut or entry.links[:1] or ((entry.variables[0], entry.variables[1]),) if _links(entry) else ()
    if not cuts:
        what = "the loop names no link: expected cut = [from, to], or the list of its variables"
        problems.append(Problem(where, what, "Add cut = [from, to]."))
        return None
    causes = {fold(source): source for source, _ in cuts}
    held = {fold(name): value for name, value in entry.held.items()}
    if "" in held and len(causes) == 1:
        held = dict.fromkeys(causes, held[""])
    for name in held.keys() - causes.keys():
        listed = ", ".join(causes.values())
        what = f"'{messages.show(name)}' is the cause of no link of the cut" if name else "the cut has several causes"
        problems.append(Problem(f"{where}, held", what, f"Write held = {{cause = value}}; the causes are {listed}."))
    variables = entry.variables or tuple(source for source, _ in entry.links)
    return NamedLoop(
        id_, entry.name or id_, variables, tuple(dict.fromkeys(cuts)), entry.polarity, entry.story,
        held, entry.shows, entry.judged_in or "",
    )  # fmt: skip


def _links(entry: LoopEntry) -> bool:
    return bool(entry.cut or entry.links or len(entry.variables) > 1)
