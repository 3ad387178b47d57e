"""Tests of results: labelling, files, writing whole or not at all, verifying."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from fake_runs import fake_run
from sdpolicy.errors import ModelError, ResultError
from sdpolicy.expression import Num
from sdpolicy.library import shelf
from sdpolicy.program import Dimension, Equation, Program, Quantity
from sdpolicy.results import Record, Roles, label, load, read_roles, save, verify
from sdpolicy.results.files import from_netcdf, to_csv, to_netcdf
from sdpolicy.results.roles import roles_of
from sdpolicy.scenario import compose
from tiny import TINY

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def tiny_run() -> xr.Dataset:
    """Return a labelled run of the tiny model with made-up values."""
    case = compose(TINY)
    values = np.arange(case.grid.saved * len(TINY.quantities), dtype=float).reshape(case.grid.saved, -1)
    return label(case, values, engine="python", roles=Roles({"output": "investment"}))


def listing(folder: Path) -> dict[str, bytes]:
    """Return names and contents of all files below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_label_keeps_names_units_and_times() -> None:
    """Variables bear the model's names; times are counted from the start in whole save intervals."""
    run = tiny_run()
    assert run["Capital"].attrs["units"] == "Billion USD1990"
    assert run["Capital"].attrs["kind"] == "stock"
    assert run["time"].values.tolist() == [1960.0 + n for n in range(41)]
    assert run["time"].attrs["units"] == "Year"
    assert run["Capital"].values[:2].tolist() == [4.0, 14.0]


def test_constants_have_no_time() -> None:
    """A constant is one number, not a series."""
    assert tiny_run()["investment rate"].dims == ()
    assert tiny_run()["investment rate"].item() == 6.0


def test_equal_runs_are_equal() -> None:
    """A Dataset holds nothing that changes between two equal runs."""
    assert tiny_run().identical(tiny_run())
    assert to_netcdf(tiny_run()) == to_netcdf(tiny_run())


def test_attributes_say_what_was_run() -> None:
    """Model, hashes, engine, method, step and versions travel with the Dataset."""
    attrs = tiny_run().attrs
    assert (attrs["model"], attrs["engine"], attrs["method"], attrs["step"]) == ("tiny", "python", "euler", 0.25)
    assert attrs["program_sha256"] == TINY.fingerprint
    assert attrs["numpy_version"] == np.__version__
    assert json.loads(attrs["applied"]) == []


def matrix_run() -> xr.Dataset:
    """Return a run of a model with subscripts, one range standing twice."""
    region = Dimension("Région", ("north", "süd"))
    program = Program(
        "regions",
        (
            *TINY.quantities,
            Quantity("trade", "trade", "data", "Dmnl", dimensions=(region, region)),
            Quantity("tariff", "tariff", "constant", dimensions=(region,)),
        ),
        TINY.stocks,
        (*TINY.equations, Equation("trade", Num(1.0)), Equation("tariff", Num(2.0))),
    )
    case = compose(program)
    values = np.arange(case.grid.saved * 6, dtype=float).reshape(case.grid.saved, 6)
    return label(case, values, engine="python", outputs=["trade", "tariff"])


def test_subscripts_become_dimensions() -> None:
    """Elements are labelled; a range that stands twice is numbered."""
    run = matrix_run()
    assert run["trade"].dims == ("time", "Région", "Région (2)")
    assert run["trade"].sel({"Région": "süd", "Région (2)": "north"}).values[:2].tolist() == [2.0, 8.0]
    assert run["tariff"].sel({"Région": "süd"}).item() == 5.0


@pytest.mark.parametrize("make", [tiny_run, matrix_run, fake_run])
def test_netcdf_gives_the_same_dataset_back(make: Callable[[], xr.Dataset]) -> None:
    """Names, units, attributes and every bit of every number survive the file."""
    run = make()
    back = from_netcdf(to_netcdf(run))
    assert back.identical(run)
    assert all(back[name].dtype == run[name].dtype for name in run.data_vars)


def test_netcdf_keeps_every_bit() -> None:
    """Not-a-number, infinities, negative zero and the smallest number come back as they were."""
    values = np.array([np.nan, np.inf, -0.0, 5e-324])
    run = xr.Dataset({"x": ("time", values, {"vensim_name": "x"})}, {"time": ("time", np.arange(4.0))})
    assert from_netcdf(to_netcdf(run))["x"].values.tobytes() == values.tobytes()


