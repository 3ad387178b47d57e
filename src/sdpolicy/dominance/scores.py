"""Which loops drive a run, and when: loop scores as a Dataset over loops and time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sdpolicy.dominance.arithmetic import FloatArray
from sdpolicy.dominance.cycles import Loop
from sdpolicy.dominance.found import MOST, Found, Table, acting_loops, find_loops, visible_members
from sdpolicy.dominance.links import Version
from sdpolicy.dominance.run import record
from sdpolicy.results import label
from sdpolicy.scenario import Case, case
from sdpolicy.vensim import read_model

LISTED: Final = 200
"""How many loops and families a Dataset holds; the others are summed."""
CLEAR: Final = 0.99
"""A loop has a polarity when this fraction of its shares has one sign."""


def dominance(
    source: str | Path | Case,
    *,
    step: float | None = None,
    version: Version = "2023",
    most: int = MOST,
    listed: int = LISTED,
) -> xr.Dataset:
    """Return the loop scores of a model or scenario.

    A loop's score is the product of the scores of its links; its relative score is that as a fraction of the
    sum of all loops' absolute scores in the same cycle partition. Loops that run through the same stocks in the
    same order form a family, whose score is the sum of theirs: what two loops do against each other within one
    step cancels there, and how the equations between stocks are divided into auxiliaries makes no difference.
    Schoenberg, Davidsen & Eberlein (2020), doi:10.1002/sdr.1658.

    Args:
        source: a scenario or model by name or path, or a case.
        step: time step of the Euler run, by default the scenario's.
        version: how links from flows to stocks are scored, see :func:`sdpolicy.dominance.links.link_scores`.
        most: up to this many loops all are counted, above the strongest are searched for.
        listed: how many loops and families to keep; named loops are always kept.

    Returns:
        A Dataset with ``score`` and ``relative`` over (loop, time), ``family_score`` and ``family_relative``
        over (family, time), and ``rest`` over (partition, time), the share of loops that are not listed. The
        strongest come first. Attributes say how many loops there are and whether all were counted.

    Raises:
        ModelError: also when a named loop does not exist in the model.
        ScenarioError, SimulationError: as :func:`sdpolicy.simulate`.
    """
    chosen = case(source, read_model)
    found = find_loops(record(chosen, step), acting_loops(chosen), version=version, most=most)
    return dataset(chosen, found, listed)


def dataset(chosen: Case, found: Found, listed: int = LISTED) -> xr.Dataset:
    """Return the scores of the loops that were found, as :func:`dominance` describes."""
    time = found.history.time
    step = float(time[1] - time[0])
    table = Table(found, max(1, round(chosen.grid.every * chosen.grid.step / step)))
    kept, ids = _kept(found, table, listed)
    families = table.family_order()[:listed]
    place = {family: n for n, family in enumerate(families.tolist())}
    relative, shares = table.relative(kept), table.family_relative[families]
    loops, graph = [found.loops[n] for n in kept], found.history.graph
    words = _family_words(found, table, kept, ids)
    known = [found.named.get(loop) for loop in loops]
    variables = {
        "score": (("loop", "time"), table.scores(kept), {"long_name": "loop score"}),
        "relative": (("loop", "time"), relative, {"long_name": "share of the partition's loop scores"}),
        "family_score": (("family", "time"), table.family_scores[families], {"long_name": "sum of loop scores"}),
        "family_relative": (("family", "time"), shares, {"long_name": "share of the partition's family scores"}),
        "rest": (("partition", "time"), table.rest(kept), {"long_name": "share of loops that are not listed"}),
    }
    unit = {"long_name": "time", "units": graph.lowered.by_id["time_step"].unit}
    coordinates = {
        "time": ("time", table.time, unit),
        "loop": ("loop", ids),
        "name": ("loop", [loop.name if loop else "" for loop in known]),
        "stated": ("loop", [loop.polarity if loop else "" for loop in known]),
        "story": ("loop", [loop.story if loop else "" for loop in known]),
        "polarity": ("loop", [_polarity(row) for row in relative]),
        "members": ("loop", [json.dumps(list(visible_members(graph, loop))) for loop in loops]),
        "stocks": ("loop", [words[int(table.family[n])].stocks for n in kept]),
        "loop_partition": ("loop", table.partition[kept]),
        "loop_family": ("loop", [place.get(int(table.family[n]), -1) for n in kept]),
        "family": ("family", [words[n].label for n in families.tolist()]),
        "family_stocks": ("family", [words[n].stocks for n in families.tolist()]),
        "family_polarity": ("family", [_polarity(row) for row in shares]),
        "family_partition": ("family", table.family_partition[families]),
        "family_loops": ("family", np.bincount(table.family, minlength=len(table.families))[families]),
        "partition": ("partition", np.arange(len(found.partitions))),
    }
    return xr.Dataset(variables, coordinates, _attributes(chosen, found, step))


def _kept(found: Found, table: Table, listed: int) -> tuple[NDArray[np.intp], list[str]]:
    """Return which loops are listed, strongest first, and their labels: a name, or a number by rank."""
    order = table.order()
    wanted = [n for rank, n in enumerate(order.tolist()) if rank < listed or found.loops[n] in found.named]
    ids: list[str] = []
    for n in wanted:
        loop = found.named.get(found.loops[n])
        again = sum(id_.partition(" ")[0] == loop.id for id_ in ids) if loop else 0
        ids.append(f"L{len(ids) + 1}" if loop is None else f"{loop.id} ({again + 1})" if again else loop.id)
    return np.array(wanted, dtype=int), ids


MOSTLY: Final = 0.5
"""A family is called after a named loop that makes up at least this fraction of its loops' shares."""


