"""Minimal gated unit: a GRU whose one gate forgets and resets.

    f_t = σ(W_if x_t + b_if + W_hf h_{t-1} + b_hf)                   forget gate: open, it lets the new value in
    n_t = tanh(W_in x_t + b_in + f_t · (W_hn h_{t-1} + b_hn))        new gate
    h_t = (1 - f_t) · h_{t-1} + f_t · n_t

Source: Zhou et al. 2016, arXiv:1603.09420, with the gate behind the product W_hn h, as torch.nn.GRU has its reset gate
(the paper has it before: W_hn (f · h)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Gate, Weights
from rnncore.cells.own import Equations, OwnCell, States, split
from rnncore.cells.stepwise import StepReplay

if TYPE_CHECKING:
    from torch import Tensor


class MGU(Equations):
    """See the file."""

    blocks = recurrent = 2

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        (u_f, u_n), (v_f, v_n) = split(u, 2), split(v, 2)
        f = (u_f + v_f).sigmoid()
        n = (u_n + f * v_n).tanh()
        return h + f * (n - h), (), (f, n)


_EQUATIONS = MGU()
MINIMAL_GATED = OwnCell(
    "mgu", "", "", (Gate("forget", "f", True), Gate("new", "n", False)), False, (("f", -1),),
    StepReplay(_EQUATIONS, 2), equations=_EQUATIONS,
    about=About(
        "Zhou et al. 2016, arXiv:1603.09420",
        "A GRU with one gate in place of two.",
        r"\begin{aligned} f_t &= \sigma(\cdot),\; n_t = \tanh(W_n x_t + b + f_t \odot (U_n h_{t-1} + b')) \\ "
        r"h_t &= (1 - f_t) \odot h_{t-1} + f_t \odot n_t \end{aligned}",
        ("h<sub>t</sub> = (1 − f) ⊙ h<sub>t−1</sub> + f ⊙ n",),
    ),
)  # fmt: skip
