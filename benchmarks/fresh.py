"""What is measured in fresh processes: the first result, the first figure, and memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import model as bench

SOURCE = str(Path(__file__).parent.parent / "src")
FIGURE_ROUNDS = 7


def environment(work: Path) -> Mapping[str, str]:
    """Return an environment with a cache of its own, in which Python keeps what it compiles, as it does for a user."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"SDPOLICY_CACHE": str(work / "cache"), "PYTHONPATH": SOURCE}


def python(work: Path, script: str) -> tuple[float, list[str]]:
    """Run a script in a new Python; return the wall seconds, start-up included, and the words that it printed."""
    begin = time.perf_counter()
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment(work), cwd=work, capture_output=True, text=True, check=True)
    return time.perf_counter() - begin, done.stdout.split()


RESULT = """
import time
begin = time.perf_counter()
from sdpolicy.backends.llvm import ENGINE
from sdpolicy.integrators import Grid
from sdpolicy.lower import lower
from sdpolicy.vensim import read_model
import numpy as np
ready = time.perf_counter()
lowered = lower(read_model({model!r}))
read = time.perf_counter()
kernel = ENGINE.compile(lowered)
outputs = [quantity.id for quantity in lowered.program.quantities]
kernel.run(np.array(lowered.defaults), Grid.of({start}, {stop}, {step}, {save}), "euler", outputs)
print(ready - begin, read - ready, time.perf_counter() - read)
"""


def first_result(path: Path, work: Path) -> None:
    """Print the time to a first result, without and with what an earlier process left on disk."""
    script = RESULT.format(model=str(path), start=bench.START, stop=bench.STOP, step=bench.STEP, save=bench.SAVE)
    print("\n| first result in a fresh process | whole s | imports | read and lower | compile and run |")
    print("|---|---|---|---|---|")
    for name in ("cold", "warm", "warm"):
        whole, parts = python(work, script)
        print(f"| {name} | {whole:.2f} | {' | '.join(f'{float(part):.3f}' for part in parts)} |")


PLAIN = """
import numpy as np, xarray as xr
from matplotlib.figure import Figure
time = np.arange(1962, 2005.1, 0.25)
run = xr.Dataset({f"x{n}": ("time", np.sin(time / (n + 3))) for n in range(8)}, {"time": time})
figure = Figure(figsize=(12.8, 7.2))
for n, name in enumerate(run):
    axes = figure.add_subplot(2, 4, n + 1)
    axes.plot(run["time"].values, run[name].values)
    axes.set_title(name)
figure.savefig("plain.svg")
"""
"""What the libraries take by themselves: eight lines in eight panels, on disk."""


def first_figure(work: Path) -> None:
    """Print the time from the start of ``sdpolicy run korea --out`` to its first figure on disk, cache warm."""
    _figure(work, work / "cold")
    rounds = []
    for n in range(FIGURE_ROUNDS):
        start = _children()
        drawn, whole = _figure(work, work / f"warm-{n}")
        between = _children()
        plain, _ = python(work, PLAIN)
        rounds.append((drawn, whole, plain, between - start, _children() - between))
    print(f"\n| `sdpolicy run korea --out DIR`, warm cache, {FIGURE_ROUNDS} rounds | median s | least | greatest |")
    print("|---|---|---|---|")
    bare = "numpy, xarray and matplotlib alone, one plain figure of eight lines"
    names = ("to the first figure", "to the end", bare, "processor time, to the end", f"processor time, {bare}")
    for name, seconds in zip(names, zip(*rounds, strict=True), strict=True):
        print(f"| {name} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {max(seconds):.2f} |", flush=True)


def _children() -> float:
    """Return the processor time of all processes started so far."""
    times = os.times()
    return times.children_user + times.children_system


def _figure(work: Path, out: Path) -> tuple[float, float]:
    """Run the command; return the seconds until a figure lies in ``out``, and until it ends."""
    command = [sys.executable, "-m", "sdpolicy", "run", "korea", "--out", str(out)]
    drawn, begin = 0.0, time.perf_counter()
    with subprocess.Popen(command, env=environment(work), stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            time.sleep(0.002)
            if not drawn and any(out.glob("*.svg")):
                drawn = time.perf_counter() - begin
    whole = time.perf_counter() - begin
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)
    return drawn or whole, whole


MEMORY = """
import resource, sys
from pathlib import Path
from sdpolicy.ensemble import Sampling, Spread, Threads, Variation, plan, simulate_members, write_ensemble
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model
vary = {{name: Spread("uniform", (0.9 * value, 1.1 * value)) for name, value in {varied!r}.items()}}
study = plan(case({model!r}, read_model), Sampling("monte-carlo", {members}), Variation(vary), {saved!r})
if {folder!r}:
    write_ensemble(study, Path({folder!r}), executor=Threads(1))
    saved = sum(file.stat().st_size for file in Path({folder!r}).rglob("*") if file.is_file())
else:
    saved = simulate_members(study, executor=Threads(1)).nbytes
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
status = Path("/proc/self/status")
if status.exists():  # Linux counts the memory of the process that started this one into the other figure
    peak = 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
print(peak, saved)
"""


def memory(path: Path, work: Path, sizes: Sequence[int]) -> None:
    """Print the greatest memory of a process that runs an ensemble, beside what the ensemble saves."""
    if sys.platform == "win32":
        return
    varied = {name: bench.CONSTANTS[name] for name in bench.VARIED}
    print("\n| members, each size in a process of its own | saved MiB | greatest memory MiB |\n|---|---|---|")
    for place in ("in memory", "on disk"):
        for size in sizes:
            folder = str(work / f"members-{size}") if place == "on disk" else ""
            settings = {"model": str(path), "members": size, "folder": folder}
            script = MEMORY.format(**settings, varied=varied, saved=tuple(bench.SAVED))
            peak, saved = (float(word) / 2**20 for word in python(work, script)[1])
            print(f"| {size:,}, kept {place} | {saved:.0f} | {peak:.0f} |", flush=True)