@pytest.mark.parametrize("name", ["debt/equity", "% share", "real", "a b ", "Kapital (€)", "R&D", "_x"])
def test_any_name_survives_netcdf(name: str) -> None:
    """A name that netCDF can't hold stands under its identifier in the file, and comes back."""
    run = xr.Dataset(
        {name: ("time", [1.0], {"vensim_name": name, "id": "v"}), "v": ("time", [2.0], {"vensim_name": "v"})},
        {"time": ("time", [0.0])},
    )
    assert from_netcdf(to_netcdf(run)).identical(run)


def test_unit_of_time_is_no_date() -> None:
    """A variable in days stays a number: nothing is decoded into dates."""
    run = xr.Dataset({"lag": ("time", [1.5], {"units": "days"})}, {"time": ("time", [0.0], {"units": "days"})})
    assert from_netcdf(to_netcdf(run))["lag"].values.tolist() == [1.5]


def test_csv_is_tidy_and_exact() -> None:
    """One header row, names with units, and digits that give the same numbers back."""
    header, *rows = to_csv(fake_run()).decode().splitlines()
    assert header.startswith("time [Year],capital [Billion USD1990],debt")
    column = header.split(",").index("debt/equity ratio [Dmnl]")
    assert [float(row.split(",")[column]) for row in rows] == fake_run()["debt/equity ratio"].values.tolist()


def test_csv_names_elements() -> None:
    """A variable with subscripts has a column for each element; constants stay out."""
    header = to_csv(matrix_run()).decode().splitlines()[0]
    assert header.startswith('time [Year],"trade[north,north] [Dmnl]","trade[north,süd] [Dmnl]"')
    assert "tariff" not in header


def test_save_writes_files_and_manifest(tmp_path: Path) -> None:
    """Each run leaves netCDF and CSV; the manifest hashes every file and says what was run."""
    out = tmp_path / "new" / "out"
    manifest = save({"korea": fake_run()}, out, {"korea.behaviour.svg": b"<svg/>"}, WHEN)
    assert sorted(listing(out)) == ["korea.behaviour.svg", "korea.csv", "korea.nc", "manifest.json"]
    content = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert content["written"] == "2026-01-02T03:04:05+00:00"
    assert content["runs"][0]["engine"] == "python"
    assert set(content["files"]) == {"korea.behaviour.svg", "korea.csv", "korea.nc"}
    assert manifest.files == content["files"]
    assert {"python", "numpy", "scipy", "xarray", "sdpolicy"} <= set(content["versions"])
    assert load(out / "korea.nc").identical(fake_run())


def test_save_is_repeatable(tmp_path: Path) -> None:
    """Saved twice at one moment, a run gives the same bytes everywhere."""
    for name in ("a", "b"):
        save({"korea": fake_run()}, tmp_path / name, {}, WHEN)
    assert listing(tmp_path / "a") == listing(tmp_path / "b")


