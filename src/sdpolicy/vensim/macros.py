"""Calls of macros with several outputs, which define a variable for each of these. It knows no file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from sdpolicy.program import fold
from sdpolicy.vensim.prepare import Refusal
from sdpolicy.vensim.syntax import OUTPUT, Call, Definition, parse_definition
from sdpolicy.vensim.text import Entry, MacroText

_CALL: Final = re.compile(r"(?P<left>[^=]+=\s*(?P<name>[^\W\d][^()=]*)\(.*):(?P<outputs>[^:()]*)\)\s*")
_WORD: Final = re.compile(r":(?:AND|OR|NOT|NA)$", re.IGNORECASE)


def definitions(entry: Entry, macros: Collection[MacroText]) -> Iterator[tuple[Definition, Entry]]:
    """Yield what an entry defines: a variable and, where a macro with several outputs is called, one for each.

    Raises:
        Refusal: when an entry is no definition, or such a call has not the outputs of the macro.
    """
    found = _CALL.fullmatch(entry.equation)
    macro = next((one for one in macros if found and fold(one.name) == fold(found["name"])), None)
    if found is None or macro is None or not macro.outputs or _WORD.search(found["left"]):
        yield parse_definition(entry.equation), entry
        return
    named = [parse_definition(f"{name.strip()} = 0") for name in found["outputs"].split(",")]
    if len(named) != len(macro.outputs):
        what = f"the macro '{macro.name}' has {len(macro.outputs)} further outputs, and {len(named)} are given"
        raise Refusal(what, f"Write it as {macro.name}({', '.join(macro.inputs)} : {', '.join(macro.outputs)}).")
    whole = parse_definition(f"{found['left']})")
    if not isinstance(whole.body, Call) or fold(whole.body.function) != fold(macro.name):
        raise Refusal(f"the macro '{macro.name}' must stand alone on the right side, for its outputs")
    body = replace(whole.body, outputs=tuple(fold(one.name) for one in named))
    yield replace(whole, body=body), entry
    units = {fold(inner.equation.split("=")[0]): inner.unit for inner in macro.entries}
    for one, output in zip(named, macro.outputs, strict=True):
        if tuple(map(fold, one.subscripts)) != tuple(map(fold, whole.subscripts)):
            what = f"the output '{one.name}' of a macro has not the subscripts of the left side"
            raise Refusal(what, "Give both the same.")
        unit = units.get(fold(output), "")
        inner = replace(entry, unit="" if unit in macro.inputs else unit, doc=f"An output of {macro.name}.")
        yield replace(one, exceptions=whole.exceptions, body=Call(OUTPUT, ())), inner
