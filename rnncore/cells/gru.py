"""Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), in torch's variant.

    r_t = σ(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)             reset gate
    z_t = σ(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)             update gate
    n_t = tanh(W_in x_t + b_in + r_t · (W_hn h_{t-1} + b_hn))  new gate
    h_t = (1 - z_t) · n_t + z_t · h_{t-1}

Source: torch.nn.GRU, and its order r, z, n. Backward, with δ = dL/dh_t and m = W_hn h_{t-1} + b_hn:

    a_n = δ·(1-z)·(1-n²),  a_r = a_n·m·r(1-r),  a_z = δ·(h_{t-1}-n)·z(1-z)
    δ_{t-1} = ∂L/∂h_{t-1} + δ·z + W_hhᵀ (a_r, a_z, a_n·r)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnncore.cells.base import Backward, Cell, Forward, Gate, Weights, project, shifted, to_input

if TYPE_CHECKING:
    from torch import Tensor

R, Z, N = range(3)


class GRUReplay:
    """Replay of torch.nn.GRU."""

    def run(self, x: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Tensor:
        """torch's own kernel."""
        import torch

        has_biases = weights.bias_ih is not None
        return torch.gru(x, h0[None], weights.tensors, has_biases, 1, 0.0, False, False, False)[0]

    def forward(self, x: Tensor, y: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Forward:
        """See ``base.Replay``."""
        steps, batch, size = y.shape
        before = shifted(y, h0)
        gates = project(x, weights.ih, weights.bias_ih).view(steps, batch, 3, size)
        recurrent = project(before, weights.hh, weights.bias_hh).view(steps, batch, 3, size)
        gates[:, :, :N] += recurrent[:, :, :N]
        gates[:, :, :N].sigmoid_()
        gates[:, :, N].addcmul_(gates[:, :, R], recurrent[:, :, N]).tanh_()
        z, n = gates[:, :, Z], gates[:, :, N]
        saved = {"before": before, "memory": recurrent[:, :, N]}
        return Forward(y, None, gates, n + z * (before - n), saved)

    def backward(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Backward:
        """See ``base.Replay``; four operations a step, the factors for all steps beforehand."""
        r, z, n = forward.gates.unbind(2)
        before, memory = forward.saved["before"], forward.saved["memory"]
        new = (1 - z) * (1 - n * n)
        factor = r.new_empty(forward.gates.shape)  # at the recurrent side, all times δ
        factor[:, :, R] = new * memory * r * (1 - r)
        factor[:, :, Z] = (before - n) * z * (1 - z)
        factor[:, :, N] = new * r
        losses, steps, batch, size = grad_output.shape
        hidden = grad_output.clone()  # becomes dL/dh_t
        local = grad_output.new_empty(losses, batch, 3, size)
        flat = local.view(losses * batch, 3 * size)
        for t in range(steps - 1, -1, -1):
            delta = hidden[:, t]
            if t < steps - 1:
                delta.addcmul_(hidden[:, t + 1], z[t + 1])
                delta += (flat @ weights.hh).view(losses, batch, size)
            local.copy_(delta.unsqueeze(2) * factor[t])
        pre = hidden.unsqueeze(-2) * factor
        pre[..., N, :] = hidden * new  # at the input side r does not stand before a_n
        return Backward(hidden, None, pre, to_input(pre, weights.ih))

    def grad_gates(self, forward: Forward, back: Backward) -> Tensor:
        """dL/dr = a_n·m, dL/dz = δ·(h_{t-1}-n), dL/dn = δ·(1-z)."""
        _, z, n = forward.gates.unbind(2)
        delta = back.grad_hidden
        found = back.grad_preactivations.new_empty(back.grad_preactivations.shape)
        found[..., R, :] = delta * (1 - z) * (1 - n * n) * forward.saved["memory"]
        found[..., Z, :] = delta * (forward.saved["before"] - n)
        found[..., N, :] = delta * (1 - z)
        return found


GRU = Cell(
    "gru",
    "GRU",
    "",
    (Gate("reset", "r", True), Gate("update", "z", True), Gate("new", "n", False)),
    False,
    (("z", 1),),
    GRUReplay(),
)
