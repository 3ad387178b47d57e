"""Paths over time: points checked, columns of CSV files read, steps and pulses turned into curves.

It knows no model: what a step starts from, if the scenario does not say, is passed in.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from sdpolicy.errors import Problem, suggest
from sdpolicy.scenario.messages import show
from sdpolicy.scenario.schema import TimePath

NUMERAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
"""A number as people and spreadsheets write it; narrower than float(), which takes `nan` and `1_000`."""
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A path as a table: ``x`` increasing times, ``y`` values; ``backward`` holds the last value."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    mode: Literal["linear", "backward"]


def needs_base(path: TimePath) -> bool:
    """Tell whether the path starts from the model's own value."""
    part = path.step or path.ramp
    return part.before is None if part else bool(path.pulse and path.pulse.base is None)


def curve(path: TimePath, base: float, snap: Callable[[float], float]) -> Curve:
    """Return the path as a table.

    Args:
        path: its points stand in it; one with ``csv`` was read with :func:`read_column` before.
        base: the value to start from where the path does not say.
        snap: moves a time onto the time grid when it is one of its times up to rounding, so that a jump
            at 1985.3 is seen by the step that begins at 1985.3.
    """
    if path.step:
        step = path.step
        before = base if step.before is None else step.before
        return _jumps(before, ((snap(step.at), step.to),))
    if path.pulse:
        pulse = path.pulse
        level = base if pulse.base is None else pulse.base
        times = (snap(pulse.start), snap(pulse.start + pulse.width))
        return _jumps(level, ((times[0], level + pulse.height), (times[1], level)))
    if path.ramp:
        ramp = path.ramp
        before = base if ramp.before is None else ramp.before
        return Curve((ramp.start, ramp.stop), (before, ramp.to), "linear")
    points = path.points or ()
    if path.interpolation == "step":
        return Curve(tuple(snap(x) for x, _ in points), tuple(y for _, y in points), "backward")
    return Curve(tuple(x for x, _ in points), tuple(y for _, y in points), "linear")


def _jumps(before: float, points: Points) -> Curve:
    first = (points[0][0] - 1.0, before)
    return Curve(tuple(x for x, _ in (first, *points)), tuple(y for _, y in (first, *points)), "backward")


def times(path: TimePath) -> tuple[float, ...]:
    """Return the times at which the path bends or jumps."""
    if path.step:
        return (path.step.at,)
    if path.ramp:
        return (path.ramp.start, path.ramp.stop)
    if path.pulse:
        return (path.pulse.start, path.pulse.start + path.pulse.width)
    return tuple(x for x, _ in path.points or ())


def disorder(points: Sequence[tuple[float, float]], where: str, lines: Sequence[int] = ()) -> Iterator[Problem]:
    """Yield the first place where times do not increase; ``lines`` are those of a file."""
    for i, ((before, _), (after, _)) in enumerate(pairwise(points)):
        if after <= before:
            spot = f"line {lines[i + 1]}" if lines else f"point {i + 2}"
            how = "is there twice" if after == before else f"comes after {before:g}"
            yield Problem(where, f"the times do not increase: in {spot}, {after:g} {how}", "Put them in order.")
            return


def read_column(text: str, path: TimePath, where: str) -> tuple[Points, tuple[Problem, ...]]:
    """Return the points in the columns that ``path`` names, and all that is wrong with them.

    Args:
        text: a CSV text: commas, decimal points, one header row.
        where: for the messages.
    """
    try:
        rows = [(n, row) for n, row in _rows(text) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        return (), (Problem(where, f"this is not CSV: {show(error)}"),)
    header = [cell.strip() for cell in rows[0][1]]
    chosen = (path.time or "year", path.column or "")
    problems = tuple(_header_problems(header, chosen, where))
    if problems:
        return (), problems
    columns = [_column(rows[1:], header.index(name), name, where) for name in chosen]
    found = [problem for _, wrong in columns for problem in wrong]
    points = tuple(zip(columns[0][0], columns[1][0], strict=False))
    if not found and not points:
        found.append(Problem(where, "the file has a header, but no rows"))
    if not found:
        found.extend(disorder(points, where, [line for line, _ in rows[1:]]))
    return points, tuple(found)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for row in reader:
        yield reader.line_num, row


def _header_problems(header: Sequence[str], chosen: Iterable[str], where: str) -> Iterator[Problem]:
    missing = [name for name in chosen if name not in header]
    if not missing:
        doubled = [name for name in chosen if header.count(name) > 1]
        for name in doubled:
            yield Problem(where, f"the column '{show(name)}' is there {header.count(name)} times")
        return
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        mark = "semicolons" if ";" in header[0] else "tabs"
        cure = "Save it with commas between columns and points in decimals (in a spreadsheet: CSV, English)."
        yield Problem(where, f"the columns are separated by {mark}", cure)
    elif all(NUMERAL.fullmatch(cell) for cell in header if cell):
        cure = f"Put the names of the columns in the first row, such as {show(','.join(chosen))}."
        yield Problem(where, "the file has no header row", cure)
    else:
        for name in missing:
            cure = suggest(name, header) or f"There are: {show(', '.join(header), 200)}."
            yield Problem(where, f"there is no column '{show(name)}'", cure)


def _column(
    rows: Iterable[tuple[int, Sequence[str]]], position: int, name: str, where: str
) -> tuple[list[float], list[Problem]]:
    values: list[float] = []
    holes: list[int] = []
    problems: list[Problem] = []
    for line, row in rows:
        cell = row[position].strip() if position < len(row) else ""
        if not cell:
            holes.append(line)
        elif not NUMERAL.fullmatch(cell) or math.isinf(float(cell)):
            cure = "Write decimals with a point." if _comma(cell) else "Write a number, or take the row out."
            what = f"line {line}, column '{show(name)}': '{show(cell)}' is not a number"
            problems.append(Problem(where, what, cure))
        else:
            values.append(float(cell))
    if holes:
        what = f"the column '{show(name)}' has a hole in {_lines(holes)}"
        problems.append(Problem(where, what, "Fill it, or take the row out: paths are interpolated."))
    return values, problems[:5]


def _comma(cell: str) -> bool:
    return "," in cell and bool(NUMERAL.fullmatch(cell.replace(".", "").replace(",", ".", 1)))


def _lines(numbers: Sequence[int]) -> str:
    listed = ", ".join(map(str, numbers[:5]))
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"{'line' if len(numbers) == 1 else 'lines'} {listed}{more}"
