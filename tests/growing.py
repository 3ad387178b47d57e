"""A small model of growth with what varies in it, for tests of ensembles; and an ensemble written by a process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sdpolicy.backends.python import ENGINE
from sdpolicy.ensemble import Sampling, Spread, Study, Variation, plan, write_ensemble
from sdpolicy.lower import lower
from sdpolicy.outcomes import first_time
from sdpolicy.scenario import Case, compose
from small import op, program

VARY = {"rate": Spread("uniform", (0.01, 0.1)), "limit": Spread("choice", (5.0, 10.0))}


def growing() -> Case:
    """Return a case: ``x`` grows by ``rate`` towards ``limit``; a rate beyond 40 overflows."""
    flow = op("mul", op("mul", "rate", "x"), op("sub", 1.0, op("div", "x", "limit")))
    model = program({"x": ("flow", 1.0)}, {"flow": flow, "rate": 0.05, "limit": 10.0, "share": op("div", "x", "limit")})
    return compose(model)


def study(samples: int = 40, block: int = 8, design: str = "latin-hypercube", seed: int = 1) -> Study:
    """Return a study of :func:`growing`."""
    return plan(growing(), Sampling(design, samples, seed, block), Variation(VARY), ["x", "share"])


def passes(sets: Mapping[str, float], level: float) -> float:
    """Return when ``x`` of a single run with constants set first passes ``level``, from all rows that it saves."""
    case = compose(growing().program, None, sets)
    alone, grid = lower(case.program), case.grid
    run = ENGINE.compile(alone).run(np.array(alone.defaults), grid, case.method, ["x"])
    times = np.array([grid.time(n * grid.every) for n in range(grid.saved)])
    return float(first_time(times, run.values[:, 0], level, below=False))


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below ``folder``."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


if __name__ == "__main__":  # python growing.py FOLDER SAMPLES BLOCK: write, going on with what is there
    write_ensemble(study(int(sys.argv[2]), int(sys.argv[3])), Path(sys.argv[1]), resume=True)
