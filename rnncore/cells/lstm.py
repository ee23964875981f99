"""Long short-term memory (Hochreiter & Schmidhuber 1997; with forget gate, Gers et al. 2000).

    i_t = σ(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)      input gate
    f_t = σ(W_if x_t + b_if + W_hf h_{t-1} + b_hf)      forget gate
    g_t = tanh(W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)   cell gate
    o_t = σ(W_io x_t + b_io + W_ho h_{t-1} + b_ho)      output gate
    c_t = f_t · c_{t-1} + i_t · g_t
    h_t = o_t · tanh(c_t)

Source: torch.nn.LSTM, and its order i, f, g, o. Backward, with δh = dL/dh_t and δc = dL/dc_t:

    δh_t = ∂L/∂h_t + W_hhᵀ a_{t+1}
    δc_t = ∂L/∂c_t + δc_{t+1} · f_{t+1} + δh_t · o_t · (1 - tanh² c_t)
    a_t  = (δc·g·i(1-i), δc·c_{t-1}·f(1-f), δc·i·(1-g²), δh·tanh(c)·o(1-o))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnncore.cells.base import Backward, Cell, Forward, Gate, Weights, project, shifted, to_input

if TYPE_CHECKING:
    from torch import Tensor

I, F, G, O = range(4)


class LSTMReplay:
    """Replay of torch.nn.LSTM."""

    def run(self, x: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Tensor:
        """torch's own kernel."""
        import torch

        assert c0 is not None
        state = (h0[None], c0[None])
        has_biases = weights.bias_ih is not None
        return torch.lstm(x, state, weights.tensors, has_biases, 1, 0.0, False, False, False)[0]

    def forward(self, x: Tensor, y: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Forward:
        """See ``base.Replay``."""
        assert c0 is not None
        steps, batch, size = y.shape
        pre = project(x, weights.ih, weights.bias_ih)
        pre += project(shifted(y, h0), weights.hh, weights.bias_hh)
        gates = pre.view(steps, batch, 4, size)
        gates[:, :, :G].sigmoid_()
        gates[:, :, G].tanh_()
        gates[:, :, O].sigmoid_()
        cell = gates[:, :, I] * gates[:, :, G]
        forget, before = gates[:, :, F], c0
        for kept, now in zip(forget.unbind(0), cell.unbind(0), strict=True):
            before = now.addcmul_(kept, before)
        squashed = cell.tanh()
        saved = {"cell_before": shifted(cell, c0), "squashed": squashed}
        return Forward(y, cell, gates, gates[:, :, O] * squashed, saved)

    def backward(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Backward:
        """See ``base.Replay``; six operations a step, the factors for all steps beforehand."""
        gates, squashed = forward.gates, forward.saved["squashed"]
        i, f, g, o = gates.unbind(2)
        factor = gates.new_empty(gates.shape)  # a_t = factor · (δc, δc, δc, δh)
        factor[:, :, I] = g * i * (1 - i)
        factor[:, :, F] = forward.saved["cell_before"] * f * (1 - f)
        factor[:, :, G] = i * (1 - g * g)
        factor[:, :, O] = squashed * o * (1 - o)
        through = o * (1 - squashed * squashed)  # ∂h_t/∂c_t
        losses, steps, batch, size = grad_output.shape
        hidden = grad_output.clone()  # becomes dL/dh_t
        cell = grad_output.new_empty(grad_output.shape)
        pre = grad_output.new_empty(losses, steps, batch, 4, size)
        local = grad_output.new_empty(losses, batch, 4, size)
        flat = local.view(losses * batch, 4 * size)
        for t in range(steps - 1, -1, -1):
            delta_h, delta_c = hidden[:, t], cell[:, t]
            if t < steps - 1:
                delta_h += (flat @ weights.hh).view(losses, batch, size)
                delta_c.copy_(cell[:, t + 1]).mul_(f[t + 1])
            else:
                delta_c.zero_()
            if t in cell_arrivals:
                delta_c += cell_arrivals[t]
            delta_c.addcmul_(delta_h, through[t])
            local[:, :, :O] = delta_c.unsqueeze(2) * factor[t, :, :O]
            local[:, :, O] = delta_h * factor[t, :, O]
            pre[:, t] = local
        return Backward(hidden, cell, pre, to_input(pre, weights.ih))

    def grad_gates(self, forward: Forward, back: Backward) -> Tensor:
        """dL/di = δc·g, dL/df = δc·c_{t-1}, dL/dg = δc·i, dL/do = δh·tanh(c)."""
        assert back.grad_cell is not None
        i, _, g, _ = forward.gates.unbind(2)
        delta_c, delta_h = back.grad_cell, back.grad_hidden
        before, squashed = forward.saved["cell_before"], forward.saved["squashed"]
        found = back.grad_preactivations.new_empty(back.grad_preactivations.shape)
        found[..., I, :] = delta_c * g
        found[..., F, :] = delta_c * before
        found[..., G, :] = delta_c * i
        found[..., O, :] = delta_h * squashed
        return found


LSTM = Cell(
    "lstm",
    "LSTM",
    "",
    (Gate("input", "i", True), Gate("forget", "f", True), Gate("cell", "g", False), Gate("output", "o", True)),
    True,
    (("f", 1), ("i", -1)),
    LSTMReplay(),
)
