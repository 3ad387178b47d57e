"""Which feedback loops drive a run: loop scores, eigenvalues, and runs without a loop. It draws nothing."""

from sdpolicy.dominance.phases import (
    Level,
    Phase,
    Shares,
    agreement,
    phases,
    polarity_phases,
    sentences,
    shares,
    telling,
)
from sdpolicy.dominance.scores import dominance

__all__ = [
    "Level",
    "Phase",
    "Shares",
    "agreement",
    "dominance",
    "phases",
    "polarity_phases",
    "sentences",
    "shares",
    "telling",
]
