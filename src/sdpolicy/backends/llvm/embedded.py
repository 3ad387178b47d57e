"""A kernel with an embedded pair of methods: each member takes steps of its own between the grid's times.

What holds over a step of the grid (switches of time, sampled values, delay lines) holds here too; the grid's
step is the longest that a member takes. It knows Lowered models and tableaus, like kernel.py.
"""

from __future__ import annotations

from typing import Final

from sdpolicy.backends.llvm.emit import OPERATIONS
from sdpolicy.backends.llvm.kernel import KernelText
from sdpolicy.backends.llvm.schedule import scheduled
from sdpolicy.backends.llvm.text import ENTRY, STAGE, STEP, Value
from sdpolicy.expression import TIME

RELATIVE: Final = 1e-8
"""Tolerated error of a step of a member, relative to each state."""
ABSOLUTE: Final = 1e-10
SHORTEST: Final = 2.0**-20
"""The shortest step, as a part of the grid's: it is taken whatever its error."""
SAFETY: Final = 0.9
SLOWEST: Final = 0.2
FASTEST: Final = 5.0
"""Each new step is the one that would just meet the tolerance, times 0.9, within these factors of the last."""


class EmbeddedText(KernelText):
    """Writes the stages as kernel.py does, with a step, a time and a verdict for each member in its lane."""

    def reserve(self) -> None:
        """Reserve what each member remembers: its step, how far it is, and the step it is trying."""
        self.pace, self.gone, self.trial = (self.e.reserve(1) for _ in range(3))
        self.next = self.e.reserve(self.total(self.states))

    def entry(self) -> None:
        self.reserve()
        super().entry()
        self.w.store(self.grid_step, self.pace)

    @property
    def grid_step(self) -> Value:
        return Value("%h", "f", False, ENTRY)

    @property
    def length(self) -> Value:
        return self.w.load(self.trial)

    @property
    def wide(self) -> bool:
        return self.w.target.width > 1

    def step(self) -> None:
        super().step()
        self.w.store(self.w.number(0.0), self.gone)

    def stage(self) -> None:
        w = self.w
        start = w.use(Value("%t", "f", False, STEP), self.wide)
        w.at = STAGE
        w.open("stage")
        w.do(f"%stage.time = phi {w.element} [ {start}, %STEP.LAST ]STAGE.TIMES")
        w.do("%s = phi i64 [ 0, %STEP.LAST ]STAGE.NUMBERS")
        w.do("%fresh = phi i1 [ true, %STEP.LAST ]STAGE.FRESH")
        self.e.scalars[TIME] = Value("%stage.time", "f", self.wide, STAGE)
        self.e.known.clear()
        self.spread(self.states, self.state, STAGE)
        self.equations(scheduled(self.lowered), STAGE)
        self.flows()
        self.pair()

    def pair(self) -> None:
        """What follows each stage; after the last, the verdict."""
        w, arrivals = self.w, []
        cases = " ".join(f"i64 {i}, label %after.{i}" for i in range(1, self.stages))
        w.do(f"switch i64 %s, label %after.0 [ {cases} ]")
        for i in range(self.stages):
            w.open(f"after.{i}")
            if i == 0:
                self.begin()
            if i + 1 < self.stages:
                self.advance(self.table.a[i + 1], self.state)
                shift = w.mul(w.number(float(self.table.c[i + 1])), self.length)
                arrivals.append((self.now(shift), i + 1))
                w.do("br label %stage")
        more = self.judge()
        arrivals.append((self.now(None), 0))
        w.do(f"br i1 {more.name}, label %stage, label %arrived")
        w.open("arrived")
        self.finish_step()
        self.mark(arrivals)

    def begin(self) -> None:
        """At the grid's time, do what the first stage does there; then choose the step to try."""
        w = self.w
        w.do("br i1 %fresh, label %on.grid, label %try")
        w.open("on.grid")
        self.first_stage()
        w.do("br label %try")
        w.open("try")
        left = w.sub(self.grid_step, w.load(self.gone))
        w.store(OPERATIONS["min"](w, w.load(self.pace), left), self.trial)

    def now(self, shift: Value | None) -> tuple[str, str]:
        """Return each member's time and the block that it is computed in."""
        w = self.w
        time = w.add(Value("%t", "f", False, STEP), w.load(self.gone))
        time = time if shift is None else w.add(time, shift)
        return w.use(time, self.wide), w.label[STAGE]

    def mark(self, arrivals: list[tuple[tuple[str, str], int]]) -> None:
        """Complete the block ``stage`` with what comes back to it."""
        times = "".join(f", [ {time}, %{block} ]" for (time, block), _ in arrivals)
        numbers = "".join(f", [ {number}, %{block} ]" for (_, block), number in arrivals)
        fresh = "".join(f", [ false, %{block} ]" for (_, block), _ in arrivals)
        marks = {"STAGE.TIMES": times, "STAGE.NUMBERS": numbers, "STAGE.FRESH": fresh}
        lines = self.w.lines[STAGE]
        for i, (name, text) in enumerate(marks.items(), start=1):
            lines[i] = lines[i].replace(name, text)

    def judge(self) -> Value:
        """Take the step where its error is small enough; tell whether any member has to go on."""
        w, op = self.w, OPERATIONS
        worst = self.worst()
        trial, gone = w.load(self.trial), w.load(self.gone)
        active = w.compare("olt", gone, self.grid_step)
        short = w.compare("ole", trial, w.mul(w.number(SHORTEST), self.grid_step))
        good = w.binary("or", w.compare("ole", worst, w.number(1.0)), short)
        taken = w.binary("and", active, good)
        if self.states:
            with w.loop(self.total(self.states)) as i:
                w.store(w.select(taken, w.load(self.next, i), w.load(self.base, i)), self.base, i)
                w.store(w.load(self.base, i), self.state, i)
        factor = w.mul(w.number(SAFETY), op["pow"](w, worst, w.number(-1.0 / self.table.order)))
        factor = w.select(w.compare("ogt", factor, w.number(FASTEST)), w.number(FASTEST), factor)
        factor = w.select(w.compare("ogt", factor, w.number(SLOWEST)), factor, w.number(SLOWEST))
        least = w.mul(w.number(SHORTEST), self.grid_step)
        wished = op["max"](w, w.mul(trial, factor), least)
        cut = w.compare("olt", trial, w.load(self.pace))
        kept = w.select(w.binary("and", taken, cut), op["max"](w, w.load(self.pace), wished), wished)
        w.store(w.select(active, kept, w.load(self.pace)), self.pace)
        # A member that is no longer finite has nothing to wait for.
        lost = w.binary("and", short, w.compare("uno", worst, worst))
        further = w.add(gone, trial)
        near = w.compare("olt", w.sub(self.grid_step, further), least)
        further = w.select(w.binary("or", near, lost), self.grid_step, further)
        further = w.select(taken, further, gone)
        w.store(further, self.gone)
        return self.any(w.compare("olt", further, self.grid_step))

    def worst(self) -> Value:
        """Put the trial state in its place; return the largest error over the states, 1 being what is tolerated."""
        w, op = self.w, OPERATIONS
        assert self.table.error is not None
        self.advance(self.table.b, self.next)
        largest = self.e.reserve(1)
        w.store(w.number(0.0), largest)
        if not self.states:
            return w.load(largest)
        with w.loop(self.total(self.states)) as index:
            error = w.mul(self.length, self.weighted(self.table.error, 0, index))
            before, after = w.load(self.base, index), w.load(self.next, index)
            size = op["max"](w, w.intrinsic("fabs", before), w.intrinsic("fabs", after))
            allowed = w.add(w.number(ABSOLUTE), w.mul(w.number(RELATIVE), size))
            ratio = w.binary("fdiv", w.intrinsic("fabs", error), allowed)
            w.store(op["max"](w, ratio, w.load(largest)), largest)
        return w.load(largest)

    def any(self, truth: Value) -> Value:
        """Return whether it holds in any lane."""
        w, n = self.w, self.w.target.width
        if not truth.wide:
            return truth
        w.declare(f"@llvm.vector.reduce.or.v{n}i1", f"i1 (<{n} x i1>)")
        text = f"call i1 @llvm.vector.reduce.or.v{n}i1(<{n} x i1> {truth.name})"
        return w.emit(text, "b", False, STAGE)
