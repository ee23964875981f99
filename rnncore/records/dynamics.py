"""How a recurrent layer stretches and shrinks small changes of its state: step Jacobians, and Lyapunov exponents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class StepJacobian(Record):
    """Spectra of J_t = ∂s_t/∂s_{t-1} along one sequence, and of the products J_t ⋯ J_{t-k+1} that end at its last step.

    s is h, or (h, c) for an LSTM. N steps t are looked at, spread over the sequence; K lags k; S the size of s, 0 where
    nothing was measured (then ``note`` says why). Singular values are largest first; those below the rounding error of
    the largest are 0. The direct path c → c of an LSTM is diag(Π f), as if no gate depended on h.
    ``weight_bound`` is σ_max(W_hh)·γ, with γ the steepest slope of the non-linearity (1 for tanh and ReLU): below 1 is
    sufficient for the gradient to vanish; nan for a cell with gates, for which no such bound on W_hh exists.
    Source: Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063.
    """

    kind: ClassVar[str] = "step_jacobian"

    cell: str
    text: tuple[str, ...]  # what was read, up to the last step; () where it is no text
    steps: Array  # (N,) which t, counted from 0
    lags: tuple[int, ...]  # K
    eigenvalues: Array  # (L, N, S, 2) of J_t, real and imaginary part
    singular: Array  # (L, N, S) of J_t
    product_singular: Array  # (L, K, S)
    product_radius: Array  # (L, K) spectral radius
    direct: Array  # (L, N, H) f_t, or (0, N, 0)
    product_direct: Array  # (L, K, H) Π f, or (0, K, 0)
    weight_bound: Array  # (L,)
    note: str = ""

    @property
    def radius(self) -> Array:
        """ρ(J_t), the largest absolute eigenvalue, (L, N)."""
        return np.linalg.norm(self.eigenvalues, axis=-1).max(-1, initial=0.0)

    @property
    def largest(self) -> Array:
        """σ_max(J_t), (L, N)."""
        return self.singular.max(-1, initial=0.0)

    @property
    def state_size(self) -> int:
        """S."""
        return int(self.singular.shape[-1])

    def frame(self) -> pd.DataFrame:
        """One row per layer, matrix (a step's Jacobian, or a product over a lag) and singular value."""
        import pandas as pd

        return pd.concat(
            [
                self._rows(self.singular, self.steps, np.ones(len(self.steps), int), self.radius),
                self._rows(
                    self.product_singular,
                    np.full(len(self.lags), self.steps[-1] if len(self.steps) else 0),
                    np.array(self.lags, int),
                    self.product_radius,
                ),
            ],
            ignore_index=True,
        )

    def _rows(self, values: Array, t: Array, lag: Array, radius: Array) -> pd.DataFrame:
        import pandas as pd

        index = np.indices(values.shape).reshape(3, -1)
        return pd.DataFrame(
            {
                "training_step": np.full(index.shape[1], self.step),
                "layer": index[0],
                "t": t[index[1]],
                "lag": lag[index[1]],
                "spectral_radius": radius[index[0], index[1]],
                "rank": index[2],
                "singular_value": values.ravel(),
            }
        )


@dataclass(frozen=True, kw_only=True)
class LyapunovSpectrum(Record):
    """Lyapunov exponents per layer, in nats per step: driven by real data, and autonomous (zero input).

    k of S exponents, the largest first; -inf where a direction is shut exactly, nan where a layer could not be
    measured (its entry in the notes says why). ``*_running`` is the estimate of λ_1 after each counted step; the
    ``*_warmup`` steps before it are not counted. Each layer is taken by itself: its input does not react.
    Sources: Vogt et al. 2020, arXiv:2006.14123; Engelken et al. 2020, arXiv:2006.02427.
    """

    kind: ClassVar[str] = "lyapunov"

    cell: str
    state_size: int  # S
    driven: Array  # (L, k)
    driven_running: Array  # (L, T)
    driven_warmup: int
    driven_notes: tuple[str, ...]  # L
    autonomous: Array  # (L, k)
    autonomous_running: Array  # (L, T')
    autonomous_warmup: int
    autonomous_notes: tuple[str, ...]  # L

    def drift(self, layer: int, *, autonomous: bool = False) -> float:
        """How far the estimate of λ_1 moved over the second half of the counted steps, its range there."""
        running = (self.autonomous_running if autonomous else self.driven_running)[layer]
        half = running[len(running) // 2 :]
        return float(half.max() - half.min()) if len(half) and np.isfinite(half).all() else float("nan")

    def frame(self) -> pd.DataFrame:
        """One row per layer and exponent."""
        import pandas as pd

        layers, count = self.driven.shape
        return pd.DataFrame(
            {
                "training_step": np.full(layers * count, self.step),
                "layer": np.repeat(np.arange(layers), count),
                "index": np.tile(np.arange(1, count + 1), layers),
                "driven": self.driven.ravel(),
                "autonomous": self.autonomous.ravel(),
            }
        )
