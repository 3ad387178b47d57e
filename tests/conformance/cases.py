"""The conformance corpus as data: for each construct a tiny model, and the numbers that it must give under Euler.

Expected values are derived by hand, step by step, from the equations that Vensim's documentation gives for the
construct (https://www.vensim.com/documentation), never taken from an engine. Where PySD 3.14 gives other
numbers, ``pysd_differs`` says why; the other engines have no such excuse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent

Values = float | Sequence["Values"]
"""A number, or one for each element, first dimension outermost."""


@dataclass(frozen=True)
class Case:
    """One variable of one model: what it must be at these times, and why."""

    model: str
    variable: str
    times: Sequence[float]
    expected: Sequence[Values]
    reason: str
    pysd_differs: str = ""
    relative: float = 1e-12
    absolute: float = 1e-12

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.model}.mdl"

    @property
    def id(self) -> str:
        return f"{self.model}-{self.variable.replace(' ', '_')}"


@dataclass(frozen=True)
class Refused:
    """A model that must not be read: the parts that the message must have."""

    model: str
    parts: Sequence[str] = field(default_factory=tuple)

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.model}.mdl"


def _constants(
    model: str, reason: str, values: Mapping[str, Values], differs: Mapping[str, str] | None = None
) -> list[Case]:
    """Variables that are the same at the times 0 and 1."""
    found = differs or {}
    return [Case(model, name, (0, 1), (value, value), reason, found.get(name, "")) for name, value in values.items()]


def _series(
    model: str,
    reason: str,
    times: Sequence[float],
    values: Mapping[str, Sequence[Values]],
    differs: Mapping[str, str] | None = None,
) -> list[Case]:
    """Variables at the same times."""
    found = differs or {}
    return [Case(model, name, times, row, reason, found.get(name, "")) for name, row in values.items()]


def _upto(last: int) -> range:
    return range(last + 1)


_EULER = "level(t + dt) = level(t) + dt * rate(t)"
_DELAY = "Reference Manual, DELAY1, DELAY3, DELAY N: a chain of levels that each empty at level / (time / order)"
_SMOOTH = "Reference Manual, SMOOTH, SMOOTH3, SMOOTH N: a chain of levels, each closing its gap in time / order"
_MODES = "PySD cannot call LOOKUP FORWARD, BACKWARD and EXTRAPOLATE"
_HIDDEN = "PySD has no name for a variable that stands inside of an expression"
_FILES = "the reference engine runs in a private folder, without the model's data files"
_MACROS = "the reference engine is not given macros"
_TEST_INPUT = "Reference Manual, Test Inputs: compared with Time plus half a TIME STEP"

INTEGRATION = [
    *_series("integ", _EULER, (0, 1, 2), {"level": (4, 3.125, 2.6328125)}),
    *_series(
        "integ_in_expression",
        "the level inside the expression is 1, 4, 7",
        (0, 1, 2),
        {"twice": (5, 11, 17)},
        {"twice": _HIDDEN},
    ),
    *_series(
        "chained_stocks",
        "initial values follow their own dependencies, not the order of the file",
        (0, 1, 2),
        {"first": (11, 5.5, 2.75), "second": (10, 15.5, 18.25)},
    ),
    Case(
        "step_tenth",
        "level",
        tuple(range(101)),
        tuple(range(101)),
        "time is counted in whole steps, so that no saved row is lost and none is shifted",
        relative=1e-12,
        absolute=1e-11,
    ),
]

EXPRESSIONS = [
    *_constants(
        "arithmetic",
        "operators of equal rank are applied from the left",
        {
            "left minus": 3,
            "left divide": 1,
            "left mixed": 4,
            "before plus": 12,
            "negative times": -6,
            "negative of sum": -8,
            "minus negative": 8,
            "power of negative": 0.5,
            "negative base": -8,
            "grouped left": 64,
            "grouped right": 512,
            "half power": 3,
            "scientific": 1500.2,
        },
    ),
    *_constants(
        "unary_before_power",
        "Vensim DSS 6.3 computes -2^2 as -4, against the table of operators in its Reference Manual",
        {
            "negated variable": -9,
            "negated number": -4,
            "subtracted": -8,
            "outside": -9,
            "negative exponent": -1 / 9,
            "of bracket": 9,
        },
    ),
    *_constants(
        "not_precedence",
        "Reference Manual, Operators: logical negation; a number counts as true when it is not 0",
        {"grouped": 1, "of group": 0, "of value": 0, "with and": 1},
    ),
    *_constants(
        "logic",
        "Reference Manual, Operators: :AND: precedes :OR:; a number counts as true when it is not 0",
        {
            "and first": 1,
            "or first": 1,
            "unequal": 1,
            "at most": 1,
            "at least": 0,
            "number as condition": 1,
        },
        {
            "and first": "PySD groups :AND: and :OR: from the right, without rank",
        },
    ),
    *_constants(
        "logic_small_letters",
        "letter case does not count",
        {"x": 1},
        {"x": "PySD reads :AND: in capitals only"},
    ),
    *_series(
        "if_nested",
        "only the branch that is taken is computed",
        _upto(4),
        {"x": (10, 20, 30, 40, 40), "guarded": (1, 1, 1 / 2, 1 / 3, 1 / 4)},
    ),
    *_series(
        "min_max",
        "by definition",
        _upto(4),
        {"low": (0, 1, 2, 2, 2), "high": (2, 2, 2, 3, 4), "between": (1, 1, 2, 3, 3)},
    ),
    *_constants(
        "functions",
        "by definition; INTEGER truncates towards 0, QUANTUM(a, b) is b * INTEGER(a / b), and a when b <= 0",
        {
            "exponential": math.exp(2),
            "natural": math.log(2),
            "base ten": 3,
            "base two": 3,
            "root": math.sqrt(2),
            "absolute": 2,
            "raised": 32,
            "remainder": 1.5,
            "truncated": 2,
            "truncated negative": -2,
            "quantized": 110,
            "quantized negative": -1,
            "quantized by zero": 3.3,
            "sine": math.sin(2),
            "cosine": math.cos(2),
            "tangent": math.tan(2),
            "arc sine": math.asin(0.5),
            "arc cosine": math.acos(0.5),
            "arc tangent": math.atan(2),
            "hyperbolic sine": math.sinh(2),
            "hyperbolic cosine": math.cosh(2),
            "hyperbolic tangent": math.tanh(2),
            "game": 2,
        },
    ),
    *_series(
        "zidz",
        "by definition",
        _upto(3),
        {"zero if zero": (3, 6, 0, -6), "other if zero": (3, 6, 99, -6)},
    ),
    *_constants(
        "not_available",
        "Reference Manual, :NA: is the number -2^109, which equals itself",
        {"missing": -(2.0**109), "test": 1},
        {"missing": "PySD has NaN for :NA:", "test": "PySD has NaN for :NA:, which equals nothing"},
    ),
    *_constants(
        "names",
        "names are compared without letter case and underscores; what is in quotes is a name, whatever it says",
        {
            "R&D share": 2,
            "__import__('os').system('exit 1')": 4,
            "Größe der Stadt": 6,
            "uses both": 15,
            "lambda": 1,
            "class": 2,
        },
    ),
    *_constants(
        "comments_and_groups",
        "text in braces is a comment",
        {"x": 6, "y": 5, "z": 11, "long": 3},
    ),
]

TABLES = [
    *_series(
        "lookups",
        "Reference Manual, Lookups: interpolated between the points, the end values beyond them",
        _upto(6),
        {
            "read": (10, 10, 10, 20, 10, 0, 0),
            "inline": (0, 0, 2, 4, 4, 4, 4),
            "nested": (10, 10, 10, 20, 10, 10, 10),
            "at steep": (0, 0, 1, 5, 5, 5, 5),
        },
    ),
    *_series(
        "lookup_listed",
        "Reference Manual, Lookups: first all x values, then all y values",
        _upto(6),
        {"from list": (5, 5, 6, 9, 9, 9, 9)},
        {"from list": "PySD does not read a table written as x values, then y values"},
    ),
    *_series(
        "lookup_modes",
        "Reference Manual, LOOKUP EXTRAPOLATE, FORWARD, BACKWARD",
        _upto(6),
        {
            "extrapolated": (-10, 0, 10, 20, 10, 0, -10),
            "forward": (10, 10, 10, 20, 0, 0, 0),
            "backward": (10, 10, 10, 20, 20, 0, 0),
        },
        dict.fromkeys(("extrapolated", "forward", "backward"), _MODES),
    ),
    *_constants(
        "lookup_between",
        "Reference Manual, the examples of LOOKUP FORWARD, BACKWARD and EXTRAPOLATE",
        {"linear": 1.5, "forward": 2, "backward": 1, "beyond": 2.5, "before": 1},
        dict.fromkeys(("linear", "forward", "backward", "beyond", "before"), _MODES),
    ),
    *_series(
        "data_csv",
        "Reference Manual, data variables: a missing number is no point",
        _upto(6),
        {
            "price": (10, 20, 30, 25, 20, 20, 20),
            "held": (10, 10, 30, 30, 20, 20, 20),
            "next": (10, 30, 30, 20, 20, 20, 20),
            "amount": ((1, 2), (2, 3), (3, 4), (5, 6), (7, 8), (7, 8), (7, 8)),
            "number": (10,) * 7,
            "numbers": ((3, 4),) * 7,
            "downwards": ((10, 30),) * 7,
            "read": (20,) * 7,
        },
        dict.fromkeys(("price", "held", "next", "amount", "number", "numbers", "downwards", "read"), _FILES),
    ),
]

STATES = [
    *_series(
        "smooth",
        _SMOOTH,
        _upto(6),
        {
            "smoothed": (0, 0, 0, 2.5, 4.375, 5.78125, 6.8359375),
            "started": (8, 6, 4.5, 5.875, 6.90625, 7.6796875, 8.259765625),
            "third": (0, 0, 0, 0, 0, 1.25, 3.125),
            "third started": (8, 8, 8, 7, 5.5, 5.25, 5.875),
            "second": (0, 0, 0, 0, 2.5, 5, 6.875),
        },
    ),
    *_series(
        "smooth_of_smoothi",
        "a SMOOTH begins where its input begins, and a SMOOTHI begins at its initial value",
        _upto(3),
        {"first": (7, 6, 5.25, 4.6875), "second": (7, 7, 6.5, 5.875)},
    ),
    *_series(
        "smooth_integer_start",
        "numbers are real, however they are written",
        _upto(3),
        {"smoothed": (1, 0.75, 0.625, 0.5625), "third": (1, 1, 1, 0.9375)},
        dict.fromkeys(("smoothed", "third"), "PySD computes with integers when the initial value is one"),
    ),
    *_series(
        "delay",
        _DELAY,
        _upto(6),
        {
            "first": (0, 0, 0, 2.5, 4.375, 5.78125, 6.8359375),
            "first started": (8, 6, 4.5, 5.875, 6.90625, 7.6796875, 8.259765625),
            "third": (0, 0, 0, 0, 0, 1.25, 3.125),
            "third started": (8, 8, 8, 7, 5.5, 5.25, 5.875),
            "second": (0, 0, 0, 0, 2.5, 5, 6.875),
        },
    ),
    *_series(
        "delay_time_varies",
        "a delay keeps its level when its time changes, so that the outflow jumps; a smooth keeps its value",
        _upto(3),
        {"first": (10, 5, 6.25, 7.1875), "smoothed": (0, 5, 6.25, 7.1875)},
    ),
    *_series(
        "delay3_short",
        "a third of the delay time is half a step: the documented levels overshoot, and nothing corrects them",
        _upto(5),
        {"delayed": (0, 0, 0, 0, 80, -160)},
        {"delayed": "PySD lowers the order until a level lasts one step"},
    ),
    *_series(
        "delay_fixed",
        "Reference Manual, DELAY FIXED: the shortest delay is one TIME STEP, and only the first delay time counts;"
        " Vensim rounds it to whole steps (2.12378 gives 2)",
        _upto(6),
        {
            "three": (5, 5, 5, 0, 1, 2, 3),
            "none": (5, 0, 1, 2, 3, 4, 5),
            "uneven": (6, 6, 0, 1, 2, 3, 4),
            "of the first delay time": (6, 6, 0, 1, 2, 3, 4),
            "begins with input": (7, 7, 7, 8, 9, 10, 11),
        },
    ),
    *_series(
        "trend",
        "Reference Manual, TREND and FORECAST: the average begins at input / (1 + initial trend * time)",
        _upto(3),
        {
            "growth": (0, 0, 1 / 40, 1.75 / 41),
            "growth started": (0.25, 0.15, 3.8125 / 28.75, 3.859375 / 32.5625),
            "ahead": (10, 10, 11.55, 12 * (1 + 3.5 / 41)),
        },
    ),
    *_series(
        "sample_if_true",
        "Reference Manual, SAMPLE IF TRUE: the input in the very step in which the condition holds, then held",
        _upto(6),
        {"held": (7, 7, 20, 20, 40, 40, 40), "at start": (3,) * 7},
    ),
    *_series(
        "sample_itself",
        "Reference Manual, SAMPLE IF TRUE: the variable itself, on the right side, is its value before",
        _upto(4),
        {"peak": (1, 5, 5, 6, 6)},
        {"peak": "PySD has no value before, and reports a circle"},
    ),
    *_series("initial", "the value at the start", _upto(3), {"began": (50,) * 4}),
    *_series(
        "active_initial",
        "the second argument counts while initial values are computed, the first one from then on",
        _upto(3),
        {"level": (6, 7, 8, 9), "x": (7, 8, 9, 10)},
    ),
]

TEST_INPUTS = [
    *_series(
        "step_ramp",
        _TEST_INPUT,
        (0, 1, 1.5, 2, 3, 4, 5),
        {
            "stepped": (0, 0, 0, 5, 5, 5, 5),
            "ramped": (0, 0, 1, 2, 4, 4, 4),
            "downwards": (10, 10, 10, 10, 9, 8, 8),
        },
    ),
    *_series(
        "pulse",
        _TEST_INPUT + "; a width of 0 counts as one TIME STEP",
        (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4),
        {
            "one": (0, 0, 0, 0, 1, 1, 0, 0, 0),
            "short": (0, 0, 0, 0, 1, 0, 0, 0, 0),
            "long": (0, 0, 1, 1, 1, 1, 1, 0, 0),
        },
        {"short": "PySD gives no pulse for a width of 0"},
    ),
    *_series(
        "pulse_train",
        "the train ends at its end, be it in the middle of a pulse",
        (0, 0.5, 1, 1.5, 2, 3.5, 4, 4.5, 5, 5.5, 6, 7, 7.5, 8, 8.5, 9, 9.5, 10, 12),
        {
            "regular": (0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0),
            "last pulse cut": (1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0),
        },
    ),
    *_series(
        "pulse_tenth",
        _TEST_INPUT + ": steps of a tenth, which no binary number is, miss no switch",
        (0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 1),
        {"level": (0, 0, 0, 1, 2, 2, 2, 2), "stepped": (0, 0, 0, 0, 0, 0, 1, 1)},
    ),
]

SUBSCRIPTS = [
    *_series(
        "subscripts",
        "by definition",
        (0, 2),
        {
            "amount": ((10, 20, 30),) * 2,
            "only south": (20, 20),
            "total": (60, 60),
            "product": (6, 6),
            "least": (1, 1),
            "most": (3, 3),
            "weighted": (140 / 60,) * 2,
            "coastal": (40, 40),
            "on coast": ((11, 31),) * 2,
            "share": ((1 / 6, 1 / 3, 1 / 2),) * 2,
            "stock": ((10, 20, 30), (12, 24, 36)),
            "number": (3, 3),
        },
    ),
    *_constants(
        "subscripts_2d",
        "numbers fill the last subscript first",
        {
            "table": ((1, 2, 3), (4, 5, 6)),
            "rows": (6, 15),
            "columns": (5, 7, 9),
            "all": 21,
            "turned": ((2, 8), (4, 10), (6, 12)),
            "one line": (4, 5, 6),
            "corner": 6,
            "tabbed": ((1, 2, 3), (4, 5, 6)),
            "same": 21,
        },
    ),
    *_series(
        "subscripts_separate",
        "elements have equations of their own; :EXCEPT: leaves elements out",
        (0, 2),
        {
            "level": ((10, 20, 10), (12, 16, 16)),
            "mixed": ((100, 5, 300),) * 2,
            "grid": (((50, 1), (60, 60), (3, 3)),) * 2,
        },
    ),
    *_constants(
        "subscripts_mapping",
        "Reference Manual, Subscript Mapping: each element stands for those that it is mapped to",
        {"paired": (14, 16), "alias": (100, 200, 300), "through alias": (100, 200, 300)},
    ),
    *_constants(
        "subscripts_mapping_listed",
        "Reference Manual, Subscript Mapping: two elements may stand for the same one",
        {"carried": (11, 12, 23), "backwards": (11, 21), "total fine": 6},
        dict.fromkeys(("carried", "backwards", "total fine"), "PySD does not know mappings that list elements"),
    ),
    *_series(
        "subscripts_lookup",
        "each element has its own curve",
        (0, 1, 2),
        {
            "read": ((0, 0), (10, 20), (20, 40)),
            "southern": (100,) * 3,
            "with common": ((1, 1), (1.1, 1.1), (1.2, 1.2)),
        },
    ),
    *_series(
        "subscripts_delay",
        "each element has its own levels",
        _upto(5),
        {
            "smoothed": ((0, 0), (0, 0), (5, 0), (7.5, 10), (8.75, 15), (9.375, 17.5)),
            "delayed": ((0, 0), (0, 0), (5, 0), (7.5, 10), (8.75, 15), (9.375, 17.5)),
            "fixed": ((0, 0), (0, 0), (0, 0), (10, 0), (10, 20), (10, 20)),
            "third": ((1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 20)),
        },
    ),
    *_constants(
        "subscript_number",
        "Reference Manual, Subscripts: a range in an expression is the number of the element, from 1 on",
        {"place": (1, 2, 3), "chosen": (0, 1, 0)},
        dict.fromkeys(("place", "chosen"), "PySD has no value for a range's name"),
    ),
    *_series(
        "macro",
        "each call has variables and levels of its own",
        _upto(2),
        {"quarter": (1.5,) * 3, "larger": (40,) * 3, "level a": (1, 7, 13), "level b": (100, 112, 124)},
        dict.fromkeys(("quarter", "larger", "level a", "level b"), _MACROS),
    ),
]

CASES: Sequence[Case] = (*INTEGRATION, *EXPRESSIONS, *TABLES, *STATES, *TEST_INPUTS, *SUBSCRIPTS)

REFUSED: Sequence[Refused] = (
    Refused("chained_power", ("chained_power.mdl, line 7", "'x'", "a^b^c", "brackets")),
    Refused("not_before_comparison", ("line 12", "'x'", "':NOT: ... = ...'", ":NOT: (a = b)")),
)
