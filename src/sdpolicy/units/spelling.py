"""An equation as a reader would write it, each variable with its unit. For messages only; it checks nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sdpolicy.expression import Apply, Lookup, Node, Num, Reduce, Ref

INFIX: Final[Mapping[str, tuple[str, int]]] = {
    "or": (":OR:", 1),
    "and": (":AND:", 2),
    "lt": ("<", 3),
    "le": ("<=", 3),
    "gt": (">", 3),
    "ge": (">=", 3),
    "eq": ("=", 3),
    "ne": ("<>", 3),
    "add": ("+", 4),
    "sub": ("-", 4),
    "mul": ("*", 5),
    "div": ("/", 5),
    "pow": ("^", 7),
}
"""Spelling and binding strength of the operators that stand between their arguments."""
NAMES: Final[Mapping[str, str]] = {"if": "IF THEN ELSE", "delay n": "DELAY N", "smooth n": "SMOOTH N"}


def spell(node: Node, name: Callable[[str], str], around: int = 0) -> str:
    """Return ``node`` as text.

    Args:
        name: what to write for an identifier of a quantity or a table.
        around: how strongly the operator around it binds.
    """
    match node:
        case Num(value=value):
            return f"{value:g}"
        case Ref(name=id_):
            return name(id_)
        case Lookup(table=table, x=x):
            return f"{name(table)}({spell(x, name)})"
        case Reduce(op=op, body=body):
            return f"{op.upper()}({spell(body, name)})"
        case Apply(op="neg", args=(inner,)):
            return f"-{spell(inner, name, 6)}"
        case Apply(op=op, args=(left, right)) if op in INFIX:
            sign, strength = INFIX[op]
            text = f"{spell(left, name, strength)} {sign} {spell(right, name, strength + 1)}"
            return f"({text})" if strength < around else text
        case Apply(op=op, args=args):
            return f"{NAMES.get(op, op.upper())}({', '.join(spell(arg, name) for arg in args)})"
