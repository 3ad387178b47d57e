"""The readable engine: a model as plain Python text on float64, and the loop that steps it.

The text holds generated identifiers and numbers only. It knows Lowered models, not scenarios.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from sdpolicy import primitives
from sdpolicy.backends.base import FloatArray, Trajectory, Trouble, layout
from sdpolicy.backends.python_text import source
from sdpolicy.integrators import FIXED_STEP, Grid, Tableau
from sdpolicy.lower import Lowered

Flat = list[float]
RUNTIME: Final = SimpleNamespace(
    **primitives.PRIMITIVES,
    lookup=primitives.lookup,
    combine=primitives.combine,
    nan=math.nan,
    inf=math.inf,
    minus_inf=-math.inf,
)
"""What the generated text may call."""


class PythonKernel:
    """A model as four Python functions; see :func:`sdpolicy.backends.python_text.source` for their text."""

    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered
        self.text = source(lowered)
        curves = {table.id: [primitives.Curve.of(*curve) for curve in table.curves] for table in lowered.program.tables}
        scope: dict[str, Any] = {
            "rt__": RUNTIME,
            "tables__": curves,
            "__builtins__": {"range": range, "abs": abs},
        }
        exec(compile(self.text, "<generated model>", "exec"), scope)
        self.constants: Callable[..., tuple[Any, ...]] = scope["constants"]
        self.startup: Callable[..., tuple[Flat, Flat, Flat, tuple[Any, ...]]] = scope["startup"]
        self.held: Callable[..., tuple[Any, ...]] = scope["held"]
        self.running: Callable[..., tuple[Flat, Flat, Flat, Flat]] = scope["running"]
        self.places = layout(lowered.program.quantities)

    def run(self, parameters: FloatArray, grid: Grid, method: str, outputs: Sequence[str]) -> Trajectory:
        """Run once; see :class:`sdpolicy.backends.base.Kernel`.

        Raises:
            KeyError: when ``method`` is no fixed-step method.
        """
        table = FIXED_STEP[method]
        columns = [i for name in outputs for i in range(*self.places[name].indices(1 << 62))]
        values = np.full((grid.saved, len(columns)), math.nan)
        constants = self.constants([float(x) for x in parameters])
        y, memory, delays, initials = self.startup(constants, grid.start)
        rings = Rings(lengths(delays, grid.step), delays)
        for n in range(grid.steps + 1):
            time = grid.time(n)
            held = self.held(constants, initials, memory, time)
            row, flows, update, inputs = self.running(constants, initials, held, y, memory, rings.out, time, time)
            trouble = self.trouble(row, time)
            if trouble is not None:
                return Trajectory(values, trouble)
            if n % grid.every == 0:
                values[n // grid.every] = [row[i] for i in columns]
            if n == grid.steps:
                break

            def flow(t: float, state: Flat, rest: tuple[Any, ...] = (held, memory, time)) -> Flat:
                held, memory, time = rest
                return self.running(constants, initials, held, state, memory, rings.out, t, time)[1]

            y = step(table, flow, time, grid.step, y, flows)
            memory = update
            rings.push(inputs)
        return Trajectory(values)

    def trouble(self, row: Flat, time: float) -> Trouble | None:
        """Return the first quantity in running order whose value is not finite, if any is."""
        if math.isfinite(sum(row)) or all(map(math.isfinite, row)):
            return None
        order = [e.target for e in (*self.lowered.constants, *self.lowered.running)]
        states = [state.target for state in self.lowered.states]
        for name in (*self.lowered.parameters, *states, *order, *self.places):
            if name not in self.places:
                continue
            for element, value in enumerate(row[self.places[name]]):
                if not math.isfinite(value):
                    return Trouble(name, element, time)
        raise AssertionError("a value that is not finite belongs to no quantity")


class Rings:
    """The delay lines of DELAY FIXED: one for each flat element."""

    def __init__(self, sizes: Sequence[int], initial: Sequence[float]) -> None:
        values = initial[len(sizes) :]
        self.lines = [[value] * size for size, value in zip(sizes, values, strict=True)]
        self.at = [0] * len(sizes)
        self.out: Flat = list(values)

    def push(self, inputs: Sequence[float]) -> None:
        for i, value in enumerate(inputs):
            line = self.lines[i]
            line[self.at[i]] = value
            self.at[i] = (self.at[i] + 1) % len(line)
            self.out[i] = line[self.at[i]]


def lengths(delays: Sequence[float], step: float) -> list[int]:
    """Return the steps of each delay line; ``delays`` holds first all delay times, then all values."""
    times = delays[: len(delays) // 2]
    return [max(1, math.floor(t / step + 0.5)) if math.isfinite(t) else 1 for t in times]


def step(table: Tableau, flow: Callable[[float, Flat], Flat], time: float, h: float, y: Flat, first: Flat) -> Flat:
    """Take one step: y + h * (b0*k0 + b1*k1 + ...), summed from left to right, zero weights left out.

    ``first`` is the flow at the step's beginning, which the caller has already.
    """
    slopes = [first]
    for i in range(1, len(table.b)):
        weights = [(float(a), slopes[j]) for j, a in enumerate(table.a[i]) if a]
        slopes.append(flow(time + float(table.c[i]) * h, advance(y, h, weights)))
    return advance(y, h, [(float(b), k) for b, k in zip(table.b, slopes, strict=True) if b])


def advance(y: Flat, h: float, weights: Sequence[tuple[float, Flat]]) -> Flat:
    """Return y + h * (w0*k0 + w1*k1 + ...), the sum taken from left to right."""
    result = []
    for i, value in enumerate(y):
        total = weights[0][0] * weights[0][1][i]
        for weight, slope in weights[1:]:
            total = total + weight * slope[i]
        result.append(value + h * total)
    return result


class PythonEngine:
    """Makes kernels of generated Python text."""

    name: Final = "python"

    def compile(self, lowered: Lowered) -> PythonKernel:
        return PythonKernel(lowered)


ENGINE: Final = PythonEngine()
