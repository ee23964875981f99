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

from rnncore.cells.base import Backward, Cell, Forward, Gate, Weights, by_step, project, with_initial

if TYPE_CHECKING:
    from torch import Tensor

R, Z, N = range(3)


class GRUReplay:
    """Replay of torch.nn.GRU."""

    def forward(self, x: Tensor, y: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Forward:
        """See ``base.Replay``."""
        import torch

        steps, batch, size = y.shape
        hidden = with_initial(y, h0)
        before = hidden[:-1]
        gates = project(x, weights.ih, weights.bias_ih).view(steps, batch, 3, size)
        recurrent = project(before, weights.hh, weights.bias_hh).view(steps, batch, 3, size)
        gates[:, :, :N] += recurrent[:, :, :N]
        gates[:, :, :N].sigmoid_()
        gates[:, :, N].addcmul_(gates[:, :, R], recurrent[:, :, N]).tanh_()
        z, n = gates[:, :, Z], gates[:, :, N]
        saved = {"before": before, "memory": recurrent[:, :, N]}
        return Forward(hidden[1:], None, gates, torch.lerp(n, before, z), saved)

    def backward(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Backward:
        """See ``base.Replay``; three operations a step."""
        import torch

        factor, candidate = _factors(forward)
        losses, steps, batch, size = grad_output.shape
        direct = by_step(grad_output)
        hidden = grad_output.new_empty(steps, losses, batch, size)
        product = grad_output.new_empty(steps, losses, batch, 3, size)  # at the recurrent side
        hidden_at, hidden_wide, product_at = hidden.unbind(0), hidden.unsqueeze(3).unbind(0), product.unbind(0)
        hidden_rows = hidden.view(steps, losses * batch, size).unbind(0)
        product_rows = product.view(steps, losses * batch, 3 * size).unbind(0)
        direct_at = [rows.view(losses, batch, size) for rows in direct]
        factor_at, update_at = factor.unbind(0), forward.gates[:, :, Z].unbind(0)
        hidden_rows[-1].copy_(direct[-1])
        for t in range(steps - 1, -1, -1):
            torch.mul(hidden_wide[t], factor_at[t], out=product_at[t])
            if t:
                torch.addcmul(direct_at[t - 1], hidden_at[t], update_at[t], out=hidden_at[t - 1])
                hidden_rows[t - 1].addmm_(product_rows[t], weights.hh)
        # nothing reads the recurrent side any more; at the input side r does not stand before a_n
        torch.mul(hidden, candidate.unsqueeze(1), out=product[:, :, :, N])
        return Backward(hidden.transpose(0, 1), None, product.transpose(0, 1), weights.ih)

    def grad_gates(self, forward: Forward, back: Backward) -> Tensor:
        """dL/dr = a_n·m, dL/dz = δ·(h_{t-1}-n), dL/dn = δ·(1-z)."""
        _, z, n = forward.gates.unbind(2)
        delta = back.grad_hidden
        found = back.grad_preactivations.new_empty(back.grad_preactivations.shape)
        found[..., R, :] = delta * (1 - z) * (1 - n * n) * forward.saved["memory"]
        found[..., Z, :] = delta * (forward.saved["before"] - n)
        found[..., N, :] = delta * (1 - z)
        return found


def _factors(forward: Forward) -> tuple[Tensor, Tensor]:
    """Local derivatives at the recurrent side, (T, B, 3, H), and of a_n, (T, B, H); kept for further losses."""
    import torch

    saved = forward.saved
    if "factor" not in saved:
        aten = torch.ops.aten  # slope(value, gate) = value · gate' in one pass over memory
        r, z, n = forward.gates.unbind(2)
        candidate = aten.tanh_backward(1 - z, n)
        factor = r.new_empty(forward.gates.shape)
        aten.sigmoid_backward.grad_input(candidate * saved["memory"], r, grad_input=factor[:, :, R])
        aten.sigmoid_backward.grad_input(saved["before"] - n, z, grad_input=factor[:, :, Z])
        torch.mul(candidate, r, out=factor[:, :, N])
        saved["factor"], saved["candidate"] = factor, candidate
    return saved["factor"], saved["candidate"]


GRU = Cell(
    "gru",
    "GRU",
    "",
    (Gate("reset", "r", True), Gate("update", "z", True), Gate("new", "n", False)),
    False,
    (("z", 1),),
    GRUReplay(),
)
