"""ConvLSTM: an LSTM whose states are pictures and whose products are convolutions.

    i, f, g, o of convolutions: W_x * X_t + W_h * H_{t-1} + b, each a map of C channels
    C_t = f ⊙ C_{t-1} + i ⊙ g,   H_t = o ⊙ tanh C_t

Source: Shi et al. 2015, arXiv:1506.04214, equation 3, without peepholes; 3 × 3, one bias. Beyond a picture's edge there
are zeros; of pictures on a torus, the other side.
hidden_size counts channels; what is read and written are pictures in rows: X (T, B, D·h·w), H (T, B, C·h·w).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Forward, Weights
from rnncore.cells.own import Equations, OwnCell, Shapes, States
from rnncore.cells.peephole import GATES
from rnncore.cells.stepwise import StepReplay
from rnncore.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor, nn

KERNEL = 3


class ConvLSTM(Equations):
    """See the file.

    Args:
        picture: h and w; None in the registry, where no picture is known yet.
        wraps: pictures are on a torus.
    """

    blocks = recurrent = 4

    def __init__(self, picture: tuple[int, int] | None = None, *, wraps: bool = False):
        self.picture, self.wraps = picture, wraps
        if picture is not None:
            self.reads = f", pictures of {picture[0]} × {picture[1]}"

    @property
    def pixels(self) -> int:
        """h·w."""
        return self.picture[0] * self.picture[1] if self.picture else 1

    def shapes(self, input_size: int, size: int) -> Shapes:
        """Kernels of all four gates; sizes are those of the pictures in rows."""
        read, channels = input_size // self.pixels, size // self.pixels
        return {
            "weight_ih": (4 * channels, read, KERNEL, KERNEL),
            "weight_hh": (4 * channels, channels, KERNEL, KERNEL),
            "bias_ih": (4 * channels,),
        }

    def beside(self, size: int) -> tuple[int, ...]:
        """c."""
        return (size,)

    def input_size(self, w: Weights) -> int:
        """All maps' pixels."""
        return int(w.ih.shape[1]) * self.pixels

    def _convolved(self, values: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        """(N, D·h·w) → (N, 4·C·h·w)."""
        assert self.picture is not None
        return convolved(values.reshape(-1, kernel.shape[1], *self.picture), kernel, bias, wraps=self.wraps).flatten(1)

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """The pictures of all steps at once."""
        return self._convolved(x.flatten(0, 1), w.ih, w.bias_ih).unflatten(0, x.shape[:2])

    def recur(self, h: Tensor, w: Weights) -> Tensor:
        """Of the state before."""
        return self._convolved(h, w.hh, None)

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        i, f, g, o = (u + v).chunk(4, -1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * others[0] + i * g
        return o * c.tanh(), (c,), (i, f, g, o)


class ConvReplay(StepReplay):
    """The same replay; dL/dx is a convolution too."""

    def input_gradient(self, forward: Forward, weights: Weights, pre: Tensor) -> Any:
        """(K, T, B, 4·C·h·w) → (K, T, B, D·h·w), by the transposed convolution: the kernels turned round."""
        equations: Any = self.equations
        maps, turned = pre.reshape(-1, weights.ih.shape[0], *equations.picture), weights.ih.flip(2, 3).transpose(0, 1)
        return lambda: convolved(maps, turned, None, wraps=equations.wraps).flatten(1).unflatten(0, pre.shape[:3])


def convolved(maps: Tensor, kernel: Tensor, bias: Tensor | None, *, wraps: bool) -> Tensor:
    """(N, D, h, w) and (E, D, 3, 3) → (N, E, h, w)."""
    from torch.nn.functional import conv2d, pad

    beside = KERNEL // 2
    if not wraps:
        return conv2d(maps, kernel, bias, padding=beside)
    return conv2d(pad(maps, (beside,) * 4, mode="circular"), kernel, bias)


@dataclass(frozen=True)
class _ConvCell(OwnCell):
    """The entry of the registry; a layer has one of its own, that knows its picture."""

    def of(self, picture: tuple[int, int], *, wraps: bool = False) -> _ConvCell:
        """The cell for pictures of a size."""
        equations = ConvLSTM(picture, wraps=wraps)
        return _ConvCell(
            self.name, "", "", GATES, True, self.bias_gates, ConvReplay(equations, 4), about=self.about,
            equations=equations, outer=False,
        )  # fmt: skip

    def placed(
        self, index: int, sequence_length: int, picture: tuple[int, int] | None, *, wraps: bool = False
    ) -> dict[str, Any]:
        """See ``Cell.placed``."""
        return {"picture": picture, "wraps": wraps}

    def layer(
        self,
        input_size: int,
        hidden_size: int,
        *,
        picture: tuple[int, int] | None = None,
        wraps: bool = False,
        **options: Any,
    ) -> nn.Module:
        """(T, B, input_size) → (T, B, hidden_size·h·w).

        Args:
            input_size: numbers of a step: D·h·w.
            hidden_size: channels, C.
            picture: h and w.
            wraps: pictures are on a torus.
            options: see ``layer.OwnLayer``.

        Raises:
            ConfigError: there is no picture, or the input is none.
        """
        from rnncore.cells.layer import OwnLayer

        if picture is None:
            raise ConfigError("picture must be (rows, columns) for cell 'conv_lstm', got None; it reads pictures only")
        pixels = picture[0] * picture[1]
        if input_size % pixels:
            raise ConfigError(
                f"input_size must be a multiple of {pixels} for pictures of {picture[0]} × {picture[1]}, got "
                f"{input_size}; give pictures of that size, one behind the other"
            )
        return OwnLayer(self.of(picture, wraps=wraps), input_size, hidden_size * pixels, **options)


_EQUATIONS = ConvLSTM()
CONV_LSTM = _ConvCell(
    "conv_lstm",
    "",
    "",
    GATES,
    True,
    (("f", 1), ("i", -1)),
    ConvReplay(_EQUATIONS, 4),
    equations=_EQUATIONS,
    outer=False,
    about=About(
        "Shi et al. 2015, arXiv:1506.04214",
        "States are pictures, and one small kernel is applied everywhere: what is learned in one place holds in all.",
        r"\begin{aligned} (i, f, g, o)_t &= W_x * X_t + W_h * H_{t-1} + b \\ "
        r"C_t &= f_t \odot C_{t-1} + i_t \odot g_t, \qquad H_t = o_t \odot \tanh C_t \end{aligned}",
        ("c<sub>t</sub> = f ⊙ c<sub>t−1</sub> + i ⊙ g", "h<sub>t</sub> = o ⊙ tanh c<sub>t</sub>"),
    ),
)
