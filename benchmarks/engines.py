"""Time the engines on one model in one run: ``python benchmarks/engines.py`` prints the table of the README.

All contenders get the same members and the same series to save; every round times each of them once, and
ratios are taken round by round. Options: ``--rounds N``, ``--quick`` (small sizes), ``--fresh`` (only what is
measured in fresh processes), ``--without NAME ...``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import fresh  # noqa: E402
import measure  # noqa: E402
import model as bench  # noqa: E402
import numpy_engine  # noqa: E402
import peers  # noqa: E402

from sdpolicy.backends.llvm import CompiledKernel  # noqa: E402
from sdpolicy.backends.python import ENGINE as READABLE  # noqa: E402
from sdpolicy.integrators import Grid  # noqa: E402
from sdpolicy.lower import lower  # noqa: E402
from sdpolicy.vensim import read_model  # noqa: E402

SIZES = (1, 100, 1_000, 10_000, 100_000)
SINGLE = 100
"""Single runs are compared over so many of them, one call after another."""
GOALS = {"pysimlin": 60.0, "SDEverywhere C": 6.0, "PySD, look-ups mended": 6_000.0, "PySD as shipped": 200_000.0}


class Bench:
    """The model read once, its members, and a function for each of our own engines."""

    def __init__(self, path: Path, copies: int = 1, step: float = bench.STEP) -> None:
        path.write_text(bench.source(copies), encoding="utf-8")
        self.path = path
        self.program = read_model(path)
        self.lowered = lower(self.program)
        self.outputs = tuple(self._id(name) for name in bench.SAVED)
        self.varied = [self.lowered.parameters.index(self._id(name)) for name in bench.VARIED]
        self.grid = Grid.of(bench.START, bench.STOP, step, bench.SAVE)
        self.defaults = np.array(self.lowered.defaults)

    def _id(self, name: str) -> str:
        found = self.program.find(name)
        assert found is not None
        return found.id

    def members(self, count: int) -> np.ndarray:
        """Return the varied constants of ``count`` members, within 10 % of their values."""
        factors = np.random.default_rng(1).uniform(0.9, 1.1, (count, len(self.varied)))
        return self.defaults[self.varied] * factors

    def parameters(self, members: np.ndarray) -> np.ndarray:
        table = np.tile(self.defaults, (len(members), 1))
        table[:, self.varied] = members
        return table

    def ensemble(self, kernel: CompiledKernel, members: np.ndarray, threads: int = 1) -> np.ndarray:
        return kernel.run_many(self.parameters(members), self.grid, "euler", self.outputs, threads=threads).values


class Blocks:
    """Runs ensembles as a study does: the table of parameters and the numbers of each size are written over."""

    def __init__(self, b: Bench, kernel: CompiledKernel) -> None:
        self.b, self.kernel = b, kernel
        self.tables: dict[int, np.ndarray] = {}
        self.values: dict[int, np.ndarray] = {}

    def __call__(self, members: np.ndarray) -> np.ndarray:
        b, size = self.b, len(members)
        if size not in self.tables:
            self.tables[size] = b.parameters(members)
            self.values[size] = np.empty((size, b.grid.saved, len(b.outputs)))
        table = self.tables[size]
        table[:, b.varied] = members
        return self.kernel.run_many(table, b.grid, "euler", b.outputs, threads=1, out=self.values[size]).values


def contenders(b: Bench, work: Path, without: list[str]) -> tuple[dict[str, peers.Runner], dict[str, str]]:
    """Return a runner for each engine, ours first."""
    lanes, scalar = CompiledKernel(b.lowered, varied=b.varied), CompiledKernel(b.lowered, lanes=1)
    readable, arrays = READABLE.compile(b.lowered), numpy_engine.make(b.lowered, b.grid, b.outputs)

    def python(members: np.ndarray) -> np.ndarray:
        rows = b.parameters(members)
        return np.stack([readable.run(row, b.grid, "euler", b.outputs).values for row in rows])

    def single(members: np.ndarray) -> np.ndarray:
        rows = b.parameters(members)
        return np.stack([scalar.run(row, b.grid, "euler", b.outputs).values for row in rows])

    makers = {
        "sdpolicy, lanes": lambda: Blocks(b, lanes),
        "sdpolicy, one by one": lambda: lambda members: b.ensemble(scalar, members),
        "sdpolicy, single runs": lambda: single,
        "sdpolicy, readable": lambda: python,
        "NumPy over members": lambda: lambda members: arrays(b.parameters(members)),
        "SDEverywhere C": lambda: peers.sdeverywhere(b.path, work),
        "pysimlin": lambda: peers.pysimlin(b.path),
        "PySD, look-ups mended": lambda: peers.pysd(b.path, mended=True),
        "PySD as shipped": lambda: peers.pysd(b.path, mended=False),
        "EMA Workbench over PySD": lambda: peers.ema(b.path),
    }
    return peers.available({name: make for name, make in makers.items() if name not in without})


PEAK = "(the arithmetic alone, at this core's peak)"
MOST = {
    "sdpolicy, single runs": 1_000,
    "sdpolicy, one by one": 1_000,
    "sdpolicy, readable": 1,
    "NumPy over members": 10_000,
    "SDEverywhere C": 1_000,
    "pysimlin": 100,
    "PySD, look-ups mended": 1,
    "PySD as shipped": 1,
    "EMA Workbench over PySD": 1,
}
"""The most members that are run; more are extrapolated, since these engines run one member after another."""
SLOW = {"PySD as shipped": 2, "EMA Workbench over PySD": 1}


def agreement(runners: dict[str, peers.Runner], members: np.ndarray) -> dict[str, float]:
    """Return each engine's largest difference to our lanes, relative to each series' largest value."""
    expected = runners["sdpolicy, lanes"](members).copy()
    scale = np.abs(expected).max(axis=(0, 1))
    return {name: float((np.abs(run(members) - expected) / scale).max()) for name, run in runners.items()}


def table(raced: list[measure.Contender], sizes: list[int]) -> None:
    """Print microseconds a member: median (least to greatest); ~ marks what is extrapolated from fewer members."""
    print(f"| engine | {' | '.join(f'{size:,} members' for size in sizes)} |")
    print("|---|" + "---|" * len(sizes))
    for contender in raced:
        cells = []
        for size in sizes:
            median, least, most, guessed = contender.microseconds(size)
            cells.append(f"{'~' if guessed else ''}{median:,.4g} ({least:,.3g} to {most:,.3g})")
        print(f"| {contender.name} | {' | '.join(cells)} |")


def goals(raced: dict[str, measure.Contender], size: int) -> None:
    """Print how many times faster our lanes are than each peer, beside what was asked for."""
    ours = raced["sdpolicy, lanes"]
    print(f"\n| peer | times slower than our lanes at {size:,} members | goal |\n|---|---|---|")
    for name, goal in GOALS.items():
        if name in raced:
            middle, least, most = measure.ratios(raced[name], ours, size)
            print(f"| {name} | {middle:,.0f} ({least:,.0f} to {most:,.0f}) | {goal:,.0f} |")
    if "pysimlin" in raced:
        middle, least, most = measure.ratios(raced["pysimlin"], raced["sdpolicy, single runs"], SINGLE)
        print(f"| pysimlin, one run against ours from Python | {middle:.1f} ({least:.1f} to {most:.1f}) | 10 |")


def operations(b: Bench) -> int:
    """Return the floating-point operations of one member and step in our lane kernel."""
    kernel = CompiledKernel(b.lowered, varied=b.varied)
    return measure.flops(kernel.routine("euler", b.outputs, kernel.lanes, whole=False).module.text)


def bound(b: Bench, raced: dict[str, measure.Contender], size: int) -> None:
    """Print how far our lanes are from the time that their arithmetic takes at the core's peak in the same round."""
    least = raced[PEAK].microseconds(size)[0]
    middle, low, high = measure.ratios(raced["sdpolicy, lanes"], raced[PEAK], size)
    speed = operations(b) * b.grid.steps / least / 1e3
    print(
        f"\nBound: {operations(b)} floating-point operations a member and step; this core reached {speed:.1f} Gflop/s "
        f"between our runs, so {least:.1f} us a member. Our lanes take {middle:.1f} ({low:.1f} to {high:.1f}) times "
        "that (goal: 4)."
    )


