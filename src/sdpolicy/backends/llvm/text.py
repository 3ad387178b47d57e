"""LLVM IR text under construction: values, operators, and sections that run once a member, a step or a stage.

It knows numbers and vectors of numbers, no model. Arithmetic is written exactly as asked: nothing is
contracted, reassociated or approximated.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["f", "i", "b"]
"""A double, a 64-bit integer, a truth value."""

LITERAL, ENTRY, STEP, STAGE = 0, 1, 2, 3
"""How often a value can change: never, with the member, with the step, with the Runge-Kutta stage."""

MAGIC: Final = 6755399441055744.0
"""1.5 * 2**52: adding it leaves the nearest whole number in the low bits."""
PERMUTE: Final = "@llvm.x86.avx512.permvar.df.512"
PERMUTE_TWO: Final = "@llvm.x86.avx512.vpermi2var.pd.512"
REPAIR: Final = "@llvm.x86.avx512.mask.fixupimm.pd.512"
KEEP_NUMBERS: Final = 0x11111100
"""What REPAIR does with each class of numbers, from NaN on: 1 takes it over, 0 leaves what was there."""
SCALAR_TYPE: Final = {"f": "double", "i": "i64", "b": "i1"}


@dataclass(frozen=True, slots=True)
class Value:
    """An operand: its spelling, its kind, whether it has a lane for each member, and how often it changes."""

    name: str
    kind: Kind
    wide: bool
    level: int
    number: float | None = None
    """The number itself, for a literal double."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the code is written for: ``width`` members at a time, on a machine with or without these operations."""

    width: int
    fma: bool = False
    permute: bool = False
    """Whether a vector of 8 doubles can be indexed by a vector (AVX-512)."""


