"""Gradient magnitude across time, from a probe's traces."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncore.records import Array, GradientFlow

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST = 1e-35
"""Norms below this are at the end of float32's range and tell nothing about the decay."""


def fit_decay(norms: Array, lags: Array) -> tuple[float, float]:
    """Factor per step and half-life in steps of an exponential decay, by least squares on log norms.

    Args:
        norms: gradient norms at each lag, (N,); zeros, denormals and non-finite values are left out.
        lags: steps between loss and gradient, (N,).

    Returns:
        ``(factor, half_life)``: the fitted ‖·‖ ∝ factor**lag, and ln ½ / ln factor (negative where the
        gradient grows: then it is the doubling time). Both nan with fewer than three usable points.
    """
    norms, lags = np.asarray(norms, float), np.asarray(lags, float)
    usable = np.isfinite(norms) & (norms > SMALLEST)
    if usable.sum() < 3:
        return math.nan, math.nan
    slope = np.polyfit(lags[usable], np.log(norms[usable]), 1)[0]
    return math.exp(slope), (math.log(0.5) / slope if slope else math.inf)


def sequence_norms(gradients: Tensor, scale: float) -> Array:
    """Norm over units, root mean square over sequences: (..., T, B, H) → (..., T), in float64: squares underflow."""
    import torch

    over_units = torch.linalg.vector_norm(gradients.detach(), dim=-1, dtype=torch.float64)
    return (over_units.square().mean(-1).sqrt() * scale).cpu().numpy()


def gradient_flow(
    layers: list[Any], last: list[Any], *, cell: str, step: int, scale: float, cost_ms: float = 0.0,
    inputs: tuple[Tensor, Tensor] | None = None, field: int = 0,
) -> GradientFlow:  # fmt: skip
    """The record of one probe.

    Args:
        layers: one trace per layer, with the gradients of the whole loss (see ``rnncore.probe``).
        last: per layer, an object with ``grad_hidden`` and ``grad_carried`` of the last step's loss alone.
        cell: the cell's name.
        step: completed training steps.
        scale: factor that turns the mean loss's gradient into that of one sequence's summed loss, T·B.
        cost_ms: what the probe cost, milliseconds.
        inputs: gradients at what the first layer reads, of the whole loss and of the last step's alone, (T, B, D).
        field: steps that the last output can depend on, 0 for all.
    """
    hidden_last = np.stack([sequence_norms(one.grad_hidden, scale) for one in last])
    length = hidden_last.shape[1]
    lags = np.arange(length - 1, -1, -1)
    fits = [fit_decay(row, lags) for row in hidden_last]
    has_cell = layers[0].grad_carried is not None
    none = np.zeros((0, length), np.float32)
    cells_total = [sequence_norms(one.grad_carried, scale) for one in layers] if has_cell else []
    cells_last = [sequence_norms(one.grad_carried, scale) for one in last] if has_cell else []
    at_input = [] if inputs is None else [sequence_norms(one, scale) for one in inputs]
    return GradientFlow(
        step=step,
        cell=cell,
        sequences=int(layers[0].hidden.shape[1]),
        hidden_total=_float32([sequence_norms(one.grad_hidden, scale) for one in layers]),
        hidden_last=hidden_last.astype(np.float32),
        hidden_direct=_float32([sequence_norms(one.grad_output, scale) for one in layers]),
        cell_total=_float32(cells_total) if has_cell else none,
        cell_last=_float32(cells_last) if has_cell else none,
        factor=np.array([factor for factor, _ in fits]),
        half_life=np.array([half_life for _, half_life in fits]),
        replay_error=max(float(one.replay_error) for one in layers),
        cost_ms=cost_ms,
        input_total=at_input[0] if at_input else np.zeros(0),
        input_last=at_input[1] if at_input else np.zeros(0),
        field=field,
    )


def _float32(rows: list[Array]) -> Array:
    return np.stack(rows).astype(np.float32)
