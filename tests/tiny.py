"""A model of one stock, as a Program, for tests of scenarios; and the folders they are written into."""

from __future__ import annotations

from pathlib import Path

from sdpolicy.expression import TIME, Apply, Num, Ref
from sdpolicy.program import Equation, Kind, Program, Quantity, Stock, identifier


def quantity(name: str, kind: Kind, unit: str = "", low: float | None = None, high: float | None = None) -> Quantity:
    """Return a quantity whose identifier follows from its name."""
    return Quantity(name, identifier(name, []), kind, unit, low=low, high=high)


TINY = Program(
    name="tiny",
    quantities=(
        quantity("INITIAL TIME", "constant", "Year"),
        quantity("FINAL TIME", "constant", "Year"),
        quantity("TIME STEP", "constant", "Year"),
        quantity("SAVEPER", "constant", "Year"),
        quantity("Capital", "stock", "Billion USD1990", 0.0),
        quantity("investment", "auxiliary", "Billion USD1990/Year"),
        quantity("investment rate", "constant", "1/Year", 0.0, 1.0),
        quantity("world demand", "auxiliary", "Billion USD1990/Year"),
        quantity("life time", "constant", "Year"),
        quantity("mood", "constant"),
    ),
    stocks=(
        Stock(
            "capital",
            Apply("sub", (Ref("investment"), Apply("div", (Ref("capital"), Ref("life_time"))))),
            Num(100.0),
        ),
    ),
    equations=(
        Equation("initial_time", Num(1960.0)),
        Equation("final_time", Num(2000.0)),
        Equation("time_step", Num(0.25)),
        Equation("saveper", Num(1.0)),
        Equation("investment", Apply("mul", (Ref("capital"), Ref("investment_rate")))),
        Equation("investment_rate", Num(0.1)),
        Equation("world_demand", Apply("mul", (Num(3.0), Ref(TIME)))),
        Equation("life_time", Num(10.0)),
        Equation("mood", Apply("neg", (Num(1.0),))),
    ),
    source="tiny.mdl",
)


def read_tiny(_: Path) -> Program:
    """Stand in for the reader of models."""
    return TINY


def write(folder: Path, **texts: str) -> Path:
    """Write ``name.toml`` for each text, beside an (empty) ``tiny.mdl``; return the folder."""
    (folder / "tiny.mdl").write_text("", encoding="utf-8")
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder
