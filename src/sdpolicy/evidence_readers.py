"""Readers for a user's own files of the Penn World Table, World Development Indicators and BIS credit statistics.

They return series by year, and turn them into facts of the project's form. No third-party data come with the
project: these are the forms in which the tables are published, as CSV or XLSX. They know no model.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sdpolicy.errors import Problem, ResultError, suggest
from sdpolicy.evidence import FACTS

MISSING: Final = frozenset({"", "..", "na", "n/a", "nan", "-", "."})
"""How these tables write that there is no value."""
PWT_SOURCE: Final = (
    "Penn World Table (Feenstra, R., Inklaar, R., Timmer, M. (2015): The Next Generation of the Penn World Table. "
    "American Economic Review 105(10), 3150-3182, doi:10.1257/aer.20130954)"
)
WDI_SOURCE: Final = "World Bank: World Development Indicators"
BIS_SOURCE: Final = "Bank for International Settlements: Credit to the non-financial sector"
SHEETS: Final = ("Data", "Quarterly Series")
"""Names of the sheets that hold the numbers in XLSX files of these publishers."""


@dataclass(frozen=True, slots=True)
class Series:
    """One variable of one country: values by time, in the unit of the table."""

    country: str
    variable: str
    title: str
    unit: str
    source: str
    values: Mapping[float, float]

    def mean(self, start: float, end: float) -> float:
        """Return the mean of the values from ``start`` to ``end``, both included; NaN where there are none."""
        inside = [value for time, value in self.values.items() if start <= time <= end]
        return sum(inside) / len(inside) if inside else math.nan

    def growth(self, start: float, end: float) -> float:
        """Return the mean growth rate a year from ``start`` to ``end``, as a slope of logarithms; NaN for gaps."""
        first, last = self.values.get(start, math.nan), self.values.get(end, math.nan)
        if not (first > 0 and last > 0 and end > start):
            return math.nan
        return math.log(last / first) / (end - start)


def read_pwt(path: str | Path, countries: Sequence[str], variables: Sequence[str]) -> tuple[Series, ...]:
    """Return series of the Penn World Table in its long form: a row for each ``countrycode`` and ``year``.

    Args:
        path: ``pwt1001.xlsx`` (its sheet Data), or that sheet as CSV.
        countries: codes, such as KOR.
        variables: columns, such as ``rgdpna``.

    Raises:
        ResultError: when the file is not of this form, or lacks a country or a variable; all at once.
    """
    header, rows = _split(path, ("countrycode", "year"))
    _demand(path, "variable", variables, [name for name in header if name not in ("countrycode", "country", "year")])
    place = {name: i for i, name in enumerate(header)}
    kept: dict[tuple[str, str], dict[float, float]] = {(c, v): {} for c in countries for v in variables}
    known: dict[str, None] = {}
    for line, row in rows:
        code = _cell(row, place["countrycode"])
        known[code] = None
        if code not in countries:
            continue
        year = _number(path, line, "year", _cell(row, place["year"]))
        for variable in variables:
            value = _number(path, line, variable, _cell(row, place[variable]))
            if not math.isnan(value):
                kept[code, variable][year] = value
    _demand(path, "country", countries, list(known))
    return tuple(Series(code, variable, variable, "", PWT_SOURCE, values) for (code, variable), values in kept.items())


def read_wdi(path: str | Path, countries: Sequence[str], indicators: Sequence[str]) -> tuple[Series, ...]:
    """Return series of the World Development Indicators in their wide form: a row a series, a column a year.

    The file is what the World Bank publishes as a bulk CSV (columns Country Name, Country Code, Indicator Name,
    Indicator Code, 1960, ...), or what its DataBank exports (Series Name, Series Code, ``1960 [YR1960]``).

    Args:
        countries: codes, such as KOR.
        indicators: codes, such as NY.GDP.MKTP.KD.

    Raises:
        ResultError: when the file is not of this form, or lacks a country or an indicator; all at once.
    """
    header, rows = _split(path, ("Country Code", ("Indicator Code", "Series Code")))
    matches = {i: re.match(r"(\d{4})(?:\s*\[YR\d+\])?$", name) for i, name in enumerate(header)}
    years = {i: float(match[1]) for i, match in matches.items() if match}
    if not years:
        raise _error(path, "no column is a year", "The years stand in the header: 1960, 1961, ...")
    place = {name.replace("Series", "Indicator"): i for i, name in enumerate(header)}
    found: dict[tuple[str, str], Series] = {}
    seen: tuple[dict[str, None], dict[str, None]] = {}, {}
    for line, row in rows:
        code, indicator = _cell(row, place["Country Code"]), _cell(row, place["Indicator Code"])
        seen[0][code], seen[1][indicator] = None, None
        if code in countries and indicator in indicators:
            title = _cell(row, place["Indicator Name"]) if "Indicator Name" in place else indicator
            numbers = {year: _number(path, line, f"{year:.0f}", _cell(row, i)) for i, year in years.items()}
            values = {year: value for year, value in numbers.items() if not math.isnan(value)}
            found[code, indicator] = Series(code, indicator, title, _unit(title), WDI_SOURCE, values)
    _demand(path, "country", countries, list(seen[0]))
    _demand(path, "indicator", indicators, list(seen[1]))
    return tuple(found[c, i] for c in countries for i in indicators if (c, i) in found)


def read_bis_credit(path: str | Path, countries: Sequence[str], wanted: Mapping[str, str]) -> tuple[Series, ...]:
    """Return series of the BIS statistics of total credit in their wide form: a row a series, a column a quarter.

    Args:
        countries: codes of two letters, such as KR, as the column BORROWERS_CTY has them.
        wanted: what other columns must hold, such as ``{"TC_BORROWERS": "N", "TC_LENDERS": "A",
            "UNIT_TYPE": "770", "VALUATION": "M", "TC_ADJUST": "A"}``.

    Returns:
        For each country the one series that fits; times are the ends of quarters: 1970.25 is the first of 1970.

    Raises:
        ResultError: when the file is not of this form, or not exactly one series of a country fits.
    """
    header, rows = _split(path, ("BORROWERS_CTY",))
    quarters = {
        i: int(m[1]) + int(m[2]) / 4 for i, name in enumerate(header) if (m := re.fullmatch(r"(\d{4})-Q([1-4])", name))
    }
    if not quarters:
        raise _error(path, "no column is a quarter", "The quarters stand in the header: 1970-Q1, 1970-Q2, ...")
    place = {name: i for i, name in enumerate(header)}
    _demand(path, "column", list(wanted), [name for name in header if not re.match(r"\d{4}", name)])
    found: dict[str, list[Series]] = {code: [] for code in countries}
    known: dict[str, None] = {}
    for line, row in rows:
        code = _key(_cell(row, place["BORROWERS_CTY"]))
        known[code] = None
        if code in found and all(_key(_cell(row, place[name])) == value for name, value in wanted.items()):
            numbers = {time: _number(path, line, header[i], _cell(row, i)) for i, time in quarters.items()}
            values = {time: value for time, value in numbers.items() if not math.isnan(value)}
            title = " ".join(f"{name} {value}" for name, value in wanted.items())
            found[code].append(Series(code, "total credit", title, "", BIS_SOURCE, values))
    _demand(path, "country", countries, list(known))
    wrong = [f"{code}: {len(items)}" for code, items in found.items() if len(items) != 1]
    if wrong:
        what = f"expected one series for each country, found {', '.join(wrong)}"
        raise _error(path, what, "Name more columns and what they hold, or fewer.")
    return tuple(items[0] for items in found.values())


def as_facts(
    series: Sequence[Series], periods: Sequence[tuple[float, float]], statistic: str = "mean", prefix: str = "U"
) -> tuple[Mapping[str, str], ...]:
    """Return rows of the form of ``evidence/facts.csv``, one for each series and period that it covers.

    Args:
        statistic: ``mean`` of the values, or ``growth`` a year.
        prefix: what the ids begin with, so that they don't clash with the shipped ones.
    """
    rows: list[Mapping[str, str]] = []
    for item in series:
        for start, end in periods:
            value = item.growth(start, end) if statistic == "growth" else item.mean(start, end)
            if math.isnan(value):
                continue
            name = f"growth of {item.variable}" if statistic == "growth" else item.variable
            unit = "1/year" if statistic == "growth" else item.unit
            texts = (f"{prefix}{len(rows) + 1:02d}", item.country, name, f"{start:g}", f"{end:g}", repr(value))
            note = f"{statistic} of yearly values" if item.title == item.variable else f"{statistic}; {item.title}"
            rows.append(dict(zip(FACTS, (*texts, "", "", unit, item.source, item.variable, note), strict=True)))
    return tuple(rows)


def _split(
    path: str | Path, needed: Sequence[str | tuple[str, ...]]
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the header, which may stand below lines of title, and the rows with their line numbers."""
    rows = _rows(Path(path))
    for number, row in rows:
        cells = [cell.strip() for cell in row]
        keys = [_key(cell) for cell in cells]
        if all(any(name in keys for name in ((one,) if isinstance(one, str) else one)) for one in needed):
            return [key if key.isupper() else cell for key, cell in zip(keys, cells, strict=True)], rows
        if number > 20:
            break
    listed = ", ".join(one if isinstance(one, str) else " or ".join(one) for one in needed)
    raise _error(path, f"no line has the columns {listed}", "Give the table as it was published.")


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    if path.suffix.casefold() in (".xlsx", ".xlsm"):
        yield from _workbook(path)
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from enumerate(csv.reader(file), start=1)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise _error(path, f"the file cannot be read ({reason})", "Give the CSV in UTF-8, or the XLSX.") from error