def test_save_removes_what_is_stale(tmp_path: Path) -> None:
    """Files of the earlier result go; files of others stay."""
    save({"korea": fake_run(), "other": fake_run("other")}, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    save({"korea": fake_run()}, tmp_path)
    assert sorted(listing(tmp_path)) == ["korea.csv", "korea.nc", "manifest.json", "notes.txt"]


def test_save_never_overwrites_what_is_not_ours(tmp_path: Path) -> None:
    """A file that no manifest of ours owns is named, and everything stays as it was."""
    (tmp_path / "korea.csv").write_text("mine")
    with pytest.raises(ResultError, match=r"korea\.csv: something that sdpolicy did not write stands there"):
        save({"korea": fake_run()}, tmp_path)
    assert listing(tmp_path) == {"korea.csv": b"mine"}


def test_save_refuses_a_strange_manifest(tmp_path: Path) -> None:
    """A manifest.json of another program is not overwritten."""
    (tmp_path / "manifest.json").write_text('{"name": "a web page"}')
    with pytest.raises(ResultError, match="not a manifest that sdpolicy wrote"):
        save({"korea": fake_run()}, tmp_path)


def test_a_crafted_manifest_reaches_nothing_outside(tmp_path: Path) -> None:
    """Names with a folder in them own nothing: a manifest cannot have files elsewhere removed."""
    out = tmp_path / "out"
    save({"korea": fake_run()}, out)
    (tmp_path / "precious").write_text("mine")
    content = json.loads((out / "manifest.json").read_text())
    content["files"]["../precious"] = "0" * 64
    (out / "manifest.json").write_text(json.dumps(content))
    save({"korea": fake_run()}, out)
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("name", ["../up", "a/b", "con", "", ".x", "a:b"])
def test_save_refuses_names_that_are_no_file_names(tmp_path: Path, name: str) -> None:
    """A run's name becomes that of a file on every system; a folder in it is refused."""
    with pytest.raises(ResultError, match="cannot be the name of a file"):
        save({name: fake_run()}, tmp_path / "out")
    assert listing(tmp_path) == {}


def test_names_that_differ_in_case_alone_are_refused(tmp_path: Path) -> None:
    """Korea and korea would be one file on Windows and macOS."""
    with pytest.raises(ResultError, match="two files would have this name"):
        save({"Korea": fake_run(), "korea": fake_run()}, tmp_path)


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    """An output folder that is a file is a clear message."""
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ResultError, match="this is a file, not a folder"):
        save({"korea": fake_run()}, tmp_path / "out")
    with pytest.raises(ResultError, match="the results cannot be written"):
        save({"korea": fake_run()}, tmp_path / "out" / "below")


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException, after: int) -> None:
    """Let the replacing of files fail after so many have been replaced, until it is undone."""
    real, count = Path.replace, [0]

    def replace(self: Path, target: Path) -> Path:
        count[0] += 1
        if count[0] == after + 1:
            raise error
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_save_leaves_the_old_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, after: int
) -> None:
    """Trouble at any file, or Ctrl-C, leaves the folder as it was, byte for byte."""
    save({"korea": fake_run(), "stale": fake_run("stale")}, tmp_path)
    before = listing(tmp_path)
    _failing(monkeypatch, error, after)
    with pytest.raises((ResultError, KeyboardInterrupt)):
        save({"korea": fake_run(credit=0.0), "new": fake_run("new")}, tmp_path)
    assert listing(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_full_disk_leaves_nothing_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the first bytes cannot be written, folders that were made for them go again."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResultError, match=r"No space left on device.*as it was"):
        save({"korea": fake_run()}, tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="needs a plain user")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    """A folder without the right to write is a clear message."""
    tmp_path.chmod(0o500)
    with pytest.raises(ResultError, match="cannot be written"):
        save({"korea": fake_run()}, tmp_path / "out")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("content", [b"", b"CDF", b"\x89HDF", b"time,x\n1,2\n", b"CDF\x02" + b"\xff" * 64])
def test_load_refuses_other_files(tmp_path: Path, content: bytes) -> None:
    """A file that is not ours is a clear message, whatever is in it."""
    path = tmp_path / "x.nc"
    path.write_bytes(content)
    with pytest.raises(ResultError, match="not a whole netCDF file"):
        load(path)


def test_load_tells_a_missing_file(tmp_path: Path) -> None:
    """A path that does not exist is a clear message."""
    with pytest.raises(ResultError, match="cannot be read"):
        load(tmp_path / "none.nc")


def again(runs: Mapping[str, xr.Dataset]) -> Callable[[Record], xr.Dataset]:
    """Return what runs a record again, here by looking it up."""
    return lambda record: runs[record.name]


def test_verify_agrees_with_an_equal_run(tmp_path: Path) -> None:
    """Equal files and equal numbers verify, and it is said how many were compared."""
    save({"korea": fake_run()}, tmp_path)
    outcome = verify(tmp_path, again({"korea": fake_run()}))
    assert (outcome.ok, outcome.runs, outcome.remarks) == (True, ("korea",), ())
    assert outcome.values == 10 * 193


@pytest.mark.parametrize("name", ["korea.csv", "korea.nc"])
def test_verify_sees_a_changed_file(tmp_path: Path, name: str) -> None:
    """One changed byte in a file is found by its hash."""
    save({"korea": fake_run()}, tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[-2] ^= 1
    (tmp_path / name).write_bytes(bytes(content))
    outcome = verify(tmp_path, again({"korea": fake_run()}))
    assert [str(item) for item in outcome.differences] == [f"{name}: the file was changed after it was written"]


def test_verify_sees_a_missing_file(tmp_path: Path) -> None:
    """A file that is gone is named."""
    save({"korea": fake_run()}, tmp_path)
    (tmp_path / "korea.nc").unlink()
    assert "korea.nc: the file is missing" in [
        str(item) for item in verify(tmp_path, again({"korea": fake_run()})).differences
    ]


def test_verify_sees_the_last_bit(tmp_path: Path) -> None:
    """One bit in one number is a difference, with variable, year and relative size."""
    save({"korea": fake_run()}, tmp_path)
    other = fake_run()
    values = other["debt"].values.copy()
    bits = struct.unpack("<q", struct.pack("<d", values[40]))[0] + 1
    values[40] = struct.unpack("<d", struct.pack("<q", bits))[0]
    other["debt"] = ("time", values, other["debt"].attrs)
    (difference,) = verify(tmp_path, again({"korea": other})).differences
    assert (difference.variable, difference.time) == ("debt", 1972.0)
    assert 0 < difference.relative < 3e-16
    assert "at 1972" in str(difference)


def test_verify_says_what_has_changed(tmp_path: Path) -> None:
    """A changed model or scenario is named, as are settings that differ."""
    save({"korea": fake_run()}, tmp_path)
    other = fake_run().drop_vars("debt")
    other.attrs |= {
        "model_sha256": "other",
        "scenario_sha256": "x",
        "scenario_files": '{"korea.toml": "y"}',
        "step": 0.5,
    }
    said = [str(item) for item in verify(tmp_path, again({"korea": other})).differences]
    assert said == [
        "korea: the model 'core' has changed since",
        "korea: the scenario has changed since (korea.toml)",
        "korea: the step was 0.25 and is 0.5",
        "korea: only the saved run has 'debt'",
    ]


def test_verify_reports_a_run_that_fails(tmp_path: Path) -> None:
    """A scenario that is gone is a difference, not a crash."""
    save({"korea": fake_run()}, tmp_path)

    def fails(_: Record) -> xr.Dataset:
        raise ModelError([])

    assert verify(tmp_path, fails).differences[0].what.startswith("it cannot be run again")


def test_verify_needs_a_manifest(tmp_path: Path) -> None:
    """A folder without a manifest is not a result."""
    with pytest.raises(ResultError, match=r"there is no manifest\.json here"):
        verify(tmp_path, again({}))


def test_a_file_is_found_again_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a user's scenario is kept relative to the folder, so that both can move together."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text("")
    run = fake_run()
    run.attrs["reference"] = "mine.toml"
    save({"mine": run}, "deep/out")
    seen: list[Record] = []
    monkeypatch.chdir(tmp_path.parent)
    verify(tmp_path / "deep" / "out", lambda record: seen.append(record) or run)
    assert seen[0].reference == str((tmp_path / "mine.toml").resolve())
    assert json.loads((tmp_path / "deep/out/manifest.json").read_text())["runs"][0]["reference"] == "../../mine.toml"


def test_what_the_command_line_set_is_recorded(tmp_path: Path) -> None:
    """Overrides and run settings of the command line are told apart from those of the scenario."""
    run = fake_run()
    applied = [
        {"kind": "set", "name": "wage", "value": 2.0, "unit": "", "origin": "command line"},
        {"kind": "set", "name": "rent", "value": 3.0, "unit": "", "origin": "korea.toml"},
        {"kind": "run", "name": "step", "value": 0.5, "unit": "Year", "origin": "command line"},
    ]
    run.attrs["applied"] = json.dumps(applied)
    (record,) = save({"korea": run}, tmp_path).runs
    assert (record.overrides, record.run) == ({"wage": 2.0}, {"step": 0.5})


def test_roles_travel_with_the_run() -> None:
    """A Dataset carries the roles; those whose variable it lacks are left out."""
    assert roles_of(tiny_run()).variables == {"output": "investment"}
    assert roles_of(tiny_run().drop_vars("investment")).variables == {}


def test_roles_file_is_read(tmp_path: Path) -> None:
    """Roles and thresholds come from the companion file; without one there are none."""
    path = tmp_path / "core.roles.toml"
    assert read_roles(path) == Roles()
    path.write_text('[roles]\noutput = "Y"\n[thresholds]\nliquidity = 2\n')
    assert read_roles(path) == Roles({"output": "Y"}, liquidity=2.0)


def test_roles_file_is_checked(tmp_path: Path) -> None:
    """All that is wrong is told at once, with the name that was probably meant."""
    path = tmp_path / "core.roles.toml"
    path.write_text('[roles]\noutptu = "Y"\n"liquidity" = 3\n[thresholds]\nliquidity = "high"\n[role]\n')
    with pytest.raises(ModelError) as caught:
        read_roles(path)
    assert [str(problem) for problem in caught.value.problems] == [
        "core.roles.toml, [roles]: 'outptu' is not known. Did you mean 'output'?",
        "core.roles.toml, [roles] liquidity: 3 is not the name of a variable. Write the name of a variable.",
        "core.roles.toml, [thresholds] liquidity: 'high' is not a number. Write a number.",
        "core.roles.toml: [role] is not known. The sections are [roles] and [thresholds].",
    ]


@pytest.mark.parametrize("path", sorted(shelf("models").glob("*.roles.toml")), ids=lambda path: path.name)
def test_shipped_roles_fit_their_models(path: Path) -> None:
    """Each variable that a companion file names is defined in its model."""
    model = path.with_name(path.name.replace(".roles.toml", ".mdl")).read_text(encoding="utf-8")
    defined = {line.partition("=")[0].strip().strip('"') for line in model.splitlines() if "=" in line}
    assert set(read_roles(path).variables.values()) <= defined
