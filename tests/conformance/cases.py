"""The conformance corpus as data: for each construct a tiny model, and the numbers that it must give under Euler.

Expected values are derived by hand, step by step, from the equations that Vensim's documentation gives for the
construct (https://www.vensim.com/documentation), never taken from an engine. Where PySD 3.14 gives other
numbers, ``pysd_differs`` says why; the other engines have no such excuse.
"""

from __future__ import annotations

from collections.abc import Sequence

from conformance.arrays import SUBSCRIPTS
from conformance.case import FOLDER, Case, Refused
from conformance.expressions import EXPRESSIONS, INTEGRATION
from conformance.states import STATES, TABLES, TEST_INPUTS

__all__ = ["CASES", "FOLDER", "REFUSED", "Case", "Refused"]

CASES: Sequence[Case] = (*INTEGRATION, *EXPRESSIONS, *TABLES, *STATES, *TEST_INPUTS, *SUBSCRIPTS)

REFUSED: Sequence[Refused] = (
    Refused("not_after_comparison", ("after_comparison.mdl, line 12", "'x'", "'= :NOT: ... = ...'", "brackets")),
)
