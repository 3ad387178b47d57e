"""Tests of the folder of compiled objects: reuse, damage, privacy, and two processes at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from sdpolicy.backends.llvm import ENGINE, objects
from sdpolicy.backends.llvm.module import module
from sdpolicy.backends.llvm.text import Target
from sdpolicy.integrators import FIXED_STEP, Grid
from sdpolicy.library import model_path
from sdpolicy.lower import lower
from sdpolicy.vensim import read_model
from small import op, program

GRID = Grid(0.0, 0.25, 8)
ALONE = """
import numpy as np, sys
sys.path.insert(0, sys.argv[1])
from small import op, program
from sdpolicy.backends.llvm import ENGINE, objects
from sdpolicy.integrators import Grid
from sdpolicy.lower import lower
if sys.argv[2] == "reuse":
    def refuse(text):
        raise AssertionError("compiled again")
    objects.compile_ir = refuse
kernel = ENGINE.compile(lower(program({"x": (op("exp", op("neg", "x")), 1.0)}, {})))
values = kernel.run(np.array(kernel.lowered.defaults), Grid(0.0, 0.25, 8), "rk4", ["x"]).values
print(values[-1, 0].hex())
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a folder of its own."""
    monkeypatch.setenv("SDPOLICY_CACHE", str(tmp_path))
    return tmp_path / "objects"


def last(initial: float = 1.0) -> float:
    """Compile and run a small model; return its last value."""
    kernel = ENGINE.compile(lower(program({"x": (op("exp", op("neg", "x")), "start")}, {"start": initial})))
    return float(kernel.run(np.array(kernel.lowered.defaults), GRID, "rk4", ["x"]).values[-1, 0])


def start(how: str) -> subprocess.Popen[str]:
    """Run a model of the same kind in a fresh process."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", ALONE, str(Path(__file__).parent), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_fresh_process_reuses_the_object(cache: Path) -> None:
    """What one process compiled, another only loads, and it gives the same bits."""
    first, error = start("compile").communicate(timeout=120)
    assert first, error
    assert len(list(cache.glob("*.o"))) == 1
    second, error = start("reuse").communicate(timeout=120)
    assert second == first, error


def test_two_processes_at_once_are_safe(cache: Path) -> None:
    """Both find the right numbers, and one whole object is left, with nothing half-written beside it."""
    runs = [start("compile") for _ in range(2)]
    found = {run.communicate(timeout=120)[0] for run in runs}
    assert len(found) == 1
    assert float.fromhex(found.pop()) > 1.0
    assert [path.suffix for path in cache.iterdir()] == [".o"]


def test_values_of_parameters_do_not_compile_anew(cache: Path) -> None:
    """An object serves every value of the constants."""
    assert last(1.0) != last(2.0)
    assert len(list(cache.glob("*.o"))) == 1


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_object_is_ignored(cache: Path, damage: str) -> None:
    """An object that is not whole is compiled again and replaced."""
    expected = last()
    (path,) = cache.glob("*.o")
    whole = path.read_bytes()
    middle = len(whole) // 2
    broken = {"cut": whole[:middle], "changed": whole[:middle] + b"!" + whole[middle + 1 :], "empty": b""}
    path.write_bytes(broken[damage])
    assert last() == expected
    assert path.read_bytes() == whole


@pytest.mark.skipif(os.name != "posix", reason="folders of other systems are private by their place")
def test_the_folder_is_private_and_a_public_one_is_not_trusted(cache: Path) -> None:
    """The folder is made for its owner alone; one that others may write to is neither read nor written."""
    last()
    assert cache.stat().st_mode & 0o777 == 0o700
    (path,) = cache.glob("*.o")
    path.unlink()
    cache.chmod(0o777)
    last()
    assert list(cache.iterdir()) == []


def test_the_folder_does_not_grow_without_end(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest objects go when there are too many."""
    monkeypatch.setattr(objects, "KEPT", 2)
    for step in range(4):
        kernel = ENGINE.compile(lower(program({"x": (float(step), 1.0)}, {})))
        kernel.run(np.array(kernel.lowered.defaults), GRID, "euler", ["x"])
    assert len(list(cache.glob("*.o"))) == 2


def test_no_folder_means_no_cache(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """An empty SDPOLICY_CACHE switches keeping off; the numbers are the same."""
    expected = last()
    monkeypatch.setenv("SDPOLICY_CACHE", "")
    assert last() == expected
    assert len(list(cache.iterdir())) == 1


def test_the_other_loader_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects written for long addresses and placed by LLVM's older loader, as on Windows, run alike."""
    expected = last()
    monkeypatch.setenv("SDPOLICY_CACHE", "")
    monkeypatch.setattr(objects, "LINKED", False)
    assert last() == expected


def test_large_models_run_fewer_members_side_by_side() -> None:
    """Two vectors of members a time where the model is small and the machine has AVX-512, one where it is large."""
    assert objects.lanes(10) == (16 if objects.target(16).permute else 8)
    assert objects.lanes(10_000) == 8


@pytest.mark.parametrize(
    ("triple", "processor", "target"),
    [
        ("arm64-apple-darwin", "apple-m1", Target(8, fma=True)),
        ("aarch64-unknown-linux-gnu", "generic", Target(8, fma=True)),
        ("x86_64-pc-windows-msvc", "x86-64-v3", Target(8, fma=True)),
        ("x86_64-unknown-linux-gnu", "x86-64", Target(8)),
        ("x86_64-pc-windows-msvc", "x86-64-v4", Target(16, fma=True, permute=True)),
    ],
)
def test_other_machines_have_instructions_for_all_of_it(triple: str, processor: str, target: Target) -> None:
    """The country model compiles for processors and systems that this machine is not."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        machine = llvm.Target.from_triple(triple).create_target_machine(cpu=processor, reloc="pic")
    except RuntimeError:
        pytest.skip("this llvmlite does not know that processor")
    lowered = lower(read_model(model_path("catchup")))
    text = module(lowered, FIXED_STEP["rk4"], ["output"], target).text
    unit = llvm.parse_assembly(f'target triple = "{triple}"\ntarget datalayout = "{machine.target_data}"\n{text}')
    assert machine.emit_object(unit)
