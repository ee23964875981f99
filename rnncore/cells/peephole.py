"""Peephole LSTM: the gates also read the cell state.

    i_t = σ(W_ii x_t + W_hi h_{t-1} + p_i · c_{t-1} + b_i)      input gate
    f_t = σ(W_if x_t + W_hf h_{t-1} + p_f · c_{t-1} + b_f)      forget gate
    g_t = tanh(W_ig x_t + W_hg h_{t-1} + b_g)                   cell gate
    c_t = f_t · c_{t-1} + i_t · g_t
    o_t = σ(W_io x_t + W_ho h_{t-1} + p_o · c_t + b_o)          output gate, which reads the new c
    h_t = o_t · tanh(c_t)

Source: Gers & Schmidhuber 2000, "Recurrent nets that time and count"; in the form of Greff et al. 2015,
arXiv:1503.04069, equations 1 to 6. p are diagonal: one number a unit. Two biases add up, as in torch.nn.LSTM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Gate, Weights
from rnncore.cells.own import Equations, OwnCell, Shapes, States, split
from rnncore.cells.stepwise import StepReplay

if TYPE_CHECKING:
    from torch import Tensor


class Peephole(Equations):
    """See the file."""

    blocks = recurrent = 4

    def shapes(self, input_size: int, size: int) -> Shapes:
        """One peephole for each unit and gate that has them: i, f, o."""
        return super().shapes(input_size, size) | {"weight_peephole": (3, size)}

    def beside(self, size: int) -> tuple[int, ...]:
        """c."""
        return (size,)

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        (before,), peephole = others, w.more["weight_peephole"]
        i, f, g, o = split(u + v, 4)
        i = (i + peephole[0] * before).sigmoid()
        f = (f + peephole[1] * before).sigmoid()
        g = g.tanh()
        c = f * before + i * g
        o = (o + peephole[2] * c).sigmoid()
        return o * c.tanh(), (c,), (i, f, g, o)


GATES = (Gate("input", "i", True), Gate("forget", "f", True), Gate("cell", "g", False), Gate("output", "o", True))
_EQUATIONS = Peephole()
PEEPHOLE = OwnCell(
    "peephole", "", "", GATES, True, (("f", 1), ("i", -1)), StepReplay(_EQUATIONS, 4), equations=_EQUATIONS,
    about=About(
        "Gers & Schmidhuber 2000; Greff et al. 2015, arXiv:1503.04069",
        "The gates also look at the cell state, which helps to count and to time.",
        r"\begin{aligned} i_t &= \sigma(\cdot + p_i \odot c_{t-1}),\; f_t = \sigma(\cdot + p_f \odot "
        r"c_{t-1}),\; o_t = \sigma(\cdot + p_o \odot c_t) \\ c_t &= f_t \odot c_{t-1} + i_t \odot g_t, \qquad "
        r"h_t = o_t \odot \tanh c_t \end{aligned}",
        ("c<sub>t</sub> = f ⊙ c<sub>t−1</sub> + i ⊙ g",
         "h<sub>t</sub> = o ⊙ tanh c<sub>t</sub>",),
    ),
)  # fmt: skip
