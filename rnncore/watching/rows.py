"""Numbers of single steps on their way from a watched loop to the series in the store."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from rnncore.errors import WatchError

FAST, FEW = 20.0, 8
"""Rows a second from which on those without a gradient norm are left out of the series, but for so few at a time."""


class Row:
    """One row of the train series; loss and norm may still be tensors."""

    __slots__ = ("clip_norm", "grad_norm", "loss", "lr", "seconds", "step")

    def __init__(self, step: int, seconds: float, clip_norm: float, lr: float):
        self.step, self.seconds, self.clip_norm, self.lr = step, seconds, clip_norm, lr
        self.loss: float | Tensor | None = None
        self.grad_norm: float | Tensor | None = None


def number(name: str, value: float | Tensor | None) -> float | Tensor | None:
    """A single number, or a tensor that holds one."""
    if value is None:
        return None
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise WatchError(f"{name} must be a single number, got a tensor of shape {tuple(value.shape)}; use .mean()")
        return value.detach().reshape(())
    try:
        return float(value)
    except (TypeError, ValueError):
        raise WatchError(f"{name} must be a single number, got {value!r}; use .item()") from None


def numbers(rows: list[Row]) -> list[tuple[float, ...]]:
    """The rows as floats in the order of ``TRAIN_SERIES``; tensors of one device are read in one go."""
    tensors = [value for row in rows for value in (row.loss, row.grad_norm) if isinstance(value, Tensor)]
    read: dict[int, float] = {}
    for device in {tensor.device for tensor in tensors}:
        there = [tensor for tensor in tensors if tensor.device == device]
        values = torch.stack([tensor.double() for tensor in there]).tolist()
        read |= dict(zip(map(id, there), values, strict=True))

    def plain(value: float | Tensor | None) -> float:
        if value is None:
            return math.nan
        return read[id(value)] if isinstance(value, Tensor) else value

    return [(row.step, row.seconds, plain(row.loss), plain(row.grad_norm), row.clip_norm, row.lr) for row in rows]


def thinned(rows: list[tuple[float, ...]], seconds: float) -> list[tuple[float, ...]]:
    """Of a fast loop, the rows whose gradient norm was measured, and those that went wrong."""
    if len(rows) <= max(FAST * seconds, FEW) or all(math.isnan(row[3]) for row in rows):
        return rows
    return [row for row in rows if not math.isnan(row[3]) or math.isinf(row[2]) or math.isnan(row[2])]
