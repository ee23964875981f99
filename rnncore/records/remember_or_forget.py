"""A unit with hand-set factors, and the two paths through an LSTM's cell state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

CLOSE = 0.05
"""Paths whose sizes differ by a smaller share count as the same."""


@dataclass(frozen=True, kw_only=True)
class RememberOrForget(Measured):
    """The unit a_t = a_{t-1} f_t + g_t over n steps, and an LSTM over T.

    Attributes:
        f, g: as they were set, (n,).
        a: a_0 to a_n, (n + 1,).
        product: Π_{s>t} f_s for t = 0 to n, (n + 1,).
        autograd: ∂a_n/∂a_t as autograd has it, (n + 1,).
        lags: T - t, steps that the gradient goes back, (T,).
        forget: the LSTM's forget gate at each step, mean over its units, (T,).
        direct: root mean square of the entries of diag(Π f) on the diagonal, (T,).
        total: Frobenius norm of ∂c_T/∂c_t over √H, (T,): the same measure, so that both can be compared.
        detached_error: the largest difference between ∂c_T/∂c_t and diag(Π f) when the gates' inputs are detached.
        forget_bias: of the LSTM.
    """

    kind: ClassVar[str] = "remember_or_forget"

    f: Array
    g: Array
    a: Array
    product: Array
    autograd: Array
    lags: Array
    forget: Array
    direct: Array
    total: Array
    detached_error: float
    forget_bias: float

    @property
    def ratio(self) -> float:
        """How much larger than the direct path the total is over all of the steps."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(self.total[0] / self.direct[0])

    @property
    def answer(self) -> str:
        """Whether the total over all steps is the product of the gates, or more, or less."""
        if not np.isfinite(self.ratio):
            return ""
        return "more" if self.ratio > 1 + CLOSE else "less" if self.ratio < 1 - CLOSE else "same"

    @property
    def numbers(self) -> dict[str, str]:
        """What arrives at the end of both."""
        with np.errstate(invalid="ignore"):
            off = np.abs(self.product - self.autograd)
        return {
            "steps": f"{len(self.f)}",
            "last": _number(self.a[-1]),
            "kept": _number(self.product[0]),
            "error": f"{np.nanmax(off):.0e}" if off[np.isfinite(off)].any() else "0",
            "length": f"{len(self.lags)}",
            "forget": f"{self.forget.mean():.2f}",
            "direct": f"{self.direct[0]:.2g}",
            "total": f"{self.total[0]:.2g}",
            "ratio": f"{self.ratio:.3g}",
            "detached": f"{self.detached_error:.0e}" if self.detached_error else "0",
        }

    @property
    def proof(self) -> str:
        """Both paths of the LSTM."""
        return f"Πf {self.direct[0]:.2g} over {len(self.lags)} steps, total {self.total[0]:.2g}: {self.ratio:.3g} times"

    def frame(self) -> pd.DataFrame:
        """One row per lag of the LSTM."""
        import pandas as pd

        return pd.DataFrame({"lag": self.lags, "forget": self.forget, "direct": self.direct, "total": self.total})


def _number(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else "an overflow"
