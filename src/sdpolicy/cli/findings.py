"""What `loops`, `causes` and `why` share: what was asked for, tables, and folders with a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table
from rich.text import Text

from sdpolicy.cli import showing, terminal

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from sdpolicy.scenario import Case


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for."""

    out: Path | None = None
    formats: tuple[str, ...] = ("svg",)
    dates: tuple[float, ...] = ()


def read_case(name: str) -> Case:
    """Return the case of a scenario or model."""
    from sdpolicy.scenario import case
    from sdpolicy.vensim import read_model

    return case(name, read_model)


def columns(*headings: str) -> Table:
    """Return an empty table; what is in it is never read as markup."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(Text(heading), overflow="fold")
    return table


def moments(run: xr.Dataset, dates: Sequence[float]) -> list[float]:
    """Return the dates asked for, or the beginning, the middle and the end of a run."""
    time = run["time"].values
    return list(dates) or [float(time[0]), float(time[len(time) // 2]), float(time[-1])]


def drawn(figures: Mapping[str, Figure], formats: Sequence[str]) -> dict[str, bytes]:
    """Return figures as files, in every format asked for."""
    from sdpolicy.figures.render import render

    return {f"{name}.{kind}": render(figure, kind) for name, figure in figures.items() for kind in formats}


def as_csv(index: str, times: np.ndarray, dimension: str, values: xr.DataArray, scores: xr.Dataset) -> bytes:
    """Return a table with a row for each time and a column for each loop, policy or run."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([index, *(str(name) for name in scores[dimension].values)])
    block = values.transpose("time", dimension).values
    for time, row in zip(times, block, strict=True):
        writer.writerow([repr(float(time)), *(repr(float(value)) for value in row)])
    return text.getvalue().encode()


def put(folder: Path, names: Sequence[str], contents: Mapping[str, bytes]) -> None:
    """Write files, the runs that they tell of and a manifest into a folder, whole or not at all; say where.

    Raises:
        ResultError: when the folder cannot be written; it then stays as it was.
    """
    from sdpolicy.cli.writing import name_each
    from sdpolicy.results import MANIFEST, save
    from sdpolicy.run import simulate

    with terminal.working("writing"):
        runs = name_each([simulate(name) for name in dict.fromkeys(names)])
        manifest = save(runs, folder, contents)
    showing.show_files(str(folder), [*sorted(manifest.files), MANIFEST])