class Writer:
    """Collects the text. A value is written in the section of the operand that changes most often.

    All operations are free of side effects, so that what does not change in a loop stands before it.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.lines: dict[int, list[str]] = {ENTRY: [], STEP: [], STAGE: []}
        self.label: dict[int, str] = {}
        self.at = ENTRY
        self.globals: list[str] = []
        self.declared: dict[str, str] = {}
        self.in_lanes = target.width > 1
        """Whether elements of the workspace are read and written with all their lanes, or the first one only."""
        self._splats: dict[str, str] = {}
        self._serial = 0

    # Names, types, literals

    def fresh(self, stem: str = "v") -> str:
        self._serial += 1
        return f"{stem}{self._serial}"

    def type(self, kind: Kind, wide: bool) -> str:
        scalar = SCALAR_TYPE[kind]
        return f"<{self.target.width} x {scalar}>" if wide else scalar

    def number(self, value: float) -> Value:
        return Value(double(value), "f", False, LITERAL, float(value))

    def integer(self, value: int) -> Value:
        return Value(str(value), "i", False, LITERAL)

    def truth(self, value: bool) -> Value:
        return Value("true" if value else "false", "b", False, LITERAL)

    def use(self, value: Value, wide: bool) -> str:
        """Return the spelling of ``value`` as a scalar or as a vector; a scalar is copied to every lane."""
        if value.wide == wide:
            return value.name
        if not wide:
            raise ValueError(f"{value.name} differs between lanes")
        if value.level == LITERAL:
            return f"splat ({SCALAR_TYPE[value.kind]} {value.name})"
        if value.name not in self._splats:
            vector, scalar = self.type(value.kind, True), SCALAR_TYPE[value.kind]
            first = self.put(value.level, f"insertelement {vector} poison, {scalar} {value.name}, i64 0")
            mask = f"<{self.target.width} x i32> zeroinitializer"
            self._splats[value.name] = self.put(value.level, f"shufflevector {vector} {first}, {vector} poison, {mask}")
        return self._splats[value.name]

    # Lines

    def put(self, level: int, text: str) -> str:
        """Append an instruction that gives a value; return its name."""
        name = f"%{self.fresh()}"
        self.lines[max(level, ENTRY)].append(f"  {name} = {text}")
        return name

    def do(self, text: str, level: int | None = None) -> None:
        """Append an instruction that gives none."""
        self.lines[level or self.at].append(f"  {text}")

    def open(self, label: str) -> None:
        """Begin a block in the current section."""
        self.lines[self.at].append(f"{label}:")
        self.label[self.at] = label

    def emit(self, text: str, kind: Kind, wide: bool, level: int) -> Value:
        return Value(self.put(level, text), kind, wide, max(level, ENTRY))

    # Operators

    def binary(self, op: str, a: Value, b: Value) -> Value:
        wide, level = a.wide or b.wide, max(a.level, b.level)
        text = f"{op} {self.type(a.kind, wide)} {self.use(a, wide)}, {self.use(b, wide)}"
        return self.emit(text, a.kind, wide, level)

    def add(self, a: Value, b: Value) -> Value:
        return self.binary("fadd", a, b)

    def sub(self, a: Value, b: Value) -> Value:
        return self.binary("fsub", a, b)

    def mul(self, a: Value, b: Value) -> Value:
        return self.binary("fmul", a, b)

    def neg(self, a: Value) -> Value:
        return self.emit(f"fneg {self.type('f', a.wide)} {a.name}", "f", a.wide, a.level)

    def compare(self, predicate: str, a: Value, b: Value) -> Value:
        """``predicate`` is that of fcmp for doubles, of icmp for integers."""
        wide, level = a.wide or b.wide, max(a.level, b.level)
        op = "icmp" if a.kind == "i" else "fcmp"
        text = f"{op} {predicate} {self.type(a.kind, wide)} {self.use(a, wide)}, {self.use(b, wide)}"
        return self.emit(text, "b", wide, level)

    def negate(self, a: Value) -> Value:
        return self.binary("xor", a, self.truth(True))

    def select(self, condition: Value, yes: Value, no: Value) -> Value:
        wide = condition.wide or yes.wide or no.wide
        level = max(condition.level, yes.level, no.level)
        kind = self.type(yes.kind, wide)
        test = f"{self.type('b', condition.wide)} {condition.name}"
        text = f"select {test}, {kind} {self.use(yes, wide)}, {kind} {self.use(no, wide)}"
        return self.emit(text, yes.kind, wide, level)

    def intrinsic(self, name: str, *args: Value) -> Value:
        """Call an LLVM intrinsic whose operands and result are doubles of one width."""
        wide = any(arg.wide for arg in args)
        kind = self.type("f", wide)
        suffix = f"v{self.target.width}f64" if wide else "f64"
        self.declare(f"@llvm.{name}.{suffix}", f"{kind} ({', '.join([kind] * len(args))})")
        inside = ", ".join(f"{kind} {self.use(arg, wide)}" for arg in args)
        text = f"call {kind} @llvm.{name}.{suffix}({inside})"
        return self.emit(text, "f", wide, max(arg.level for arg in args))

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a * b + c, rounded once where the machine can: for our own functions only, never for a model's arithmetic."""
        if self.target.fma:
            return self.intrinsic("fma", a, b, c)
        return self.add(self.mul(a, b), c)

    def div(self, a: Value, b: Value) -> Value:
        """a / b. In lanes, a divisor that stays the same in the loop is inverted once; the quotient is that of IEEE.

        With r = 1/b rounded, q = a*r and two fused corrections give the correctly rounded quotient
        (Markstein 1990, doi:10.1147/rd.341.0111; Brisebarre, Muller & Raina 2004, doi:10.1109/TC.2004.37).
        Where a correction meets an infinity it gives NaN, and q already is the quotient.
        """
        if not (self.target.fma and a.wide and b.level <= ENTRY < a.level):
            return self.binary("fdiv", a, b)
        if b.number is not None:
            if b.number == 0.0 or not math.isfinite(1.0 / b.number):
                return self.binary("fdiv", a, b)
            inverse = self.number(1.0 / b.number)
            if math.frexp(b.number)[0] in (0.5, -0.5):
                return self.mul(a, inverse)
        else:
            inverse = self.binary("fdiv", self.number(1.0), b)
        first = self.mul(a, inverse)
        rest = self.intrinsic("fma", self.neg(b) if b.number is None else self.number(-b.number), first, a)
        second = self.intrinsic("fma", rest, inverse, first)
        return self.unless_nan(second, first)

    # Integers

    def bits(self, a: Value) -> Value:
        """The bits of a double as an integer."""
        text = f"bitcast {self.type('f', a.wide)} {a.name} to {self.type('i', a.wide)}"
        return self.emit(text, "i", a.wide, a.level)

    def from_bits(self, a: Value) -> Value:
        text = f"bitcast {self.type('i', a.wide)} {a.name} to {self.type('f', a.wide)}"
        return self.emit(text, "f", a.wide, a.level)

    def count(self, a: Value) -> Value:
        """A truth value as the integer 1 or 0."""
        text = f"zext {self.type('b', a.wide)} {a.name} to {self.type('i', a.wide)}"
        return self.emit(text, "i", a.wide, a.level)

    # Calls

    def declare(self, name: str, signature: str) -> None:
        """Note that ``name`` is defined elsewhere; ``signature`` reads ``result (arguments)``."""
        result, arguments = signature.split(" (", 1)
        self.declared[name] = f"declare {result} {name}({arguments}"

    def call(self, name: str, *args: Value) -> Value:
        """Call a function of doubles from outside, lane by lane where the arguments have lanes."""
        if name not in self.declared:
            kinds = ", ".join(["double"] * len(args))
            self.declared[name] = f"declare double {name}({kinds}) nounwind willreturn memory(none)"
        level = max(max(arg.level for arg in args), ENTRY)
        if not any(arg.wide for arg in args):
            inside = ", ".join(f"double {arg.name}" for arg in args)
            return self.emit(f"call double {name}({inside})", "f", False, level)
        vector, result = self.type("f", True), "poison"
        for lane in range(self.target.width):
            parts = [
                f"double {self.put(level, f'extractelement {vector} {arg.name}, i64 {lane}') if arg.wide else arg.name}"
                for arg in args
            ]
            one = self.put(level, f"call double {name}({', '.join(parts)})")
            result = self.put(level, f"insertelement {vector} {result}, double {one}, i64 {lane}")
        return Value(result, "f", True, level)

    # Memory: a workspace of elements, each with a lane for every member of the group

    @property
    def element(self) -> str:
        """The type of one element of the workspace."""
        return self.type("f", self.target.width > 1)

    def place(self, offset: int, index: Value | None = None, level: int | None = None) -> str:
        """Return the address of element ``offset`` (+ ``index``) of the workspace."""
        level = level or self.at
        where = str(offset)
        if index is not None:
            where = self.put(level, f"add i64 {index.name}, {offset}")
        return self.put(level, f"getelementptr inbounds {self.element}, ptr %ws, i64 {where}")

    def load(
        self, offset: int, index: Value | None = None, level: int | None = None, *, wide: bool | None = None
    ) -> Value:
        level = level or self.at
        wide = self.in_lanes if wide is None else wide
        if index is not None:
            level = max(level, index.level)
        address = self.place(offset, index, level)
        return self.emit(f"load {self.type('f', wide)}, ptr {address}, align {self.alignment}", "f", wide, level)

    def store(self, value: Value, offset: int, index: Value | None = None, *, wide: bool | None = None) -> None:
        wide = self.in_lanes if wide is None else wide
        address = self.place(offset, index)
        self.do(f"store {self.type('f', wide)} {self.use(value, wide)}, ptr {address}, align {self.alignment}")

    @property
    def alignment(self) -> int:
        """The alignment of elements of the workspace, in bytes."""
        return 8 * self.target.width

    def gather(self, array: str, index: Value, constant: bool = True) -> Value:
        """Read an array of doubles at ``index``, in each lane at its own."""
        n, level = self.target.width, max(index.level, ENTRY)
        pointers = f"<{n} x ptr>" if index.wide else "ptr"
        where = f"getelementptr inbounds double, ptr {array}, {self.type('i', index.wide)} {index.name}"
        address = self.put(level, where)
        if not index.wide:
            note = ", !invariant.load !0" if constant else ""
            return self.emit(f"load double, ptr {address}{note}", "f", False, level)
        name = f"@llvm.masked.gather.v{n}f64.v{n}p0"
        mask, vector = f"<{n} x i1>", self.type("f", True)
        self.declare(name, f"{vector} ({pointers}, i32, {mask}, {vector})")
        inside = f"{pointers} {address}, i32 8, {mask} splat (i1 true), {vector} poison"
        return self.emit(f"call {vector} {name}({inside})", "f", True, level)

    def pick(self, values: Sequence[float], index: Value) -> Value:
        """Choose, in each lane, one of at most 16 numbers (AVX-512 only): a table in one register or two."""
        halves = [self._half(index, i) for i in range(self.target.width // 8)]
        size = 8 if len(values) <= 8 else 16
        texts = [double(value) for value in (*values, *[0.0] * (size - len(values)))]
        parts = [f"<8 x double> <{', '.join(f'double {x}' for x in texts[i : i + 8])}>" for i in range(0, size, 8)]
        found = []
        for half in halves:
            if size == 8:
                name, inside = PERMUTE, f"{parts[0]}, <8 x i64> {half}"
                self.declare(PERMUTE, "<8 x double> (<8 x double>, <8 x i64>)")
            else:
                name, inside = PERMUTE_TWO, f"{parts[0]}, <8 x i64> {half}, {parts[1]}"
                self.declare(PERMUTE_TWO, "<8 x double> (<8 x double>, <8 x i64>, <8 x double>)")
            found.append(self.put(index.level, f"call <8 x double> {name}({inside})"))
        return self._whole(found, index.level)

    def unless_nan(self, value: Value, other: Value) -> Value:
        """Return ``value``, and in lanes where it is NaN ``other``: with AVX-512 in one operation instead of two."""
        if not (self.target.permute and value.wide):
            return self.select(self.compare("ord", value, value), value, other)
        kind = "<8 x double>"
        self.declare(REPAIR, f"{kind} ({kind}, {kind}, <8 x i64>, i32, i8, i32)")
        level = max(value.level, other.level)
        found = []
        for i in range(self.target.width // 8):
            inside = f"{kind} {self._half(other, i)}, {kind} {self._half(value, i)}"
            rest = f"<8 x i64> splat (i64 {KEEP_NUMBERS}), i32 0, i8 -1, i32 4"
            found.append(self.put(level, f"call {kind} {REPAIR}({inside}, {rest})"))
        return self._whole(found, level)

    def select_among(self, columns: Sequence[Sequence[float]], index: Value) -> list[Value]:
        """Read each column, of 16 numbers, at the low four bits of ``index``."""
        if self.target.permute:
            return [self.pick(column, index) for column in columns]
        # Lane by lane, which is quicker than gathering (measured with AVX2, AVX-512 switched off).
        shift = (len(columns) - 1).bit_length()
        spare = [0.0] * ((1 << shift) - len(columns))
        rows = [double(value) for row in zip(*columns, strict=True) for value in (*row, *spare)]
        name = f"@rows.{hashlib.sha256(''.join(rows).encode()).hexdigest()[:8]}"
        self.declared[name] = constant_array(name, "double", rows)
        level, vector = max(index.level, ENTRY), self.type("f", True)
        place = self.binary("shl", self.binary("and", index, self.integer(15)), self.integer(shift))
        found = ["poison"] * len(columns)
        for lane in range(self.target.width):
            row = self.put(level, f"extractelement {self.type('i', True)} {place.name}, i64 {lane}")
            for n, known in enumerate(found):
                where = self.put(level, f"add i64 {row}, {n}")
                address = self.put(level, f"getelementptr inbounds double, ptr {name}, i64 {where}")
                one = self.put(level, f"load double, ptr {address}, !invariant.load !0")
                found[n] = self.put(level, f"insertelement {vector} {known}, double {one}, i64 {lane}")
        return [Value(column, "f", True, level) for column in found]

    def _half(self, value: Value, which: int) -> str:
        """Return lanes 8 * which to 8 * which + 7 of a vector."""
        if self.target.width == 8:
            return value.name
        order = ", ".join(f"i32 {8 * which + i}" for i in range(8))
        vector = self.type(value.kind, True)
        return self.put(value.level, f"shufflevector {vector} {value.name}, {vector} poison, <8 x i32> <{order}>")

    def _whole(self, halves: Sequence[str], level: int) -> Value:
        """Put vectors of 8 doubles side by side."""
        if len(halves) == 1:
            return Value(halves[0], "f", True, max(level, ENTRY))
        order = ", ".join(f"i32 {i}" for i in range(16))
        text = f"shufflevector <8 x double> {halves[0]}, <8 x double> {halves[1]}, <16 x i32> <{order}>"
        return self.emit(text, "f", True, level)

    def fetch(self, array: str, index: Value) -> Value:
        """Read a constant array of integers."""
        level = max(index.level, ENTRY)
        address = self.put(level, f"getelementptr inbounds i64, ptr {array}, i64 {index.name}")
        return self.emit(f"load i64, ptr {address}, !invariant.load !0", "i", False, level)

    # Loops and branches, in the current section

    @contextmanager
    def loop(self, size: int) -> Iterator[Value]:
        """Write what is inside once, to run ``size`` times, at least once; gives the loop's counter."""
        if size < 1:
            raise ValueError("a loop runs at least once")
        if size == 1:
            yield self.integer(0)
            return
        before, label, after = self.label[self.at], self.fresh("loop"), self.fresh("after")
        counter, following = f"%{self.fresh('i')}", f"%{self.fresh('i')}"
        self.do(f"br label %{label}")
        self.open(label)
        position = len(self.lines[self.at])
        yield Value(counter, "i", False, self.at)
        self.do(f"{following} = add nuw nsw i64 {counter}, 1")
        more = self.put(self.at, f"icmp ult i64 {following}, {size}")
        self.do(f"br i1 {more}, label %{label}, label %{after}")
        entries = f"[ 0, %{before} ], [ {following}, %{self.label[self.at]} ]"
        self.lines[self.at].insert(position, f"  {counter} = phi i64 {entries}")
        self.open(after)

    def text(self, head: str, level: int) -> str:
        return "\n".join([head, *self.lines[level]])


def double(value: float) -> str:
    """Return a double as IR text, bit for bit."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def attributes(width: int) -> str:
    """Ask for registers as wide as the vectors, on machines that have them."""
    bits = min(max(width * 64, 128), 512)
    # Values that don't fit into registers wait on the stack, which must not split them over cache lines.
    aligned = 'alignstack(64) "stackrealign" ' if width > 1 else ""
    return f'nounwind {aligned}"prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'


def constant_array(name: str, kind: str, values: Sequence[str]) -> str:
    """Return the definition of a constant array."""
    inside = ", ".join(f"{kind} {value}" for value in values)
    return f"{name} = private unnamed_addr constant [{len(values)} x {kind}] [{inside}], align 64"
