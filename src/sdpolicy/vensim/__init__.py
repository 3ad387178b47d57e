"""Reading Vensim models (.mdl): the only package that knows their format or calls PySD's translator."""

from __future__ import annotations

from sdpolicy.vensim.reader import read_model

__all__ = ["read_model"]
