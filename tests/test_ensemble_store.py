"""Tests of ensembles on disk: the same bytes whatever happened on the way, and a message for what can go wrong."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import growing
from growing import contents, study
from sdpolicy.ensemble import (
    Block,
    Dask,
    Job,
    Processes,
    Spread,
    Threads,
    open_ensemble,
    simulate_members,
    with_design,
    write_ensemble,
)
from sdpolicy.ensemble import disk as disk_module
from sdpolicy.ensemble.design import Listed
from sdpolicy.ensemble.disk import only_writer
from sdpolicy.errors import ResultError, SimulationError


@dataclass(frozen=True)
class Stopping:
    """An executor that breaks off after a few blocks, or gives them backwards."""

    after: int = 10**6

    def blocks(self, job: Job, numbers: Sequence[int]) -> Iterator[Block]:
        for count, block in enumerate(Threads(1).blocks(job, numbers[::-1])):
            if count == self.after:
                raise KeyboardInterrupt
            yield block


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of an undisturbed ensemble of 5 blocks."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    write_ensemble(study(), folder, executor=Threads(1))
    return contents(folder)


def test_store_gives_what_memory_gives(tmp_path: Path) -> None:
    """Read back, a store equals the Dataset of the same study in memory; stretches and single variables too."""
    expected = simulate_members(study())
    report = write_ensemble(study(), tmp_path / "out")
    stored = open_ensemble(tmp_path / "out")
    assert (report.members, report.computed, report.failed, stored.complete) == (40, 40, 0, True)
    assert stored.read().identical(expected)
    part = stored.read(["Share"], 5, 30)
    np.testing.assert_array_equal(part["share"], expected["share"][5:30])
    assert part["member"].values.tolist() == list(range(5, 30))
    assert [len(block["member"]) for block in stored.blocks(["x"])] == [8] * 5


def test_any_reader_of_zarr_opens_it(tmp_path: Path) -> None:
    """xarray opens the store with the zarr package; drawn values are coordinates."""
    pytest.importorskip("zarr")
    import xarray as xr

    write_ensemble(study(), tmp_path / "out")
    expected = simulate_members(study())
    with xr.open_zarr(tmp_path / "out", chunks=None) as found:
        np.testing.assert_array_equal(found["x"], expected["x"])
        np.testing.assert_array_equal(found.coords["rate"], expected["rate"])
        np.testing.assert_array_equal(found["time"], expected["time"])


def test_interrupted_then_resumed_is_the_same(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """Stopped twice on the way and resumed, with blocks backwards and half a file left, the bytes are the same."""
    folder = tmp_path / "out"
    for blocks in (2, 1):
        with pytest.raises(KeyboardInterrupt):
            write_ensemble(study(), folder, resume=True, executor=Stopping(blocks))
    assert not open_ensemble(folder).complete
    (folder / "x" / "c" / "junk.part").write_bytes(b"half")
    with (folder / "blocks.jsonl").open("a") as journal:
        journal.write('{"block": 0, "sha')
    report = write_ensemble(study(), folder, resume=True)
    assert report.computed == 16
    assert contents(folder) == whole


def test_a_damaged_block_is_computed_again(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """A chunk that was changed or lost does not fit its hash: resuming repairs it, and nothing else."""
    folder = tmp_path / "out"
    write_ensemble(study(), folder)
    (folder / "x/c/1/0").write_bytes(b"\0" * len(whole["x/c/1/0"]))
    (folder / "rate/c/3").unlink()
    assert write_ensemble(study(), folder, resume=True).computed == 16
    assert contents(folder) == whole


def test_killed_at_random_then_resumed_is_the_same(tmp_path: Path) -> None:
    """A process that is killed outright at random moments, again and again, leaves a store that resuming completes."""
    command = [sys.executable, str(Path(growing.__file__)), str(tmp_path / "out"), "6000", "16"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(growing.__file__).parent), *sys.path])}
    random.seed(1)
    kills = 0
    for _ in range(3):
        process = subprocess.Popen(command, env=environment)
        while not (tmp_path / "out/blocks.jsonl").is_file() and process.poll() is None:
            time.sleep(0.02)
        time.sleep(random.uniform(0.0, 0.3))
        kills += process.poll() is None
        process.kill()
        process.wait()
    assert kills
    report = write_ensemble(study(6000, 16), tmp_path / "out", resume=True)
    assert 0 < report.computed < 6000
    write_ensemble(study(6000, 16), tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_processes_give_the_same_bytes(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """Processes that are spawned afresh, as on Windows, write what threads write."""
    write_ensemble(study(), tmp_path / "out", executor=Processes(2))
    assert contents(tmp_path / "out") == whole


@dataclass(frozen=True)
class Killing:
    """An executor that kills one process of another executor after its first block."""

    inner: Processes

    def blocks(self, job: Job, numbers: Sequence[int]) -> Iterator[Block]:
        for count, block in enumerate(self.inner.blocks(job, numbers)):
            if count == 0:
                multiprocessing.active_children()[0].kill()
            yield block


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    """A worker killed on the way costs nothing but time."""
    write_ensemble(study(400), tmp_path / "out", executor=Killing(Processes(2)))
    write_ensemble(study(400), tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_dask_with_a_worker_killed_gives_the_same_bytes(tmp_path: Path) -> None:
    """On a cluster of separate worker processes, one of which is killed, the store is the same."""
    distributed = pytest.importorskip("distributed")
    expected = tmp_path / "whole"
    write_ensemble(study(1600), expected)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        victims = [worker.process.pid for worker in cluster.workers.values()]
        killed: list[int] = []

        def watch(done: int, total: int) -> None:
            if total > done > 64 and not killed:
                killed.append(victims[0])
                os.kill(victims[0], 9)

        write_ensemble(study(1600), tmp_path / "out", executor=Dask(cluster.scheduler_address), watch=watch)
    assert killed
    assert contents(tmp_path / "out") == contents(expected)


def test_no_scheduler_is_told() -> None:
    """An address where nobody answers gives a message that says how to start a cluster."""
    pytest.importorskip("distributed")
    with pytest.raises(SimulationError, match="dask scheduler"):
        list(Dask("not-an-address://nowhere").blocks(study().job, [0]))


def test_failing_members_are_recorded(tmp_path: Path) -> None:
    """A member that overflows keeps its row, NaN from then on, with the variable and the time."""
    job = study(4, 4)
    values = np.array([[0.05, 10.0], [1e200, 10.0], [0.05, 5.0], [0.02, 10.0]])
    report = write_ensemble(with_design(job, Listed(values)), tmp_path / "out")
    found = open_ensemble(tmp_path / "out").read()
    assert report.failed == 1
    assert (found["failed"].values >= 0).tolist() == [False, True, False, False]
    assert np.isnan(found["x"][1, -1])
    assert np.isfinite(found["x"].values[[0, 2, 3]]).all()
    assert found["failed_at"].values[1] == pytest.approx(0.25, abs=0.3)
    assert found["rate"].values[1] == 1e200


def test_second_writer_is_refused(tmp_path: Path) -> None:
    """While one process holds a folder, another is told which; once it ends, however it ends, the lock is gone."""
    code = (
        "import pathlib, sys, time; from sdpolicy.ensemble.disk import only_writer\n"
        "with only_writer(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, env=environment)
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(ResultError, match=r"another process.*" + (str(holder.pid) if os.name != "nt" else "")):
            write_ensemble(study(), tmp_path)
        holder.kill()
    with only_writer(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_other_ensembles_are_not_overwritten(tmp_path: Path) -> None:
    """A folder with this ensemble asks for --resume; one with another, or with other files, is refused."""
    write_ensemble(study(), tmp_path / "out")
    with pytest.raises(ResultError, match="this ensemble already"):
        write_ensemble(study(), tmp_path / "out")
    with pytest.raises(ResultError, match=r"another ensemble \(other design\)"):
        write_ensemble(study(seed=2), tmp_path / "out", resume=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(ResultError, match=r"other files \(thesis.txt\)"):
        write_ensemble(study(), tmp_path / "mine", resume=True)


@pytest.mark.parametrize(("code", "says"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "cannot be written")])
def test_a_disk_that_refuses_is_told(
    code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: dict[str, bytes]
) -> None:
    """A full or read-only disk says so, and what is kept; with room again, resuming completes the store."""
    real, calls = disk_module.os.fdopen, []

    def failing(*arguments: object) -> object:
        calls.append(1)
        if len(calls) > 20:
            os.close(arguments[0])  # type: ignore[arg-type]
            raise OSError(code, "no")
        return real(*arguments)  # type: ignore[call-overload]

    monkeypatch.setattr(disk_module.os, "fdopen", failing)
    with pytest.raises(ResultError, match=says) as caught:
        write_ensemble(study(), tmp_path / "out")
    assert "members are kept" in str(caught.value)
    monkeypatch.undo()
    write_ensemble(study(), tmp_path / "out", resume=True)
    assert contents(tmp_path / "out") == whole


def test_a_hole_is_told_when_read(tmp_path: Path) -> None:
    """An ensemble that was not finished says so when the missing part is read, and gives what is there."""
    with pytest.raises(KeyboardInterrupt):
        write_ensemble(study(), tmp_path / "out", executor=Stopping(2))
    stored = open_ensemble(tmp_path / "out")
    assert stored.read(["x"], 32, 40)["x"].notnull().all()
    with pytest.raises(ResultError, match="--resume"):
        stored.read(["x"])


def test_members_reduced_block_by_block_are_those_reduced_at_once() -> None:
    """What is made of each block's members, put together, is what is made of all of them: values, inputs, names."""

    def last(members: xr.Dataset) -> xr.Dataset:
        return members.isel(time=slice(-1, None))

    whole = last(simulate_members(study(30, 7)))
    assert simulate_members(study(30, 7), reduced=last).identical(whole)


def test_blocks_do_not_change_members() -> None:
    """The numbers are the same with other blocks."""
    a, b = (simulate_members(study(30, block)) for block in (7, 30))
    np.testing.assert_array_equal(a["x"], b["x"])


def test_names_that_are_wrong_are_told() -> None:
    """An output that the model does not have, and a constant, are refused by name."""
    from sdpolicy.ensemble import Sampling, Variation, plan
    from sdpolicy.errors import ScenarioError

    with pytest.raises(ScenarioError) as caught:
        plan(growing.growing(), Sampling(), Variation({"rate": Spread("uniform", (0.0, 1.0))}), ["y", "limit"])
    assert len(caught.value.problems) == 2


def test_a_job_says_what_its_numbers_depend_on() -> None:
    """Jobs that differ in the seed, the model or the block have other fingerprints."""
    job = study().job
    others = [study(seed=2).job, replace(job, block=9), replace(job, method="rk4")]
    assert len({job.fingerprint, study().job.fingerprint, *(other.fingerprint for other in others)}) == 4
