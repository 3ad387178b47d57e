"""Random Programs for tests that compare engines: every primitive, tables, delays, memories and dimensions."""

from __future__ import annotations

from hypothesis import strategies as st

from sdpolicy.expression import TIME, Apply, At, Axis, Lookup, Node, Num, Reduce, Ref
from sdpolicy.program import Dimension, Equation, Program, Quantity, Stock, Table
from small import CONTROL

SHORT = Table("short", (((0.0, 1.0, 2.5, 4.0), (1.0, 3.0, 2.0, 2.5)),))
LONG = Table("long", ((tuple(0.3 * i for i in range(40)), tuple((7.0 * i) % 5.0 for i in range(40))),))
BY_PLACE = Table("by_place", (((0.0, 2.0), (0.0, 1.0)), ((1.0,), (4.0,)), ((-1.0, 0.0, 5.0), (2.0, 0.5, -1.0))), (3,))
PLACE = Dimension("place", ("north", "south", "east"))
LOOP = Axis("p", 3)
HERE = At("p", (0, 1, 2))
NEXT = At("p", (1, 2, 0))
"""Each element's neighbour: positions that are no range."""

NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -2.5, 0.1, 1e-7, 7.0])
EXACT = ("add", "sub", "mul", "div", "neg", "min", "max", "abs", "sqrt", "integer", "quantum", "modulo", "zidz", "xidz")
"""Primitives that IEEE 754 defines to the last bit."""
CHOICES = ("if", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not")
SMOOTH = ("exp", "ln", "pow", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh")
"""Primitives that a library computes."""


def nodes(names: list[Node], *, exact: bool) -> st.SearchStrategy[Node]:
    """Draw an expression over ``names``; ``exact`` leaves out what a library computes."""
    from sdpolicy.expression import ARITY

    leaves = st.one_of(st.sampled_from(names), st.builds(Num, NUMBERS))
    ops = EXACT + CHOICES + (() if exact else SMOOTH)

    def more(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        applied = st.sampled_from(ops).flatmap(
            lambda op: st.tuples(*[inner] * ARITY[op]).map(lambda args: Apply(op, args))
        )
        modes = st.sampled_from(["linear", "backward", "forward", "extrapolate"])
        read = st.builds(Lookup, st.sampled_from(["short", "long"]), inner, modes)
        return st.one_of(applied, applied, applied, read)

    return st.recursive(leaves, more, max_leaves=7)


@st.composite
def programs(draw: st.DrawFn, *, exact: bool = False) -> Program:
    """Draw a Program of three stocks, five auxiliaries, a delay of each kind and a quantity by place."""
    states: list[Node] = [Ref("s0"), Ref("s1"), Ref("s2")]
    scalars: list[Node] = [*states, Ref("c0"), Ref("c1"), Ref("draw"), Ref(TIME)]
    equations: dict[str, Node] = {"c0": Num(draw(NUMBERS)), "c1": Num(draw(NUMBERS))}
    equations["draw"] = Apply("noise", (Num(draw(NUMBERS)), Apply("div", (Ref(TIME), Num(0.25)))))
    equations["c2"] = draw(nodes([Ref("c0"), Ref("c1")], exact=exact))
    scalars.append(Ref("c2"))
    for i in range(4):
        equations[f"a{i}"] = draw(nodes(scalars, exact=exact))
        scalars.append(Ref(f"a{i}"))
    delayed = {
        "late": Apply("delay fixed", (Ref("a0"), Num(draw(st.sampled_from([0.0, 0.3, 1.0, 50.0]))), Num(1.0))),
        "felt": Apply("smooth", (Ref("a1"), Num(2.0), Num(1.0), Num(3.0))),
        "kept": Apply("sample if true", (Apply("gt", (Ref("a2"), Ref("a0"))), Ref("a3"), Num(0.0))),
        "first": Apply("initial", (Ref("s0"),)),
    }
    equations |= delayed
    scalars += [Ref(name) for name in delayed]
    local: list[Node] = [*scalars, Ref("by", (HERE,)), Ref("by", (NEXT,)), Ref("by", (2,))]
    place_body = Apply("add", (draw(nodes(local, exact=exact)), Lookup("by_place", Ref("a1"), "linear", (HERE,))))
    total = Reduce(draw(st.sampled_from(["sum", "prod", "min", "max"])), (LOOP,), Ref("at", (HERE,)))
    equations["total"] = total
    scalars.append(Ref("total"))
    flows = [Apply("mul", (Num(0.01), draw(nodes(scalars, exact=exact)))) for _ in states]
    by_flow = Apply("mul", (Num(0.01), Apply("sub", (Ref("at", (HERE,)), Ref("by", (NEXT,))))))
    bodies = {name: Num(value) for name, value in CONTROL.items()} | equations
    return Program(
        name="random",
        quantities=(
            *(Quantity(f"s{i}", f"s{i}", "stock") for i in range(3)),
            *(Quantity(name, name, "auxiliary") for name in bodies),
            Quantity("by", "by", "stock", dimensions=(PLACE,)),
            Quantity("at", "at", "auxiliary", dimensions=(PLACE,)),
        ),
        stocks=(
            *(Stock(f"s{i}", flow, Num(draw(NUMBERS))) for i, flow in enumerate(flows)),
            Stock("by", by_flow, Num(draw(NUMBERS)), (LOOP,), (HERE,)),
        ),
        equations=(
            *(Equation(name, body) for name, body in bodies.items()),
            Equation("at", place_body, (LOOP,), (HERE,)),
        ),
        tables=(SHORT, LONG, BY_PLACE),
    )