def growth(b: Bench, work: Path, rounds: int) -> None:
    """Print how the cost grows with variables, steps, saved rows and threads."""
    import os

    print("\n| what | variables | steps | threads | compile s | us a member |\n|---|---|---|---|---|---|")
    cases = [("base", 1, bench.STEP, 1), ("half the step", 1, bench.STEP / 2, 1), ("an eighth", 1, bench.STEP / 8, 1)]
    cases += [(f"{copies} copies", copies, bench.STEP, 1) for copies in (2, 4, 13)]
    cases += [(f"{n} threads", 1, bench.STEP, n) for n in range(2, (os.cpu_count() or 1) + 1)]
    for name, copies, step, threads in cases:
        case = b if (copies, step) == (1, bench.STEP) else Bench(work / "case.mdl", copies, step)
        kernel = CompiledKernel(case.lowered, varied=case.varied)
        members = case.members(4096)
        begin = time.perf_counter()
        case.ensemble(kernel, members[:1])
        ready = time.perf_counter() - begin
        times = []
        for _ in range(rounds):
            begin = time.perf_counter()
            case.ensemble(kernel, members, threads)
            times.append((time.perf_counter() - begin) / len(members) * 1e6)
        count = len(case.program.quantities)
        cost = np.median(times)
        print(f"| {name} | {count} | {case.grid.steps} | {threads} | {ready:.2f} | {cost:.1f} |", flush=True)


