"""Ensembles as Datasets: from blocks in memory, or from a store, whole or block by block. It writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.ensemble import zarr3
from sdpolicy.ensemble.job import Block
from sdpolicy.ensemble.store import FAILED, GROUP, MANIFEST, Layout, layout, part_of, read_attrs
from sdpolicy.ensemble.study import Study
from sdpolicy.errors import Problem, ResultError, suggest
from sdpolicy.program import fold


def in_memory(study: Study, blocks: Iterator[Block]) -> xr.Dataset:
    """Return the blocks as a Dataset over (member, time), the inputs being coordinates.

    ``failed`` holds, for each member, the place in its attribute ``names`` of the first variable that was not
    finite, or -1, and ``failed_at`` when.
    """
    plan, job = layout(study), study.job
    arrays = {name: np.empty(a.shape, zarr3.TYPES[a.dtype]) for name, a in plan.arrays.items()}
    for block in blocks:
        span = slice(*job.span(block.number))
        for name in plan.arrays:
            arrays[name][span] = part_of(plan, block, name)
    return _labelled(plan, arrays, job.times, 0)


def of_block(study: Study, block: Block) -> xr.Dataset:
    """Return one block as such a Dataset, which stays as it is when the block's memory is used again."""
    plan = layout(study)
    arrays = {name: np.array(part_of(plan, block, name)) for name in plan.arrays}
    return _labelled(plan, arrays, study.job.times, study.job.span(block.number)[0])


def _labelled(plan: Layout, arrays: Mapping[str, NDArray[Any]], time: NDArray[np.float64], first: int) -> xr.Dataset:
    """Return arrays as a Dataset whose variables have the names that the model gives them."""
    variables: dict[str, xr.Variable] = {}
    coordinates: dict[str, xr.Variable] = {}
    count = len(next(iter(arrays.values())))
    for name, values in arrays.items():
        array = plan.arrays[name]
        shown = str(array.attrs.get("vensim_name", name))
        held = coordinates if name in plan.inputs else variables
        held[shown] = xr.Variable(array.dims, values, dict(array.attrs))
    coordinates["time"] = xr.Variable(("time",), time, dict(plan.time.attrs))
    coordinates["member"] = xr.Variable(("member",), np.arange(first, first + count))
    for dim, elements in json.loads(str(plan.attrs["subscripts"])).items():
        coordinates[dim] = xr.Variable((dim,), elements)
    kept = {key: value for key, value in plan.attrs.items() if key not in ("coordinates", "subscripts")}
    return xr.Dataset(variables, coordinates, kept)


@dataclass(frozen=True)
class Stored:
    """An ensemble in a folder, complete or not; see :func:`open_ensemble`."""

    folder: Path
    plan: Layout

    @cached_property
    def about(self) -> Mapping[str, Any]:
        found: dict[str, Any] = json.loads(str(self.plan.attrs["ensemble"]))
        return found

    @property
    def members(self) -> int:
        return int(self.about["members"])

    @property
    def block(self) -> int:
        return int(self.about["block"])

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(str(self.plan.arrays[name].attrs["vensim_name"]) for name in self.plan.inputs)

    @property
    def complete(self) -> bool:
        """Whether all members are there."""
        return (self.folder / MANIFEST).is_file()

    def blocks(self, variables: Sequence[str] | None = None) -> Iterator[xr.Dataset]:
        """Yield the ensemble block by block, so that memory does not grow with it."""
        for first in range(0, self.members, self.block):
            yield self.read(variables, first, min(first + self.block, self.members))

    def read(self, variables: Sequence[str] | None = None, first: int = 0, stop: int | None = None) -> xr.Dataset:
        """Return members ``first`` to ``stop - 1``, with all inputs and the given variables (by default all).

        Raises:
            ResultError: for a variable that was not saved, and where members are missing.
        """
        end = self.members if stop is None else min(stop, self.members)
        names = self._names(variables)
        arrays = {name: self._array(name, first, end) for name in names}
        content = (self.folder / "time" / self.plan.time.file(0)).read_bytes()
        time = np.array(self.plan.time.decode(content, self.plan.time.shape[0]), dtype=np.float64)
        return _labelled(self.plan, arrays, time, first)

    def _names(self, variables: Sequence[str] | None) -> list[str]:
        if variables is None:
            return list(self.plan.arrays)
        known = {fold(str(a.attrs.get("vensim_name", name))): name for name, a in self.plan.arrays.items()}
        unknown = [name for name in variables if fold(name) not in known]
        if unknown:
            shown = [str(a.attrs.get("vensim_name", name)) for name, a in self.plan.arrays.items()]
            what = f"the ensemble holds no '{unknown[0]}'"
            raise ResultError(Problem(str(self.folder), what, suggest(unknown[0], shown) or f"It holds {shown}."))
        return list(dict.fromkeys([*self.plan.inputs, *(known[fold(name)] for name in variables), FAILED]))

    def _array(self, name: str, first: int, stop: int) -> NDArray[Any]:
        array = self.plan.arrays[name]
        values = np.empty((stop - first, *array.shape[1:]), zarr3.TYPES[array.dtype])
        for number in range(first // self.block, -(-stop // self.block)):
            start = number * self.block
            path = self.folder / name / array.file(number)
            try:
                chunk = array.decode(path.read_bytes(), self.block)
            except (OSError, ValueError) as error:
                cure = "Run the same command again with --resume."
                raise ResultError(Problem(str(path), "a part of the ensemble is missing", cure)) from error
            low, high = max(first, start), min(stop, start + self.block)
            values[low - first : high - first] = chunk[low - start : high - start]
        return values


def open_ensemble(folder: str | Path) -> Stored:
    """Return the ensemble that ``sdpolicy ensemble --out`` wrote into ``folder``; nothing is read yet.

    Raises:
        ResultError: when there is none.
    """
    place = Path(folder)
    attrs = read_attrs(place)
    metadata = json.loads((place / GROUP).read_text(encoding="utf-8"))["consolidated_metadata"]["metadata"]
    arrays = {name: zarr3.read_array(entry) for name, entry in metadata.items()}
    inputs = {name: column for column, name in enumerate(str(attrs["coordinates"]).split())}
    time = arrays.pop("time")
    return Stored(place, Layout(arrays, inputs, {}, time, attrs))
