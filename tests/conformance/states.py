"""Cases of tables, data, smooths, delays, other states and test inputs."""

from __future__ import annotations

from conformance.case import constants, series, upto

DELAY = "Reference Manual, DELAY1, DELAY3, DELAY N: a chain of levels that each empty at level / (time / order)"
SMOOTH = "Reference Manual, SMOOTH, SMOOTH3, SMOOTH N: a chain of levels, each closing its gap in time / order"
MODES = "PySD cannot call LOOKUP FORWARD, BACKWARD and EXTRAPOLATE"
FILES = "the reference engine runs in a private folder, without the model's data files"

CLOCK = "Reference Manual, Test Inputs: compared with Time plus half a TIME STEP"

TABLES = [
    *series(
        "lookups",
        "Reference Manual, Lookups: interpolated between the points, the end values beyond them",
        upto(6),
        {
            "read": (10, 10, 10, 20, 10, 0, 0),
            "inline": (0, 0, 2, 4, 4, 4, 4),
            "nested": (10, 10, 10, 20, 10, 10, 10),
            "at steep": (0, 0, 1, 5, 5, 5, 5),
        },
    ),
    *series(
        "lookup_unsorted",
        "Vensim's output on record: points count in the order of x, in whatever order they are written",
        upto(4),
        {"read": (-1, -1, -7, -3, -3)},
    ),
    *series(
        "lookup_listed",
        "Reference Manual, Lookups: first all x values, then all y values",
        upto(6),
        {"from list": (5, 5, 6, 9, 9, 9, 9)},
        {"from list": "PySD does not read a table written as x values, then y values"},
    ),
    *series(
        "lookup_modes",
        "Reference Manual, LOOKUP EXTRAPOLATE, FORWARD, BACKWARD",
        upto(6),
        {
            "extrapolated": (-10, 0, 10, 20, 10, 0, -10),
            "forward": (10, 10, 10, 20, 0, 0, 0),
            "backward": (10, 10, 10, 20, 20, 0, 0),
        },
        dict.fromkeys(("extrapolated", "forward", "backward"), MODES),
    ),
    *constants(
        "lookup_between",
        "Reference Manual, the examples of LOOKUP FORWARD, BACKWARD and EXTRAPOLATE",
        {"linear": 1.5, "forward": 2, "backward": 1, "beyond": 2.5, "before": 1},
        dict.fromkeys(("linear", "forward", "backward", "beyond", "before"), MODES),
    ),
    *series(
        "data_gaps",
        "the last time that is a number ends the data; a value that is none is no point (Vensim's output on record)",
        upto(4),
        {"price": (10, 20, 30, 30, 30), "beside": (1, 2, 3, 3, 3)},
        dict.fromkeys(("price", "beside"), "the reference engine is not given data files"),
    ),
    *series(
        "data_csv",
        "Reference Manual, data variables: a missing number is no point",
        upto(6),
        {
            "price": (10, 20, 30, 25, 20, 20, 20),
            "held": (10, 10, 30, 30, 20, 20, 20),
            "next": (10, 30, 30, 20, 20, 20, 20),
            "amount": ((1, 2), (2, 3), (3, 4), (5, 6), (7, 8), (7, 8), (7, 8)),
            "number": (10,) * 7,
            "numbers": ((3, 4),) * 7,
            "downwards": ((10, 30),) * 7,
            "read": (2,) * 7,
        },
        dict.fromkeys(("price", "held", "next", "amount", "number", "numbers", "downwards", "read"), FILES),
    ),
]

