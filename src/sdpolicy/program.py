"""A model as data: the Program, immutable and checked once. It knows no file format, scenario or backend."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from sdpolicy.errors import ModelError, Problem, suggest
from sdpolicy.expression import (
    ARITY,
    STATEFUL,
    STEP_TIME,
    TIME,
    TIME_FUNCTIONS,
    Apply,
    Axis,
    Index,
    Lookup,
    Node,
    Ref,
    walk,
)

Kind = Literal["stock", "auxiliary", "constant", "data"]

CONTROL: Final = ("initial_time", "final_time", "time_step", "saveper")
"""Identifiers of the four quantities that set the run: constants like others, except that [run] sets them."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A subscript range: its display name and the names of its elements, in order."""

    name: str
    elements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A variable of the model.

    ``name`` is what the model's author wrote, ``id`` a generated identifier (letters, digits and
    underscores; the only spelling that reaches generated code), ``unit`` Vensim's unit text, ``doc`` the
    author's comment, ``low`` and ``high`` the limits that the model states, ``dimensions`` its subscript
    ranges, ``line`` where the model file defines it. ``part_of`` names the variable or range that a quantity serves
    which the model's author did not write.
    """

    name: str
    id: str
    kind: Kind
    unit: str = ""
    doc: str = ""
    low: float | None = None
    high: float | None = None
    dimensions: tuple[Dimension, ...] = ()
    line: int = 0
    part_of: str = field(default="", repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(dimension.elements) for dimension in self.dimensions)

    @property
    def size(self) -> int:
        """Number of elements; 1 for a scalar."""
        size = 1
        for length in self.shape:
            size *= length
        return size


@dataclass(frozen=True, slots=True)
class Table:
    """A look-up table: one curve of (x, y) points, or one for each element of a dimensioned table.

    ``shape`` is () for a single curve; curves of a dimensioned table stand in row-major order.
    """

    id: str
    curves: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]
    shape: tuple[int, ...] = ()
    name: str = ""
    unit: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Equation:
    """``target[index] = body``, repeated over the loops ``axes``.

    A quantity may have several equations, for different elements. ``initial`` is the body to use while
    initial values are being computed (ACTIVE INITIAL), or None.
    """

    target: str
    body: Node
    axes: tuple[Axis, ...] = ()
    index: Index = ()
    initial: Node | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """``d target[index] / dt = flow`` from ``initial`` on, repeated over the loops ``axes``."""

    target: str
    flow: Node
    initial: Node
    axes: tuple[Axis, ...] = ()
    index: Index = ()


@dataclass(frozen=True)
class Program:
    """A model: quantities, stocks, equations and tables, in the order of the file.

    Raises:
        ModelError: when an equation refers to what does not exist, a quantity has no equation, or
            an operator is unknown; every such problem at once.
    """

    name: str
    quantities: tuple[Quantity, ...]
    stocks: tuple[Stock, ...]
    equations: tuple[Equation, ...]
    tables: tuple[Table, ...] = ()
    source: str = field(default="", compare=False)
    """Where the model was read from, for messages; no part of its identity."""
    digest: str = ""
    """SHA-256 of the model file's text."""
    method: str = "euler"
    """The method of integration that the model file asks for; a run may take another."""

    def __post_init__(self) -> None:
        problems = tuple(_problems(self))
        if problems:
            raise ModelError(problems)

    @cached_property
    def by_id(self) -> Mapping[str, Quantity]:
        return {quantity.id: quantity for quantity in self.quantities}

    @cached_property
    def by_name(self) -> Mapping[str, Quantity]:
        """Quantities by folded display name: letter case, underscores and surrounding quotes don't count."""
        return {fold(quantity.name): quantity for quantity in self.quantities}

    @cached_property
    def shown(self) -> tuple[Quantity, ...]:
        """The variables that the model's author wrote: what results hold if nothing else is asked for."""
        return tuple(quantity for quantity in self.quantities if not quantity.part_of)

    @cached_property
    def table_by_id(self) -> Mapping[str, Table]:
        return {table.id: table for table in self.tables}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that the numbers depend on: two Programs with one fingerprint run alike."""
        digest = hashlib.sha256()
        for part in (self.quantities, self.stocks, self.equations, self.tables):
            digest.update(repr(part).encode())
        return digest.hexdigest()

    def find(self, name: str) -> Quantity | None:
        """Return the quantity with that display name or identifier, or None."""
        return self.by_name.get(fold(name)) or self.by_id.get(name)

    def suggest(self, name: str) -> str:
        """Return ``Did you mean 'x'?`` for the closest display name, or an empty string."""
        return suggest(name, [quantity.name for quantity in self.quantities])


def fold(name: str) -> str:
    """Return ``name`` as names are compared: lower case, single spaces, no quotes around it."""
    bare = name.strip()
    if len(bare) >= 2 and bare[0] == bare[-1] == '"':
        bare = bare[1:-1]
    return re.sub(r"[\s_]+", " ", bare).strip().casefold()


RESERVED: Final = frozenset(
    # Words of Python, JavaScript or our own runtime that an identifier must not take.
    """and as assert async await break case class const continue def default del delete do elif else enum
    eval except export extends false finally float for from function global if import in instanceof int
    interface is lambda len let list match math max min new none nonlocal not null or package pass print
    private protected public raise range return static str sum super switch this throw true try tuple type
    typeof undefined var void while with yield abs exp ln pow sqrt div time step_time self arguments
    """.split()
)


def identifier(name: str, taken: Iterable[str]) -> str:
    """Return a fresh identifier for ``name``: ASCII letters, digits and underscores, not in ``taken``."""
    slug = re.sub(r"[^a-z0-9]+", "_", fold(name)).strip("_")[:60]
    if not slug or not slug[0].isalpha():
        slug = f"q_{slug}".rstrip("_")
    used = set(taken) | RESERVED
    candidate, count = slug, 2
    while candidate in used:
        candidate, count = f"{slug}_{count}", count + 1
    return candidate


def _problems(program: Program) -> Iterator[Problem]:
    ids = [quantity.id for quantity in program.quantities]
    known = set(ids) | {TIME, STEP_TIME}
    tables = {table.id for table in program.tables}
    names = {quantity.id: quantity.name for quantity in program.quantities}
    defined: set[str] = set()
    bodies: list[tuple[str, tuple[Node | None, ...]]] = [
        *((stock.target, (stock.flow, stock.initial)) for stock in program.stocks),
        *((equation.target, (equation.body, equation.initial)) for equation in program.equations),
    ]
    for target, nodes in bodies:
        defined.add(target)
        where = f"{program.source or program.name}, '{names.get(target, target)}'"
        if target not in known:
            yield Problem(where, "an equation defines a quantity that is not declared")
        for node in nodes:
            if node is not None:
                yield from _node_problems(where, node, known, tables)
    for quantity in program.quantities:
        if quantity.id not in defined:
            where = f"{program.source or program.name}, '{quantity.name}'"
            yield Problem(where, "the quantity has no equation")
    if len(set(ids)) != len(ids):
        yield Problem(program.source or program.name, "two quantities share an identifier")


def _node_problems(where: str, node: Node, known: set[str], tables: set[str]) -> Iterator[Problem]:
    for part in walk(node):
        match part:
            case Ref(name=name) if name not in known:
                yield Problem(where, f"the equation refers to '{name}', which is not defined")
            case Lookup(table=table) if table not in tables:
                yield Problem(where, f"the equation reads the table '{table}', which is not defined")
            case Apply(op=op, args=args):
                arity = ARITY.get(op, TIME_FUNCTIONS.get(op, STATEFUL.get(op)))
                if arity is None:
                    yield Problem(where, f"the operator '{op}' is unknown")
                elif len(args) != arity:
                    yield Problem(where, f"'{op}' takes {arity} arguments, not {len(args)}")
            case _:
                pass
