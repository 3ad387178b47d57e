"""One pure function a figure: Dataset in, matplotlib Figure out; and figures as the bytes of files."""

from __future__ import annotations

from sdpolicy.figures.behaviour import behaviour
from sdpolicy.figures.comparison import comparison
from sdpolicy.figures.phase import phase
from sdpolicy.figures.render import FORMATS, draw, render

__all__ = ["FORMATS", "behaviour", "comparison", "draw", "phase", "render"]
