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

Step Jacobian of s = (h, c), with u = o·(1 - tanh² c):

    ∂c_t/∂c_{t-1} = diag(f),    ∂c_t/∂h_{t-1} = diag(g·i(1-i)) W_hi + diag(c_{t-1}·f(1-f)) W_hf + diag(i·(1-g²)) W_hg
    ∂h_t/∂c_{t-1} = diag(u·f),  ∂h_t/∂h_{t-1} = diag(u) ∂c_t/∂h_{t-1} + diag(tanh(c)·o(1-o)) W_ho

Over several steps, diag(Π f) is only the direct path from c to c, with the gates held fixed; the whole ∂c_T/∂c_0 is the
lower right block of the product of J_t, which also counts the ways through h and the gates.
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
    joint,
    through_gates,
    with_initial,
)
from rnncore.cells.products import adder

if TYPE_CHECKING:
    from torch import Tensor

I, F, G, O = range(4)


class LSTMReplay:
    """Replay of torch.nn.LSTM."""

    def forward(self, x: Tensor, y: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Forward:
        """See ``base.Replay``."""
        import torch

        assert c0 is not None
        steps, batch, size = y.shape
        hidden = with_initial(y, h0)
        pre = joint(x, hidden[:-1], weights)
        gates = pre.view(steps, batch, 4, size)
        gates[:, :, :G].sigmoid_()
        gates[:, :, G].tanh_()
        gates[:, :, O].sigmoid_()
        states = y.new_empty(steps + 1, batch, size)  # c_{-1}, c_0, ...
        states[0] = c0
        before, cell = states[:-1], states[1:]
        torch.mul(gates[:, :, I], gates[:, :, G], out=cell)
        state_at, forget_at = states.unbind(0), gates[:, :, F].unbind(0)
        for t in range(steps):
            state_at[t + 1].addcmul_(forget_at[t], state_at[t])
        squashed = cell.tanh()
        saved = {"before": hidden[:-1], "cell_before": before, "squashed": squashed}
        return Forward(hidden[1:], cell, gates, gates[:, :, O] * squashed, saved)

    def backward(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Backward:
        """See ``base.Replay``; four operations a step.

        The products of a step hold δc·f, which the step before receives, and a_t beside it: one multiplication
        by δc gives δc·f and three gates' a_t, and the matrix product reads the four a_t where they lie.
        """
        from torch import addcmul

        factor, through = _factors(forward)
        losses = len(grad_output)
        hidden = in_rows(grad_output)
        product, cell = for_each(losses, factor), for_each(losses, through)
        hidden_at, cell_at, cell_wide = hidden.unbind(0), cell.unbind(0), cell.unsqueeze(2).unbind(0)
        received_at, by_cell, by_hidden = (
            part.unbind(0) for part in (product[:, :, 0], product[:, :, :4], product[:, :, 4])
        )
        gate_rows = product.flatten(2)[:, :, hidden.shape[2] :].unbind(0)
        zero = hidden.new_zeros(hidden.shape[1:])
        add = adder(weights.hh, hidden.shape[1])
        for t in range(len(hidden) - 1, -1, -1):
            last = t == len(hidden) - 1
            if not last:
                add(hidden_at[t], gate_rows[t + 1])
            received = zero if last else received_at[t + 1]
            if t in cell_arrivals:
                received.unflatten(0, (losses, -1)).add_(cell_arrivals[t])
            addcmul(received, hidden_at[t], cell_at[t], out=cell_at[t])
            by_cell[t].mul_(cell_wide[t])
            by_hidden[t].mul_(hidden_at[t])
        pre = by_loss(product[:, :, 1:], losses)
        return Backward(by_loss(hidden, losses), by_loss(cell, losses), pre, weights.ih)

    def carry(self, forward: Forward, weights: Weights, losses: int, with_input: bool) -> LSTMCarry:
        """See ``base.Replay``."""
        return LSTMCarry(forward, weights, losses, with_input)

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

    def jacobian(self, forward: Forward, weights: Weights) -> Tensor:
        """See ``base.Replay``: (T, B, 2H, 2H), h first."""
        factor, through = _factors(forward)
        steps, batch, _, size = factor.shape
        found = factor.new_zeros(steps, batch, 2 * size, 2 * size)
        by_cell = through_gates(factor[:, :, 1:4], weights.hh[: 3 * size])  # ∂c_t/∂h_{t-1}
        found[..., size:, :size] = by_cell
        found[..., :size, :size] = by_cell.mul_(through.unsqueeze(-1))
        found[..., :size, :size] += factor[:, :, 4].unsqueeze(-1) * weights.hh[3 * size :]
        found[..., size:, size:].diagonal(dim1=-2, dim2=-1).copy_(factor[:, :, 0])
        found[..., :size, size:].diagonal(dim1=-2, dim2=-1).copy_(through * factor[:, :, 0])
        return found


class LSTMCarry:
    """See ``base.Carry``."""

    def __init__(self, forward: Forward, weights: Weights, losses: int, with_input: bool):
        factor, self.through = _factors(forward)
        self.forget, self.by_cell, self.by_hidden = (
            part.contiguous() for part in (factor[:, :, 0], factor[:, :, 1:4], factor[:, :, 4])
        )
        batch = forward.hidden.shape[1]
        self.product = factor.new_empty(losses, batch, 4, factor.shape[-1])
        self.ends = Ends(weights, losses * batch // 2, with_input)

    def total(self, t: int, hidden: Tensor, cell: Tensor) -> None:
        """See ``base.Carry``."""
        cell.addcmul_(hidden, self.through[t])

    def leave(self, t: int, hidden: Tensor, cell: Tensor) -> Tensor | None:
        """See ``base.Carry``."""
        from torch import mul

        pre = self.product[: len(hidden)]
        mul(cell.unsqueeze(2), self.by_cell[t], out=pre[:, :, :O])
        mul(hidden, self.by_hidden[t], out=pre[:, :, O])
        cell.mul_(self.forget[t])
        self.ends.hidden(hidden.zero_(), pre)
        return self.ends.input(pre)


def _factors(forward: Forward) -> tuple[Tensor, Tensor]:
    """f and the local derivatives of a_t, (T, B, 5, H), and ∂h_t/∂c_t, (T, B, H)."""
    import torch

    aten = torch.ops.aten  # slope(value, gate) = value · gate' in one pass over memory
    squashed, before = forward.saved["squashed"], forward.saved["cell_before"]
    i, f, g, o = forward.gates.unbind(2)
    steps, batch, _, size = forward.gates.shape
    factor = f.new_empty(steps, batch, 5, size)
    factor[:, :, 0] = f
    aten.sigmoid_backward.grad_input(g, i, grad_input=factor[:, :, 1])
    aten.sigmoid_backward.grad_input(before, f, grad_input=factor[:, :, 2])
    aten.tanh_backward.grad_input(i, g, grad_input=factor[:, :, 3])
    aten.sigmoid_backward.grad_input(squashed, o, grad_input=factor[:, :, 4])
    return factor, aten.tanh_backward(o, squashed)


LSTM = Cell(
    "lstm",
    "LSTM",
    "",
    (Gate("input", "i", True), Gate("forget", "f", True), Gate("cell", "g", False), Gate("output", "o", True)),
    True,
    (("f", 1), ("i", -1)),
    LSTMReplay(),
    about=About(
        "Hochreiter & Schmidhuber 1997; Gers et al. 2000",
        "A cell state that gates write to, keep and show.",
        r"\begin{aligned} i_t &= \sigma(\cdot),\; f_t = \sigma(\cdot),\; g_t = \tanh(\cdot),\; o_t = "
        r"\sigma(\cdot) \quad\text{each of } W x_t + U h_{t-1} + b \\ c_t &= f_t \odot c_{t-1} + i_t \odot "
        r"g_t, \qquad h_t = o_t \odot \tanh c_t \end{aligned}",
        (
            "c<sub>t</sub> = f ⊙ c<sub>t−1</sub> + i ⊙ g",
            "h<sub>t</sub> = o ⊙ tanh c<sub>t</sub>",
        ),
    ),
)
