"""Small Programs that tests build by hand, without a model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sdpolicy.expression import Apply, Node, Num, Ref
from sdpolicy.program import Equation, Program, Quantity, Stock

CONTROL: Mapping[str, float] = {"initial_time": 0.0, "final_time": 10.0, "time_step": 0.25, "saveper": 0.25}


def op(name: str, *args: Node | float | str) -> Apply:
    """Apply an operator; a number stands for itself and a text for the quantity of that identifier."""
    return Apply(name, tuple(node(arg) for arg in args))


def node(given: Node | float | str) -> Node:
    """Return a node for a number, an identifier or a node."""
    if isinstance(given, str):
        return Ref(given)
    return Num(float(given)) if isinstance(given, int | float) else given


def program(
    stocks: Mapping[str, tuple[Node | float | str, Node | float | str]],
    equations: Mapping[str, Node | float | str],
    more: Sequence[Quantity] = (),
    **control: float,
) -> Program:
    """Return a Program of scalars: stocks as (flow, initial), equations as bodies."""
    bodies = {**CONTROL, **control, **equations}
    kinds = {name: "constant" if isinstance(node(body), Num) else "auxiliary" for name, body in bodies.items()}
    return Program(
        name="small",
        quantities=(
            *(Quantity(name, name, "stock") for name in stocks),
            *(Quantity(name, name, kind) for name, kind in kinds.items()),  # type: ignore[arg-type]
            *more,
        ),
        stocks=tuple(Stock(name, node(flow), node(start)) for name, (flow, start) in stocks.items()),
        equations=tuple(Equation(name, node(body)) for name, body in bodies.items()),
    )
