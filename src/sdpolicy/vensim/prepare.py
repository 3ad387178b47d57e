"""An equation's right side made unambiguous before it is parsed: bounded, bracketed, its tables taken out.

A sign applies to a whole power: -2^2 is -4, as Vensim computes it (its Reference Manual says otherwise, and so
do the parser behind this module for numbers, and other programs). :NOT: applies to a whole comparison. Where
programs differ and Vensim's own answer is not on record, brackets are asked for. It knows no model and no name.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from typing import Final

Points = tuple[tuple[float, ...], tuple[float, ...]]
"""The x and the y values of a table."""


class Refusal(Exception):  # noqa: N818 - the reader turns it into a Problem; no user meets it
    """One thing that cannot be read: what it is and how to repair it. The reader adds where."""

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(what, cure)
        self.what, self.cure = what, cure


NUMBER: Final = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_TOKEN: Final = re.compile(
    rf"""\s*(?:
      (?P<number>{NUMBER})
    | (?P<name>"(?:\\.|[^"\\])*" | [^\W\d](?:[\w$']|\s+(?=[\w$']))*)
    | (?P<string>'[^']*')
    | (?P<word>:(?:NOT|AND|OR|NA):)
    | (?P<sign><=|>=|<>|[-+*/^=<>()\[\],!;])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_UNARY: Final = ("-", "+", ":NOT:")
_AFTER_NOT: Final = frozenset(", ) ] ; :AND: :OR:".split())
_BEFORE_NOT: Final = frozenset("( , :AND: :OR: :NOT:".split())
_BEFORE_OPERAND: Final = frozenset("+ - * / ^ = < > <= >= <> ( , [ :AND: :OR:".split())
_RESERVED: Final = frozenset("reference subscripts_ref arithmetic logic call lookup data".split())
"""Names that the parser behind this one would take for parts of itself; in quotes it does not."""
_MOST_SIGNS: Final = 4
_DEEPEST: Final = 60
"""Brackets that may stand inside each other: the parser calls itself some ten times for each."""


def tokenize(text: str) -> list[str]:
    """Return the tokens of an expression; numbers are normalized, operators written in capitals.

    Raises:
        Refusal: for a character that no expression has, a number too large, or brackets that don't match.
    """
    tokens: list[str] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            near = text[position : position + 20].strip()
            outputs = tokens and near.startswith(":") and "(" in tokens
            cure = "If this is the further output of a macro, let its call stand alone on the right side."
            raise Refusal(f"the equation cannot be read at '{near}'", cure if outputs else "")
        position = found.end()
        tokens.append(_spelled(found))
    _check_brackets(tokens)
    _check_neighbours(tokens)
    return tokens


def _spelled(found: re.Match[str]) -> str:
    token = found.group(found.lastgroup or 0)
    if found.lastgroup == "number":
        value = float(token)
        if math.isinf(value):
            raise Refusal(f"the number {token} is too large")
        return repr(value)
    if found.lastgroup == "string":
        return token.replace("\\", "/")
    if found.lastgroup == "name" and re.sub(r"[\s_]+", "_", token).casefold() in _RESERVED:
        return f'"{token}"'
    return token.upper() if found.lastgroup == "word" else token


def _check_brackets(tokens: Sequence[str]) -> None:
    opened: list[str] = []
    for token in tokens:
        if token in ("(", "["):
            opened.append(token)
        elif token in (")", "]") and (not opened or opened.pop() != {")": "(", "]": "["}[token]):
            raise Refusal(f"a '{token}' has no partner")
        if len(opened) > _DEEPEST:
            raise Refusal(f"more than {_DEEPEST} brackets stand inside each other")
    if opened:
        raise Refusal(f"a '{opened[-1]}' is not closed")


def _check_neighbours(tokens: Sequence[str]) -> None:
    if tokens and (tokens[-1] in _BEFORE_OPERAND):
        raise Refusal(f"nothing follows the '{tokens[-1]}'")
    signs = 0
    for token in tokens:
        signs = signs + 1 if token in _UNARY else 0
        if signs > _MOST_SIGNS:
            raise Refusal(f"more than {_MOST_SIGNS} signs follow each other")
    for before, after in itertools.pairwise(tokens):
        ends = _is_operand(before) or before in (")", "]")
        called = (after == "(" and _is_name(before)) or before == "]"
        if ends and (_is_operand(after) or (after == "(" and not called)):
            raise Refusal(f"no operator stands between '{before}' and '{after}'", "Put one there.")


def _is_name(token: str) -> bool:
    return token[0] == '"' or token[0].isalpha() or token[0] == "_"


def _is_operand(token: str) -> bool:
    return _is_name(token) or token[0] in "'.0123456789" or token == ":NA:"


def prepare(text: str) -> tuple[str, tuple[Points, ...]]:
    """Return an expression ready for the parser, and the inline tables that it had.

    Every unary operator gets brackets around itself and its operand. The table of a WITH LOOKUP is
    replaced by its position among the returned tables.

    Raises:
        Refusal: when the expression or one of its tables cannot be read.
    """
    tables: list[Points] = []
    return _prepared(tokenize(text), tables), tuple(tables)


def _prepared(tokens: Sequence[str], tables: list[Points]) -> str:
    out: list[str] = []
    operand = True
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if operand and token in _UNARY:
            text, position = _unary(tokens, position, tables)
        elif token.upper().replace("_", " ") == "WITH LOOKUP":
            text, position = _with_lookup(tokens, position, tables)
        else:
            text, position = token, position + 1
        out.append(text)
        operand = token in _BEFORE_OPERAND and text == token
    return " ".join(out)


