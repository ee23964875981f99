"""Three networks that read vectors of any number: what each needs, and how right each is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

CLOSE = 0.02
"""Shares of right answers nearer than this count as equal."""


@dataclass(frozen=True, kw_only=True)
class VariableLength(Measured):
    """One measurement of all networks N; lengths L from 1 to twice the longest of training, E evaluations so far.

    Attributes:
        networks: N names: padded, unshared, shared.
        longest: of the training sequences.
        room: inputs that the first two networks have weights for; what comes after is not read by them.
        parameters: weights of each network, (N,).
        sizes, parameters_by_size: weights of each, (N, M), against the longest input that it is built for, (M,).
        multiplications: of one forward pass, (N, L), against the actual length.
        steps, trained, longer: share of right answers on lengths of training and on longer ones, (N, E), by step (E,).
        lengths, by_length: the same at the newest evaluation, (N, L), against the length, (L,).
        ceiling: the best that can be had from the first ``room`` inputs alone, (L,).
    """

    kind: ClassVar[str] = "variable_length"

    networks: tuple[str, ...]
    longest: int
    room: int
    parameters: Array
    sizes: Array
    parameters_by_size: Array
    multiplications: Array
    steps: Array
    trained: Array
    longer: Array
    lengths: Array
    by_length: Array
    ceiling: Array

    @property
    def answer(self) -> str:
        """The network that is right most often on longer inputs; ``none`` where the first two are too near."""
        if self.share < 1:
            return ""
        last = self.longer[:, -1]
        best, second = np.sort(last)[::-1][:2]
        return self.networks[int(last.argmax())] if best - second > CLOSE else "none"

    @property
    def numbers(self) -> dict[str, str]:
        """Parameters, and shares of right answers at the end."""
        found = {
            "longest": f"{self.longest}",
            "longer_from": f"{self.longest + 1}",
            "twice": f"{2 * self.longest}",
            "room": f"{self.room}",
        }
        beyond = self.lengths > self.longest
        found["ceiling"] = f"{100 * self.ceiling[beyond].mean():.0f}%"
        for name, weights, trained, longer in zip(
            self.networks, self.parameters, self.trained[:, -1], self.longer[:, -1], strict=True
        ):
            found |= {f"{name}_parameters": f"{weights:,}", f"{name}_trained": f"{100 * trained:.0f}%"}
            found[f"{name}_longer"] = f"{100 * longer:.0f}%"
        return found

    @property
    def proof(self) -> str:
        """Right answers beyond the lengths of training, and with how many weights."""
        parts = (
            f"{name} {100 * share:.0f}% with {weights:,}"
            for name, share, weights in zip(self.networks, self.longer[:, -1], self.parameters, strict=True)
        )
        return "; ".join(parts) + " weights"

    def frame(self) -> pd.DataFrame:
        """One row per network and length."""
        import pandas as pd

        return pd.DataFrame(
            {
                "network": np.repeat(self.networks, len(self.lengths)),
                "length": np.tile(self.lengths, len(self.networks)),
                "right": self.by_length.ravel(),
                "multiplications": self.multiplications.ravel(),
                "ceiling": np.tile(self.ceiling, len(self.networks)),
            }
        )
