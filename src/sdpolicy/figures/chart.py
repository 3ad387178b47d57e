"""One panel: its heading, lines, shading, observed points and the labels at the line ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from sdpolicy.evidence import Observation
from sdpolicy.figures.frame import initials
from sdpolicy.figures.labels import spread
from sdpolicy.figures.style import (
    INK,
    LABEL,
    PANEL,
    SHADES,
    TICK,
    UNIT,
    Box,
    Ink,
    Page,
    clip,
    dress,
    measure,
    wrap,
)
from sdpolicy.summary import Phase
from sdpolicy.words import unit_words

FloatArray = NDArray[np.float64]
Dash = str | tuple[float, tuple[float, ...]]

TICKS_LEFT = 58
TICKS_BELOW = 28
HEADING = PANEL.size * 1.3 + UNIT.size * 1.4 + 8


@dataclass(frozen=True, slots=True)
class Trace:
    """A line to be drawn: its points, the words at its end (or none), and its look."""

    time: FloatArray
    values: FloatArray
    label: str
    colour: str
    dash: Dash = "-"
    width: float = 2.4


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a panel stands: the whole of it, and what is kept free at the right for labels."""

    box: Box
    labels: float = 0
    years: bool = True
    """Whether the times are written below."""
    level: float | None = None
    """A value that matters, marked by a line across the panel."""

    @property
    def plot(self) -> Box:
        """The rectangle of the axes."""
        return Box(
            self.box.left + TICKS_LEFT,
            self.box.top + HEADING,
            self.box.right - self.labels - 8,
            self.box.bottom - (TICKS_BELOW if self.years else 10),
        )


def heading(page: Page, frame: Frame, title: str, unit: str) -> None:
    """Write the panel's title and, below it, the unit of its axis."""
    width = frame.box.width - 10
    text = clip(wrap(title, width, PANEL), 1)[0] if title else ""
    page.text(frame.box.left, frame.box.top + PANEL.size * 1.2, text, PANEL)
    page.text(frame.box.left, frame.box.top + HEADING - 12, unit, UNIT)


def draw(
    page: Page,
    frame: Frame,
    traces: Sequence[Trace],
    phases: Sequence[Phase] = (),
    facts: Sequence[Observation] = (),
) -> Axes:
    """Draw lines over shaded phases, then observed points, then the labels; return the axes."""
    axes = page.axes(frame.plot)
    axes.set_xlim(min(t.time[0] for t in traces), max(t.time[-1] for t in traces))
    _shade(axes, phases)
    for trace in traces:
        axes.plot(
            trace.time, trace.values, color=trace.colour, linestyle=trace.dash, linewidth=trace.width,
            marker="None", solid_capstyle="round", zorder=3,
        )  # fmt: skip
    visible = [shown for fact in facts if (shown := _visible(fact, axes.get_xlim()))]
    axes.set_ylim(*limits([t.values for t in traces], visible))
    if frame.level is not None:
        axes.axhline(frame.level, color=INK, linewidth=1.1, linestyle=(0, (1, 2)), zorder=2)
    _observe(axes, visible)
    if not frame.years:
        axes.tick_params(labelbottom=False)
    _label_ends(page, frame, axes, [trace for trace in traces if trace.label])
    return axes


def limits(series: Sequence[FloatArray], facts: Sequence[Observation] = (), near: float = 0.6) -> tuple[float, float]:
    """Return the range of an axis: all points with some room.

    It begins at 0 where the points come nearer to it than the fraction ``near`` of the greatest.
    """
    values = np.concatenate([*series, [x for f in facts for x in (f.value, f.low, f.high) if x is not None]])
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = 0.07 * (high - low) or 0.1 * abs(high) or 1.0
    if low >= 0 and low <= near * high:
        return 0.0, high + room
    if high <= 0 and high >= near * low:
        return low - room, 0.0
    return low - room, high + room


def scale_ticks(axes: Axes, unit: str) -> str:
    """Write large ticks in millions, billions ...; return the unit text that goes with the ticks."""
    largest = max(map(abs, axes.get_ylim()))
    scale, word = 1.0, ""
    for power, name in ((1e6, "million"), (1e9, "billion"), (1e12, "trillion")):
        if largest >= power:
            scale, word = power, name

    def write(value: float, _position: object) -> str:
        return f"{float(f'{value / scale:.6g}'):,g}".replace("-", "−")

    axes.yaxis.set_major_formatter(FuncFormatter(write))
    words = unit_words(unit)
    return f"{word} {'' if words == 'no unit' else words}".strip() if word else words


