"""Vensim's functions that are no operator of ours and need a word of their own, one by one. It parses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sdpolicy.expression import TIME, Apply, Interpolation, Lookup, Node, Num, Ref
from sdpolicy.program import fold
from sdpolicy.vensim.draws import exponential, triangular
from sdpolicy.vensim.prepare import Refusal
from sdpolicy.vensim.scope import Scope
from sdpolicy.vensim.syntax import Call, Name, Number


def single(scope: Scope, call: Call) -> Node:
    """Translate a call of one of these functions, whose number of arguments has been checked.

    Raises:
        Refusal: for arguments that the function does not take.
    """
    return _FUNCTIONS[fold(call.function)](scope, call)


def _log(scope: Scope, call: Call) -> Node:
    x, base = map(scope.node, call.args)
    return Apply("div", (Apply("ln", (x,)), Apply("ln", (base,))))


def _random_0_1(_: Scope, __: Call) -> Node:
    return Apply("random uniform", (Num(0.0), Num(1.0), Num(0.0)))


def _between(scope: Scope, call: Call) -> Node:
    """GET DATA BETWEEN TIMES(data, time, mode): mode 1 looks forward, -1 holds backward, 0 interpolates."""
    data, x, mode = call.args
    curves = scope.symbols.curves.get(fold(data.name)) if isinstance(data, Name) else None
    if not isinstance(data, Name) or curves is None or not isinstance(mode, Number):
        raise Refusal("GET DATA BETWEEN TIMES needs a data variable and a mode of -1, 0 or 1")
    read: Interpolation = "forward" if mode.value >= 1 else "backward" if mode.value <= -1 else "linear"
    index = scope.resolve(data.subscripts, curves.dimensions, data.name.replace("_", " ").strip('"'))
    return Lookup(curves.table, scope.node(x), read, index)


def _time_value(scope: Scope, call: Call) -> Node:
    """GET TIME VALUE(relative to, offset, measure): of the measures only Time itself, from the current time on.

    What Vensim gives from the initial time on is not what its guide says (PySD's authors found so), the calendar
    depends on settings of the Time Bounds, and the clock's time is another in each run.
    """
    relative, offset, measure = call.args
    if not isinstance(relative, Number) or not isinstance(measure, Number):
        what = "the first and the last argument of GET TIME VALUE must be numbers"
        raise Refusal(what, "Write GET TIME VALUE(0, offset, 0), which is Time + offset.")
    if relative.value != 0.0:
        what = f"GET TIME VALUE relative to {relative.value:g} is not supported"
        raise Refusal(what, "Use 0, the current time; from the initial time on, write INITIAL TIME + offset.")
    if measure.value != 0.0:
        what = f"the measure {measure.value:g} of GET TIME VALUE is not supported"
        raise Refusal(what, "Use 0, the unit of Time, and compute years, quarters or months from that.")
    return Apply("add", (Ref(TIME), scope.node(offset)))


def _game(scope: Scope, call: Call) -> Node:
    return scope.node(call.args[0])


def _elmcount(scope: Scope, call: Call) -> Node:
    name = call.args[0]
    if not isinstance(name, Name) or not scope.symbols.book.is_range(name.name):
        raise Refusal("ELMCOUNT needs a subscript range")
    return Num(float(len(scope.symbols.book.elements(name.name))))


_FUNCTIONS: Final[dict[str, Callable[[Scope, Call], Node]]] = {
    "log": _log,
    "random 0 1": _random_0_1,
    "random exponential": exponential,
    "random triangular": triangular,
    "get data between times": _between,
    "get time value": _time_value,
    "game": _game,
    "elmcount": _elmcount,
}
