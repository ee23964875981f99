"""Gradient, weight and update of each parameter, gate by gate, and the gradient noise scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Parameters(Record):
    """One optimiser step, parameter by parameter: Euclidean norms, of N parts.

    A part is a parameter, or one gate's rows of a recurrent one: ``names[n]`` is its path, ``gates[n]`` the gate's
    letter ('' for a whole parameter). ``gradient`` is before clipping, ``weight`` before the update, ``update`` the
    change that the optimiser made. Of a large model, ``share`` of each part's rows is looked at; the norms are scaled
    up to the whole.

    ``noise_scale`` is B_simple = tr(Σ)/|G|² in sequences: the batch size at which the noise of a gradient equals the
    gradient (McCandlish et al. 2018, arXiv:1812.06162), with its 95 % interval ``noise_low`` to ``noise_high``, over
    the last ``noise_count`` measurements; nan where it cannot be told from them, and ``why``. ``gradient_squared`` and
    ``noise_trace`` are this step's own unbiased estimates of |G|² and tr(Σ), from ``part`` of ``batch`` sequences.
    """

    kind: ClassVar[str] = "parameters"

    cell: str
    names: tuple[str, ...]
    gates: tuple[str, ...]
    sizes: Array  # (N,) numbers in each part
    gradient: Array  # (N,)
    weight: Array  # (N,)
    update: Array  # (N,)
    share: float = 1.0
    batch: int = 0
    part: int = 0  # sequences of the smaller batch
    gradient_squared: float = np.nan
    noise_trace: float = np.nan
    noise_scale: float = np.nan
    noise_low: float = np.nan
    noise_high: float = np.nan
    noise_count: int = 0
    why: str = ""

    @property
    def ratio(self) -> Array:
        """‖update‖ / ‖weight‖ of each part, (N,); nan where all weights are zero."""
        return np.where(self.weight > 0, self.update / np.where(self.weight > 0, self.weight, 1), np.nan)

    def whole(self, name: str) -> tuple[float, float, float]:
        """Norms of gradient, weight and update of a whole parameter, all gates together."""
        own = np.array([one == name for one in self.names])
        gradient, weight, update = (
            float(np.sqrt(np.square(values[own].astype(float)).sum()))
            for values in (self.gradient, self.weight, self.update)
        )
        return gradient, weight, update

    def frame(self) -> pd.DataFrame:
        """One row per part."""
        import pandas as pd

        return pd.DataFrame(
            {
                "training_step": np.full(len(self.names), self.step),
                "parameter": self.names,
                "gate": self.gates,
                "numbers": self.sizes,
                "gradient_norm": self.gradient,
                "weight_norm": self.weight,
                "update_norm": self.update,
                "update_to_weight": self.ratio,
            }
        )
