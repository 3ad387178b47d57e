"""The look that figures share: page, header, footer, colours. No global style, no pyplot state."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

DPI: Final = 100
"""Pixels an inch; all sizes in this package are pixels at this resolution, and points = pixels * 72 / DPI."""
WIDTH: Final = 1280
HEIGHT: Final = 720
MARGIN: Final = 40

INK: Final = "#1a1a1a"
GREY: Final = "#555555"
FAINT: Final = "#d9d9d9"
BASELINE: Final = "#333333"
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe & Ito (2008), Color Universal Design, jfly.uni-koeln.de/color; the yellow is too pale for a projector."""
DASHES: Final[tuple[str | tuple[float, tuple[float, ...]], ...]] = (
    "--", "-.", ":", (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)),
)  # fmt: skip
"""Dashes go with the colours, so that lines can be told apart in grey print."""
SHADES: Final[Mapping[str, tuple[str, str]]] = {
    "catch-up": ("#ffffff", ""),
    "stall": ("#e4e4e4", ""),
    "liquidity failure": ("#fbdcc0", "///"),
}
"""Background and hatching of each phase; the hatching is for grey print."""

_WIDE_SCRIPTS: Final = (
    "Noto Sans CJK KR", "Noto Sans CJK JP", "Malgun Gothic", "Yu Gothic", "Microsoft YaHei",
    "Apple SD Gothic Neo", "Hiragino Sans", "Noto Sans", "Arial Unicode MS",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ink:
    """How a text looks: height in pixels, colour, weight, and which point of it is placed."""

    size: float = 17
    colour: str = INK
    weight: Literal["normal", "bold"] = "normal"
    horizontal: Literal["left", "center", "right"] = "left"
    vertical: Literal["top", "center", "bottom", "baseline"] = "top"


TITLE: Final = Ink(29, INK, "bold")
SUBTITLE: Final = Ink(20, GREY)
PANEL: Final = Ink(20, INK, "bold", vertical="bottom")
UNIT: Final = Ink(16, GREY, vertical="bottom")
LABEL: Final = Ink(17, INK, vertical="center")
NOTE: Final = Ink(14, GREY)
FOOTER: Final = Ink(12, GREY, vertical="bottom")
TICK: Final = 16


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the page in pixels; ``top`` and ``bottom`` are counted from the page's top edge."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


class Page:
    """A matplotlib Figure that is addressed in pixels from its top left corner."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
        FigureCanvasAgg(self.figure)

    def axes(self, box: Box) -> Axes:
        """Return bare axes that fill ``box``: two spines, faint horizontal lines, no text yet."""
        rectangle = (
            box.left / self.width,
            1 - box.bottom / self.height,
            box.width / self.width,
            box.height / self.height,
        )
        axes = self.figure.add_axes(rectangle, facecolor="white", axisbelow=True)
        axes.tick_params(
            labelsize=points(TICK), labelcolor=GREY, color=GREY, labelfontfamily=list(fonts()), length=4, width=1,
            direction="out", bottom=True, left=True, top=False, right=False, labelbottom=True, labelleft=True,
        )  # fmt: skip
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set(color=GREY, linewidth=1)
        axes.grid(visible=True, axis="y", color=FAINT, linewidth=0.8, linestyle="-", alpha=1)
        axes.grid(visible=False, axis="x")
        axes.xaxis.set_major_locator(MaxNLocator(max(2, int(box.width / 58)), steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_major_locator(MaxNLocator(max(2, int(box.height / 42)), steps=[1, 2, 2.5, 5, 10]))
        return axes

    def text(self, x: float, y: float, text: str, ink: Ink = LABEL) -> float:
        """Write ``text`` at pixel (x, y) and return the width that it takes."""
        artist = self.figure.text(x / self.width, 1 - y / self.height, "")
        dress(artist, text, ink)
        return measure(text, ink)

    def patch(self, box: Box, face: str, hatch: str) -> None:
        """Draw a small filled rectangle with a thin edge."""
        corner = (box.left / self.width, 1 - box.bottom / self.height)
        self.figure.add_artist(
            Rectangle(
                corner, box.width / self.width, box.height / self.height, transform=self.figure.transFigure,
                facecolor=face, edgecolor="#d98c4a" if hatch else "#999999", linewidth=0.8, hatch=hatch or None,
            )
        )  # fmt: skip


def dress(artist: Text, text: str, ink: Ink) -> None:
    """Give a matplotlib Text its words and look; what a user wrote is never read as mathematics."""
    artist.set_parse_math(False)
    artist.set_usetex(False)
    artist.set_text(text)
    artist.set_fontfamily(list(fonts()))
    artist.set(
        fontsize=points(ink.size), color=ink.colour, fontweight=ink.weight,
        horizontalalignment=ink.horizontal, verticalalignment=ink.vertical,
    )  # fmt: skip


def points(pixels: float) -> float:
    """Return a height in pixels as typographic points."""
    return pixels * 72 / DPI


@cache
def fonts() -> tuple[str, ...]:
    """Return the font families to try for each letter: matplotlib's own first, then wide ones if installed."""
    installed = set(font_manager.get_font_names())
    return ("DejaVu Sans", *(name for name in _WIDE_SCRIPTS if name in installed))


@cache
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, DPI)  # type: ignore[no-untyped-call]


@cache
def measure(text: str, ink: Ink) -> float:
    """Return the width of a line of text in pixels, without drawing it."""
    font = font_manager.FontProperties(family=list(fonts()), weight=ink.weight, size=points(ink.size))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        width, _, _ = _renderer().get_text_width_height_descent(text, font, False)  # type: ignore[no-untyped-call]
    return float(width)


def wrap(text: str, width: float, ink: Ink) -> list[str]:
    """Return ``text`` as lines that are at most ``width`` pixels wide, broken at blanks."""
    lines: list[str] = []
    words = text.split()
    while words:
        longer = [" ".join(words[:count]) for count in range(2, len(words) + 1)]
        fitting = 1 + bisect_right(longer, width, key=lambda line: measure(line, ink))
        lines.append(" ".join(words[:fitting]))
        words = words[fitting:]
    return lines


def clip(lines: Sequence[str], count: int) -> list[str]:
    """Return the first ``count`` lines, the last of them ending in an ellipsis where lines were left out."""
    kept = list(lines[:count])
    if len(lines) > count:
        kept[-1] = kept[-1].rstrip(" .,;:") + " …"
    return kept