STATES = [
    *series(
        "smooth",
        SMOOTH,
        upto(6),
        {
            "smoothed": (0, 0, 0, 2.5, 4.375, 5.78125, 6.8359375),
            "started": (8, 6, 4.5, 5.875, 6.90625, 7.6796875, 8.259765625),
            "third": (0, 0, 0, 0, 0, 1.25, 3.125),
            "third started": (8, 8, 8, 7, 5.5, 5.25, 5.875),
            "second": (0, 0, 0, 0, 2.5, 5, 6.875),
        },
    ),
    *series(
        "smooth_of_smoothi",
        "a SMOOTH begins where its input begins, and a SMOOTHI begins at its initial value",
        upto(3),
        {"first": (7, 6, 5.25, 4.6875), "second": (7, 7, 6.5, 5.875)},
    ),
    *series(
        "smooth_integer_start",
        "numbers are real, however they are written",
        upto(3),
        {"smoothed": (1, 0.75, 0.625, 0.5625), "third": (1, 1, 1, 0.9375)},
        dict.fromkeys(("smoothed", "third"), "PySD computes with integers when the initial value is one"),
    ),
    *series(
        "delay",
        DELAY,
        upto(6),
        {
            "first": (0, 0, 0, 2.5, 4.375, 5.78125, 6.8359375),
            "first started": (8, 6, 4.5, 5.875, 6.90625, 7.6796875, 8.259765625),
            "third": (0, 0, 0, 0, 0, 1.25, 3.125),
            "third started": (8, 8, 8, 7, 5.5, 5.25, 5.875),
            "second": (0, 0, 0, 0, 2.5, 5, 6.875),
        },
    ),
    *series(
        "delay_time_varies",
        "a delay keeps its level when its time changes, so that the outflow jumps; a smooth keeps its value",
        upto(3),
        {"first": (10, 5, 6.25, 7.1875), "smoothed": (0, 5, 6.25, 7.1875)},
    ),
    *series(
        "delay_n_time_varies",
        "Vensim's output on record: the first stage feels a new time at once, the outflow comes a step later",
        upto(4),
        {"delayed": (4, 4, 5, 2.125, 2.75), "first order": (4, 5, 5.75, 3.15625, 3.76171875)},
        {"first order": "PySD's level of a first-order delay does not lose what flows out"},
    ),
    *series(
        "delay_n_order_varies",
        "Vensim's output on record: the order counts that is asked for when the run begins",
        upto(4),
        {"delayed": (0, 0, 2, 4, 5.5), "smoothed": (0, 0, 2, 4, 5.5)},
    ),
    *series(
        "delay_n_one_step",
        "Vensim's output on record: the order is kept where a stage lasts just one step, which hands the input on",
        upto(5),
        {"delayed": (0, 0, 0, 10, 10, 10)},
    ),
    *series(
        "delay3_short",
        "a third of the delay time is half a step: the documented levels overshoot, as in Vensim's recorded runs",
        upto(5),
        {"delayed": (0, 0, 0, 0, 80, -160)},
        {"delayed": "PySD lowers the order until a level lasts one step"},
    ),
    *series(
        "delay_fixed",
        "Reference Manual, DELAY FIXED: the shortest delay is one TIME STEP, and only the first delay time counts;"
        " Vensim rounds it to whole steps (2.12378 gives 2)",
        upto(6),
        {
            "three": (5, 5, 5, 0, 1, 2, 3),
            "none": (5, 0, 1, 2, 3, 4, 5),
            "uneven": (6, 6, 0, 1, 2, 3, 4),
            "of the first delay time": (6, 6, 0, 1, 2, 3, 4),
            "begins with input": (7, 7, 7, 8, 9, 10, 11),
        },
    ),
    *series(
        "trend",
        "Reference Manual, TREND and FORECAST: the average begins at input / (1 + initial trend * time)",
        upto(3),
        {
            "growth": (0, 0, 1 / 40, 1.75 / 41),
            "growth started": (0.25, 0.15, 3.8125 / 28.75, 3.859375 / 32.5625),
            "ahead": (10, 10, 11.55, 12 * (1 + 3.5 / 41)),
        },
    ),
    *series(
        "sample_if_true",
        "Reference Manual, SAMPLE IF TRUE: the input in the very step in which the condition holds, then held",
        upto(6),
        {"held": (7, 7, 20, 20, 40, 40, 40), "at start": (3,) * 7},
    ),
    *series(
        "sample_itself",
        "Reference Manual, SAMPLE IF TRUE: the variable itself, on the right side, is its value before",
        upto(4),
        {"peak": (1, 5, 5, 6, 6)},
        {"peak": "PySD has no value before, and reports a circle"},
    ),
    *series("initial", "the value at the start", upto(3), {"began": (50,) * 4}),
    *series(
        "active_initial",
        "the second argument counts while initial values are computed, the first one from then on",
        upto(3),
        {"level": (6, 7, 8, 9), "x": (7, 8, 9, 10)},
    ),
]

TEST_INPUTS = [
    *series(
        "step_ramp",
        CLOCK,
        (0, 1, 1.5, 2, 3, 4, 5),
        {
            "stepped": (0, 0, 0, 5, 5, 5, 5),
            "ramped": (0, 0, 1, 2, 4, 4, 4),
            "downwards": (10, 10, 10, 10, 9, 8, 8),
            "ends before it starts": (0, 0, 0, 0, 0, -2, -2),
        },
        {"ends before it starts": "PySD lets it jump at its start, Vensim after it"},
    ),
    *series(
        "pulse",
        CLOCK + "; a width of 0 counts as one TIME STEP",
        (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4),
        {
            "one": (0, 0, 0, 0, 1, 1, 0, 0, 0),
            "short": (0, 0, 0, 0, 1, 0, 0, 0, 0),
            "long": (0, 0, 1, 1, 1, 1, 1, 0, 0),
        },
        {"short": "PySD gives no pulse for a width of 0"},
    ),
    *series(
        "pulse_train",
        "Vensim's output on record: the train's end is the last time at which it is on, in or at the begin of a pulse",
        (0, 0.5, 1, 1.5, 2, 3.5, 4, 4.5, 5, 5.5, 6, 7, 7.5, 8, 8.5, 9, 9.5, 10, 12),
        {
            "regular": (0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0),
            "last pulse cut": (1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0),
            "last pulse at end": (0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
        },
        dict.fromkeys(("last pulse cut", "last pulse at end"), "PySD ends the train before its end"),
    ),
    *series(
        "pulse_tenth",
        CLOCK + ": steps of a tenth, which no binary number is, miss no switch",
        (0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 1),
        {"level": (0, 0, 0, 1, 2, 2, 2, 2), "stepped": (0, 0, 0, 0, 0, 0, 1, 1)},
    ),
]
