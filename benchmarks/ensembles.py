"""A million members drawn, run and written, against the bare kernel measured in between; and a full Sobol study.

/usr/bin/time -v python benchmarks/ensembles.py --members 1000000 --out /tmp/million
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from sdpolicy.ensemble import Block, Job, Sampling, Worker, draw, plan, simulate_members, write_ensemble
from sdpolicy.ensemble.design import MonteCarlo
from sdpolicy.scenario import RunSettings, case
from sdpolicy.sensitivity import sobol as indices
from sdpolicy.vensim import read_model

INPUTS = 10
OUTPUTS = ["output", "debt equity ratio", "liquidity coverage", "relative knowledge", "differentiated share"]


@dataclass
class Measuring:
    """An executor that, before every tenth block, times the bare kernel on that block's parameters."""

    bare: float = 0.0
    bare_processor: float = 0.0
    bare_members: int = 0
    every: int = 10
    seen: list[int] = field(default_factory=list)

    def blocks(self, job: Job, numbers: Sequence[int]) -> Iterator[Block]:
        """Yield the blocks, as ``Threads`` does."""
        worker = Worker(job)
        for count, number in enumerate(numbers):
            block = worker.block(number)
            if count % self.every == 1:
                start, processor = time.perf_counter(), time.process_time()
                members = len(block.inputs)
                worker.kernel.run_many(
                    worker.parameters[:members], job.grid, job.method, job.outputs, out=worker.buffer[:members]
                )
                self.bare += time.perf_counter() - start
                self.bare_processor += time.process_time() - processor
                self.bare_members += members
            yield block


def million(scenario: str, members: int, folder: Path, method: str) -> None:
    """Draw, run and write an ensemble of ten inputs and five outputs a year."""
    chosen = case(scenario, read_model, {}, RunSettings(method=method))
    outputs = (
        OUTPUTS
        if chosen.program.find("liquidity coverage")
        else ["confidence", *OUTPUTS[:2], *OUTPUTS[4:], "export share"]
    )
    study = plan(chosen, Sampling("monte-carlo", members, 1), outputs=outputs)
    job = replace(study.job, factors=study.factors[:INPUTS], design=MonteCarlo(members, INPUTS, 1))
    study = replace(study, job=job)
    measuring = Measuring()
    shutil.rmtree(folder, ignore_errors=True)
    processor = time.process_time()
    report = write_ensemble(study, folder, executor=measuring)
    used = time.process_time() - processor - measuring.bare_processor
    seconds = report.seconds - measuring.bare
    bare, rate = measuring.bare_members / measuring.bare, report.members / seconds
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"{method}: {report.members:,} members, {report.failed:,} failed, {seconds:.1f} s, {rate:,.0f} members/s")
    print(f"bare kernel, in between: {bare:,.0f} members/s; ratio {rate / bare:.2f}")
    whole, kernel = 1e6 * used / report.members, 1e6 * measuring.bare_processor / measuring.bare_members
    print(f"processor time a member: {whole:.0f} us in all, {kernel:.0f} us the kernel; ratio {kernel / whole:.2f}")
    print(f"{size / 1e9:.2f} GB written, peak memory {peak:,.0f} MiB")


def sobol(scenario: str, base: int, method: str) -> None:
    """Time a full Sobol' study: sampling, running, and the indices of five series over time with their intervals."""
    chosen = case(scenario, read_model, {}, RunSettings(method=method))
    study = plan(chosen, Sampling("saltelli", base, 1), outputs=OUTPUTS)
    Worker(study.job).block(0)  # compiled, and memory touched, before the clock starts
    clock = [time.perf_counter()]
    draw(study.job.design, study.factors, 0, study.job.members)
    clock.append(time.perf_counter())
    members = simulate_members(study)
    clock.append(time.perf_counter())
    names = [factor.name for factor in study.factors]
    for name in OUTPUTS:
        indices(members[name].values, study.job.design, names, resamples=100)
    clock.append(time.perf_counter())
    parts = [b - a for a, b in pairwise(clock)]
    print(f"Sobol': {study.job.members:,} members: sampling {parts[0]:.2f} s (twice: running draws again), "
          f"running {parts[1]:.2f} s, analysis {parts[2]:.2f} s; sum {sum(parts):.2f} s")  # fmt: skip


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--scenario", default="core-korea-uncertain")
    parser.add_argument("--out", type=Path, default=Path("million"))
    parser.add_argument("--method", default="rk4")
    parser.add_argument("--sobol", type=int, default=0, metavar="BASE", help="a Sobol' study instead")
    given = parser.parse_args()
    if given.sobol:
        sobol(given.scenario, given.sobol, given.method)
        return
    million(given.scenario, given.members, given.out, given.method)


if __name__ == "__main__":
    main()
