"""The JSON Schema of scenario files, in the dialect that editors of TOML understand. It reads no scenario."""

from __future__ import annotations

from typing import Any, Final

from sdpolicy.scenario.schema import ScenarioFile

EXAMPLE: Final[dict[str, Any]] = {
    "title": "Korea without directed credit",
    "question": "Would Korea have caught up without directed credit?",
    "extends": "korea",
    "set": {"directed credit": {"value": 0, "grade": "C", "note": "The counterfactual."}},
    "run": {"step": 0.125, "method": "rk4"},
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of scenario files, with which editors complete and check them."""
    found = _tidy(ScenarioFile.model_json_schema())
    head = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "sdpolicy scenario",
        "description": "A scenario of sdpolicy: which model to run, and what to change in it.",
    }
    return {**head, **{key: found[key] for key in found if key not in head}, "examples": [EXAMPLE]}


def _tidy(part: Any) -> Any:
    """Rewrite what pydantic says for JSON into what holds for TOML and draft 7.

    TOML has no null, so an optional key is simply absent; a pair is ``items`` with two entries; titles
    that only repeat a key would hide the descriptions in editors.
    """
    if isinstance(part, list):
        return [_tidy(item) for item in part]
    if not isinstance(part, dict):
        return part
    options = part.get("anyOf", [])
    if {"type": "null"} in options:
        kept = [option for option in options if option != {"type": "null"}]
        part = {key: value for key, value in part.items() if key not in ("anyOf", "default")}
        part = {**kept[0], **part} if len(kept) == 1 and "$ref" not in kept[0] else {**part, "allOf": kept}
    found = {
        "items" if key == "prefixItems" else "definitions" if key == "$defs" else key: _tidy(value)
        for key, value in part.items()
        if not (key == "title" and isinstance(value, str)) and key != "default"
    }
    if isinstance(found.get("$ref"), str):
        found["$ref"] = found["$ref"].replace("#/$defs/", "#/definitions/")
        if len(found) > 1:  # draft 7 ignores what stands beside a $ref
            found["allOf"] = [{"$ref": found.pop("$ref")}]
    return found
