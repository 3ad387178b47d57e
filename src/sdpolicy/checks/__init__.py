"""Checks of models and scenarios: what a companion file and a scenario claim, held to runs. It prints nothing."""

from __future__ import annotations

from sdpolicy.checks.execution import check
from sdpolicy.checks.schema import ChecksFile, read_checks
from sdpolicy.checks.verdict import Report, Verdict

__all__ = ["ChecksFile", "Report", "Verdict", "check", "read_checks"]