@dataclass(frozen=True, slots=True)
class _Words:
    label: str
    stocks: str


def _family_words(found: Found, table: Table, kept: NDArray[np.intp], ids: Sequence[str]) -> list[_Words]:
    """Describe each family by its stocks, or by the named loop that makes up most of it."""
    whole = np.bincount(table.family, weights=table.shares, minlength=len(table.families))
    best: dict[int, tuple[float, str]] = {}
    for n, id_ in zip(kept.tolist(), ids, strict=True):
        loop, home = found.named.get(found.loops[n]), int(table.family[n])
        share = float(table.shares[n])
        if loop is not None and share >= MOSTLY * whole[home] and share > best.get(home, (0.0, ""))[0]:
            best[home] = (share, f"{id_} {loop.name}" if loop.name != id_ else id_)
    words, taken = [], set[str]()
    for number, family in enumerate(table.families):
        stocks = circle(_stock_names(found, family))
        text = best[number][1] if number in best else stocks
        text = text if text not in taken else f"{text} ({number})"
        taken.add(text)
        words.append(_Words(text, stocks))
    return words


def _stock_names(found: Found, family: Loop) -> list[str]:
    """Return the stocks that a family runs through; the levels of a SMOOTH go by what it smooths into."""
    graph = found.history.graph
    owners = [key if key in graph.visible else key.partition("__")[0] for key in family]
    return [graph.names.get(key, key) for key in dict.fromkeys(owners)]


def circle(names: Sequence[str]) -> str:
    """Return how a loop is described by the stocks that it runs through.

    >>> circle(["debt"]), circle(["capital", "debt"])
    ('debt ↺', 'capital ⇄ debt')
    """
    return " ⇄ ".join(names) if len(names) == 2 else " → ".join(names) + " ↺"


def _polarity(shares: FloatArray) -> str:
    """Return ``R``, ``B`` or ``U`` (now one, now the other), or nothing for a loop that never acts."""
    up, down = float(shares.clip(min=0.0).sum()), float(-shares.clip(max=0.0).sum())
    if up + down == 0.0:
        return ""
    return "R" if up >= CLEAR * (up + down) else "B" if down >= CLEAR * (up + down) else "U"


def _attributes(chosen: Case, found: Found, step: float) -> dict[str, str | float | int]:
    bare = label(replace(chosen, method="euler"), np.empty((chosen.grid.saved, 0)), engine="llvm", outputs=())
    return {
        **{str(key): value for key, value in bare.attrs.items()},
        "step": step,
        "loops": len(found.loops),
        "complete": int(found.complete),
        "partitions": json.dumps([sorted(found.history.graph.names[key] for key in part) for part in found.partitions]),
    }
