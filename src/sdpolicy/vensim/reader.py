"""From a model file to a Program: the order of the work, and the collecting of everything that is wrong."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sdpolicy import cache, library
from sdpolicy.errors import ModelError, Problem, suggest
from sdpolicy.expression import TIME, Ref
from sdpolicy.program import CONTROL, Equation, Program, Quantity, fold
from sdpolicy.vensim.build import define, define_table, empty_references
from sdpolicy.vensim.data import Files, element_names
from sdpolicy.vensim.functions import KNOWN, REFUSED
from sdpolicy.vensim.macros import definitions
from sdpolicy.vensim.prepare import Refusal
from sdpolicy.vensim.subscripts import Book, RangeText, bare, parse_range
from sdpolicy.vensim.symbols import Curves, Macro, Symbols
from sdpolicy.vensim.syntax import INTERNAL, Definition, parse_definition
from sdpolicy.vensim.text import Entry, MacroText, Source, read_text, split
from sdpolicy.vensim.variables import Variable, dimensions

_CONTROLS: Final = {fold(name): name for name in CONTROL}
_FUNCTIONS: Final = KNOWN - REFUSED.keys() - INTERNAL
_NO_NUMBER: Final = re.compile(r":THE CONDITION:|:TEST INPUT:|:IS:\s*'", re.IGNORECASE)
"""What an entry has that defines a reality check or a text."""


def read_model(name_or_path: str | Path) -> Program:
    """Read a Vensim model (.mdl) into a Program.

    A shipped model may be given by its bare name. Nothing is written beside the model; the Program is
    kept in a private cache, by the text of the model and of the data files that it reads.

    Raises:
        ModelError: when the file cannot be read or has a construct that is not supported; every problem
            at once, with file, line and variable.
    """
    path = library.model_path(name_or_path)
    text = read_text(path)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    reader = reader_version()
    kept = cache.load(digest, reader, path)
    if kept is not None:
        return kept
    reading = _Reading(path)
    program = reading.program(text, digest)
    cache.store(program, reader, reading.files.used)
    return program


@functools.cache
def reader_version() -> str:
    """Return a hash of this package's source: a reader that was changed reads every model anew."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass
class _Parsed:
    """What a file's entries define."""

    ranges: list[tuple[RangeText, Entry]] = field(default_factory=list)
    variables: dict[str, Variable] = field(default_factory=dict)
    macros: dict[str, Macro] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    """Names whose definition could not be read, by folded name: to refer to one is no further problem."""


