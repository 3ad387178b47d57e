"""Who computes blocks: this process, processes beside it, or a Dask cluster. The numbers are the same.

An executor takes a job and the numbers of blocks, and gives the blocks in any order, holding a few at a time.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from threading import get_ident
from typing import Any, Final, Protocol

from sdpolicy.ensemble.job import Block, Job, Worker
from sdpolicy.errors import Problem, SimulationError

RETRIES: Final = 3
"""How many times processes that died are replaced."""


class Executor(Protocol):
    """Computes blocks."""

    def blocks(self, job: Job, numbers: Sequence[int]) -> Iterator[Block]:
        """Yield the blocks of ``numbers``, in any order; each may be overwritten when the next is asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Threads:
    """Threads of this process (default: one for each processor). The kernel lets go of the interpreter's lock."""

    workers: int | None = None

    def blocks(self, job: Job, numbers: Sequence[int]) -> Iterator[Block]:
        worker = Worker(job, self.workers)
        for number in numbers:
            yield worker.block(number)


@dataclass(frozen=True, slots=True)
class Processes:
    """Processes of this machine, started afresh as on Windows. One that dies is replaced, a few times."""

    workers: int | None = None

    def blocks(self, job: Job, numbers: Sequence[int]) -> Iterator[Block]:
        left, failures = list(numbers), 0
        while left:
            done = 0
            try:
                for block in self._pooled(job, tuple(left)):
                    left.remove(block.number)
                    done += 1
                    yield block
            except BrokenProcessPool as error:
                failures = failures + 1 if not done else 1
                if failures > RETRIES:
                    cure = "The system may be out of memory: use fewer workers, then go on with --resume."
                    raise SimulationError(Problem("workers", "processes keep dying", cure)) from error

    def _pooled(self, job: Job, numbers: Sequence[int]) -> Iterator[Block]:
        from multiprocessing import get_context

        count = self.workers or os.cpu_count() or 1
        payload, waiting = pickle.dumps(job), iter(numbers)
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            running: set[Future[Block]] = set()
            try:
                while True:
                    while len(running) < 2 * count and (number := next(waiting, None)) is not None:
                        running.add(pool.submit(compute, payload, number))
                    if not running:
                        return
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Dask:
    """Workers of a Dask cluster, on this machine or many, by the address of its scheduler.

    A block whose worker dies is computed by another.
    """

    address: str
    ahead: int = 2
    """Blocks for each thread of the cluster that are under way at a time."""

    def blocks(self, job: Job, numbers: Sequence[int]) -> Iterator[Block]:
        distributed = _distributed()
        try:
            client = distributed.Client(self.address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            cure = "Start one with 'dask scheduler', and 'dask worker ADDRESS' on each machine."
            raise SimulationError(Problem(self.address, "no Dask scheduler answers", cure)) from error
        with client:
            yield from self._spread(client, pickle.dumps(job), iter(numbers))

    def _spread(self, client: Any, payload: bytes, waiting: Iterator[int]) -> Iterator[Block]:
        distributed = _distributed()
        client.wait_for_workers(1, timeout=60)
        (shared,) = client.scatter([payload], broadcast=True)
        room = max(2, self.ahead * sum(client.nthreads().values()))
        again = {"pure": False, "retries": RETRIES}
        first = [client.submit(compute, shared, number, **again) for number in islice(waiting, room)]
        tasks = distributed.as_completed(first, loop=client.loop)
        for future in tasks:
            block = future.result()
            future.release()
            yield block
            for number in islice(waiting, 1):
                tasks.add(client.submit(compute, shared, number, **again))


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        cure = "Install it with: pip install 'sdpolicy[distributed]'."
        raise SimulationError(Problem("--scheduler", "Dask is not installed", cure)) from error
    return distributed


def compute(payload: bytes, number: int) -> Block:
    """Compute one block of a pickled job with one thread: what other processes are asked to do."""
    block = _worker(payload, get_ident()).block(number)
    return Block(block.number, block.inputs, block.values.copy(), block.failed, block.failed_at)


@lru_cache(maxsize=64)
def _worker(payload: bytes, thread: int) -> Worker:  # noqa: ARG001 (each thread has buffers of its own)
    """Return the worker of this thread for a job; the model is compiled once."""
    job: Job = pickle.loads(payload)
    return Worker(job, 1)
