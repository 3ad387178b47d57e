"""Named feedback loops of a model, as the file beside it lists them (``core.loops.toml``). It knows no scenario."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sdpolicy.errors import Problem, ScenarioError
from sdpolicy.scenario import files

SUFFIX: Final = ".loops.toml"
Link = tuple[str, str]


def read_cuts(model: Path | None) -> Mapping[str, Link]:
    """Return, for each named loop, the link at which it is cut: its ``cut``, or the first pair of ``links``.

    A model without such a file has no named loops.

    Raises:
        ScenarioError: when the file cannot be read, or a loop in it names no link.
    """
    path = model.with_suffix(SUFFIX) if model else None
    if path is None or not path.exists():
        return {}
    files.inside(path.parent, path.name, path.name)
    raw = files.parse(files.read(path, path.name, "loop").text, path.name)
    entries = raw.get("loops", raw)
    if isinstance(entries, list):
        entries = {str(entry.get("id", entry.get("name", ""))): entry for entry in entries if isinstance(entry, dict)}
    found = {name: _cut(entry) for name, entry in entries.items() if isinstance(entry, dict)}
    faulty = [name for name, link in found.items() if link is None]
    if faulty:
        what = "the loop names no link: expected cut = [from, to], or the list of its variables"
        raise ScenarioError(Problem(f"{path.name}, {name}", what, "Add cut = [from, to].") for name in faulty)
    return {name: link for name, link in found.items() if link is not None}


def _cut(entry: Mapping[str, Any]) -> Link | None:
    """Return the link that is cut, or None when the entry does not give two names."""
    listed = entry.get("cut") or entry.get("links") or entry.get("variables") or ()
    if listed and isinstance(listed[0], list):
        listed = listed[0]
    match listed:
        case [str(source), str(target), *_]:
            return source, target
        case _:
            return None
