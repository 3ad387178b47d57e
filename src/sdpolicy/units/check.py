"""Dimensional consistency of a Program: every equation, through tables, branches, powers and delays.

A unit that is not stated, the number 0, infinities and :NA: fit everything; another number in an equation is
dimensionless, so that a number which stands for a quantity is found and can get a name. It knows no scenario or
backend.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePath
from typing import Final

from sdpolicy.errors import CheckError, Problem
from sdpolicy.expression import COMPARISONS, LOGIC, STEP_TIME, TIME, Apply, Lookup, Node, Num, Reduce, Ref, walk
from sdpolicy.program import Program, Quantity
from sdpolicy.units.spelling import INFIX, NAMES, spell
from sdpolicy.units.text import DIMENSIONLESS, Unit, read_unit

Known = Unit | None
"""The unit of a part, or None when it fits everything."""

ALIKE: Final = frozenset({"add", "sub", "min", "max", "modulo", "quantum"}) | COMPARISONS
SAME: Final = frozenset({"neg", "abs", "integer", "initial"})
PURE: Final = frozenset({"exp", "ln", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"})

UNLIMITED: Final = 2.0**109
"""From here on, up or down, a number stands for no quantity: :NA: is the negative of this."""


def check_units(program: Program) -> tuple[Problem, ...]:
    """Return what is wrong with the units of ``program``; nothing when all equations are consistent.

    A message shows the equation with the unit of each variable, what does not fit, and the smallest repair.
    Variables that state no unit are told in one problem; their equations are checked as far as possible.
    """
    return tuple(dict.fromkeys(_problems(program)))


def _problems(program: Program) -> Iterator[Problem]:
    units: dict[str, Known] = {}
    silent = []
    for quantity in program.quantities:
        units[quantity.id] = None
        if not quantity.unit.strip():
            silent += [quantity.name] if not quantity.part_of else []
            continue
        try:
            units[quantity.id] = read_unit(quantity.unit)
        except CheckError as error:
            yield Problem(_place(program, quantity), f"unit '{quantity.unit}': {_reason(error)}", _cure(error))
    if silent:
        listed = ", ".join(f"'{name}'" for name in silent[:5])
        more = f" and {len(silent) - 5} more" if len(silent) > 5 else ""
        yield Problem(_file(program), f"no unit is stated for {listed}{more}", "State one; a pure number is Dmnl.")
    time = units.get("time_step") or units.get("initial_time")
    for table in program.tables:
        units.setdefault(table.id, _table_unit(table.unit))
    for equation in program.equations:
        check = _Check(program, program.by_id[equation.target], units, time)
        yield from check.body(equation.body, units[equation.target])
        if equation.initial is not None:
            yield from check.body(equation.initial, units[equation.target])
    for stock in program.stocks:
        check = _Check(program, program.by_id[stock.target], units, time)
        unit = units[stock.target]
        yield from check.body(stock.flow, unit / time if unit and time else None, "d/dt ")
        yield from check.body(stock.initial, unit, "initial ")


def _table_unit(text: str) -> Known:
    try:
        return read_unit(text) if text.strip() else None
    except CheckError:
        return None


def _reason(error: CheckError) -> str:
    return error.problems[0].what


def _cure(error: CheckError) -> str:
    return error.problems[0].cure


def _file(program: Program) -> str:
    return PurePath(program.source).name or program.name


def _place(program: Program, quantity: Quantity) -> str:
    line = f", line {quantity.line}" if quantity.line else ""
    return f"{_file(program)}{line}, '{quantity.name}'"


@dataclass
class _Check:
    """The check of what defines one quantity."""

    program: Program
    target: Quantity
    units: Mapping[str, Known]
    time: Known
    found: list[tuple[str, str]] = field(default_factory=list)

    def body(self, node: Node, expected: Known, prefix: str = "") -> Iterator[Problem]:
        """Yield what is wrong with one right-hand side whose unit should be ``expected``."""
        self.found.clear()
        if all(isinstance(part, Num | Apply) for part in walk(node)):
            return  # numbers alone: a constant has the unit that it states
        unit = self.of(node)
        if not self.found and unit is not None and expected is not None and unit != expected:
            self.found.append(
                (
                    f"the left side is in {_shown(expected)}, the right side in {_shown(unit)}",
                    self._sides(unit, expected, prefix),
                )
            )
        equation = f"{prefix}{self._named(self.target.id)} = {spell(node, self._named)}"
        for what, cure in self.found:
            yield Problem(_place(self.program, self.target), f"{what}, in: {equation}", cure)

    def of(self, node: Node) -> Known:
        """Return the unit of ``node``, and note what does not fit below it."""
        match node:
            case Num(value=value):
                return None if value == 0 or abs(value) >= UNLIMITED else DIMENSIONLESS
            case Ref(name=name):
                return self.time if name in (TIME, STEP_TIME) else self.units.get(name)
            case Lookup(table=table, x=x):
                self.of(x)
                return self.units.get(table)
            case Reduce(op=op, body=body):
                unit = self.of(body)
                return unit if op != "prod" or unit == DIMENSIONLESS else None
            case Apply(op=op, args=args):
                return self._apply(op, args, node)

    def _apply(self, op: str, args: Sequence[Node], node: Node) -> Known:
        if op in ALIKE:
            unit = self._alike(args, f"the sides of '{_sign(op)}'")
            return DIMENSIONLESS if op in COMPARISONS else unit
        if op in SAME:
            return self.of(args[0])
        if op in PURE:
            self._pure(args[0], f"the argument of {_sign(op)}")
            return DIMENSIONLESS
        if op in LOGIC or op == "noise":
            for arg in args:
                self.of(arg)
            return DIMENSIONLESS
        if op in ("mul", "div", "zidz", "xidz"):
            return self._product(op, args)
        if op in ("pow", "sqrt"):
            return self._power(args[0], args[1] if op == "pow" else Num(0.5), node)
        return self._function(op, args)

    def _function(self, op: str, args: Sequence[Node]) -> Known:
        """Functions of time, and those that carry a state: input, times, initial value."""
        match op:
            case "if":
                self.of(args[0])
                return self._alike(args[1:], "the branches of IF THEN ELSE")
            case "step":
                self._times(args[1:], op)
                return None if isinstance(args[0], Num) else self.of(args[0])
            case "ramp":
                self._times(args[1:], op)
                slope = None if isinstance(args[0], Num) else self.of(args[0])
                return slope * self.time if slope and self.time else None
            case "pulse" | "pulse train":
                self._times(args, op)
                return DIMENSIONLESS
            case "smooth" | "smooth n" | "delay" | "delay n" | "delay fixed":
                self._times(args[1:2], op)
                return self._alike((args[0], args[2]), f"the input and the initial value of {_sign(op)}")
            case "sample if true":
                self.of(args[0])
                return self._alike(args[1:], f"the input and the initial value of {_sign(op)}")
            case "trend":
                self.of(args[0])
                self._times(args[1:2], op)
                return DIMENSIONLESS / self.time if self.time else None
            case "forecast":
                self._times(args[1:3], op)
                return self.of(args[0])
            case "random uniform" | "random normal":
                return self._alike(args[:-1], f"the arguments of {_sign(op)}")
            case _:
                return None

    def _alike(self, parts: Sequence[Node], what: str) -> Known:
        """Return the unit that ``parts`` share; note it when two differ."""
        units = [(part, self.of(part)) for part in parts]
        known = [(part, unit) for part, unit in units if unit is not None]
        for part, unit in known[1:]:
            first = known[0][1]
            if unit != first:
                said = f"{what} differ: {self._part(known[0][0])} is in {_shown(first)}, {self._part(part)} in"
                self.found.append((f"{said} {_shown(unit)}", self._repair(known[0], (part, unit))))
                return None
        return known[0][1] if known else None

    def _times(self, parts: Sequence[Node], op: str) -> None:
        """Note parts that should be times and are not; a number alone may pass."""
        for part in parts:
            unit = None if isinstance(part, Num) else self.of(part)
            if unit is not None and self.time is not None and unit != self.time:
                what = f"a time of {_sign(op)}, {self._part(part)}, is in {_shown(unit)}, not in {_shown(self.time)}"
                self.found.append((what, self._factor(part, unit, self.time)))

    def _pure(self, part: Node, what: str) -> None:
        unit = self.of(part)
        if unit is not None and unit != DIMENSIONLESS:
            cure = f"Divide it by a reference value in {_shown(unit)}."
            self.found.append((f"{what}, {self._part(part)}, is in {_shown(unit)}, not a pure number", cure))

    def _product(self, op: str, args: Sequence[Node]) -> Known:
        left, right = self.of(args[0]), self.of(args[1])
        unit = None if left is None or right is None else left * right if op == "mul" else left / right
        if op == "xidz":
            other = self.of(args[2])
            if unit is not None and other is not None and unit != other:
                what = f"the quotient of XIDZ is in {_shown(unit)}, what stands in for it in {_shown(other)}"
                self.found.append((what, self._factor(args[2], other, unit)))
        return unit

    def _power(self, base: Node, exponent: Node, node: Node) -> Known:
        unit = self.of(base)
        self._pure(exponent, "the exponent")
        if unit is None or unit == DIMENSIONLESS:
            return unit
        if isinstance(exponent, Num):
            power = Fraction(exponent.value).limit_denominator(1000)
            return unit**power if abs(power) <= 12 else None
        cure = f"Divide {self._part(base)} by a reference value in {_shown(unit)} first."
        self.found.append((f"the power {self._part(node)} has a unit that depends on its exponent", cure))
        return None

    def _repair(self, one: tuple[Node, Unit], other: tuple[Node, Unit]) -> str:
        """Say how two parts could be made alike: by a name for a number, or by a factor for the second."""
        for (part, _), (_, unit) in ((one, other), (other, one)):
            if isinstance(part, Num):
                return f"Give the number {part.value:g} a name, as a constant in {_shown(unit)}."
        return self._factor(other[0], other[1], one[1])

    def _factor(self, part: Node, unit: Unit, wanted: Unit) -> str:
        """Say by what ``part`` would have to be multiplied or divided."""
        return f"{_change(self._part(part), unit, wanted)}."

    def _sides(self, unit: Unit, expected: Unit, prefix: str) -> str:
        if prefix == "d/dt ":
            return f"{_change('the flow', unit, expected)}."
        own = f", or state '{unit}' as its unit" if not prefix else ""
        return f"{_change('the right side', unit, expected)}{own}."

    def _part(self, node: Node) -> str:
        bare = spell(node, lambda id_: self._name(id_))
        return bare if isinstance(node, Num) else f"'{bare}'"

    def _name(self, id_: str) -> str:
        if id_ in (TIME, STEP_TIME):
            return "Time"
        table = self.program.table_by_id.get(id_)
        quantity = self.program.by_id.get(id_)
        return quantity.name if quantity else (table.name or "table") if table else id_

    def _named(self, id_: str) -> str:
        unit = self.units.get(id_)
        quantity = self.program.by_id.get(id_)
        text = quantity.unit if quantity else str(self.time or "?") if id_ in (TIME, STEP_TIME) else ""
        return f"{self._name(id_)} [{text or (str(unit) if unit else '?')}]"


def _shown(unit: Known) -> str:
    return f"'{unit}'" if unit is not None else "?"


def _sign(op: str) -> str:
    return INFIX[op][0] if op in INFIX else NAMES.get(op, op.upper())


def _change(part: str, unit: Unit, wanted: Unit) -> str:
    """Say what turns ``part`` from one unit into another: a constant for a scale, else what is missing."""
    ratio = wanted / unit
    if not ratio.dimensions:
        below = f"({unit})" if "*" in str(unit) or "/" in str(unit) else str(unit)
        return f"Multiply {part} by a constant of {float(1 / ratio.scale):g} in '{wanted}/{below}'"
    if sum(exponent for _, exponent in ratio.dimensions) >= 0:
        return f"Multiply {part} by something in '{ratio}'"
    return f"Divide {part} by something in '{DIMENSIONLESS / ratio}'"
