"""Results: bare arrays made into a labelled Dataset, saved whole, loaded and verified. It runs nothing itself."""

from __future__ import annotations

from sdpolicy.results.files import load
from sdpolicy.results.folder import save
from sdpolicy.results.labelling import label
from sdpolicy.results.manifest import MANIFEST, Manifest, Record
from sdpolicy.results.roles import Roles, read_roles
from sdpolicy.results.verification import Difference, Verification, verify

__all__ = [
    "MANIFEST",
    "Difference",
    "Manifest",
    "Record",
    "Roles",
    "Verification",
    "label",
    "load",
    "read_roles",
    "save",
    "verify",
]
