"""INVERT MATRIX by Gauss and Jordan's elimination, as equations of hidden arrays. It parses nothing.

The form is that of Vensim's Reference Guide: INVERT MATRIX(mat[row, column], n) stands alone on the right side, and
the last two subscripts on the left are those of the matrix. A matrix without an inverse, or so near to one that fewer
than four digits would be right, gives no number, which ends the run; Vensim gives a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import Final

from sdpolicy.expression import At, Axis, Index, Node, Num, Reduce, Ref, apply, moving
from sdpolicy.program import Dimension, Equation, Quantity, fold
from sdpolicy.vensim.prepare import Refusal
from sdpolicy.vensim.scope import NOT_A_NUMBER, ONE, ZERO, Scope, kept, places, quantity_of
from sdpolicy.vensim.symbols import Loop
from sdpolicy.vensim.syntax import Call, Name

LARGEST: Final = 50
"""Rows of a matrix: the elimination keeps about 3/2 of their third power as hidden numbers."""
WORST: Final = 1e12
"""How large the terms may be whose sum is a 1 in the product of both matrices: below that, rounding leaves four digits
of the inverse (after Skeel 1979, Journal of the ACM 26, 494-526). The units of rows and of columns don't count."""


@dataclass(frozen=True, slots=True)
class _Work:
    """The matrix that is being inverted: its element at the loops ``rows`` and ``columns``, and the loops around."""

    scope: Scope
    matrix: Ref
    rows: Loop
    columns: Loop
    outer: tuple[Loop, ...]

    @property
    def size(self) -> int:
        return self.rows.axis.size

    @property
    def axes(self) -> tuple[Axis, ...]:
        return tuple(loop.axis for loop in self.outer)

    def hide(self, what: str, more: tuple[Dimension, ...] = ()) -> tuple[Quantity, Index]:
        return self.scope.hide_along(what, self.outer, more)

    def define(self, target: Quantity, index: Index, body: Node, axes: tuple[Axis, ...] = ()) -> None:
        self.scope.symbols.equations.append(Equation(target.id, body, (*self.axes, *axes), index))

    def number(self, what: str, body: Node) -> Ref:
        """Return a hidden quantity with one number for each step of the loops around."""
        return kept(self.scope, what, body, self.outer)

    @property
    def dimension(self) -> Dimension:
        return quantity_of(self.scope, self.matrix).dimensions[-2]

    def place(self, entry: int | At) -> Node:
        """Return the number of a row, from 0 on."""
        return Ref(places(self.scope.symbols, (self.dimension,)).id, (entry,))

    def counted(self, columns: int) -> Dimension:
        """Return a dimension that numbers the columns of a stage."""
        name = f"{self.scope.target.name} column of {columns}"
        return Dimension(name, tuple(str(number) for number in range(1, columns + 1)))


def inverse(scope: Scope, call: Call) -> Node:
    """INVERT MATRIX(matrix, size): the unit matrix behind it becomes the inverse, as each column is eliminated."""
    work = _work(scope, call)
    ref, pivots = _beginning(work), list[Node]()
    for column in range(work.size):
        ref, pivot = _eliminated(work, ref, column)
        pivots.append(pivot)
    rows, columns = work.rows.axis, work.columns.axis
    around = ref.index[:-2]
    inner, outer = scope.axis(work.size), scope.axis(work.size)
    left = Ref(ref.name, (*around, moving(outer), moving(inner)))
    right = Ref(work.matrix.name, (*work.matrix.index[:-2], moving(inner), moving(outer)))
    terms = Reduce("sum", (inner,), apply("abs", apply("mul", left, right)))
    worst = work.number("largest terms", Reduce("max", (outer,), terms))
    usable = apply("and", apply("gt", reduce(partial(apply, "min"), pivots), ZERO), apply("lt", worst, Num(WORST)))
    element = Ref(ref.name, (*around, moving(rows), moving(columns)))
    return apply("if", usable, element, NOT_A_NUMBER)


