"""Write what the country pages show: figures into docs/figures, and docs/definitions.md from the evidence.

python tools/pages.py              # both
python tools/pages.py definitions  # the table alone
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import sdpolicy
from sdpolicy.dominance import dominance
from sdpolicy.evidence import observations
from sdpolicy.figures.behaviour import behaviour
from sdpolicy.figures.comparison import comparison
from sdpolicy.figures.dominance import dominance as areas
from sdpolicy.figures.loops import loops
from sdpolicy.figures.render import render
from sdpolicy.figures.stockflow import stockflow
from sdpolicy.library import model_path
from sdpolicy.vensim.sketch import read_sketch

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
EVIDENCE = ROOT / "evidence"

COUNTRIES = {"korea": "KOR", "taiwan": "TWN", "japan": "JPN"}
OBSERVED = [["output growth"], ["debt equity ratio"], ["export share"], ["investment share"], ["production capability"],
            ["R&D share"]]  # fmt: skip
SHOWN = {"korea": ["confidence"], "taiwan": ["differentiated share"], "japan": ["asset price"]}
TOLD = {
    "korea": (["output", "debt equity ratio", "confidence"],
              ["korea-taiwan-finance", "korea-diversification-1985", "korea-status-quo-ante"]),
    "taiwan": (["output", "debt equity ratio", "design knowledge"],
               ["taiwan-korea-finance", "taiwan-no-public-research"]),
    "japan": (["output", "asset price", "ties"],
              ["japan-no-regionalization", "japan-reform-1975", "japan-no-bubble-credit"]),
}  # fmt: skip
"""The counterfactuals that a country's page shows, and the variables in which they are told."""
DATES = 1975.0, 1995.0
"""When the loops that lead are looked at."""


Row = Mapping[str, str]
Facts = Mapping[str, Row]


def draw_figures(folder: Path) -> None:
    """Write, for each country, its behaviour beside the observed figures, its counterfactuals, and its loops."""
    folder.mkdir(exist_ok=True)
    for name, code in COUNTRIES.items():
        base = sdpolicy.simulate(name, save=0.25)
        facts = observations(EVIDENCE, "catchup", code)
        wanted = [*OBSERVED, ["design knowledge"], SHOWN[name]]
        (folder / f"{name}.svg").write_bytes(render(behaviour(base, wanted, facts), "svg"))
        variables, others = TOLD[name]
        runs = [sdpolicy.simulate(other, save=0.25) for other in others]
        page = comparison(base, runs, [[variable] for variable in variables])
        (folder / f"{name}-counterfactuals.svg").write_bytes(render(page, "svg"))
        scores = dominance(name)
        (folder / f"{name}-dominance.svg").write_bytes(render(areas(scores, dates=DATES), "svg"))
        if name == "korea":
            (folder / "korea-loops.svg").write_bytes(render(loops(scores, DATES), "svg"))


def draw_sectors(folder: Path) -> None:
    """Write the page on which the country model's author drew all sectors."""
    view = read_sketch(model_path("catchup")).views[0]
    (folder / "catchup.svg").write_bytes(render(stockflow(view, "The country model"), "svg"))


def rows(pattern: str) -> Iterator[Mapping[str, str]]:
    """Yield the rows of evidence files."""
    for path in sorted(EVIDENCE.glob(pattern)):
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def definitions() -> str:
    """Return the text of the definition table."""
    facts = {row["id"]: row for row in rows("facts*.csv")}
    given = list(rows("definitions*.csv"))
    sets = {(row["fact"], row["model"]): row["set"] for row in rows("split.csv")}
    lines = [
        "# Which fact is compared with what",
        "",
        "Written by `python tools/pages.py definitions` from the files in [evidence/](../evidence/README.md), which "
        "hold the source of each fact. A fact holds for a sector of an economy and at a price basis, and a variable of "
        "a model for another; where the two do not meet, the fact is not used, and the reason is given.",
    ]
    for model in sorted({row["model"] for row in given}):
        own = [row for row in given if row["model"] == model]
        lines += ["", f"## `{model}`: facts that are used", "", *_used(own, facts, sets)]
        lines += ["", f"## `{model}`: facts that are not used", "", *_unused(own, facts)]
    return "\n".join(lines) + "\n"


def _used(own: list[Row], facts: Facts, sets: Mapping[tuple[str, str], str]) -> Iterator[str]:
    yield "| fact | about | what was observed | when | value | model variable | sector and price basis | set |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in own:
        if row["usable"] == "yes":
            fact = facts[row["fact"]]
            basis = "; ".join(text for text in (row["reason"], fact["note"]) if text)
            cells = [row["fact"], fact["entity"], fact["variable"], _when(fact), f"{fact['value']} {fact['unit']}",
                     row["variable"], basis, sets.get((row["fact"], row["model"]), "")]  # fmt: skip
            yield _line(cells)


def _unused(own: list[Row], facts: Facts) -> Iterator[str]:
    yield "| why not | facts |"
    yield "|---|---|"
    reasons: dict[str, list[str]] = {}
    for row in own:
        if row["usable"] != "yes":
            reasons.setdefault(row["reason"], []).append(row["fact"])
    for reason, names in reasons.items():
        yield _line([reason, "; ".join(f"{name} {facts[name]['variable']} {_when(facts[name])}" for name in names)])


def _when(fact: Mapping[str, str]) -> str:
    start, end = fact["start"], fact["end"] or fact["start"]
    return start if start == end else f"{start}-{end}"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


if __name__ == "__main__":
    (DOCS / "definitions.md").write_text(definitions(), encoding="utf-8", newline="\n")
    if sys.argv[1:] != ["definitions"]:
        draw_figures(DOCS / "figures")
        draw_sectors(DOCS / "figures")
