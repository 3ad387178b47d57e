"""One definition parsed: the only module that calls PySD's translator. What it returns knows nothing of PySD.

The text that reaches PySD has been tokenized before: numbers are plain, strings have no escapes, tables and
their limits are taken out, because the translator hands such text to Python's ``eval``.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from sdpolicy.vensim.prepare import NUMBER, Points, Refusal, prepare, read_points

NOT_AVAILABLE: Final = -(2.0**109)
"""The value that Vensim computes with for :NA:."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text, such as a file's name."""

    value: str


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, table or subscript, folded as names are compared; subscripts as written, ``!`` included."""

    name: str
    subscripts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function, by our operator name or Vensim's folded function name.

    ``written`` tells that the model's text has this very name: it may then be a table or a macro of the model;
    ``outputs`` are the variables that a macro with several outputs defines, by folded names.
    """

    function: str
    args: tuple[Syntax, ...]
    subscripts: tuple[str, ...] = ()
    written: bool = False
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inline:
    """WITH LOOKUP: a table of its own read at ``x``."""

    x: Syntax
    points: Points


@dataclass(frozen=True, slots=True)
class Array:
    """A list of numbers, last subscript fastest, and the length of its rows: 0 where it is not in rows."""

    values: tuple[float, ...]
    width: int = 0


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of a named table."""

    points: Points


Syntax = Number | Text | Name | Call | Inline
Body = Syntax | Array | Curve | None
"""None: a data variable without an equation, which Vensim reads from a data file."""

Role = Literal["equation", "constant", "table", "data"]


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition: the left side's name and subscripts, and the parsed right side."""

    name: str
    subscripts: tuple[str, ...]
    exceptions: tuple[tuple[str, ...], ...]
    role: Role
    keyword: str
    body: Body


_OPERATORS: Final[Mapping[str, str]] = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "^": "pow", "negative": "neg",
    "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "=": "eq", "<>": "ne",
    ":AND:": "and", ":OR:": "or", ":NOT:": "not",
}  # fmt: skip
INTERNAL: Final = frozenset({*_OPERATORS.values(), "delay"})
"""Names of ours for operators and functions that Vensim calls by another one: in a model they mean nothing."""
OUTPUT: Final = "macro output"
"""Body of a variable that the call of a macro defines in another equation."""
_MADE: Final = frozenset({"get lookups", "get data", "get constants"})
_QUOTED: Final = re.compile(r'"(?:\\.|[^"\\])*"')
_QUOTE: Final = "\ue000"
_BACKSLASH: Final = "\ue001"
_DEEPEST: Final = 150
_NO_EQUATION: Final = re.compile(r"""(?:"(?:\\.|[^"\\])*"|[^\W\d][\w\s$']*)(?:\[[^\[\]]*\])?\s*""")
NO_DATA: Final = "the variable has no equation: it would be read from a data file of Vensim"
DATA_CURE: Final = "Give it data with GET DIRECT DATA, or an equation."
_ARRAY: Final = re.compile(rf"\s*[+-]?\s*{NUMBER}(?:\s*[,;]\s*[+-]?\s*{NUMBER})*\s*;?\s*")
_TABBED: Final = re.compile(r"TABBED[\s_]+ARRAY\s*\((.*)\)\s*", re.IGNORECASE)


def parse_definition(equation: str) -> Definition:
    """Parse one definition of a variable.

    Raises:
        Refusal: when the text is no definition, or is one that cannot be read.
    """
    component = _component(_QUOTED.sub(lambda found: _coded(found.group()), equation))
    subscripts, exceptions = component.subscripts
    kind = type(component).__name__
    role: Role = {"UnchangeableConstant": "constant", "Lookup": "table", "Data": "data"}.get(kind, "equation")  # type: ignore[assignment]
    return Definition(
        _written(component.name),
        tuple(map(_decoded, subscripts)),
        tuple(tuple(map(_decoded, group)) for group in exceptions),
        role,
        getattr(component, "keyword", None) or "",
        _body(component, role),
    )


def _component(equation: str) -> Any:
    """Return the translator's component for an equation, its right side not yet parsed."""
    with _quiet():
        from parsimonious.exceptions import ParseError, VisitationError  # type: ignore[import-untyped]
        from pysd.translators.vensim.vensim_element import Component, Element

        try:
            component = Element(equation, "", "").parse()
        except (ParseError, VisitationError, RecursionError):
            if _NO_EQUATION.fullmatch(equation):
                raise Refusal(NO_DATA, DATA_CURE) from None
            raise Refusal("this is no definition", "Write it as 'name = equation'.") from None
    if not isinstance(component, Component):
        raise Refusal("this is no definition of a variable")
    return component


