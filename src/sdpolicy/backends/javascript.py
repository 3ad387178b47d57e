"""The engine of lecture pages, run by Node for tests and for comparison. It knows Lowered models only."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from sdpolicy.backends.base import FloatArray, Trajectory, Trouble, layout
from sdpolicy.backends.javascript_text import plan, source
from sdpolicy.errors import Problem, SimulationError
from sdpolicy.integrators import FIXED_STEP, Grid
from sdpolicy.lower import Lowered

DRIVER: Final = """
const kernel = sdpolicyEngine.kernel(%s, %s);
const task = %s;
const answers = task.parameters.map((parameters) => {
  const { values, trouble } = kernel.run(parameters, task.grid, task.method, {});
  return { values: Buffer.from(values.buffer).toString("base64"), trouble };
});
process.stdout.write(JSON.stringify(answers));
"""
TIME_LIMIT: Final = 300.0


@cache
def runtime() -> str:
    """Return the text of the runtime, which is the same for all models."""
    return (files("sdpolicy.backends") / "javascript_runtime.js").read_text(encoding="utf-8")


def node() -> str | None:
    """Return the path of Node, if it is there."""
    return shutil.which("node")


class JavascriptKernel:
    """A model as JavaScript text, run by a Node process of its own for each call."""

    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered
        self.text = source(lowered)
        self.plan = plan(lowered)
        self.places = layout(lowered.program.quantities)

    def run(self, parameters: FloatArray, grid: Grid, method: str, outputs: Sequence[str]) -> Trajectory:
        """Run once; see :class:`sdpolicy.backends.base.Kernel`.

        Raises:
            KeyError: when ``method`` is no fixed-step method.
            SimulationError: when there is no Node, or it fails.
        """
        return self.run_many([parameters], grid, method, outputs)[0]

    def run_many(
        self, members: Sequence[FloatArray], grid: Grid, method: str, outputs: Sequence[str]
    ) -> list[Trajectory]:
        """Run once for each vector of parameters, in one process."""
        task = {
            "parameters": [[float(x) for x in member] for member in members],
            "grid": {"start": grid.start, "step": grid.step, "steps": grid.steps, "every": grid.every},
            "method": FIXED_STEP[method].name,
        }
        driver = DRIVER % (self.text, json.dumps(self.plan), json.dumps(task))
        answers = json.loads(_ask_node(runtime() + driver))
        columns = [i for name in outputs for i in range(*self.places[name].indices(1 << 62))]
        return [self.trajectory(answer, grid, columns) for answer in answers]

    def trajectory(self, answer: dict[str, object], grid: Grid, columns: Sequence[int]) -> Trajectory:
        flat = np.frombuffer(base64.b64decode(str(answer["values"])), dtype="<f8")
        values = flat.reshape(grid.saved, -1)[:, columns].copy()
        found = answer["trouble"]
        if not isinstance(found, dict):
            return Trajectory(values)
        return Trajectory(values, Trouble(found["quantity"], found["element"], found["time"]))


def _ask_node(script: str) -> str:
    program = node()
    if program is None:
        cure = "Install Node 20 or later, or choose another engine; lecture pages need none."
        raise SimulationError(Problem("engine 'javascript'", "needs Node, which is not on the PATH", cure))
    done = subprocess.run(
        [program, "-"],
        input=script,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIME_LIMIT,
        check=False,
    )
    if done.returncode != 0:
        raise SimulationError(Problem("engine 'javascript'", f"Node failed: {done.stderr.strip()[-500:]}"))
    return done.stdout


class JavascriptEngine:
    """Makes kernels that Node runs."""

    name: Final = "javascript"

    def compile(self, lowered: Lowered) -> JavascriptKernel:
        return JavascriptKernel(lowered)


ENGINE: Final = JavascriptEngine()
