"""Look-up tables in IR: short ones without branches or memory, long ones and those with dimensions by bisection.

The values are those of primitives.lookup, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from sdpolicy.backends.llvm.text import MAGIC, Value, Writer, constant_array, double
from sdpolicy.expression import Interpolation
from sdpolicy.primitives import Curve
from sdpolicy.program import Table

SHORT: Final = 12
"""In lanes, tables of at most so many points are read without memory (measured: bisection wins above, and always
for one x alone)."""

EVEN: Final = 4
"""From so many segments on, evenly spaced points are found by rounding; fewer are halved as fast."""


class Tables:
    """The tables of a model, and what has been written for them so far."""

    def __init__(self, writer: Writer, tables: Sequence[Table]) -> None:
        self.w = writer
        self.curves = {table.id: [Curve.of(*curve) for curve in table.curves] for table in tables}
        self.stored: dict[str, int] = {}

    def read(self, table: str, which: int | Value, x: Value, mode: Interpolation) -> Value:
        """Return the curve ``which`` of ``table`` at ``x``."""
        if isinstance(which, int):
            curve = self.curves[table][which]
            if len(curve.xs) == 1:
                return self.keep_nan(x, self.w.number(curve.ys[0]))
            if len(curve.xs) <= SHORT and x.wide:
                return self.short(curve, x, mode)
        return self.long(table, which, x, mode)

    def keep_nan(self, x: Value, value: Value) -> Value:
        return self.w.select(self.w.compare("uno", x, x), x, value)

    # Short tables

    def short(self, curve: Curve, x: Value, mode: Interpolation) -> Value:
        w = self.w
        if mode in ("backward", "forward"):
            return self.keep_nan(x, self.steps(curve, x, mode))
        inside = x
        if mode == "linear":
            first = w.number(curve.xs[0])
            inside = w.select(w.compare("ogt", first, x), first, x)
        find = self.chained
        if w.target.permute:
            find = self.nearest if mode == "linear" and _even(curve) else self.picked
        left, slope, base = find(curve, x)
        y = w.add(w.mul(slope, w.sub(inside, left)), base)
        if mode == "linear":
            y = w.select(w.compare("oge", x, w.number(curve.xs[-1])), w.number(curve.ys[-1]), y)
        return y

    def picked(self, curve: Curve, x: Value) -> tuple[Value, Value, Value]:
        """Find the segment of x by halving, with tables in registers; return its left end, slope and first value."""
        w, segments = self.w, len(curve.slopes)
        room = 1 << max(segments - 1, 1).bit_length()
        breaks = [*curve.xs[1:-1], *[math.nan] * (room - segments + 1)]  # not even infinity passes NaN
        count, half = w.integer(0), room // 2
        while half:
            if count.wide:
                point = w.pick([breaks[i | (half - 1)] for i in range(room)], count)
            else:
                point = w.number(breaks[half - 1])
            further = w.binary("add", count, w.integer(half)) if count.wide else w.integer(half)
            count = w.select(w.compare("oge", x, point), further, count)
            half //= 2
        return w.pick(curve.xs[:-1], count), w.pick(curve.slopes, count), w.pick(curve.ys[:-1], count)

    def nearest(self, curve: Curve, x: Value) -> tuple[Value, Value, Value]:
        """The same where points stand at even distances: the segment at the point nearest to x, or that before it.

        Beyond the last point it gives anything: the value there is that of the point.
        """
        w, last = self.w, self.w.number(curve.xs[-1])
        step = (curve.xs[-1] - curve.xs[0]) / len(curve.slopes)
        inside = w.select(w.compare("olt", x, last), x, last)
        inside = w.select(w.compare("ogt", inside, w.number(curve.xs[0])), inside, w.number(curve.xs[0]))
        count = w.bits(w.fma(inside, w.number(1.0 / step), w.number(MAGIC - round(curve.xs[0] / step))))
        before = w.compare("olt", inside, w.pick(curve.xs, count))
        count = w.select(before, w.binary("sub", count, w.integer(1)), count)
        return w.pick(curve.xs[:-1], count), w.pick(curve.slopes, count), w.pick(curve.ys[:-1], count)

    def chained(self, curve: Curve, x: Value) -> tuple[Value, Value, Value]:
        """The same by comparing x with every point in turn."""
        w, inner = self.w, range(1, len(curve.xs) - 1)
        passed = [w.compare("oge", x, w.number(curve.xs[j])) for j in inner]

        def last_passed(values: Sequence[float]) -> Value:
            chosen = w.number(values[0])
            for j, beyond in zip(inner, passed, strict=True):
                if values[j] != values[j - 1]:
                    chosen = w.select(beyond, w.number(values[j]), chosen)
            return chosen

        return last_passed(curve.xs), last_passed(curve.slopes), last_passed(curve.ys)

    def steps(self, curve: Curve, x: Value, mode: Interpolation) -> Value:
        w = self.w
        y = w.number(curve.ys[0])
        for j in range(1, len(curve.xs)):
            point = w.number(curve.xs[j] if mode == "backward" else curve.xs[j - 1])
            y = w.select(w.compare("oge" if mode == "backward" else "ogt", x, point), w.number(curve.ys[j]), y)
        return y

    # Long tables: arrays in the object

    def long(self, table: str, which: int | Value, x: Value, mode: Interpolation) -> Value:
        place, base, last = self.locate(table, which, x, mode)
        return self.at(table, base, last, place, x, mode)

    def slope(self, table: str, which: int | Value, x: Value, mode: Interpolation) -> Value:
        """Return the slope of the branch that is active at ``x``: 0 where the end values hold, and for steps."""
        w = self.w
        if mode in ("backward", "forward"):
            return w.number(0.0)
        place, base, last = self.locate(table, which, x, mode)
        slope = w.gather(f"@table.{table}.slope", w.binary("add", place, base))
        if mode == "linear":
            for predicate, edge in (("oge", w.binary("add", base, last)), ("ole", base)):
                beyond = w.compare(predicate, x, w.gather(f"@table.{table}.x", edge))
                slope = w.select(beyond, w.number(0.0), slope)
        return slope

    def locate(self, table: str, which: int | Value, x: Value, mode: Interpolation) -> tuple[Value, Value, Value]:
        """Return the point that x stands after (``forward``: before), where the curve begins, and its last point.

        The points at or below x (``forward``: below x) are counted by halving.
        """
        w, room = self.w, self.store(table)
        row = w.integer(which) if isinstance(which, int) else which
        base = w.binary("mul", row, w.integer(room))
        count, half = w.integer(0), room // 2
        while half:
            further = w.binary("add", count, w.integer(half))
            place = w.binary("add", w.binary("sub", further, w.integer(1)), base)
            point = w.gather(f"@table.{table}.x", place)
            passed = w.compare("olt" if mode == "forward" else "ole", point, x)
            count = w.select(passed, further, count)
            half //= 2
        last = w.fetch(f"@table.{table}.last", row)
        if mode == "forward":
            place = w.select(w.compare("ult", count, last), count, last)
        else:
            none = w.compare("eq", count, w.integer(0))
            place = w.select(none, w.integer(0), w.binary("sub", count, w.integer(1)))
        if mode == "extrapolate":
            # The end segments go on: the last point belongs to the segment before it.
            segment = w.select(w.compare("ugt", last, w.integer(0)), w.binary("sub", last, w.integer(1)), last)
            place = w.select(w.compare("ult", place, segment), place, segment)
        return place, base, last

    def at(self, table: str, base: Value, last: Value, place: Value, x: Value, mode: Interpolation) -> Value:
        """Read the curve that begins at ``base`` from its point ``place`` on."""
        w = self.w
        place = w.binary("add", place, base)
        y = w.gather(f"@table.{table}.y", place)
        if mode in ("backward", "forward"):
            return self.keep_nan(x, y)
        left, slope = w.gather(f"@table.{table}.x", place), w.gather(f"@table.{table}.slope", place)
        inner = w.add(w.mul(slope, w.sub(x, left)), y)
        if mode == "extrapolate":
            single = w.compare("eq", last, w.integer(0))
            return w.select(w.binary("and", single, w.compare("ord", x, x)), y, inner)
        end = w.binary("add", base, last)
        for predicate, edge in (("oge", end), ("ole", base)):
            beyond = w.compare(predicate, x, w.gather(f"@table.{table}.x", edge))
            inner = w.select(beyond, w.gather(f"@table.{table}.y", edge), inner)
        return inner

    def store(self, table: str) -> int:
        """Define the arrays of ``table``; return the room that each curve takes in them, a power of two."""
        if table in self.stored:
            return self.stored[table]
        curves = self.curves[table]
        room = 1 << max(len(curve.xs) for curve in curves).bit_length()
        self.stored[table] = room

        def padded(values: Sequence[float], rest: float) -> list[str]:
            return [double(value) for value in (*values, *[rest] * (room - len(values)))]

        parts = {
            "x": [text for c in curves for text in padded(c.xs, math.inf)],
            "y": [text for c in curves for text in padded(c.ys, c.ys[-1])],
            "slope": [text for c in curves for text in padded(c.slopes, 0.0)],
        }
        for part, values in parts.items():
            self.w.globals.append(constant_array(f"@table.{table}.{part}", "double", values))
        self.w.globals.append(constant_array(f"@table.{table}.last", "i64", [str(len(c.xs) - 1) for c in curves]))
        return room


def _even(curve: Curve) -> bool:
    """Whether the points of a table stand at even distances, a whole number of which leads from 0 to the first."""
    count = len(curve.slopes)
    step = (curve.xs[-1] - curve.xs[0]) / count
    if count < EVEN or not step > 0.0:
        return False
    places = [x / step for x in curve.xs]
    return all(abs(place - round(places[0]) - i) < 1e-6 for i, place in enumerate(places))