def _written(name: str) -> str:
    """Return a name as its author spells it, without the quotes."""
    bare = name.strip()
    if len(bare) >= 2 and bare[0] == bare[-1] == '"':
        bare = bare[1:-1].replace(_QUOTE, '"').replace(_BACKSLASH, "\\")
    return bare


def _coded(name: str) -> str:
    """Return a name in quotes with signs of ours for what stands behind a backslash: the translator misreads it."""
    return re.sub(r'\\([\\"])', lambda found: _QUOTE if found.group(1) == '"' else _BACKSLASH, name)


def _decoded(name: str) -> str:
    """Return a name as it stands in the model's text, quotes and backslashes included."""
    return name.replace(_QUOTE, '\\"').replace(_BACKSLASH, "\\\\")


def _body(component: Any, role: Role) -> Body:
    text: str = component.expression or ""
    if not text:
        if role == "data":
            return None
        raise Refusal("the variable has no equation", "Give it one.")
    if role == "table":
        inner = re.fullmatch(r"\s*\((.*)\)\s*", text)
        if inner is None:
            raise Refusal("the table is not a list of points", "Write it as (x, y), (x, y), ...")
        if re.match(r"\s*GET[ _]", inner.group(1), re.IGNORECASE):
            return parse_expression(inner.group(1))
        return Curve(read_points(inner.group(1)))
    tabbed = _TABBED.fullmatch(text)
    if tabbed is not None:
        return Array(_numbers(tabbed.group(1).split()))
    if _ARRAY.fullmatch(text) and re.search("[,;]", text):
        rows = [_numbers(row.split(",")) for row in re.sub(r"\s+", "", text).strip(";").split(";")]
        if len(set(map(len, rows))) > 1:
            raise Refusal("the array's rows have different lengths", "End each row, and no other number, with ';'.")
        return Array(tuple(value for row in rows for value in row), len(rows[0]) if len(rows) > 1 else 0)
    body = parse_expression(text)
    if role == "data" and not isinstance(body, Number) and not (isinstance(body, Call) and body.function == "get data"):
        cure = "Write it with =, to compute it at every step from what the data are then."
        raise Refusal("a data equation (:=) that computes from other data is not supported", cure)
    return body


def _numbers(parts: list[str]) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in parts)
    except ValueError:
        raise Refusal("the array holds something that is not a number") from None


def parse_expression(text: str) -> Syntax:
    """Parse the right side of an equation.

    Raises:
        Refusal: when it cannot be read.
    """
    prepared, tables = prepare(text)
    prepared = f"({prepared})"  # or else the translator takes 1 - 2 for a list of two numbers
    with _quiet():
        from parsimonious.exceptions import ParseError, VisitationError
        from pysd.translators.vensim.vensim_element import Component

        component = Component("", ([], []), prepared)
        try:
            component.parse()
        except ParseError as error:
            near = (error.text or "")[error.pos : error.pos + 30].strip() or "its end"
            raise Refusal(f"the equation cannot be read at '{near}'", "Check operators and brackets there.") from None
        except VisitationError as error:
            raise Refusal(_explain(error), "Check the functions' names and arguments.") from None
        except RecursionError:
            raise Refusal("the equation is too deep", "Split it into several variables.") from None
    return _shallow(_convert(component.ast, tables))


def _shallow(syntax: Syntax) -> Syntax:
    """Return the expression, unless its operations are nested deeper than walking over them can follow."""
    level: list[Syntax] = [syntax]
    for _ in range(_DEEPEST):
        level = [part for one in level for part in _parts(one)]
        if not level:
            return syntax
    raise Refusal(f"more than {_DEEPEST} operations follow upon each other", "Split it into several variables.")


def _parts(syntax: Syntax) -> tuple[Syntax, ...]:
    match syntax:
        case Call(args=args):
            return args
        case Inline(x=x):
            return (x,)
        case _:
            return ()


@contextmanager
def _quiet() -> Iterator[None]:
    """Let no warning of the translator, nor of what it imports, reach the user: what matters is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _explain(error: Exception) -> str:
    """Say in our words why a construct of the translator could not be made."""
    first = str(error).split("\n", 1)[0]
    if first.startswith("TypeError") and "argument" in first:
        return "a function has the wrong number of arguments"
    return f"the equation cannot be read ({first})"


def _convert(ast: Any, tables: tuple[Points, ...]) -> Syntax:
    """Turn the translator's syntax tree into ours, which is uniform and typed."""
    if isinstance(ast, bool) or ast is None:
        raise Refusal("the equation cannot be read")
    if isinstance(ast, int | float):
        return Number(NOT_AVAILABLE if ast != ast else float(ast))
    if isinstance(ast, str):
        return Text(ast)
    convert = _STRUCTURES.get(type(ast).__name__)
    if convert is None:
        raise Refusal(f"the construct {type(ast).__name__.removesuffix('Structure')} is not supported")
    return convert(ast, tables)


