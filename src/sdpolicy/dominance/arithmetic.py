"""The primitives on whole columns of time at once, in NumPy. It knows expressions of scalars only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.expression import ARITY, Apply, Interpolation, Lookup, Node, Num, Reduce, Ref
from sdpolicy.primitives import PRIMITIVES, SMALL, Curve

FloatArray = NDArray[np.float64]
Column = FloatArray | float
"""One value for each time, or one for all."""
Curves = Mapping[str, Curve]


def evaluate(node: Node, values: Mapping[str, Column], curves: Curves) -> Column:
    """Return the value of ``node`` at every time.

    Raises:
        KeyError: when it reads what ``values`` does not hold.
    """
    match node:
        case Num(value=value):
            return value
        case Ref(name=name):
            return values[name]
        case Apply(op=op, args=args):
            result: Column = COLUMNS[op](*(evaluate(arg, values, curves) for arg in args))
            return result
        case Lookup(table=table, x=x, mode=mode):
            return lookup(curves[table], np.asarray(evaluate(x, values, curves), dtype=np.float64), mode)
        case Reduce():
            raise TypeError("expressions of single elements have no loops")


def lookup(curve: Curve, x: FloatArray, mode: Interpolation) -> FloatArray:
    """Read ``curve`` at every ``x``, as :func:`sdpolicy.primitives.lookup` reads it at one."""
    xs, ys = np.array(curve.xs), np.array(curve.ys)
    if mode == "backward":
        return np.asarray(ys[np.maximum(np.searchsorted(xs, x, "right") - 1, 0)])
    if mode == "forward":
        return np.asarray(ys[np.minimum(np.searchsorted(xs, x, "left"), len(ys) - 1)])
    if len(xs) == 1:
        return np.full_like(x, ys[0])
    j = segment(curve, x)
    y = np.array(curve.slopes)[j] * (x - xs[j]) + ys[j]
    if mode == "linear":
        y = np.where(x <= xs[0], ys[0], np.where(x >= xs[-1], ys[-1], y))
    return np.where(np.isnan(x), np.nan, y)


def segment(curve: Curve, x: FloatArray) -> NDArray[np.intp]:
    """Return the segment of the table in which each ``x`` lies."""
    found: NDArray[np.intp] = np.clip(np.searchsorted(np.array(curve.xs), x, "right") - 1, 0, len(curve.xs) - 2)
    return found


def _minimum(a: Any, b: Any) -> Any:
    return np.where((a < b) | np.isnan(a), a, b)


def _maximum(a: Any, b: Any) -> Any:
    return np.where((a > b) | np.isnan(a), a, b)


def _quantum(a: Any, b: Any) -> Any:
    return np.where(np.less(b, SMALL), a, b * np.trunc(np.divide(a, b)))


def _xidz(a: Any, b: Any, x: Any) -> Any:
    return np.where(np.abs(b) < SMALL, x, np.divide(a, b))


def _real(condition: Any) -> Any:
    return np.asarray(condition, dtype=np.float64)


def _noise(stream: Any, step: Any) -> Any:
    return np.vectorize(PRIMITIVES["noise"], otypes=[np.float64])(stream, step)


COLUMNS: Final[Mapping[str, Callable[..., Any]]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": np.divide,
    "pow": lambda a, b: np.power(np.asarray(a, dtype=np.float64), b),
    "neg": lambda a: -a,
    "lt": lambda a, b: _real(np.less(a, b)),
    "le": lambda a, b: _real(np.less_equal(a, b)),
    "gt": lambda a, b: _real(np.greater(a, b)),
    "ge": lambda a, b: _real(np.greater_equal(a, b)),
    "eq": lambda a, b: _real(np.equal(a, b)),
    "ne": lambda a, b: _real(np.not_equal(a, b)),
    "and": lambda a, b: _real(np.not_equal(a, 0.0) & np.not_equal(b, 0.0)),
    "or": lambda a, b: _real(np.not_equal(a, 0.0) | np.not_equal(b, 0.0)),
    "not": lambda a: _real(np.equal(a, 0.0)),
    "if": lambda c, a, b: np.where(np.not_equal(c, 0.0), a, b),
    "min": _minimum,
    "max": _maximum,
    "zidz": lambda a, b: _xidz(a, b, 0.0),
    "xidz": _xidz,
    "modulo": lambda a, b: a - _quantum(a, b),
    "quantum": _quantum,
    "integer": np.trunc,
    "abs": np.abs,
    "exp": np.exp,
    "ln": np.log,
    "sqrt": np.sqrt,
    "noise": _noise,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
}
if COLUMNS.keys() != ARITY.keys():
    raise AssertionError(f"primitives without columns: {sorted(COLUMNS.keys() ^ ARITY.keys())}")
