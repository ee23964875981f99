"""The unit with hand-set f and g, its gradient by the product and by autograd; and both paths through an LSTM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rnncore.lecture.remember_or_forget import HIDDEN_SIZE, INPUT_SIZE, START, RememberOrForgetSettings
from rnncore.records.base import Array
from rnncore.records.remember_or_forget import RememberOrForget


class Path(NamedTuple):
    """An LSTM's way through time: forget gates (T, H), and ∂c_T/∂c_t for t = 0 … T-1, (T, H, H)."""

    forget: Tensor
    jacobians: Tensor


def measure(settings: RememberOrForgetSettings) -> Iterator[RememberOrForget]:
    """One record; all of it in float64, which takes a few hundredths of a second."""
    f, g = (np.array(values) for values in settings.steps)
    values, autograd = circuit(f, g)
    total, detached = lstm(settings), lstm(settings, detach=True)
    direct = products(total.forget.numpy())[:-1]  # (T, H)
    diagonal = torch.diag_embed(torch.from_numpy(products(detached.forget.numpy())[:-1]))
    yield RememberOrForget(
        f=f,
        g=g,
        a=values,
        product=products(f),
        autograd=autograd,
        lags=np.arange(len(direct), 0, -1),
        forget=total.forget.mean(1).numpy(),
        direct=size(direct),
        total=size(total.jacobians.numpy().reshape(settings.length, -1)),
        detached_error=float((detached.jacobians - diagonal).abs().max()),
        forget_bias=settings.forget_bias,
    )


def products(f: Array) -> Array:
    """Π_{s>t} f_s for t = 0 … T along the first axis, the last one 1. Source: the chain rule along the unit."""
    with np.errstate(over="ignore", invalid="ignore"):
        ones = np.ones((1, *f.shape[1:]))
        return np.concatenate([np.cumprod(f[::-1], axis=0)[::-1], ones])


def size(rows: Array) -> Array:
    """Frobenius norm of each row's matrix over √H, (T, ·) → (T,); scaled, so that squares do not underflow."""
    most = np.abs(rows).max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        found: Array = most[:, 0] * np.linalg.norm(np.where(most > 0, rows / most, 0), axis=1) / np.sqrt(HIDDEN_SIZE)
    return found


def circuit(f: Array, g: Array) -> tuple[Array, Array]:
    """a_0 … a_T, (T + 1,), and ∂a_T/∂a_t of each by autograd, (T + 1,)."""
    a = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    found = [a]
    for factor, added in zip(torch.from_numpy(f), torch.from_numpy(g), strict=True):
        found.append(found[-1] * factor + added)
    gradients = torch.autograd.grad(found[-1], found)
    return torch.stack(found).detach().numpy(), torch.stack(gradients).numpy()


def lstm(settings: RememberOrForgetSettings, *, detach: bool = False) -> Path:
    """Both of an LSTM's paths, written out step by step on ``nn.LSTM``'s own weights.

    Args:
        settings: length, bias and seed.
        detach: let no gradient pass through the gates' inputs, so that the direct path alone is left.
    """
    layer, inputs = network(settings)
    weight, recurrent, bias, _ = layer.all_weights[0]
    state = torch.zeros(HIDDEN_SIZE, dtype=torch.float64)
    cells, forget = [torch.zeros(HIDDEN_SIZE, dtype=torch.float64, requires_grad=True)], []
    for x in inputs:
        i, f, g, o = (weight @ x + recurrent @ (state.detach() if detach else state) + bias).chunk(4)
        forget.append(torch.sigmoid(f))
        cells.append(forget[-1] * cells[-1] + torch.sigmoid(i) * torch.tanh(g))
        state = torch.sigmoid(o) * torch.tanh(cells[-1])
    every = torch.eye(HIDDEN_SIZE, dtype=torch.float64)
    jacobians = torch.autograd.grad(cells[-1], cells[:-1], every, is_grads_batched=True)
    return Path(torch.stack(forget).detach(), torch.stack(jacobians))


def network(settings: RememberOrForgetSettings) -> tuple[nn.LSTM, Tensor]:
    """The LSTM as PyTorch initialises it, but for its forget gate's bias, and what it reads, (T, D).

    PyTorch has two biases, of which only the sum counts: here it is in the first.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        layer = nn.LSTM(INPUT_SIZE, HIDDEN_SIZE, dtype=torch.float64)
        inputs = torch.randn(settings.length, INPUT_SIZE, dtype=torch.float64)
    *_, bias, second = layer.all_weights[0]
    with torch.no_grad():
        bias.add_(second)
        second.zero_()
        bias[HIDDEN_SIZE : 2 * HIDDEN_SIZE] = settings.forget_bias
    return layer, inputs
