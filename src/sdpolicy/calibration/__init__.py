"""Calibration: parameters estimated from the facts that a fit may see, and what those do not say.

The split into calibration and held-out facts stands in the evidence; a held-out fact never reaches the payoff.
"""

from __future__ import annotations

from sdpolicy.calibration.profiles import Profile, profile
from sdpolicy.calibration.sampling import Posterior, sample
from sdpolicy.calibration.schema import CalibrationFile, read_calibration
from sdpolicy.calibration.searching import Restart, polish, search
from sdpolicy.calibration.tasks import Parameter, Task, task

__all__ = [
    "CalibrationFile",
    "Parameter",
    "Posterior",
    "Profile",
    "Restart",
    "Task",
    "polish",
    "profile",
    "read_calibration",
    "sample",
    "search",
    "task",
]
