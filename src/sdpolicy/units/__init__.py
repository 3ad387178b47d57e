"""Units of measurement: texts read and converted, and a Program checked for dimensional consistency."""

from __future__ import annotations

from sdpolicy.units.check import check_units
from sdpolicy.units.text import Unit, convert, read_unit

__all__ = ["Unit", "check_units", "convert", "read_unit"]
