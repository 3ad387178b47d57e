"""Vensim's functions: which of ours each one becomes, and what is said of those that we refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SIMPLE: Final[Mapping[str, tuple[str, int]]] = {
    # Vensim's name: our operator and its number of arguments, taken over in order.
    "add": ("add", 2), "sub": ("sub", 2), "mul": ("mul", 2), "div": ("div", 2), "pow": ("pow", 2),
    "neg": ("neg", 1), "lt": ("lt", 2), "le": ("le", 2), "gt": ("gt", 2), "ge": ("ge", 2), "eq": ("eq", 2),
    "ne": ("ne", 2), "and": ("and", 2), "or": ("or", 2), "not": ("not", 1),
    "if then else": ("if", 3), "min": ("min", 2), "max": ("max", 2),
    "zidz": ("zidz", 2), "xidz": ("xidz", 3), "modulo": ("modulo", 2), "quantum": ("quantum", 2),
    "power": ("pow", 2), "abs": ("abs", 1), "exp": ("exp", 1), "ln": ("ln", 1), "sqrt": ("sqrt", 1),
    "integer": ("integer", 1), "sin": ("sin", 1), "cos": ("cos", 1), "tan": ("tan", 1),
    "arcsin": ("arcsin", 1), "arccos": ("arccos", 1), "arctan": ("arctan", 1),
    "sinh": ("sinh", 1), "cosh": ("cosh", 1), "tanh": ("tanh", 1),
    "step": ("step", 2), "ramp": ("ramp", 3), "pulse": ("pulse", 2), "pulse train": ("pulse train", 4),
    "smooth": ("smooth", 4), "smooth n": ("smooth n", 4), "delay": ("delay", 4), "delay n": ("delay n", 4),
    "delay fixed": ("delay fixed", 3), "trend": ("trend", 3), "forecast": ("forecast", 4),
    "sample if true": ("sample if true", 3), "initial": ("initial", 1), "reinitial": ("initial", 1),
    "random uniform": ("random uniform", 3), "random normal": ("random normal", 5),
}  # fmt: skip

REDUCTIONS: Final[Mapping[str, str]] = {"sum": "sum", "prod": "prod", "vmin": "min", "vmax": "max"}

TABLE_MODES: Final[Mapping[str, str]] = {
    "lookup extrapolate": "extrapolate",
    "lookup forward": "forward",
    "lookup backward": "backward",
}

VECTORS: Final[Mapping[str, int]] = {
    # Functions of whole vectors and their number of arguments.
    "vector select": 5, "vector elm map": 2, "vector sort order": 2, "vector reorder": 2, "vector rank": 2,
    "invert matrix": 2, "allocate by priority": 5,
}  # fmt: skip

SINGLE: Final[Mapping[str, int]] = {
    # Functions with a translation of their own (single.py) and their number of arguments.
    "log": 2, "random 0 1": 0, "random exponential": 5, "random triangular": 6,
    "get data between times": 3, "get time value": 3, "game": 1, "elmcount": 1,
}  # fmt: skip

BINDING: Final[Mapping[str, int]] = {**dict.fromkeys(REDUCTIONS, 1), "vector select": 2}
"""Functions that run over the ranges marked with ``!`` in their first arguments, and in how many of these."""

_DISCRETE: Final = "Use DELAY FIXED, DELAY N or a chain of stocks."
_OUTSIDE: Final = "Compute it beforehand and give it as a constant or a data variable."

REFUSED: Final[Mapping[str, str]] = {
    # Functions that we know and do not support, with the cure.
    **dict.fromkeys(
        ("allocate available", "alloc p", "demand at price", "supply at price",
         "find market price", "market price", "marketp", "supply curve"),
        "Write the allocation rule as equations.",
    ),
    **dict.fromkeys(
        ("delay information", "delay material", "delay batch", "delay conveyor", "delay profile", "delay p",
         "delayp", "queue fifo", "queue attrib sum", "queue age average",
         "queue age in range", "queue age oldest", "shift if true", "sample until", "conveyor"),
        _DISCRETE,
    ),
    **dict.fromkeys(
        ("get data at time", "get data first time",
         "get data last time", "get data max", "get data mean", "get data median", "get data min",
         "get data stdv", "get data total points", "get data value", "get 123 data", "get odbc data",
         "get vdf constants", "get vdf data", "get 123 constants", "gamma ln", "probit",
         "internal rate of return", "regression", "find zero", "simultaneous", "determinant", "lookup invert",
         "lookup area", "lookup slope", "time shift", "tabbed array", "get 123 lookups", "time base",
         "data extrapolate", "x if missing", "cumulate", "cumulatef"),
        _OUTSIDE,
    ),
    **dict.fromkeys(
        ("random beta", "random binomial", "random gamma",
         "random negative binomial", "random pink noise", "random poisson",
         "random weibull", "random lookup"),
        "Use RANDOM UNIFORM, NORMAL, EXPONENTIAL or TRIANGULAR.",
    ),
    **dict.fromkeys(
        ("message", "print", "venapp", "interactive", "start venapp", "event", "excel function"),
        "Take it out: it changes no number of the model.",
    ),
    "a function of": "The equation is still to be written: write it.",
    "vector lookup": "Write the result element by element, or with SUM, PROD, VMIN and VMAX.",
    **dict.fromkeys(("npv", "npve"), "Write it as a stock of discounted flows."),
    "sinteg": "Write it as INTEG, with a flow that stops at the bounds.",
    "depreciate straightline": "Write it as a stock that loses what came in one lifetime ago (DELAY FIXED).",
    "depreciate by schedule": "Write it as stocks, one for each year of the schedule.",
}  # fmt: skip

KNOWN: Final = frozenset(
    {*SIMPLE, *SINGLE, *REDUCTIONS, *VECTORS, *TABLE_MODES, *REFUSED, "active initial", "integ",
     "smoothi", "smooth3", "smooth3i", "delay1", "delay1i", "delay3", "delay3i", "with lookup"}
)  # fmt: skip
"""For "did you mean"."""
