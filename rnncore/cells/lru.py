"""Linear recurrent unit: a diagonal, complex, linear recurrence that is stable by construction.

    λ_k = exp(-exp(ν_k) + i·exp(θ_k)),  k = 1 .. ⌈H/2⌉: |λ| < 1 whatever ν is
    x_t = λ · x_{t-1} + exp(γ) · (B u_t)             the state, complex
    h_t = GELU(Re(C x_t) + D u_t + b)                what is read; it does not feed back

Source: Orvieto et al. 2023, arXiv:2303.06349, sections 3.3 and 3.4; |λ| is drawn uniform in the ring between .9 and
.999 (by area), the phase up to 2π, γ = ln sqrt(1 - |λ|²). The paper's block has its non-linearity behind the layer;
here it is part of it. c_t shows the state: the real parts of all x, then the imaginary ones.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Weights
from rnncore.cells.own import Equations, OwnCell, Shapes, States
from rnncore.cells.stepwise import StepReplay

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LEAST, MOST = 0.9, 0.999


class LRU(Equations):
    """See the file; weight_ih holds B (real parts, imaginary parts) and D, weight_out is C likewise."""

    blocks, recurrent, reads_hidden = 2, 0, False

    def shapes(self, input_size: int, size: int) -> Shapes:
        """B and D, the bias of both, C, and three numbers a pair of units."""
        pairs = (size + 1) // 2
        rows, each = 2 * pairs + size, (pairs,)
        return {
            "weight_ih": (rows, input_size), "bias_ih": (rows,), "weight_out": (size, 2 * pairs),
            "nu_log": each, "theta_log": each, "gamma_log": each,
        }  # fmt: skip

    def beside(self, size: int) -> tuple[int, ...]:
        """The state's real and imaginary parts."""
        return (size + size % 2,)

    def _rates(self, w: Weights) -> tuple[Tensor, Tensor, Tensor]:
        size, phase = (-w.more["nu_log"].exp()).exp(), w.more["theta_log"].exp()
        return size * phase.cos(), size * phase.sin(), w.more["gamma_log"].exp()

    def _read(self, state: Tensor, skipped: Tensor, w: Weights) -> Tensor:
        """What the layer gives out: (..., H) and (..., H) → (..., H)."""
        from torch.nn.functional import gelu, linear

        return gelu(linear(state, w.more["weight_out"]) + skipped)

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        import torch

        entering, skipped = u.split([others[0].shape[-1], h.shape[-1]], -1)
        (real, imaginary), (by_real, by_imaginary, gain) = others[0].chunk(2, -1), self._rates(w)
        turned = [by_real * real - by_imaginary * imaginary, by_real * imaginary + by_imaginary * real]
        state = torch.cat(turned, -1) + torch.cat([gain, gain]) * entering
        return self._read(state, skipped, w), (state,), ()

    def unroll(
        self, u: Tensor, h: Tensor, others: States, w: Weights, every: bool = False
    ) -> tuple[Tensor, list[States]]:
        """All steps at once."""
        import torch

        from rnncore.cells.scan import scan

        entering, skipped = u.split([others[0].shape[-1], h.shape[-1]], -1)
        by_real, by_imaginary, gain = self._rates(w)
        first = torch.complex(*others[0].chunk(2, -1))
        state = scan(
            torch.complex(by_real, by_imaginary), torch.complex(*(gain * one for one in entering.chunk(2, -1))), first
        )
        shown = torch.cat([state.real, state.imag], -1)
        return self._read(shown, skipped, w), [(one,) for one in shown.unbind(0)]

    def settle(self, named: dict[str, Tensor], size: int, generator: torch.Generator | None) -> None:
        """See the file."""
        draw = named["nu_log"].clone().uniform_(0, 1, generator=generator)
        squared = draw * (MOST**2 - LEAST**2) + LEAST**2  # |λ|², uniform over the ring's area
        named["nu_log"].copy_((-0.5 * squared.log()).log())
        phase = named["theta_log"].clone().uniform_(0, 1, generator=generator) * 2 * math.pi
        named["theta_log"].copy_(phase.clamp(min=1e-3).log())
        named["gamma_log"].copy_(0.5 * (1 - squared).log())
        inputs, states = named["weight_ih"].shape[1], named["weight_out"].shape[1]
        named["weight_ih"][:states].normal_(0, (2 * inputs) ** -0.5, generator=generator)
        named["weight_ih"][states:].normal_(0, inputs**-0.5, generator=generator)
        named["weight_out"].normal_(0, (size / 2) ** -0.5, generator=generator)


_EQUATIONS = LRU()
LINEAR_RECURRENT = OwnCell(
    "lru", "", "", (), True, (), StepReplay(_EQUATIONS, 0), equations=_EQUATIONS, parts=("B", "D"),
    about=About(
        "Orvieto et al. 2023, arXiv:2303.06349",
        "A linear state of damped rotations, stable by construction; the non-linearity stands behind it.",
        r"c_t = \lambda \odot c_{t-1} + e^{\gamma} \odot B x_t,\; |\lambda| < 1,\qquad h_t = "
        r"\mathrm{GELU}(\mathrm{Re}(C c_t) + D x_t + b)",
        ("c<sub>t</sub> = λ ⊙ c<sub>t−1</sub> + γ ⊙ B x<sub>t</sub>  (complex)",
         "h<sub>t</sub> = GELU(Re(C c<sub>t</sub>) + D x<sub>t</sub>)",),
    ),
)  # fmt: skip
