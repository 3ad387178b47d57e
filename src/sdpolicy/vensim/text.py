"""A Vensim file as text: characters, and entries with their lines. It knows no equation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sdpolicy.errors import ModelError, Problem
from sdpolicy.vensim.prepare import Refusal

LARGEST: Final = 10_000_000
"""Bytes that a model file may have; the largest published models stay below 5 million."""

_SKETCH: Final = re.compile(r"\\{2,3}---///|^///---\\", re.MULTILINE)
"""Begins each view of the sketch, or ends the last one: the first of these ends the equations."""

_METHODS: Final = {1: "rk4", 3: "rk2", 4: "rk2", 5: "rk4"}
"""Vensim's numbers for methods other than Euler's. RK4 Auto and RK2 Auto take shorter steps by themselves where
they must; a fixed step is what comes nearest."""

_QUOTED: Final = r'"(?:\\.|\\\n|[^"\\\n])*"'
_INNER: Final = r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}"
_COMMENT: Final = rf"\{{[^{{}}]*(?:{_INNER}[^{{}}]*)*\}}|\{{[^}}]*\}}"
"""A comment may have comments inside, three deep; one whose braces do not match ends at the first that closes."""
_HEADING: Final = re.compile(rf"\s*(?:{_COMMENT})")
_MARK: Final = re.compile(f"{_QUOTED}|{_COMMENT}|[~|]")
_COMMENTED: Final = re.compile(f"({_QUOTED})|{_COMMENT}")
_MACRO_BEGINS: Final = re.compile(r"(?:^|(?<=\|))\s*:MACRO:", re.IGNORECASE | re.MULTILINE)
"""Where a comment only speaks of macros, no line or entry begins with the word."""
_MACRO: Final = re.compile(
    rf"{_MACRO_BEGINS.pattern}\s*([^(]+)\(([^)]*)\)(.*?):END[\s_]+OF[\s_]+MACRO:",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition of the file: what stands between two bars, in its three parts."""

    equation: str
    unit: str
    doc: str
    line: int


