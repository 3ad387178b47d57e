"""Reading the files of a scenario safely: inside its folder, of sensible size, in UTF-8. It knows no content.

Scenario files come from strangers. Nothing in them is evaluated, and nothing outside their folder is opened.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

from sdpolicy.errors import Problem, ScenarioError, suggest
from sdpolicy.scenario.messages import place, show

LARGEST: Final = 5 * 1024 * 1024
"""Bytes of a scenario file or of a CSV beside it."""


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a file and the SHA-256 of its bytes."""

    text: str
    digest: str


def read(path: Path, where: str, kind: str = "scenario") -> Content:
    """Return the content of ``path``.

    Args:
        where: for the message, such as ``korea.toml`` or ``korea.toml, [path] 'wage'``.

    Raises:
        ScenarioError: when there is no such file, or it is a folder, empty, too large or not in UTF-8.
    """
    try:
        if path.is_dir():
            raise _error(where, f"this is a folder, not a {kind} file", "Name the file in it.")
        if not path.exists():
            raise _error(where, "there is no such file", _neighbour(path))
        if not path.is_file():
            raise _error(where, "this is not a plain file")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _error(where, f"the file cannot be read: {show(reason)}") from error
    return Content(_decoded(data, where), hashlib.sha256(data).hexdigest())


def _decoded(data: bytes, where: str) -> str:
    if len(data) > LARGEST:
        raise _error(where, f"the file is larger than {LARGEST // 1024**2} MB", "Keep large data elsewhere.")
    if not data.strip(b" \t\r\n\xef\xbb\xbf"):
        raise _error(where, "the file is empty")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _error(where, "the file is in UTF-16", "Save it as UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(
            where, f"the file is not in UTF-8: see line {line}, byte 0x{data[error.start]:02X}", "Save it as UTF-8."
        ) from error


def _neighbour(path: Path) -> str:
    folder = path.parent
    names = [other.name for other in folder.iterdir()] if folder.is_dir() else []
    return suggest(path.name, names) or "Check the spelling and the folder."


def _error(where: str, what: str, cure: str = "") -> ScenarioError:
    return ScenarioError(Problem(where, what, cure))


def inside(folder: Path, reference: str, where: str) -> Path:
    """Return the file that ``reference`` names relative to ``folder``.

    Raises:
        ScenarioError: when it leaves the folder: absolute, through '..', or through a link.
    """
    absolute = PurePosixPath(reference).is_absolute() or PureWindowsPath(reference).anchor
    try:
        target = (folder / reference.replace("\\", "/")).resolve()
        leaves = bool(absolute) or not target.is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        leaves = True
    if leaves:
        what = "the path leaves the folder of the scenario"
        raise _error(where, what, "Put the file beside the scenario, and name it relative to it.")
    return folder / reference.replace("\\", "/")


def parse(text: str, file: str) -> dict[str, Any]:
    """Return the content of a TOML text.

    Raises:
        ScenarioError: for a syntax error, with its line and column.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise _error(file, "the file is nested too deeply") from error
    except ValueError as error:
        if "nested" in str(error):
            raise _error(file, "the file is nested too deeply") from error
        raise ScenarioError(_syntax(str(error), text, file)) from error


def _syntax(message: str, text: str, file: str) -> Problem:
    position = re.search(r"\(at line (\d+), column (\d+)\)", message)
    reason = re.sub(r"\s*\(at [^)]*\)", "", message)
    reason = show(reason[:1].lower() + reason[1:], 200)
    if position is None:
        return Problem(place(file), f"this is not TOML: {reason}", _hint(text.splitlines()[-1]))
    line = text.split("\n")[int(position[1]) - 1]
    where = f"{place(file)}, line {position[1]}, column {position[2]}"
    return Problem(where, f"this is not TOML: {reason}", _hint(line))


def _hint(line: str) -> str:
    if re.match(r"\s*[^\"'\[#=]*[^\"'\[#=\s]\s+[^\"'\[#=\s][^\"'\[#=]*=", line):
        return 'A name with spaces stands in quotes: "debt ratio" = 2.'
    if re.search(r"=\s*[-+]?\d+,\d", line):
        return "Decimals are written with a point: 0.5."
    if re.search(r"=\s*[A-Za-z]", line) and not re.search(r"=\s*(true|false|inf|nan)\b", line):
        return "Texts stand in quotes."
    return ""
