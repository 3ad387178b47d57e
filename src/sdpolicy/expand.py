"""Functions that carry a state or read the clock, rewritten as stocks, memories and primitives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sdpolicy import normal
from sdpolicy.errors import ModelError, Problem
from sdpolicy.expression import (
    STATEFUL,
    STEP_TIME,
    TIME,
    TIME_FUNCTIONS,
    Apply,
    Axis,
    Index,
    Lookup,
    Node,
    Num,
    Reduce,
    Ref,
    apply,
    moving,
    references,
    rewrite,
    walk,
)
from sdpolicy.interpret import evaluate, flat, positions
from sdpolicy.order import arrange, take
from sdpolicy.program import Dimension, Equation, Program, Quantity, Stock

MOST_STAGES = 100
"""The highest order of a delay: more stages than this is a mistake in the model, not a delay."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A value that changes once a step: ``target`` holds ``initial`` first, then, in each step, what
    ``update`` was at the beginning of the step before."""

    target: str
    update: Node
    initial: Node
    axes: tuple[Axis, ...] = ()
    index: Index = ()


@dataclass(frozen=True, slots=True)
class Ring:
    """DELAY FIXED: ``target`` is what ``input`` was max(1, round(delay / step)) steps ago.

    The number of steps is fixed when the run starts; ``delay`` reads constants and initial values only.
    """

    target: str
    input: Node
    delay: Node
    initial: Node
    axes: tuple[Axis, ...] = ()
    index: Index = ()


@dataclass
class Expanded:
    """A program on its way down: what the expansion has gathered so far."""

    equations: list[Equation] = field(default_factory=list)
    stocks: list[Stock] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    rings: list[Ring] = field(default_factory=list)
    hidden: list[Quantity] = field(default_factory=list)
    initials: list[str] = field(default_factory=list)


def expand(program: Program, fixed: frozenset[str]) -> Expanded:
    """Rewrite every stateful and time function of ``program``; ``fixed`` names its constants.

    Raises:
        ModelError: for a delay whose order is no whole number between 1 and 100 or depends on
            anything but constants, and for DELAY N of an order above 2 with a delay time that changes.
    """
    work = _Expansion(program, fixed)
    for equation in program.equations:
        work.at = equation.target
        body = work.node(equation.body, equation.axes)
        initial = None if equation.initial is None else work.node(equation.initial, equation.axes)
        work.out.equations.append(Equation(equation.target, body, equation.axes, equation.index, initial))
    for stock in program.stocks:
        work.at = stock.target
        flow, start = work.node(stock.flow, stock.axes), work.node(stock.initial, stock.axes)
        work.out.stocks.append(Stock(stock.target, flow, start, stock.axes, stock.index))
    if work.problems:
        raise ModelError(work.problems)
    return work.out


class _Expansion:
    """The state of one expansion. Handlers take the arguments, expanded already, and the loops around."""

    def __init__(self, program: Program, fixed: frozenset[str]) -> None:
        self.program, self.fixed, self.at = program, fixed, ""
        self.out, self.problems = Expanded(), list[Problem]()
        self.taken = {quantity.id for quantity in program.quantities}
        self.constants: dict[str, float | list[float]] | None = None
        plain = (e for e in program.equations if not e.index and e.initial is None and e.target not in fixed)
        self.plain = {equation.target: equation.body for equation in plain}

    def node(self, node: Node, axes: tuple[Axis, ...]) -> Node:
        """Return ``node`` without stateful and time functions; new states go to ``out``."""
        match node:
            case Num() | Ref():
                return node
            case Lookup(table=table, x=x, mode=mode, index=index):
                return Lookup(table, self.node(x, axes), mode, index)
            case Reduce(op=op, axes=inner, body=body):
                return Reduce(op, inner, self.node(body, (*axes, *inner)))
            case Apply(op=op, args=args):
                done = tuple(self.node(arg, axes) for arg in args)
                if op in CLOCKS:
                    return CLOCKS[op](done)
                return HANDLERS[op](self, done, axes) if op in HANDLERS else Apply(op, done)

    def fresh(self, kind: str, axes: tuple[Axis, ...]) -> tuple[Ref, str, Index]:
        """Declare a hidden quantity with one element for each step of the loops ``axes``."""
        number = sum(quantity.id.startswith(f"{self.at}__{kind}") for quantity in self.out.hidden) + 1
        name = f"{self.at}__{kind}{number}"
        dimensions = tuple(Dimension(axis.id, tuple(map(str, range(axis.size)))) for axis in axes)
        owner = self.program.by_id[self.at].name
        self.out.hidden.append(Quantity(f"{kind} {number} of {owner}", name, "auxiliary", dimensions=dimensions))
        index = tuple(moving(axis) for axis in axes)
        return Ref(name, index), name, index

    def stock(self, flow: Callable[[Ref], Node], initial: Node, axes: tuple[Axis, ...]) -> Ref:
        ref, name, index = self.fresh("level", axes)
        self.out.stocks.append(Stock(name, flow(ref), initial, axes, index))
        return ref

    def auxiliary(self, kind: str, body: Node, axes: tuple[Axis, ...]) -> Ref:
        ref, name, index = self.fresh(kind, axes)
        self.out.equations.append(Equation(name, body, axes, index))
        return ref

    def initial(self, body: Node, axes: tuple[Axis, ...]) -> Ref:
        ref = self.auxiliary("initial", body, axes)
        self.out.initials.append(ref.name)
        return ref

    def problem(self, what: str, cure: str) -> None:
        quantity = self.program.by_id[self.at]
        line = f", line {quantity.line}" if quantity.line else ""
        where = f"{Path(self.program.source or self.program.name).name}{line}, '{quantity.name}'"
        self.problems.append(Problem(where, what, cure))

    def order(self, node: Node, axes: tuple[Axis, ...]) -> int:
        """Return the number of stages that ``node`` asks for when the run begins; it stays, as in Vensim."""
        node, values = self.at_start(node), {0.0}
        if references(node) <= self.fixed and not any(isinstance(n, Apply) and n.op in STATEFUL for n in walk(node)):
            if self.constants is None:
                self.constants = constant_values(self.program, self.fixed)
            values = {evaluate(node, self.constants, self.program, at) for at in positions(axes)}
        value = values.pop()
        if values or value != int(value) or not 1 <= value <= MOST_STAGES:
            what = "the order of a delay or smooth must be a whole number from 1 to 100, known before the run"
            self.problem(what, "Write the order as a number, the same for all elements.")
            return 1
        return int(value)

    def at_start(self, node: Node, above: frozenset[str] = frozenset()) -> Node:
        """Return a scalar as it is when the run begins, what changes replaced by what it is computed from."""

        def change(part: Node) -> Node:
            match part:
                case Apply(op=op, args=args) if op in CLOCKS:
                    return rewrite(CLOCKS[op](args), change)
                case Ref(name=name) if name in (TIME, STEP_TIME):
                    return Ref("initial_time")
                case Ref(name=name) if name in self.plain and name not in above:
                    return self.at_start(self.plain[name], above | {name})
                case _:
                    return part

        return rewrite(node, change)


def constant_values(program: Program, fixed: frozenset[str]) -> dict[str, float | list[float]]:
    """Return the values of all constants in ``fixed``: a number for a scalar, a flat list otherwise."""
    shapes = {quantity.id: quantity.shape for quantity in program.quantities}
    values: dict[str, float | list[float]] = {}
    equations = [e for e in program.equations if e.target in fixed]
    for equation in arrange(program, equations, shapes, "among the constants"):
        if not shapes[equation.target]:
            values[equation.target] = evaluate(equation.body, values, program)
            continue
        elements = values.setdefault(equation.target, [0.0] * program.by_id[equation.target].size)
        assert isinstance(elements, list)
        for at in positions(equation.axes):
            place = flat(equation.index, shapes[equation.target], at)
            elements[place] = evaluate(equation.body, values, program, at)
    return values


def _smooth(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    source, time, initial, order = args
    stages = work.order(order, axes)
    for _ in range(stages):
        target = source

        def flow(level: Ref, target: Node = target) -> Node:
            gap = apply("sub", target, level)
            return apply("div", gap if stages == 1 else apply("mul", gap, Num(float(stages))), time)

        source = work.stock(flow, initial, axes)
    return source


def _delay(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    """Levels hold the material of one stage times the order, so that the outflow is level / time."""
    inflow, time, initial, order = args
    stages = work.order(order, axes)
    for _ in range(stages):
        inflow = apply("div", _stage(work, (inflow, time, initial), stages, axes), time)
    return inflow


def _stage(work: _Expansion, args: Sequence[Node], stages: int, axes: tuple[Axis, ...], out: Node | None = None) -> Ref:
    """Return one level of a delay, emptied by ``out``, or else by the level over the time."""
    inflow, time, initial = args

    def flow(level: Ref) -> Node:
        net = apply("sub", inflow, apply("div", level, time) if out is None else out)
        return net if stages == 1 else apply("mul", net, Num(float(stages)))

    return work.stock(flow, apply("mul", initial, time), axes)


def _smooth_n(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    source, time, initial, order = args
    stages = work.order(order, axes)
    # Whether Vensim keeps the order where a stage lasts just one step is on record for DELAY N alone.
    time = _long_enough(work, ("ge" if stages == 1 else "gt", time), order, stages, axes)
    return _smooth(work, (source, time, initial, Num(float(stages))), axes)


def _delay_n(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    """Where the delay time changes, the outflow of a step is the last level over the time of the step before.

    That is on record for two stages; with more, what the stages between them do is not.
    """
    inflow, given, initial, order = args
    stages = work.order(order, axes)
    time = _long_enough(work, ("ge", given), order, stages, axes)
    if references(given) <= work.fixed:
        return _delay(work, (inflow, time, initial, Num(float(stages))), axes)
    if stages > 2:
        work.problem(
            f"DELAY N of order {stages} with a delay time that changes is not supported",
            "Use DELAY3, whose content feels the change at once, an order of 1 or 2, or a constant delay time.",
        )
    for _ in range(stages - 1):
        inflow = apply("div", _stage(work, (inflow, time, initial), stages, axes), time)
    outflow, name, index = work.fresh("outflow", axes)
    level = _stage(work, (inflow, time, initial), stages, axes, outflow)
    gain = apply("mul", apply("mul", apply("sub", inflow, outflow), Num(float(stages))), Ref("time_step"))
    work.out.memories.append(Memory(name, apply("div", apply("add", level, gain), time), initial, axes, index))
    return outflow


def _long_enough(work: _Expansion, given: tuple[str, Node], order: Node, stages: int, axes: tuple[Axis, ...]) -> Node:
    """Return a delay time, or no number where Vensim would lower the order: a stage too short for a step.

    ``given`` says how the time has to compare with a step for each stage. Nor is there a number where the run
    begins with another order than the one that the stages were made for.
    """
    relation, time = given
    enough = apply(relation, time, apply("mul", Num(float(stages)), Ref("time_step")))
    if not isinstance(order, Num):
        enough = apply("and", enough, apply("eq", work.initial(order, axes), Num(float(stages))))
    return apply("add", time, apply("div", Num(0.0), enough))


def _delay_fixed(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    source, time, initial = args
    ref, name, index = work.fresh("line", axes)
    length = work.initial(time, axes)
    work.out.rings.append(Ring(name, source, length, initial, axes, index))
    return ref


def _trend(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    source, time, trend = args
    start = apply("div", source, apply("add", Num(1.0), apply("mul", trend, time)))
    level = _average(work, source, time, start, axes)
    return apply("zidz", apply("sub", source, level), apply("mul", time, apply("abs", level)))


def _forecast(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    source, time, horizon, trend = args
    start = apply("div", source, apply("add", Num(1.0), apply("mul", trend, time)))
    level = _average(work, source, time, start, axes)
    growth = apply("zidz", apply("sub", source, level), apply("mul", time, level))
    return apply("mul", source, apply("add", Num(1.0), apply("mul", growth, horizon)))


def _average(work: _Expansion, source: Node, time: Node, start: Node, axes: tuple[Axis, ...]) -> Ref:
    return work.stock(lambda level: apply("div", apply("sub", source, level), time), start, axes)


def _sample_if_true(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    condition, source, initial = args
    memory, name, index = work.fresh("memory", axes)
    value = work.auxiliary("sample", apply("if", condition, source, memory), axes)
    work.out.memories.append(Memory(name, value, initial, axes, index))
    return value


def _initial(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    return work.initial(args[0], axes)


def _uniform(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    low, high, seed = args
    return apply("add", low, apply("mul", apply("sub", high, low), _noise(work, seed, axes)))


def _normal(work: _Expansion, args: Sequence[Node], axes: tuple[Axis, ...]) -> Node:
    """A normal number within [low, high], distributed as those draws that lie between them.

    The first draw (Box & Muller 1958, doi:10.1214/aoms/1177706645) is kept where it does; elsewhere the
    truncated distribution is inverted. Where the bounds leave nothing, there is no number.
    """
    low, high, mean, deviation, seed = args
    radius = apply("sub", Num(1.0), _noise(work, seed, axes))
    angle = apply("mul", Num(6.283185307179586), _noise(work, seed, axes))
    standard = apply("mul", apply("sqrt", apply("mul", Num(-2.0), apply("ln", radius))), apply("cos", angle))
    first = work.auxiliary("draw", apply("add", mean, apply("mul", deviation, standard)), axes)
    bounds = [
        work.auxiliary("bound", apply("div", apply("sub", bound, mean), deviation), axes) for bound in (low, high)
    ]
    between = normal.between(
        bounds[0], bounds[1], _noise(work, seed, axes), lambda node: work.auxiliary("share", node, axes)
    )
    other = apply("min", high, apply("max", low, apply("add", mean, apply("mul", deviation, between))))
    inside = apply("and", apply("ge", first, low), apply("le", first, high))
    return apply("if", inside, first, apply("if", apply("le", low, high), other, apply("div", Num(0.0), Num(0.0))))


def _noise(work: _Expansion, seed: Node, axes: tuple[Axis, ...]) -> Node:
    """A draw of its own for each call and each element, the same for all stages of a step."""
    call = sum(quantity.id.rpartition("__")[2].startswith("stream") for quantity in work.out.hidden)
    ref, name, index = work.fresh("stream", axes)
    work.out.initials.append(name)
    for element, at in enumerate(positions(axes)):
        stream = apply("add", apply("mul", seed, Num(1009.0)), Num(float(call * 1_000_003 + element)))
        work.out.equations.append(take(Equation(name, stream, axes, index), at))
    elapsed = apply("sub", Ref(STEP_TIME), Ref("initial_time"))
    return apply("noise", ref, apply("div", elapsed, Ref("time_step")))


def _half_step_on() -> Node:
    """Time plus half a step: a switch that lies on the grid is not missed by rounding."""
    return apply("add", Ref(TIME), apply("div", Ref("time_step"), Num(2.0)))


def _step(args: Sequence[Node]) -> Node:
    height, start = args
    return apply("if", apply("gt", _half_step_on(), start), height, Num(0.0))


def _ramp(args: Sequence[Node]) -> Node:
    slope, start, end = args
    run = apply("max", apply("sub", apply("min", end, Ref(TIME)), start), Num(0.0))
    if not (isinstance(start, Num) and isinstance(end, Num) and start.value <= end.value):
        # A ramp that ends before it starts jumps at its start, by Vensim's definition, to where its end lies.
        back = apply("min", apply("sub", end, start), Num(0.0))
        run = apply("add", run, apply("if", apply("gt", Ref(TIME), start), back, Num(0.0)))
    return apply("mul", slope, run)


def _pulse_at(start: Node, width: Node, now: Node) -> Node:
    length = apply("if", apply("gt", width, Num(0.0)), width, Ref("time_step"))
    return apply("and", apply("gt", now, start), apply("lt", now, apply("add", start, length)))


def _pulse(args: Sequence[Node]) -> Node:
    start, width = args
    return apply("if", _pulse_at(start, width, _half_step_on()), Num(1.0), Num(0.0))


def _pulse_train(args: Sequence[Node]) -> Node:
    """Pulses at start + k * repeat; the end itself is the last time at which one may be on."""
    start, width, repeat, end = args
    now = _half_step_on()
    number = apply("integer", apply("div", apply("sub", now, start), repeat))
    begin = apply("add", start, apply("mul", number, repeat))
    on = apply("and", apply("gt", now, start), _pulse_at(begin, width, now))
    rounding = apply("div", Ref("time_step"), Num(1024.0))
    within = apply("lt", Ref(TIME), apply("add", end, rounding))
    return apply("if", apply("and", on, within), Num(1.0), Num(0.0))


HANDLERS: dict[str, Callable[[_Expansion, Sequence[Node], tuple[Axis, ...]], Node]] = {
    "smooth": _smooth,
    "smooth n": _smooth_n,
    "delay": _delay,
    "delay n": _delay_n,
    "delay fixed": _delay_fixed,
    "trend": _trend,
    "forecast": _forecast,
    "sample if true": _sample_if_true,
    "initial": _initial,
    "random uniform": _uniform,
    "random normal": _normal,
}
CLOCKS: dict[str, Callable[[Sequence[Node]], Node]] = {
    "step": _step,
    "ramp": _ramp,
    "pulse": _pulse,
    "pulse train": _pulse_train,
}
if HANDLERS.keys() != STATEFUL.keys() or CLOCKS.keys() != TIME_FUNCTIONS.keys():
    raise AssertionError("a stateful or time function without a rewriting")
