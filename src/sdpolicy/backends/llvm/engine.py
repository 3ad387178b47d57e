"""The compiled engine: kernels made on demand, one run or many, over as many threads as asked for.

It knows Lowered models, grids and numbers; no scenario, no file, no label.
"""

from __future__ import annotations

import ctypes
import math
import os
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.backends.base import Ensemble, FloatArray, Trajectory, Trouble, layout, targets
from sdpolicy.backends.llvm import objects
from sdpolicy.backends.llvm.checks import prune
from sdpolicy.backends.llvm.frame import NAME
from sdpolicy.backends.llvm.module import Module, module
from sdpolicy.errors import Problem, SettingsError
from sdpolicy.integrators import EMBEDDED, FIXED_STEP, Grid
from sdpolicy.lower import Lowered

TABLES: Final = {**FIXED_STEP, **EMBEDDED}
"""The methods of this engine."""
BLOCK: Final = 256
"""Members that a thread takes at a time."""
_INTEGER, _REAL, _POINTER = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p
_PROTOTYPE: Final = ctypes.CFUNCTYPE(
    None, _POINTER, _INTEGER, _INTEGER, _INTEGER, _INTEGER, _REAL, _REAL, _INTEGER, _INTEGER,
    _POINTER, _INTEGER, _POINTER, _POINTER,
)  # fmt: skip
_MEMORY: Final = ctypes.c_char * 0
"""What is made of writable memory to pass its address."""


@dataclass(frozen=True, slots=True)
class Routine:
    """A compiled function, ready to be called from any thread; between calls it keeps memory, no numbers."""

    function: Callable[..., None]
    code: objects.Code
    """What ``function`` calls."""
    module: Module
    columns: int
    scratch: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    @staticmethod
    def of(built: Module, columns: int) -> Routine:
        code = objects.load(objects.cached(built.text), NAME)
        return Routine(_PROTOTYPE(code.address), code, built, columns)

    def workspace(self, steps: int) -> ctypes.Array[ctypes.c_char]:
        """Return this thread's memory for a run, aligned to a cache line."""
        size = 8 * self.module.width * (self.module.fixed + self.module.per_step * (steps + 1))
        known: tuple[int, ctypes.Array[ctypes.c_char]] = getattr(self.scratch, "memory", (-1, _MEMORY()))
        if known[0] < size:
            memory = bytearray(size + 64)
            start = ctypes.addressof(_MEMORY.from_buffer(memory))
            known = self.scratch.memory = (size, _MEMORY.from_buffer(memory, -start % 64))
        return known[1]

    def call(
        self, parameters: FloatArray, grid: Grid, span: tuple[int, int], out: FloatArray, bad: NDArray[np.uint8]
    ) -> None:
        """Run members ``span[0]`` to ``span[1] - 1``; mark in ``bad`` those with a value that is not finite."""
        row, column = parameters.strides
        self.function(
            _address(parameters), row // 8, column // 8, span[0], span[1] - span[0],
            grid.start, grid.step, grid.steps, grid.every,
            _MEMORY.from_buffer(out.data), grid.saved * self.columns, _MEMORY.from_buffer(bad.data),
            self.workspace(grid.steps),
        )  # fmt: skip


def _address(array: FloatArray) -> object:
    """Return what passes the address of ``array`` to a function: a third of the time of ``array.ctypes.data``."""
    flags = array.flags
    return _MEMORY.from_buffer(array.data) if flags.c_contiguous and flags.writeable else array.ctypes.data