def _workbook(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        import openpyxl
    except ImportError as error:
        cure = "Install it with: pip install 'sdpolicy[evidence]', or save the sheet as CSV."
        raise _error(path, "the package openpyxl, which reads XLSX, is not installed", cure) from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, ValueError, KeyError, openpyxl.utils.exceptions.InvalidFileException) as error:
        raise _error(path, f"the file cannot be read ({error})", "Save it as CSV.") from error
    except Exception as error:  # what a damaged archive raises has no common base
        raise _error(path, f"the file is no XLSX workbook ({error})", "Save it as CSV.") from error
    try:
        sheet = next((book[name] for name in SHEETS if name in book.sheetnames), book.worksheets[0])
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield number, ["" if cell is None else str(cell) for cell in row]
    finally:
        book.close()


def _cell(row: Sequence[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _key(text: str) -> str:
    """Return what stands before the colon: newer BIS files write ``KR:Korea`` where older ones have ``KR``."""
    return text.partition(":")[0].strip()


def _number(path: str | Path, line: int, column: str, text: str) -> float:
    if text.casefold() in MISSING:
        return math.nan
    try:
        return float(text.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text) else text)
    except ValueError as error:
        what = f"'{text[:40]}' in column '{column}' is not a number"
        raise ResultError(Problem(f"{Path(path).name}, line {line}", what, "Look at the file.")) from error


def _demand(path: str | Path, kind: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in known]
    if missing:
        problems = [
            Problem(
                Path(path).name, f"there is no {kind} '{name}'", suggest(name, known) or f"There are {_some(known)}."
            )
            for name in missing
        ]
        raise ResultError(problems)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _unit(title: str) -> str:
    """Return what stands in the last brackets of an indicator's name: ``GDP (constant 2015 US$)``."""
    found = re.search(r"\(([^()]*)\)\s*$", title)
    return found[1] if found else ""


def _error(path: str | Path, what: str, cure: str) -> ResultError:
    return ResultError(Problem(Path(path).name, what, cure))
