"""A model of the size and tangle of a world model, for tests of time and memory."""

from __future__ import annotations

import numpy as np

from sdpolicy.expression import Apply
from sdpolicy.program import Program
from small import op, program


def tangle(stocks: int = 40, auxiliaries: int = 140, seed: int = 0) -> Program:
    """Return a Program whose auxiliaries read two stocks or earlier auxiliaries each; it has far over 20,000 loops."""
    random = np.random.default_rng(seed)
    levels = [f"stock{i}" for i in range(stocks)]
    others = [f"aux{i}" for i in range(auxiliaries)]
    equations: dict[str, Apply] = {}
    for i, name in enumerate(others):
        pool = levels + others[max(0, i - 25) : i]
        first, second = (pool[j] for j in random.choice(len(pool), size=2, replace=False))
        a, b = random.uniform(-0.3, 0.3, 2)
        sum_ = op("add", op("mul", float(a), op("sub", first, 1.0)), op("mul", float(b), op("sub", second, 1.0)))
        bent = op("max", op("min", op("add", 1.0, sum_), 3.0), 0.0)
        equations[name] = bent if i % 3 else op("exp", op("min", sum_, 1.0))
    flows = {}
    for name in levels:
        into, out_of = (others[j] for j in random.choice(auxiliaries, 2, replace=False))
        flow = op("sub", op("mul", 0.1, into), op("mul", op("mul", 0.1, name), out_of))
        flows[name] = (flow, float(random.uniform(0.5, 1.5)))
    return program(flows, equations, initial_time=1900.0, final_time=2100.0, time_step=0.5, saveper=1.0)
