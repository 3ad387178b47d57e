"""Which feedback loops drive a run: loop scores, eigenvalues, and runs without a loop. It draws nothing."""

from sdpolicy.dominance.phases import Phase, phases, polarity_phases, sentences
from sdpolicy.dominance.scores import dominance

__all__ = ["Phase", "dominance", "phases", "polarity_phases", "sentences"]
