"""Independently recurrent network: each unit reads its own past only.

    h_t = ReLU(W_ih x_t + b + u · h_{t-1})

Source: Li et al. 2018, arXiv:1803.04831, equation 2; u is a vector, so ∂h_t/∂h_{t-1} = diag(u · [h_t > 0]) and a unit's
gradient over k steps is at most u^k. Initial u: U(0, 1), section 4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Weights
from rnncore.cells.own import Equations, OwnCell, Shapes, States
from rnncore.cells.stepwise import StepReplay

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class IndRNN(Equations):
    """See the file."""

    recurrent = 0

    def shapes(self, input_size: int, size: int) -> Shapes:
        """u beside the input's weights."""
        return super().shapes(input_size, size) | {"weight_recurrent": (size,)}

    def recur(self, h: Tensor, w: Weights) -> Tensor:
        """u · h."""
        return h * w.more["weight_recurrent"]

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        return (u + v).relu(), (), ()

    def settle(self, named: dict[str, Tensor], size: int, generator: torch.Generator | None) -> None:
        """u between 0 and 1: from forgetting at once to keeping all."""
        named["weight_recurrent"].uniform_(0.0, 1.0, generator=generator)


_EQUATIONS = IndRNN()
INDRNN = OwnCell(
    "indrnn",
    "",
    "",
    (),
    False,
    (),
    StepReplay(_EQUATIONS, 0),
    equations=_EQUATIONS,
    parts=("",),
    about=About(
        "Li et al. 2018, arXiv:1803.04831",
        "Each unit reads its own past only, so that its gradient is a power of one number.",
        r"h_t = \mathrm{ReLU}(W x_t + u \odot h_{t-1} + b)",
        ("h<sub>t</sub> = ReLU(W x<sub>t</sub> + u ⊙ h<sub>t−1</sub> + b)",),
    ),
)
