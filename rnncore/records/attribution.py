"""Which inputs a prediction depended on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Attribution(Record):
    """How strongly the logit of the wanted character at τ depends on each input, for one sequence.

    ``norms[k, t]`` is ‖∂ logit at τ = ``taus[k]`` / ∂x_t‖ over the D embedding units of x_t: Euclidean, in logit per
    unit of embedding; exactly 0 for t > τ, since the future cannot matter. ``probability[k]`` is what the model gave
    the wanted character. The state that the window started from is a constant here: what lies further back is not in
    it. Source: "connectivity" of Madsen 2019, https://distill.pub/2019/memorization-in-rnns.
    """

    kind: ClassVar[str] = "attribution"

    cell: str
    text: tuple[str, ...]  # T characters read
    targets: tuple[str, ...]  # T characters wanted
    taus: Array  # (K,) steps whose predictions were followed back; all T of them where the budget allows
    norms: Array  # (K, T)
    probability: Array  # (K,)

    def row(self, tau: int) -> int | None:
        """The row of a prediction; None where it was not followed back."""
        found = np.flatnonzero(self.taus == tau)
        return int(found[0]) if len(found) else None

    @property
    def by_lag(self) -> Array:
        """Mean over predictions of each one's share at lag τ - t, (T,); nan at lags that none reaches."""
        total = self.norms.sum(axis=1, keepdims=True)
        shares = np.divide(self.norms, total, out=np.full_like(self.norms, np.nan), where=total > 0)
        length = self.norms.shape[1]
        found = np.full(length, np.nan)
        for lag in range(length):
            rows = np.flatnonzero(self.taus >= lag)
            values = shares[rows, self.taus[rows] - lag]
            if np.isfinite(values).any():
                found[lag] = np.nanmean(values)
        return found

    def frame(self) -> pd.DataFrame:
        """One row per prediction and input."""
        import pandas as pd

        count, length = self.norms.shape
        tau, t = np.repeat(self.taus, length), np.tile(np.arange(length), count)
        return pd.DataFrame(
            {
                "training_step": np.full(count * length, self.step),
                "tau": tau,
                "wanted": np.array(self.targets, dtype=object)[tau],
                "probability": np.repeat(self.probability, length),
                "t": t,
                "character": np.array(self.text, dtype=object)[t],
                "attribution": self.norms.ravel(),
            }
        )
