"""Ensembles: what varies, designs, blocks of members, who computes them, and the store they are written into."""

from __future__ import annotations

from sdpolicy.ensemble.design import DESIGNS, Design, correlate, draw, from_file, make
from sdpolicy.ensemble.executors import Dask, Executor, Processes, Threads
from sdpolicy.ensemble.factors import Factor, factors_of
from sdpolicy.ensemble.job import Block, Job, Worker
from sdpolicy.ensemble.reading import Stored, open_ensemble
from sdpolicy.ensemble.runner import Report, simulate_members, write_ensemble
from sdpolicy.ensemble.spread import Spread, parse_spread
from sdpolicy.ensemble.study import Sampling, Study, Variation, everything, own_interval, plan, with_design

__all__ = [
    "DESIGNS",
    "Block",
    "Dask",
    "Design",
    "Executor",
    "Factor",
    "Job",
    "Processes",
    "Report",
    "Sampling",
    "Spread",
    "Stored",
    "Study",
    "Threads",
    "Variation",
    "Worker",
    "correlate",
    "draw",
    "everything",
    "factors_of",
    "from_file",
    "make",
    "open_ensemble",
    "own_interval",
    "parse_spread",
    "plan",
    "simulate_members",
    "with_design",
    "write_ensemble",
]
