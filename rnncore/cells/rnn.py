"""The plain recurrent network (Elman 1990): tanh and ReLU.

    h_t = φ(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)

Source: torch.nn.RNN. Backward: δ_t = dL/dh_t, a_t = δ_t · φ'(·), δ_{t-1} = ∂L/∂h_{t-1} + W_hhᵀ a_t, with
φ' = 1 - h² (tanh) or [h > 0] (ReLU).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnncore.cells.base import Backward, Cell, Forward, Weights, add_project, by_step, project, with_initial

if TYPE_CHECKING:
    from torch import Tensor


class RNNReplay:
    """Replay of torch.nn.RNN."""

    def __init__(self, nonlinearity: str):
        self.nonlinearity = nonlinearity

    def forward(self, x: Tensor, y: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Forward:
        """See ``base.Replay``."""
        pre = project(x, weights.ih, weights.bias)
        states = with_initial(y, h0)
        y, before = states[1:], states[:-1]
        add_project(pre, before, weights.hh)
        if self.nonlinearity == "tanh":
            output, slope = pre.tanh_(), 1 - y * y
        else:
            output, slope = pre.relu_(), (y > 0).to(y.dtype)
        return Forward(y, None, y.new_empty(*y.shape[:2], 0, y.shape[2]), output, {"slope": slope})

    def backward(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Backward:
        """See ``base.Replay``; two operations a step."""
        import torch

        losses, steps, batch, size = grad_output.shape
        direct = by_step(grad_output)
        hidden = grad_output.new_empty(steps, losses, batch, size)
        pre = torch.empty_like(hidden)
        hidden_at, pre_at, slope_at = hidden.unbind(0), pre.unbind(0), forward.saved["slope"].unbind(0)
        hidden_rows = hidden.view(steps, losses * batch, size).unbind(0)
        pre_rows = pre.view(steps, losses * batch, size).unbind(0)
        hidden_rows[-1].copy_(direct[-1])
        for t in range(steps - 1, -1, -1):
            torch.mul(hidden_at[t], slope_at[t], out=pre_at[t])
            if t:
                torch.addmm(direct[t - 1], pre_rows[t], weights.hh, out=hidden_rows[t - 1])
        return Backward(hidden.transpose(0, 1), None, pre.transpose(0, 1).unsqueeze(-2), weights.ih)

    def grad_gates(self, forward: Forward, back: Backward) -> Tensor:
        """There are no gates: (..., T, B, 0, H)."""
        return back.grad_preactivations[..., :0, :]


RNN_TANH = Cell("rnn_tanh", "RNN", "tanh", (), False, (), RNNReplay("tanh"))
RNN_RELU = Cell("rnn_relu", "RNN", "relu", (), False, (), RNNReplay("relu"))
