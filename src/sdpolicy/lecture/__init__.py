"""Lecture pages: one HTML file with the model, a story and all that shows them, which needs no network."""

from __future__ import annotations

from sdpolicy.lecture.page import make
from sdpolicy.lecture.story import Story, read_story

__all__ = ["Story", "make", "read_story"]
