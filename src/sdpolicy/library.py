"""Where models, scenarios and evidence stand: the shipped ones by name, a user's own by path. It reads no model."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from sdpolicy.errors import ModelError, Problem, ScenarioError, SdpolicyError, suggest

Shelf = Literal["models", "scenarios", "evidence"]

MODEL_SUFFIX: Final = ".mdl"
SCENARIO_SUFFIX: Final = ".toml"
CALIBRATION_SUFFIX: Final = ".calibration.toml"
"""Files beside scenarios that say what is estimated; no scenarios themselves."""
LECTURES: Final = "lectures"
"""The folder of the stories that lecture pages are made of; they stand beside the scenarios, but none is one."""


@dataclass(frozen=True, slots=True)
class Item:
    """A model or scenario of the library: the name that finds it, its file, and what it says of itself."""

    name: str
    path: Path
    title: str = ""
    question: str = ""
    model: str = ""


@cache
def shelf(kind: Shelf) -> Path:
    """Return the folder of the shipped models, scenarios or evidence.

    An installed package carries them inside itself; a source checkout has them at its top level.
    """
    from importlib.resources import files

    inside = Path(str(files("sdpolicy"))) / "_shared" / kind
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / kind


def model_path(name: str | Path) -> Path:
    """Return the file of a model: a shipped one by name (``core``), or a path that ends in a suffix.

    Raises:
        ModelError: when there is no such model.
    """
    if is_path(name):
        return Path(name)
    found = _models().get(str(name).casefold())
    if found is None:
        raise ModelError(_unknown("model", str(name), _models(), MODEL_SUFFIX))
    return found


def scenario_path(name: str | Path) -> Path:
    """Return the file of a scenario: a shipped one by name (``korea``, ``catchup/korea``), or a path.

    Raises:
        ScenarioError: when there is no such scenario.
    """
    found = _scenarios().get(str(name).casefold())
    if found is None and not is_path(name):
        known = [*_scenarios(), *_models()]
        raise ScenarioError(_unknown("scenario", str(name), known, SCENARIO_SUFFIX))
    return found or Path(name)


def calibration_path(name: str | Path) -> Path:
    """Return a calibration file: a shipped one by name (``catchup/korea``), or a path."""
    if isinstance(name, str) and not name.endswith(SCENARIO_SUFFIX):
        for path in sorted(shelf("scenarios").glob(f"*/*{CALIBRATION_SUFFIX}")):
            stem = path.name.removesuffix(CALIBRATION_SUFFIX).casefold()
            if name.casefold() in (stem, f"{path.parent.name}/{stem}".casefold()):
                return path
    return Path(name)


def is_shipped(name: str | Path, kind: Literal["models", "scenarios"]) -> bool:
    """Tell whether ``name`` is that of a shipped model or scenario."""
    return str(name).casefold() in (_models() if kind == "models" else _scenarios())


def is_path(name: str | Path) -> bool:
    """Tell whether ``name`` is to be taken as a path: it has a suffix, or a folder in it."""
    return isinstance(name, Path) or "/" in name or "\\" in name or Path(name).suffix != ""


def list_models() -> tuple[Item, ...]:
    """Return the shipped models in the order of their names; the title is the heading of the model's page."""
    return tuple(Item(name, path, *_heading(path.with_suffix(".md"))) for name, path in _models().items())


def list_scenarios() -> tuple[Item, ...]:
    """Return the shipped scenarios, each once, by the shortest name that finds it."""
    by_length = sorted(_scenarios().items(), key=lambda item: -len(item[0]))
    shortest = {path: name for name, path in by_length}
    return tuple(_scenario_item(shortest[path], path) for path in sorted(shortest))


def list_lectures() -> tuple[Item, ...]:
    """Return the shipped stories of lecture pages, as ``lectures/NAME``."""
    paths = sorted((shelf("scenarios") / LECTURES).glob(f"*{SCENARIO_SUFFIX}"))
    return tuple(_scenario_item(f"{LECTURES}/{path.stem.casefold()}", path) for path in paths)


def _models() -> dict[str, Path]:
    return {path.stem.casefold(): path for path in sorted(shelf("models").glob(f"*{MODEL_SUFFIX}"))}


def _scenarios() -> dict[str, Path]:
    """Return scenario files by every name that finds them: ``catchup/korea`` and, where it is clear, ``korea``."""
    every = sorted(shelf("scenarios").glob(f"*/*{SCENARIO_SUFFIX}"))
    paths = [p for p in every if p.parent.name != LECTURES and not p.name.endswith(CALIBRATION_SUFFIX)]
    full = {f"{path.parent.name}/{path.stem}".casefold(): path for path in paths}
    bare: dict[str, list[Path]] = {}
    for path in paths:
        bare.setdefault(path.stem.casefold(), []).append(path)
    return full | {name: found[0] for name, found in bare.items() if len(found) == 1}


def _unknown(kind: str, name: str, known: Iterable[str], suffix: str) -> Problem:
    shown = name.encode("unicode_escape").decode("ascii")
    close = suggest(name, known)
    cure = close or f"'sdpolicy list' shows those that there are; a file of your own is given as {shown}{suffix}."
    return Problem(shown or "''", f"no shipped {kind} has this name", cure)


def _heading(page: Path) -> Iterator[str]:
    """Yield the first heading of a Markdown page, if there is one."""
    try:
        lines = page.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    yield from [line.lstrip("# ") for line in lines if line.startswith("# ")][:1]


def _scenario_item(name: str, path: Path) -> Item:
    """Read title and question only: listing must be quick, and a faulty file must not stop it."""
    try:
        with path.open("rb") as file:
            raw = tomllib.load(file)
    except (OSError, ValueError, SdpolicyError):
        return Item(name, path, "(cannot be read)")
    title, question, model = (str(raw.get(key, "")) for key in ("title", "question", "model"))
    return Item(name, path, title, question, model or path.parent.name)
