"""Zarr version 3, as far as an ensemble needs it: arrays of plain numbers, a file for each chunk. It knows no model.

Specification: zarr-specs.readthedocs.io, core 3.1. Any reader of Zarr opens what is written here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TYPES: Final = {"float64": "<f8", "int32": "<i4"}


@dataclass(frozen=True)
class Array:
    """An array: dimension names, shape, shape of a chunk, type and attributes."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    attrs: Mapping[str, Any]
    dtype: str = "float64"

    def metadata(self) -> dict[str, Any]:
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(self.shape),
            "data_type": self.dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(self.chunk)}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": "NaN" if self.dtype == "float64" else -1,
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "dimension_names": list(self.dims),
            "attributes": dict(self.attrs),
        }

    def file(self, number: int) -> str:
        """Return the name of a chunk's file; chunks are cut along the first dimension only."""
        return "/".join(["c", str(number), *("0" for _ in self.shape[1:])])

    def encode(self, values: NDArray[Any]) -> memoryview:
        """Return the bytes of a chunk; the last one is filled up, as the format wants chunks of one size."""
        fill = np.nan if self.dtype == "float64" else -1
        whole = np.ascontiguousarray(values, dtype=TYPES[self.dtype])
        if len(whole) < self.chunk[0]:
            full = np.full(self.chunk, fill, dtype=TYPES[self.dtype])
            full[: len(whole)] = whole
            whole = full
        return whole.data.cast("B")

    def decode(self, content: bytes, rows: int) -> NDArray[Any]:
        """Return the first ``rows`` rows of a chunk."""
        return np.frombuffer(content, dtype=TYPES[self.dtype]).reshape(self.chunk)[:rows]


def read_array(metadata: Mapping[str, Any]) -> Array:
    """Return the array that a ``zarr.json`` describes."""
    return Array(
        tuple(metadata["dimension_names"]),
        tuple(metadata["shape"]),
        tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"]),
        metadata["attributes"],
        metadata["data_type"],
    )


def group(arrays: Mapping[str, Array], attrs: Mapping[str, Any]) -> bytes:
    """Return the ``zarr.json`` of a group, the arrays' metadata in it."""
    inside = {name: array.metadata() for name, array in arrays.items()}
    consolidated = {"kind": "inline", "must_understand": False, "metadata": inside}
    return dump({"zarr_format": 3, "node_type": "group", "attributes": attrs, "consolidated_metadata": consolidated})


def dump(content: Mapping[str, Any] | Sequence[Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
