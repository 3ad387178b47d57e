"""The schema of scenario files: what it takes, and what it offers to editors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from sdpolicy.scenario import schema
from sdpolicy.scenario.editor import EXAMPLE
from sdpolicy.scenario.schema import Distribution, ScenarioFile, Setting, TimePath


def parts(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every table inside a JSON Schema with its place."""
    if isinstance(part, dict):
        yield path, part
        for key, value in part.items():
            yield from parts(value, f"{path}/{key}")
    elif isinstance(part, list):
        for position, value in enumerate(part):
            yield from parts(value, f"{path}/{position}")


def test_every_key_is_described() -> None:
    """Editors can show what each key is for."""
    silent = [
        f"{place}/{name}"
        for place, table in parts(schema())
        if isinstance(table.get("properties"), dict)
        for name, entry in table["properties"].items()
        if not entry.get("description")
    ]
    assert silent == []


def test_schema_is_draft_7_for_toml() -> None:
    """Editors of TOML know draft 7; TOML has no null; references point into the schema; unknown keys are marked."""
    found = schema()
    assert found["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert found["title"] == "sdpolicy scenario"
    assert found["examples"] == [EXAMPLE]
    for place, table in parts(found):
        assert table.get("type") != "null", place
        assert "prefixItems" not in table, place
        if isinstance(table.get("properties"), dict) and "type" in table:
            assert table["additionalProperties"] is False, place
        if isinstance(table.get("$ref"), str):
            assert table["$ref"].removeprefix("#/definitions/") in found["definitions"], place


def test_example_is_valid() -> None:
    """The example that editors show is a scenario."""
    assert ScenarioFile.model_validate(EXAMPLE).title == "Korea without directed credit"


def test_schema_offers_the_keys_of_the_format() -> None:
    """The keys at the top are those of the guide."""
    head = "title question description source country model extends"
    tables = "set path initial policy correlated cut freeze run figures expect"
    assert list(schema()["properties"]) == f"{head} {tables}".split()


def test_number_alone_is_a_setting() -> None:
    """A number alone and a table with a value mean the same."""
    assert Setting.model_validate(3) == Setting.model_validate({"value": 3.0})


@pytest.mark.parametrize(
    "given",
    [
        {"uniform": [1, 2]},
        {"normal": {"mean": 1, "sd": 0.5, "low": 0}},
        {"lognormal": {"median": 1, "sigma": 0.2, "low": 0, "high": 3}},
        {"triangular": {"low": 0, "mode": 1, "high": 3}},
        {"choice": [1, 2, 3]},
    ],
)
def test_distributions(given: dict[str, Any]) -> None:
    """The five kinds of distributions are taken."""
    kinds = Distribution.model_validate(given).model_dump(exclude_none=True)
    assert list(kinds) == list(given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"uniform": [2, 1]},
        {"uniform": [1, 1]},
        {"normal": {"mean": 1, "sd": 0}},
        {"normal": {"mean": 1, "sd": 1, "low": 2, "high": 1}},
        {"lognormal": {"median": -1, "sigma": 1}},
        {"triangular": {"low": 0, "mode": 4, "high": 3}},
        {"choice": []},
        {"choice": [1], "uniform": [1, 2]},
    ],
)
def test_faulty_distributions(given: dict[str, Any]) -> None:
    """A distribution that cannot be drawn from is refused."""
    with pytest.raises(ValidationError):
        Distribution.model_validate(given)


@pytest.mark.parametrize("key", ["interpolation", "column", "time"])
def test_keys_that_do_not_go_together(key: str) -> None:
    """Keys of a path that another form would ignore are refused."""
    with pytest.raises(ValidationError):
        TimePath.model_validate({"step": {"at": 1, "to": 2}, key: "linear"})
