"""Tests of the adapter for the EMA Workbench: the same numbers on either side."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from growing import study
from sdpolicy.ensemble import simulate_members
from sdpolicy.ensemble.ema import ema_model, ema_results, run_experiments
from sdpolicy.errors import ResultError


def test_results_are_in_emas_form() -> None:
    """Experiments have a row and outcomes an entry for each member; run again from the table, they are the same."""
    pytest.importorskip("pandas")
    members = simulate_members(study(12))
    experiments, outcomes = ema_results(members)
    assert list(experiments.columns) == ["rate", "limit", "scenario", "policy", "model"]
    np.testing.assert_array_equal(outcomes["x"], members["x"])
    assert outcomes["TIME"].shape == outcomes["x"].shape
    again = run_experiments(study(), experiments)
    np.testing.assert_array_equal(again["x"], members["x"])


def test_an_experiment_needs_every_input() -> None:
    """An input that is missing is named."""
    with pytest.raises(ResultError, match="limit"):
        run_experiments(study(), [{"rate": 0.1}])


def test_ema_runs_a_scenario_as_its_model() -> None:
    """EMA Workbench samples and runs the model; each of its outcomes is what the ensemble gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ema = pytest.importorskip("ema_workbench")
        experiments, outcomes = ema.perform_experiments(ema_model(study()), 5)
    expected = run_experiments(study(), experiments)
    np.testing.assert_array_equal(outcomes["x"], expected["x"])
    assert set(experiments["limit"]) <= {5.0, 10.0}
