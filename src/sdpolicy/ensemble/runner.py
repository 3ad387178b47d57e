"""Carries an ensemble out: into memory, or into a folder block by block. It knows no command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import xarray as xr

from sdpolicy.ensemble.executors import Executor, Threads
from sdpolicy.ensemble.job import WHOLE, Block
from sdpolicy.ensemble.reading import in_memory, of_block
from sdpolicy.ensemble.store import writing
from sdpolicy.ensemble.study import Study

Watch = Callable[[int, int], None]
"""Called with the members that are done and those there are, after each block."""
Reduce = Callable[[xr.Dataset], xr.Dataset]
_HERE: Final = Threads()


@dataclass(frozen=True, slots=True)
class Report:
    """What came of writing an ensemble: members in all, computed now, failed among these, and seconds taken."""

    members: int
    computed: int
    failed: int
    seconds: float

    @property
    def rate(self) -> float:
        """Members a second, drawn, run and written."""
        return self.computed / self.seconds if self.seconds else 0.0


def _unwatched(done: int, total: int) -> None:
    """Watch nothing."""


def simulate_members(
    study: Study, executor: Executor = _HERE, watch: Watch = _unwatched, reduced: Reduce | None = None
) -> xr.Dataset:
    """Run all members and return them as a Dataset over (member, time), with the inputs as coordinates.

    ``reduced`` makes less of the Dataset of each block as soon as that is there, for studies whose members are
    saved at short intervals and needed at longer ones.
    """
    job = study.job

    def seen() -> Iterator[Block]:
        done = 0
        for block in executor.blocks(job, range(job.blocks)):
            yield block
            done += len(block.inputs)
            watch(done, job.members)

    if reduced is None:
        return in_memory(study, seen())
    parts = [reduced(of_block(study, block)) for block in seen()]
    return xr.concat(
        parts, "member", data_vars="minimal", coords="minimal", compat="override", join="override",
        combine_attrs="override",
    )  # fmt: skip


def write_ensemble(
    study: Study,
    folder: str | Path,
    *,
    resume: bool = False,
    executor: Executor = _HERE,
    watch: Watch = _unwatched,
) -> Report:
    """Run the members and write them into ``folder``, a Zarr store that :func:`open_ensemble` reads.

    Whatever stops this, the blocks that were written stay; called again with ``resume`` it computes the others,
    and leaves the same bytes as an undisturbed run.

    Raises:
        ResultError: when the folder can't be written, another process writes it, or it holds something else.
        SimulationError: when the workers can't be reached or keep dying.
    """
    job, start = study.job, time.perf_counter()
    computed = failed = 0
    with writing(Path(folder), study, resume) as writer:
        watch(writer.members, job.members)
        for block in executor.blocks(job, writer.pending):
            writer.write(block)
            computed += len(block.inputs)
            failed += int((block.failed != WHOLE).sum())
            watch(writer.members, job.members)
        writer.finish()
    return Report(job.members, computed, failed, time.perf_counter() - start)
