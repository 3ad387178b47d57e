"""Members a second of an ensemble of Korea, ours and the peers': ``python benchmarks/rates.py`` prints a table.

Ten uncertain inputs, five series a year. All contenders get the same members; each writes what it ran. Every round
times each of them once, so that all meet the same state of the machine: by the time of the processor, which other
work on the machine hardly touches, and by the clock.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import measure  # noqa: E402
import peers  # noqa: E402

from sdpolicy.ensemble import Sampling, Study, Threads, Worker, draw, plan, write_ensemble  # noqa: E402
from sdpolicy.ensemble.design import MonteCarlo  # noqa: E402
from sdpolicy.ensemble.job import BLOCK  # noqa: E402
from sdpolicy.scenario import Case, RunSettings, case  # noqa: E402
from sdpolicy.vensim import read_model  # noqa: E402

INPUTS = 10
SERIES = {
    "catchup": ("output", "debt equity ratio", "confidence", "differentiated share", "export share"),
    "core": ("output", "debt equity ratio", "liquidity coverage", "differentiated share", "export share"),
}
SIZES = {"pysimlin": 50, "PySD, look-ups mended": 1, "PySD as shipped": 1}
"""Members that a peer runs in a round; its engines run one after another, so that a few tell the rate."""


@dataclass
class Contender:
    """Who runs ``size`` members a round, and the seconds that each round took: of the processor, and by the clock."""

    name: str
    method: str
    run: Callable[[], object]
    size: int
    rounds: int
    threads: int = 1
    seconds: list[tuple[float, float]] = field(default_factory=list)

    def rates(self, clock: bool) -> list[float]:
        """Return the members a second of each round."""
        return [self.size / pair[clock] for pair in self.seconds]


def as_vensim(chosen: Case, folder: Path) -> Path:
    """Write the model of a case with what its scenario sets and its times, for engines that know no scenario."""
    text = Path(chosen.program.source).read_text(encoding="utf-8")
    grid = chosen.grid
    times = {"FINAL TIME": grid.time(grid.steps), "INITIAL TIME": grid.start, "TIME STEP": grid.step, "SAVEPER": 1.0}
    bodies = {name: repr(float(value)) for name, value in times.items()}
    for item in chosen.applied:
        if item.kind == "set":
            bodies[item.name] = repr(float(item.value))
        elif item.kind == "path" and item.value["mode"] == "linear":
            points = ",".join(f"({x!r},{y!r})" for x, y in zip(item.value["x"], item.value["y"], strict=True))
            bodies[item.name] = f"WITH LOOKUP(Time, ({points}))"
        elif item.kind != "run":
            raise SystemExit(f"{item.kind} of '{item.name}' has no counterpart in Vensim")
    for name, body in bodies.items():
        text, count = re.subn(rf'(?m)^"?{re.escape(name)}"?\s*=[^~]*', lambda _, b=body, n=name: f"{n}= {b} ", text)
        if count != 1:
            raise SystemExit(f"'{name}' stands in the model {count} times")
    path = folder / "baseline.mdl"
    path.write_text(text, encoding="utf-8")
    return path


class Baseline:
    """The ensemble as a study by each method, and the peers' model of it."""

    def __init__(self, scenario: str, folder: Path) -> None:
        self.folder = folder
        self.cases = {m: case(scenario, read_model, {}, RunSettings(method=m)) for m in ("euler", "rk4")}
        chosen = self.cases["euler"]
        self.outputs = SERIES[chosen.program.name]
        self.model = as_vensim(chosen, folder)
        self.names = peers.Names(tuple(f.name for f in self.study("euler", 2).factors), self.outputs)

    def study(self, method: str, members: int) -> Study:
        """Return the ensemble of ten inputs, by a method."""
        study = plan(self.cases[method], Sampling("monte-carlo", 2), outputs=self.outputs)
        design, block = MonteCarlo(members, INPUTS, 1), min(BLOCK, members)
        return replace(study, job=replace(study.job, factors=study.factors[:INPUTS], design=design, block=block))

    def members(self, count: int) -> np.ndarray:
        study = self.study("euler", count)
        return draw(study.job.design, study.factors, 0, count)

    def ours(self, method: str, members: int, threads: int, rounds: int) -> list[Contender]:
        """Return our ensemble from the drawing to the disk, and the bare kernel on members that are drawn."""
        study, store = self.study(method, members), self.folder / "store"
        worker = Worker(study.job, threads)
        block = worker.block(0)
        count = len(block.inputs)
        outputs, grid = study.job.outputs, study.job.grid

        def written() -> None:
            shutil.rmtree(store, ignore_errors=True)
            write_ensemble(study, store, executor=Threads(threads))

        def bare() -> None:
            worker.kernel.run_many(
                worker.parameters[:count], grid, method, outputs, threads=threads, out=worker.buffer[:count]
            )

        on = f"{threads} thread{'s' if threads > 1 else ''}"
        return [
            Contender(f"sdpolicy, {on}", method, written, members, rounds, threads),
            Contender(f"sdpolicy, {on}, bare kernel", method, bare, count, rounds, threads),
        ]

    def theirs(self, runner: peers.Runner, name: str, rounds: int) -> Contender:
        """Return a peer that draws, runs and writes its members."""

        def run() -> None:
            np.save(self.folder / "peer.npy", runner(self.members(SIZES[name])))

        return Contender(name, "euler", run, SIZES[name], rounds)

    def difference(self, runner: peers.Runner) -> float:
        """Return how far a peer's series are from ours, relative to each series' greatest value."""
        study = self.study("euler", 3)
        expected = Worker(study.job).block(0).values
        order = [study.job.outputs.index(study.job.program.find(name).id) for name in self.outputs]
        found = runner(self.members(3))
        return float((np.abs(found - expected[..., order]) / np.abs(expected[..., order]).max(axis=(0, 1))).max())


