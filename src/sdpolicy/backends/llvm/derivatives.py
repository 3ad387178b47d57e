"""The right-hand side of a model as functions of time, state and parameters, with exact derivatives.

Forward mode (Griewank & Walther 2008, Evaluating Derivatives, doi:10.1137/1.9780898717761): tangents of eight
directions at a time run along with the values, compiled. It knows Lowered models and numbers.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Final

import numpy as np

from sdpolicy.backends.base import FloatArray, targets
from sdpolicy.backends.llvm import objects
from sdpolicy.backends.llvm.checks import prune
from sdpolicy.backends.llvm.dual import DualEmitter
from sdpolicy.backends.llvm.frame import NAME
from sdpolicy.backends.llvm.text import ENTRY, Value, Writer, attributes
from sdpolicy.errors import ModelError, Problem
from sdpolicy.expression import STEP_TIME, TIME
from sdpolicy.lower import Lowered
from sdpolicy.program import Equation

DIRECTIONS: Final = 8
_PROTOTYPE: Final = ctypes.CFUNCTYPE(None, ctypes.c_double, ctypes.c_double, ctypes.c_void_p)


class Derivatives:
    """f(t, y, p) = dy/dt of a model, its initial state, and the derivatives of both.

    ``y`` holds the elements of ``states`` in order, hidden states of delays among them; ``p`` those of
    ``lowered.parameters``. Switches of time are taken at ``t``; ``start`` is when the run begins.

    Raises:
        ModelError: when the model holds a delay line or a sampled value (DELAY FIXED, SAMPLE IF TRUE): its
            state is more than a vector.
    """

    def __init__(self, lowered: Lowered, start: float) -> None:
        kept = [*targets(lowered.memories), *targets(lowered.rings)]
        if kept:
            what = f"{', '.join(kept)}: the value depends on earlier steps, so that there is no f(t, y, p)"
            raise ModelError(Problem(lowered.program.name, what, "Replace DELAY FIXED by DELAY N, for instance."))
        self.lowered, self.start = prune(lowered, ()), start
        self.states = targets(lowered.states)
        self.size = sum(lowered.by_id[name].size for name in self.states)
        self.parameters = sum(lowered.by_id[name].size for name in lowered.parameters)
        written = _Function(self.lowered, self.states)
        text = written.text()
        self._code = objects.load(objects.cached(text), NAME)
        self._places, self._room = written.places, written.e.room

    def initial(self, p: FloatArray) -> FloatArray:
        """Return the state at the start, shape (states,)."""
        return self._run(self.start, np.zeros(self.size), p, {}, "initial")[0]

    def initial_sensitivity(self, p: FloatArray) -> FloatArray:
        """Return the derivative of the initial state by the parameters, shape (states, parameters)."""
        return self._columns(self.start, np.zeros(self.size), p, "p", "initial")

    def flow(self, t: float, y: FloatArray, p: FloatArray) -> FloatArray:
        """Return dy/dt, shape (states,)."""
        return self._run(t, y, p, {}, "flow")[0]

    def jacobian(self, t: float, y: FloatArray, p: FloatArray) -> FloatArray:
        """Return the derivative of dy/dt by the state, shape (states, states)."""
        return self._columns(t, y, p, "y", "flow")

    def sensitivity(self, t: float, y: FloatArray, p: FloatArray) -> FloatArray:
        """Return the derivative of dy/dt by the parameters, shape (states, parameters)."""
        return self._columns(t, y, p, "p", "flow")

    def _columns(self, t: float, y: FloatArray, p: FloatArray, by: str, of: str) -> FloatArray:
        """Run with unit directions, eight at a time."""
        count = self.size if by == "y" else self.parameters
        found = [np.empty((self.size, 0))]
        for first in range(0, count, DIRECTIONS):
            seeds = np.eye(count, DIRECTIONS, -first)
            found.append(self._run(t, y, p, {by: seeds}, of)[1][:, : count - first])
        return np.concatenate(found, axis=1)

    def _run(
        self, t: float, y: FloatArray, p: FloatArray, seeds: dict[str, FloatArray], of: str
    ) -> tuple[FloatArray, FloatArray]:
        """Return values and tangents of what stands at ``of``."""
        values = {"y": np.asarray(y, dtype=np.float64), "p": np.asarray(p, dtype=np.float64)}
        sizes = {"y": self.size, "p": self.parameters}
        memory = np.empty(8 * (self._room + 1) + 8)
        offset = (-memory.ctypes.data % 64) // 8
        space = memory[offset : offset + 8 * self._room].reshape(self._room, 8)
        for name, given in values.items():
            if given.shape != (sizes[name],):
                raise ValueError(f"{name} has shape {given.shape}; expected ({sizes[name]},)")
            start = self._places[name]
            space[start : start + sizes[name], 0] = given
            start = self._places[f"d{name}"]
            space[start : start + sizes[name]] = seeds.get(name, 0.0)
        _PROTOTYPE(self._code.address)(self.start, t, space.ctypes.data)
        start, tangents = self._places[of], self._places[f"d{of}"]
        return space[start : start + self.size, 0].copy(), space[tangents : tangents + self.size].copy()


class _Function:
    """The IR of the function: everything passes through its workspace, whose layout is ``places``."""

    def __init__(self, lowered: Lowered, states: Sequence[str]) -> None:
        self.lowered, self.states = lowered, states
        self.w = Writer(objects.target(DIRECTIONS))
        self.e = DualEmitter(lowered, self.w)
        self.places: dict[str, int] = {}
        states_size = sum(lowered.by_id[name].size for name in states)
        parameters = sum(lowered.by_id[name].size for name in lowered.parameters)
        for name, size in (("y", states_size), ("p", parameters), ("initial", states_size), ("flow", states_size)):
            self.places[name], self.places[f"d{name}"] = self.e.reserve(size), self.e.reserve(size)

    def text(self) -> str:
        w, e, low = self.w, self.e, self.lowered
        w.at = ENTRY
        w.open("begin")
        self.take(low.parameters, "p")
        self.clock("%start")
        for equation in low.constants:
            e.assign(equation)
        fixed = {*low.parameters, *targets(low.constants), *low.initials}
        for equation in low.startup:
            e.assign(equation)
        self.give(self.states, "initial")
        e.scalars = {name: value for name, value in e.scalars.items() if name in fixed}
        self.take(self.states, "y")
        self.clock("%t")
        for equation in (*low.held, *low.running):
            e.assign(equation)
        self.flows()
        head = f"define void @{NAME}(double %start, double %t, ptr noalias %ws) {attributes(w.target.width)} {{"
        body = "\n".join([head, *w.lines[ENTRY], "  ret void", "}"])
        return "\n".join([*w.globals, *w.declared.values(), body, "!0 = !{}", ""])

    def clock(self, name: str) -> None:
        now = Value(name, "f", False, ENTRY)
        self.e.scalars[TIME] = self.e.scalars[STEP_TIME] = now

    def take(self, names: Sequence[str], what: str) -> None:
        """Read quantities and their tangents from where the caller has put them."""
        start, slant = self.places[what], self.places[f"d{what}"]
        for name in names:
            quantity = self.lowered.by_id[name]
            if quantity.shape:
                self.e.places[name], self.e.tangent_places[name] = start, slant
            else:
                self.e.scalars[name] = self.w.load(start)
                self.e.tangents[name] = self.w.load(slant, wide=True)
            start, slant = start + quantity.size, slant + quantity.size

    def give(self, names: Sequence[str], what: str) -> None:
        """Write quantities and their tangents to where the caller looks for them."""
        start, slant = self.places[what], self.places[f"d{what}"]
        for name in names:
            quantity = self.lowered.by_id[name]
            if quantity.shape:
                with self.w.loop(quantity.size) as place:
                    self.w.store(self.w.load(self.e.places[name], place), start, place)
                    tangent = self.w.load(self.e.tangent_places[name], place, wide=True)
                    self.w.store(tangent, slant, place, wide=True)
            else:
                self.w.store(self.e.scalars[name], start)
                self.w.store(self.e.tangents.get(name) or self.w.number(0.0), slant, wide=True)
            start, slant = start + quantity.size, slant + quantity.size

    def flows(self) -> None:
        """Write the flow of every state to its place."""
        e, begin = self.e, 0
        starts = {}
        for name in self.states:
            starts[name], begin = begin, begin + self.lowered.by_id[name].size
        for stock in self.lowered.states:
            item = Equation(stock.target, stock.flow, stock.axes, stock.index)
            e.places["flow "], e.tangent_places["flow "] = (
                self.places[what] + starts[stock.target] for what in ("flow", "dflow")
            )
            with e.over(item.axes):
                value, tangent = e.dual(item.body)
                e.keep(value, tangent, "flow ", e.flat(item.index, self.lowered.by_id[stock.target].shape))
