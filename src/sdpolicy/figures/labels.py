"""Where labels go so that they never overlap: one-dimensional, exact, no drawing and no matplotlib."""

from __future__ import annotations

from collections.abc import Sequence


def spread(wanted: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Return centres for labels of the given heights that touch at most and stay near the wanted centres.

    The sum of squared moves is the least that is possible when the labels keep their order; the set is then
    shifted into [low, high]. Where they can't all fit, they are stacked from ``low`` on.
    This is isotonic regression by pooling adjacent violators (Barlow et al. 1972, Statistical Inference
    under Order Restrictions) on the centres less the heights stacked below them.

    >>> spread([10.0, 11.0, 50.0], [4.0, 4.0, 4.0], 0.0, 100.0)
    [8.5, 12.5, 50.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    offsets, below = [], 0.0
    for i in order:
        offsets.append(below + heights[i] / 2)
        below += heights[i]
    highest = max(high - below, low)
    pools: list[tuple[float, int]] = []
    for i, offset in zip(order, offsets, strict=True):
        pools.append((wanted[i] - offset, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (upper, n), (lower, m) = pools.pop(), pools.pop()
            pools.append(((upper * n + lower * m) / (n + m), n + m))
    levels = [min(max(mean, low), highest) for mean, count in pools for _ in range(count)]
    centres = [0.0] * len(wanted)
    for i, level, offset in zip(order, levels, offsets, strict=True):
        centres[i] = level + offset
    return centres


def short_names(names: Sequence[str]) -> list[str]:
    """Return names for line ends: the words that all share are left out, hyphens become blanks.

    Names that would be equal are numbered.

    >>> short_names(["korea", "korea-no-directed-credit", "korea-open-1985"])
    ['Korea', 'No directed credit', 'Open 1985']
    """
    words = [name.replace("_", " ").replace("-", " ").split() for name in names]
    shared = 0
    if len(words) > 1:
        while len({tuple(part[: shared + 1]) for part in words if part}) == 1 and shared < min(map(len, words)):
            shared += 1
    texts = [" ".join(part[shared:] or part) for part in words]
    named = [text[:1].upper() + text[1:] or "Run" for text in texts]
    return [f"{name} ({named[:i].count(name) + 1})" if name in named[:i] else name for i, name in enumerate(named)]
