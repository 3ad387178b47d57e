"""Cases of subscripts and macros."""

from __future__ import annotations

from conformance.case import constants, series, upto

MACROS = "the reference engine is not given macros"

NOT_AVAILABLE = -(2.0**109)
SELECTED = (
    "Reference Manual, VECTOR SELECT, but for the product of powers, where Vensim's output on record has the "
    "expression to the power of the selection"
)
SORTED = (
    "Vensim's output on record, as PySD and SDEverywhere have it: the numbers count from 0, the ranks from 1, "
    "along the last subscript"
)
TIES = (
    "Reference Manual, VECTOR RANK: the ranks of equal values are arbitrary; on record for ascending order, "
    "equal values keep their order, which PySD turns round for descending order"
)
MAPPED = (
    "Reference Manual, VECTOR ELM MAP: the offset counts on from the element, last subscript fastest; beyond the "
    "variable there is :NA:"
)
ORDER = {
    "upwards": (1, 3, 0, 2),
    "downwards": (2, 0, 3, 1),
    "rank upwards": (3, 1, 4, 2),
    "rank downwards": (2, 4, 1, 3),
    "sorted": (10, 20, 30, 40),
    "by region": ((3, 2, 1, 0), (0, 2, 1, 3)),
    "sorted by region": ((1, 2, 3, 4), (5, 6, 7, 8)),
    "rank of region": ((1, 2),) * 4,
}
EQUAL = {
    "upwards": (1, 3, 0, 2),
    "downwards": (0, 2, 1, 3),
    "rank upwards": (3, 1, 4, 2),
    "rank downwards": (1, 3, 2, 4),
}
INVERSES = {
    "inverse": (((-2, 1), (1.5, -0.5)),) * 2,
    "turned inverse": (((0, 0, 1), (1 / 2, 0, 0), (0, 1 / 4, 0)),) * 2,
    "growing inverse": (
        ((2, -2, -1), (-2, 3, 1), (-1, 1, 1)),
        ((1, -1, -1 / 2), (-1, 1.5, 1 / 2), (-1 / 2, 1 / 2, 1 / 2)),
    ),
    "inverse of each": ((((-2, 1), (1.5, -0.5)), ((1 / 2, 0), (0, 1 / 4))),) * 2,
    "only": (((1 / 4,),),) * 2,
}
GIVEN = ((0, 0, 0), (3, 0, 0), (16 / 3, 2 / 3, 0), (22 / 3, 5 / 3, 0), (8, 4, 0), (8, 4, 3), (8, 4, 6), (8, 4, 6))
IN_PARTS = tuple((min(part, 6) * 8 / 6, min(part, 6) * 4 / 6, min(part, 6)) for part in range(8))
GIVEN_AT = {
    "by priority": GIVEN,
    "there": tuple(zip(GIVEN, IN_PARTS, strict=True)),
    "of nothing": ((0, 0, 0),) * 8,
    "short by": tuple((8 - first, 4 - second, 6 - third) for first, second, third in GIVEN),
}
OUTPUTS = {
    "spread": (5, 4, 3),
    "least": (2, 2, 2),
    "grown": (2, 9, 15),
    "sum": (4, 11, 17),
    "spread by way": ((2, 3),) * 3,
    "least by way": ((3, 5),) * 3,
    "grown by way": ((3, 5), (8, 13), (13, 21)),
}
ELEMENTS = {
    "needed": ((7, 9, 9),) * 4,
    "same": ((10, 20, 30),) * 4,
    "before": ((NOT_AVAILABLE, 10, 20),) * 4,
    "filled": ((5, 10, 20),) * 4,
    "whole table": (((1, 2, 3), (4, 5, 6)),) * 4,
    "two further": ((4, NOT_AVAILABLE),) * 4,
    "current": (10, 20, 30, NOT_AVAILABLE),
    "largest": (30,) * 4,
    "added": (10,) * 4,
}