def _work(scope: Scope, call: Call) -> _Work:
    """Return what a call works on; refuse a form of it that the guide does not have."""
    if call is not scope.whole:
        raise Refusal("INVERT MATRIX must stand alone on the right side", "Give it a variable of its own.")
    name, last = call.args[0], scope.index[-2:]
    matrix = scope.named(name) if isinstance(name, Name) else None
    loops = {loop.axis.id: loop for loop in scope.loops}
    ends = [loops[entry.axis] for entry in last if isinstance(entry, At)]
    cure = "Write it as inverse[row, column] = INVERT MATRIX(matrix[row, column], ELMCOUNT(row))."
    if len(ends) < 2 or not isinstance(matrix, Ref) or len(matrix.index) < 2:
        raise Refusal("INVERT MATRIX takes a variable whose last two subscripts are the last two on the left", cure)
    dimensions = quantity_of(scope, matrix).dimensions[-2:]
    for entry, loop, dimension in zip(matrix.index[-2:], ends, dimensions, strict=True):
        if entry != moving(loop.axis) or loop.elements != tuple(map(fold, dimension.elements)):
            what = "INVERT MATRIX takes a whole variable whose last two subscripts are the last two on the left"
            raise Refusal(what, cure)
    around = {entry.axis for entry in matrix.index[:-2] if isinstance(entry, At)}
    if around & {loop.axis.id for loop in ends}:
        raise Refusal("one subscript of the matrix of INVERT MATRIX stands in two places", cure)
    sizes = {loop.axis.size for loop in ends}
    if len(sizes) > 1 or scope.node(call.args[1]) != Num(float(ends[0].axis.size)):
        what = "the matrix and the size of INVERT MATRIX must have the same number of rows and columns"
        raise Refusal(what, "Write the size as a number, or with ELMCOUNT.")
    if ends[0].axis.size > LARGEST:
        raise Refusal(f"INVERT MATRIX of more than {LARGEST} rows is not supported", "Invert it in blocks.")
    return _Work(scope, matrix, ends[0], ends[1], tuple(loop for loop in scope.loops if loop not in ends))


def _beginning(work: _Work) -> Ref:
    """Return the matrix with the unit matrix behind it."""
    size, rows, columns = work.size, work.rows.axis, work.columns.axis
    stage, around = work.hide("extended", (work.dimension, work.counted(2 * size)))
    row, column = moving(rows), moving(columns)
    work.define(stage, (*around, row, column), work.matrix, (rows, columns))
    behind = At(columns.id, tuple(range(size, 2 * size)))
    unit = apply("eq", work.place(row), work.place(column))
    work.define(stage, (*around, row, behind), unit, (rows, columns))
    return Ref(stage.id, (*around, row, column))


def _eliminated(work: _Work, before: Ref, number: int) -> tuple[Ref, Ref]:
    """Return the next stage and the size of its pivot: the first column is made a unit's, and then left out."""
    size, width = work.size, 2 * work.size - number - 1
    name, around = before.name, before.index[:-2]

    def old(row: int | At, column: int | At) -> Ref:
        return Ref(name, (*around, row, column))

    below = work.scope.axis(size - number)
    rest = At(below.id, tuple(range(number, size)))
    candidate = apply("abs", old(rest, 0))
    largest = work.number(f"pivot {number + 1}", Reduce("max", (below,), candidate))
    chosen = apply("if", apply("eq", candidate, largest), work.place(rest), Num(float(size)))
    pivot = work.number(f"pivot row {number + 1}", Reduce("min", (below,), chosen))

    def picked(column: int | At) -> Node:
        return Reduce("sum", (below,), apply("if", apply("eq", work.place(rest), pivot), old(rest, column), ZERO))

    columns = work.scope.axis(width)
    here, next_to = moving(columns), At(columns.id, tuple(range(1, width + 1)))
    line, _ = work.hide(f"pivot line {number + 1}", (work.counted(width),))
    # Without a pivot the result is no number, and it is the variable itself that a run is to name.
    divisor = apply("if", apply("gt", largest, ZERO), picked(0), ONE)
    work.define(line, (*around, here), apply("div", picked(next_to), divisor), (columns,))
    divided = Ref(line.id, (*around, here))
    stage, _ = work.hide(f"eliminated {number + 1}", (work.dimension, work.counted(width)))
    work.define(stage, (*around, number, here), divided, (columns,))
    if size > 1:
        others = work.scope.axis(size - 1)
        other = At(others.id, tuple(row for row in range(size) if row != number))
        is_pivot = apply("eq", work.place(other), pivot)
        # The row that stood here goes where the pivot's row was.
        first, value = (apply("if", is_pivot, old(number, at), old(other, at)) for at in (0, next_to))
        body = apply("sub", value, apply("mul", first, divided))
        work.define(stage, (*around, other, here), body, (others, columns))
    return Ref(stage.id, (*around, moving(work.rows.axis), moving(work.columns.axis))), largest
