"""Tests of the figures of a calibration: bands over facts, and profiles."""

from __future__ import annotations

import numpy as np

from sdpolicy.evidence import Observation
from sdpolicy.figures import render
from sdpolicy.figures.posterior import Band, Curve, bands, profiles

TIME = np.arange(1960.0, 2001.0)


def test_bands_hold_the_facts_in_sight() -> None:
    """A panel for each variable, wide enough for facts outside the draws; equal figures give equal bytes."""
    draws = np.exp(np.random.default_rng(0).normal(0.05, 0.005, (50, 1)) * (TIME - 1960))
    seen = [Observation("A", "output", 1970, 1980, 2.0, 1.5, 2.5, "", "S")]
    held = [Observation("B", "output", 1990, 1990, 30.0, None, None, "", "S")]
    items = [Band("output", "Billion USD1990/Year", TIME, draws, draws[0], seen, held)] * 4
    figure = bands(items, "Title", "note")
    assert len(figure.axes) == 4
    assert figure.axes[0].get_ylim()[1] > 30.0
    assert render(figure, "svg") == render(bands(items, "Title", "note"), "svg")


def test_profiles_have_a_panel_each() -> None:
    """The line at the limit stands in every panel, and the verdict beside the estimate."""
    curve = Curve("directed credit", np.linspace(1, 8, 9), np.linspace(-2, 2, 9) ** 2, 4.5, "not identified")
    figure = profiles([curve] * 5, 3.84, "Title")
    assert len(figure.axes) == 5
    assert any("not identified" in text.get_text() for text in figure.texts)