class CompiledKernel:
    """A model for the compiled engine; a function for each method and choice of outputs is made when first used.

    ``lanes`` is how many members of an ensemble run side by side, by default what suits machine and model; with 1,
    each has the bits of a single run. ``varied`` are the columns of the parameters in which the members of an
    ensemble may differ, by default all: what depends on time and on the others alone is computed once for members
    side by side.
    """

    def __init__(self, lowered: Lowered, lanes: int | None = None, varied: Collection[int] | None = None) -> None:
        numbers = (*lowered.parameters, *targets(lowered.states), *targets(lowered.running))
        self.lowered = lowered
        self.lanes = lanes or objects.lanes(sum(lowered.by_id[name].size for name in numbers))
        self.places = layout(lowered.program.quantities)
        given = layout(lowered.by_id[name] for name in lowered.parameters)
        self.columns = sum(lowered.by_id[name].size for name in given)
        self.shared = frozenset(
            name for name, place in given.items()
            if varied is not None and not lowered.by_id[name].shape and place.start not in varied
        )  # fmt: skip
        self._routines: dict[tuple[str, tuple[str, ...], int, bool], Routine] = {}

    def routine(self, method: str, outputs: Sequence[str], lanes: int, *, whole: bool) -> Routine:
        """Return the function for ``method`` and ``outputs``.

        Args:
            lanes: members side by side; 1 is the scalar kernel.
            whole: whether to compute (and watch) every quantity, not only what the outputs and states need.

        Raises:
            SettingsError: when ``method`` is not in TABLES.
        """
        if method not in TABLES:
            what = f"the compiled engine does not have the method '{method}'"
            raise SettingsError(Problem("method", what, f"Choose one of {', '.join(TABLES)}."))
        key = (method, tuple(outputs), lanes, whole)
        if key not in self._routines:
            model = self.lowered if whole else prune(self.lowered, outputs)
            shared = () if whole else self.shared
            built = module(model, TABLES[method], outputs, objects.target(lanes), shared)
            self._routines[key] = Routine.of(built, self.width(outputs))
        return self._routines[key]

    def width(self, outputs: Sequence[str]) -> int:
        """Return the number of columns that ``outputs`` take."""
        return sum(self.lowered.by_id[name].size for name in outputs)

    def run(self, parameters: FloatArray, grid: Grid, method: str, outputs: Sequence[str]) -> Trajectory:
        """Run once, with the system's own mathematical functions; see :class:`sdpolicy.backends.base.Kernel`.

        Raises:
            SettingsError: when ``method`` is not in TABLES.
            ValueError: when ``parameters`` has not one number for each element of the parameters.
        """
        routine = self.routine(method, outputs, 1, whole=True)
        row = self.checked(parameters, 1)
        values = np.empty((1, grid.saved, routine.columns))
        bad = np.zeros(1, np.uint8)
        routine.call(row, grid, (0, 1), values, bad)
        if bad[0]:
            return self.examine(row, grid, method, outputs)
        return Trajectory(values[0])

    def run_many(
        self,
        parameters: FloatArray,
        grid: Grid,
        method: str,
        outputs: Sequence[str],
        *,
        threads: int | None = None,
        out: FloatArray | None = None,
    ) -> Ensemble:
        """Run one member for each row of ``parameters``.

        Args:
            parameters: shape (members, P); any strides, so that what all members share may be broadcast. Rows may
                differ in the kernel's ``varied`` columns alone.
            threads: by default one for each processor that this process may use. The numbers don't depend on it.
            out: an array of shape (members, saved times, columns of outputs), float64, C order, to write into.

        Raises:
            SettingsError: when ``method`` is not in TABLES.
            ValueError: when an array has the wrong shape or type.
        """
        routine = self.routine(method, outputs, self.lanes, whole=False)
        table = self.checked(parameters, 2)
        members = table.shape[0]
        values = self.buffer(out, (members, grid.saved, routine.columns))
        bad = np.zeros(members, np.uint8)
        spans = [(first, min(first + BLOCK, members)) for first in range(0, members, BLOCK)]
        workers = min(threads or _processors(), len(spans))
        if workers <= 1:
            for span in spans:
                routine.call(table, grid, span, values, bad)
        else:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(lambda span: routine.call(table, grid, span, values, bad), spans))
        return self.settle(Ensemble(values, {}), table, grid, method, outputs, np.flatnonzero(bad))

    def settle(
        self, found: Ensemble, table: FloatArray, grid: Grid, method: str, outputs: Sequence[str],
        bad: NDArray[np.intp],
    ) -> Ensemble:  # fmt: skip
        """Run the members that went wrong once more, alone, to say what and when."""
        troubles = {}
        for member in map(int, bad):
            again = self.examine(table[member : member + 1], grid, method, outputs)
            found.values[member] = again.values
            if again.trouble is not None:
                troubles[member] = again.trouble
        return Ensemble(found.values, troubles)

    def checked(self, parameters: FloatArray, dimensions: int) -> FloatArray:
        """Return ``parameters`` as a float64 array with a row for each member."""
        table = np.asarray(parameters, dtype=np.float64)
        if table.ndim != dimensions or table.shape[-1] != self.columns:
            raise ValueError(
                f"parameters have shape {table.shape}; expected {dimensions} dimension(s), the last of {self.columns}"
            )
        table = table[np.newaxis] if dimensions == 1 else table
        return table if table.flags.c_contiguous or not any(s % 8 for s in table.strides) else table.copy()

    @staticmethod
    def buffer(out: FloatArray | None, shape: tuple[int, int, int]) -> FloatArray:
        if out is None:
            return np.empty(shape)
        if out.shape != shape or out.dtype != np.float64 or not out.flags.c_contiguous:
            raise ValueError(f"out must be a float64 array of shape {shape} in C order, not {out.dtype} {out.shape}")
        return out

    def examine(self, row: FloatArray, grid: Grid, method: str, outputs: Sequence[str]) -> Trajectory:
        """Run a member with every quantity watched at every step; return its rows up to the first trouble."""
        everything = tuple(self.places)
        routine = self.routine(method, everything, 1, whole=True)
        fine = Grid(grid.start, grid.step, grid.steps)
        trace = np.empty((1, fine.saved, routine.columns))
        routine.call(row, fine, (0, 1), trace, np.zeros(1, np.uint8))
        wrong = ~np.isfinite(trace[0])
        steps = np.flatnonzero(wrong.any(axis=1))
        columns = [i for name in outputs for i in range(*self.places[name].indices(routine.columns))]
        values = trace[0, :: grid.every, columns].T.copy()
        if not steps.size:
            return Trajectory(values)
        first = int(steps[0])
        values[math.ceil(first / grid.every) :] = math.nan
        return Trajectory(values, self.name(wrong[first], grid.time(first)))

    def name(self, wrong: NDArray[np.bool_], time: float) -> Trouble:
        """Return the first quantity, in running order, that is marked."""
        low = self.lowered
        order = (*low.parameters, *targets(low.states), *targets(low.constants), *targets(low.running), *self.places)
        for name in order:
            if name in self.places and wrong[self.places[name]].any():
                return Trouble(name, int(wrong[self.places[name]].argmax()), time)
        raise AssertionError("a value that is not finite belongs to no quantity")


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class CompiledEngine:
    """Makes compiled kernels; what they compile is kept on disk for the next process."""

    name: Final = "llvm"

    def compile(self, lowered: Lowered) -> CompiledKernel:
        return CompiledKernel(lowered)


ENGINE: Final = CompiledEngine()
