"""The option --format, which commands share that draw."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class FigureFormat(StrEnum):
    """The kinds of figure file that `run --format` writes."""

    SVG = "svg"
    PNG = "png"
    PDF = "pdf"
    NONE = "none"


Formats = Annotated[
    list[FigureFormat] | None,
    typer.Option("--format", help="Kind of figure file; repeatable; none for data alone.", show_default="svg"),
]


def chosen(formats: list[FigureFormat] | None) -> tuple[str, ...]:
    """Return the kinds of file to draw, each once."""
    wanted = formats or [FigureFormat.SVG]
    return tuple(dict.fromkeys(f.value for f in wanted if f is not FigureFormat.NONE))
