"""What stands around the panels of a page: title, question, phases in words, sources and provenance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import xarray as xr

from sdpolicy.evidence import Observation
from sdpolicy.figures.style import FOOTER, MARGIN, NOTE, SHADES, SUBTITLE, TITLE, Box, Page, clip, wrap
from sdpolicy.summary import Phase
from sdpolicy.words import year

GAP: Final = 8


def header(page: Page, title: str, question: str, phases: Sequence[Phase] = ()) -> float:
    """Write title, question and the strip of phases; return the height at which the panels may begin."""
    width, y = page.width - 2 * MARGIN, 22.0
    for line in clip(wrap(title, width, TITLE), 2):
        page.text(MARGIN, y, line, TITLE)
        y += TITLE.size * 1.25
    for line in clip(wrap(question, width, SUBTITLE), 2):
        page.text(MARGIN, y, line, SUBTITLE)
        y += SUBTITLE.size * 1.3
    return _strip(page, phases, y + 4) if phases else y + GAP


def _strip(page: Page, phases: Sequence[Phase], y: float) -> float:
    """Write the phases in order, each beside a sample of its shading."""
    ink, x = replace(NOTE, size=17, vertical="center"), float(MARGIN)
    for phase in phases:
        text = f"{phase.name} {year(phase.start)}–{year(phase.stop)}"
        face, hatch = SHADES[phase.name]
        page.patch(Box(x, y + 3, x + 30, y + 19), face, hatch)
        x += 38 + page.text(x + 38, y + 11, text, ink) + 28
        if x > page.width - 300:
            break
    return y + 26 + GAP


def footer(page: Page, datasets: Sequence[xr.Dataset], facts: Sequence[Observation] = ()) -> float:
    """Write the sources of observed points and where the numbers come from; return the height they begin at."""
    y = page.height - 14.0
    width = page.width - 2 * MARGIN
    for line in reversed(clip(wrap(provenance(datasets), width, FOOTER), 2)):
        page.text(MARGIN, y, line, FOOTER)
        y -= FOOTER.size * 1.35
    if facts:
        y -= 4
        ink = replace(NOTE, vertical="bottom")
        for line in reversed(clip(wrap(sources(facts), width, ink), 2)):
            page.text(MARGIN, y, line, ink)
            y -= ink.size * 1.35
    return y - GAP


def provenance(datasets: Sequence[xr.Dataset]) -> str:
    """Return the line that says which model, scenarios, engine and method the numbers come from."""
    first = datasets[0].attrs
    scenarios = [_hashed("scenario", item.attrs, "scenario") for item in datasets]
    unit = str(datasets[0]["time"].attrs.get("units", "")).lower()
    runs = {(item.attrs.get("engine"), item.attrs.get("method"), item.attrs.get("step")) for item in datasets}
    if len(runs) == 1:
        how = f"engine {first.get('engine')}, method {first.get('method')}, step {_plain(first.get('step'))} {unit}"
    else:
        how = "several engines or methods"
    parts = [f"sdpolicy {first.get('sdpolicy_version', '')}", _hashed("model", first, "model"), *scenarios, how]
    return " · ".join(" ".join(part.split()) for part in parts if part)


def _hashed(kind: str, attrs: dict[str, object], key: str) -> str:
    name, digest = attrs.get(key), str(attrs.get(f"{key}_sha256") or "")
    return f"{kind} {name} {digest[:8]}" if name else ""


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def initials(source: str) -> str:
    """Return a short mark for a source.

    >>> initials("Ernst (1998), p. 5"), initials("Penn World Table 10.01 (Feenstra 2015)"), initials("003")
    ('E98', 'PWT', '003')
    """
    words = short_source(source).replace("-", " ").split()
    if len(words) < 2:
        return source[:4]
    letters = [word[0] for word in words if word[0].isalpha() and word not in ("and", "et", "al", "of", "the")]
    date = next((word[2:4] for word in words if re.fullmatch(r"(?:19|20)\d\d[a-z]?", word)), "")
    return "".join(letters[:3]).upper() + date


def short_source(source: str) -> str:
    """Return the name of a source: what stands before the first bracket or comma, and its year.

    >>> short_source("Ernst (1998), p. 5"), short_source("Penn World Table 10.01 (Feenstra 2015)")
    ('Ernst 1998', 'Penn World Table 10.01')
    """
    head = re.split(r"[(,;]", source)[0].strip()
    date = re.search(r"\b(?:19|20)\d\d\b", source)
    return f"{head} {date[0]}" if date and " " not in head and date[0] not in head else head


def sources(facts: Sequence[Observation]) -> str:
    """Return the caption that explains the marks of observed points."""
    names = dict.fromkeys(short_source(fact.source) for fact in facts)
    marks = ", ".join(name if initials(name) == name else f"{initials(name)} {name}" for name in names)
    return f"○ observed, with the limits that the source states. Sources: {marks}"
