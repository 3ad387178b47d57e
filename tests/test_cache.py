"""The cache of Programs: exact, private to a version, and never in the way."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sdpolicy import cache
from sdpolicy.expression import Num
from sdpolicy.program import Equation, Program, Quantity, Table
from sdpolicy.vensim import read_model

CORPUS = Path(__file__).parent / "conformance"
MODELS = sorted(path for path in CORPUS.glob("*.mdl") if path.stem != "not_after_comparison")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the cache to an empty folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(folder))
    return folder


def entries(place: Path) -> list[Path]:
    """Return all files of the cache."""
    return sorted(path for path in place.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_program_comes_back_equal(path: Path, place: Path) -> None:
    """Each model of the corpus is the same from the cache as from the file."""
    first = read_model(path)
    assert len(entries(place)) == 1
    again = read_model(path)
    assert again == first
    assert again.fingerprint == first.fingerprint
    assert again.source == str(path)


def test_numbers_come_back_exactly(place: Path) -> None:
    """Every float survives, the smallest, the signed zero and the infinite ones included."""
    values = (0.1, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, 2.0**-1074, 1 / 3)
    program = Program(
        "numbers",
        (Quantity("x", "x", "constant"),),
        (),
        (Equation("x", Num(0.1 + 0.2)),),
        (Table("t", ((values, values),)),),
        digest="d" * 64,
    )
    cache.store(program, "1", {})
    kept = cache.load("d" * 64, "1", place / "numbers.mdl")
    assert kept == program
    assert [math.copysign(1, value) for value in kept.tables[0].curves[0][0]] == [math.copysign(1, v) for v in values]


@pytest.mark.usefixtures("place")
def test_a_warm_read_imports_no_translator() -> None:
    """The second process reads the Program without PySD."""
    read_model(CORPUS / "integ.mdl")
    code = (
        "import sys; from sdpolicy.vensim import read_model; "
        f"read_model({str(CORPUS / 'integ.mdl')!r}); print('pysd' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert found.stdout.strip() == "False"


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"key": 1}', b'{"key": "x", "files": {}, "program": {"Program": []}}', b"\xff\xfe"]
)
def test_a_damaged_entry_is_ignored_and_rewritten(place: Path, damage: bytes) -> None:
    """Whatever stands in an entry, the model is read, and the entry is whole afterwards."""
    path = CORPUS / "integ.mdl"
    first = read_model(path)
    (entry,) = entries(place)
    whole = entry.read_bytes()
    entry.write_bytes(damage)
    assert read_model(path) == first
    assert entry.read_bytes() == whole


def test_an_entry_of_another_model_or_version_is_ignored(place: Path) -> None:
    """An entry that says it is something else does not count."""
    program = read_model(CORPUS / "integ.mdl")
    (entry,) = entries(place)
    found = json.loads(entry.read_text(encoding="utf-8"))
    found["key"] = found["key"].replace("sdpolicy", "other")
    entry.write_text(json.dumps(found), encoding="utf-8")
    assert cache.load(program.digest, "1", CORPUS / "integ.mdl") is None
    cache.store(program, "1", {})
    assert cache.load(program.digest, "2", CORPUS / "integ.mdl") is None
    assert cache.load(program.digest, "1", CORPUS / "integ.mdl") == program


@pytest.mark.usefixtures("place")
def test_a_changed_data_file_makes_the_entry_old(tmp_path: Path) -> None:
    """A model is read anew when the numbers beside it changed."""
    for name in ("data_csv.mdl", "data_csv.csv"):
        (tmp_path / name).write_bytes((CORPUS / name).read_bytes())
    before = read_model(tmp_path / "data_csv.mdl")
    data = tmp_path / "data_csv.csv"
    data.write_text(data.read_text(encoding="utf-8").replace("0,10,", "0,11,"), encoding="utf-8")
    after = read_model(tmp_path / "data_csv.mdl")
    assert before != after
    assert before.digest == after.digest


def test_a_folder_that_cannot_be_made_means_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that cannot be written is no error."""
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(blocked))
    assert read_model(CORPUS / "integ.mdl").name == "integ"
    assert blocked.read_text(encoding="utf-8") == "not a folder"


def test_an_empty_variable_switches_the_cache_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no folder nothing is kept and nothing is found."""
    monkeypatch.setenv(cache.FOLDER_VARIABLE, "")
    program = read_model(CORPUS / "integ.mdl")
    cache.store(program, "1", {})
    assert cache.load(program.digest, "1", CORPUS / "integ.mdl") is None


def test_no_unfinished_file_is_left(place: Path) -> None:
    """An entry appears whole; nothing else stays in the folder."""
    for name in ("integ", "lookups"):
        read_model(CORPUS / f"{name}.mdl")
    assert all(path.suffix == ".json" for path in entries(place))
