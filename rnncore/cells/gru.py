"""Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), in torch's variant.

    r_t = σ(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)             reset gate
    z_t = σ(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)             update gate
    n_t = tanh(W_in x_t + b_in + r_t · (W_hn h_{t-1} + b_hn))  new gate
    h_t = (1 - z_t) · n_t + z_t · h_{t-1}

Source: torch.nn.GRU, and its order r, z, n. Backward, with δ = dL/dh_t and m = W_hn h_{t-1} + b_hn:

    a_n = δ·(1-z)·(1-n²),  a_r = a_n·m·r(1-r),  a_z = δ·(h_{t-1}-n)·z(1-z)
    δ_{t-1} = ∂L/∂h_{t-1} + δ·z + W_hhᵀ (a_r, a_z, a_n·r)

Step Jacobian, with ∂h/∂n = (1-z)·(1-n²) before the tanh and ∂h/∂z = (h_{t-1}-n)·z(1-z) before the sigmoid:

    ∂h_t/∂h_{t-1} = diag(z) + diag(∂h/∂n·m·r(1-r)) W_hr + diag(∂h/∂z) W_hz + diag(∂h/∂n·r) W_hn
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnncore.cells.base import (
    About,
    Backward,
    Cell,
    Ends,
    Forward,
    Gate,
    Weights,
    by_loss,
    for_each,
    in_rows,
    through_gates,
    with_initial,
)
from rnncore.cells.products import adder, linear

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
        gates = linear(x, weights.ih, weights.bias_ih).view(steps, batch, 3, size)
        recurrent = linear(before, weights.hh, weights.bias_hh).view(steps, batch, 3, size)
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
        factor, candidate = _factors(forward)
        losses = len(grad_output)
        hidden, product = in_rows(grad_output), for_each(losses, factor)  # product: at the recurrent side
        hidden_at, hidden_wide = hidden.unbind(0), hidden.unsqueeze(2).unbind(0)
        product_at, product_rows = product.unbind(0), product.flatten(2).unbind(0)
        update_at = for_each(losses, forward.gates[:, :, Z]).unbind(0)
        add = adder(weights.hh, hidden.shape[1])
        for t in range(len(hidden) - 1, -1, -1):
            product_at[t].mul_(hidden_wide[t])
            if t:
                hidden_at[t - 1].addcmul_(hidden_at[t], update_at[t])
                add(hidden_at[t - 1], product_rows[t])
        pre, grad_hidden = by_loss(product, losses), by_loss(hidden, losses)
        # nothing reads the recurrent side any more; at the input side r does not stand before a_n
        pre[..., N, :] = grad_hidden * candidate
        return Backward(grad_hidden, None, pre, weights.ih)

    def carry(self, forward: Forward, weights: Weights, losses: int, with_input: bool) -> GRUCarry:
        """See ``base.Replay``."""
        return GRUCarry(forward, weights, losses, with_input)

    def grad_gates(self, forward: Forward, back: Backward) -> Tensor:
        """dL/dr = a_n·m, dL/dz = δ·(h_{t-1}-n), dL/dn = δ·(1-z)."""
        _, z, n = forward.gates.unbind(2)
        delta = back.grad_hidden
        found = back.grad_preactivations.new_empty(back.grad_preactivations.shape)
        found[..., R, :] = delta * (1 - z) * (1 - n * n) * forward.saved["memory"]
        found[..., Z, :] = delta * (forward.saved["before"] - n)
        found[..., N, :] = delta * (1 - z)
        return found

    def jacobian(self, forward: Forward, weights: Weights) -> Tensor:
        """See ``base.Replay``: (T, B, H, H)."""
        factor, _ = _factors(forward)
        found = through_gates(factor, weights.hh)
        found.diagonal(dim1=-2, dim2=-1).add_(forward.gates[:, :, Z])
        return found


class GRUCarry:
    """See ``base.Carry``."""

    def __init__(self, forward: Forward, weights: Weights, losses: int, with_input: bool):
        self.factor, self.candidate = _factors(forward)
        self.update = forward.gates[:, :, Z]
        batch = forward.hidden.shape[1]
        self.product = self.factor.new_empty(losses, batch, 3, self.factor.shape[-1])
        self.ends, self.with_input = Ends(weights, losses * batch // 2, with_input), with_input

    def total(self, t: int, hidden: Tensor, cell: None) -> None:
        """See ``base.Carry``; there is no cell state."""

    def leave(self, t: int, hidden: Tensor, cell: None) -> Tensor | None:
        """See ``base.Carry``."""
        from torch import mul

        pre = self.product[: len(hidden)]  # at the recurrent side
        mul(hidden.unsqueeze(2), self.factor[t], out=pre)
        at_input = hidden * self.candidate[t] if self.with_input else None
        self.ends.hidden(hidden.mul_(self.update[t]), pre)
        if at_input is not None:
            pre[:, :, N] = at_input
        return self.ends.input(pre)


def _factors(forward: Forward) -> tuple[Tensor, Tensor]:
    """Local derivatives at the recurrent side, (T, B, 3, H), and of a_n, (T, B, H)."""
    import torch

    aten = torch.ops.aten  # slope(value, gate) = value · gate' in one pass over memory
    r, z, n = forward.gates.unbind(2)
    candidate = aten.tanh_backward(1 - z, n)
    factor = r.new_empty(forward.gates.shape)
    aten.sigmoid_backward.grad_input(candidate * forward.saved["memory"], r, grad_input=factor[:, :, R])
    aten.sigmoid_backward.grad_input(forward.saved["before"] - n, z, grad_input=factor[:, :, Z])
    torch.mul(candidate, r, out=factor[:, :, N])
    return factor, candidate


GRU = Cell(
    "gru",
    "GRU",
    "",
    (Gate("reset", "r", True), Gate("update", "z", True), Gate("new", "n", False)),
    False,
    (("z", 1),),
    GRUReplay(),
    about=About(
        "Cho et al. 2014, arXiv:1406.1078",
        "One gate keeps the state, another decides what the new value sees of it.",
        r"\begin{aligned} r_t &= \sigma(\cdot),\; z_t = \sigma(\cdot),\; n_t = \tanh(W_n x_t + b + r_t \odot "
        r"(U_n h_{t-1} + b')) \\ h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1} \end{aligned}",
        ("h<sub>t</sub> = z ⊙ h<sub>t−1</sub> + (1 − z) ⊙ n",),
    ),
)
