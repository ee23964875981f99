"""minGRU: a GRU whose gates read the input alone, so that all steps can be computed at once.

    z_t = σ(W_iz x_t + b_iz)                    update gate: open, it keeps the state, as in torch.nn.GRU
    n_t = W_in x_t + b_in                       the candidate, linear
    h_t = z_t · h_{t-1} + (1 - z_t) · n_t

Source: Feng et al. 2024, arXiv:2410.01201, section 3.1.2 (there z has the opposite meaning). The recurrence is linear
in h, and goes through ``scan``; step by step it gives the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Gate, Weights
from rnncore.cells.own import Equations, OwnCell, States, split
from rnncore.cells.stepwise import StepReplay

if TYPE_CHECKING:
    from torch import Tensor


class MinGRU(Equations):
    """See the file."""

    blocks, recurrent = 2, 0

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        z, n = split(u, 2)
        z = z.sigmoid()
        return n + z * (h - n), (), (z,)

    def unroll(
        self, u: Tensor, h: Tensor, others: States, w: Weights, every: bool = False
    ) -> tuple[Tensor, list[States]]:
        """All steps at once."""
        from rnncore.cells.scan import scan

        z, n = split(u, 2)
        z = z.sigmoid()
        y = scan(z, n - z * n, h)
        return y, [()] * len(u)


_EQUATIONS = MinGRU()
MINGRU = OwnCell(
    "mingru", "", "", (Gate("update", "z", True),), False, (("z", 1),), StepReplay(_EQUATIONS, 1), equations=_EQUATIONS,
    parts=("z", "n"),
    about=About(
        "Feng et al. 2024, arXiv:2410.01201",
        "The gate reads the input alone, so that all steps can be computed at once.",
        r"z_t = \sigma(W_z x_t + b_z),\quad n_t = W_n x_t + b_n,\quad h_t = z_t \odot h_{t-1} + (1 - z_t) "
        r"\odot n_t",
        ("h<sub>t</sub> = z ⊙ h<sub>t−1</sub> + (1 − z) ⊙ (W x<sub>t</sub> + b)",),
    ),
)  # fmt: skip
