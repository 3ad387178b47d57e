"""Parsed right sides become our expressions: names, subscripts and functions resolved. It knows no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sdpolicy.errors import suggest
from sdpolicy.expression import (
    TIME,
    Apply,
    At,
    Axis,
    Index,
    Interpolation,
    Lookup,
    Node,
    Num,
    Reduce,
    Ref,
    moving,
    rewrite,
    walk,
)
from sdpolicy.program import CONTROL, Dimension, Equation, Quantity, Stock, Table, fold
from sdpolicy.vensim.functions import BINDING, KNOWN, REDUCTIONS, REFUSED, SIMPLE, SINGLE, TABLE_MODES, VECTORS
from sdpolicy.vensim.prepare import Points, Refusal
from sdpolicy.vensim.scope import kept
from sdpolicy.vensim.single import single
from sdpolicy.vensim.subscripts import Elements
from sdpolicy.vensim.symbols import Block, Curves, Loop, Macro, Refuse, Symbols
from sdpolicy.vensim.syntax import INTERNAL, Call, Inline, Name, Number, Syntax, Text
from sdpolicy.vensim.vectors import marks, vector


class Translator:
    """Translates the right sides of one definition, for one block of its elements."""

    def __init__(self, symbols: Symbols, target: Quantity, block: Block, refuse: Refuse) -> None:
        self.symbols, self.target, self.refuse = symbols, target, refuse
        self.loops: list[Loop] = []
        self.fixed: list[str] = []
        self.marked: dict[str, Loop] = {}
        self.local: dict[str, Node | Curves] = {}
        self.inside: tuple[str, ...] = ()
        self.whole: Syntax | None = None
        self._count = 0
        for written, elements in block.places:
            if written is None:
                self.fixed.append(elements[0])
            else:
                self.loops.append(self._loop(fold(written), elements))
        self.axes = tuple(loop.axis for loop in self.loops)
        self.block = block
        self.index = self._own_index(target)

    def _loop(self, name: str, elements: Elements) -> Loop:
        return Loop(name, self.axis(len(elements)), elements)

    def axis(self, size: int) -> Axis:
        """Return a new loop."""
        self._count += 1
        return Axis(f"i{self._count}", size)

    def _own_index(self, quantity: Quantity) -> Index:
        """Return where the loops of this definition stand in a quantity that has the subscripts of its left side."""
        loops = iter(self.loops)
        index: list[int | At] = []
        for (written, elements), dimension in zip(self.block.places, quantity.dimensions, strict=True):
            places = positions(elements, dimension)
            index.append(places[0] if written is None else At(next(loops).axis.id, places))
        return tuple(index)

    def define(self, target: str, index: Index, body: Syntax) -> None:
        """Add the stock or equation that ``body`` makes of a quantity (by identifier)."""
        self.whole = body
        match body:
            case Call(function="integ", args=(flow, initial)):
                stock = Stock(target, self.node(flow), self.node(initial), self.axes, index)
                self.symbols.stocks.append(stock)
            case Call(function="active initial", args=(running, starting)):
                nodes = self.node(running), self.node(starting)
                self.symbols.equations.append(Equation(target, nodes[0], self.axes, index, nodes[1]))
            case Call(function="sample if true", args=(_, _, initial)):
                node = self._before(target, index, self.node(body), initial)
                self.symbols.equations.append(Equation(target, node, self.axes, index))
            case _:
                self.symbols.equations.append(Equation(target, self.node(body), self.axes, index))

    def _before(self, target: str, index: Index, sample: Node, initial: Syntax) -> Node:
        """Let a SAMPLE IF TRUE that names its own variable read the value of one step before."""
        own = Ref(target, index)
        if own not in walk(sample):
            return sample
        quantity, place = self.hide_here("before", "auxiliary")
        delayed = Apply("delay fixed", (own, Num(0.0), self.node(initial)))
        self.symbols.equations.append(Equation(quantity.id, delayed, self.axes, place))
        return rewrite(sample, lambda node: Ref(quantity.id, place) if node == own else node)

    def node(self, syntax: Syntax) -> Node:
        """Translate one expression. What cannot be is noted, and a number stands in its place."""
        try:
            return self._node(syntax)
        except Refusal as refusal:
            self.refuse(refusal.what, refusal.cure)
            return Num(0.0)

    def _node(self, syntax: Syntax) -> Node:
        match syntax:
            case Number(value=value):
                return Num(value)
            case Text(value=text):
                raise Refusal(f"the text '{text}' stands where a number is expected")
            case Inline(x=x, points=points):
                return Lookup(self._inline(points), self.node(x))
            case Name():
                return self.named(syntax)
            case Call():
                return self._call(syntax)

    def _inline(self, points: Points) -> str:
        name = f"{self.target.name} table"
        made = self.symbols.fresh(name)
        self.symbols.tables.append(Table(made, (points,), (), name, line=self.target.line))
        return made

    def named(self, name: Name) -> Node:
        """Translate a name, or refuse it."""
        folded = fold(name.name)
        if folded == "time":
            return Ref(TIME)
        if self.inside:
            return self._name_in_macro(folded)
        quantity = self.symbols.quantities.get(folded)
        if quantity is not None:
            return Ref(quantity.id, self.resolve(name.subscripts, quantity.dimensions, quantity.name))
        if folded in self.symbols.curves:
            what = f"the table '{self.symbols.names[folded]}' stands where a number is expected"
            raise Refusal(what, "Give it an argument: table(x).")
        if folded in self.symbols.book.ranges or folded in self.symbols.book.home:
            return self._position(folded)
        if folded in self.symbols.names:
            return Num(0.0)  # its own definition is the problem, and has been noted
        hint = suggest(folded, self.symbols.names.values())
        raise Refusal(f"'{self._spelled(name.name)}' is not defined", hint or "Define it, or correct its name.")

    def _name_in_macro(self, folded: str) -> Node:
        """Resolve a name inside of a macro: its own, the run's settings, or the model's with a ``$``."""
        found = self.local.get(folded)
        outside = folded.removesuffix("$").strip()
        if folded.endswith("$") and outside == TIME:
            return Ref(TIME)
        if found is None and (folded.endswith("$") or folded.replace(" ", "_") in CONTROL):
            quantity = self.symbols.quantities.get(outside)
            if quantity is not None and not quantity.dimensions:
                return Ref(quantity.id)
        if found is None:
            raise Refusal(f"'{folded}' is not defined inside of the macro", "Make it one of the macro's inputs.")
        if isinstance(found, Curves):
            raise Refusal(f"the table '{folded}' stands where a number is expected", "Give it an argument.")
        return found

    def _expand(self, macro: Macro, call: Call) -> Node:
        """Write a macro's equations out, with quantities of their own for this one call."""
        if macro.name in self.inside:
            raise Refusal(f"the macro '{macro.name}' calls itself")
        if self.marked:
            what = f"the macro '{macro.name}' stands inside of SUM, PROD, VMIN, VMAX or VECTOR SELECT"
            raise Refusal(what, "Give it a variable of its own.")
        if len(call.outputs) != len(macro.outputs):
            what = f"the macro '{macro.name}' has {len(macro.outputs)} further outputs, and none is given here"
            raise Refusal(what, f"Write it alone on the right side: x = {macro.name}(inputs : outputs).")
        self._arity(call, len(macro.inputs))
        local: dict[str, Node | Curves] = {}
        for name, arg in zip(macro.inputs, call.args, strict=True):
            local[name] = self._input(name, arg)
        made: dict[str, tuple[Quantity, Index]] = {}
        for definition, _ in macro.definitions:
            level = isinstance(definition.body, Call) and definition.body.function == "integ"
            key = fold(definition.name)
            made[key] = self.hide_here(definition.name, "stock" if level else "auxiliary")
            local[key] = Ref(made[key][0].id, made[key][1])
        if fold(macro.name) not in made:
            return Num(0.0)  # the macro's own definition is the problem, and has been noted
        outside = self.local, self.inside
        self.local, self.inside = local, (*self.inside, macro.name)
        try:
            for definition, _ in macro.definitions:
                quantity, index = made[fold(definition.name)]
                if not isinstance(definition.body, Number | Name | Call | Inline):
                    raise Refusal(f"'{definition.name}' cannot be read inside of the macro '{macro.name}'")
                self.define(quantity.id, index, definition.body)
        finally:
            self.local, self.inside = outside
        for name, output in zip(call.outputs, macro.outputs, strict=True):
            target = self.symbols.quantities.get(name)
            if target is not None and output in made:
                body = Ref(made[output][0].id, made[output][1])
                self.symbols.equations.append(Equation(target.id, body, self.axes, self._own_index(target)))
        quantity, index = made[fold(macro.name)]
        return Ref(quantity.id, index)

    def _input(self, name: str, arg: Syntax) -> Node | Curves:
        """Return what an input of a macro stands for: a table, a number, or a quantity of its own."""
        if isinstance(arg, Name) and not arg.subscripts:
            held = self.local.get(fold(arg.name)) if self.inside else self.symbols.curves.get(fold(arg.name))
            if isinstance(held, Curves):
                return held
        node = self.node(arg)
        if isinstance(node, Num | Ref):
            return node
        return kept(self, name, node, self.loops)

    @staticmethod
    def _spelled(name: str) -> str:
        return name.replace("_", " ").strip('"')

    def _position(self, name: str) -> Node:
        """Return the place of an element in its range, counted from 1, as Vensim does."""
        book = self.symbols.book
        if name not in book.ranges:
            return Num(float(book.ranges[book.home[name]].elements.index(name) + 1))
        loop = next((one for one in self.loops if one.range == name), None)
        if loop is None:
            shown = book.ranges[name].name
            raise Refusal(f"the subscript range '{shown}' stands where a number is expected")
        whole = book.whole(loop.elements)
        quantity = self._hide("position", "constant", (Dimension(whole.name, whole.shown),))
        for place in range(len(whole.elements)):
            self.symbols.equations.append(Equation(quantity.id, Num(float(place + 1)), (), (place,)))
        places = tuple(whole.elements.index(element) for element in loop.elements)
        return Ref(quantity.id, (At(loop.axis.id, places),))

    def resolve(self, written: tuple[str, ...], dimensions: tuple[Dimension, ...], name: str) -> Index:
        """Return where a reference with these subscripts points to."""
        if len(written) != len(dimensions):
            ranges = ", ".join(dimension.name for dimension in dimensions) or "none"
            what = f"'{name}' has the subscripts {ranges}, and {len(written)} are given"
            raise Refusal(what, f"Write it as {name}[{ranges}]." if dimensions else "Take the subscripts out.")
        return tuple(self._place(text, dimension, name) for text, dimension in zip(written, dimensions, strict=True))

    def _place(self, written: str, dimension: Dimension, name: str) -> int | At:
        book = self.symbols.book
        folded = fold(written.rstrip("! "))
        own = tuple(map(fold, dimension.elements))
        if written.rstrip().endswith("!"):
            loop = self.marked.get(folded)
            if loop is None:
                what = f"'{written}' stands outside of SUM, PROD, VMIN, VMAX and VECTOR SELECT"
                raise Refusal(what, "Take the ! out.")
            return At(loop.axis.id, _within(loop.elements, own, name))
        if folded not in book.ranges:
            return _within(book.elements(folded), own, name)[0]
        loop = self._matching(folded)
        if loop is not None:
            return At(loop.axis.id, _within(loop.elements, own, name))
        return self._mapped(folded, own, name)

    def _matching(self, name: str) -> Loop | None:
        """Return the loop over that range: the same name first, then an equivalent one."""
        root = self.symbols.book.ranges[name].root
        same = [loop for loop in self.loops if loop.range == name]
        alike = [loop for loop in self.loops if self.symbols.book.ranges[loop.range].root == root]
        return same[0] if same else alike[0] if len(alike) == 1 else None

    def _mapped(self, name: str, own: Elements, quantity: str) -> int | At:
        book = self.symbols.book
        shown = book.ranges[name].name
        found: list[tuple[str, tuple[str, ...], Loop | None]] = []
        for loop in self.loops:
            images = tuple(book.image(loop.range, element, name) or "" for element in loop.elements)
            if all(images):
                found.append((loop.range, images, loop))
        for element in self.fixed:
            image = book.image(book.home[element], element, name)
            if image is not None:
                found.append((book.home[element], (image,), None))
        named = [one for one in found if book.names(name, one[0])]
        chosen = named if len(named) == 1 else found
        if len(chosen) == 1:
            places, moving = _within(chosen[0][1], own, quantity), chosen[0][2]
            return places[0] if moving is None else At(moving.axis.id, places)
        if found:
            what = f"'{shown}' is mapped to more than one subscript of the left side"
            raise Refusal(what, "Write the subscript that is meant, with a range that equals it (<->).")
        cure = f"Use an element of '{shown}', a mapping, or SUM({quantity}[{shown}!])."
        raise Refusal(f"the left side does not have the subscript range '{shown}'", cure)

    def _call(self, call: Call) -> Node:
        function = fold(call.function)
        curves = self.local.get(function) if self.inside else self.symbols.curves.get(function)
        if isinstance(curves, Curves) and call.written:
            return self._read(curves, call)
        if function in self.symbols.macros and call.written:
            return self._expand(self.symbols.macros[function], call)
        if function in INTERNAL and call.written:
            raise self._unknown(function)
        if call.subscripts:
            raise Refusal(f"'{self._spelled(call.function)}' is no table that could be called")
        if function in SIMPLE:
            operator, count = SIMPLE[function]
            self._arity(call, count)
            return Apply(operator, tuple(map(self.node, call.args)))
        if function in REDUCTIONS:
            return self._reduce(call)
        special = _SPECIAL.get(function)
        if special is not None:
            return special(self, call)
        if function in self.symbols.names and function not in self.symbols.quantities:
            return Num(0.0)  # a table whose own definition is the problem
        raise self._unknown(function)

    def _unknown(self, function: str) -> Refusal:
        if function in REFUSED:
            return Refusal(f"the function {function.upper()} is not supported", REFUSED[function])
        if function in self.symbols.quantities:
            shown = self.symbols.quantities[function].name
            what = f"'{shown}' is called like a table, and is none"
            return Refusal(what, "Put an operator between, or define a table.")
        hint = suggest(function, [*map(str.upper, KNOWN - INTERNAL), *self.symbols.names.values()])
        cure = hint or "Correct its name, or define a table of that name."
        return Refusal(f"the function '{function.upper()}' is unknown", cure)

    def _arity(self, call: Call, count: int) -> None:
        if len(call.args) != count:
            raise Refusal(f"{fold(call.function).upper()} takes {count} arguments, not {len(call.args)}")

    def _read(self, curves: Curves, call: Call) -> Node:
        self._arity(call, 1)
        index = self.resolve(call.subscripts, curves.dimensions, self._spelled(call.function))
        return Lookup(curves.table, self.node(call.args[0]), curves.mode, index)

    def _table_mode(self, call: Call) -> Node:
        self._arity(call, 2)
        table, x = call.args
        if not isinstance(table, Name) or fold(table.name) not in self.symbols.curves:
            raise Refusal(f"{call.function.upper()} needs a table as its first argument")
        curves = self.symbols.curves[fold(table.name)]
        index = self.resolve(table.subscripts, curves.dimensions, self.symbols.names[fold(table.name)])
        mode: Mapping[str, Interpolation] = TABLE_MODES  # type: ignore[assignment]
        return Lookup(curves.table, self.node(x), mode[fold(call.function)], index)

    def _reduce(self, call: Call) -> Node:
        self._arity(call, 1)
        loops, (body,) = self.bound(call)
        return Reduce(REDUCTIONS[fold(call.function)], tuple(loop.axis for loop in loops), body)  # type: ignore[arg-type]

    def bound(self, call: Call) -> tuple[list[Loop], list[Node]]:
        """Translate the arguments whose marked ranges a call runs over; return the loops over these, too."""
        args = call.args[: BINDING[fold(call.function)]]
        names = list(dict.fromkeys(name for arg in args for name in marks(arg)))
        if not names:
            cure = "Mark the range to run over with !, as in SUM(x[range!])."
            raise Refusal(f"{call.function.upper()} has no subscript marked with !", cure)
        before = self.marked
        loops = [self._loop(name, self.symbols.book.elements(name)) for name in names]
        self.marked = {**before, **{loop.range: loop for loop in loops}}
        try:
            return loops, list(map(self.node, args))
        finally:
            self.marked = before

    def _single(self, call: Call) -> Node:
        self._arity(call, SINGLE[fold(call.function)])
        return single(self, call)

    def _vector(self, call: Call) -> Node:
        self._arity(call, VECTORS[fold(call.function)])
        return vector(self, call)

    def _integ(self, call: Call) -> Node:
        """A stock inside a larger expression: it gets a quantity of its own."""
        self._arity(call, 2)
        flow, initial = map(self.node, call.args)
        quantity, index = self.hide_here("level", "stock")
        self.symbols.stocks.append(Stock(quantity.id, flow, initial, self.axes, index))
        return Ref(quantity.id, index)

    def _active_initial(self, call: Call) -> Node:
        self._arity(call, 2)
        body, initial = map(self.node, call.args)
        quantity, index = self.hide_here("active", "auxiliary")
        self.symbols.equations.append(Equation(quantity.id, body, self.axes, index, initial))
        return Ref(quantity.id, index)

    def hide_here(self, what: str, kind: str) -> tuple[Quantity, Index]:
        """Add a hidden quantity with the loops of the definition at hand; return it and its index there."""
        return self.hide_along(what, self.loops, kind=kind)

    def hide_along(
        self, what: str, loops: Sequence[Loop], more: tuple[Dimension, ...] = (), *, kind: str = "auxiliary"
    ) -> tuple[Quantity, Index]:
        """Add a hidden quantity with some loops of the definition at hand, and ``more`` dimensions behind these.

        Its index has the entries for the loops only.
        """
        if self.marked:
            raise Refusal(
                "a state stands inside of SUM, PROD, VMIN, VMAX or VECTOR SELECT", "Give it a variable of its own."
            )
        book = self.symbols.book
        dimensions = tuple(book.dimension([loop.range], loop.elements) for loop in loops)
        index = tuple(moving(loop.axis) for loop in loops)
        return self._hide(what, kind, (*dimensions, *more)), index

    def _hide(self, what: str, kind: str, dimensions: tuple[Dimension, ...]) -> Quantity:
        name = f"{self.target.name} {what}"
        made = self.symbols.fresh(name)
        name = made.replace("_", " ") if fold(name) in self.symbols.names else name
        quantity = Quantity(
            name, made, kind, doc=f"Part of the equation of {self.target.name}.",  # type: ignore[arg-type]
            dimensions=dimensions, line=self.target.line, part_of=self.target.name,
        )  # fmt: skip
        self.symbols.names[fold(name)] = name
        self.symbols.hidden.append(quantity)
        return quantity


_SPECIAL: Final[Mapping[str, Callable[[Translator, Call], Node]]] = {
    "integ": Translator._integ,
    "active initial": Translator._active_initial,
    **dict.fromkeys(TABLE_MODES, Translator._table_mode),
    **dict.fromkeys(SINGLE, Translator._single),
    **dict.fromkeys(VECTORS, Translator._vector),
}


def positions(elements: Elements, dimension: Dimension) -> tuple[int, ...]:
    """Return where elements stand in a dimension."""
    own = tuple(map(fold, dimension.elements))
    return tuple(own.index(element) for element in elements)


def _within(elements: Elements, own: Elements, name: str) -> tuple[int, ...]:
    for element in elements:
        if element not in own:
            raise Refusal(f"'{name}' has no element '{element}'", f"It has {', '.join(own[:6])}.")
    return tuple(own.index(element) for element in elements)
