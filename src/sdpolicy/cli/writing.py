"""What `run --out` writes: which runs, figures and observed facts go into the folder, under which names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sdpolicy.cli import terminal

if TYPE_CHECKING:
    import xarray as xr


def write(runs: Sequence[xr.Dataset], folder: Path, formats: Sequence[str]) -> list[str]:
    """Write runs, their figures and a manifest into ``folder``; return the names of the files.

    Raises:
        ResultError: when the folder cannot be written; it then stays as it was.
    """
    from sdpolicy.results import MANIFEST, save

    named = name_each(runs)
    figures = draw(named, formats) if formats else {}
    manifest = save(named, folder, figures)
    return [*sorted(manifest.files), MANIFEST]


def draw(runs: Mapping[str, xr.Dataset], formats: Sequence[str]) -> dict[str, bytes]:
    """Return all figures by file name, drawn over what was observed where there is evidence.

    Runs of the first one's model are compared with it; those of other models are drawn by themselves.
    """
    from sdpolicy import figures
    from sdpolicy.evidence import observations
    from sdpolicy.library import shelf

    facts = {
        name: observations(shelf("evidence"), str(run.attrs["model"]), str(run.attrs.get("country", "")))
        for name, run in runs.items()
    }
    model = next(iter(runs.values())).attrs["model"]
    compared = {name: run for name, run in runs.items() if run.attrs["model"] == model}
    contents = dict(figures.draw(compared, formats, facts))
    for name, run in runs.items():
        if name not in compared:
            terminal.complain(f"'{name}' is not compared: its model is not '{model}'", label="note")
            contents |= figures.draw({name: run}, formats, facts)
    return contents


def name_each(runs: Sequence[xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return the runs by file name: that of the scenario or model, numbered where two share it."""
    named: dict[str, xr.Dataset] = {}
    for run in runs:
        name = base = str(run.attrs.get("scenario") or run.attrs.get("model") or "run")
        count = 1
        while name.casefold() in {taken.casefold() for taken in named}:
            count += 1
            name = f"{base}-{count}"
        named[name] = run
    return named
