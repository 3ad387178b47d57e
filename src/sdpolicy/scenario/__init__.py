"""Scenarios: what to change in a model, in a text file, checked against the model, and composed into a Case."""

from __future__ import annotations

from sdpolicy.scenario.bind import Applied, as_json
from sdpolicy.scenario.compose import Amount, Case, case, compose, is_model, parse_override
from sdpolicy.scenario.editor import schema
from sdpolicy.scenario.reader import Scenario, read_scenario
from sdpolicy.scenario.settings import RunSettings

__all__ = [
    "Amount",
    "Applied",
    "Case",
    "RunSettings",
    "Scenario",
    "as_json",
    "case",
    "compose",
    "is_model",
    "parse_override",
    "read_scenario",
    "schema",
]
