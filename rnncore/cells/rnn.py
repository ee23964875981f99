"""The plain recurrent network (Elman 1990): tanh and ReLU.

    h_t = φ(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)

Source: torch.nn.RNN. Backward: δ_t = dL/dh_t, a_t = δ_t · φ'(·), δ_{t-1} = ∂L/∂h_{t-1} + W_hhᵀ a_t, with
φ' = 1 - h² (tanh) or [h > 0] (ReLU).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnncore.cells.base import Backward, Cell, Forward, Weights, project, shifted, to_input

if TYPE_CHECKING:
    from torch import Tensor


class RNNReplay:
    """Replay of torch.nn.RNN."""

    def __init__(self, nonlinearity: str):
        self.nonlinearity = nonlinearity

    def run(self, x: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Tensor:
        """torch's own kernel."""
        import torch

        kernel = torch.rnn_tanh if self.nonlinearity == "tanh" else torch.rnn_relu
        has_biases = weights.bias_ih is not None
        return kernel(x, h0[None], weights.tensors, has_biases, 1, 0.0, False, False, False)[0]

    def forward(self, x: Tensor, y: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Forward:
        """See ``base.Replay``."""
        pre = project(x, weights.ih, weights.bias_ih)
        pre += project(shifted(y, h0), weights.hh, weights.bias_hh)
        if self.nonlinearity == "tanh":
            output, slope = pre.tanh_(), 1 - y * y
        else:
            output, slope = pre.relu_(), (y > 0).to(y.dtype)
        return Forward(y, None, y.new_empty(*y.shape[:2], 0, y.shape[2]), output, {"slope": slope})

    def backward(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Backward:
        """See ``base.Replay``; two operations a step."""
        slope = forward.saved["slope"]
        hidden = grad_output.clone()  # becomes dL/dh_t
        pre = grad_output.new_empty(grad_output.shape)
        losses, steps, batch, size = grad_output.shape
        flat = (losses * batch, size)
        arriving = hidden.new_zeros(flat)
        for t in range(steps - 1, -1, -1):
            delta = hidden[:, t]
            if t < steps - 1:
                delta += arriving.view(losses, batch, size)
            local = delta * slope[t]
            pre[:, t] = local
            arriving = local.view(flat) @ weights.hh
        pre = pre.unsqueeze(-2)
        return Backward(hidden, None, pre, to_input(pre, weights.ih))

    def grad_gates(self, forward: Forward, back: Backward) -> Tensor:
        """There are no gates: (..., T, B, 0, H)."""
        return back.grad_preactivations[..., :0, :]


RNN_TANH = Cell("rnn_tanh", "RNN", "tanh", (), False, (), RNNReplay("tanh"))
RNN_RELU = Cell("rnn_relu", "RNN", "relu", (), False, (), RNNReplay("relu"))
