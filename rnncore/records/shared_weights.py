"""A walk backwards through a recurrent network: what each step adds to the gradient of the weights that all share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

TINY, ALIKE, LARGER = 1e-3, 0.5, 1.05
"""Shares of the true gradient's norm: below, at least, and above which another answer is true."""


@dataclass(frozen=True, kw_only=True)
class SharedWeights(Measured):
    """A network with H units that reads T inputs of D numbers; weights [W U b].

    Attributes:
        h: h_0 to h_T, (T + 1, H).
        inputs: (T, D).
        losses: of each step, (T,).
        local: ∂L_t/∂h_t, (T, H).
        carried: J_{t+1}ᵀ δ_{t+1}, (T, H).
        delta: δ_t, their sum, (T, H).
        slope: 1 - h_t², (T, H).
        found: what each step adds to the gradient, (T, H, H + D + 1).
        autograd: the gradient as autograd has it, (H, H + D + 1).
        kept: norms of what overwriting leaves and of the true gradient, for networks of 1, 2, … steps, (N, 2).
        error: of the sum against autograd, relative to its largest entry, the largest over these lengths.
        each: whether each step has a loss, or the last one alone.
        gain: factor of the recurrent weights.
        places, value: x and f(x) = g(x, h(x)) for g = x h, h = sin x, (M,).
        direct, through, total: ∂g/∂x, ∂g/∂h h', and f' as autograd has it, (M,).
    """

    kind: ClassVar[str] = "shared_weights"

    h: Array
    inputs: Array
    losses: Array
    local: Array
    carried: Array
    delta: Array
    slope: Array
    found: Array
    autograd: Array
    kept: Array
    error: float
    each: bool
    gain: float
    places: Array
    value: Array
    direct: Array
    through: Array
    total: Array

    @property
    def length(self) -> int:
        """Steps of the walk, T."""
        return len(self.delta)

    @property
    def ratios(self) -> Array:
        """The overwritten gradient's norm over the true one's, for 1, 2, … steps, (N,); nan for 0 over 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.kept[:, 0] / self.kept[:, 1])

    @property
    def cosine(self) -> float:
        """Between what overwriting leaves of the walk's gradient and the true one; nan where one is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            norms = np.linalg.norm(self.found[0]) * np.linalg.norm(self.autograd)
            return float((self.found[0] * self.autograd).sum() / norms)

    def so_far(self, done: int) -> tuple[Array, Array]:
        """The gradient after some steps of the walk, by overwriting and by adding up, each (H, H + D + 1)."""
        if done == 0:
            return np.zeros_like(self.autograd), np.zeros_like(self.autograd)
        return self.found[self.length - done], self.found[self.length - done :].sum(0)

    @property
    def answer(self) -> str:
        """How large the overwritten gradient is over the longest walk."""
        ratio = self.ratios[-1]
        if not np.isfinite(ratio):
            return ""
        return "tiny" if ratio < TINY else "share" if ratio < ALIKE else "same" if ratio < LARGER else "larger"

    @property
    def numbers(self) -> dict[str, str]:
        """Overwriting against adding up."""
        ratio, cosine = self.ratios[-1], f"{self.cosine:.2f}".replace("-", "−")
        why = {
            "tiny": "What a step finds fades with each step that δ has to come back, and the step written last is the "
            "farthest from the loss.",
            "share": "The step written last does find something, but it is one of many.",
            "same": "The step written last happens to find nearly as much as all together.",
            "larger": "δ grew on its way back, and the parts of the steps partly cancel: too large is as wrong.",
        }.get(self.answer, "")
        return {
            "longest": f"{len(self.kept)}",
            "ratio": _share(ratio),
            "why": why,
            "error": f"{self.error:.0e}" if self.error else "0",
            "length": f"{self.length}",
            "walk_ratio": _share(self.ratios[self.length - 1]),
            "walk_cosine": cosine if np.isfinite(self.cosine) else "nothing (one of them is 0)",
        }

    @property
    def proof(self) -> str:
        """The size of the mistake."""
        return f"overwritten/true {_share(self.ratios[-1])} over {len(self.kept)} steps"

    def frame(self) -> pd.DataFrame:
        """One row per step of the walk: the norms of what it has and finds."""
        import pandas as pd

        norms = {name: np.linalg.norm(getattr(self, name), axis=1) for name in ("local", "carried", "delta")}
        found = np.linalg.norm(self.found, axis=(1, 2))
        return pd.DataFrame({"t": np.arange(1, self.length + 1), "loss": self.losses, **norms, "found": found})


def _share(ratio: float) -> str:
    """A factor: three digits, powers of ten for what is tiny."""
    if not np.isfinite(ratio):
        return "0/0"
    return f"{ratio:.0e}" if 0 < ratio < 1e-3 else f"{ratio:.3g}"
