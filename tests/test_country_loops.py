"""The named loops of the country model: what changes without each of them, and what its book says of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdpolicy.dominance.judged import Judgement, judge

BOOK = Path(__file__).parents[1] / "models" / "catchup.md"
LOWER, HIGHER = -1, 1
THEORY = {
    "R1": ("output", LOWER),
    "R2": ("output", LOWER),
    "R3": ("production capability", LOWER),
    "R4": ("debt equity ratio", LOWER),
    "R5": ("design knowledge", HIGHER),
    "R6": ("differentiated revenue share", HIGHER),
    "R7": ("confidence", HIGHER),
    "R8": ("ties", LOWER),
    "R9": ("ties", LOWER),
    "R10": ("design knowledge", LOWER),
    "B1": ("production capability", HIGHER),
    "B2": ("production capability", HIGHER),
    "B3": ("investment", HIGHER),
    "B4": ("standard price", HIGHER),
    "B5": ("capital", HIGHER),
    "B6": ("debt equity ratio", HIGHER),
    "B7": ("import cover", LOWER),
    "B8": ("guarantee", HIGHER),
    "B9": ("ties", HIGHER),
}
"""What the theory says becomes of the behaviour that it ascribes to a loop, once the loop is cut."""


@pytest.fixture(scope="module")
def judged() -> Judgement:
    """Return the loops of the country model, each judged where its file says."""
    return judge("korea", elsewhere=True)


def test_cutting_each_loop_does_what_the_theory_says(judged: Judgement) -> None:
    """Every named loop moves the behaviour that is ascribed to it in the theory's direction, by 4 percent or more."""
    changes = {(item.loop.id, item.variable): item.change for item in judged.items}
    assert {loop for loop, _ in changes} == set(THEORY)
    weak = {
        loop: changes[loop, variable]
        for loop, (variable, direction) in THEORY.items()
        if not changes[loop, variable] * direction > 0.04
    }
    assert weak == {}


def test_book_tells_the_cuts(judged: Judgement) -> None:
    """Each row of the table in the model's book has the values of today's model."""
    table = BOOK.read_text(encoding="utf-8").partition("| Loop | Variable |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()[2:]]
    printed = [(row[0], row[1].partition(" (")[0], row[2], row[5]) for row in rows]
    found = [
        (
            item.loop.label,
            item.variable,
            f"{item.scenario} {item.time[item.moment]:.0f}",
            f"{item.change:+.0%}".replace("-", "−"),
        )
        for item in judged.items
    ]
    assert printed == found
