"""The equations and tables of one variable, from its definitions. It knows no file format and no other variable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from sdpolicy.expression import TIME, At, Index, Lookup, Num, Ref, walk
from sdpolicy.program import Dimension, Equation, Quantity, Stock, Table, fold
from sdpolicy.vensim.data import Files, numbers, series
from sdpolicy.vensim.prepare import Points, Refusal
from sdpolicy.vensim.symbols import Block, Curves, Refuse, Symbols
from sdpolicy.vensim.syntax import DATA_CURE, NO_DATA, NOT_AVAILABLE, OUTPUT, Array, Call, Curve, Definition, Text
from sdpolicy.vensim.translate import Translator, positions
from sdpolicy.vensim.variables import Cell, Variable, blocks, cells, holes, mode


def define(variable: Variable, symbols: Symbols, files: Files, refuse_at: Callable[[int], Refuse]) -> None:
    """Add the equations of a variable to ``symbols``.

    Raises:
        Refusal: when elements are defined twice or not at all, or a definition cannot be carried out.
    """
    quantity = symbols.quantities[fold(variable.name)]
    if variable.reads_data:
        define_table(variable, symbols, files)
        _follow(quantity, symbols)
        return
    filled: list[Block] = []
    for definition, entry in variable.definitions:
        own = blocks(definition, symbols.book)
        filled.extend(own)
        for block in own:
            translator = Translator(symbols, quantity, block, refuse_at(entry.line))
            _equation(translator, definition, block, files)
    empty = holes(variable, filled, quantity.dimensions)
    if empty:
        symbols.holes[quantity.id] = set(empty)
    for place in empty:
        if quantity.kind == "stock":
            symbols.stocks.append(Stock(quantity.id, Num(0.0), Num(NOT_AVAILABLE), (), place))
        else:
            symbols.equations.append(Equation(quantity.id, Num(NOT_AVAILABLE), (), place))


def empty_references(symbols: Symbols) -> Iterator[tuple[str, str]]:
    """Yield, for each use of an element without an equation, who uses it (identifier) and what is wrong."""
    shown = {quantity.id: quantity for quantity in (*symbols.quantities.values(), *symbols.hidden)}
    bodies = [(stock.target, node) for stock in symbols.stocks for node in (stock.flow, stock.initial)]
    for equation in symbols.equations:
        bodies.append((equation.target, equation.body))
        if equation.initial is not None:
            bodies.append((equation.target, equation.initial))
    for target, body in bodies:
        for part in walk(body):
            if isinstance(part, Ref) and part.name in symbols.holes:
                quantity = shown[part.name]
                for place in sorted(_places(part.index) & symbols.holes[part.name]):
                    names = (one.elements[k] for one, k in zip(quantity.dimensions, place, strict=True))
                    yield target, f"'{quantity.name}[{', '.join(names)}]' has no equation"


def _places(index: Index) -> set[tuple[int, ...]]:
    """Return all places that an index reaches; places of one loop move together."""
    sizes = {at.axis: len(at.positions) for at in index if isinstance(at, At)}
    found: set[tuple[int, ...]] = set()
    for steps in product(*(range(size) for size in sizes.values())):
        at_step = dict(zip(sizes, steps, strict=True))
        found.add(tuple(one if isinstance(one, int) else one.positions[at_step[one.axis]] for one in index))
    return found


def _equation(translator: Translator, definition: Definition, block: Block, files: Files) -> None:
    match definition.body:
        case Array(values=values, width=width):
            _check_rows(block, width)
            _spread(translator, block, values)
        case Call(function="get constants", args=args):
            name, tab, cell = _texts(args)
            _spread(translator, block, numbers(files.sheet(name, tab), cell, block.shape))
        case Call(function="get data") | None:
            _follow_part(translator, definition, block, files)
        case Curve():
            raise Refusal("the variable is defined as a table and as something else")
        case Call(function=function, written=False) if function == OUTPUT:
            pass  # the macro's call has its equation
        case body:
            translator.define(translator.target.id, translator.index, body)


def _texts(args: tuple[object, ...]) -> list[str]:
    texts = [arg.value for arg in args if isinstance(arg, Text)]
    if len(texts) != len(args):
        raise Refusal("the file, the sheet and the cells must be texts in quotes")
    return texts


def _check_rows(block: Block, width: int) -> None:
    sizes = [size for size in block.shape if size > 1]
    if width and sizes and width != sizes[-1]:
        cure = "Write one row for each element of the subscript before the last."
        raise Refusal(f"the array's rows have {width} numbers for {sizes[-1]} elements", cure)


def _spread(translator: Translator, block: Block, values: tuple[float, ...]) -> None:
    """Give each element of a block its number."""
    filled = cells(block)
    if len(filled) != len(values):
        raise Refusal(f"{len(values)} numbers are given for {len(filled)} elements")
    own = translator.target.dimensions
    for cell, value in zip(filled, values, strict=True):
        place = tuple(positions((element,), dimension)[0] for element, dimension in zip(cell, own, strict=True))
        translator.symbols.equations.append(Equation(translator.target.id, Num(value), (), place))


def _follow_part(translator: Translator, definition: Definition, block: Block, files: Files) -> None:
    """Let a part of a variable follow data, while other parts do not."""
    symbols, target = translator.symbols, translator.target
    for cell, points in _points(definition, block, files).items():
        made = symbols.fresh(f"{target.name} data")
        symbols.tables.append(Table(made, (points,), (), target.name, target.unit, target.line))
        place = tuple(positions((one,), own)[0] for one, own in zip(cell, target.dimensions, strict=True))
        symbols.equations.append(Equation(target.id, Lookup(made, Ref(TIME), mode(definition)), (), place))


def _follow(quantity: Quantity, symbols: Symbols) -> None:
    """Let a data variable follow its table over time, element by element."""
    curves = symbols.curves[fold(quantity.name)]
    for place in product(*(range(length) for length in quantity.shape)):
        body = Lookup(curves.table, Ref(TIME), curves.mode, place)
        symbols.equations.append(Equation(quantity.id, body, (), place))


def define_table(variable: Variable, symbols: Symbols, files: Files) -> None:
    """Add the table of a look-up, or the one behind a data variable, to ``symbols``.

    Raises:
        Refusal: as :func:`define` does.
    """
    curves: Curves = symbols.curves[fold(variable.name)]
    filled: list[Block] = []
    found: dict[Cell, Points] = {}
    for definition, _ in variable.definitions:
        own = blocks(definition, symbols.book)
        filled.extend(own)
        for block in own:
            found.update(_points(definition, block, files))
    if holes(variable, filled, curves.dimensions):
        raise Refusal("the table has no points for some of its elements", "Give every element a curve.")
    points = tuple(found[cell] for cell in cells(_whole(curves.dimensions)))
    shape = tuple(len(dimension.elements) for dimension in curves.dimensions)
    symbols.tables.append(Table(curves.table, points, shape, variable.name, variable.unit, variable.line))


def _whole(dimensions: tuple[Dimension, ...]) -> Block:
    return Block(tuple((dimension.name, tuple(map(fold, dimension.elements))) for dimension in dimensions))


def _points(definition: Definition, block: Block, files: Files) -> dict[Cell, Points]:
    filled = cells(block)
    match definition.body:
        case Curve(points=points):
            return dict.fromkeys(filled, points)
        case Call(function="get lookups" | "get data" as function, args=args):
            name, tab, along, cell = _texts(args)
            found = series(files.sheet(name, tab), along, cell, len(filled), whole=function == "get lookups")
            return dict(zip(filled, found, strict=True))
        case None:
            raise Refusal(NO_DATA, DATA_CURE)
        case _:
            raise Refusal("the variable is defined as a table and as something else")
