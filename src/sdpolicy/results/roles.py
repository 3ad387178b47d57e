"""Which variable of a model plays which part, from its companion file; carried by the Dataset. It computes nothing."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from sdpolicy.errors import ModelError, Problem, suggest

if TYPE_CHECKING:
    import xarray as xr

ROLES: Final[Mapping[str, str]] = {
    "output": "what the economy produces in a year",
    "relative knowledge": "knowledge as a fraction of the frontier's; its growth is what catching up means",
    "knowledge gap": "how far knowledge is from the frontier's",
    "debt/equity": "debt as a multiple of equity",
    "liquidity": "cash that comes in over payments that fall due; below the threshold these can't be met",
    "export share": "share of the world's demand that exports win",
    "confidence": "lenders' confidence; below the threshold they withdraw",
    "differentiated share": "share of goods of one's own design",
    "R&D/sales": "R&D as a share of sales or of output",
    "design knowledge": "knowledge of design that is made at home",
}
"""The parts that a variable can play in the words and figures, and what each means."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Which variable (display name) plays which part, and the thresholds that phases are told by."""

    variables: Mapping[str, str] = field(default_factory=dict)
    catch_up: float = 0.005
    """Catching up means that relative knowledge grows faster than this, as a fraction a time unit."""
    liquidity: float = 1.0
    confidence: float = 0.5

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def read_roles(path: Path) -> Roles:
    """Read a model's companion file ``<model>.roles.toml``; a missing file gives no roles.

    Raises:
        ModelError: for a file that is not TOML, an unknown role or a threshold that is not a number; all at once.
    """
    if not path.is_file():
        return Roles()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ModelError(Problem(path.name, f"the file cannot be read ({error})", "Write it as TOML.")) from error
    problems = list(_role_problems(path.name, content))
    if problems:
        raise ModelError(problems)
    thresholds = content.get("thresholds", {})
    return Roles(
        content.get("roles", {}),
        float(thresholds.get("catch-up", Roles().catch_up)),
        float(thresholds.get("liquidity", Roles().liquidity)),
        float(thresholds.get("confidence", Roles().confidence)),
    )


def _role_problems(where: str, content: Mapping[str, object]) -> Iterator[Problem]:
    known: Mapping[str, tuple[Mapping[str, str], type | tuple[type, ...], str]] = {
        "roles": (ROLES, str, "the name of a variable"),
        "thresholds": (dict.fromkeys(("catch-up", "liquidity", "confidence"), ""), (int, float), "a number"),
    }
    for section, entries in content.items():
        if section not in known or not isinstance(entries, dict):
            yield Problem(where, f"[{section}] is not known", "The sections are [roles] and [thresholds].")
            continue
        keys, kind, wanted = known[section]
        for key, value in entries.items():
            if key not in keys:
                cure = suggest(key, keys) or f"Known are: {', '.join(keys)}."
                yield Problem(f"{where}, [{section}]", f"'{key}' is not known", cure)
            elif not isinstance(value, kind) or isinstance(value, bool):
                yield Problem(f"{where}, [{section}] {key}", f"{value!r} is not {wanted}", f"Write {wanted}.")


def roles_of(dataset: xr.Dataset) -> Roles:
    """Return the roles that a Dataset carries, less those whose variable it holds no numbers of over time."""
    text = dataset.attrs.get("roles")
    content = json.loads(text) if text else {}
    variables = {
        role: name
        for role, name in content.get("variables", {}).items()
        if name in dataset and _holds_numbers(dataset.variables[name])
    }
    default = Roles()
    return Roles(
        variables,
        content.get("catch_up", default.catch_up),
        content.get("liquidity", default.liquidity),
        content.get("confidence", default.confidence),
    )


def _holds_numbers(variable: xr.Variable) -> bool:
    return variable.dims == ("time",) and not bool(np.isnan(variable.values).all())
