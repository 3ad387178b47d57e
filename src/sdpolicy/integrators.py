"""Explicit Runge-Kutta methods as tables that check themselves. They know nothing of models or backends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Tableau:
    """An explicit method: stage i is evaluated at t + c[i]*h, y + h * sum_j a[i][j] * k[j].

    The new state is y + h * sum_i b[i] * k[i]. The constructor asserts the consistency of the table and
    the conditions for its ``order`` up to 4 (Butcher 2016, Numerical Methods for Ordinary Differential
    Equations, section 31, doi:10.1002/9781119121534).

    Raises:
        ValueError: when the table does not have the order that it claims.
    """

    name: str
    order: int
    a: tuple[tuple[Fraction, ...], ...]
    b: tuple[Fraction, ...]
    error: tuple[Fraction, ...] | None = None
    """Weights of the difference to the embedded method, for those that estimate their own error."""

    def __post_init__(self) -> None:
        if any(len(row) != i for i, row in enumerate(self.a)) or len(self.a) != len(self.b):
            raise ValueError(f"{self.name}: the table is not that of an explicit method")
        for condition, found, expected in _conditions(self):
            if found != expected:
                raise ValueError(f"{self.name}: {condition} is {found}, and order {self.order} needs {expected}")
        if self.error is not None and sum(self.error) != 0:
            raise ValueError(f"{self.name}: the error weights must sum to 0")

    @property
    def c(self) -> tuple[Fraction, ...]:
        """Stage times as fractions of the step: the row sums of ``a``."""
        return tuple(sum(row, Fraction(0)) for row in self.a)


def _conditions(table: Tableau) -> list[tuple[str, Fraction, Fraction]]:
    a, b, c = table.a, table.b, table.c
    stages = range(len(b))
    inner = [sum((a[i][j] * c[j] for j in range(i)), Fraction(0)) for i in stages]
    inner2 = [sum((a[i][j] * c[j] ** 2 for j in range(i)), Fraction(0)) for i in stages]
    nested = [sum((a[i][j] * inner[j] for j in range(i)), Fraction(0)) for i in stages]

    def weighted(values: list[Fraction]) -> Fraction:
        return sum((b[i] * values[i] for i in stages), Fraction(0))

    by_order = {
        1: [("sum b", weighted([Fraction(1)] * len(b)), Fraction(1))],
        2: [("sum b c", weighted(list(c)), Fraction(1, 2))],
        3: [
            ("sum b c^2", weighted([x**2 for x in c]), Fraction(1, 3)),
            ("sum b a c", weighted(inner), Fraction(1, 6)),
        ],
        4: [
            ("sum b c^3", weighted([x**3 for x in c]), Fraction(1, 4)),
            ("sum b c a c", weighted([c[i] * inner[i] for i in stages]), Fraction(1, 8)),
            ("sum b a c^2", weighted(inner2), Fraction(1, 12)),
            ("sum b a a c", weighted(nested), Fraction(1, 24)),
        ],
    }
    return [item for order in range(1, min(table.order, 4) + 1) for item in by_order[order]]


def _table(name: str, order: int, a: str, b: str, error: str | None = None) -> Tableau:
    """Build a tableau from rows of fractions: ``a`` has one row for each stage, separated by ``;``."""

    def row(text: str) -> tuple[Fraction, ...]:
        return tuple(Fraction(part) for part in text.split())

    return Tableau(name, order, tuple(map(row, a.split(";"))), row(b), row(error) if error else None)


EULER: Final = _table("euler", 1, "", "1")
RK2: Final = _table("rk2", 2, "; 1", "1/2 1/2")
RK4: Final = _table("rk4", 4, "; 1/2; 0 1/2; 0 0 1", "1/6 1/3 1/3 1/6")
BOSH3: Final = _table("rk23", 3, "; 1/2; 0 3/4; 2/9 1/3 4/9", "2/9 1/3 4/9 0", "-5/72 1/12 1/9 -1/8")
"""Bogacki & Shampine (1989), doi:10.1016/0893-9659(89)90079-7; its error estimate sets each member's step."""

FIXED_STEP: Final[Mapping[str, Tableau]] = {table.name: table for table in (EULER, RK2, RK4)}
EMBEDDED: Final[Mapping[str, Tableau]] = {BOSH3.name: BOSH3}
"""Methods with which each member of an ensemble takes steps of its own; the compiled engine has them."""
ADAPTIVE: Final[Mapping[str, Literal["RK45", "DOP853", "Radau", "LSODA"]]] = {
    "rk45": "RK45",
    "dop853": "DOP853",
    "radau": "Radau",
    "lsoda": "LSODA",
}
"""Methods that scipy.integrate.solve_ivp carries out, by their names there."""
METHODS: Final = (*FIXED_STEP, *EMBEDDED, *ADAPTIVE)


@dataclass(frozen=True, slots=True)
class Grid:
    """The times of a run: t = start + n * step for n = 0 .. steps; every ``every``-th of them is saved.

    Time is counted in whole steps, so that no rounding accumulates. A horizon that the step does not
    divide ends at the last full step; the settings of a scenario refuse it beforehand.
    """

    start: float
    step: float
    steps: int
    every: int = 1

    @staticmethod
    def of(start: float, stop: float, step: float, save: float) -> Grid:
        """Return the grid of a run from ``start`` to ``stop``, saved every ``save``.

        Raises:
            ValueError: when the step does not divide the horizon, or the save interval is not a whole
                number of steps; the message says which, and the nearest value that would do.
        """
        if not all(map(math.isfinite, (start, stop, step, save))):
            raise ValueError("start, stop, step and save interval must be finite numbers")
        if step <= 0 or save <= 0:
            raise ValueError("the step and the save interval must be greater than 0")
        if stop <= start:
            raise ValueError(f"stop ({stop:g}) must be later than start ({start:g})")
        steps, every = round((stop - start) / step), round(save / step)
        if steps < 1 or abs(start + steps * step - stop) > 1e-9 * max(1.0, abs(stop)):
            nearest = (stop - start) / max(steps, 1)
            raise ValueError(
                f"the step {step:g} does not divide the horizon from {start:g} to {stop:g}; "
                f"the nearest step that does is {nearest:.10g}"
            )
        if every < 1 or abs(every * step - save) > 1e-9 * save:
            raise ValueError(
                f"the save interval {save:g} is not a whole number of steps of {step:g}; "
                f"the nearest that is, is {max(every, 1) * step:g}"
            )
        return Grid(start, step, steps, every)

    @property
    def saved(self) -> int:
        """Number of saved rows, the first time included."""
        return self.steps // self.every + 1

    def time(self, n: int) -> float:
        return self.start + n * self.step
