"""Named feedback loops of a model, as the file beside it lists them (``core.loops.toml``). It knows no scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.scenario import files

SUFFIX: Final = ".loops.toml"
Link = tuple[str, str]


@dataclass(frozen=True, slots=True)
class NamedLoop:
    """A loop that the theory names.

    ``variables`` are the names round it in causal order (empty where the file gives no more than a link),
    ``cut`` the link at which a test opens it, ``polarity`` what the theory says: ``+``, ``-`` or nothing.
    """

    id: str
    name: str
    variables: tuple[str, ...]
    cut: Link
    polarity: str = ""
    story: str = ""

    @property
    def label(self) -> str:
        """Return id and name, as figures write them: ``R1 forced march``."""
        return f"{self.id} {self.name}".strip() if self.name != self.id else self.id


def companion(model: Path) -> Path:
    """Return the file of named loops that belongs to a model file, whether or not it exists."""
    return model.with_suffix(SUFFIX)


def read_loops(model: Path | None) -> tuple[NamedLoop, ...]:
    """Return the named loops of a model; a model without such a file has none.

    Raises:
        ScenarioError: when the file cannot be read, or a loop in it names no link.
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
    found = {name: _loop(name, entry) for name, entry in tables.items()}
    faulty = [name for name, loop in found.items() if loop is None]
    if faulty:
        what = "the loop names no link: expected cut = [from, to], or the list of its variables"
        raise ScenarioError(Problem(f"{path.name}, {name}", what, "Add cut = [from, to].") for name in faulty)
    return tuple(loop for loop in found.values() if loop is not None)


def read_cuts(model: Path | None) -> Mapping[str, Link]:
    """Return, for each named loop, the link at which it is cut: its ``cut``, or the first pair of ``links``.

    Raises:
        ScenarioError: as :func:`read_loops`.
    """
    return {loop.id: loop.cut for loop in read_loops(model)}


def _loop(id_: str, entry: Mapping[str, Any]) -> NamedLoop | None:
    """Return the loop, or None when the entry does not give two names."""
    listed = entry.get("cut") or entry.get("links") or entry.get("variables") or ()
    if listed and isinstance(listed[0], list):
        listed = listed[0]
    match listed:
        case [str(source), str(target), *_]:
            texts = [str(entry.get(key, "")) for key in ("name", "polarity", "story")]
            return NamedLoop(id_, texts[0] or id_, _variables(entry), (source, target), texts[1], texts[2])
        case _:
            return None


def _variables(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names round the loop: its ``variables``, or the first name of each of its ``links``."""
    listed = entry.get("variables") or [link[0] for link in entry.get("links", ()) if isinstance(link, list) and link]
    return tuple(name for name in listed if isinstance(name, str))
