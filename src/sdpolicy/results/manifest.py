"""The manifest of a result folder: what was run with what, and the hash of every file. It writes nothing."""

from __future__ import annotations

import hashlib
import json
import os.path
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sdpolicy.errors import Problem, ResultError
from sdpolicy.results.labelling import installed

if TYPE_CHECKING:
    import xarray as xr

MANIFEST: Final = "manifest.json"
FORMAT: Final = "sdpolicy manifest 1"
PACKAGES: Final = ("sdpolicy", "numpy", "scipy", "xarray", "pandas", "pysd", "pint", "pydantic", "matplotlib")

COMMAND_LINE: Final = "command line"
"""Origin of what was set for one run alone, by the command line or a caller."""

_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One run of a folder, with all that is needed to run it again.

    ``reference`` is a shipped name, or the path of a scenario or model file relative to the folder;
    ``overrides`` and ``run`` are what the command line set, in the model's units.
    """

    name: str
    reference: str
    is_path: bool
    scenario: str
    scenario_sha256: str
    scenario_files: Mapping[str, str]
    model: str
    model_sha256: str
    engine: str
    method: str
    start: float
    stop: float
    step: float
    save: float
    seed: int | None
    overrides: Mapping[str, float]
    run: Mapping[str, float | str]
    applied: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """All of a folder: its runs, the SHA-256 of its files by name, versions, platform, and when it was written."""

    runs: tuple[Record, ...]
    files: Mapping[str, str]
    versions: Mapping[str, str]
    platform: str
    written: str

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def record(name: str, dataset: xr.Dataset, folder: Path) -> Record:
    """Return the record of a run that is saved in ``folder``."""
    attrs = dataset.attrs
    applied = tuple(json.loads(attrs.get("applied", "[]")))
    given = [item for item in applied if item["origin"] == COMMAND_LINE]
    reference, is_path = _portable(str(attrs.get("reference", "")), folder)
    said: dict[str, Any] = {key: float(attrs.get(key, "nan")) for key in ("start", "stop", "step", "save")}
    for key in ("scenario", "scenario_sha256", "model", "model_sha256", "engine", "method"):
        said[key] = str(attrs.get(key, ""))
    return Record(
        name=name,
        reference=reference,
        is_path=is_path,
        scenario_files=json.loads(attrs.get("scenario_files", "{}")),
        seed=int(attrs["seed"]) if "seed" in attrs else None,
        overrides={item["name"]: item["value"] for item in given if item["kind"] == "set"},
        run={item["name"]: item["value"] for item in given if item["kind"] == "run"},
        applied=applied,
        **said,
    )


def _portable(reference: str, folder: Path) -> tuple[str, bool]:
    """Return a path relative to ``folder`` where the reference is a file, and whether it is."""
    file = Path(reference)
    if not reference or not file.is_file():
        return reference, False
    try:
        return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix(), True
    except ValueError:  # another drive
        return file.resolve().as_posix(), True


def compose_manifest(runs: Iterable[Record], contents: Mapping[str, bytes], written: datetime) -> Manifest:
    """Return the manifest of files with the given contents."""
    files = {name: sha256(contents[name]) for name in sorted(contents)}
    when = written.isoformat(timespec="seconds")
    return Manifest(tuple(runs), files, versions(), platform.platform(), when)


def versions() -> Mapping[str, str]:
    """Return the versions that are installed here, by name."""
    return {"python": platform.python_version(), **{name: installed(name) for name in PACKAGES}}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a folder, or None where there is none.

    Raises:
        ResultError: when ``manifest.json`` is there but is not one of ours.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise ValueError("another format")
        content["runs"] = tuple(Record(**item) for item in content["runs"])
        manifest = Manifest(**content)
        if not all(isinstance(text, str) for pair in manifest.files.items() for text in pair):
            raise ValueError("a file's hash is not a text")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        cure = "Move the file away, or write to another folder with --out."
        raise ResultError(Problem(str(path), "the file is not a manifest that sdpolicy wrote", cure)) from error
    return manifest


def is_plain(name: str) -> bool:
    """Tell whether ``name`` is the name of a file on any system, with no folder in it."""
    bad = any(character in '<>:"/\\|?*' or ord(character) < 32 for character in name)
    return bool(name) and not bad and name == name.strip(". ") and not _DEVICES.fullmatch(name)
