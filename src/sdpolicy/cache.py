"""Programs kept between runs as JSON in a private folder of the user. It knows no model file format.

An entry that is missing, damaged or of another version counts as absent; a folder that cannot be written
means no cache, never an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from sdpolicy.errors import SdpolicyError
from sdpolicy.expression import Apply, At, Axis, Lookup, Num, Reduce, Ref
from sdpolicy.program import Dimension, Equation, Program, Quantity, Stock, Table

FOLDER_VARIABLE: Final = "SDPOLICY_CACHE"
"""Environment variable that names another folder; empty for no cache."""

_TYPES: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        Program,
        Quantity,
        Stock,
        Equation,
        Table,
        Dimension,
        Num,
        Ref,
        Apply,
        Lookup,
        Reduce,
        At,
        Axis,
    )
}


def encode(value: object) -> Any:
    """Return a Program, or a part of one, as lists, strings and numbers that JSON can hold.

    A record becomes ``{"Type": [fields]}``, a tuple a list; a float is written with as many digits as it
    takes to read the same one back.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    return {type(value).__name__: [encode(getattr(value, field.name)) for field in fields(value)]}  # type: ignore[arg-type]


def decode(value: Any) -> Any:
    """Return what :func:`encode` was given.

    Raises:
        ValueError, TypeError, LookupError: when the text is not of that form.
    """
    if isinstance(value, list):
        return tuple([decode(item) for item in value])
    if isinstance(value, dict):
        ((name, content),) = value.items()
        return _TYPES[name](*[decode(item) for item in content])
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"unexpected {type(value).__name__}")


def folder(kind: str = "programs") -> Path | None:
    """Return the private folder in which ``kind`` of things is kept, or None when keeping is switched off."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named is not None:
        return Path(named) / kind if named else None
    import platformdirs

    return Path(platformdirs.user_cache_dir("sdpolicy", appauthor=False)) / kind


def load(digest: str, reader: str, model: Path) -> Program | None:
    """Return the Program of the file ``model``, whose text has that SHA-256, or None when it is not at hand.

    An entry counts only while the data files beside the model are those that it was made from.
    """
    path = _entry(digest, reader)
    if path is None:
        return None
    try:
        found = json.loads(path.read_bytes())
        fresh = all(_unchanged(model.parent / name, known) for name, known in found["files"].items())
        program = decode(_placed(found["program"], model))
        sound = (
            fresh and found["key"] == _key(digest, reader) and isinstance(program, Program) and program.digest == digest
        )
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, SdpolicyError):
        return None
    return program if sound else None


def _placed(encoded: Any, model: Path) -> Any:
    """Return an encoded Program with the name and place of the file at hand: other files may have the same text."""
    names = [field.name for field in fields(Program)]
    content = list(encoded["Program"])
    content[names.index("name")], content[names.index("source")] = model.stem, str(model)
    return {"Program": content}


def _unchanged(path: Path, known: str) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == known


def store(program: Program, reader: str, files: Mapping[str, str]) -> None:
    """Keep a Program, whole or not at all; ``files`` has the SHA-256 of each data file that it was made from."""
    path = _entry(program.digest, reader)
    if path is None:
        return
    text = json.dumps(
        {"key": _key(program.digest, reader), "files": dict(files), "program": encode(program)}, separators=(",", ":")
    )
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise


def _key(digest: str, reader: str) -> str:
    from sdpolicy import __version__

    return f"{digest} reader {reader} sdpolicy {__version__}"


def _entry(digest: str, reader: str) -> Path | None:
    place = folder()
    if place is None or not digest:
        return None
    return place / f"{hashlib.sha256(_key(digest, reader).encode()).hexdigest()}.json"
