"""Numbers that a model keeps in spreadsheets and CSV files beside it. It knows no variable and no equation.

No file outside the model's folder is opened.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sdpolicy.program import fold
from sdpolicy.vensim.prepare import NUMBER, Points, Refusal
from sdpolicy.vensim.subscripts import bare

Value = str | float | None
LARGEST: Final = 50_000_000
"""Bytes that a data file may have."""

_NUMBER: Final = re.compile(rf"[+-]?{NUMBER}")
_ZIP: Final = b"PK"
"""How a workbook begins since Excel 2007, whatever its file is called."""
_CELL: Final = re.compile(r"\s*([A-Za-z]{1,3})(\d{1,7})\s*(\*?)\s*")
Place = tuple[int, int]
"""Row and column, counted from 0."""


class Sheet:
    """The cells of one sheet, as rows; what lies outside is empty. Only a workbook names ranges."""

    def __init__(self, rows: Sequence[Sequence[object]], names: dict[str, tuple[Place, Place]] | None = None) -> None:
        self.rows, self.names, self.of_book = rows, names or {}, names is not None
        self.height = len(rows)
        self.width = max((len(row) for row in rows), default=0)

    def value(self, row: int, column: int) -> Value:
        """Return a number, a text, or None for an empty cell."""
        if not (0 <= row < self.height and 0 <= column < len(self.rows[row])):
            return None
        found = self.rows[row][column]
        if isinstance(found, bool) or found is None:
            return None
        if isinstance(found, int | float):
            return float(found)
        text = str(found).strip()
        return float(text) if _NUMBER.fullmatch(text) else text or None


class Files:
    """The data files of one model; ``used`` has the SHA-256 of each that was read."""

    def __init__(self, folder: Path, aliases: Mapping[str, str]) -> None:
        self.folder = folder.resolve()
        self.aliases = dict(aliases)
        """Files by the names that begin with ``?``, as the model's settings give them."""
        self.used: dict[str, str] = {}
        self._sheets: dict[tuple[str, str], Sheet] = {}

    def sheet(self, name: str, tab: str) -> Sheet:
        """Return one sheet of a workbook, or a CSV file whose separator is ``tab``.

        Raises:
            Refusal: when the file is missing, lies outside the model's folder, or cannot be read.
        """
        if (name, tab) not in self._sheets:
            file = self._file(name)
            raw = self._read(file)
            suffix = Path(file).suffix.casefold()
            if suffix in (".csv", ".tsv", ".txt"):
                self._sheets[name, tab] = _csv(raw, tab)
            elif suffix in (".xls", ".xlsx", ".xlsm"):
                read = _workbook if raw.startswith(_ZIP) else _old_workbook
                self._sheets[name, tab] = read(raw, name, tab)
            else:
                raise Refusal(f"'{name}' is neither a workbook nor a CSV file", "Save it as .xlsx or .csv.")
        return self._sheets[name, tab]

    def _file(self, name: str) -> str:
        if not name.startswith("?"):
            return name
        found = self.aliases.get(name.casefold())
        if found is None:
            raise Refusal(f"the model's settings name no file for '{name}'", "Write the file's name.")
        return found.replace("\\", "/")

    def _read(self, name: str) -> bytes:
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder):
            raise Refusal(f"'{name}' lies outside of the model's folder", "Copy the file beside the model.")
        try:
            if path.stat().st_size > LARGEST:
                raise Refusal(f"'{name}' is larger than {LARGEST // 1_000_000} MB")
            raw = path.read_bytes()
        except OSError:
            raise Refusal(f"the file '{name}' cannot be read", "Put it beside the model.") from None
        self.used[name] = hashlib.sha256(raw).hexdigest()
        return raw


def _csv(raw: bytes, separator: str) -> Sheet:
    sign = "\t" if separator in ("\\t", "/t", "") else separator[:1]
    text = raw.decode("utf-8-sig", "replace")
    return Sheet(list(csv.reader(io.StringIO(text), delimiter=sign)))


