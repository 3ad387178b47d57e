"""From a model file to a Program: the order of the work, and the collecting of everything that is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from sdpolicy import cache, library
from sdpolicy.errors import ModelError, Problem
from sdpolicy.expression import TIME, Num, Ref
from sdpolicy.program import CONTROL, Equation, Program, Quantity, Stock, Table, fold
from sdpolicy.vensim.prepare import Points, Refusal
from sdpolicy.vensim.subscripts import Book, RangeText, parse_range
from sdpolicy.vensim.syntax import Array, Call, Curve, Definition, parse_definition
from sdpolicy.vensim.text import Entry, Source, read_text, split
from sdpolicy.vensim.translate import Block, Curves, Symbols, Translator, positions
from sdpolicy.vensim.variables import Variable, blocks, cells, check_cover, dimensions

READER_VERSION: Final = "1"
"""Part of the cache's key: raised whenever a model may be read differently than before."""

_CONTROLS: Final = {fold(name): name for name in CONTROL}


def read_model(name_or_path: str | Path) -> Program:
    """Read a Vensim model (.mdl) into a Program.

    A shipped model may be given by its bare name. Nothing is written beside the model; the Program is
    kept in a private cache, by the text of the model.

    Raises:
        ModelError: when the file cannot be read or has a construct that is not supported; every problem
            at once, with file, line and variable.
    """
    path = library.model_path(name_or_path)
    text = read_text(path)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    kept = cache.load(digest, READER_VERSION)
    if kept is not None:
        return replace(kept, name=path.stem, source=str(path))
    program = _Reading(path, split(text)).program(digest)
    cache.store(program, READER_VERSION)
    return program


