"""From a Lowered model to the IR of its kernel, by whichever way of stepping the method asks for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sdpolicy.backends.llvm.embedded import EmbeddedText
from sdpolicy.backends.llvm.kernel import KernelText
from sdpolicy.backends.llvm.text import Target
from sdpolicy.integrators import Tableau
from sdpolicy.lower import Lowered


@dataclass(frozen=True, slots=True)
class Module:
    """IR text, and the workspace that a call of it needs: ``fixed`` elements and ``per_step`` more for each step."""

    text: str
    fixed: int
    per_step: int
    width: int


def module(
    lowered: Lowered, table: Tableau, outputs: Sequence[str], target: Target, shared: Collection[str] = ()
) -> Module:
    """Return the function that runs ``lowered`` by the method ``table`` and saves ``outputs``.

    What depends on time and on ``shared`` parameters alone is computed once for all members side by side.
    """
    build = (KernelText if table.error is None else EmbeddedText)(lowered, table, outputs, target, shared)
    text = build.text()
    return Module(text, build.e.room, build.rings, target.width)
