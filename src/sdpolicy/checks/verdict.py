"""The outcome of checks: what was demanded, what was found, and whether it is so. It computes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sdpolicy.evidence import Fit

KINDS: Final = (
    "units",
    "run",
    "extreme",
    "balance",
    "ledger",
    "start",
    "non-negative",
    "integration",
    "expect",
    "between",
    "evidence",
    "score",
)
"""The kinds of checks, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check: its kind, what it is about, what is demanded and what was found.

    ``ok`` is None for what is told and not demanded, such as a single fact where a share of them is demanded.
    """

    kind: str
    what: str
    demanded: str
    found: str
    ok: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of a model or scenario, and the fit of each variable with at least two facts."""

    name: str
    verdicts: tuple[Verdict, ...]
    fits: Mapping[str, Fit] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing that is demanded fails."""
        return all(verdict.ok is not False for verdict in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """Return the report as data that JSON can hold; a number that does not exist is null."""
        fits = {
            name: {key: None if value != value else value for key, value in asdict(fit).items()}
            for name, fit in self.fits.items()
        }
        return {"name": self.name, "ok": self.ok, "checks": [asdict(item) for item in self.verdicts], "fits": fits}


def failed(verdicts: Sequence[Verdict]) -> Mapping[str, int]:
    """Return by kind how many checks fail."""
    return Counter(verdict.kind for verdict in verdicts if verdict.ok is False)


def figure(value: float) -> str:
    """Return a number for a table of checks: four digits, small ones by their power of ten.

    >>> figure(0.12345), figure(1.2e-13), figure(507.856)
    ('0.1235', '1.2e-13', '507.9')
    """
    if value != value:
        return "none"
    return f"{value:.4g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.2g}"
