"""Temporal convolution: a step reads its input and that of d steps before, d doubling from layer to layer.

    y_t = P x_t + ReLU(W_0 x_t + W_1 x_{t-d} + b)          d = 1, 2, 4, ... from the first layer up

Source: Bai, Kolter & Koltun 2018, arXiv:1803.01271, with kernel 2 and one convolution in each residual block; P is the
identity where D = H. L layers see 2^L steps, and not one more. Steps before the first one count as zeros. Initial
weights are those of torch.nn.Conv1d: U(±1/√(2·D)); P's, those of torch.nn.Linear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Weights
from rnncore.cells.own import Shapes
from rnncore.cells.window import Window, WindowCell, WindowReplay

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class TCN(Window):
    """See the file; weight_ih holds W_0 and W_1.

    Args:
        dilation: d.
    """

    blocks = 2

    def __init__(self, dilation: int = 1):
        self.width = dilation

    def shapes(self, input_size: int, size: int) -> Shapes:
        """Both taps, one bias, and P where it is needed."""
        found: Shapes = {"weight_ih": (2 * size, input_size), "bias_ih": (size,)}
        return found if input_size == size else found | {"weight_skip": (size, input_size)}

    def kept(self, size: int) -> int:
        """W_1 x."""
        return size

    def keep(self, x: Tensor, w: Weights) -> Tensor:
        """See ``Window``."""
        from torch.nn.functional import linear

        return linear(x, w.ih[w.ih.shape[0] // 2 :])

    def look(self, x: Tensor, seen: Tensor, w: Weights) -> Tensor:
        """See ``Window``."""
        import torch
        from torch.nn.functional import linear

        now = linear(x, w.ih[: w.ih.shape[0] // 2], w.bias_ih)
        missing = self.width - (len(seen) - len(x))  # steps before the first one
        older = seen[-missing:][: len(x)] if missing < 0 else seen[: max(0, len(x) - missing)]
        if missing > 0:
            older = torch.cat([now.new_zeros(min(missing, len(x)), *now.shape[1:]), older])
        skip = w.more.get("weight_skip")
        return (x if skip is None else linear(x, skip)) + (now + older).relu()

    def settle(self, named: dict[str, Tensor], size: int, generator: torch.Generator | None) -> None:
        """From U(±1/√H) to U(±1/√(2·D)), and U(±1/√D) for P."""
        read = named["weight_ih"].shape[1]
        for name, tensor in named.items():
            tensor.mul_(math.sqrt(size / (read if name == "weight_skip" else 2 * read)))


@dataclass(frozen=True)
class _ConvolutionCell(WindowCell):
    """The entry of the registry; each layer has one of its own, that knows its dilation."""

    def placed(
        self, index: int, sequence_length: int, picture: tuple[int, int] | None, *, wraps: bool = False
    ) -> dict[str, Any]:
        """See ``Cell.placed``: d = 2^index."""
        return {"dilation": 2**index}

    def layer(self, input_size: int, hidden_size: int, *, dilation: int = 1, **options: Any) -> nn.Module:
        """(T, B, input_size) → (T, B, hidden_size); ``dilation`` is d."""
        from rnncore.cells.layer import OwnLayer

        return OwnLayer(_made(TCN(dilation)), input_size, hidden_size, **options)


def _made(equations: TCN) -> _ConvolutionCell:
    return _ConvolutionCell(
        "tcn", "", "", (), False, (), WindowReplay(equations), equations=equations, parts=("now", "before"),
        outer=False,
        about=About(
            "Bai, Kolter & Koltun 2018, arXiv:1803.01271",
            "No recurrence: two taps a layer, further apart from layer to layer, so that L layers see 2^L steps.",
            r"y_t = x_t + \mathrm{ReLU}(W_0 x_t + W_1 x_{t-d} + b),\qquad d = 1, 2, 4, \dots",
            ("y<sub>t</sub> = x<sub>t</sub> + ReLU(W<sub>0</sub> x<sub>t</sub> + W<sub>1</sub> x<sub>t−d</sub> + b)",),
        ),
    )  # fmt: skip


TEMPORAL_CONVOLUTION = _made(TCN())
