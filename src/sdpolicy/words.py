"""Numbers and units as a reader wants them. It knows no model, Dataset or figure."""

from __future__ import annotations

import re
from collections.abc import Sequence


def unit_words(unit: str) -> str:
    """Return Vensim's unit text as a reader wants it.

    >>> unit_words("Billion USD1990/Year"), unit_words("1/Year"), unit_words("Dmnl")
    ('billion 1990 USD / year', 'per year', 'no unit')
    """
    text = " ".join(unit.split())
    if text.casefold() in ("", "dmnl", "1", "dimensionless"):
        return "no unit"
    over = re.fullmatch(r"(?:1|dmnl)\s*/\s*(.+)", text, re.IGNORECASE)
    if over:
        return f"per {unit_words(over[1])}"
    text = re.sub(r"\b([A-Z]{3})((?:19|20)\d\d)\b", r"\2 \1", text)
    text = re.sub(r"\s*([/*])\s*", lambda match: f" {'·' if match[1] == '*' else '/'} ", text)
    return " ".join(word if word.isupper() else word.lower() for word in text.split(" "))


def number(value: float) -> str:
    """Return a number for an axis or a sentence: three significant digits, thousands apart.

    >>> number(0.35), number(1234.5), number(-2.0), number(1.5e7)
    ('0.35', '1,230', '−2', '15 million')
    """
    for power, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(value) >= power:
            return f"{number(value / power)} {word}" if abs(value) < 1e15 else f"{value:.3g}"
    rounded = float(f"{value:.3g}")
    text = f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:g}"
    return text.replace("-", "−")


def percent(fraction: float) -> str:
    """Return a fraction in per cent with one decimal.

    >>> percent(0.0713), percent(-0.02)
    ('7.1 %', '−2.0 %')
    """
    return f"{100 * fraction:.1f} %".replace("-", "−")


def year(time: float) -> str:
    """Return a time as a year, with a decimal only where the time is small (a model that counts from 0).

    >>> year(1989.25), year(12.5)
    ('1989', '12.5')
    """
    return f"{int(time // 1)}" if time >= 1000 else f"{round(time, 1):g}"


def spoken_list(items: Sequence[str]) -> str:
    """Return names joined as in speech.

    >>> spoken_list(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)
