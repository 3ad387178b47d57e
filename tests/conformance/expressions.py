"""Cases of integration, operators, functions, conditions and names."""

from __future__ import annotations

import math

from conformance.case import Case, constants, series, upto

EULER = "level(t + dt) = level(t) + dt * rate(t)"

INTEGRATION = [
    *series("integ", EULER, (0, 1, 2), {"level": (4, 3.125, 2.6328125)}),
    *series(
        "integ_in_expression",
        "the level inside the expression is 1, 4, 7",
        (0, 1, 2),
        {"twice": (5, 11, 17)},
    ),
    *series(
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
    *constants(
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
    *constants(
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
    *constants(
        "chained_power",
        "Vensim's output on record: 4^3^2 is 262144 and 2^-2^-3 is 0.917, so that powers are applied from the right",
        {"from the right": 512, "signed exponents": 2 ** -(2**-3), "signed base": -512, "beside others": 3 * 2**9 / 4},
    ),
    *constants(
        "not_before_comparison",
        "Vensim's output on record: :NOT: applies to the whole comparison that follows",
        {"of comparison": 1, "of sum": 0, "of sign": 0, "before and": 1, "second": 1},
    ),
    *constants(
        "not_precedence",
        "Reference Manual, Operators: logical negation; a number counts as true when it is not 0",
        {"grouped": 1, "of group": 0, "of value": 0, "with and": 1},
    ),
    *constants(
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
    *constants(
        "logic_small_letters",
        "letter case does not count",
        {"x": 1},
        {"x": "PySD reads :AND: in capitals only"},
    ),
    *series(
        "if_nested",
        "only the branch that is taken is computed",
        upto(4),
        {"x": (10, 20, 30, 40, 40), "guarded": (1, 1, 1 / 2, 1 / 3, 1 / 4)},
    ),
    *series(
        "min_max",
        "by definition",
        upto(4),
        {"low": (0, 1, 2, 2, 2), "high": (2, 2, 2, 3, 4), "between": (1, 1, 2, 3, 3)},
    ),
    *constants(
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
    *series(
        "zidz",
        "by definition",
        upto(3),
        {"zero if zero": (3, 6, 0, -6), "other if zero": (3, 6, 99, -6)},
    ),
    *series(
        "time_value",
        "Reference Manual, GET TIME VALUE(0, offset, 0), and Vensim's output on record: Time and the offset",
        (0, 0.5, 2),
        {"now": (0, 0.5, 2), "later": (2.5, 3, 4.5)},
        dict.fromkeys(("now", "later"), "the reference engine is given no function whose name begins with GET"),
    ),
    *constants(
        "not_available",
        "Reference Manual, :NA: is the number -2^109, which equals itself",
        {"missing": -(2.0**109), "test": 1},
        {"missing": "PySD has NaN for :NA:", "test": "PySD has NaN for :NA:, which equals nothing"},
    ),
    *constants(
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
    *constants(
        "comments_and_groups",
        "text in braces is a comment, and may have others inside; a brace in what describes a variable is none",
        {"x": 6, "y": 5, "z": 11, "nested": 7, "long": 3},
    ),
]
