"""LSTM with layer normalisation: the sums that the gates read have mean 0 and variance 1 over the units.

    (i, f, g, o)_t before their non-linearities = LN(W_ih x_t) + LN(W_hh h_{t-1}) + b_ih + b_hh
    c_t = σ(f) · c_{t-1} + σ(i) · tanh(g)
    h_t = σ(o) · tanh(LN(c_t))

with LN(a) = γ · (a - mean a) / sqrt(var a + 1e-5) + β over all numbers of a; β of the first two is b. Source: Ba, Kiros
& Hinton 2016, arXiv:1607.06450, equations 20 to 22. The normalisation of the input's product takes all four gates
together, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Weights
from rnncore.cells.own import Equations, OwnCell, Shapes, States, split
from rnncore.cells.peephole import GATES
from rnncore.cells.stepwise import StepReplay

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class LayerNormLSTM(Equations):
    """See the file."""

    blocks = recurrent = 4

    def shapes(self, input_size: int, size: int) -> Shapes:
        """γ of both products; γ and β of the cell state."""
        gains: Shapes = {"weight_norm_ih": (4 * size,), "weight_norm_hh": (4 * size,)}
        return super().shapes(input_size, size) | gains | {"weight_norm_c": (size,), "bias_norm_c": (size,)}

    def beside(self, size: int) -> tuple[int, ...]:
        """c."""
        return (size,)

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """The product alone: the bias comes behind the normalisation."""
        from torch.nn.functional import linear

        return linear(x, w.ih)

    def recur(self, h: Tensor, w: Weights) -> Tensor:
        """The product alone."""
        return h @ w.hh.T

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        from torch.nn.functional import layer_norm

        size, more = h.shape[-1], w.more
        pre = layer_norm(u, (4 * size,), more["weight_norm_ih"], w.bias_ih)
        pre = pre + layer_norm(v, (4 * size,), more["weight_norm_hh"], w.bias_hh)
        i, f, g, o = split(pre, 4)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * others[0] + i * g
        read = layer_norm(c, (size,), more["weight_norm_c"], more.get("bias_norm_c"))
        return o * read.tanh(), (c,), (i, f, g, o)

    def settle(self, named: dict[str, Tensor], size: int, generator: torch.Generator | None) -> None:
        """Gains of 1; β of the cell state 0."""
        for name, tensor in named.items():
            if "norm" in name:
                tensor.fill_(1.0 if name.startswith("weight") else 0.0)


_EQUATIONS = LayerNormLSTM()
LAYER_NORM_LSTM = OwnCell(
    "layer_norm_lstm",
    "",
    "",
    GATES,
    True,
    (("f", 1), ("i", -1)),
    StepReplay(_EQUATIONS, 4),
    equations=_EQUATIONS,
    outer=False,
    about=About(
        "Ba, Kiros & Hinton 2016, arXiv:1607.06450",
        "What the gates read has mean 0 and variance 1 over the units, at each step.",
        r"\begin{aligned} (i, f, g, o)_t &\leftarrow \mathrm{LN}(W x_t) + \mathrm{LN}(U h_{t-1}) + b \\ c_t "
        r"&= f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh \mathrm{LN}(c_t) \end{aligned}",
        (
            "c<sub>t</sub> = f ⊙ c<sub>t−1</sub> + i ⊙ g",
            "h<sub>t</sub> = o ⊙ tanh LN(c<sub>t</sub>)",
        ),
    ),
)
