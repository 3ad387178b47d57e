"""What is computed: a Job that any process can carry out block by block, and the blocks. It knows no folder.

Members are numbered, and a block is a fixed stretch of them: its numbers depend on the job alone, not on who
computes it, when, or beside whom.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.backends.base import layout
from sdpolicy.ensemble.design import Design, draw
from sdpolicy.ensemble.factors import Factor, fill, written
from sdpolicy.integrators import Grid
from sdpolicy.lower import lower
from sdpolicy.program import Program, Quantity

FloatArray = NDArray[np.float64]

BLOCK: Final = 8192
"""Members in a block, unless a caller says otherwise."""
WHOLE: Final = -1
"""What stands for the failed quantity of a member that did not fail."""


@dataclass(frozen=True)
class Job:
    """An ensemble as numbers: model, times, method, saved quantities (identifiers), what varies and by which design."""

    program: Program
    grid: Grid
    method: str
    outputs: tuple[str, ...]
    factors: tuple[Factor, ...]
    design: Design
    block: int = BLOCK

    @property
    def members(self) -> int:
        return self.design.members

    @property
    def blocks(self) -> int:
        return -(-self.members // self.block)

    def span(self, block: int) -> tuple[int, int]:
        """Return the first member of a block and the one after its last."""
        first = block * self.block
        return first, min(first + self.block, self.members)

    @cached_property
    def saved(self) -> tuple[Quantity, ...]:
        return tuple(self.program.by_id[id_] for id_ in self.outputs)

    @property
    def times(self) -> FloatArray:
        return np.array([self.grid.time(n * self.grid.every) for n in range(self.grid.saved)])

    def describe(self) -> Mapping[str, Any]:
        """Return all that the numbers depend on, as JSON-able values."""
        return {
            "program": self.program.fingerprint,
            "grid": asdict(self.grid),
            "method": self.method,
            "outputs": list(self.outputs),
            "factors": [
                {"name": f.name, "kind": f.spread.kind, "numbers": list(f.spread.numbers),
                 "low": repr(f.spread.low), "high": repr(f.spread.high), "columns": list(f.columns),
                 **({"switches": [list(switch) for switch in f.switches]} if f.switches else {})}
                for f in self.factors
            ],
            "design": dict(self.design.describe()),
            "block": self.block,
        }  # fmt: skip

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the description: two jobs with one fingerprint give the same bits."""
        return hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Block:
    """The members of one block.

    ``inputs`` has shape (members, factors), ``values`` (members, times, columns of all outputs), ``failed``
    the index, among the program's quantities, of the first that was not finite, or ``WHOLE``, and
    ``failed_at`` the time of that, or NaN.
    """

    number: int
    inputs: FloatArray
    values: FloatArray
    failed: NDArray[np.int32]
    failed_at: FloatArray


class Worker:
    """Carries out a job in this process. Its values are overwritten by the next block: copy what is to stay."""

    def __init__(self, job: Job, threads: int | None = None) -> None:
        from sdpolicy.backends.llvm import CompiledKernel

        self.job, self.threads = job, threads
        self.lowered = lower(job.program)
        self.kernel = CompiledKernel(self.lowered, varied=written(job.factors))
        self.places = {quantity.id: i for i, quantity in enumerate(job.program.quantities)}
        self.buffer: FloatArray | None = None
        rows = min(job.block, job.members)
        self.parameters = np.tile(np.array(self.lowered.defaults, dtype=np.float64), (rows, 1))

    def block(self, number: int) -> Block:
        """Draw and run the members of a block."""
        job = self.job
        first, stop = job.span(number)
        inputs = draw(job.design, job.factors, first, stop)
        parameters = self.parameters[: stop - first]
        fill(parameters, job.factors, inputs, self.lowered.defaults)
        if self.buffer is None:
            columns = sum(quantity.size for quantity in job.saved)
            self.buffer = np.empty((len(self.parameters), job.grid.saved, columns))
        found = self.kernel.run_many(
            parameters, job.grid, job.method, job.outputs, threads=self.threads, out=self.buffer[: stop - first]
        )
        failed = np.full(stop - first, WHOLE, dtype=np.int32)
        failed_at = np.full(stop - first, np.nan)
        for member, trouble in found.troubles.items():
            failed[member], failed_at[member] = self.places[trouble.quantity], trouble.time
        return Block(number, inputs, found.values, failed, failed_at)


def columns(job: Job) -> Mapping[str, slice]:
    """Return which columns of a block's values each output takes."""
    return layout(job.saved)
