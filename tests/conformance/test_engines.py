"""Every construct on every engine: the corpus of cases.py."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import xarray as xr

import sdpolicy
from conformance.cases import CASES, FOLDER, REFUSED, Case, Refused
from sdpolicy.errors import ModelError, SdpolicyError
from sdpolicy.run import ENGINES, simulate


@cache
def run(model: str, engine: str) -> xr.Dataset | SdpolicyError:
    """Run a model once; an error is kept, for all cases of the model."""
    try:
        return simulate(FOLDER / f"{model}.mdl", engine=engine, method="euler")
    except SdpolicyError as error:
        return error


def found(case: Case, engine: str) -> np.ndarray:
    """Return what an engine gives for a case, times first."""
    result = run(case.model, engine)
    if isinstance(result, SdpolicyError):
        raise result
    variable = result[case.variable]
    if "time" not in variable.dims:
        return np.array([variable.values] * len(case.times))
    return np.array([variable.sel(time=time, method="nearest", tolerance=1e-9).values for time in case.times])


def agrees(case: Case, values: np.ndarray) -> bool:
    """Whether values are the expected ones, within the case's tolerance."""
    expected = np.array(case.expected, dtype=float)
    return values.shape == expected.shape and np.allclose(values, expected, rtol=case.relative, atol=case.absolute)


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "pysd"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_engine_gives_the_numbers_that_the_construct_is_documented_to_give(case: Case, engine: str) -> None:
    """Each engine gives the values derived by hand."""
    values = found(case, engine)
    assert agrees(case, values), f"{values.tolist()} instead of {case.expected}, by {case.reason}"


@pytest.mark.parametrize("case", [case for case in CASES if not case.pysd_differs], ids=lambda case: case.id)
def test_reference_engine_agrees(case: Case) -> None:
    """PySD gives the values derived by hand, where no difference is on record."""
    values = found(case, "pysd")
    assert agrees(case, values), f"{values.tolist()} instead of {case.expected}, by {case.reason}"


@pytest.mark.parametrize("case", [case for case in CASES if case.pysd_differs], ids=lambda case: case.id)
def test_reference_engine_differs_where_it_is_on_record(case: Case) -> None:
    """A difference of PySD on record is still there: when it goes, the record must go too."""
    try:
        values = found(case, "pysd")
    except SdpolicyError:
        return
    assert not agrees(case, values), f"PySD agrees now, though: {case.pysd_differs}"


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.model)
def test_what_cannot_be_read_safely_is_refused(refused: Refused) -> None:
    """A construct that programs read differently is refused, with file, line, variable and cure."""
    with pytest.raises(ModelError) as caught:
        sdpolicy.read_model(refused.path)
    for part in refused.parts:
        assert part in str(caught.value)
