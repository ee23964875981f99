"""Train the three networks side by side on the same batches, and test them on lengths that they never met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncore.lecture.variable_length import (
    CLASSES,
    HIDDEN_SIZE,
    INPUT_SIZE,
    NETWORKS,
    VariableLengthSettings,
    ceiling,
    multiplications,
    parameters,
)
from rnncore.records.base import Array
from rnncore.records.variable_length import VariableLength

BATCH, LR = 64, 0.003
"""The rate falls in a straight line to 0 at the end."""
SCALE = 0.1
"""Of the inputs: small enough for tanh to bend the sums of long sequences little."""
TESTED = 1000
"""Sequences of each length in the last evaluation, and a tenth of that in those before."""
EVALUATIONS = 30


class Padded(nn.Module):
    """One large layer for all inputs at once, zeros where there is none; (T, B, D) → (B, 2)."""

    def __init__(self, room: int):
        super().__init__()
        self.room = room
        self.layers = nn.Sequential(
            nn.Linear(room * INPUT_SIZE, HIDDEN_SIZE), nn.Tanh(), nn.Linear(HIDDEN_SIZE, HIDDEN_SIZE), nn.Tanh(),
            nn.Linear(HIDDEN_SIZE, CLASSES),
        )  # fmt: skip

    def forward(self, inputs: Tensor, sizes: Tensor) -> Tensor:
        """Inputs are 0 from ``sizes`` (B,) on; what comes after ``room`` is not read."""
        there = inputs[: self.room].transpose(0, 1).flatten(1)
        logits: Tensor = self.layers(functional.pad(there, (0, self.room * INPUT_SIZE - there.shape[1])))
        return logits


class Recurrent(nn.Module):
    """A layer per input, its own or the same for all; (T, B, D) → (B, 2), read off after each sequence's last input."""

    def __init__(self, layers: int, shared: bool):
        super().__init__()
        self.shared = shared
        self.inputs = nn.ModuleList(nn.Linear(INPUT_SIZE, HIDDEN_SIZE) for _ in range(layers))
        self.hidden = nn.ModuleList(nn.Linear(HIDDEN_SIZE, HIDDEN_SIZE, bias=False) for _ in range(layers))
        self.readout = nn.Linear(HIDDEN_SIZE, CLASSES)

    def forward(self, inputs: Tensor, sizes: Tensor) -> Tensor:
        """What comes after the last layer of its own is not read."""
        hidden = inputs.new_zeros(inputs.shape[1], HIDDEN_SIZE)
        for t, x in enumerate(inputs):
            if t == len(self.inputs) and not self.shared:
                break
            layer = 0 if self.shared else t
            following = torch.tanh(self.inputs[layer](x) + self.hidden[layer](hidden))
            hidden = torch.where((t < sizes)[:, None], following, hidden)
        logits: Tensor = self.readout(hidden)
        return logits


def networks(settings: VariableLengthSettings) -> dict[str, nn.Module]:
    """The three, from the same seed."""
    room = settings.longest + settings.spare
    makers = {
        "padded": lambda: Padded(room),
        "unshared": lambda: Recurrent(room, shared=False),
        "shared": lambda: Recurrent(1, shared=True),
    }
    found = {}
    for name in NETWORKS:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            found[name] = makers[name]()
    return found


class Sums:
    """Draws sequences with the answer to each; a generator of its own.

    Args:
        seed: of the direction w too.
        stream: 0 for training, 1 for the test.
    """

    def __init__(self, seed: int, stream: int):
        direction = torch.Generator().manual_seed(seed)
        self.direction = functional.normalize(torch.randn(INPUT_SIZE, generator=direction), dim=0)
        self.generator = torch.Generator().manual_seed(2 * seed + stream + 1)

    def draw(self, sizes: Tensor) -> tuple[Tensor, Tensor]:
        """Sequences of the wanted lengths (B,): (T, B, D), zero after the end, and whether the sum is above 0, (B,)."""
        inputs = SCALE * torch.randn(int(sizes.max()), len(sizes), INPUT_SIZE, generator=self.generator)
        inputs = inputs * (torch.arange(len(inputs))[:, None] < sizes)[..., None]
        return inputs, (inputs.sum(0) @ self.direction > 0).long()

    def any_length(self, longest: int) -> Tensor:
        """Lengths from 1 to the longest, (B,)."""
        return torch.randint(1, longest + 1, (BATCH,), generator=self.generator)


def measure(settings: VariableLengthSettings) -> Iterator[VariableLength]:
    """A record about thirty times in the course of training, the last one from ten times as many tests."""
    longest, room = settings.longest, settings.longest + settings.spare
    models = networks(settings)
    optimisers = {name: torch.optim.Adam(model.parameters(), lr=LR) for name, model in models.items()}
    data = Sums(settings.seed, 0)
    lengths, sizes = np.arange(1, 2 * longest + 1), np.arange(1, 2 * max(room, longest) + 1)
    still: dict[str, Any] = {
        "networks": NETWORKS,
        "longest": longest,
        "room": room,
        "parameters": np.array([sum(p.numel() for p in models[name].parameters()) for name in NETWORKS]),
        "sizes": sizes,
        "parameters_by_size": np.array([[parameters(name, size) for size in sizes.tolist()] for name in NETWORKS]),
        "multiplications": np.array([[multiplications(name, room, n) for n in lengths.tolist()] for name in NETWORKS]),
        "lengths": lengths,
        "ceiling": ceiling(room, lengths),
    }
    steps: list[int] = []
    trained: list[Array] = []
    longer: list[Array] = []
    every = max(settings.steps // EVALUATIONS, 1)
    for step in range(settings.steps + 1):
        last = step == settings.steps
        if step % every == 0 or last:
            found = right(models, settings, TESTED if last else TESTED // 10)
            steps.append(step)
            trained.append(found[:, :longest].mean(1))
            longer.append(found[:, longest:].mean(1))
            yield VariableLength(
                step=step, share=step / settings.steps, doing=f"training the three networks, step {step:,}",
                steps=np.array(steps), trained=np.stack(trained, 1), longer=np.stack(longer, 1), by_length=found,
                **still,
            )  # fmt: skip
        if not last:
            sizes_ = data.any_length(longest)
            inputs, targets = data.draw(sizes_)
            for name, model in models.items():
                optimisers[name].param_groups[0]["lr"] = LR * (1 - step / settings.steps)
                optimisers[name].zero_grad()
                functional.cross_entropy(model(inputs, sizes_), targets).backward()
                optimisers[name].step()


@torch.no_grad()
def right(models: dict[str, nn.Module], settings: VariableLengthSettings, count: int) -> Array:
    """The share of right answers for each length, (N, L), on the same ``count`` sequences of each for all networks."""
    data, found = Sums(settings.seed, 1), []
    for length in range(1, 2 * settings.longest + 1):
        sizes = torch.full((count,), length)
        inputs, targets = data.draw(sizes)
        found.append([float((model(inputs, sizes).argmax(1) == targets).float().mean()) for model in models.values()])
    return np.array(found).T