class _Reading:
    """One reading of one file; it is used once and thrown away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = Files(path.parent, {})
        self.problems: list[Problem] = []

    def refuse(self, line: int, name: str, what: str, cure: str = "") -> None:
        shown = f", '{name}'" if name else ""
        self.problems.append(Problem(f"{self.path.name}, line {line}{shown}", what, cure))

    @contextmanager
    def collecting(self, line: int, name: str) -> Iterator[None]:
        """Turn a refusal inside the block into a problem at that line."""
        try:
            yield
        except Refusal as refusal:
            self.refuse(line, name, refusal.what, refusal.cure)

    def program(self, text: str, digest: str) -> Program:
        """Return the Program of a model's text."""
        parsed = _Parsed()
        source: Source | None = None
        with self.collecting(1, ""):
            source = split(text)
        if source is not None:
            self.files.aliases.update(source.files)
            self._parse(source, parsed)
        if not parsed.variables:
            self.refuse(1, "", "the file holds no equation", "Is it a Vensim model in text format (.mdl)?")
            self._stop()
        symbols = Symbols(self._book(parsed.ranges), macros=parsed.macros, names=dict(parsed.broken))
        self._declare(parsed.variables, symbols)
        self._check_controls(symbols)
        for variable in parsed.variables.values():
            with self.collecting(variable.line, variable.name):
                self._define(variable, symbols)
        self._check_holes(symbols)
        self._stop()
        return Program(
            name=self.path.stem,
            quantities=(*symbols.quantities.values(), *symbols.hidden),
            stocks=tuple(symbols.stocks),
            equations=tuple(symbols.equations),
            tables=tuple(symbols.tables),
            source=str(self.path),
            digest=digest,
            method=source.method if source else "euler",
        )

    def _stop(self) -> None:
        if self.problems:
            raise ModelError(dict.fromkeys(self.problems))

    def _parse(self, source: Source, parsed: _Parsed) -> None:
        for entry in source.entries:
            try:
                _sort(entry, parsed, source.macros)
            except Refusal as refusal:
                self.refuse(entry.line, _left(entry), refusal.what, refusal.cure)
                parsed.broken[fold(_left(entry))] = _left(entry)
        for macro in source.macros:
            key = fold(macro.name)
            is_table = key in parsed.variables and parsed.variables[key].is_table
            if key in parsed.macros or key in _FUNCTIONS or is_table:
                what = "the macro has the name of a function, of a table or of another macro"
                self.refuse(macro.line, macro.name, what, "Rename it.")
            parsed.macros[key] = self._macro(macro)

    def _macro(self, text: MacroText) -> Macro:
        inner: list[tuple[Definition, int]] = []
        taken = set(map(fold, text.inputs))
        if len(taken) < len(text.inputs):
            self.refuse(text.line, text.name, "the macro has two inputs of the same name", "Rename one.")
        for entry in text.entries:
            with self.collecting(entry.line, _left(entry)):
                definition = parse_definition(entry.equation)
                if definition.subscripts or definition.role != "equation":
                    raise Refusal("only plain equations are supported inside of a macro")
                if fold(definition.name) in taken:
                    raise Refusal("the macro has an input or another equation of this name", "Keep one of the two.")
                taken.add(fold(definition.name))
                inner.append((definition, entry.line))
        made = {fold(definition.name) for definition, _ in inner}
        if fold(text.name) not in made:
            self.refuse(text.line, text.name, "the macro does not define its own name", "Give its result that name.")
        for name in text.outputs:
            if fold(name) not in made:
                self.refuse(text.line, text.name, f"the macro does not define its output '{name}'", "Define it there.")
        return Macro(text.name, tuple(map(fold, text.inputs)), tuple(inner), tuple(map(fold, text.outputs)))

    def _book(self, ranges: Sequence[tuple[RangeText, Entry]]) -> Book:
        seen: dict[str, int] = {}
        texts: list[RangeText] = []
        for text, entry in ranges:
            if fold(text.name) in seen:
                what = f"the range is defined before, in line {seen[fold(text.name)]}"
                self.refuse(entry.line, text.name, what, "Keep one of the two.")
            seen[fold(text.name)] = entry.line
            with self.collecting(entry.line, text.name):
                items = element_names(self.files, text.imported) if text.imported else text.items
                texts.append(replace(text, items=items))
        book = Book(())
        with self.collecting(ranges[0][1].line if ranges else 1, ""):
            book = Book(texts)
        if book.ranges.keys() != seen.keys():
            self._stop()
        return book

    def _declare(self, variables: dict[str, Variable], symbols: Symbols) -> None:
        """Give every variable its identifier, kind and dimensions, so that equations can refer to it."""
        symbols.names.update({key: variable.name for key, variable in variables.items()})
        symbols.ids.update(CONTROL)
        for key, variable in variables.items():
            with self.collecting(variable.line, variable.name):
                if key == TIME:
                    raise Refusal("the variable has the name of the simulated time", "Rename it.")
                own = dimensions(variable, symbols.book)
                made = _CONTROLS.get(key) or symbols.fresh(variable.name)
                if variable.is_table:
                    symbols.curves[key] = Curves(made, own)
                else:
                    quantity = variable.quantity(made, own)
                    if variable.reads_data:
                        symbols.curves[key] = Curves(symbols.fresh(f"{variable.name} data"), own, variable.mode)
                    symbols.quantities[key] = quantity

    def _check_controls(self, symbols: Symbols) -> None:
        for key in ("initial time", "final time", "time step", "saveper"):
            if key not in symbols.names and key != "saveper":
                hint = suggest(key, symbols.names.values())
                self.refuse(1, key.upper(), "the model does not set it", hint or "Define it, with a number.")
            elif key in symbols.quantities and symbols.quantities[key].dimensions:
                cure = "Define it once, with a number."
                self.refuse(symbols.quantities[key].line, key.upper(), "it cannot have subscripts", cure)
            elif key in symbols.curves and key not in symbols.quantities:
                self.refuse(1, key.upper(), "it is a table, and a number was expected", "Define it, with a number.")
        if "saveper" not in symbols.names and "time step" in symbols.quantities:
            step = symbols.quantities["time step"]
            doc = "As often as TIME STEP: the model does not set it."
            symbols.names["saveper"] = "SAVEPER"
            symbols.quantities["saveper"] = Quantity("SAVEPER", "saveper", "auxiliary", step.unit, doc, line=step.line)
            symbols.equations.append(Equation("saveper", Ref("time_step")))

    def _define(self, variable: Variable, symbols: Symbols) -> None:
        key = fold(variable.name)
        if key in symbols.quantities:
            define(variable, symbols, self.files, self._noting(variable))
        elif key in symbols.curves:
            define_table(variable, symbols, self.files)

    def _check_holes(self, symbols: Symbols) -> None:
        names = {quantity.id: quantity for quantity in (*symbols.quantities.values(), *symbols.hidden)}
        for user, what in empty_references(symbols):
            self.refuse(names[user].line, names[user].name, what, "Define that element too.")

    def _noting(self, variable: Variable) -> Callable[[int], Callable[[str, str], None]]:
        def at(line: int) -> Callable[[str, str], None]:
            return lambda what, cure: self.refuse(line, variable.name, what, cure)

        return at


def _sort(entry: Entry, parsed: _Parsed, macros: Sequence[MacroText]) -> None:
    """Add what an entry defines to the ranges or to the variables; reality checks and texts change no number."""
    made = parse_range(entry.equation)
    if made is not None:
        parsed.ranges.append((made, entry))
    elif not _NO_NUMBER.search(entry.equation):
        for definition, own in definitions(entry, macros):
            variable = parsed.variables.setdefault(fold(definition.name), Variable(definition.name))
            variable.definitions.append((definition, own))


def _left(entry: Entry) -> str:
    """Return the name at the left of an entry, or what stands there instead."""
    found = re.match(r'"(?:\\.|[^"\\])*"|[^\W\d][\w\s$\']*', entry.equation)
    return bare(found.group()) if found else entry.equation.split("=")[0].strip()[:40]