def _unary(tokens: Sequence[str], start: int, tables: list[Points]) -> tuple[str, int]:
    """Return the bracketed text of the unary operator at ``start``, and the position after its operand."""
    if tokens[start] == ":NOT:":
        stop = _condition_end(tokens, start)
        inner = _prepared(tokens[start + 1 : stop], tables)
    elif start + 1 < len(tokens) and tokens[start + 1] in _UNARY:
        inner, stop = _unary(tokens, start + 1, tables)
    else:
        stop = _power_end(tokens, _operand_end(tokens, start + 1))
        inner = _prepared(tokens[start + 1 : stop], tables)
    sign = "" if tokens[start] == "+" else tokens[start]
    return f"({sign} ({inner}))", stop


def _operand_end(tokens: Sequence[str], start: int) -> int:
    """Return the position after the name, number, call or bracket at ``start``."""
    if start >= len(tokens):
        raise Refusal(f"nothing follows the '{tokens[-1]}'")
    stop = start if tokens[start] == "(" else start + 1
    while stop < len(tokens) and tokens[stop] in ("(", "["):
        stop = partner(tokens, stop) + 1
    return stop


def _power_end(tokens: Sequence[str], stop: int) -> int:
    """Return the position after the powers, if any, that begin with the operand before ``stop``."""
    while stop < len(tokens) and tokens[stop] == "^":
        exponent = stop + 1
        while exponent < len(tokens) and tokens[exponent] in ("-", "+"):
            exponent += 1
        stop = _operand_end(tokens, exponent)
    return stop


def _condition_end(tokens: Sequence[str], start: int) -> int:
    """Return the position after the comparison that the :NOT: at ``start`` applies to."""
    first = start + 1
    while first < len(tokens) and tokens[first] in _UNARY:
        first += 1
    one = stop = _operand_end(tokens, first)
    while stop < len(tokens) and tokens[stop] not in _AFTER_NOT:
        stop = partner(tokens, stop) + 1 if tokens[stop] in ("(", "[") else stop + 1
    if one < stop and start > 0 and tokens[start - 1] not in _BEFORE_NOT:
        what = f"'{tokens[start - 1]} :NOT: ... {tokens[one]} ...' is read differently by different programs"
        raise Refusal(what, f"Put brackets around what :NOT: applies to: (:NOT: (a {tokens[one]} b)).")
    return stop


def partner(tokens: Sequence[str], start: int) -> int:
    """Return the position of the bracket that closes the one at ``start``."""
    depth = 0
    for position in range(start, len(tokens)):
        depth += (tokens[position] in ("(", "[")) - (tokens[position] in (")", "]"))
        if depth == 0:
            return position
    raise Refusal(f"a '{tokens[start]}' is not closed")


def _with_lookup(tokens: Sequence[str], start: int, tables: list[Points]) -> tuple[str, int]:
    if start + 1 >= len(tokens) or tokens[start + 1] != "(":
        raise Refusal("WITH LOOKUP needs an argument and a table")
    stop = partner(tokens, start + 1)
    depth, comma = 0, -1
    for position in range(start + 2, stop):
        depth += (tokens[position] in ("(", "[")) - (tokens[position] in (")", "]"))
        if depth == 0 and tokens[position] == ",":
            comma = position
            break
    table = tokens[comma + 1 : stop]
    if comma < 0 or len(table) < 2 or table[0] != "(" or table[-1] != ")":
        raise Refusal("WITH LOOKUP needs an argument and a table")
    argument = _prepared(tokens[start + 2 : comma], tables)
    tables.append(read_points("".join(table[1:-1])))
    return f"WITH LOOKUP({argument}, {len(tables) - 1})", stop + 1


_SIGNED: Final = rf"[+-]?{NUMBER}"
_PAIR: Final = re.compile(rf"\(({_SIGNED}),({_SIGNED})\)")


def read_points(text: str) -> Points:
    """Return the points of a table written as ``[limits],(x,y),(x,y)...`` or as ``x,x,...,y,y,...``, by x.

    A point that is written twice, as Vensim's editor leaves it, counts once.

    Raises:
        Refusal: when it is empty, is no list of points, or has two values for one x.
    """
    bare = re.sub(r"\s+", "", text)
    if bare.startswith("["):
        _, closed, bare = bare.partition("]")
        if not closed:
            raise Refusal("the table's '[' is not closed")
        bare = bare.removeprefix(",")
    bare = bare.rstrip(",")
    if not bare:
        raise Refusal("the table is empty", "Give it at least one point, (x, y).")
    if re.fullmatch(rf"{_PAIR.pattern}(?:,?{_PAIR.pattern})*", bare):
        pairs = [(float(x), float(y)) for x, y in _PAIR.findall(bare)]
    elif re.fullmatch(rf"{_SIGNED}(?:,{_SIGNED})*", bare):
        values = [float(part) for part in bare.split(",")]
        if len(values) % 2:
            raise Refusal("the table has more x than y values")
        half = len(values) // 2
        pairs = list(zip(values[:half], values[half:], strict=True))
    else:
        raise Refusal("the table is not a list of points", "Write it as (x, y), (x, y), ...")
    pairs = sorted(set(pairs))  # by x, as Vensim does
    for (before, _), (after, _) in itertools.pairwise(pairs):
        if before == after:
            raise Refusal(f"the table has two values for x = {after:g}", "Write each x once.")
    return tuple(x for x, _ in pairs), tuple(y for _, y in pairs)
