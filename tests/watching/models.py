"""Models that this project never saw, and loops as people write them."""

from contextlib import nullcontext

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Tagger(nn.Module):
    """Two modules of different cells and sizes: a stacked LSTM that reads both ways, and a GRU behind it."""

    def __init__(self, dtype=torch.float32):
        super().__init__()
        self.encoder = nn.LSTM(5, 6, num_layers=2, bidirectional=True, batch_first=True, dtype=dtype)
        self.smoother = nn.GRU(12, 4, batch_first=True, dtype=dtype)
        self.readout = nn.Linear(4, 3, dtype=dtype)

    def forward(self, x, lengths=None):
        """(B, T, 5) → (B, T, 3)."""
        if lengths is not None:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, _ = self.encoder(x)
        y, _ = self.smoother(y)
        return self.readout(y if lengths is None else pad_packed_sequence(y, batch_first=True)[0])


class Reader(nn.Module):
    """One fused layer and a readout, (T, B, 4) → (T, B, 4)."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.readout = nn.Linear(layer.hidden_size, 4)

    def forward(self, x):
        return self.readout(self.layer(x)[0])


class Unwatched:
    """A watch that is none."""

    def step(self, tokens=()):
        return nullcontext()

    def log(self, **numbers):
        pass


def train(watch, model, steps=5, shape=(7, 3, 4), tokens=()):
    """A loop with its own data; the losses."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    losses = []
    for _ in range(steps):
        x = torch.randn(shape, generator=generator)
        optimizer.zero_grad()
        with watch.step(tokens):
            loss = model(x).pow(2).mean()
            loss.backward()
        optimizer.step()
        watch.log(loss=loss)
        losses.append(loss.item())
    return losses
