"""What the command line prints with: consoles, messages and streams. It knows no model, scenario or result.

Text from files is printed as it is: no console here reads markup, emoji codes or highlights.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH: Final = 120
"""Columns when no terminal tells its width."""

_SPELLING: Final = {
    "‐": "-", "‑": "-", "–": "-", "—": "-", "−": "-", "·": "*", "•": "*", "…": "...", "‘": "'", "’": "'",
    "“": '"', "”": '"', "→": "->", "←": "<-", "↑": "^", "↓": "v", "×": "x", "÷": "/", "≤": "<=", "≥": ">=",
    "≈": "~", "±": "+-", "°": " deg", "€": "EUR", "£": "GBP", "₩": "KRW", "¥": "JPY", "✓": "ok", "✗": "no",
}  # fmt: skip
"""How a console that lacks a character gets it written."""


def spell(text: str) -> str:
    """Return ``text`` in ASCII: signs by their spelling, letters without accents, the rest as ``?``."""
    return "".join(c if c.isascii() else _SPELLING.get(c) or _plain(c) for c in text)


def _plain(character: str) -> str:
    if unicodedata.combining(character):
        return ""
    parts = unicodedata.normalize("NFKD", character)
    return "".join(part for part in parts if part.isascii()) or "?"


def prepare_streams() -> None:
    """Let both streams spell what their encoding lacks (a cp1252 console has no arrow) instead of failing."""
    codecs.register_error("sdpolicy-spell", _spell_missing)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="sdpolicy-spell")


def console(*, stderr: bool = False) -> Console:
    """Return a console for standard output or standard error, as both are now."""
    from rich.console import Console

    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = PIPED_WIDTH
    return made


def say(text: str, style: str = "") -> None:
    """Print one line of prose on standard output, wrapped to its width."""
    from rich.text import Text

    console().print(Text(text, style=style))


def complain(text: str, label: str = "error") -> None:
    """Print one message on standard error: one line, however long, so that it can be searched and copied."""
    from rich.text import Text

    line = Text(f"{label}: ", style="bold red" if label == "error" else "bold yellow")
    console(stderr=True).print(line.append(text, style="not bold default"), soft_wrap=True)


@contextmanager
def working(text: str) -> Iterator[None]:
    """Show ``text`` beside a spinner while the block runs, if somebody is looking at standard error."""
    shown = console(stderr=True)
    if not shown.is_terminal:
        yield
        return
    from rich.text import Text

    spinner = "dots" if shown.encoding.startswith("utf") else "line"
    with shown.status(Text(text), spinner=spinner):
        yield


def _spell_missing(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return spell(error.object[error.start : error.end]), error.end
