"""A Dataset as the bytes of a netCDF or CSV file, and back. Equal Datasets give equal bytes, on any day."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.errors import Problem, ResultError

_NETCDF_NAME: Final = re.compile(r"[A-Za-z0-9](?:[ -.0-~]*[!-.0-~])?")
"""Names that every reader of netCDF takes: ASCII, a letter or digit first, no slash, no blank at the end."""
_SPELT: Final = "spelt"
"""Attribute that keeps the name of what is stored under another one."""
_LARGEST: Final = 2**31 - 1
_RESERVED: Final = frozenset(
    "byte char short ushort int uint int64 uint64 long float real double bool string time".split()
)


def to_netcdf(dataset: xr.Dataset) -> bytes:
    """Return the Dataset as a netCDF-3 file (64-bit offsets).

    A variable whose name netCDF can't hold (one with a slash, say) stands there under its identifier, and
    the attribute ``spelt`` keeps the name, which :func:`load` gives back.
    """
    names = _stored_names(dataset)
    stored = dataset.rename(names)
    # netCDF-3 has no whole numbers beyond 32 bits; a seed may be one.
    stored.attrs = {k: str(v) if isinstance(v, int) and abs(v) > _LARGEST else v for k, v in dataset.attrs.items()}
    spelt = {name: spelling for spelling, name in names.items()}
    for name, variable in stored.variables.items():
        variable.attrs = {**variable.attrs, **({_SPELT: spelt[str(name)]} if name in spelt else {})}
        variable.encoding = {"_FillValue": None}
    return bytes(stored.to_netcdf(None, format="NETCDF3_64BIT", engine="scipy"))


def _stored_names(dataset: xr.Dataset) -> Mapping[str, str]:
    names: dict[str, str] = {}
    taken = {str(name) for name in (*dataset.variables, *dataset.dims)}
    for name in map(str, dataset.variables):
        if name == "time" or (_NETCDF_NAME.fullmatch(name) and name.casefold() not in _RESERVED):
            continue
        fresh = str(dataset.variables[name].attrs.get("id") or "range")
        while fresh in taken or fresh in _RESERVED:
            fresh += "_"
        names[name] = fresh
        taken.add(fresh)
    return names


def load(path: str | Path) -> xr.Dataset:
    """Return the Dataset of a ``.nc`` file that :func:`sdpolicy.results.save` wrote, read into memory.

    Raises:
        ResultError: when the file is not there or is not such a file.
    """
    file = Path(path)
    try:
        return from_netcdf(file.read_bytes())
    except OSError as error:
        what = f"the file cannot be read ({error.strerror or error})"
        raise ResultError(Problem(str(file), what, "Give the path of a .nc file.")) from error
    except (ValueError, TypeError, KeyError, IndexError, EOFError) as error:
        cure = "Run the scenario again with --out."
        raise ResultError(Problem(str(file), "the file is not a whole netCDF file of ours", cure)) from error


def from_netcdf(content: bytes) -> xr.Dataset:
    """Return the Dataset in the bytes of a netCDF file."""
    with xr.open_dataset(
        io.BytesIO(content), engine="scipy", decode_times=False, decode_timedelta=False, mask_and_scale=False
    ) as file:
        stored = file.load()
    names = {str(name): str(v.attrs.get(_SPELT, name)) for name, v in stored.variables.items()}
    parts: dict[str, xr.Variable] = {}
    for name, spelt in names.items():
        data = stored[name].values
        native = data.astype(np.float64) if data.dtype.kind == "f" else data.astype(str)
        attrs = {key: value for key, value in stored[name].attrs.items() if key != _SPELT}
        parts[spelt] = xr.Variable([names.get(str(dim), str(dim)) for dim in stored[name].dims], native, attrs)
    coordinates = {spelt: parts.pop(spelt) for name, spelt in names.items() if name in stored.coords}
    attrs = {key: value.item() if isinstance(value, np.generic) else value for key, value in stored.attrs.items()}
    return xr.Dataset(parts, coordinates, attrs)


def to_csv(dataset: xr.Dataset) -> bytes:
    """Return everything that varies over time as CSV: a row for each time, a column ``name [unit]`` for each series.

    Numbers are written in the fewest digits that give the same number back. Elements of a variable with
    subscripts have columns ``name[element] [unit]``. Constants stand in the netCDF file only.
    """
    text = io.StringIO(newline="")
    columns = list(_columns(dataset))
    csv.writer(text, lineterminator="\n").writerow([header for header, _ in columns])
    rows = zip(*(values.tolist() for _, values in columns), strict=True)
    text.writelines(f"{','.join(map(repr, row))}\n" for row in rows)
    return text.getvalue().encode("utf-8")


def _columns(dataset: xr.Dataset) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for name in ("time", *map(str, dataset.data_vars)):
        variable = dataset.variables[name]
        if variable.dims[:1] != ("time",):
            continue
        unit = variable.attrs.get("units") or "-"
        ranges = [[str(element) for element in dataset.variables[dim].values] for dim in variable.dims[1:]]
        flat = np.asarray(variable.values, dtype=np.float64).reshape(len(variable), -1)
        for column, elements in enumerate(product(*ranges)):
            subscript = f"[{','.join(elements)}]" if elements else ""
            yield f"{name}{subscript} [{unit}]", flat[:, column]
