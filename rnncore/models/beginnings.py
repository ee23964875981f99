"""The step of every beam search: of all ways in which the beginnings kept so far can go on, which ones stay."""

from __future__ import annotations

import math

from torch import Tensor


def best(scores: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """The best of scores (A, V), in order: score, row and column of each. Impossible ones only where all are."""
    best, place = scores.flatten().topk(min(width, scores.numel()))
    possible = best > -math.inf
    possible[0] = True
    best, place = best[possible], place[possible]
    return best, place // scores.shape[1], place % scores.shape[1]
