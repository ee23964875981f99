"""sLSTM: an LSTM with an exponential input gate, a normaliser, and a stabiliser that keeps the exponentials finite.

    ĩ, f̃, g̃, õ = W_ih x_t + W_hh h_{t-1} + b
    m_t = max(log σ(f̃) + m_{t-1}, ĩ)                             stabiliser
    i_t = exp(ĩ - m_t),  f_t = exp(log σ(f̃) + m_{t-1} - m_t)      input and forget gate
    c_t = f_t · c_{t-1} + i_t · tanh(g̃),  n_t = f_t · n_{t-1} + i_t
    h_t = σ(õ) · c_t / n_t

Source: Beck et al. 2024, arXiv:2405.04517, equations 8 to 17 (there g is z), with the sigmoid forget gate and one head.
Without the stabiliser, i = exp(ĩ) and f = σ(f̃) give the same h. c_n holds c, n and m.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Gate, Weights
from rnncore.cells.own import Equations, OwnCell, States, split
from rnncore.cells.stepwise import StepReplay

if TYPE_CHECKING:
    from torch import Tensor


class SLSTM(Equations):
    """See the file."""

    blocks = recurrent = 4

    def beside(self, size: int) -> tuple[int, ...]:
        """c, the normaliser n, the stabiliser m."""
        return size, size, size

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        import torch
        from torch.nn.functional import logsigmoid

        c, n, m = others
        i, f, g, o = split(u + v, 4)
        # nothing was written yet: then m says nothing, and ĩ alone sets the scale
        kept = torch.where(n == 0, i.detach() - 100, logsigmoid(f) + m)
        m = torch.maximum(kept, i)
        i, f, g, o = (i - m).exp(), (kept - m).exp(), g.tanh(), o.sigmoid()
        c, n = f * c + i * g, f * n + i
        return o * c / n, (c, n, m), (i, f, g, o)


_EQUATIONS = SLSTM()
SCALAR_LSTM = OwnCell(
    "slstm", "", "",
    (Gate("input", "i", True), Gate("forget", "f", True), Gate("cell", "g", False), Gate("output", "o", True)), True,
    (("f", 1),), StepReplay(_EQUATIONS, 4), equations=_EQUATIONS,
    about=About(
        "Beck et al. 2024, arXiv:2405.04517",
        "An LSTM whose input gate is an exponential, so that it can overrule all that was stored.",
        r"c_t = f_t \odot c_{t-1} + e^{\tilde\imath_t} \odot g_t,\quad n_t = f_t \odot n_{t-1} + "
        r"e^{\tilde\imath_t},\quad h_t = o_t \odot \frac{c_t}{n_t}",
        ("c<sub>t</sub> = f ⊙ c<sub>t−1</sub> + i ⊙ g",
         "h<sub>t</sub> = o ⊙ c<sub>t</sub> / n<sub>t</sub>",),
    ),
)  # fmt: skip
