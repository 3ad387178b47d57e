"""The public collection of the system-dynamics community as a judge: right numbers, or a refusal, never a wrong number.

Set SDPOLICY_TEST_MODELS to a checkout of SDXorg/test-models to run all of its models; without one, only the
comparison itself is tested.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from public_models import RECORDED, REFUSED, RIGHT, SINGLE_PRECISION
from sdpolicy.errors import SdpolicyError
from sdpolicy.program import CONTROL, fold
from sdpolicy.run import simulate

COLLECTION = os.environ.get("SDPOLICY_TEST_MODELS", "")
MODELS = sorted(Path(COLLECTION, "tests").glob("*/*.mdl")) if COLLECTION else []
RELATIVE, ABSOLUTE = 5e-6, 1e-6
"""What single precision leaves: half a unit in a number's sixth digit, and one in that of its column's largest."""

Column = list[tuple[float, float, float]]
"""Time, value, and half a unit of the last decimal that is written."""


def columns(table: Path) -> dict[str, Column]:
    """Return what a recorded table holds, by column. An empty cell is no value."""
    text = table.read_text(encoding="utf-8-sig")
    rows = list(csv.reader(text.splitlines(), delimiter="\t" if "\t" in text else ","))
    found: dict[str, Column] = {}
    for place, name in enumerate(rows[0][1:], 1):
        cells = [(float(row[0]), row[place]) for row in rows[1:] if len(row) > place]
        found[spelled(name)] = [(time, float(cell), unit(cell) / 2) for time, cell in cells if cell.strip()]
    return {name: column for name, column in found.items() if name not in map(fold, CONTROL)}


def unit(cell: str) -> float:
    """Return the unit of the last decimal of a number; a whole number is taken to be one."""
    digits, _, exponent = cell.casefold().partition("e")
    decimals = len(digits.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals) if decimals else 0.0


def spelled(name: str) -> str:
    """Return a column's name in one spelling, elements and all."""
    bare, bracket, elements = name.replace('"', "").replace("\\", "").partition("[")
    shown = [fold(element) for element in elements.rstrip("] ").split(",")] if bracket else []
    return fold(bare) + (f"[{','.join(shown)}]" if shown else "")


def series(result: xr.Dataset) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each element of each variable over time, by the name that its column would have."""
    for name in result.data_vars:
        values = result[name].broadcast_like(result["time"])
        values = values.transpose("time", ...)
        for index in np.ndindex(*values.shape[1:]):
            elements = [str(result[dim].values[k]) for dim, k in zip(values.dims[1:], index, strict=True)]
            shown = f"{name}[{','.join(elements)}]" if elements else str(name)
            yield spelled(shown), values.values[(slice(None), *index)]


def differences(result: xr.Dataset, expected: Mapping[str, Column]) -> list[str]:
    """Return a line for each column that is missing or differs."""
    ours = dict(series(result))
    times = result["time"].values
    wrong: list[str] = []
    for name, column in expected.items():
        if name not in ours:
            wrong.append(f"{name} is missing")
            continue
        largest = max((abs(value) for _, value, _ in column), default=0.0)
        for time, value, written in column:
            place = int(np.argmin(np.abs(times - time)))
            allowed = RELATIVE * abs(value) + ABSOLUTE * largest + 1.01 * written + 1e-12
            if abs(times[place] - time) > 1e-6 or not abs(ours[name][place] - value) <= allowed:
                wrong.append(f"{name} at {time:g}: {ours[name][place]!r} instead of {value!r}")
                break
    return wrong


OWN = """{UTF-8}
Part: a1, a2 ~~|
"growth, yearly"[Part] = 0.5, 1 ~~|
Level[Part] = INTEG(Level[Part] * "growth, yearly"[Part], 2) ~~|
FINAL TIME = 2 ~~| INITIAL TIME = 0 ~~| TIME STEP = 1 ~~| SAVEPER = 1 ~~|
"""
HEAD = 'Time\t"Level[a1]"\tLevel[a2]\t"""growth, yearly""[a2]"\tTIME STEP\n'


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ("0\t2\t2\t1\t1\n1\t3\t4\t\t\n2\t4.5\t8\t\t\n", []),
        ("0\t2\t2\t1\t1\n1\t3\t4.0001\t\t\n", ["level[a2] at 1"]),
        ("0\t2\t2\t1.5\t1\n", ["growth, yearly[a2] at 0"]),
        ("0\t2\t2\t1\t1\n0.5\t2\t2\t\t\n", ["level[a1] at 0.5", "level[a2] at 0.5"]),
    ],
)
def test_the_comparison_sees_every_column(tmp_path: Path, rows: str, wrong: list[str]) -> None:
    """A wrong number, or a time that is not there, is found in its column; empty cells are no numbers."""
    tmp_path.joinpath("own.mdl").write_text(OWN, encoding="utf-8")
    tmp_path.joinpath("output.tab").write_text(HEAD + rows, encoding="utf-8")
    found = differences(simulate(tmp_path / "own.mdl", engine="python"), columns(tmp_path / "output.tab"))
    assert [re.sub(r":.*", "", line) for line in found] == wrong


def test_a_column_that_is_no_variable_is_missing(tmp_path: Path) -> None:
    """A recorded variable that a run does not have counts as wrong."""
    tmp_path.joinpath("own.mdl").write_text(OWN, encoding="utf-8")
    result = simulate(tmp_path / "own.mdl", engine="python")
    assert differences(result, {"level[a3]": [(0.0, 2.0, 0.0)]}) == ["level[a3] is missing"]


def test_no_model_is_expected_to_be_two_things() -> None:
    """A model runs, is refused, or has no judge."""
    assert not RIGHT & REFUSED.keys()
    assert not (RIGHT | REFUSED.keys()) & SINGLE_PRECISION.keys()


def recorded(model: Path) -> dict[str, Column]:
    """Return what Vensim recorded for a model: the table beside it, where it is the folder's only or first model."""
    alone = len(list(model.parent.glob("*.mdl"))) == 1
    tables = [model.with_name(name) for name in ("output.tab", "output.csv") if model.with_name(name).exists()]
    if not tables or not (alone or model.stem == RECORDED.get(model.parent.name, f"test_{model.parent.name}")):
        return {}
    return {} if model.parent.name in SINGLE_PRECISION else columns(tables[0])


@pytest.mark.parametrize("engine", ["llvm", "python"])
@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_public_model_runs_right_or_is_refused(model: Path, engine: str) -> None:
    """Every column agrees with what Vensim recorded; a model that is refused is one that may be, by its construct."""
    name = model.parent.name
    said = ""
    try:
        result = simulate(model, engine=engine)
    except SdpolicyError as error:
        said = str(error)
    if said:
        assert name not in RIGHT, said
        assert model.stem != RECORDED.get(name), said
        assert all(part in said for part in REFUSED.get(name, ())), said
    else:
        assert name not in REFUSED or model.stem != f"test_{name}", "it runs now: move it to RIGHT"
        assert not differences(result, recorded(model))