def race(contenders: list[Contender]) -> None:
    """Run all once, untimed, then time each once a round."""
    for contender in contenders:
        contender.run()
    for turn in range(max(contender.rounds for contender in contenders)):
        for contender in contenders:
            if turn < contender.rounds:
                processor, clock = time.process_time(), time.perf_counter()
                contender.run()
                contender.seconds.append((time.process_time() - processor, time.perf_counter() - clock))


def table(contenders: list[Contender], differences: dict[str, float]) -> str:
    """Return the rates as a table in Markdown; "ours" is our ensemble by Euler in one thread."""
    ours = statistics.median(next(c for c in contenders if c.method == "euler").rates(clock=False))
    lines = ["| engine | method | members a second | from | to | by the clock | rounds | ours faster by | difference |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]  # fmt: skip
    for c in contenders:
        rates = c.rates(clock=False)
        middle, clock = statistics.median(rates), statistics.median(c.rates(clock=True))
        shown = [_rate(rate) for rate in (middle, min(rates), max(rates))] if c.threads == 1 else [""] * 3
        faster = "" if c.name.startswith("sdpolicy") else f"{ours / middle:,.0f}"
        far = f"{differences[c.name]:.0e}" if c.name in differences else ""
        cells = [c.name, c.method, *shown, _rate(clock), str(len(rates)), faster, far]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def main() -> None:
    """Read the arguments, race and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="korea")
    parser.add_argument("--members", type=int, default=16_384)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Baseline(given.scenario, Path(name))
        found = [c for m in ("euler", "rk4") for c in base.ours(m, given.members, 1, given.rounds)]
        found += base.ours("rk4", given.members, 2, given.rounds)
        made, missing = peers.available({
            "pysimlin": lambda: peers.pysimlin(base.model, base.names),
            "PySD, look-ups mended": lambda: peers.pysd(base.model, mended=True, names=base.names),
            "PySD as shipped": lambda: peers.pysd(base.model, mended=False, names=base.names),
        })  # fmt: skip
        slow = {"PySD as shipped": 3}
        found += [base.theirs(runner, n, slow.get(n, given.rounds)) for n, runner in made.items()]
        differences = {n: base.difference(runner) for n, runner in made.items() if n not in slow}
        race(found)
        chosen = base.cases["euler"]
        print(f"{given.scenario}: {INPUTS} inputs, {len(base.outputs)} series a year, {chosen.grid.steps} steps")
        print(measure.machine(), "\n")
        print(table(found, differences))
        for peer, reason in missing.items():
            print(f"left out: {peer} ({reason})")


if __name__ == "__main__":
    main()
