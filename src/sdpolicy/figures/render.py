"""Figures as the bytes of files, the same bytes for the same figure; and the set of figures that a save holds."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import matplotlib as mpl
import xarray as xr
from matplotlib.figure import Figure

from sdpolicy.evidence import Observation
from sdpolicy.figures.behaviour import behaviour
from sdpolicy.figures.comparison import comparison
from sdpolicy.figures.phase import axes_of, phase
from sdpolicy.figures.style import COLOURS, DPI

FORMATS: Final = ("svg", "png", "pdf")
_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "svg": {"metadata": {"Date": None, "Creator": "sdpolicy"}},
    "png": {"metadata": {"Software": "sdpolicy"}, "dpi": 2 * DPI},
    "pdf": {"metadata": {"CreationDate": None, "Creator": "sdpolicy"}},
}
"""No dates; PNG at twice the size of the page, for screens and print."""
_SETTINGS: Final[Any] = {"svg.hashsalt": "sdpolicy", "svg.fonttype": "path", "pdf.fonttype": 42}
"""What matplotlib reads only when it writes, and only from its settings; the salt makes names in SVG repeatable."""
_NONE: Final[Mapping[str, Sequence[Observation]]] = MappingProxyType({})


def draw(
    runs: Mapping[str, xr.Dataset],
    formats: Sequence[str] = FORMATS,
    observations: Mapping[str, Sequence[Observation]] = _NONE,
) -> Mapping[str, bytes]:
    """Return the figures of runs as file contents by file name.

    Each run gives ``<name>.behaviour.*`` and, if it has two series to set against each other,
    ``<name>.phase.*``; several runs also ``comparison.*``, the first being the baseline.

    Args:
        runs: Datasets by name.
        formats: any of ``FORMATS``.
        observations: facts by name of the run that they are drawn with.
    """
    figures: dict[str, Figure] = {}
    for name, dataset in runs.items():
        figures[f"{name}.behaviour"] = behaviour(dataset, None, observations.get(name, ()))
        across, upward = axes_of(dataset, None, None)
        if across != upward:
            figures[f"{name}.phase"] = phase(dataset)
    if len(runs) > 1:
        names = list(runs)
        others = [runs[name] for name in names[1 : len(COLOURS) + 1]]
        figures["comparison"] = comparison(runs[names[0]], others, None, observations.get(names[0], ()))
    return {f"{name}.{kind}": render(figure, kind) for name, figure in figures.items() for kind in formats}


def render(figure: Figure, kind: str) -> bytes:
    """Return a figure as the bytes of an ``svg``, ``png`` or ``pdf`` file: equal figures give equal bytes."""
    file = io.BytesIO()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format=kind, facecolor="white", **_OPTIONS[kind])
    return file.getvalue()
