"""IRNN: the plain ReLU network, begun with the identity as its recurrent matrix and with biases of 0.

    h_t = ReLU(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh),  W_hh = 1 at the start

Source: Le, Jaitly & Hinton 2015, arXiv:1504.00941. At the start the state is a sum over the past, and ∂h_t/∂h_{t-1} is
the identity where units are active; training is free to leave it. torch's fused ReLU network, and its replay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Cell
from rnncore.cells.rnn import RNNReplay

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class _IRNN(Cell):
    def layer(self, input_size: int, hidden_size: int, **options: Any) -> nn.Module:
        """``nn.RNN`` with ReLU, which knows its name."""
        made: Any = super().layer(input_size, hidden_size, **options)
        made.cell_name = self.name
        return made

    def initialise(
        self, layer: nn.Module, *, recurrent: str = "default", generator: torch.Generator | None = None, **options: Any
    ) -> None:
        """The identity unless something else is asked for; biases of 0."""
        chosen = "identity" if recurrent == "default" else recurrent
        super().initialise(layer, recurrent=chosen, generator=generator, **options)
        for name, parameter in layer.named_parameters():
            if name.startswith("bias"):
                parameter.data.zero_()


IRNN = _IRNN(
    "irnn",
    "RNN",
    "relu",
    (),
    False,
    (),
    RNNReplay("relu"),
    about=About(
        "Le, Jaitly & Hinton 2015, arXiv:1504.00941",
        "A ReLU network that begins by copying its state: W_hh is the identity.",
        r"h_t = \mathrm{ReLU}(W x_t + U h_{t-1} + b), \qquad U = 1 \text{ at the start}",
        ("h<sub>t</sub> = ReLU(W x<sub>t</sub> + U h<sub>t−1</sub> + b),  U = 1 at the start",),
    ),
)
