"""An adapter for the EMA Workbench: scenarios as its models, and ensembles as its results, at the compiled speed.

EMA Workbench (Kwakkel 2017, doi:10.1016/j.envsoft.2017.06.054) is imported where it is needed; it is no dependency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from sdpolicy.ensemble.design import Listed
from sdpolicy.ensemble.runner import simulate_members
from sdpolicy.ensemble.study import Study, with_design
from sdpolicy.errors import Problem, ResultError


def ema_results(members: xr.Dataset) -> tuple[Any, dict[str, np.ndarray]]:
    """Return an ensemble as EMA Workbench's ``(experiments, outcomes)``, a table and arrays, for its analyses.

    Series are arrays of shape (members, times); ``TIME`` is repeated for each member, as EMA has it.
    """
    inputs = [str(name) for name in members.coords if members[name].attrs.get("kind") == "input"]
    experiments = members[inputs].reset_coords(inputs)[inputs].to_dataframe()[inputs].reset_index(drop=True)
    experiments["scenario"] = np.arange(len(experiments))
    experiments["policy"] = "None"
    experiments["model"] = str(members.attrs.get("model", "model"))
    series = {str(n): members[n].values for n in members.data_vars if members[n].dims[:2] == ("member", "time")}
    count = members.sizes["member"]
    return experiments, {"TIME": np.tile(members["time"].values, (count, 1)), **series}


def run_experiments(study: Study, experiments: Sequence[Mapping[str, float]] | Any) -> xr.Dataset:
    """Run the experiments that an EMA sampler drew, all in one call of the compiled kernel.

    Args:
        experiments: one mapping (or row) for each member; its keys are the study's inputs, by name.
    """
    rows = experiments.to_dict("records") if hasattr(experiments, "to_dict") else list(experiments)
    try:
        values = np.array([[float(row[factor.name]) for factor in study.factors] for row in rows])
    except KeyError as error:
        what = f"the experiments do not give {error}"
        raise ResultError(Problem("EMA experiments", what, "Sample every input of the study.")) from None
    return simulate_members(with_design(study, Listed(values)))


def ema_model(study: Study, name: str = "sdpolicy") -> Any:
    """Return the study as an ``ema_workbench.Model``: its inputs uncertainties, its saved series outcomes.

    EMA draws ranges evenly; choices and policies are categories, and distributions without ends reach from the
    first to the last hundredth.

    Each experiment is one call of the compiled kernel; where EMA draws many, :func:`run_experiments` runs them at once.

    Raises:
        ResultError: when EMA Workbench is not installed.
    """
    try:
        from ema_workbench import ArrayOutcome, CategoricalParameter, Model, RealParameter
    except ImportError as error:
        cure = "Install it with: pip install ema_workbench."
        raise ResultError(Problem("EMA Workbench", "it is not installed", cure)) from error
    keys = {_key(factor.name): factor.name for factor in study.factors}
    series = {_key(quantity.name): quantity.name for quantity in study.job.saved}

    def _run_once(**values: float) -> dict[str, np.ndarray]:
        found = run_experiments(study, [{keys[key]: value for key, value in values.items()}])
        return {key: found[shown].values[0] for key, shown in series.items()}

    model = Model(name, function=_run_once)
    model.uncertainties = [
        CategoricalParameter(key, factor.spread.numbers)
        if factor.spread.kind == "choice"
        else RealParameter(key, *factor.spread.bounds)
        for key, factor in zip(keys, study.factors, strict=True)
    ]
    model.outcomes = [ArrayOutcome(key) for key in series]
    return model


def _key(name: str) -> str:
    """Return a name as EMA wants it: an identifier."""
    return "".join(c if c.isalnum() else "_" for c in name)
