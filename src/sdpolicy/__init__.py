"""The public names of sdpolicy, each imported when first asked for, so that `import sdpolicy` costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sdpolicy import figures
    from sdpolicy.errors import (
        CheckError,
        ModelError,
        Problem,
        ResultError,
        ScenarioError,
        SdpolicyError,
        SettingsError,
        SimulationError,
    )
    from sdpolicy.program import Program
    from sdpolicy.repeat import verify
    from sdpolicy.results import load, save
    from sdpolicy.run import simulate
    from sdpolicy.scenario import Scenario, read_scenario
    from sdpolicy.vensim import read_model

__version__ = "0.1.0"

__all__ = [
    "CheckError",
    "ModelError",
    "Problem",
    "Program",
    "ResultError",
    "Scenario",
    "ScenarioError",
    "SdpolicyError",
    "SettingsError",
    "SimulationError",
    "__version__",
    "figures",
    "load",
    "read_model",
    "read_scenario",
    "save",
    "simulate",
    "verify",
]

_HOME: Final = {
    "CheckError": "errors",
    "ModelError": "errors",
    "Problem": "errors",
    "Program": "program",
    "ResultError": "errors",
    "Scenario": "scenario",
    "ScenarioError": "errors",
    "SdpolicyError": "errors",
    "SettingsError": "errors",
    "SimulationError": "errors",
    "load": "results",
    "read_model": "vensim",
    "read_scenario": "scenario",
    "save": "results",
    "simulate": "run",
    "verify": "repeat",
}


def __getattr__(name: str) -> object:
    """Import the module that holds ``name`` and return what it calls so (PEP 562)."""
    from importlib import import_module

    if name == "figures":
        return import_module("sdpolicy.figures")
    if name in _HOME:
        value: object = getattr(import_module(f"sdpolicy.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'sdpolicy' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
