"""The same small network folded, as PyTorch has it, and unrolled, as a feed-forward network built layer by layer."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from rnncore.lecture.rounding import within
from rnncore.lecture.unrolled import OUTPUTS, UnrolledSettings
from rnncore.records.unrolled import Unrolled


class Folded(nn.Module):
    """PyTorch's RNN and a readout; (T, D) to hidden states (T, H) and outputs (T, O)."""

    def __init__(self, settings: UnrolledSettings):
        super().__init__()
        self.recurrent = nn.RNN(settings.input_size, settings.hidden_size)
        self.readout = nn.Linear(settings.hidden_size, OUTPUTS)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """All steps."""
        hidden, _ = self.recurrent(inputs)
        return hidden, self.readout(hidden)


class Layer(nn.Module):
    """One layer of the deep network: reads its own input and the layer below it."""

    def __init__(self, size: int, inputs: int):
        super().__init__()
        self.own, self.below = nn.Linear(inputs, size), nn.Linear(size, size)

    def forward(self, x: Tensor, below: Tensor) -> Tensor:
        """(D,) and (H,) to (H,)."""
        return torch.tanh(self.own(x) + self.below(below))


class Deep(nn.Module):
    """A feed-forward network of T layers, an output at each; it knows nothing of time.

    Args:
        folded: whose weights it has.
        depth: layers.
        share: the same weights in all layers; else a copy for each.
    """

    def __init__(self, folded: Folded, depth: int, share: bool):
        super().__init__()
        made = [self._layer(folded) for _ in range(1 if share else depth)]
        self.layers = nn.ModuleList(made * depth if share else made)
        self.size = folded.recurrent.hidden_size
        self.readout = nn.Linear(self.size, OUTPUTS)
        self.readout.load_state_dict(folded.readout.state_dict())
        self.to(next(folded.parameters()).dtype)

    @staticmethod
    def _layer(folded: Folded) -> Layer:
        recurrent = folded.recurrent
        weight, back, bias, other = recurrent.all_weights[0]
        layer = Layer(recurrent.hidden_size, recurrent.input_size).to(weight.dtype)
        with torch.no_grad():
            for mine, theirs in zip(layer.parameters(), (weight, bias, back, other), strict=True):
                mine.copy_(theirs)
        return layer

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(T, D) to hidden states (T, H) and outputs (T, O)."""
        below, found = inputs.new_zeros(self.size), []
        for layer, x in zip(self.layers, inputs, strict=True):
            below = layer(x, below)
            found.append(below)
        hidden = torch.stack(found)
        return hidden, self.readout(hidden)


def measure(settings: UnrolledSettings) -> Iterator[Unrolled]:
    """One record."""
    folded, inputs = network(settings)
    hidden, outputs = folded(inputs)
    weight, back, bias, other = folded.recurrent.all_weights[0]
    twin, copies = Deep(folded, settings.steps, share=True), Deep(folded, settings.steps, share=False)
    exact = folded.double()
    errors = {
        name: max(float((a - b).abs().max().detach()) for a, b in zip(one(x), other_(x), strict=True))
        for name, one, other_, x in (
            ("single", network(settings)[0], twin, inputs),
            ("double", exact, Deep(exact, settings.steps, share=True), inputs.double()),
        )
    }
    yield Unrolled(
        inputs=inputs.numpy(),
        hidden=hidden.detach().numpy(),
        outputs=outputs.detach().numpy(),
        weight=weight.detach().float().numpy(),
        back=back.detach().float().numpy(),
        bias=(bias + other).detach().float().numpy(),
        readout=folded.readout.weight.detach().float().numpy(),
        depth=len(twin.layers),
        error=within(errors["single"]),
        error_double=within(errors["double"]),
        parameters=_count(folded),
        shared=_count(twin),
        copied=_count(copies),
        gradient_error=within(gradients_differ(exact, settings, inputs.double())),
    )


def network(settings: UnrolledSettings) -> tuple[Folded, Tensor]:
    """The network, and what it reads, (T, D)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return Folded(settings), torch.randn(settings.steps, settings.input_size)


def gradients_differ(folded: Folded, settings: UnrolledSettings, inputs: Tensor) -> float:
    """The largest difference between the folded network's gradient and the sum of those of the layers' copies."""
    copies = Deep(folded, settings.steps, share=False)
    for model in (folded, copies):
        model.zero_grad()
        model(inputs)[1].square().sum().backward()
    weight, back, bias, other = folded.recurrent.all_weights[0]
    found = [list(layer.parameters()) for layer in copies.layers]
    return max(
        float((torch.stack([_gradient(layer[place]) for layer in found]).sum(0) - _gradient(whole)).abs().max())
        for place, whole in enumerate((weight, bias, back, other))
    )


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _count(module: nn.Module) -> int:
    """Numbers that training can change, each counted once."""
    return sum(parameter.numel() for parameter in module.parameters())
