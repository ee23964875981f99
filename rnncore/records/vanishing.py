"""What is left of a gradient after each step back, for many cells; and what clipping does about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

SMALLEST = 1e-300
"""Norms below are at float64's end, and tell nothing about the decay."""
ALIKE, STILL = 2.0, 0.05
"""Half-lives within this factor count as alike; a factor per step this near to 1 as neither growth nor decay."""


def factor(norms: Array) -> float:
    """Factor per step: least squares on the logarithm of norms at lags 1, 2, …; nan with fewer than three of them."""
    lags = np.arange(1, len(norms) + 1)
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(norms) & (norms > SMALLEST)
    if usable.sum() < 3:
        return float("nan")
    return float(np.exp(np.polyfit(lags[usable], np.log(norms[usable]), 1)[0]))


@dataclass(frozen=True, kw_only=True)
class Vanishing(Measured):
    """V networks, each with G gains, over L lags; nan where it is not measured yet.

    Attributes:
        networks, cells: V names, and kinds of cells.
        gains: factors on the recurrent weights, (G,).
        lags: 1 to L, (L,).
        norms: ‖∂h_T/∂h_{T-k}‖_F / √H at initialisation, (V, G, L).
        spectrum_at: lags Q at which singular values are known, (Q,).
        spectra: of ∂h_T/∂h_{T-k}, the largest first, (V, G, Q, H).
        trained, trained_cells: names and kinds of the cells that were trained, on parity.
        trained_norms, trained_right: the same norms after training, (·, L), and their share of right answers.
        clipped: names of two tasks.
        clipped_right: share of right answers without and with clipping, (2, 2).
        largest: the largest norm of the gradient in these runs, before clipping, (2, 2).
    """

    kind: ClassVar[str] = "vanishing"

    networks: tuple[str, ...]
    cells: tuple[str, ...]
    gains: Array
    lags: Array
    norms: Array
    spectrum_at: Array
    spectra: Array
    trained: tuple[str, ...]
    trained_cells: tuple[str, ...]
    trained_norms: Array
    trained_right: Array
    clipped: tuple[str, ...]
    clipped_right: Array
    largest: Array

    @property
    def factors(self) -> Array:
        """Factor per step of each network at each gain, (V, G)."""
        return np.array([[factor(norms) for norms in row] for row in self.norms])

    @property
    def trained_factors(self) -> Array:
        """The same after training."""
        return np.array([factor(norms) for norms in self.trained_norms])

    @property
    def own(self) -> int:
        """The place of gain 1."""
        return int(np.argmin(np.abs(self.gains - 1)))

    def _at_one(self, name: str) -> float:
        return factor(self.norms[self.networks.index(name), self.own])

    @property
    def answer(self) -> str:
        """How the gradient of an LSTM as torch initialises it fares beside the vanilla RNN's."""
        lstm, rnn = self._at_one("LSTM"), self._at_one("RNN")
        if self.share < 1 or not np.isfinite([lstm, rnn]).all():
            return ""
        if abs(lstm - 1) <= STILL:
            return "one"
        if lstm > 1:
            return "grows"
        slower = np.log(rnn) / np.log(lstm)
        return "slower" if slower > ALIKE else "alike"

    @property
    def numbers(self) -> dict[str, str]:
        """Factors per step, and what clipping came to."""
        found = {
            name: f"{self._at_one(network):.3f}"
            for name, network in (
                ("rnn", "RNN"), ("lstm", "LSTM"), ("gru", "GRU"), ("orthogonal", "RNN, orthogonal"),
                ("bias1", "LSTM, forget bias 1"), ("bias3", "LSTM, forget bias 3"), ("lstm_chrono", "LSTM, chrono"),
                ("gru_chrono", "GRU, chrono"),
            )
        }  # fmt: skip
        four = int(np.argmin(np.abs(self.gains - 4)))
        found["four"] = f"{self.factors[self.networks.index('RNN'), four]:.3f}"
        lag = min(50, len(self.lags))
        found |= {"lag": f"{lag}", "left": _size(self.norms[self.networks.index("LSTM"), self.own, lag - 1])}
        for name, after, share in zip(self.trained, self.trained_factors, self.trained_right, strict=True):
            found |= {f"{name.lower()}_after": f"{after:.3f}", f"{name.lower()}_right": _share(share)}
        for name, (free, held), (most, _) in zip(
            ("explodes", "vanishes"), self.clipped_right, self.largest, strict=True
        ):
            found |= {f"{name}_free": _share(free), f"{name}_held": _share(held), f"{name}_norm": _size(most)}
        return found

    @property
    def proof(self) -> str:
        """Factors per step at initialisation."""
        found = self.numbers
        return (
            f"factor per step: RNN {found['rnn']}, LSTM {found['lstm']}, GRU {found['gru']}, "
            f"chrono LSTM {found['lstm_chrono']}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per network, gain and lag."""
        import pandas as pd

        networks, gains, lags = self.norms.shape
        return pd.DataFrame(
            {"network": np.repeat(self.networks, gains * lags), "gain": np.tile(np.repeat(self.gains, lags), networks),
             "lag": np.tile(self.lags, networks * gains), "norm": self.norms.ravel()}
        )  # fmt: skip


def _size(value: float) -> str:
    return f"{value:.2g}" if np.isfinite(value) else "an overflow"


def _share(value: float) -> str:
    return f"{100 * value:.0f}%" if np.isfinite(value) else "nothing (it diverged)"
