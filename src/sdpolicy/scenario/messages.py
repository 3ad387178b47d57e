"""How a fault in a scenario file is told: where, what was expected, the repair. It knows no model."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from sdpolicy.errors import Problem, suggest
from sdpolicy.scenario.schema import HIDDEN, ScenarioFile

BY_NAME: Final = ("set", "path", "initial", "freeze")
"""Tables whose keys are names of variables."""
_LONGEST: Final = 60


def show(text: object, longest: int = _LONGEST) -> str:
    """Return ``text`` for a message: what does not print, or turns the direction of writing, is escaped."""
    escaped = "".join(
        character
        if unicodedata.category(character) not in HIDDEN
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in str(text)
    )
    return escaped if len(escaped) <= longest else escaped[: longest - 3] + "..."


def key(*parts: object) -> str:
    """Return a key as a scenario file writes it: ``[set] 'wage'``, ``[run] step``, ``title``.

    >>> key("set", "wage", "unit")
    "[set] 'wage', unit"
    """
    names = [part if isinstance(part, int) else show(part) for part in parts]
    if not names:
        return ""
    table = names[0]
    if table in BY_NAME and len(names) > 1:
        head, rest = f"[{table}] '{names[1]}'", names[2:]
    elif table == "expect" and len(names) > 1:
        head, rest = f"[expect.{names[1]}]", names[2:]
        head, rest = (f"{head} {rest[0]}", rest[1:]) if rest else (head, rest)
    elif table == "policy" and len(names) > 1:
        head, rest = " ".join([f"[policy.{names[1]}]", *(f"'{name}'" for name in names[2:3])]), names[3:]
    elif table in ("run", "cut", "figures") and len(names) > 1:
        head, rest = f"[{table}] {names[1]}", names[2:]
    else:
        head, rest = str(table) if table not in _TABLES else f"[{table}]", names[1:]
        head = f"[{head}]" if table == "correlated" else head
    return ", ".join([head, *(f"item {part + 1}" if isinstance(part, int) else str(part) for part in rest)])


def place(file: str, *parts: object) -> str:
    """Return the ``where`` of a Problem: the file and the key in it."""
    where = key(*parts)
    return f"{show(file, 200)}, {where}" if where else show(file, 200)


def found(value: object) -> str:
    """Return a value for a message as TOML writes it: 'high', true, nan, a table."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return show(f"{value:g}" if isinstance(value, float) else value)
        case str():
            return f"'{show(value)}'"
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return show(value)


def problems(
    error: ValidationError, raw: Mapping[str, Any], file: str, root: type[BaseModel] = ScenarioFile
) -> Iterator[Problem]:
    """Yield what pydantic found, told in the words of scenario files.

    Args:
        raw: the file's content as read from TOML.
        file: the file's name as the user gave it.
        root: the schema that the file was held to.
    """
    items = error.errors(include_url=False)
    deeper = {item["loc"][:depth] for item in items for depth in range(len(item["loc"]))}
    for item in items:
        if item["type"] == "too_short" and item["loc"] in deeper:
            continue  # the list is not too short: its faulty entries were not counted
        path = _written(item["loc"], raw)
        what, cure = _tell(item["type"], item.get("ctx", {}), path, raw)
        cure = cure if item["type"] != "extra_forbidden" else _spelling(path, root)
        pair = item["type"] == "missing" and isinstance(path[-1], int)
        yield Problem(place(file, *(path[:-1] if pair else path)), what, cure)


def _written(location: Sequence[int | str], raw: Any) -> tuple[int | str, ...]:
    """Return the part of ``location`` that the file really holds, and one missing key at the end."""
    path: list[int | str] = []
    for part in location:
        if not isinstance(raw, Mapping if isinstance(part, str) else list):
            break
        path.append(part)
        raw = _value((part,), raw)
    return tuple(path)


def _value(path: Sequence[int | str], raw: Any) -> Any:
    """Return what stands at ``path``, or None."""
    for part in path:
        try:
            raw = raw[part]
        except (KeyError, IndexError):
            return None
    return raw


def _tell(kind: str, context: Mapping[str, Any], path: tuple[int | str, ...], raw: Any) -> tuple[str, str]:
    value = _value(path, raw)
    simple: dict[str, tuple[str, str]] = {
        "float_type": (f"expected a number, found {found(value)}", "Write a number such as 0.5, without quotes."),
        "finite_number": (f"expected a finite number, found {found(value)}", "Write a number such as 0.5."),
        "string_type": (f"expected a text, found {found(value)}", "Put it in quotes."),
        "tuple_type": (f"expected a list, found {found(value)}", "Write it in square brackets."),
        "dict_type": (f"expected a table, found {found(value)}", f"Write [{show(path[0])}] and its keys below."),
        "too_short": ("the list is empty", "Give at least one entry."),
        "greater_than": (f"expected a number greater than 0, found {found(value)}", ""),
        "greater_than_equal": (f"expected a number that is not negative, found {found(value)}", ""),
    }
    match kind:
        case "sdpolicy":
            return context["what"], context["cure"]
        case "extra_forbidden":
            return f"the key '{show(path[-1])}' is not known", ""
        case "missing":
            return _missing(path)
        case "too_long":
            return f"expected a list of {context['max_length']} entries, found {context['actual_length']}", ""
        case "literal_error":
            return f"expected {context['expected']}, found {found(value)}", _close(value, context["expected"])
        case "model_type":
            if isinstance(value, Mapping):
                return "the table is not valid", ""
            return f"expected a table, found {found(value)}", _example(path)
        case _:
            return simple.get(kind, (f"the value {found(value)} is not valid", ""))


def _close(value: object, expected: str) -> str:
    words = expected.replace(" or ", ", ").replace("'", "").split(", ")
    return suggest(value, words) if isinstance(value, str) else ""


def _missing(path: Sequence[int | str]) -> tuple[str, str]:
    last = path[-1]
    if isinstance(last, int):
        return f"entry {last + 1} of a pair is missing", "Write pairs in square brackets, as in [1990, 0.5]."
    return f"the key '{last}' is missing", f"Add {last} = ..."


def _spelling(path: Sequence[int | str], root: type[BaseModel]) -> str:
    known = _known(path[:-1], root)
    return suggest(show(path[-1]), known) or f"Known keys: {', '.join(known)}."


def _known(path: Sequence[int | str], root: type[BaseModel]) -> list[str]:
    """Return the keys that the schema allows in the table at ``path``."""
    model = root
    for part in path:
        inner = model.model_fields.get(str(part)) or next(
            (field for field in model.model_fields.values() if field.alias == part), None
        )
        model = _table(inner.annotation) or model if inner else model
    return [field.alias or name for name, field in model.model_fields.items()]


def _table(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside an annotation such as ``dict[str, Setting]`` or ``Step | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((inner for part in get_args(annotation) if (inner := _table(part))), None)


def _example(path: Sequence[int | str]) -> str:
    if path and path[0] == "path" and len(path) == 2:
        return "Write it as in {points = [[1962, 0.1], [1997, 0.5]]}."
    return "Write it in braces, with its keys."


_TABLES: Final = (*BY_NAME, "policy", "correlated", "cut", "run", "figures", "expect")
