"""How the benchmarks measure: interleaved rounds, the machine in words, its peak, and fresh processes."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Contender:
    """An engine under test: ``run(members)`` runs that many; ``most`` is the largest number worth waiting for."""

    name: str
    run: Callable[[int], object]
    most: int = 10**9
    rounds: int = 10**9
    seconds: dict[int, list[float]] = field(default_factory=dict)

    def microseconds(self, members: int) -> tuple[float, float, float, bool]:
        """Return median, least and greatest time a member, and whether it is extrapolated from fewer members."""
        timed = max(n for n in self.seconds if n <= max(members, min(self.seconds)))
        times = [1e6 * s / timed for s in self.seconds[timed]]
        return statistics.median(times), min(times), max(times), timed != members


def race(contenders: list[Contender], sizes: list[int], rounds: int) -> None:
    """Time every contender at every size once a round, so that all meet the same weather.

    What counts is the time of the processor: everyone runs in one thread of this process, and what else the
    machine does meanwhile is not theirs.
    """
    for contender in contenders:
        contender.run(1)
    for turn in range(rounds):
        for size in sizes:
            for contender in contenders:
                if turn < contender.rounds and size <= contender.most:
                    begin = time.process_time()
                    contender.run(size)
                    contender.seconds.setdefault(size, []).append(time.process_time() - begin)


def ratios(one: Contender, other: Contender, size: int) -> tuple[float, float, float]:
    """Return how many times longer ``one`` takes than ``other`` a member: median, least, greatest over rounds.

    ``one`` counts at the largest size at which it was timed, at most ``size``.
    """
    timed = max(n for n in one.seconds if n <= size)
    pairs = zip(one.seconds[timed], other.seconds[size], strict=False)
    found = [(a / timed) / (b / size) for a, b in pairs]
    return statistics.median(found), min(found), max(found)


def machine() -> str:
    """Return the processor, the system and the versions that matter."""
    import llvmlite
    import numpy as np

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        name = lines[0].partition(":")[2].strip() if lines else name
    return (
        f"{name}, {os.cpu_count()} processors, {platform.system()}; "
        f"Python {platform.python_version()}, NumPy {np.__version__}, llvmlite {llvmlite.__version__}"
    )


def burn(operations: int) -> Callable[[int], object]:
    """Return what does ``operations`` a member and nothing else: independent fused multiply-adds, as fast as can be."""
    from sdpolicy.backends.llvm import objects

    chains, width = 12, 8
    code = objects.load(objects.compile_ir(_multiply_add(chains, width)), "peak")
    function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int64)(code.address)

    def run(members: int, keep: object = code) -> object:
        return function(max(1, round(operations * members / (2 * chains * width)))), keep

    return run


def _multiply_add(chains: int, width: int) -> str:
    """Return a loop of independent chains of x = x * 0.5 + 0.25."""
    v = f"<{width} x double>"
    phis = [f"%x{c} = phi {v} [ splat (double 1.0), %entry ], [ %y{c}, %loop ]" for c in range(chains)]
    steps = [
        f"%y{c} = call {v} @llvm.fma.v{width}f64({v} %x{c}, {v} splat (double 0.5), {v} splat (double 0.25))"
        for c in range(chains)
    ]
    sums = [f"%s{c} = fadd {v} {f'%s{c - 1}' if c > 1 else '%y0'}, %y{c}" for c in range(1, chains)]
    return "\n".join(
        [
            f"declare {v} @llvm.fma.v{width}f64({v}, {v}, {v})",
            'define double @peak(i64 %n) "prefer-vector-width"="512" "min-legal-vector-width"="512" {',
            "entry:\nbr label %loop\nloop:\n%i = phi i64 [ 0, %entry ], [ %j, %loop ]",
            *phis,
            *steps,
            "%j = add i64 %i, 1\n%more = icmp ult i64 %j, %n\nbr i1 %more, label %loop, label %done\ndone:",
            *sums,
            f"%r = extractelement {v} %s{chains - 1}, i64 0\nret double %r\n}}",
        ]
    )


def flops(text: str) -> int:
    """Return the floating-point operations of one member and step in a lane kernel's IR.

    Additions, multiplications, divisions and roots count 1, fused multiply-adds 2; comparisons and choices
    nothing, although they take time. What is computed once a run stands before the block ``step``. Functions
    count as often as they are called, by the way that they go for ordinary arguments.
    """
    text = re.sub(r"^any\d+:$.*?(?=^both\d+:$)", "", text, flags=re.MULTILINE | re.DOTALL)
    inner: dict[str, int] = {}
    for name, body in re.findall(r"^define internal [^@]*(@[^(]+\.lanes)\((.*?)^}", text, re.MULTILINE | re.DOTALL):
        inner[name] = _operations(body, {})
    return _operations(text[text.index("\nstep:\n") : text.index("\nend:\n")], inner)


def _operations(text: str, inner: Mapping[str, int]) -> int:
    count = 0
    for line in text.splitlines():
        operation = line.partition(" = ")[2]
        if " x double>" not in operation:
            continue
        called = re.search(r"@[^(]+\.lanes", operation)
        if called:
            count += inner[called[0]]
        elif operation.startswith(("fadd", "fsub", "fmul", "fdiv")) or "@llvm.sqrt" in operation:
            count += 1
        elif "@llvm.fma" in operation:
            count += 2
    return count
