"""What every engine offers: a kernel made from a Lowered model, and runs as bare arrays.

An engine knows Lowered models, grids and numbers; no scenario, no file, no label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sdpolicy.integrators import Grid
from sdpolicy.lower import Lowered
from sdpolicy.program import Quantity

FloatArray = NDArray[np.float64]


def layout(quantities: Iterable[Quantity]) -> Mapping[str, slice]:
    """Return where each quantity stands in a flat row; its elements are in row-major order."""
    places: dict[str, slice] = {}
    start = 0
    for quantity in quantities:
        places[quantity.id] = slice(start, start + quantity.size)
        start += quantity.size
    return places


class Targeted(Protocol):
    """Whatever gives a quantity its value: an equation, a state, a memory, a delay line."""

    @property
    def target(self) -> str: ...


def targets(items: Iterable[Targeted]) -> tuple[str, ...]:
    """Return the identifiers that ``items`` compute, each once, in order."""
    return tuple(dict.fromkeys(item.target for item in items))


def bare(name: str) -> str:
    """Return the identifier behind a name that a text derives from it, such as ``capital__flow``.

    What is derived stands behind: identifiers of hidden quantities end in a number, so that none meets them.
    """
    for suffix in ("__flow", "__next", "__delay"):
        name = name.removesuffix(suffix)
    return name


@dataclass(frozen=True, slots=True)
class Trouble:
    """The first value of a run that is not finite: which quantity (identifier, flat element) and when."""

    quantity: str
    element: int
    time: float


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One run: ``values`` of shape (saved times, outputs), float64; rows after ``trouble`` are NaN."""

    values: FloatArray
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Many runs: ``values`` of shape (members, saved times, outputs), float64.

    ``troubles`` names, by member, the first value that was not finite; that member's later rows are NaN.
    """

    values: FloatArray
    troubles: Mapping[int, Trouble]


class Kernel(Protocol):
    """A compiled model. It holds no state between runs."""

    def run(self, parameters: FloatArray, grid: Grid, method: str, outputs: Sequence[str]) -> Trajectory:
        """Run once.

        Args:
            parameters: shape (P,), the elements of ``lowered.parameters`` in order.
            grid: the times.
            method: a key of ``integrators.FIXED_STEP`` (engines may offer more).
            outputs: identifiers of quantities of the program; their elements become columns in this order.
        """
        ...


class Engine(Protocol):
    """Makes kernels."""

    @property
    def name(self) -> str: ...

    def compile(self, lowered: Lowered) -> Kernel: ...
