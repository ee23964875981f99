"""Walk backwards through a recurrent network by hand, and hold the sum of what each step finds against autograd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncore.lecture.rounding import within
from rnncore.lecture.shared_weights import HIDDEN_SIZE, INPUT_SIZE, LONGEST, PLACES, SharedWeightsSettings, product_rule
from rnncore.records.base import Array
from rnncore.records.shared_weights import SharedWeights


class Data(NamedTuple):
    """Weights [W U b] (H, H + D + 1), the state before the first step (H,), inputs (T, D), targets (T, H)."""

    weights: Tensor
    before: Tensor
    inputs: Tensor
    targets: Tensor


class Walk(NamedTuple):
    """What each step has and finds, all (T, H), but the last: (T, H, H + D + 1)."""

    local: Tensor
    carried: Tensor
    delta: Tensor
    slope: Tensor
    found: Tensor


def measure(settings: SharedWeightsSettings) -> Iterator[SharedWeights]:
    """One record, in float64: the walk, and overwriting against adding up for each length."""
    everything = data(settings)
    each = settings.losses == "each"
    h, losses = forward(everything, settings.length, each)
    walk = backward(everything, h, each)
    true = autograd(everything, settings.length, each)
    kept, error = [], 0.0
    for length in range(1, LONGEST + 1):
        states, _ = forward(everything, length, each)
        found = backward(everything, states, each).found
        total = autograd(everything, length, each)
        kept.append([float(found[0].norm()), float(total.norm())])
        error = max(error, float((found.sum(0) - total).abs().max() / total.abs().max()))
    value, direct, through = product_rule(PLACES)
    yield SharedWeights(
        h=h.numpy(), inputs=everything.inputs[: settings.length].numpy(), losses=losses.numpy(),
        local=walk.local.numpy(), carried=walk.carried.numpy(), delta=walk.delta.numpy(), slope=walk.slope.numpy(),
        found=walk.found.numpy(), autograd=true.numpy(), kept=np.array(kept), error=within(error),
        each=each, gain=settings.gain, places=PLACES, value=value, direct=direct, through=through,
        total=total_derivative(),
    )  # fmt: skip


def data(settings: SharedWeightsSettings) -> Data:
    """From the seed; the weights are those of ``torch.nn.RNN``, the recurrent ones times the gain."""
    bound = HIDDEN_SIZE**-0.5
    generator = torch.Generator().manual_seed(settings.seed)
    size = (HIDDEN_SIZE, HIDDEN_SIZE + INPUT_SIZE + 1)
    weights = (2 * torch.rand(size, generator=generator, dtype=torch.float64) - 1) * bound
    weights[:, :HIDDEN_SIZE] *= settings.gain
    before = torch.tanh(torch.randn(HIDDEN_SIZE, generator=generator, dtype=torch.float64))
    inputs = torch.randn(LONGEST, INPUT_SIZE, generator=generator, dtype=torch.float64)
    targets = torch.tanh(torch.randn(LONGEST, HIDDEN_SIZE, generator=generator, dtype=torch.float64))
    return Data(weights, before, inputs, targets)


def forward(everything: Data, length: int, each: bool) -> tuple[Tensor, Tensor]:
    """h_0 to h_T, (T + 1, H), and the loss of each step, (T,), 0 where there is none."""
    weights, h, inputs, targets = everything
    states, losses = [h], []
    one = h.new_ones(1)
    for t in range(length):
        # a sum of products: a matrix product's last bit goes with where the memory lies
        h = torch.tanh((weights * torch.cat([h, inputs[t], one])).sum(1))
        states.append(h)
        counts = each or t == length - 1
        losses.append(((h - targets[t]) ** 2).sum() / 2 if counts else h.new_zeros(()))
    return torch.stack(states), torch.stack(losses)


def backward(everything: Data, h: Tensor, each: bool) -> Walk:
    """By hand, from the last step to the first.

    Args:
        everything: the network and its data.
        h: h_0 to h_T, (T + 1, H).
        each: whether each step has a loss, or the last one alone.
    """
    weights, _, inputs, targets = everything
    length = len(h) - 1
    recurrent = weights[:, :HIDDEN_SIZE]
    carried = torch.zeros_like(h[0])
    steps = []
    for t in range(length, 0, -1):
        local = h[t] - targets[t - 1] if each or t == length else torch.zeros_like(h[t])
        delta = local + carried
        slope = 1 - h[t] ** 2
        read = torch.cat([h[t - 1], inputs[t - 1], h.new_ones(1)])
        steps.append((local, carried, delta, slope, (delta * slope)[:, None] * read))
        carried = (recurrent * (delta * slope)[:, None]).sum(0)  # J_tᵀ δ_t = Wᵀ (δ_t ⊙ (1 - h_t²))
    return Walk(*(torch.stack(parts[::-1]) for parts in zip(*steps, strict=True)))


def autograd(everything: Data, length: int, each: bool) -> Tensor:
    """The gradient as torch has it, (H, H + D + 1)."""
    weights = everything.weights.clone().requires_grad_()
    _, losses = forward(everything._replace(weights=weights), length, each)
    (found,) = torch.autograd.grad(losses.sum(), weights)
    return found


def total_derivative() -> Array:
    """f'(x) of f(x) = g(x, h(x)) as autograd has it."""
    x = torch.tensor(PLACES, requires_grad=True)
    (found,) = torch.autograd.grad((x * torch.sin(x)).sum(), x)
    return found.numpy()
