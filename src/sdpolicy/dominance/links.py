"""How much of each change each link carried: link scores for every step of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import numpy as np

from sdpolicy.dominance.arithmetic import Column, FloatArray, evaluate
from sdpolicy.dominance.graph import Link
from sdpolicy.dominance.run import History
from sdpolicy.expression import Node, references

Version = Literal["2023", "2020"]
"""How a link from a flow to a stock is scored."""

ROUNDING: Final = 8 * np.finfo(np.float64).eps
"""A change smaller than this fraction of the value is rounding, not a change."""


def link_scores(
    history: History, links: Iterable[Link] | None = None, version: Version = "2023"
) -> dict[Link, FloatArray]:
    """Return the score of each link at every time of ``history``.

    The score of x -> z is how much z would have changed if x alone had changed since the step before, as a
    fraction of how much z did change; it is positive where x moves z in its own direction. It is 0 where one of
    the two did not change, and in the first steps, which have no step before. Schoenberg, Davidsen & Eberlein
    (2020), doi:10.1002/sdr.1658.

    A flow's link to its stock is scored by the change of the flow as a fraction of the change of the net flow
    over the same step (Schoenberg, Hayward & Eberlein 2023, doi:10.1002/sdr.1728), positive where it fills and
    negative where it drains; with ``version`` 2020 by the flow itself as a fraction of the net flow, as the
    first paper had it.

    Args:
        links: those to score; by default all.
        version: see above.
    """
    wanted = history.graph.links if links is None else tuple(links)
    terms = {(key, stock): sign for stock, listed in history.graph.flows.items() for key, sign in listed}
    found: dict[Link, FloatArray] = {}
    with np.errstate(all="ignore"):
        for link in wanted:
            if link in terms:
                found[link] = _into_stock(history, link, terms[link], version)
            elif history.graph.carried.get(link[1]) == link[0]:
                found[link] = _carried(history, link)
            else:
                found[link] = _instant(history, link)
    return found


def _instant(history: History, link: Link) -> FloatArray:
    """|change of z by x alone / change of z|, with the sign of (change of z by x alone / change of x)."""
    source, target = link
    body = history.graph.bodies[target]
    x, z = _column(history, source), _column(history, target)
    alone = partial(history, body, source) - z[:-1]
    dx, dz = np.diff(x), np.diff(z)
    moved = ~_still(x) & ~_still(z) & (np.abs(alone) > ROUNDING * np.abs(z[:-1]))
    score = np.abs(alone / dz) * np.sign(alone) * np.sign(dx)
    return _padded(np.where(moved, score, 0.0), len(z))


def partial(history: History, body: Node, source: str) -> FloatArray:
    """Return what ``body`` would be after each step if ``source`` alone had changed in it."""
    values: dict[str, Column] = {}
    for name in references(body):
        column = _column(history, name)
        values[name] = column[1:] if name == source else column[:-1]
    return np.broadcast_to(np.asarray(evaluate(body, values, history.curves)), (len(history.time) - 1,))


def _into_stock(history: History, link: Link, sign: int, version: Version) -> FloatArray:
    flow, net = _column(history, link[0]), net_flow(history, link[1])
    if version == "2020":
        score = np.where(net[:-1] != 0.0, sign * np.abs(flow[:-1] / net[:-1]), 0.0)
        return _padded(score, len(flow))
    changed = ~_still(flow) & ~_still(net, _size(history, link[1]))
    score = np.where(changed, sign * np.abs(np.diff(flow) / np.diff(net)), 0.0)
    return _padded(score, len(flow))


def net_flow(history: History, stock: str) -> FloatArray:
    """Return the net flow into a stock at every time."""
    total = np.zeros(len(history.time))
    for key, sign in history.graph.flows[stock]:
        total = total + sign * _column(history, key)
    return total


def _size(history: History, stock: str) -> FloatArray:
    """Return the sum of a stock's flows without their signs: what the rounding of their sum is measured by."""
    flows = [np.abs(_column(history, key)) for key, _ in history.graph.flows[stock]]
    return np.sum(flows, axis=0) if flows else np.zeros(len(history.time))


def _carried(history: History, link: Link) -> FloatArray:
    """What a memory or delay line gives out is what went in: the link carries the whole of any change."""
    out = _column(history, link[1])
    return _padded(np.where(_still(out), 0.0, 1.0), len(out))


def _column(history: History, key: str) -> FloatArray:
    return np.broadcast_to(np.asarray(history.values[key], dtype=np.float64), history.time.shape)


def _still(values: FloatArray, size: FloatArray | None = None) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Tell, for each step, whether a value stayed as it was but for rounding."""
    size = np.abs(values) if size is None else size
    still: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = np.abs(np.diff(values)) <= ROUNDING * np.maximum(
        size[1:], size[:-1]
    )
    return still


def _padded(scores: FloatArray, length: int) -> FloatArray:
    """Return ``scores`` with zeros before, for the steps that have none; what is not finite counts as 0."""
    result = np.zeros(length)
    result[length - len(scores) :] = np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0)
    return result


def polarity(scores: Mapping[Link, FloatArray]) -> dict[Link, int]:
    """Return, for each link, 1 or -1 where it never had another sign, else 0."""
    signs = {link: set(np.sign(values[values != 0.0]).astype(int)) for link, values in scores.items()}
    return {link: found.pop() if len(found) == 1 else 0 for link, found in signs.items()}
