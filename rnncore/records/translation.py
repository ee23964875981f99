"""An encoder and a decoder with attention and without: how well they translate, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

CLOSE = 0.05
"""Shares of right dates that differ by less count as the same."""
ATTENTION, PLAIN = 0, 1
"""The two networks, where an axis has both."""


@dataclass(frozen=True, kw_only=True)
class Translation(Measured):
    """Two networks, E turns of training so far, N sources that are looked at: S letters read, T symbols written.

    Attributes:
        cell: of all four layers.
        parameters: of each network, (2,).
        steps, losses, right: training steps at the end of each turn, (E,); mean loss of the turn, nats per symbol, and
            share of held-out dates that are written down without a mistake, (2, E).
        sources, targets: what is read, and what is right.
        written: by each network, the likeliest symbol each time, (2, N) texts.
        attention: of the network that has it while it writes these, (N, T, S); 0 beyond a source's end.
        encoder, decoder: ‖∂L/∂h_t‖ of the sum of all symbols' losses, (2, S, N), nan beyond the end, and (2, T, N).
        beam_step, beam_parent, beam_symbol, beam_bits: all beginnings that the beam kept, (N, M), see
            ``models.encoder_decoder.Beam``; a step of -1 is padding.
        survivors: the whole texts among them, the likeliest first, (N, width).
        symbols: what is written with.
    """

    kind: ClassVar[str] = "translation"

    cell: str
    parameters: Array
    steps: Array
    losses: Array
    right: Array
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    written: tuple[tuple[str, ...], ...]
    attention: Array
    encoder: Array
    decoder: Array
    beam_step: Array
    beam_parent: Array
    beam_symbol: Array
    beam_bits: Array
    survivors: Array
    symbols: str

    def beam_text(self, example: int, node: int) -> str:
        """The symbols from the first one to that node's."""
        found = ""
        while node >= 0:
            found = self.symbols[int(self.beam_symbol[example, node])] + found
            node = int(self.beam_parent[example, node])
        return found

    @property
    def answer(self) -> str:
        """Which of the two is right more often at the end."""
        if self.share < 1:
            return ""
        difference = self.right[ATTENTION, -1] - self.right[PLAIN, -1]
        return "same" if abs(difference) < CLOSE else "with" if difference > 0 else "without"

    @property
    def numbers(self) -> dict[str, str]:
        """Both shares, and how the gradient at the first letter compares with that at the last one."""
        reach = [float(np.median(self.encoder[which, 0] / self._ends(which))) for which in (ATTENTION, PLAIN)]
        return {
            "with": f"{100 * self.right[ATTENTION, -1]:.0f} %",
            "without": f"{100 * self.right[PLAIN, -1]:.0f} %",
            "steps": f"{self.step:,}",
            "half_with": self._half(ATTENTION),
            "half_without": self._half(PLAIN),
            "reach_with": f"{reach[ATTENTION]:.2g}",
            "reach_without": f"{reach[PLAIN]:.2g}",
        }

    def _ends(self, network: int) -> Array:
        lengths = np.isfinite(self.encoder[network]).sum(0)
        ends: Array = self.encoder[network][lengths - 1, np.arange(len(lengths))]
        return ends

    def _half(self, network: int) -> str:
        over = np.nonzero(self.right[network] >= 0.5)[0]
        return f"after {self.steps[over[0]]:,} steps" if len(over) else "not in this time"

    @property
    def proof(self) -> str:
        """Both shares."""
        n = self.numbers
        return f"{n['with']} of held-out dates right with attention, {n['without']} without, after {n['steps']} steps"

    def frame(self) -> pd.DataFrame:
        """One row per source and network."""
        import pandas as pd

        names = ("attention", "last state alone")
        rows = [
            (name, source, target, text, text == target)
            for name, texts in zip(names, self.written, strict=True)
            for source, target, text in zip(self.sources, self.targets, texts, strict=True)
        ]
        return pd.DataFrame(rows, columns=["network", "source", "target", "written", "right"])