def compare(b: Bench, work: Path, rounds: int, sizes: list[int], without: list[str]) -> None:
    """Race all contenders and print what came of it."""
    runners, missing = contenders(b, work, without)
    everyone = b.members(sizes[-1])
    raced = [
        measure.Contender(name, lambda n, run=run: run(everyone[:n]), MOST.get(name, 10**9), SLOW.get(name, 10**9))
        for name, run in runners.items()
    ]
    raced.insert(1, measure.Contender(PEAK, measure.burn(operations(b) * b.grid.steps), 10_000))
    differences = agreement(runners, everyone[:2])
    measure.race(raced, sizes, rounds)
    table(raced, sizes)
    for name, reason in missing.items():
        print(f"| {name} | not measured: {reason} |")
    print("\nLargest difference to our lanes, relative to each series' largest value:")
    print("; ".join(f"{name} {value:.1e}" for name, value in differences.items()))
    compared = min(10_000, sizes[-1])
    goals({one.name: one for one in raced}, compared)
    bound(b, {one.name: one for one in raced}, compared)


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="no more than 1,000 members, no growth")
    parser.add_argument("--fresh", action="store_true", help="only first results, the first figure and memory")
    parser.add_argument("--without", nargs="*", default=[], help="contenders to leave out")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        b = Bench(work / "bench.mdl")
        print(f"{measure.machine()}\n{len(b.program.quantities)} quantities, {b.grid.steps} steps, one core\n")
        if not chosen.fresh:
            sizes = [size for size in SIZES if size <= (1_000 if chosen.quick else SIZES[-1])]
            compare(b, work, chosen.rounds, sizes, chosen.without)
            if not chosen.quick:
                growth(b, work, chosen.rounds)
        fresh.first_result(b.path, work)
        fresh.first_figure(work)
        if not chosen.quick:
            fresh.memory(b.path, work, (10_000, 100_000, 200_000))


if __name__ == "__main__":
    main()
