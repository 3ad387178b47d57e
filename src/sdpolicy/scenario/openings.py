"""Links that a test opens, held to a model: those of [cut] and those of named loops. It reads no file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from sdpolicy.errors import CheckError, Problem, suggest
from sdpolicy.expression import STATEFUL, TIME, TIME_FUNCTIONS, Apply, Node, Num, Ref, references, rewrite, walk
from sdpolicy.program import Program, Quantity, fold
from sdpolicy.scenario.bind import Applied, Binding, beyond, bodies_of, names_read
from sdpolicy.scenario.loops import SUFFIX, Held, Link, NamedLoop
from sdpolicy.scenario.messages import place, show
from sdpolicy.scenario.reader import Scenario, basename
from sdpolicy.scenario.transform import Opening
from sdpolicy.units import convert

START: Final = "starting value"
CHANGING: Final = frozenset(STATEFUL) | frozenset(TIME_FUNCTIONS) | {"noise"}


def bind_cuts(binding: Binding, scenario: Scenario, loops: Sequence[NamedLoop]) -> None:
    """Hold [cut] to the model; ``loops`` are those that it names."""
    known = {fold(text): loop for loop in loops for text in (loop.name, loop.id)}
    listed = [loop.id for loop in loops]
    for name in scenario.cut.loops:
        if fold(name) not in known:
            what = f"the model '{show(binding.program.name)}' has no loop '{show(name)}'"
            all_of_them = f"Its loops: {', '.join(listed)}." if listed else "It has no file of named loops."
            binding.refuse(place(scenario.file, "cut", "loops"), what, suggest(name, listed) or all_of_them)
    given = {quantity.id for _, quantity, _, _ in binding.waiting}
    for link in dict.fromkeys(scenario.cut.links):
        spot = place(scenario.file, "cut", "links")
        _note(binding, opening(binding.program, link, None, spot, given), spot, scenario)
    for loop in (known[fold(name)] for name in scenario.cut.loops if fold(name) in known):
        spot = _place(binding.program, loop)
        _note(binding, openings_of(binding.program, loop, given), spot, scenario)


def _note(binding: Binding, found: Iterator[Opening | Problem], spot: str, scenario: Scenario) -> None:
    """Note openings as applied, and what is wrong with them."""
    for item in found:
        if isinstance(item, Problem):
            binding.problems.append(item)
            continue
        same = [other for other in binding.cuts if (other.source, other.target) == (item.source, item.target)]
        names = [binding.program.by_id[id_].name for id_ in (item.source, item.target)]
        if same and same[0].held != item.held:
            what = f"the link '{names[0]}' -> '{names[1]}' is cut twice, with its cause held at different values"
            binding.refuse(spot, what, "Cut one of the two in a scenario of its own.")
        elif not same:
            binding.cuts.append(item)
            value = {"from": names[0], "to": names[1], "held": _held(binding.program, item)}
            name, unit = " -> ".join(names), binding.program.by_id[item.source].unit
            binding.applied.append(Applied("cut", name, value, unit, basename(scenario.file)))


def _held(program: Program, item: Opening) -> float | str:
    if item.held is None:
        return START
    return program.by_id[item.held].name if isinstance(item.held, str) else item.held


def openings_of(program: Program, loop: NamedLoop, given: Collection[str] = ()) -> Iterator[Opening | Problem]:
    """Yield where a named loop is opened, or what is wrong with it.

    Args:
        given: identifiers of what a scenario gives a path, so that nothing acts on it.
    """
    for link in loop.cuts:
        yield from opening(program, link, loop.held.get(fold(link[0])), _place(program, loop), given)


def _place(program: Program, loop: NamedLoop) -> str:
    return f"{show(program.name)}{SUFFIX}, {show(loop.id)}"


def opening(
    program: Program, link: Link, held: Held | None, where: str, given: Collection[str] = ()
) -> Iterator[Opening | Problem]:
    """Yield the opening of a link, or all that is wrong with it; ``held`` as the file says it."""
    source, target = (program.find(name) for name in link)
    for name, quantity in zip(link, (source, target), strict=True):
        if quantity is None:
            what = f"the model '{show(program.name)}' has no variable '{show(name)}'"
            yield Problem(where, what, program.suggest(name) or "Names are spelt as in the model.")
    if source is None or target is None:
        return
    told = _no_link(program, source, target, given)
    if told:
        yield Problem(where, *told)
        return
    told = _no_value(program, source, held, given)
    if told:
        yield Problem(f"{where}, held", *told)
        return
    constant = program.find(held) if isinstance(held, str) else None
    yield Opening(source.id, target.id, constant.id if constant else None if held is None else float(held))


def _no_link(program: Program, source: Quantity, target: Quantity, given: Collection[str]) -> tuple[str, ...]:
    """Return why there is nothing to open, and the repair; nothing where there is."""
    nodes = [stock.flow for stock in program.stocks if stock.target == target.id] or bodies_of(program, target.id)
    if source.id not in frozenset().union(*(references(node) for node in nodes)):
        causes = names_read(program, nodes)
        what = f"'{target.name}' does not depend on '{source.name}' directly"
        return what, f"It depends on {causes}." if causes else "It depends on nothing."
    if target.id in given:
        return f"'{target.name}' is given by the scenario, so that nothing acts on it", "Take the link out."
    return ()


def _no_value(program: Program, cause: Quantity, held: Held | None, given: Collection[str]) -> tuple[str, ...]:
    """Return why a cause cannot be held at a value, and the repair; nothing where it can."""
    if not isinstance(held, str):
        return () if held is None else beyond(cause, (held,)) or ()
    constant = program.find(held)
    if constant is None:
        what = f"the model '{show(program.name)}' has no variable '{show(held)}'"
        return what, program.suggest(held) or "Name a constant, or write a number."
    if not _stays(program, constant.id, given):
        return f"'{constant.name}' is not constant in this run", "Name a constant of the model, or write a number."
    if constant.dimensions and constant.dimensions != cause.dimensions:
        return f"'{constant.name}' has other subscripts than '{cause.name}'", "Name a constant without subscripts."
    if not _same_unit(constant.unit, cause.unit):
        return f"'{constant.name}' is in {constant.unit}, '{cause.name}' in {cause.unit}", "Name one of the same unit."
    return ()


def _stays(program: Program, id_: str, given: Collection[str]) -> bool:
    """Tell whether a quantity is computed from numbers and starting values alone."""
    waiting, seen = [id_], {id_}
    while waiting:
        name = waiting.pop()
        bodies = [rewrite(body, _settled) for body in bodies_of(program, name)]
        if name in given or not bodies or any(map(_changes, bodies)):
            return False
        reads = {read for body in bodies for read in references(body)} - seen
        seen |= reads
        waiting += reads
    return True


def _settled(node: Node) -> Node:
    """Put a number in place of INITIAL(), which stays what it is."""
    return Num(0.0) if isinstance(node, Apply) and node.op == "initial" else node


def _changes(body: Node) -> bool:
    parts = list(walk(body))
    return any((isinstance(p, Apply) and p.op in CHANGING) or (isinstance(p, Ref) and p.name == TIME) for p in parts)


def _same_unit(first: str, second: str) -> bool:
    if not first or not second or fold(first) == fold(second):
        return True
    try:
        return convert(1.0, first, second) == 1.0
    except CheckError:
        return False