def _workbook(raw: bytes, name: str, tab: str) -> Sheet:
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(raw), read_only=False, data_only=True, keep_links=False)
    except Exception as error:
        raise Refusal(f"'{name}' cannot be read as a workbook ({type(error).__name__})") from None
    sheet = book[_title(book.sheetnames, name, tab)]
    names: dict[str, tuple[Place, Place]] = {}
    for key, defined in (*book.defined_names.items(), *sheet.defined_names.items()):
        for title, area in defined.destinations:
            corners = [_CELL.fullmatch(corner) for corner in area.replace("$", "").split(":")]
            if fold(title) == fold(tab) and all(corners):
                places = [_place(corner) for corner in corners if corner]
                names[fold(key)] = (places[0], places[-1])
    return Sheet([list(row) for row in sheet.iter_rows(values_only=True)], names)


def _old_workbook(raw: bytes, name: str, tab: str) -> Sheet:
    """Return a sheet of a workbook as Excel wrote it before 2007. Names of ranges are not read."""
    try:
        import xlrd
    except ImportError:
        what = f"'{name}' is a workbook of Excel before 2007; xlrd, which reads it, is not installed"
        raise Refusal(what, "Install xlrd, or save it as .xlsx.") from None
    try:
        book = xlrd.open_workbook(file_contents=raw, logfile=io.StringIO())
    except Exception as error:
        raise Refusal(f"'{name}' cannot be read as a workbook ({type(error).__name__})") from None
    sheet = book.sheet_by_name(_title(book.sheet_names(), name, tab))
    kept = (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_TEXT)
    shown = {xlrd.XL_CELL_DATE: "a date", xlrd.XL_CELL_ERROR: "an error"}
    rows = ([one.value if one.ctype in kept else shown.get(one.ctype) for one in row] for row in sheet.get_rows())
    return Sheet(list(rows), {})


def _title(titles: Sequence[str], name: str, tab: str) -> str:
    found = next((title for title in titles if fold(title) == fold(tab)), None)
    if found is None:
        raise Refusal(f"'{name}' has no sheet '{tab}'", f"It has {', '.join(titles[:8])}.")
    return found


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _place(found: re.Match[str]) -> Place:
    return int(found.group(2)) - 1, _column(found.group(1))


def _start(sheet: Sheet, cell: str) -> tuple[Place, bool]:
    """Return where data begin, and whether they are to be read the other way (``B2*``)."""
    found = _CELL.fullmatch(cell)
    if found is not None:
        return _place(found), bool(found.group(3))
    named = sheet.names.get(fold(cell.rstrip("* ")))
    if named is None:
        raise Refusal(f"'{cell}' is neither a cell nor a named range")
    return named[0], cell.rstrip().endswith("*")


def series(sheet: Sheet, along: str, cell: str, count: int, whole: bool = False) -> list[Points]:
    """Return ``count`` series of points, in rows or columns beside each other.

    ``along`` is the row (number), the column (letters) or the named range that holds x; ``cell`` is the
    first y of the first series. Where a cell of a workbook has no x, or one has no y, there is no point, as
    Vensim recorded it (SDXorg/test-models, get_with_missing_values_xlsx). ``whole`` is for look-ups: each x
    must have its y, since there Vensim makes 0 of the number that follows (SDEverywhere, directlookups_invalidcell).

    Raises:
        Refusal: when there is no point at all, x does not increase, or nobody knows what Vensim makes of a gap.
    """
    (row, column), _ = _start(sheet, cell)
    in_row, line, end = _axis(sheet, along)
    first, limit = (column, sheet.width) if in_row else (row, sheet.height)
    steps = [(step, sheet.value(line, step) if in_row else sheet.value(step, line)) for step in range(first, limit)]
    known = _without_gaps(steps, end, cell, sheet.of_book)
    found: list[Points] = []
    for number in range(count):
        points: list[tuple[float, float]] = []
        for step, x in known:
            y = sheet.value(row + number, step) if in_row else sheet.value(step, column + number)
            if isinstance(y, float):
                points.append((x, y))
            elif whole:
                cure = "Fill the cell: Vensim would take the number behind it for 0."
                raise Refusal(f"the look-up from {cell} on has no y for x = {x:g}", cure)
        found.append(_increasing(points, cell))
    return found


