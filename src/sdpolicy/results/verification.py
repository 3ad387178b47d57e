"""Is a result folder what its runs give? Files are held to their hashes, numbers to a fresh run, bit by bit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdpolicy.errors import Problem, ResultError, SdpolicyError
from sdpolicy.results.files import from_netcdf
from sdpolicy.results.manifest import MANIFEST, Manifest, Record, is_plain, read_manifest, sha256, versions

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
Again = Callable[[Record], "xr.Dataset"]
"""Runs a record again; its reference, where it is a path, has been made absolute."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a folder and a fresh run differ, and a sentence that says so."""

    run: str
    what: str
    variable: str = ""
    time: float = math.nan
    relative: float = math.nan

    def __str__(self) -> str:
        return f"{self.run}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome: runs that were repeated, number of values compared, differences, and remarks that are none."""

    runs: tuple[str, ...]
    values: int
    differences: tuple[Difference, ...]
    remarks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return not self.differences


def verify(folder: str | Path, again: Again) -> Verification:
    """Hold the files of ``folder`` to its manifest and its numbers to fresh runs.

    Args:
        folder: what ``save`` wrote.
        again: runs a record again and returns its Dataset.

    Raises:
        ResultError: when the folder has no manifest of ours.
    """
    place = Path(folder)
    manifest = read_manifest(place)
    if manifest is None:
        what = f"there is no {MANIFEST} here"
        raise ResultError(Problem(str(place), what, "Name a folder that 'sdpolicy run --out' wrote."))
    differences = list(_files(place, manifest))
    faulty = {difference.run for difference in differences}
    values = 0
    for record in manifest.runs:
        if f"{record.name}.nc" in faulty:
            continue
        stored = from_netcdf((place / f"{record.name}.nc").read_bytes())
        try:
            fresh = again(_located(record, place))
        except SdpolicyError as error:
            differences.append(Difference(record.name, f"it cannot be run again: {error}"))
            continue
        differences += compare(record.name, stored, fresh)
        values += sum(int(variable.size) for variable in stored.data_vars.values())
    return Verification(
        tuple(record.name for record in manifest.runs), values, tuple(differences), tuple(_remarks(manifest))
    )


def _files(folder: Path, manifest: Manifest) -> Iterator[Difference]:
    for name, digest in manifest.files.items():
        if not is_plain(name):
            yield Difference(name, "the manifest names a file outside the folder")
        elif not (folder / name).is_file():
            yield Difference(name, "the file is missing")
        elif sha256((folder / name).read_bytes()) != digest:
            yield Difference(name, "the file was changed after it was written")
    for record in manifest.runs:
        if f"{record.name}.nc" not in manifest.files:
            yield Difference(f"{record.name}.nc", "the manifest does not list this file")


def _located(record: Record, folder: Path) -> Record:
    if not record.is_path:
        return record
    return replace(record, reference=str((folder / record.reference).resolve()))


def _remarks(manifest: Manifest) -> Iterator[str]:
    now = versions()
    for name, before in manifest.versions.items():
        if now.get(name, "") != before:
            yield f"saved with {name} {before or '(none)'}, verified with {now.get(name) or '(none)'}"


def compare(name: str, stored: xr.Dataset, fresh: xr.Dataset) -> Iterator[Difference]:
    """Yield what differs between two Datasets of one run: hashes first, then names, then numbers bit by bit."""
    yield from _sources(name, stored, fresh)
    for variable in sorted({*map(str, stored.variables)} ^ {*map(str, fresh.variables)}):
        which = "saved" if variable in stored.variables else "new"
        yield Difference(name, f"only the {which} run has '{variable}'", variable)
    for variable in map(str, stored.variables):
        if variable in fresh.variables:
            yield from _numbers(name, variable, stored, fresh)


def _sources(name: str, stored: xr.Dataset, fresh: xr.Dataset) -> Iterator[Difference]:
    if stored.attrs.get("model_sha256") != fresh.attrs.get("model_sha256"):
        yield Difference(name, f"the model '{fresh.attrs.get('model')}' has changed since")
    if stored.attrs.get("scenario_sha256") != fresh.attrs.get("scenario_sha256"):
        before = json.loads(stored.attrs.get("scenario_files", "{}"))
        now = json.loads(fresh.attrs.get("scenario_files", "{}"))
        changed = [file for file in {**before, **now} if before.get(file) != now.get(file)]
        yield Difference(name, f"the scenario has changed since ({', '.join(changed) or 'its meaning'})")
    for key in ("engine", "method", "start", "stop", "step", "save"):
        if stored.attrs.get(key) != fresh.attrs.get(key):
            yield Difference(name, f"the {key} was {stored.attrs.get(key)} and is {fresh.attrs.get(key)}")


def _numbers(name: str, variable: str, stored: xr.Dataset, fresh: xr.Dataset) -> Iterator[Difference]:
    old, new = stored[variable].values, fresh[variable].values
    if old.shape != new.shape or old.dtype.kind != new.dtype.kind:
        yield Difference(name, f"'{variable}' has another shape: {old.shape} and {new.shape}", variable)
    elif old.dtype.kind != "f":
        if not np.array_equal(old, new):
            yield Difference(name, f"the elements of '{variable}' differ", variable)
    elif old.astype("<f8").tobytes() != new.astype("<f8").tobytes():
        yield _largest(name, variable, stored, old, new)


def _largest(name: str, variable: str, stored: xr.Dataset, old: FloatArray, new: FloatArray) -> Difference:
    """Return where two arrays of the same shape differ most, relative to the greater of both values."""
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(old), np.abs(new))
        relative = np.where(scale > 0, np.abs(new - old) / scale, 0.0)
    relative = np.where(np.isnan(old) ^ np.isnan(new), np.inf, np.nan_to_num(relative, nan=0.0, posinf=np.inf))
    place = np.unravel_index(int(np.argmax(relative)), relative.shape)
    over_time = stored[variable].dims[:1] == ("time",)
    time = float(stored["time"].values[place[0]]) if over_time else math.nan
    largest = float(relative[place])
    when = f" at {time:g}" if over_time else ""
    pair = f"{float(old[place])!r} saved, {float(new[place])!r} now"
    what = f"'{variable}' differs by up to {largest:.2g} of its value{when} ({pair})"
    return Difference(name, what, variable, time, largest)
