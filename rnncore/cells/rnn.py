"""The plain recurrent network (Elman 1990): tanh and ReLU.

    h_t = φ(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)

Source: torch.nn.RNN. Backward: δ_t = dL/dh_t, a_t = δ_t · φ'(·), δ_{t-1} = ∂L/∂h_{t-1} + W_hhᵀ a_t, with
φ' = 1 - h² (tanh) or [h > 0] (ReLU). Step Jacobian: ∂h_t/∂h_{t-1} = diag(φ') W_hh.
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
    Weights,
    by_loss,
    for_each,
    in_rows,
    joint,
    with_initial,
)
from rnncore.cells.products import adder

if TYPE_CHECKING:
    from torch import Tensor


class RNNReplay:
    """Replay of torch.nn.RNN."""

    def __init__(self, nonlinearity: str):
        self.nonlinearity = nonlinearity

    def forward(self, x: Tensor, y: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Forward:
        """See ``base.Replay``."""
        states = with_initial(y, h0)
        y = states[1:]
        pre = joint(x, states[:-1], weights)
        output = pre.tanh_() if self.nonlinearity == "tanh" else pre.relu_()
        return Forward(y, None, y.new_empty(*y.shape[:2], 0, y.shape[2]), output, {"before": states[:-1]})

    def backward(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Backward:
        """See ``base.Replay``; two operations a step."""
        losses = len(grad_output)
        hidden, pre = in_rows(grad_output), for_each(losses, self._slope(forward.hidden))
        hidden_at, pre_at = hidden.unbind(0), pre.unbind(0)
        add = adder(weights.hh, hidden.shape[1])
        for t in range(len(hidden) - 1, -1, -1):
            pre_at[t].mul_(hidden_at[t])
            if t:
                add(hidden_at[t - 1], pre_at[t])
        return Backward(by_loss(hidden, losses), None, by_loss(pre, losses).unsqueeze(-2), weights.ih)

    def carry(self, forward: Forward, weights: Weights, losses: int, with_input: bool) -> RNNCarry:
        """See ``base.Replay``."""
        return RNNCarry(self._slope(forward.hidden), weights, losses, with_input)

    def grad_gates(self, forward: Forward, back: Backward) -> Tensor:
        """There are no gates: (..., T, B, 0, H)."""
        return back.grad_preactivations[..., :0, :]

    def jacobian(self, forward: Forward, weights: Weights) -> Tensor:
        """See ``base.Replay``: diag(φ') W_hh, (T, B, H, H)."""
        return self._slope(forward.hidden).unsqueeze(-1) * weights.hh

    def _slope(self, y: Tensor) -> Tensor:
        """φ' at each step, from the value after it."""
        return 1 - y * y if self.nonlinearity == "tanh" else (y > 0).to(y.dtype)


class RNNCarry:
    """See ``base.Carry``."""

    def __init__(self, slope: Tensor, weights: Weights, losses: int, with_input: bool):
        self.slope, (_, batch, size) = slope, slope.shape
        self.product = slope.new_empty(losses, batch, 1, size)
        self.ends = Ends(weights, losses * batch // 2, with_input)

    def total(self, t: int, hidden: Tensor, cell: None) -> None:
        """See ``base.Carry``; there is no cell state."""

    def leave(self, t: int, hidden: Tensor, cell: None) -> Tensor | None:
        """See ``base.Carry``."""
        from torch import mul

        pre = self.product[: len(hidden)]
        mul(hidden, self.slope[t], out=pre[:, :, 0])
        self.ends.hidden(hidden.zero_(), pre)
        return self.ends.input(pre)


RNN_TANH = Cell(
    "rnn_tanh",
    "RNN",
    "tanh",
    (),
    False,
    (),
    RNNReplay("tanh"),
    about=About(
        "Elman 1990",
        "The state is written anew at each step.",
        r"h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})",
        ("h<sub>t</sub> = tanh(W x<sub>t</sub> + U h<sub>t−1</sub> + b)",),
    ),
)
RNN_RELU = Cell(
    "rnn_relu",
    "RNN",
    "relu",
    (),
    False,
    (),
    RNNReplay("relu"),
    about=About(
        "Elman 1990; ReLU in place of tanh",
        "The state may grow without bound.",
        r"h_t = \mathrm{ReLU}(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})",
        ("h<sub>t</sub> = ReLU(W x<sub>t</sub> + U h<sub>t−1</sub> + b)",),
    ),
)
