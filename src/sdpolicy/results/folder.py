"""A result folder written whole or not at all. It knows files and Datasets; figures come as bytes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sdpolicy.errors import Problem, ResultError
from sdpolicy.results.files import to_csv, to_netcdf
from sdpolicy.results.manifest import (
    MANIFEST,
    Manifest,
    compose_manifest,
    is_plain,
    read_manifest,
    record,
    sha256,
)

if TYPE_CHECKING:
    import xarray as xr

ELSEWHERE: Final = "Give another folder with --out, or move the file."
_STAGE: Final = ".sdpolicy-"
_NONE: Final[Mapping[str, bytes]] = MappingProxyType({})


def save(
    runs: Mapping[str, xr.Dataset],
    folder: str | Path,
    figures: Mapping[str, bytes] = _NONE,
    written: datetime | None = None,
) -> Manifest:
    """Write runs, figures and a manifest into ``folder``, and return the manifest.

    Each run becomes ``<name>.nc`` and ``<name>.csv``. Files of an earlier result in the folder are replaced
    or removed; other files there are left alone. When anything fails, the folder stays as it was.

    Args:
        runs: Datasets by name.
        figures: contents of further files by file name (``korea.behaviour.svg``).
        written: when; now by default.

    Raises:
        ResultError: when the folder cannot be written, or a file there that is not ours stands in the way.
    """
    target = Path(folder)
    contents: dict[str, bytes] = {}
    for name, dataset in runs.items():
        contents |= {f"{name}.nc": to_netcdf(dataset), f"{name}.csv": to_csv(dataset)}
    _refuse_names([*contents, *figures])
    contents |= figures
    records = [record(name, dataset, target) for name, dataset in runs.items()]
    manifest = compose_manifest(records, contents, written or datetime.now(UTC))
    with _told(target):
        _write(target, contents, manifest)
    return manifest


def _refuse_names(names: list[str]) -> None:
    problems = [
        Problem(repr(name), "this cannot be the name of a file", "Give the scenario's file another name.")
        for name in names
        if not is_plain(name)
    ]
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen or name.casefold() == MANIFEST:
            problems.append(Problem(name, "two files would have this name", "Give each scenario a name of its own."))
        seen.add(name.casefold())
    if problems:
        raise ResultError(problems)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turn what the file system says into a ResultError."""
    try:
        yield
    except FileExistsError as error:
        raise ResultError(Problem(str(error.filename or folder), "this is a file, not a folder", ELSEWHERE)) from error
    except OSError as error:
        where = str(error.filename2 or error.filename or folder)
        where = str(folder) if _STAGE in where else where
        what = f"the results cannot be written ({error.strerror or error}); the folder is as it was"
        cure = "Close programs that have the file open, make room or ask for the right to write, or give another --out."
        raise ResultError(Problem(where, what, cure)) from error


def _write(folder: Path, contents: Mapping[str, bytes], manifest: Manifest) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = read_manifest(folder)
        owned = {name for name in (earlier.files if earlier else ()) if is_plain(name)}
        _refuse_strangers(folder, contents, owned)
        with tempfile.TemporaryDirectory(prefix=_STAGE, dir=folder, ignore_cleanup_errors=True) as stage:
            fresh, old = Path(stage) / "new", Path(stage) / "old"
            fresh.mkdir()
            old.mkdir()
            for name, content in contents.items():
                _put(fresh / name, content)
            _put(fresh / MANIFEST, manifest.to_json().encode())
            stale = sorted(owned - set(contents) - {MANIFEST})
            _exchange(folder, fresh, old, [*contents, MANIFEST], stale)
    except BaseException:
        for path in missing:  # empty unless somebody else has written there meanwhile
            _remove_empty(path)
        raise


def _remove_empty(path: Path) -> None:
    try:
        path.rmdir()
    except OSError:
        return


def _refuse_strangers(folder: Path, contents: Mapping[str, bytes], owned: set[str]) -> None:
    """Refuse to overwrite what an earlier result of ours does not own, unless it is the same already."""
    problems = []
    for name, content in contents.items():
        path = folder / name
        if name in owned and not path.is_dir():
            continue
        if path.is_dir() or (os.path.lexists(path) and not _holds(path, content)):
            problems.append(Problem(str(path), "something that sdpolicy did not write stands there", ELSEWHERE))
    if problems:
        raise ResultError(problems)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and sha256(path.read_bytes()) == sha256(content)


def _put(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _exchange(folder: Path, fresh: Path, old: Path, names: list[str], stale: list[str]) -> None:
    """Move the new files into place, the manifest last, and stale ones away; on trouble undo what was done."""
    done: list[tuple[str, bool]] = []
    try:
        for name in [*stale, *names]:
            was_there = os.path.lexists(folder / name)
            if was_there:
                shutil.copy2(folder / name, old / name, follow_symlinks=False)
            done.append((name, was_there))
            if name not in stale:
                (fresh / name).replace(folder / name)
            elif was_there:
                (folder / name).unlink()
    except BaseException:
        for name, was_there in reversed(done):
            if was_there:
                (old / name).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        raise
