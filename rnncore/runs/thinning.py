"""Which of many snapshots to let go, so that hours of training stay small: the newest stay, and before them
ones that are spaced evenly on a logarithmic axis of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence


def surplus(
    steps: Sequence[int],
    sizes: Sequence[int],
    *,
    recent: int,
    spaced: int,
    limit: float = math.inf,
) -> list[int]:
    """The steps to delete, so that ``recent`` newest, at most ``spaced`` older, and ``limit`` bytes remain.

    One after the other, the older snapshot goes whose neighbours are closest in log(step), so what remains is
    log-spaced at all times, without a grid that would have to be known beforehand. The first one stays. Where
    the limit leaves no room for ``recent``, those thin out too, down to the very newest one.

    Args:
        steps: ascending, ≥ 0.
        sizes: bytes of each.
        recent: how many of the newest are safe, ≥ 1.
        spaced: how many older ones may stay.
        limit: bytes in total.
    """
    left = list(zip(steps, sizes, strict=True))
    total = sum(sizes)
    gone: list[int] = []
    for safe in (recent, 1):
        while total > limit or (safe == recent and len(left) > recent + spaced):
            index = _most_crowded(left, len(left) - safe)
            if index is None:
                break
            step, size = left.pop(index)
            total -= size
            gone.append(step)
    return gone


def _most_crowded(left: list[tuple[int, int]], end: int) -> int | None:
    """Among left[1:end], the index whose neighbours are closest in log(step); then the first one."""
    if end > 1 and len(left) > 2:
        stop = min(end, len(left) - 1)
        return min(range(1, stop), key=lambda i: (left[i + 1][0] + 1) / (left[i - 1][0] + 1))
    return 0 if end > 0 and len(left) > 1 else None
