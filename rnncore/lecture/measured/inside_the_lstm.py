"""Cut PyTorch's LSTM open: its matrix, the four parts of each product, and the numbers of every unit at every step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from rnncore.lecture.inside_the_lstm import InsideTheLstmSettings
from rnncore.lecture.rounding import within
from rnncore.records.inside_the_lstm import BLOCKS, InsideTheLstm

SWAPPED = ("f", "i", "g", "o")
"""A wrong order, to see whether it matters."""


def measure(settings: InsideTheLstmSettings) -> Iterator[InsideTheLstm]:
    """One record, in float64."""
    size = settings.hidden_size
    layer, inputs, letters = network(settings)
    with torch.no_grad():
        fused, _ = layer(inputs)
        weight, bias = joined(layer)
        parts, gates, c, h = run(weight, bias, inputs)
        wrong = run(weight, bias, inputs, SWAPPED)[-1]
    yield InsideTheLstm(
        letters=letters,
        inputs=inputs.numpy(),
        weight=weight.numpy(),
        bias=bias.numpy(),
        parts=parts.numpy(),
        gates=gates.numpy(),
        c=c.numpy(),
        h=h.numpy(),
        error=within(float((h - fused).abs().max())),
        swapped=float((wrong - fused).abs().max()),
        cells=("rnn_tanh", "gru", "lstm"),
        parameters=tuple(parameters(kind(settings.input_size, size)) for kind in (nn.RNN, nn.GRU, nn.LSTM)),
    )


def parameters(module: nn.Module) -> int:
    """As torch counts them."""
    return sum(one.numel() for one in module.parameters())


def network(settings: InsideTheLstmSettings) -> tuple[nn.LSTM, Tensor, tuple[str, ...]]:
    """PyTorch's LSTM, the inputs (T, D), and the characters that they stand for."""
    letters = tuple(settings.word) or (" ",)
    kinds = sorted(set(letters))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        layer = nn.LSTM(settings.input_size, settings.hidden_size, dtype=torch.float64)
        vectors = torch.randn(len(kinds), settings.input_size, dtype=torch.float64)
    size = settings.hidden_size
    with torch.no_grad():
        layer.all_weights[0][2][size : 2 * size].add_(settings.forget_bias)
    return layer, vectors[[kinds.index(letter) for letter in letters]], letters


def joined(layer: nn.LSTM) -> tuple[Tensor, Tensor]:
    """[W_hh W_ih], (4H, H + D), and the sum of both biases, (4H,)."""
    weight_ih, weight_hh, bias_ih, bias_hh = layer.all_weights[0]
    return torch.cat([weight_hh, weight_ih], 1), bias_ih + bias_hh


def run(
    weight: Tensor, bias: Tensor, inputs: Tensor, order: Sequence[str] = BLOCKS
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The LSTM by its one product.

    Args:
        weight: (4H, H + D).
        bias: (4H,).
        inputs: (T, D).
        order: which gate each quarter of the rows is.

    Returns:
        What h, x and b add to each row, (T, 3, 4, H); gates i, f, g, o, (T, 4, H); c and h, (T, H).
    """
    size = len(bias) // 4
    h = c = torch.zeros(size, dtype=weight.dtype)
    found: tuple[list[Tensor], ...] = ([], [], [], [])
    for x in inputs:
        # sums of products: a matrix product's last bit goes with where the memory lies
        parts = torch.stack([(weight[:, :size] * h).sum(1), (weight[:, size:] * x).sum(1), bias])
        cut = dict(zip(order, parts.sum(0).chunk(4), strict=True))
        i, f, o = (torch.sigmoid(cut[name]) for name in "ifo")
        g = torch.tanh(cut["g"])
        c = f * c + i * g
        h = o * torch.tanh(c)
        for kept, one in zip(found, (parts.reshape(3, 4, size), torch.stack([i, f, g, o]), c, h), strict=True):
            kept.append(one)
    parts_, gates, cs, hs = (torch.stack(kept) for kept in found)
    return parts_, gates, cs, hs
