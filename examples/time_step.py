"""Is the step small enough? The largest error of Euler and RK4 at several steps, against an adaptive method."""

import numpy as np

import sdpolicy

exact = sdpolicy.simulate("core-korea", method="dop853")
stocks = [name for name, variable in exact.items() if variable.attrs["kind"] == "stock"]

print(f"{'method':8} {'step':>8}  largest relative error of a stock")
for method in ("euler", "rk4"):
    for step in (0.25, 0.125, 0.0625):
        run = sdpolicy.simulate("core-korea", method=method, step=step)
        errors = [float(np.abs(run[name] - exact[name]).max() / np.abs(exact[name]).max()) for name in stocks]
        print(f"{method:8} {step:8.4f}  {max(errors):.1e}")