def _operation(ast: Any, tables: tuple[Points, ...]) -> Syntax:
    operators = [_OPERATORS[sign] for sign in ast.operators]
    operands = [_convert(part, tables) for part in ast.arguments]
    if len(operands) == 1:
        return _signed(operators[0], operands[0])
    for level in ("and", "or"):  # the translator leaves these two in one flat list
        while level in operators:
            place = operators.index(level)
            operands[place : place + 2] = [Call(operators.pop(place), tuple(operands[place : place + 2]))]
    while "pow" in operators:  # 2^3^2 is 2^9, as Vensim computes it
        place = len(operators) - 1 - operators[::-1].index("pow")
        operands[place : place + 2] = [Call(operators.pop(place), tuple(operands[place : place + 2]))]
    result = operands[0]
    for operator, operand in zip(operators, operands[1:], strict=True):
        result = Call(operator, (result, operand))
    return result


def _signed(operator: str, operand: Syntax) -> Syntax:
    if operator == "neg" and isinstance(operand, Number):
        return Number(-operand.value)
    return Call(operator, (operand,))


def _reference(ast: Any, _: tuple[Points, ...]) -> Name:
    subscripts = ast.subscripts.subscripts if ast.subscripts is not None else ()
    return Name(_written(ast.reference), tuple(map(_decoded, subscripts)))


def _call(ast: Any, tables: tuple[Points, ...]) -> Call:
    function = _reference(ast.function, tables)
    args = tuple(_convert(part, tables) for part in ast.arguments)
    if function.name == "pulse_train" and len(args) == 4:
        args = (args[0], args[2], args[1], args[3])  # the translator swaps duration and repeat time
    name = function.name.replace("_", " ")
    if name in _MADE:
        raise Refusal(f"the function '{name.upper()}' is unknown", "Name the kind of file: XLS or DIRECT.")
    return Call(name, args, function.subscripts, written=True)


def _inline(ast: Any, tables: tuple[Points, ...]) -> Inline:
    return Inline(_convert(ast.argument, tables), tables[int(ast.lookups)])


def _named(function: str, *fields: str) -> Callable[[Any, tuple[Points, ...]], Syntax]:
    """Return a converter that calls ``function`` with these fields of the structure."""

    def convert(ast: Any, tables: tuple[Points, ...]) -> Syntax:
        return Call(function, tuple(_convert(getattr(ast, name), tables) for name in fields))

    return convert


_STRUCTURES: Final[Mapping[str, Callable[[Any, tuple[Points, ...]], Syntax]]] = {
    "ArithmeticStructure": _operation,
    "LogicStructure": _operation,
    "ReferenceStructure": _reference,
    "CallStructure": _call,
    "InlineLookupsStructure": _inline,
    "GameStructure": _named("game", "expression"),
    "InitialStructure": _named("initial", "initial"),
    "IntegStructure": _named("integ", "flow", "initial"),
    "DelayStructure": _named("delay", "input", "delay_time", "initial", "order"),
    "DelayNStructure": _named("delay n", "input", "delay_time", "initial", "order"),
    "DelayFixedStructure": _named("delay fixed", "input", "delay_time", "initial"),
    "SmoothStructure": _named("smooth", "input", "smooth_time", "initial", "order"),
    "SmoothNStructure": _named("smooth n", "input", "smooth_time", "initial", "order"),
    "TrendStructure": _named("trend", "input", "average_time", "initial_trend"),
    "ForecastStructure": _named("forecast", "input", "average_time", "horizon", "initial_trend"),
    "SampleIfTrueStructure": _named("sample if true", "condition", "input", "initial"),
    "AllocateAvailableStructure": _named("allocate available", "request", "pp", "avail"),
    "AllocateByPriorityStructure": _named("allocate by priority", "request", "priority", "size", "width", "supply"),
    "GetLookupsStructure": _named("get lookups", "file", "tab", "x_row_or_col", "cell"),
    "GetDataStructure": _named("get data", "file", "tab", "time_row_or_col", "cell"),
    "GetConstantsStructure": _named("get constants", "file", "tab", "cell"),
}
