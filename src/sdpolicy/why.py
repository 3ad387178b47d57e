"""Why two runs differ: their difference split over what the scenarios do differently, and over the loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import factorial
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.backends import llvm
from sdpolicy.backends.base import FloatArray
from sdpolicy.dominance.cutting import WHOLE, cuts, switched
from sdpolicy.errors import Problem, ScenarioError, SimulationError
from sdpolicy.expression import Apply, Axis, Lookup, Node, Num, Ref, moving, rewrite
from sdpolicy.lower import lower
from sdpolicy.program import CONTROL, Equation, Program, Quantity, Stock, identifier
from sdpolicy.results import label
from sdpolicy.scenario import Case, case
from sdpolicy.scenario.transform import OVERRIDE
from sdpolicy.vensim import read_model

EXACT: Final = 12
"""Up to this many differences every combination is run, 4,096 of them; above, orders are drawn at random."""
ORDERS: Final = 500
"""How many orders are drawn."""

Game = Callable[[NDArray[np.bool_]], FloatArray]
"""The output over time of many runs: from (runs, differences) to (runs, times)."""


def why(
    base: str | Path | Case,
    scenario: str | Path | Case,
    output: str,
    *,
    seed: int = 0,
    loops: bool = True,
) -> xr.Dataset:
    """Split the difference between two runs over what their scenarios do differently.

    Each difference (a constant, a path, a starting value, a cut, a freeze) gets its Shapley value: what it adds,
    averaged over all orders in which the differences can be made one after another. Shapley (1953),
    doi:10.1515/9781400881970-018. The interaction of two is what they do together beyond what they do alone,
    averaged likewise: Grabisch & Roubens (1999), doi:10.1007/s001820050125.

    Args:
        base, scenario: two scenarios of one model, with the same times and method.
        output: the variable whose difference is explained; one without subscripts.
        seed: of the orders that are drawn where there are more than 12 differences.
        loops: whether to run both without each named loop as well.

    Returns:
        A Dataset with ``base`` and ``changed`` (the output, over time), ``contribution`` and ``error`` (its
        standard error, 0 where exact) over (policy, time), ``synergy`` over (policy, other, time), and, where
        the model names loops, ``carried`` over (loop, time): how much of the difference goes away in both runs
        without that loop. Contributions add up to the difference.

    Raises:
        ScenarioError: when models, times or methods differ, or nothing does.
        SimulationError: when a combination does not stay finite.
    """
    first, second = case(base, read_model), case(scenario, read_model)
    _comparable(first, second)
    program, switches = merged(first.program, second.program)
    target = _target(first.program, output)
    game = _game(program, list(switches.values()), first, target)
    found = _split(game, list(switches), target.unit, seed)
    bare = label(first, np.empty((first.grid.saved, 0)), engine="llvm", outputs=())
    found = found.assign_coords(time=bare["time"])
    if loops:
        carried, listed = _carried(first, second, target.name)
        if listed:
            found = found.assign_coords(loop=[loop for loop, _ in listed])
            found = found.assign_coords(loop_label=("loop", [text for _, text in listed]))
            found["carried"] = (("loop", "time"), carried, {"units": target.unit})
    facts = {"output": target.name, "base_name": _name(first), "changed_name": _name(second)}
    facts["changed_sha256"] = second.scenario.digest if second.scenario else ""
    return found.assign_attrs({**bare.attrs, **found.attrs, **facts})


def _target(program: Program, output: str) -> Quantity:
    target = program.find(output)
    if target is None:
        what = f"the model has no variable '{output}'"
        raise ScenarioError(Problem(program.name, what, program.suggest(output)))
    if target.dimensions:
        raise ScenarioError(Problem(program.name, f"'{output}' has subscripts", "Name a variable without subscripts."))
    return target


def _split(game: Game, names: Sequence[str], unit: str, seed: int) -> xr.Dataset:
    """Return the contributions of all differences: exact where all combinations can be run, else sampled."""
    count = len(names)
    exact = count <= EXACT
    values = game(_every(count)) if exact else np.empty(0)
    shares, errors, ends = _exact(values, count) if exact else _sampled(game, count, np.random.default_rng(seed))
    variables: dict[str, object] = {
        "base": ("time", ends[0], {"units": unit}),
        "changed": ("time", ends[1], {"units": unit}),
        "contribution": (("policy", "time"), shares, {"units": unit, "long_name": "Shapley value"}),
        "error": (("policy", "time"), errors, {"units": unit, "long_name": "standard error"}),
    }
    if exact:
        variables["synergy"] = (("policy", "other", "time"), interactions(values, count), {"units": unit})
    return xr.Dataset(variables, {"policy": list(names), "other": list(names)}, {"exact": int(exact)})


def _name(chosen: Case) -> str:
    return chosen.scenario.name if chosen.scenario else chosen.program.name


def _comparable(first: Case, second: Case) -> None:
    where = f"{_name(first)} and {_name(second)}"
    problems = []
    if first.program.digest != second.program.digest or first.program.name != second.program.name:
        problems.append(Problem(where, "the scenarios are of different models", "Compare two of one model."))
    if (first.grid, first.method) != (second.grid, second.method):
        what = "the runs differ in their times or method, so that their difference is not the policies' alone"
        problems.append(Problem(where, what, "Give both the same [run]."))
    if problems:
        raise ScenarioError(problems)


def merged(first: Program, second: Program) -> tuple[Program, Mapping[str, str]]:
    """Return one Program that holds both, and the switches between them: identifiers by what they switch.

    With all switches at 0 it runs as ``first``, with all at 1 as ``second``.

    Raises:
        ScenarioError: when the two do not differ.
    """
    work = _Merge(first, second)
    for name in dict.fromkeys((*first.by_id, *second.by_id)):
        if name not in CONTROL:
            work.quantity(name)
    if not work.switches:
        raise ScenarioError(Problem(f"{first.name}", "the two scenarios do the same", "Compare two that differ."))
    added = [Quantity(f"switch {name}", id_, "constant") for name, id_ in work.switches.items()]
    program = replace(
        first,
        quantities=(*work.quantities, *added),
        stocks=tuple(work.stocks),
        equations=(*work.equations, *(Equation(q.id, Num(0.0)) for q in added)),
        tables=(*first.tables, *work.tables),
    )
    return program, work.switches


class _Merge:
    def __init__(self, first: Program, second: Program) -> None:
        self.first, self.second = first, second
        self.taken = {*first.by_id, *second.by_id, *first.table_by_id, *second.table_by_id}
        self.switches: dict[str, str] = {}
        self.quantities: list[Quantity] = []
        self.equations: list[Equation] = [e for e in first.equations if e.target in CONTROL]
        self.stocks: list[Stock] = []
        self.quantities += [q for q in first.quantities if q.id in CONTROL]
        known = first.table_by_id
        changed = [t for t in second.tables if known.get(t.id) != t]
        renamed = {t.id: self.fresh(f"{t.id} changed") if t.id in known else t.id for t in changed}
        self.tables = [replace(t, id=renamed[t.id]) for t in changed]
        self.renamed = renamed

    def fresh(self, name: str) -> str:
        id_ = identifier(name, self.taken)
        self.taken.add(id_)
        return id_

    def switch(self, name: str) -> Node:
        if name not in self.switches:
            self.switches[name] = self.fresh(f"switch {name}")
        return Apply("ne", (Ref(self.switches[name]), Num(0.0)))

    def theirs(self, node: Node) -> Node:
        """Return a node of the second Program with its tables by the names that they have here."""

        def change(part: Node) -> Node:
            return replace(part, table=self.renamed.get(part.table, part.table)) if isinstance(part, Lookup) else part

        return rewrite(node, change)

    def quantity(self, name: str) -> None:
        mine = self.first.by_id.get(name)
        other = self.second.by_id.get(name)
        known = mine or other
        assert known is not None
        a = [e for e in self.first.equations if e.target == name]
        b = [replace(e, body=self.theirs(e.body)) for e in self.second.equations if e.target == name]
        self.quantities.append(replace(known, kind=other.kind) if mine and other and mine != other else known)
        self.stock(name, known)
        if a == b or not a or not b:
            self.equations += a or b
        elif len(a) == len(b) and all((x.axes, x.index) == (y.axes, y.index) for x, y in zip(a, b, strict=True)):
            on = self.switch(_shown(known.name))
            self.equations += [_either(on, x, y) for x, y in zip(a, b, strict=True)]
        else:
            self.apart(known, a, b)

    def apart(self, known: Quantity, a: Sequence[Equation], b: Sequence[Equation]) -> None:
        """Keep both versions as quantities of their own, where their equations cover different elements."""
        axes = tuple(Axis(f"axis{n}", size) for n, size in enumerate(known.shape))
        index = tuple(moving(axis) for axis in axes)
        versions = []
        for equations, word in ((a, "before"), (b, "after")):
            id_ = self.fresh(f"{known.id} {word}")
            self.quantities.append(replace(known, id=id_, name=f"{known.name} {word}"))
            self.equations += [replace(e, target=id_) for e in equations]
            versions.append(Ref(id_, index))
        body = Apply("if", (self.switch(_shown(known.name)), versions[1], versions[0]))
        self.equations.append(Equation(known.id, body, axes, index))

    def stock(self, name: str, known: Quantity) -> None:
        a = [s for s in self.first.stocks if s.target == name]
        b = [s for s in self.second.stocks if s.target == name]
        for x, y in zip(a, b, strict=True):
            flow, start = x.flow, x.initial
            if (other := self.theirs(y.flow)) != flow:
                flow = Apply("if", (self.switch(_shown(known.name)), other, flow))
            if (other := self.theirs(y.initial)) != start:
                start = Apply("if", (self.switch(f"{known.name} (start)"), other, start))
            self.stocks.append(replace(x, flow=flow, initial=start))


def _shown(name: str) -> str:
    return f"{name.removesuffix(OVERRIDE).strip()} (start)" if name.endswith(OVERRIDE) else name


def _either(on: Node, first: Equation, second: Equation) -> Equation:
    body = Apply("if", (on, second.body, first.body))
    if first.initial == second.initial:
        return replace(first, body=body)
    starts = [e.body if e.initial is None else e.initial for e in (second, first)]
    return replace(first, body=body, initial=Apply("if", (on, *starts)))


def _game(program: Program, switches: Sequence[str], chosen: Case, target: Quantity) -> Game:
    lowered = lower(program)
    kernel = llvm.ENGINE.compile(lowered)
    rows = {name: switched(lowered.parameters, lowered.defaults, lowered.by_id, [name]) for name in switches}
    bare = np.array(lowered.defaults)
    changes = np.array([rows[name] - bare for name in switches])

    def play(sets: NDArray[np.bool_]) -> FloatArray:
        found = kernel.run_many(bare + sets @ changes, chosen.grid, chosen.method, [target.id])
        for run, trouble in found.troubles.items():
            on = [name for name, is_on in zip(switches, sets[run], strict=True) if is_on]
            what = f"'{trouble.quantity}' is not finite at time {trouble.time:g} in a run with only {', '.join(on)}"
            raise SimulationError(Problem(program.name, what))
        return found.values[:, :, 0]

    return play


def _every(count: int) -> NDArray[np.bool_]:
    """Return all subsets: row n has the bits of n."""
    subsets: NDArray[np.bool_] = (np.arange(1 << count)[:, None] >> np.arange(count)) & 1 == 1
    return subsets


def _exact(values: FloatArray, count: int) -> tuple[FloatArray, FloatArray, tuple[FloatArray, FloatArray]]:
    subsets = np.arange(1 << count)
    sizes = _every(count).sum(axis=1)
    shares = np.empty((count, values.shape[1]))
    for player in range(count):
        rest = subsets[(subsets >> player) & 1 == 0]
        weights = np.array([_weight(int(size), count) for size in sizes[rest]])
        shares[player] = weights @ (values[rest | (1 << player)] - values[rest])
    return shares, np.zeros_like(shares), (values[0], values[-1])


def _weight(size: int, count: int) -> float:
    return factorial(size) * factorial(count - size - 1) / factorial(count)


def interactions(values: FloatArray, count: int) -> FloatArray:
    """Return, for each pair, the Shapley interaction index over time; 0 on the diagonal.

    Args:
        values: the output of all subsets, of shape (2 ** count, times); row n has the differences in the bits of n.
    """
    subsets = np.arange(1 << count)
    sizes = _every(count).sum(axis=1)
    result = np.zeros((count, count, values.shape[1]))
    for i in range(count):
        for j in range(i):
            rest = subsets[((subsets >> i) & 1 == 0) & ((subsets >> j) & 1 == 0)]
            both = values[rest | (1 << i) | (1 << j)] - values[rest | (1 << i)] - values[rest | (1 << j)] + values[rest]
            weights = np.array([_weight(int(size), count - 1) for size in sizes[rest]])
            result[i, j] = result[j, i] = weights @ both
    return result


def _sampled(
    game: Game, count: int, random: np.random.Generator
) -> tuple[FloatArray, FloatArray, tuple[FloatArray, FloatArray]]:
    """Average what each difference adds over orders drawn at random, each with its reverse."""
    drawn = [random.permutation(count) for _ in range(ORDERS // 2)]
    orders = [order for pair in drawn for order in (pair, pair[::-1])]
    sets = np.zeros((len(orders) * (count + 1), count), dtype=bool)
    for n, order in enumerate(orders):
        for k in range(count):
            sets[n * (count + 1) + k + 1 :][: count - k, order[k]] = True
    values = game(sets).reshape(len(orders), count + 1, -1)
    added = np.empty((len(orders), count, values.shape[2]))
    for n, order in enumerate(orders):
        added[n, order] = np.diff(values[n], axis=0)
    means = added.reshape(len(drawn), 2, count, -1).mean(axis=1)
    error = means.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    return means.mean(axis=0), error, (values[0, 0], values[0, -1])


def _carried(first: Case, second: Case, output: str) -> tuple[FloatArray, list[tuple[str, str]]]:
    """Return how much of the difference is gone when both runs are made without each named loop."""
    runs = [cuts(chosen, outputs=[output]) for chosen in (first, second)]
    difference = runs[1][output].values - runs[0][output].values
    ids = [str(name) for name in runs[0]["run"].values]
    assert ids[0] == WHOLE
    labels = [f"{id_} {name}" if name != id_ else id_ for id_, name in zip(ids, runs[0]["name"].values, strict=True)]
    return difference[0] - difference[1:], list(zip(ids, labels, strict=True))[1:]
