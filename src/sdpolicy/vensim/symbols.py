"""The names of a model while it is being read, and the parts of its Program made so far. It parses nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sdpolicy.expression import Axis, Interpolation
from sdpolicy.program import Dimension, Equation, Quantity, Stock, Table, identifier
from sdpolicy.vensim.subscripts import Book, Elements
from sdpolicy.vensim.syntax import Definition

Refuse = Callable[[str, str], None]
"""Notes a problem, what and cure, of the definition at hand; reading goes on."""


@dataclass(frozen=True, slots=True)
class Curves:
    """A table that expressions can read: a named look-up, or the table behind a data variable."""

    table: str
    dimensions: tuple[Dimension, ...] = ()
    mode: Interpolation = "linear"


@dataclass
class Symbols:
    """All names of a model while it is being read, and the parts of the Program made so far."""

    book: Book
    quantities: dict[str, Quantity] = field(default_factory=dict)
    curves: dict[str, Curves] = field(default_factory=dict)
    macros: dict[str, Macro] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """Display names by folded names, for suggestions."""
    ids: set[str] = field(default_factory=set)
    holes: dict[str, set[tuple[int, ...]]] = field(default_factory=dict)
    """By identifier: the places of elements without an equation, which nothing may refer to."""
    hidden: list[Quantity] = field(default_factory=list)
    places: dict[tuple[Dimension, ...], Quantity] = field(default_factory=dict)
    """Hidden quantities that hold the numbers of the elements of these dimensions, from 0 on."""
    stocks: list[Stock] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def fresh(self, name: str) -> str:
        """Return a new identifier for ``name``."""
        made = identifier(name, self.ids)
        self.ids.add(made)
        return made


@dataclass(frozen=True, slots=True)
class Loop:
    """A range that an equation repeats over: folded name, axis, and the elements it takes in order."""

    range: str
    axis: Axis
    elements: Elements


@dataclass(frozen=True, slots=True)
class Block:
    """The elements that one equation fills: for each place of the target the range as written, or None for
    a single element, and the elements."""

    places: tuple[tuple[str | None, Elements], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of elements of each range."""
        return tuple(len(elements) for written, elements in self.places if written is not None)


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its name, the folded names of its inputs, its definitions and their lines, its further outputs."""

    name: str
    inputs: tuple[str, ...]
    definitions: tuple[tuple[Definition, int], ...]
    outputs: tuple[str, ...] = ()
