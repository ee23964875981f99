"""minLSTM: an LSTM without output gate and cell state, whose gates read the input alone.

    f̃_t = σ(W_if x_t + b_if),  ĩ_t = σ(W_ii x_t + b_ii)
    f_t = f̃_t / (f̃_t + ĩ_t),   i_t = ĩ_t / (f̃_t + ĩ_t)         forget and input gate: together they are 1
    n_t = W_in x_t + b_in                                       the candidate, linear
    h_t = f_t · h_{t-1} + i_t · n_t

Source: Feng et al. 2024, arXiv:2410.01201, section 3.2.3. The gates that are shown are those that act, f and i.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Gate, Weights
from rnncore.cells.own import Equations, OwnCell, States, split
from rnncore.cells.stepwise import StepReplay

if TYPE_CHECKING:
    from torch import Tensor


class MinLSTM(Equations):
    """See the file."""

    blocks, recurrent = 3, 0

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        i, f, n = self._parts(u)
        return f * h + i * n, (), (i, f)

    def unroll(
        self, u: Tensor, h: Tensor, others: States, w: Weights, every: bool = False
    ) -> tuple[Tensor, list[States]]:
        """All steps at once."""
        from rnncore.cells.scan import scan

        i, f, n = self._parts(u)
        return scan(f, i * n, h), [()] * len(u)

    @staticmethod
    def _parts(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """i, f (together 1) and the candidate. σ(a)/(σ(a) + σ(b)) without a quotient of two tiny numbers."""
        from torch.nn.functional import logsigmoid

        i, f, n = split(u, 3)
        f = (logsigmoid(f) - logsigmoid(i)).sigmoid()
        return 1 - f, f, n


_EQUATIONS = MinLSTM()
MINLSTM = OwnCell(
    "minlstm", "", "", (Gate("input", "i", True), Gate("forget", "f", True)), False, (("f", 1), ("i", -1)),
    StepReplay(_EQUATIONS, 2), equations=_EQUATIONS, parts=("i", "f", "n"),
    about=About(
        "Feng et al. 2024, arXiv:2410.01201",
        "Two gates that read the input alone and add up to 1.",
        r"f_t = \frac{\tilde f_t}{\tilde f_t + \tilde\imath_t},\; i_t = 1 - f_t,\quad h_t = f_t \odot h_{t-1} "
        r"+ i_t \odot (W_n x_t + b_n)",
        ("h<sub>t</sub> = f ⊙ h<sub>t−1</sub> + i ⊙ (W x<sub>t</sub> + b)",),
    ),
)  # fmt: skip
