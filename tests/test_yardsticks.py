"""Tests of the numbers that runs are compared by."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sdpolicy import simulate
from sdpolicy.outcomes import at
from sdpolicy.results import Roles
from sdpolicy.results.roles import ROLES
from sdpolicy.summary import phases_of
from sdpolicy.yardsticks import BY_KEY, depth, measure, measure_many

TIME = np.arange(1990.0, 2001.0)


def test_values_are_read_along_straight_lines() -> None:
    """At each member's own moment; outside the run there is none."""
    values = np.stack([TIME, -TIME, TIME])
    np.testing.assert_array_equal(at(TIME, values, np.array([1990.5, 2000.0, 2000.5])), [1990.5, -2000.0, math.nan])


def test_depth_is_what_growth_would_have_given() -> None:
    """Output that grew by a tenth (in logs) a year and then stands still has lost 1 - exp(-0.3) three years later."""
    output = np.exp(0.1 * np.minimum(TIME - 1990, 6.0))
    series = {"output": output, "liquidity": np.where(TIME <= 1996, 1.0, 0.0)}
    found = depth(TIME, series, Roles(liquidity=1.0 - 1e-12))
    assert found == pytest.approx(1 - math.exp(-0.3), abs=1e-9)


def test_members_together_are_members_alone() -> None:
    """Yardsticks of many runs at once equal those of each by itself."""
    run = simulate("core-korea")
    roles = Roles(liquidity=1.0, catch_up=0.02)
    time = run["time"].values
    names = {"output": "output", "relative knowledge": "relative knowledge", "liquidity": "liquidity coverage",
             "debt/equity": "debt equity ratio"}  # fmt: skip
    one = {role: run[name].values for role, name in names.items()}
    many = {role: np.stack([values, 1.3 * values]) for role, values in one.items()}
    alone = measure_many(time, one, roles)
    for key, values in measure_many(time, many, roles).items():
        assert values.shape == (2,)
        np.testing.assert_array_equal(values[0], alone[key])


def test_catch_up_ends_where_the_words_say() -> None:
    """The outcome is the end of the phase that the summary tells of."""
    run = simulate("core-korea")
    phase = next(phase for phase in phases_of(run) if phase.name == "catch-up")
    assert measure(run)["catch-up ended"] == pytest.approx(phase.stop, abs=0.25)


def test_yardsticks_need_known_roles() -> None:
    """Every role that one asks for exists, and a run without roles has none."""
    assert {role for stick in BY_KEY.values() for role in (*stick.needs, *stick.any_of)} <= ROLES.keys()
    run = simulate("core-korea")
    del run.attrs["roles"]
    assert measure(run) == {}
