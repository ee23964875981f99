"""LSTM with coupled gates: what enters the cell state is what leaves it, i_t = 1 - f_t.

    f_t = σ(W_if x_t + W_hf h_{t-1} + b_f)                forget gate
    g_t = tanh(W_ig x_t + W_hg h_{t-1} + b_g)             cell gate
    o_t = σ(W_io x_t + W_ho h_{t-1} + b_o)                output gate
    c_t = f_t · c_{t-1} + (1 - f_t) · g_t
    h_t = o_t · tanh(c_t)

Source: Greff et al. 2015, arXiv:1503.04069, "coupled input and forget gate" (CIFG).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Gate, Weights
from rnncore.cells.own import Equations, OwnCell, States, split
from rnncore.cells.stepwise import StepReplay

if TYPE_CHECKING:
    from torch import Tensor


class Coupled(Equations):
    """See the file."""

    blocks = recurrent = 3

    def beside(self, size: int) -> tuple[int, ...]:
        """c."""
        return (size,)

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        f, g, o = split(u + v, 3)
        f, g, o = f.sigmoid(), g.tanh(), o.sigmoid()
        c = g + f * (others[0] - g)
        return o * c.tanh(), (c,), (f, g, o)


_EQUATIONS = Coupled()
COUPLED = OwnCell(
    "coupled", "", "", (Gate("forget", "f", True), Gate("cell", "g", False), Gate("output", "o", True)), True,
    (("f", 1),), StepReplay(_EQUATIONS, 3), equations=_EQUATIONS,
    about=About(
        "Greff et al. 2015, arXiv:1503.04069",
        "What enters the cell state is what leaves it: an LSTM with a quarter less to learn.",
        r"c_t = f_t \odot c_{t-1} + (1 - f_t) \odot g_t, \qquad h_t = o_t \odot \tanh c_t",
        ("c<sub>t</sub> = f ⊙ c<sub>t−1</sub> + (1 − f) ⊙ g",
         "h<sub>t</sub> = o ⊙ tanh c<sub>t</sub>",),
    ),
)  # fmt: skip
