"""Many scenarios side by side: their yardsticks, the differences from a baseline, and whether claims hold.

It draws and prints nothing.
"""

from __future__ import annotations

import csv
import io
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sdpolicy import library
from sdpolicy.checks.claims import claims
from sdpolicy.checks.verdict import Verdict
from sdpolicy.run import simulate
from sdpolicy.scenario import Scenario, case
from sdpolicy.vensim import read_model
from sdpolicy.yardsticks import YARDSTICKS, Yardstick, measure

if TYPE_CHECKING:
    import xarray as xr


SMALL: Final = 1e-3
"""Pure numbers below this are told as 0; the CSV has them in full."""


@dataclass(frozen=True)
class Row:
    """One scenario: its run, its yardsticks by key, the verdicts on its claims, and what it is compared with."""

    name: str
    run: xr.Dataset
    values: Mapping[str, float]
    verdicts: tuple[Verdict, ...]
    baseline: str

    @property
    def title(self) -> str:
        return str(self.run.attrs.get("title", ""))

    @property
    def held(self) -> tuple[int, int]:
        """How many claims hold, and how many there are."""
        return sum(verdict.ok is True for verdict in self.verdicts), len(self.verdicts)


@dataclass(frozen=True)
class Contrast:
    """Scenarios in the order in which they were named."""

    rows: tuple[Row, ...]

    @property
    def yardsticks(self) -> tuple[Yardstick, ...]:
        """Those that at least one scenario has a number for."""
        return tuple(y for y in YARDSTICKS if any(math.isfinite(row.values.get(y.key, math.nan)) for row in self.rows))

    def difference(self, row: Row, key: str) -> float:
        """Return by how much a scenario exceeds its baseline; NaN where one of them has no number."""
        base = next(other for other in self.rows if other.name == row.baseline)
        return row.values.get(key, math.nan) - base.values.get(key, math.nan)


def contrast(sources: Sequence[str | Path], baseline: str | None = None) -> Contrast:
    """Run scenarios and set them side by side.

    Each is compared with ``baseline``; by default with the outermost of its own ancestors that is among
    ``sources``, so that every country has its own, and else with the first one.

    Raises:
        SdpolicyError: when a scenario cannot be read or run.
    """
    cases = [case(source, read_model) for source in sources]
    named = [chosen.scenario.name if chosen.scenario else chosen.program.name for chosen in cases]
    names = [name if name not in named[:i] else f"{name} ({i + 1})" for i, name in enumerate(named)]
    rows = []
    for source, chosen, name in zip(sources, cases, names, strict=True):
        run = simulate(chosen)
        run.attrs["reference"] = str(source)
        found = tuple(claims(run, chosen.scenario.expect)) if chosen.scenario else ()
        line = [other for other in ancestors(chosen.scenario) if other in names] if chosen.scenario else []
        root = line[-1] if line and line[-1] != name else name if _is_root(chosen.scenario) else names[0]
        rows.append(Row(name, run, measure(run), found, baseline or root))
    return Contrast(tuple(rows))


def _is_root(scenario: Scenario | None) -> bool:
    """Tell whether a scenario builds on no other."""
    return scenario is not None and len(ancestors(scenario)) == 1


def ancestors(scenario: Scenario) -> list[str]:
    """Return the names of what a scenario extends, itself first, by the first parent of each."""
    path: Path | None = library.scenario_path(scenario.reference)
    line: list[str] = []
    while path is not None and path.stem not in line:
        line.append(path.stem)
        path = _parent(path)
    return line


def _parent(path: Path) -> Path | None:
    try:
        with path.open("rb") as file:
            extends = tomllib.load(file).get("extends", [])
    except OSError:
        return None
    first = extends if isinstance(extends, str) else next(iter(extends), None)
    if first is None:
        return None
    beside = path.parent / (first if first.endswith(library.SCENARIO_SUFFIX) else f"{first}{library.SCENARIO_SUFFIX}")
    return beside if beside.exists() else library.scenario_path(first)


def outcome_table(found: Contrast) -> bytes:
    """Return the yardsticks as CSV, one row for each scenario and yardstick; an empty value says never or unknown."""
    header = ("scenario", "baseline", "outcome", "unit", "value", "difference")
    return _csv(header, _values(found))


def _values(found: Contrast) -> Iterator[tuple[str, ...]]:
    for row in found.rows:
        for stick in found.yardsticks:
            numbers = (row.values.get(stick.key, math.nan), found.difference(row, stick.key))
            texts = ("" if math.isnan(number) else repr(float(number)) for number in numbers)
            yield (row.name, row.baseline, stick.key, unit_of(stick, row.run), *texts)


def claim_table(found: Contrast) -> bytes:
    """Return the claims as CSV, one row for each."""
    header = ("scenario", "claim", "demanded", "found", "holds", "sentence")
    rows = (
        (row.name, v.what, v.demanded, v.found, "yes" if v.ok else "no", v.note)
        for row in found.rows
        for v in row.verdicts
    )
    return _csv(header, rows)


def _csv(header: Sequence[str], rows: Iterator[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def unit_of(stick: Yardstick, run: xr.Dataset) -> str:
    """Return the unit of a yardstick: its own, or that of the model's output."""
    if stick.unit != "model":
        return stick.unit
    from sdpolicy.results.roles import roles_of

    name = roles_of(run).variables.get("output")
    return str(run[name].attrs.get("units", "")) if name else ""


def spell(stick: Yardstick, value: float, signed: bool = False) -> str:
    """Return a value for a table: years and percent with one decimal, other numbers by three digits.

    What did not happen is ``never``.

    >>> from sdpolicy.yardsticks import BY_KEY
    >>> spell(BY_KEY["crisis year"], 1997.26), spell(BY_KEY["peak debt/equity"], -0.5, signed=True)
    ('1997.3', '-0.5')
    """
    if math.isnan(value):
        return "" if signed else "never" if stick.unit == "year" else "-"
    sign = "+" if signed else ""
    if stick.unit == "share":
        return f"{100 * value:{sign}.1f} %"
    if stick.unit == "year":
        return f"{value:{sign}.1f}"
    if abs(value) >= 1000:
        return f"{value:{sign},.0f}"
    return f"{value:{sign}.3g}" if abs(value) >= SMALL else f"{0.0:{sign}.0f}"
