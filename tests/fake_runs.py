"""A small catch-up economy as a labelled Dataset, so that results and figures are tested without an engine."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import xarray as xr

UNITS: Mapping[str, tuple[str, str]] = {
    "capital": ("Billion USD1990", "stock"),
    "debt": ("Billion USD1990", "stock"),
    "R&D capital": ("Billion USD1990", "stock"),
    "knowledge base": ("Index", "stock"),
    "export share": ("Dmnl", "stock"),
    "output": ("Billion USD1990/Year", "auxiliary"),
    "relative knowledge": ("Dmnl", "auxiliary"),
    "debt/equity ratio": ("Dmnl", "auxiliary"),
    "coverage": ("Dmnl", "auxiliary"),
    "knowledge gap": ("Dmnl", "auxiliary"),
}
ROLES: Mapping[str, object] = {
    "output": "output",
    "relative knowledge": "relative knowledge",
    "knowledge gap": "knowledge gap",
    "debt/equity": "debt/equity ratio",
    "liquidity": "coverage",
    "export share": "export share",
}


def economy(credit: float = 0.3, rollover: float = 0.6, step: float = 0.25) -> dict[str, list[float]]:
    """Return the series of a stylised economy from 1962 to 2010, by Euler's method."""
    k, d, r, n, s = 80.0, 40.0, 0.0, 0.2, 0.02
    series: dict[str, list[float]] = {name: [] for name in UNITS}
    for i in range(round(48 / step) + 1):
        t = i * step
        frontier, world = np.exp(0.02 * t), 700 * np.exp(0.055 * t)
        x = n / frontier
        y = 32 * (k / 80) ** 0.4 * (n / 0.2) ** 0.6
        design = r / (r + 0.15 * y)
        margin = 1 - 0.45 * x * (1 - design)
        profit, service = 0.36 * margin * y, d * 0.12
        research = min(0.5 * x**2, 1) * max(profit - service, 0)
        exports = s * world
        borrowing = (max(k - d, 0) + rollover * d) * 0.1 + credit * exports - d * 0.1 + max(service - profit, 0)
        investment = profit - 0.02 * d - research + borrowing
        row = (k, d, r, n, s, y, x, d / (k - d), profit / service, 1 - x)
        for name, value in zip(UNITS, row, strict=True):
            series[name].append(float(value))
        knowledge = 3 * n * max(1 - x, 0) ** 2 * exports * investment / (exports + investment) / k
        n += step * (knowledge + 0.02 * design * frontier)
        k += step * (investment - 0.06 * k)
        d += step * borrowing
        r += step * (research * (0.1 + 0.9 * design) - 0.1 * r)
        s += step * (x**2 * margin * y / world - s) / 4
    return series


def fake_run(name: str = "korea", title: str = "Korea, 1962 to 2010", credit: float = 0.3) -> xr.Dataset:
    """Return a Dataset as ``label`` makes them."""
    series = economy(credit)
    time = 1962 + 0.25 * np.arange(len(series["output"]))
    data = {key: ("time", np.asarray(series[key]), _attrs(key, unit, kind)) for key, (unit, kind) in UNITS.items()}
    attrs = {
        "title": title, "question": "Why does catching up end in a stall?", "scenario": name, "country": "KOR",
        "model": "core", "model_sha256": "c0ffee" * 10 + "abcd", "scenario_sha256": "decade" * 10 + "1234",
        "applied": "[]", "engine": "python", "method": "euler", "step": 0.25, "save": 0.25, "start": 1962.0,
        "stop": 2010.0, "sdpolicy_version": "0.1.0", "roles": json.dumps({"variables": ROLES, "catch_up": 0.015}),
    }  # fmt: skip
    return xr.Dataset(data, {"time": ("time", time, {"units": "Year"})}, attrs)


def _attrs(name: str, unit: str, kind: str) -> dict[str, str]:
    identifier = name.replace("/", "_").replace("&", "_").replace(" ", "_").lower()
    return {"units": unit, "long_name": f"The {name}.", "vensim_name": name, "kind": kind, "id": identifier}
