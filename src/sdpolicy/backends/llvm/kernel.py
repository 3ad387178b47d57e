"""A Lowered model as one function in IR: all steps of a group of members, for one method and chosen outputs.

The function runs members ``first`` to ``first + count`` and writes the saved rows of each. It knows Lowered
models and tableaus; nothing of how it is compiled or called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Final

from sdpolicy.backends.base import targets
from sdpolicy.backends.llvm.checks import Sinks, sinks
from sdpolicy.backends.llvm.emit import Emitter
from sdpolicy.backends.llvm.frame import Frame
from sdpolicy.backends.llvm.schedule import scheduled
from sdpolicy.backends.llvm.text import ENTRY, STAGE, STEP, Target, Value, Writer
from sdpolicy.expression import STEP_TIME, TIME
from sdpolicy.integrators import Tableau
from sdpolicy.lower import Lowered
from sdpolicy.program import Equation

PREFETCH: Final = "@llvm.prefetch.p0"
UNROLLED: Final = 48
"""Up to so many state elements are advanced one by one; more, in a loop."""


class KernelText:
    """Writes the function section by section; see text.py."""

    def __init__(
        self, lowered: Lowered, table: Tableau, outputs: Sequence[str], target: Target, shared: Collection[str] = ()
    ) -> None:
        self.lowered, self.table, self.outputs, self.shared = lowered, table, tuple(outputs), shared
        self.w = Writer(target)
        self.e = Emitter(lowered, self.w)
        self.stages = len(table.b)
        self.size = {name: q.size for name, q in lowered.by_id.items()}
        self.shape = {name: q.shape for name, q in lowered.by_id.items()}
        self.states = targets(lowered.states)
        self.memories = targets(lowered.memories)
        self.delays = targets(lowered.rings)
        self.held, self.running = targets(lowered.held), targets(lowered.running)
        self.sinks: Sinks = sinks(lowered)
        e, n = self.e, self.total(self.states)
        self.parameters = e.reserve(self.total(lowered.parameters))
        self.base = e.reserve(n)
        self.state = e.reserve(n) if self.stages > 1 else self.base
        self.slope = e.reserve(n * self.stages)
        self.memory, self.pending = e.reserve(self.total(self.memories)), e.reserve(self.total(self.memories))
        self.rings = self.total(self.delays)
        self.ring, self.ring_start, self.ring_size = (e.reserve(self.rings) for _ in range(3))
        self.bad = e.reserve(1)

    def total(self, names: Iterable[str]) -> int:
        return sum(self.size[name] for name in names)

    def starts(self, names: Sequence[str], start: int) -> Mapping[str, int]:
        """Return where each of ``names`` begins when they stand one after another."""
        return dict(zip(names, accumulate((self.size[n] for n in names), initial=start), strict=False))

    # Sections

    def text(self) -> str:
        """Write the sections in order and put them together."""
        self.entry()
        self.step()
        self.stage()
        w = self.w
        last = {"ENTRY.LAST": w.label[ENTRY], "STEP.LAST": w.label[STEP], "STAGE.LAST": w.label[STAGE]}
        frame = Frame(w, self.e.room, self.total(self.lowered.parameters), self.parameters, self.bad)
        lines = [
            *frame.head(),
            *w.lines[ENTRY],
            "  br label %step",
            *w.lines[STEP],
            "  br label %stage",
            *w.lines[STAGE],
            *frame.tail(),
        ]
        function = "\n".join(lines)
        for mark, label in last.items():
            function = function.replace(f"%{mark}", f"%{label}")
        return "\n".join([*w.globals, *w.declared.values(), function, "!0 = !{}", ""])

    def entry(self) -> None:
        """What runs once a member: constants and initial values."""
        w, e = self.w, self.e
        w.at = ENTRY
        w.open("begin")
        self.spread(self.lowered.parameters, self.parameters, ENTRY)
        clock = Value("%start", "f", False, ENTRY)
        e.scalars[TIME] = e.scalars[STEP_TIME] = clock
        self.equations(self.lowered.constants, ENTRY)
        before = dict(e.scalars)
        self.settle(self.states, self.base)
        self.settle(self.memories, self.memory)
        self.settle(self.delays, self.ring_start)
        self.equations(self.lowered.startup, ENTRY)
        self.start_rings()
        keep = {*before, *self.lowered.initials}
        started = {*self.states, *self.memories, *self.delays}
        e.scalars = {name: value for name, value in e.scalars.items() if name in keep - started}
        fixed = (*self.lowered.parameters, *targets(self.lowered.constants), *self.lowered.initials)
        e.levels = dict.fromkeys(fixed, ENTRY)
        w.store(w.number(0.0), self.bad)
        self.check(self.sinks.once)
        if self.stages > 1:
            self.copy(self.base, self.state, self.total(self.states))

    def spread(self, names: Iterable[str], start: int, level: int) -> None:
        """Take quantities that stand one after another in the workspace: scalars are loaded, the others stay."""
        for name in names:
            if self.shape[name]:
                self.e.places[name], self.e.levels[name] = start, level
            else:
                wide = False if name in self.shared else None
                self.e.scalars[name] = self.w.load(start, level=level, wide=wide)
            start += self.size[name]

    def settle(self, names: Iterable[str], start: int) -> None:
        """Say where start-up puts quantities that have dimensions."""
        for name in names:
            self.e.places[name] = start
            start += self.size[name]

    def equations(self, equations: Iterable[Equation], level: int) -> None:
        """Write equations; scalars become values, elements are stored (and states' initial values, always)."""
        e, w = self.e, self.w
        for equation in equations:
            name, shape = equation.target, self.shape[equation.target]
            if shape and name not in e.places:
                e.places[name] = e.reserve(self.size[name])
            if not shape:
                value = e.number(equation.body)
                e.scalars[name] = value
                if name in e.places:
                    w.store(value, e.places[name])
                continue
            e.levels[name] = level
            with e.over(equation.axes):
                value = e.number(equation.body)
                self.put(value, e.places[name], equation, shape)

    def put(self, value: Value, start: int, item: Equation, shape: tuple[int, ...]) -> None:
        where = self.e.flat(item.index, shape)
        if isinstance(where, int):
            self.w.store(value, start + where)
        else:
            self.w.store(value, start, where)

    # Delay lines: the whole history of the input is kept, after everything else in the workspace

    def start_rings(self) -> None:
        """Work out how many steps each delay line is long."""
        w, e, start = self.w, self.e, self.ring_size
        places = self.starts(self.delays, start)
        for ring in self.lowered.rings:
            with e.over(ring.axes):
                steps = w.binary("fdiv", e.number(ring.delay), Value("%h", "f", False, ENTRY))
                whole = w.intrinsic("floor", w.add(steps, w.number(0.5)))
                whole = w.select(w.compare("ogt", whole, w.number(1.0)), whole, w.number(1.0))
                finite = w.compare("olt", whole, w.number(2.0**53))
                infinite = w.compare("uno", whole, w.number(0.0))
                whole = w.select(finite, whole, w.number(1.0))
                whole = w.select(infinite, w.number(1.0), whole)
                place = Equation(ring.target, ring.delay, ring.axes, ring.index)
                self.put(whole, places[ring.target], place, self.shape[ring.target])

    def read_rings(self) -> None:
        """At the step's beginning, take from each delay line what went in so many steps ago."""
        w = self.w
        if not self.rings:
            return
        with w.loop(self.rings) as which:
            size, start = w.load(self.ring_size, which), w.load(self.ring_start, which)
            age = w.sub(Value("%n.real", "f", False, STEP), size)
            since = w.compare("oge", age, w.number(0.0))
            row = w.select(since, age, w.number(0.0))
            value = self.history(row, which)
            w.store(w.select(since, value, start), self.ring, which)
        self.spread(self.delays, self.ring, STEP)

    def history(self, row: Value, which: Value) -> Value:
        """Read row ``row`` (differing by lane) of the history of delay line ``which``."""
        w, n = self.w, self.w.target.width
        integers = w.type("i", row.wide)
        rows = w.emit(f"fptosi {w.type('f', row.wide)} {row.name} to {integers}", "i", row.wide, w.at)
        first = w.binary("mul", which, Value("%rows", "i", False, ENTRY))
        place = w.binary("add", rows, first)
        if n > 1:
            lanes = ", ".join(f"i64 {lane}" for lane in range(n))
            place = w.binary("mul", place, w.integer(n))
            place = Value(w.put(w.at, f"add {integers} {place.name}, <{lanes}>"), "i", True, w.at)
        return w.gather("%history", place, constant=False)

    def write_rings(self) -> None:
        w, e = self.w, self.e
        places = self.starts(self.delays, 0)
        for ring in self.lowered.rings:
            with e.over(ring.axes):
                value = e.number(ring.input)
                where = e.flat(ring.index, self.shape[ring.target])
                line = w.integer(where) if isinstance(where, int) else where
                line = w.binary("add", line, w.integer(places[ring.target]))
                first = w.binary("mul", line, Value("%rows", "i", False, ENTRY))
                place = w.binary("add", first, Value("%n", "i", False, STEP))
                address = w.put(w.at, f"getelementptr inbounds {w.element}, ptr %history, i64 {place.name}")
                spelled = w.use(value, w.target.width > 1)
                w.do(f"store {w.element} {spelled}, ptr {address}, align {8 * w.target.width}")

    # Steps and stages

    def step(self) -> None:
        """What runs once a step, before its stages."""
        w, e = self.w, self.e
        w.at = STEP
        w.open("step")
        w.do("%n = phi i64 [ 0, %ENTRY.LAST ], [ %n.next, %STAGE.LAST ]")
        w.do("%n.real = uitofp i64 %n to double")
        w.do("%passed = fmul double %n.real, %h")
        w.do("%t = fadd double %start, %passed")
        e.scalars[TIME] = e.scalars[STEP_TIME] = Value("%t", "f", False, STEP)
        e.known.clear()
        self.spread(self.memories, self.memory, STEP)
        self.read_rings()
        self.equations(self.lowered.held, STEP)

    def stage(self) -> None:
        """The right-hand side, what the first stage does besides, and the advance to the next stage or step."""
        w, e = self.w, self.e
        w.at = STAGE
        w.open("stage")
        if self.stages > 1:
            w.do("%stage.time = phi double [ %t, %STEP.LAST ]STAGE.TIMES")
            w.do("%s = phi i64 [ 0, %STEP.LAST ]STAGE.NUMBERS")
            e.scalars[TIME] = Value("%stage.time", "f", False, STAGE)
        e.known.clear()
        self.spread(self.states, self.state, STAGE)
        self.equations(scheduled(self.lowered), STAGE)
        self.flows()
        if self.stages == 1:
            self.first_stage()
            self.advance(self.table.b, self.base)
            self.finish_step()
        else:
            self.runge_kutta()

    def flows(self) -> None:
        w, e = self.w, self.e
        offset = None
        if self.stages > 1:
            offset = w.binary("mul", Value("%s", "i", False, STAGE), w.integer(self.total(self.states)))
        places = self.starts(self.states, self.slope)
        for stock in self.lowered.states:
            with e.over(stock.axes):
                value = e.number(stock.flow)
                where = e.flat(stock.index, self.shape[stock.target])
                place: Value | None = offset
                start = places[stock.target]
                if isinstance(where, int):
                    start += where
                else:
                    place = where if offset is None else w.binary("add", where, offset)
                w.store(value, start, place)

    def first_stage(self) -> None:
        """Save the row if it is due, stop at the end, and work out what memories and delay lines take over."""
        w = self.w
        self.check(self.sinks.each)
        self.save()
        w.do("%done = icmp eq i64 %n, %steps")
        w.do("br i1 %done, label %last, label %go")
        w.open("last")
        if self.states:
            with w.loop(self.total(self.states)) as place:
                self.note([w.load(self.slope, place), w.load(self.base, place)])
        w.do("br label %end")
        w.open("go")
        places = self.starts(self.memories, self.pending)
        for memory in self.lowered.memories:
            with self.e.over(memory.axes):
                item = Equation(memory.target, memory.update, memory.axes, memory.index)
                self.put(self.e.number(memory.update), places[memory.target], item, self.shape[memory.target])
        self.write_rings()

    def check(self, names: Iterable[str]) -> None:
        """Note whether any of these quantities is not finite."""
        scalars = [self.e.scalars[name] for name in names if not self.shape[name]]
        self.note(scalars)
        for name in names:
            if self.shape[name]:
                with self.w.loop(self.size[name]) as place:
                    self.note([self.w.load(self.e.places[name], place)])

    def note(self, values: Sequence[Value]) -> None:
        """Add 0 for each finite value, NaN for each other, in four sums that don't wait for one another."""
        w = self.w
        sums: list[Value | None] = [None] * 4
        for i, value in enumerate(values):
            known = sums[i % 4]
            zero = w.number(0.0)
            sums[i % 4] = w.mul(value, zero) if known is None else w.fma(value, zero, known)
        found = [total for total in sums if total is not None]
        if found:
            total = w.load(self.bad)
            for part in found:
                total = w.add(total, part)
            w.store(total, self.bad)

    def save(self) -> None:
        w = self.w
        w.do("%phase = urem i64 %n, %every")
        w.do("%due = icmp eq i64 %phase, 0")
        w.do("br i1 %due, label %save, label %saved")
        w.open("save")
        columns = self.total(self.outputs)
        w.do("%row = udiv i64 %n, %every")
        w.do(f"%row.start = mul i64 %row, {columns}")
        w.declare(PREFETCH, "void (ptr, i32, i32, i32)")
        for lane in range(w.target.width):
            w.do(f"%out.{lane} = getelementptr inbounds double, ptr %member.{lane}, i64 %row.start")
            # The memory that the next row goes to is fetched meanwhile: no two lanes write near each other.
            ahead = w.put(w.at, f"getelementptr double, ptr %out.{lane}, i64 {2 * columns - 1}")
            w.do(f"call void {PREFETCH}(ptr {ahead}, i32 1, i32 3, i32 1)")
        start = 0
        for name in self.outputs:
            if self.shape[name]:
                with w.loop(self.size[name]) as place:
                    self.scatter(w.load(self.e.places[name], place), start, place)
            else:
                self.scatter(self.e.scalars[name], start, None)
            start += self.size[name]
        w.do("br label %saved")
        w.open("saved")

    def scatter(self, value: Value, column: int, place: Value | None) -> None:
        """Write a value into the rows of all lanes."""
        w = self.w
        where = str(column)
        if place is not None:
            where = w.put(w.at, f"add i64 {place.name}, {column}")
        vector = w.type("f", True)
        for lane in range(w.target.width):
            one = value.name
            if value.wide:
                one = w.put(w.at, f"extractelement {vector} {value.name}, i64 {lane}")
            address = w.put(w.at, f"getelementptr inbounds double, ptr %out.{lane}, i64 {where}")
            w.do(f"store double {one}, ptr {address}, align 8")

    def advance(self, weights: Sequence[Fraction], into: int) -> None:
        """state = base + h * (w0*k0 + w1*k1 + ...), the sum from left to right without the zero weights."""
        n = self.total(self.states)
        if n <= UNROLLED:
            values = [self.advanced(weights, place, None) for place in range(n)]
            for place, value in enumerate(values):
                self.w.store(value, into + place)
            return
        with self.w.loop(n) as index:
            self.w.store(self.advanced(weights, 0, index), into, index)

    def advanced(self, weights: Sequence[Fraction], place: int, index: Value | None) -> Value:
        change = self.w.mul(self.length, self.weighted(weights, place, index))
        return self.w.add(self.w.load(self.base + place, index), change)

    @property
    def length(self) -> Value:
        """The length of the step."""
        return Value("%h", "f", False, ENTRY)

    def weighted(self, weights: Sequence[Fraction], place: int, index: Value | None) -> Value:
        w, n = self.w, self.total(self.states)
        total: Value | None = None
        for i, weight in enumerate(weights):
            if weight:
                slope = w.load(self.slope + i * n + place, index)
                term = w.mul(w.number(float(weight)), slope) if weight != 1 else slope
                total = term if total is None else w.add(total, term)
        assert total is not None
        return total

    def runge_kutta(self) -> None:
        """One copy of the right-hand side serves all stages; what follows it depends on the stage."""
        w = self.w
        cases = " ".join(f"i64 {i}, label %after.{i}" for i in range(1, self.stages))
        w.do(f"switch i64 %s, label %after.0 [ {cases} ]")
        times, numbers = "", ""
        for i in range(self.stages):
            w.open(f"after.{i}")
            if i == 0:
                self.first_stage()
            if i + 1 < self.stages:
                self.advance(self.table.a[i + 1], self.state)
                shift = w.put(STAGE, f"fmul double {w.number(float(self.table.c[i + 1])).name}, %h")
                time = w.put(STAGE, f"fadd double %t, {shift}")
                times += f", [ {time}, %{w.label[STAGE]} ]"
                numbers += f", [ {i + 1}, %{w.label[STAGE]} ]"
                w.do("br label %stage")
        self.advance(self.table.b, self.base)
        self.copy(self.base, self.state, self.total(self.states))
        self.finish_step()
        lines = self.w.lines[STAGE]
        lines[1:3] = [lines[1].replace("STAGE.TIMES", times), lines[2].replace("STAGE.NUMBERS", numbers)]

    def copy(self, source: int, goal: int, size: int) -> None:
        if size:
            with self.w.loop(size) as index:
                self.w.store(self.w.load(source, index), goal, index)

    def finish_step(self) -> None:
        """Let memories take what they wait for, and go on to the next step."""
        w = self.w
        self.copy(self.pending, self.memory, self.total(self.memories))
        w.do("%n.next = add nuw nsw i64 %n, 1")
        w.do("br label %step")