class _Reading:
    """One reading of one file; it is used once and thrown away."""

    def __init__(self, path: Path, source: Source) -> None:
        self.path, self.source = path, source
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

    def program(self, digest: str) -> Program:
        ranges, variables = self._parse()
        if not variables and not self.problems:
            self.refuse(1, "", "the file holds no equation", "Is it a Vensim model in text format (.mdl)?")
        self._stop()
        symbols = Symbols(self._book(ranges))
        self._declare(variables, symbols)
        self._check_controls(symbols)
        for variable in variables.values():
            with self.collecting(variable.line, variable.name):
                self._define(variable, symbols)
        self._stop()
        return self._assemble(symbols, digest)

    def _stop(self) -> None:
        if self.problems:
            unique = dict.fromkeys(self.problems)
            raise ModelError(unique)

    def _parse(self) -> tuple[list[tuple[RangeText, Entry]], dict[str, Variable]]:
        ranges: list[tuple[RangeText, Entry]] = []
        variables: dict[str, Variable] = {}
        for macro in self.source.macros:
            self.refuse(macro.line, macro.name, "macros are not supported", "Write its equations out.")
        for entry in self.source.entries:
            if ":THE CONDITION:" in entry.equation.upper() or ":TEST INPUT:" in entry.equation.upper():
                continue
            with self.collecting(entry.line, entry.equation.split("=")[0].strip()[:60]):
                made = parse_range(entry.equation)
                if made is not None:
                    ranges.append((made, entry))
                    continue
                definition = parse_definition(entry.equation)
                variable = variables.setdefault(fold(definition.name), Variable(definition.name))
                variable.definitions.append((definition, entry))
        return ranges, variables

    def _book(self, ranges: list[tuple[RangeText, Entry]]) -> Book:
        seen: dict[str, int] = {}
        for text, entry in ranges:
            if fold(text.name) in seen:
                what = f"the range is defined before, in line {seen[fold(text.name)]}"
                self.refuse(entry.line, text.name, what)
            seen[fold(text.name)] = entry.line
        self._stop()
        book = Book(())
        with self.collecting(ranges[0][1].line if ranges else 1, ""):
            book = Book(text for text, _ in ranges)
        return book

    def _declare(self, variables: dict[str, Variable], symbols: Symbols) -> None:
        """Give every variable its identifier, kind and dimensions, so that equations can refer to it."""
        symbols.names.update({key: variable.name for key, variable in variables.items()})
        symbols.ids.update(CONTROL)
        for key, variable in variables.items():
            with self.collecting(variable.line, variable.name):
                if key == TIME:
                    raise Refusal("the variable has the name of the simulated time", "Rename it.")
                control = _CONTROLS.get(key)
                own = dimensions(variable, symbols.book)
                made = control or symbols.fresh(variable.name)
                if variable.is_table:
                    symbols.curves[key] = Curves(made, own)
                    continue
                low, high = variable.limits
                symbols.quantities[key] = Quantity(
                    variable.name,
                    made,
                    variable.kind,
                    variable.unit,
                    variable.doc,
                    low,
                    high,
                    own,
                    variable.line,
                )

    def _check_controls(self, symbols: Symbols) -> None:
        for key in map(fold, ("INITIAL TIME", "FINAL TIME", "TIME STEP")):
            if key not in symbols.quantities and key not in symbols.names:
                self.refuse(1, key.upper(), "the model does not set it", "Define it, with a number.")
        if fold("SAVEPER") not in symbols.quantities and fold("TIME STEP") in symbols.quantities:
            step = symbols.quantities[fold("TIME STEP")]
            saveper = Quantity(
                "SAVEPER", "saveper", "auxiliary", step.unit, "As often as TIME STEP.", line=step.line
            )
            symbols.quantities[fold("SAVEPER")] = saveper
            symbols.equations.append(Equation("saveper", Ref("time_step")))

    def _define(self, variable: Variable, symbols: Symbols) -> None:
        key = fold(variable.name)
        if key not in symbols.quantities and key not in symbols.curves:
            return
        if key in symbols.curves:
            self._define_table(variable, symbols)
            return
        quantity = symbols.quantities[key]
        filled: list[Block] = []
        for definition, entry in variable.definitions:
            own = blocks(definition, symbols.book)
            filled.extend(own)
            for block in own:
                self._equation(quantity, definition, entry, block, symbols)
        check_cover(variable, filled, quantity.dimensions)

    def _equation(
        self, quantity: Quantity, definition: Definition, entry: Entry, block: Block, symbols: Symbols
    ) -> None:
        def refuse(what: str, cure: str) -> None:
            self.refuse(entry.line, quantity.name, what, cure)

        body = definition.body
        translator = Translator(symbols, quantity, block, refuse)
        axes, index = translator.axes, translator.index
        match body:
            case Array(values=values):
                for place, value in self._spread(quantity, block, values):
                    symbols.equations.append(Equation(quantity.id, Num(value), (), place))
            case Call(function="integ", args=(flow, initial)):
                stock = Stock(quantity.id, translator.node(flow), translator.node(initial), axes, index)
                symbols.stocks.append(stock)
            case Call(function="active_initial" | "active initial", args=(running, starting)):
                nodes = translator.node(running), translator.node(starting)
                symbols.equations.append(Equation(quantity.id, nodes[0], axes, index, nodes[1]))
            case None | Call(function="get data" | "get constants" | "get lookups"):
                raise Refusal("data from files are not supported", "Write the numbers into the model.")
            case Curve():
                raise Refusal("the variable is defined as a table and as something else")
            case _:
                symbols.equations.append(Equation(quantity.id, translator.node(body), axes, index))

    @staticmethod
    def _spread(
        quantity: Quantity, block: Block, values: tuple[float, ...]
    ) -> list[tuple[tuple[int, ...], float]]:
        """Return each element's place with its number."""
        filled = cells(block)
        if len(filled) != len(values):
            raise Refusal(f"{len(values)} numbers are given for {len(filled)} elements")
        own = quantity.dimensions
        places = [
            tuple(positions((element,), dimension)[0] for element, dimension in zip(cell, own, strict=True))
            for cell in filled
        ]
        return list(zip(places, values, strict=True))

    def _define_table(self, variable: Variable, symbols: Symbols) -> None:
        curves = symbols.curves[fold(variable.name)]
        filled: list[Block] = []
        found: dict[tuple[str, ...], Points] = {}
        for definition, _ in variable.definitions:
            own = blocks(definition, symbols.book)
            filled.extend(own)
            if not isinstance(definition.body, Curve):
                raise Refusal("tables from files are not supported", "Write the points into the model.")
            for block in own:
                found.update(dict.fromkeys(cells(block), definition.body.points))
        check_cover(variable, filled, curves.dimensions)
        shape = tuple(len(dimension.elements) for dimension in curves.dimensions)
        places = ((dimension.name, tuple(map(fold, dimension.elements))) for dimension in curves.dimensions)
        whole = Block(tuple(places))
        points = tuple(found[cell] for cell in cells(whole))
        symbols.tables.append(Table(curves.table, points, shape, variable.name, variable.unit, variable.line))

    def _assemble(self, symbols: Symbols, digest: str) -> Program:
        return Program(
            name=self.path.stem,
            quantities=(*symbols.quantities.values(), *symbols.hidden),
            stocks=tuple(symbols.stocks),
            equations=tuple(symbols.equations),
            tables=tuple(symbols.tables),
            source=str(self.path),
            digest=digest,
        )