def _without_gaps(
    steps: Sequence[tuple[int, Value]], end: int | None, cell: str, of_book: bool
) -> list[tuple[int, float]]:
    """Return where x stands, and its number; ``end`` is the last place of a named range."""
    found: list[tuple[int, float]] = []
    doubtful = False
    for step, x in steps:
        if not isinstance(x, float):
            doubtful = doubtful or x is not None or not of_book
        elif doubtful:
            raise Refusal(
                f"among the x values of the data from {cell} on, {x:g} stands behind a cell without a number",
                "Fill the cell, or move what stands behind it.",
            )
        elif end is not None and step > end:
            raise Refusal(f"x values go on behind their named range: {x:g}", "Widen it, or move them.")
        else:
            found.append((step, x))
    return found


def _axis(sheet: Sheet, along: str) -> tuple[bool, int, int | None]:
    """Return whether x runs along a row, the number of that row or column, and where a named range ends."""
    text = along.strip()
    if text.isdecimal():
        return True, int(text) - 1, None
    if re.fullmatch("[A-Za-z]{1,3}", text) and fold(text) not in sheet.names:
        return False, _column(text), None
    named = sheet.names.get(fold(text))
    if named is None:
        raise Refusal(f"'{along}' is neither a row, nor a column, nor a named range")
    (top, left), (bottom, right) = named
    return (True, top, right) if top == bottom else (False, left, bottom)


def _increasing(points: list[tuple[float, float]], cell: str) -> Points:
    if not points:
        raise Refusal(f"no points are found from {cell} on")
    for (before, _), (after, _) in itertools.pairwise(points):
        if not before < after:
            raise Refusal(f"the x values of the data from {cell} on do not increase: {after:g} follows {before:g}")
    return tuple(x for x, _ in points), tuple(y for _, y in points)


def numbers(sheet: Sheet, cell: str, shape: tuple[int, ...]) -> tuple[float, ...]:
    """Return constants from ``cell`` on: the last dimension runs along the row, or down with ``*``.

    Raises:
        Refusal: when a cell holds no number, or there are more than two dimensions.
    """
    if len(shape) > 2:
        raise Refusal("constants from a file fill at most two subscripts", "Read them one slice at a time.")
    (row, column), turned = _start(sheet, cell)
    outer, inner = (1, *shape)[-2:] if shape else (1, 1)
    found: list[float] = []
    for first, second in itertools.product(range(outer), range(inner)):
        down, right = (second, first) if turned else (first, second)
        value = sheet.value(row + down, column + right)
        if not isinstance(value, float):
            raise Refusal(f"the cell {down} below and {right} right of {cell} holds no number")
        found.append(value)
    return tuple(found)


def element_names(files: Files, arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the elements that GET XLS SUBSCRIPT(file, tab, first, last, prefix) names."""
    if len(arguments) < 4:
        raise Refusal("GET XLS SUBSCRIPT needs a file, a sheet, a first and a last cell")
    name, tab, first, last = (argument.replace("\\", "/") for argument in arguments[:4])
    prefix = arguments[4] if len(arguments) > 4 else ""
    sheet = files.sheet(name, tab)
    (row, column), _ = _start(sheet, first)
    until = _CELL.fullmatch(last)
    if until is not None:
        bottom, right = _place(until)
    elif last.strip().isdecimal():
        bottom, right = row, sheet.width - 1
    else:
        bottom, right = sheet.height - 1, column
    found: list[str] = []
    gap = False
    for down, across in itertools.product(range(row, bottom + 1), range(column, right + 1)):
        value = sheet.value(down, across)
        if value is None:
            gap = True
        elif gap and until is None:
            raise Refusal(f"the elements from {first} on have an empty cell among them", "Name the last cell.")
        else:
            shown = value if isinstance(value, str) else repr(value).removesuffix(".0")
            found.append(bare(f"{prefix}{shown}"))
    return tuple(found)
