"""Running order: equations after what they read, element by element where that is what it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from sdpolicy.errors import ModelError, Problem
from sdpolicy.expression import At, Index, Lookup, Node, Reduce, Ref, children, references, rewrite
from sdpolicy.interpret import flat, positions
from sdpolicy.program import Equation, Program

Shapes = Mapping[str, tuple[int, ...]]
Element = tuple[str, int]


def arrange(program: Program, equations: Sequence[Equation], shapes: Shapes, phase: str) -> tuple[Equation, ...]:
    """Return ``equations`` in an order in which each comes after those that it reads.

    Quantities are ordered as wholes. Where wholes depend on each other in a circle but their elements
    don't (an ageing chain of auxiliaries), the equations of that circle are taken apart into elements.

    Raises:
        ModelError: for a true algebraic loop; the message walks round it.
    """
    by_target: dict[str, list[Equation]] = {}
    for equation in equations:
        by_target.setdefault(equation.target, []).append(equation)
    reads = {
        target: {name for e in group for name in references(e.body) if name in by_target}
        for target, group in by_target.items()
    }
    result: list[Equation] = []
    for circle in _components(reads):
        group = [equation for target in circle for equation in by_target[target]]
        if len(circle) == 1 and circle[0] not in reads[circle[0]]:
            result.extend(group)
        else:
            result.extend(_by_element(program, group, shapes, phase))
    return tuple(result)


def _components(reads: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components, what is read first (Tarjan 1972, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[list[str]] = []
    for root in reads:
        if root in number:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(sorted(reads[root])))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in number:
                    number[successor] = low[successor] = len(number)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(sorted(reads[successor]))))
                    break
                if successor in on_stack:
                    low[node] = min(low[node], number[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    component: list[str] = []
                    while not component or component[-1] != node:
                        component.append(stack.pop())
                        on_stack.discard(component[-1])
                    found.append(sorted(component))
    return found


def _by_element(program: Program, group: Sequence[Equation], shapes: Shapes, phase: str) -> list[Equation]:
    single: dict[Element, Equation] = {}
    for equation in group:
        for at in positions(equation.axes):
            part = take(equation, at)
            single[part.target, flat(part.index, shapes[part.target], {})] = part
    graph = {
        element: {read for read in _elements(equation.body, shapes, {}) if read in single}
        for element, equation in single.items()
    }
    try:
        return [single[element] for element in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        cycle: list[Element] = error.args[1]
        raise ModelError(_loop_problem(program, list(reversed(cycle)), phase)) from None


def take(equation: Equation, at: Mapping[str, int]) -> Equation:
    """Return one step of an equation's loops, written out."""

    def change(node: Node) -> Node:
        if isinstance(node, Ref | Lookup):
            return replace(node, index=_settle(node.index, at))
        return node

    index = _settle(equation.index, at)
    return replace(equation, axes=(), index=index, body=rewrite(equation.body, change))


def _settle(index: Index, at: Mapping[str, int]) -> Index:
    return tuple(e.positions[at[e.axis]] if isinstance(e, At) and e.axis in at else e for e in index)


def _elements(node: Node, shapes: Shapes, at: Mapping[str, int]) -> Iterator[Element]:
    """Yield every element that ``node`` reads, the loops of a Reduce run through."""
    match node:
        case Ref(name=name, index=index):
            yield name, flat(index, shapes.get(name, ()), at) if index else 0
        case Reduce(axes=axes, body=body):
            for inner in positions(axes):
                yield from _elements(body, shapes, {**at, **inner})
        case _:
            for child in children(node):
                yield from _elements(child, shapes, at)


def _loop_problem(program: Program, cycle: Sequence[Element], phase: str) -> Problem:
    names = []
    for name, element in cycle:
        quantity = program.by_id.get(name)
        shown = f"'{quantity.name}'" if quantity else f"a delay's '{name}'"
        if quantity and quantity.dimensions:
            shown += f"[element {element + 1}]"
        names.append(shown)
    return Problem(
        program.source or program.name,
        f"the equations form an algebraic loop {phase}: {' -> '.join(names)}",
        "Put a stock, a SMOOTH or a DELAY between two of them"
        + ("." if phase == "while running" else ", or cut the start-up loop with ACTIVE INITIAL."),
    )