def _shade(axes: Axes, phases: Sequence[Phase]) -> None:
    order = {"catch-up": 0, "stall": 1, "liquidity failure": 2}
    for phase in sorted(phases, key=lambda item: order[item.name]):
        face, hatch = SHADES[phase.name]
        # What is hatched stays half open, so that the stall is seen below a failure of liquidity.
        opacity, edge = (0.55, "#d98c4a") if hatch else (1.0, "none")
        axes.axvspan(
            phase.start, phase.stop, facecolor=(face, opacity), edgecolor=edge,
            linewidth=0, hatch=hatch or None, zorder=0.5,
        )  # fmt: skip


def _visible(fact: Observation, span: tuple[float, float]) -> Observation | None:
    """Return the part of a fact that lies in the run; None where that is less than half of its period."""
    start, end = max(fact.start, span[0]), min(fact.end, span[1])
    if start > end or end - start < (fact.end - fact.start) / 2:
        return None
    return replace(fact, start=start, end=end)


def _observe(axes: Axes, facts: Sequence[Observation]) -> None:
    for fact in facts:
        middle = (fact.start + fact.end) / 2
        if fact.low is not None or fact.high is not None:
            low = fact.value if fact.low is None else fact.low
            high = fact.value if fact.high is None else fact.high
            axes.plot([middle, middle], [low, high], color=INK, linewidth=1.2, linestyle="-", zorder=4)
        if fact.end > fact.start:
            axes.plot([fact.start, fact.end], [fact.value] * 2, color=INK, linewidth=1.2, linestyle="-", zorder=4)
        axes.plot(
            [middle], [fact.value], marker="o", markersize=7, markerfacecolor="white", markeredgecolor=INK,
            markeredgewidth=1.4, linestyle="None", zorder=5,
        )  # fmt: skip
        mark = axes.annotate(
            "", (middle, fact.value), xytext=(5, 4), textcoords="offset points", zorder=5, annotation_clip=True
        )
        dress(mark, initials(fact.source), Ink(13, INK, vertical="bottom"))
        mark.set_path_effects([withStroke(linewidth=3, foreground="white")])


def label_width(texts: Sequence[str], most: float = 112) -> float:
    """Return the pixels that labels of these words need at the right of a panel."""
    longest = max((measure(line, LABEL) for text in texts for line in wrap(text, most, LABEL)), default=0)
    return longest + 16 if longest else 0


def _label_ends(page: Page, frame: Frame, axes: Axes, traces: Sequence[Trace]) -> None:
    """Write each line's words beside its end, moved apart where they would overlap."""
    plot, (low, high) = frame.plot, axes.get_ylim()
    texts = [clip(wrap(trace.label, frame.labels - 12, LABEL), 3) for trace in traces]
    ends = [_pixel(trace.values, low, high, plot) for trace in traces]
    heights = [len(text) * LABEL.size * 1.12 + 3 for text in texts]
    centres = spread(ends, heights, plot.top - 14, plot.bottom + 14)
    for trace, text, end, centre in zip(traces, texts, ends, centres, strict=True):
        ink = replace(LABEL, colour=darker(trace.colour))
        top = centre - (len(text) - 1) * LABEL.size * 0.56
        for i, line in enumerate(text):
            page.text(plot.right + 14, top + i * LABEL.size * 1.12, line, ink)
        _leader(page, plot.right, end, centre, trace.colour)


def _pixel(values: FloatArray, low: float, high: float, plot: Box) -> float:
    finite = values[np.isfinite(values)]
    last = min(max(float(finite[-1]), low), high) if len(finite) else low
    return plot.bottom - (last - low) / (high - low) * plot.height


def _leader(page: Page, x: float, end: float, centre: float, colour: str) -> None:
    if abs(end - centre) > TICK / 3:
        page.figure.add_artist(
            Line2D(
                [(x + 1) / page.width, (x + 11) / page.width],
                [1 - end / page.height, 1 - centre / page.height],
                transform=page.figure.transFigure, color=colour, linewidth=0.9,
            )
        )  # fmt: skip


def darker(colour: str) -> str:
    """Return a shade that is dark enough for text on white (contrast of 4.5 to 1; WCAG 2.1, 1.4.3)."""
    red, green, blue = to_rgb(colour)
    while 1.05 / (_luminance((red, green, blue)) + 0.05) < 4.5:
        red, green, blue = red * 0.95, green * 0.95, blue * 0.95
    return to_hex((red, green, blue))


def _luminance(rgb: tuple[float, float, float]) -> float:
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
