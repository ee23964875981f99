"""Orthogonal network: a tanh RNN whose recurrent matrix stays orthogonal while it learns.

    W_hh = exp(A - Aᵀ),   h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)

What is trained is A: the exponential of a skew-symmetric matrix is orthogonal, whatever step the optimiser makes.
Source: Lezcano-Casado & Martínez-Rubio 2019, arXiv:1901.08428; at the start exp(A - Aᵀ) turns pairs of units by angles
uniform in [-π, π] (Henaff et al. 2016, arXiv:1602.06662). W_hh does not shrink the gradient; the tanh still may.
torch's fused kernel, and the plain network's replay.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Weights
from rnncore.cells.own import Equations, OwnCell, Shapes, States
from rnncore.cells.rnn import RNNReplay

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Orthogonal(Equations):
    """See the file."""

    def shapes(self, input_size: int, size: int) -> Shapes:
        """A in place of weight_hh; half of it would do, its other half is left out by A - Aᵀ."""
        found = super().shapes(input_size, size)
        del found["weight_hh"]
        return found | {"skew": (size, size)}

    def weights(self, named: dict[str, Tensor | None]) -> Weights:
        """With the orthogonal matrix itself as hh."""
        skew = named["skew"]
        assert skew is not None
        recurrent = (skew - skew.T).matrix_exp()
        return Weights(named["weight_ih"], recurrent, named.get("bias_ih"), named.get("bias_hh"))

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        return (u + v).tanh(), (), ()

    def settle(self, named: dict[str, Tensor], size: int, generator: torch.Generator | None) -> None:
        """Angles of pairs of units."""
        skew = named["skew"].zero_()
        angles = skew.new_empty(size // 2).uniform_(-math.pi, math.pi, generator=generator)
        for pair, angle in enumerate(angles.tolist()):
            skew[2 * pair, 2 * pair + 1], skew[2 * pair + 1, 2 * pair] = angle / 2, -angle / 2

    def run(self, x: Tensor, h: Tensor, others: States, w: Weights, every: bool = False) -> tuple[Tensor, list[States]]:
        """torch's fused kernel."""
        import torch

        given = [one for one in (w.ih, w.hh, w.bias_ih, w.bias_hh) if one is not None]
        biased, training = w.bias_ih is not None, torch.is_grad_enabled()
        y, _ = torch.rnn_tanh(x, h.unsqueeze(0).contiguous(), given, biased, 1, 0.0, training, False, False)
        return y, [()] * len(x)


ORTHOGONAL = OwnCell(
    "orthogonal",
    "",
    "",
    (),
    False,
    (),
    RNNReplay("tanh"),
    equations=Orthogonal(),
    parts=("",),
    about=About(
        "Lezcano-Casado & Martínez-Rubio 2019, arXiv:1901.08428",
        "A recurrent matrix that can only turn the state, never shrink or stretch it, however it is trained.",
        r"h_t = \tanh(W x_t + U h_{t-1} + b), \qquad U = \exp(A - A^\top)",
        ("h<sub>t</sub> = tanh(W x<sub>t</sub> + U h<sub>t−1</sub> + b),  U orthogonal",),
    ),
)