@dataclass(frozen=True, slots=True)
class MacroText:
    """A macro as written: its name, inputs, further outputs, and the definitions inside."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    entries: tuple[Entry, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Source:
    """The parts of a model file: its equations, its macros and the text of its sketch."""

    entries: tuple[Entry, ...]
    macros: tuple[MacroText, ...] = ()
    sketch: str = ""
    files: dict[str, str] = field(default_factory=dict)
    """Data files by the names that begin with ``?``, from the settings at the end of the file."""
    method: str = "euler"
    """The method of integration, from there too."""


def read_text(path: Path) -> str:
    """Return the characters of a model file.

    Raises:
        ModelError: when the file is missing, no .mdl, too large, empty, or not in the encoding it names.
    """
    where = path.name
    if path.suffix.casefold() != ".mdl":
        raise ModelError(Problem(where, "a model file ends in .mdl", "Save the model in Vensim's text format."))
    try:
        if path.is_dir():
            raise ModelError(Problem(where, "this is a folder, and a model file was expected"))
        if path.stat().st_size > LARGEST:
            raise ModelError(Problem(where, f"the file is larger than {LARGEST // 1_000_000} MB"))
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(Problem(str(path), "there is no such file")) from None
    except OSError as error:
        raise ModelError(Problem(str(path), f"the file cannot be read ({error.strerror})")) from None
    text = _decode(raw, where)
    if not text.strip():
        raise ModelError(Problem(where, "the file is empty"))
    return text


def _decode(raw: bytes, where: str) -> str:
    named = re.match(rb"\s*\{\s*([A-Za-z0-9_.:-]{1,40})\s*\}", raw.removeprefix(b"\xef\xbb\xbf"))
    encoding = named.group(1).decode("ascii") if named else "utf-8"
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    if b"\0" in raw and encoding != "utf-16":
        raise ModelError(Problem(where, "the file is binary, and text was expected", "Save the model as .mdl text."))
    try:
        text = raw.decode("utf-8-sig" if encoding.casefold() in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        guessed = _guessed(raw) if encoding == "utf-8" and not named else None
        if guessed is not None:
            return guessed
        line = raw[: error.start].count(b"\n") + 1
        cure = "Save it as UTF-8, or name its encoding in the first line, such as {windows-1252}."
        raise ModelError(Problem(f"{where}, line {line}", f"the text is not {encoding}", cure)) from None
    except (LookupError, ValueError):
        if raw.isascii():  # the first comment, then, and no encoding; none matters
            return _lines(raw.decode("ascii"))
        problem = Problem(f"{where}, line 1", f"the encoding '{encoding}' is unknown", "Save the model as UTF-8.")
        raise ModelError(problem) from None
    return _lines(text)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _guessed(raw: bytes) -> str | None:
    """Return the text of a file that names no encoding, where its equations are the same in all that it may be in.

    Models of Vensim 5 and before are in that of their author's computer. Where only units, comments and the
    sketch have other than ASCII letters, and none of these can swallow a sign that parts a model, no name and
    no number depends on it.
    """
    if re.search(rb"[\x80-\xff][\\{|}~]", raw):
        return None
    text = _lines(raw.decode("cp1252", "replace"))
    try:
        source = split(text)
    except Refusal:
        return None
    entries = [*source.entries, *(entry for macro in source.macros for entry in macro.entries)]
    return text if entries and all(entry.equation.isascii() for entry in entries) else None


def split(text: str) -> Source:
    """Split a model's text into entries, macros and sketch.

    Raises:
        Refusal: when a macro does not end.
    """
    cut = _SKETCH.search(text)
    equations, sketch = (text[: cut.start()], text[cut.start() :]) if cut else (text, "")
    heading = _HEADING.match(equations)
    start = heading.end() if heading else 0
    entries: list[Entry] = []
    macros: list[MacroText] = []
    for found in _MACRO.finditer(equations, start):
        entries.extend(_entries(equations, start, found.start()))
        inputs, _, outputs = found.group(2).partition(":")
        macros.append(
            MacroText(
                found.group(1).strip(),
                tuple(part.strip() for part in inputs.split(",") if part.strip()),
                tuple(part.strip() for part in outputs.split(",") if part.strip()),
                tuple(_entries(equations, found.start(3), found.end(3))),
                _line(equations, found.start()),
            )
        )
        start = found.end()
    entries.extend(_entries(equations, start, len(equations)))
    if _MACRO_BEGINS.search(equations, start):
        raise Refusal("a :MACRO: has no :END OF MACRO:", "Write it on a line of its own behind the macro.")
    files = {name.casefold(): file for name, file in re.findall(r"^30:(\?[^=\n]+)=([^\n]+)$", sketch, re.MULTILINE)}
    asked = re.search(r":L\x7f?<%\^E!@.*?^15:(?:\d+,){3}(\d+)", sketch, re.MULTILINE | re.DOTALL)
    method = _METHODS.get(int(asked.group(1)), "euler") if asked else "euler"
    return Source(tuple(entries), tuple(macros), sketch, files, method)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _entries(text: str, start: int, stop: int) -> Iterator[Entry]:
    """Yield the entries between two positions; a bar or tilde in a quoted name or a comment does not count."""
    while start < stop:
        parts, end = _parts(text, start, stop)
        equation = _squeeze(_uncomment(parts[0]))
        if equation and not equation.startswith("***") and not equation.startswith(":"):
            first = start + len(parts[0]) - len(parts[0].lstrip())
            unit, doc = [*parts, "", ""][1:3]
            yield Entry(equation, _squeeze(_uncomment(unit)), _squeeze(doc), _line(text, first))
        start = end


def _parts(text: str, start: int, stop: int) -> tuple[list[str], int]:
    """Return what stands between the tildes of the entry at ``start``, and where it ends."""
    signs = (found for found in _MARK.finditer(text, start, stop) if found.group() in ("~", "|"))
    first = next(signs, None)
    if first is None or first.group() == "|":
        end = first.end() if first else stop
        return [text[start : first.start() if first else stop]], end
    bar = text.find("|", first.end(), stop)
    end = stop if bar < 0 else bar
    return [text[start : first.start()], *text[first.end() : end].split("~", 2)], min(end + 1, stop)


def _uncomment(equation: str) -> str:
    return _COMMENTED.sub(lambda found: found.group(1) or " ", equation)


def _squeeze(text: str) -> str:
    """Return ``text`` on one line: continuation marks, tabs and line ends become single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"\\\s*\n", " ", text)).strip()
