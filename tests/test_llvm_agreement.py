"""Tests that the compiled engine gives the readable engine's numbers: to the last bit alone, to 1e-13 in lanes."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from random_programs import programs
from sdpolicy.backends.llvm import ENGINE as COMPILED
from sdpolicy.backends.python import ENGINE as READABLE
from sdpolicy.integrators import FIXED_STEP, Grid
from sdpolicy.lower import lower
from sdpolicy.program import Program

GRID = Grid(0.0, 0.25, 12, 2)
METHOD = st.sampled_from(sorted(FIXED_STEP))
EXAMPLES = int(os.environ.get("SDPOLICY_EXAMPLES", "12"))
QUICK = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="SDPOLICY_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
"""Every example is compiled three times over, so few are tried unless more are asked for."""


def compare(model: Program, method: str, *, exact: bool) -> None:
    """Run ``model`` on all engines and compare values and troubles."""
    lowered = lower(model)
    outputs = [quantity.id for quantity in model.quantities]
    parameters = np.array(lowered.defaults)
    expected = READABLE.compile(lowered).run(parameters, GRID, method, outputs)
    kernel = COMPILED.compile(lowered)
    found = kernel.run(parameters, GRID, method, outputs)
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.trouble == expected.trouble
    many = kernel.run_many(np.tile(parameters, (3, 1)), GRID, method, outputs)
    if exact or expected.trouble is not None:
        np.testing.assert_array_equal(many.values, np.stack([expected.values] * 3))
        assert many.troubles == (dict.fromkeys(range(3), expected.trouble) if expected.trouble else {})


@QUICK
@given(model=programs(exact=True), method=METHOD)
def test_arithmetic_is_the_same_to_the_last_bit_on_every_engine(model: Program, method: str) -> None:
    """Scalar and lane kernels give the readable engine's bits where IEEE 754 defines them."""
    compare(model, method, exact=True)


@QUICK
@given(model=programs(), method=METHOD)
def test_a_single_run_has_the_bits_of_the_readable_engine(model: Program, method: str) -> None:
    """The scalar kernel calls the same mathematical library as Python does."""
    compare(model, method, exact=False)
