"""An encoder that reads, a decoder that writes: two recurrent layers, with a look back at what was read or without.

Sources: Sutskever, Vinyals & Le 2014, arXiv:1409.3215, where all that is handed over is the encoder's last state; and
Luong, Pham & Manning 2015, arXiv:1508.04025, section 3.1 ("general"): each step of the decoder weighs all states of the
encoder,

    a_t(s) = softmax_s(h_tᵀ W_a y_s),   c_t = Σ_s a_t(s) y_s,   what is read out = tanh(W_c [c_t; h_t]).

Without attention the same without c_t. Shapes: S steps read, T steps written, B sequences, H hidden, V symbols written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnncore.cells import CELLS
from rnncore.models.beginnings import best


class EncoderDecoder(nn.Module):
    """See the file.

    Args:
        cell: of both layers, one that hands a state on.
        read, written: how many symbols there are to read, and to write.
        hidden_size: H.
        attention: whether the decoder looks back.
        embedding_size: numbers of a symbol's vector.
    """

    def __init__(
        self, cell: str, read: int, written: int, hidden_size: int, *, attention: bool, embedding_size: int = 32
    ):
        super().__init__()
        self.written = written
        self.source = nn.Embedding(read, embedding_size)
        self.target = nn.Embedding(written + 1, embedding_size)  # the last one begins every text
        self.encoder = CELLS[cell].layer(embedding_size, hidden_size)
        self.decoder = CELLS[cell].layer(embedding_size, hidden_size)
        self.attention = nn.Linear(hidden_size, hidden_size, bias=False) if attention else None
        self.combine = nn.Linear(hidden_size * (2 if attention else 1), hidden_size)
        self.readout = nn.Linear(hidden_size, written)

    def encode(self, read: Tensor, lengths: Tensor) -> tuple[Tensor, Any]:
        """Ids (S, B) of so many valid steps (B,) → states y (S, B, H), 0 beyond the end, and the last state."""
        packed = pack_padded_sequence(self.source(read), lengths, enforce_sorted=False)
        y, state = self.encoder(packed)
        return pad_packed_sequence(y)[0], state

    def decode(self, before: Tensor, state: Any, y: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None, Any]:
        """Symbols written before (T, B) → logits (T, B, V), attention (B, T, S) or None, and the state."""
        h, state = self.decoder(self.target(before), state)
        weights: Tensor | None = None
        if self.attention is not None:
            scores = torch.einsum("tbh,sbh->bts", h, self.attention(y))
            beyond = torch.arange(len(y))[None, :] >= lengths[:, None]
            weights = scores.masked_fill(beyond[:, None], -math.inf).softmax(-1)
            h = torch.cat([torch.einsum("bts,sbh->tbh", weights, y), h], -1)
        logits: Tensor = self.readout(self.combine(h).tanh())
        return logits, weights, state

    def forward(self, read: Tensor, lengths: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | None]:
        """Teacher forcing: logits (T, B, V) for targets (T, B), and the attention."""
        y, state = self.encode(read, lengths)
        logits, weights, _ = self.decode(self.shifted(targets), state, y, lengths)
        return logits, weights

    def shifted(self, targets: Tensor) -> Tensor:
        """What the decoder reads: the symbol before, at first that which begins."""
        return torch.cat([torch.full_like(targets[:1], self.written), targets[:-1]])

    @torch.no_grad()
    def greedy(self, read: Tensor, lengths: Tensor, steps: int) -> tuple[Tensor, Tensor | None]:
        """The likeliest symbol each time: ids (steps, B), and the attention (B, steps, S) or None."""
        y, state = self.encode(read, lengths)
        last, found, looks = torch.full_like(read[:1], self.written), [], []
        for _ in range(steps):
            logits, weights, state = self.decode(last, state, y, lengths)
            last = logits.argmax(-1)
            found.append(last)
            looks.append(weights)
        return torch.cat(found), None if self.attention is None else torch.cat(looks, 1)  # type: ignore[arg-type]

    @torch.no_grad()
    def beam(self, read: Tensor, steps: int, width: int) -> Beam:
        """Beam search for one source (S,): after each symbol the ``width`` likeliest beginnings stay."""
        lengths = torch.tensor([len(read)])
        y, state = self.encode(read[:, None], lengths)
        last, score = torch.tensor([self.written]), torch.zeros(1, dtype=torch.float64)
        nodes: list[tuple[int, int, int, float]] = []
        alive = [-1]  # the node that each beginning ends in
        for step in range(steps):
            count = len(last)
            logits, _, state = self.decode(last[None], state, y.expand(-1, count, -1), lengths.expand(count))
            gains = logits[0].double().log_softmax(-1)
            score, parent, last = best(score[:, None] + gains, width)
            state = _rows(state, parent)
            nodes += [
                (step, alive[row], symbol, bits)
                for row, symbol, bits in zip(
                    parent.tolist(), last.tolist(), (-score / math.log(2)).tolist(), strict=True
                )
            ]
            alive = list(range(len(nodes) - len(last), len(nodes)))
        step_of, parents, symbols, costs = zip(*nodes, strict=True)
        return Beam(step_of, parents, symbols, costs, tuple(alive))


@dataclass(frozen=True)
class Beam:
    """All beginnings that a beam kept, in the order in which they came.

    Attributes:
        step, parent, symbol: of each, (N,); the place among them of what it continues, -1 for none.
        bits: -log2 of the probability of the whole beginning.
        survivors: the places of the whole texts, the likeliest first.
    """

    step: tuple[int, ...]
    parent: tuple[int, ...]
    symbol: tuple[int, ...]
    bits: tuple[float, ...]
    survivors: tuple[int, ...]

    def text(self, node: int) -> list[int]:
        """The symbols from the first one to that node's."""
        found = []
        while node >= 0:
            found.append(self.symbol[node])
            node = self.parent[node]
        return found[::-1]


def _rows(state: Any, index: Tensor) -> Any:
    if isinstance(state, tuple):
        return tuple(_rows(one, index) for one in state)
    return state.index_select(1, index)