SUBSCRIPTS = [
    *series(
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
    *constants(
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
    *series(
        "subscripts_separate",
        "elements have equations of their own; :EXCEPT: leaves elements out",
        (0, 2),
        {
            "level": ((10, 20, 10), (12, 16, 16)),
            "mixed": ((100, 5, 300),) * 2,
            "grid": (((50, 1), (60, 60), (3, 3)),) * 2,
        },
    ),
    *constants(
        "subscripts_mapping",
        "Reference Manual, Subscript Mapping: each element stands for those that it is mapped to",
        {"paired": (14, 16), "alias": (100, 200, 300), "through alias": (100, 200, 300)},
    ),
    *constants(
        "subscripts_mapping_listed",
        "Reference Manual, Subscript Mapping: two elements may stand for the same one",
        {"carried": (11, 12, 23), "backwards": (11, 21), "total fine": 6},
        dict.fromkeys(("carried", "backwards", "total fine"), "PySD does not know mappings that list elements"),
    ),
    *series(
        "subscripts_lookup",
        "each element has its own curve",
        (0, 1, 2),
        {
            "read": ((0, 0), (10, 20), (20, 40)),
            "southern": (100,) * 3,
            "with common": ((1, 1), (1.1, 1.1), (1.2, 1.2)),
        },
    ),
    *series(
        "subscripts_delay",
        "each element has its own levels",
        upto(5),
        {
            "smoothed": ((0, 0), (0, 0), (5, 0), (7.5, 10), (8.75, 15), (9.375, 17.5)),
            "delayed": ((0, 0), (0, 0), (5, 0), (7.5, 10), (8.75, 15), (9.375, 17.5)),
            "fixed": ((0, 0), (0, 0), (0, 0), (10, 0), (10, 20), (10, 20)),
            "third": ((1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 20)),
        },
    ),
    *constants(
        "subscript_number",
        "Reference Manual, Subscripts: a range in an expression is the number of the element, from 1 on",
        {"place": (1, 2, 3), "chosen": (0, 1, 0)},
    ),
    *constants(
        "vector_select",
        SELECTED,
        {
            "weighted sum selected": 2,
            "weighted product selected": -24,
            "weighted minimum selected": -4,
            "weighted maximum selected": 6,
            "weighted average selected": 1,
            "product of powers selected": 9 / 4,
            "sum selected": 7,
            "product selected": 12,
            "minimum selected": 3,
            "maximum selected": 4,
            "average selected": 3.5,
            "none selected": -1,
            "by shop": (8, -1),
            "every pair": 30 / 4,
            "with constants": 2,
            "only one": 5,
            "unselected ignored": -0.5,
        },
    ),
    *series("vector_select", "the numerical action is 2, then 3", (0, 1), {"changing": (-4, 6)}),
    *constants(
        "vector_order",
        SORTED,
        ORDER,
    ),
    *series(
        "vector_order",
        "the direction is 1, then 0",
        (0, 1),
        {"turning": ((1, 3, 0, 2), (2, 0, 3, 1))},
    ),
    *constants(
        "vector_ties",
        TIES,
        EQUAL,
        dict.fromkeys(("downwards", "rank downwards"), "PySD turns the order of equal values round"),
    ),
    *series(
        "vector_elm_map",
        MAPPED,
        upto(3),
        ELEMENTS,
        dict.fromkeys(ELEMENTS, "PySD does not know VECTOR ELM MAP"),
    ),
    *series(
        "invert_matrix",
        "Reference Manual, INVERT MATRIX; by cofactors, those of a matrix times (1 + Time) divided by that",
        upto(1),
        INVERSES,
        dict.fromkeys(
            INVERSES, "PySD has no numbers for a range that is another by a second name, and cannot run the model"
        ),
    ),
    *series(
        "allocate",
        "Reference Manual, Allocation: as the price falls by one width from its priority on, a request is served",
        upto(7),
        GIVEN_AT,
    ),
    *series(
        "macro",
        "each call has variables and levels of its own",
        upto(2),
        {"quarter": (1.5,) * 3, "larger": (40,) * 3, "level a": (1, 7, 13), "level b": (100, 112, 124)},
        dict.fromkeys(("quarter", "larger", "level a", "level b"), MACROS),
    ),
    *series(
        "macro_outputs",
        "Reference Manual, Defining Macros: further outputs are variables that are defined inside of the macro",
        upto(2),
        OUTPUTS,
        dict.fromkeys(OUTPUTS, MACROS),
    ),
]
