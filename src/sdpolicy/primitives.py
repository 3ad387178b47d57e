"""The meaning of every primitive on float64, in plain Python: what all other engines are held to.

Arithmetic follows IEEE 754: a division by zero or a value out of a function's domain gives an infinity
or NaN, never an exception. It knows no model.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sdpolicy.expression import ARITY, Interpolation

SMALL: Final = 1e-6
"""What ZIDZ, XIDZ and QUANTUM count as zero (Vensim Reference Manual, ZIDZ)."""


def div(a: float, b: float) -> float:
    if b != 0.0:
        return a / b
    if a == 0.0 or a != a or b != b:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0.0 and b % 2.0 == 1.0 else math.inf
    except ValueError:
        return math.inf if a == 0.0 else math.nan


def exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def ln(x: float) -> float:
    if x > 0.0:
        return math.log(x)
    return -math.inf if x == 0.0 else math.nan


def sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0.0 else math.nan


def minimum(a: float, b: float) -> float:
    return a if a < b or a != a else b


def maximum(a: float, b: float) -> float:
    return a if a > b or a != a else b


def integer(x: float) -> float:
    """The integer part, towards zero."""
    return float(math.trunc(x)) if math.isfinite(x) else x


def quantum(a: float, b: float) -> float:
    return a if b < SMALL else b * integer(a / b)


def modulo(a: float, b: float) -> float:
    return a - quantum(a, b)


def xidz(a: float, b: float, x: float) -> float:
    return x if abs(b) < SMALL else a / b


def zidz(a: float, b: float) -> float:
    return xidz(a, b, 0.0)


def _guarded(function: Callable[[float], float]) -> Callable[[float], float]:
    def guarded(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return math.nan
        except OverflowError:
            return math.copysign(math.inf, x) if function is math.sinh else math.inf

    return guarded


def _mix(word: int) -> int:
    """Spread 32 bits over 32 bits (the finalizer of MurmurHash3, Appleby 2011, public domain)."""
    word ^= word >> 16
    word = (word * 0x85EBCA6B) & 0xFFFFFFFF
    word ^= word >> 13
    word = (word * 0xC2B2AE35) & 0xFFFFFFFF
    return word ^ (word >> 16)


def noise(stream: float, step: float) -> float:
    """A number on [0, 1) that depends on the whole numbers ``stream`` and ``step`` alone.

    Only 32-bit integer operations are used, so that every language gives the same 53 bits. Both
    arguments are rounded to the nearest whole number and taken modulo 2**32; one that is not finite gives NaN.
    """
    if not (math.isfinite(stream) and math.isfinite(step)):
        return math.nan
    s = math.floor(stream + 0.5) & 0xFFFFFFFF
    n = math.floor(step + 0.5) & 0xFFFFFFFF
    first = _mix(s ^ _mix((n + 0x9E3779B9) & 0xFFFFFFFF))
    second = _mix((first + 0x7F4A7C15) & 0xFFFFFFFF ^ s)
    return ((first >> 5) * 67108864.0 + (second >> 6)) / 9007199254740992.0


PRIMITIVES: Final[Mapping[str, Callable[..., float]]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": div,
    "pow": power,
    "neg": lambda a: -a,
    "lt": lambda a, b: float(a < b),
    "le": lambda a, b: float(a <= b),
    "gt": lambda a, b: float(a > b),
    "ge": lambda a, b: float(a >= b),
    "eq": lambda a, b: float(a == b),
    "ne": lambda a, b: float(a != b),
    "and": lambda a, b: float(a != 0.0 and b != 0.0),
    "or": lambda a, b: float(a != 0.0 or b != 0.0),
    "not": lambda a: float(a == 0.0),
    "if": lambda c, a, b: a if c != 0.0 else b,
    "min": minimum,
    "max": maximum,
    "zidz": zidz,
    "xidz": xidz,
    "modulo": modulo,
    "quantum": quantum,
    "integer": integer,
    "abs": abs,
    "exp": exp,
    "ln": ln,
    "sqrt": sqrt,
    "noise": noise,
    "sin": _guarded(math.sin),
    "cos": _guarded(math.cos),
    "tan": _guarded(math.tan),
    "arcsin": _guarded(math.asin),
    "arccos": _guarded(math.acos),
    "arctan": math.atan,
    "sinh": _guarded(math.sinh),
    "cosh": _guarded(math.cosh),
    "tanh": math.tanh,
}
if PRIMITIVES.keys() != ARITY.keys():
    raise AssertionError(f"primitives without a meaning: {sorted(PRIMITIVES.keys() ^ ARITY.keys())}")


@dataclass(frozen=True, slots=True)
class Curve:
    """A table made ready: ``slopes[j]`` belongs to the segment from point j to point j + 1."""

    xs: Sequence[float]
    ys: Sequence[float]
    slopes: Sequence[float]

    @staticmethod
    def of(xs: Sequence[float], ys: Sequence[float]) -> Curve:
        """Make a table ready. A vertical segment (two points at one x) has slope 0."""
        pairs = list(zip(xs, ys, strict=True))
        slopes = [(y1 - y0) / (x1 - x0) if x1 != x0 else 0.0 for (x0, y0), (x1, y1) in pairwise(pairs)]
        return Curve(tuple(xs), tuple(ys), tuple(slopes))


def lookup(curve: Curve, x: float, mode: Interpolation = "linear") -> float:
    """Read ``curve`` at ``x``; between points: y = slope * (x - x_left) + y_left."""
    xs, ys = curve.xs, curve.ys
    if x != x:
        return x
    match mode:
        case "backward":
            return ys[max(bisect_right(xs, x) - 1, 0)]
        case "forward":
            return ys[min(bisect_left(xs, x), len(ys) - 1)]
        case "linear" | "extrapolate":
            if len(xs) == 1 or (mode == "linear" and x <= xs[0]):
                return ys[0]
            if mode == "linear" and x >= xs[-1]:
                return ys[-1]
            j = min(max(bisect_right(xs, x) - 1, 0), len(xs) - 2)
            return curve.slopes[j] * (x - xs[j]) + ys[j]


def combine(op: str, values: Sequence[float]) -> float:
    """Return the ``sum``, ``prod``, ``min`` or ``max`` of ``values``, taken from left to right."""
    function = PRIMITIVES[{"sum": "add", "prod": "mul"}.get(op, op)]
    result = values[0]
    for value in values[1:]:
        result = function(result, value)
    return result
