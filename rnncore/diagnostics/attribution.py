"""Which inputs a prediction depended on: the gradient of a logit, carried back to every input at once."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from rnncore.diagnostics.probed import Opened, Probed
from rnncore.records import Attribution, Record

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

MOST_NUMBERS = 1_000_000
"""Numbers per gate that one recurrence may hold, K·T·H; beyond it only the last predictions are followed back."""


@torch.no_grad()
def attribution(
    layers: Sequence[Any],
    direct: Tensor,
    *,
    masks: Sequence[Tensor | None] | None = None,
    taus: Tensor | None = None,
    residual: bool = False,
) -> Tensor:
    """‖∂ logit_k at τ / ∂x_t‖ for many predictions in one backward recurrence per layer.

    Args:
        layers: one-way traces of a stack of recurrent layers, bottom first (see ``rnncore.probe``), each (T, B, H).
        direct: ∂ logit_k at τ / ∂ (what the readout reads at τ), k the output that is followed back, (T, B, H); of a
            linear readout, the rows of its weight. See ``through_readout``.
        masks: what each layer's output was multiplied with on its way up, (T, B, H) or None each; None for no dropout.
        taus: steps τ to follow back, (K,); all T for None.
        residual: each layer's input was added to its output, from the second layer on.

    Returns:
        (K, T, B), Euclidean norms over the D numbers of x_t: exactly 0 for t > τ. Source: Madsen 2019,
        https://distill.pub/2019/memorization-in-rnns.
    """
    top = layers[-1].hidden
    steps, batch, size = top.shape
    taus = torch.arange(steps, device=top.device) if taus is None else taus
    arriving = top.new_zeros(len(taus), steps, batch, size)
    arriving[torch.arange(len(taus), device=top.device), taus] = direct[taus].to(top.dtype)
    for index in range(len(layers) - 1, -1, -1):
        mask = masks[index] if masks is not None else None
        if mask is not None:
            arriving = arriving * mask[:, :batch]
        below = layers[index].backward(arriving).grad_input
        arriving = below + arriving if residual and index else below
    norms: Tensor = arriving.norm(dim=-1)
    return norms


@torch.no_grad()
def read_by_readout(
    layers: Sequence[Any], masks: Sequence[Tensor | None] | None = None, residual: bool = False
) -> Tensor:
    """What the readout read, (T, B, H): the top layer's output, behind dropout, with what went past the layers."""
    x: Tensor | None = None
    for index, layer in enumerate(layers):
        y = layer.hidden if x is None or not residual else layer.hidden + x
        mask = masks[index] if masks is not None else None
        x = y if mask is None else y * mask[:, : y.shape[1]]
    assert x is not None
    return x


def through_readout(readout: nn.Module, read: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """∂ logit_k at τ / ∂ (what is read at τ), (T, B, H), and the probability of k, (T, B).

    Args:
        readout: works at each step by itself, (T, B, H) → (T, B, V).
        read: (T, B, H).
        targets: k, (T, B).
    """
    with torch.enable_grad():
        given = read.detach().requires_grad_()
        logits = readout(given)
        chosen = logits.gather(-1, targets.unsqueeze(-1)).sum()
        (direct,) = torch.autograd.grad(chosen, given)
    probability: Tensor = logits.detach().softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return direct, probability


@dataclass
class _Read(Opened):
    """A probe, and the readout as it was before the optimiser changed it."""

    readout: Any = None


class AttributionMeasure(Probed):
    """Follows the predictions of the batch's first sequence back to the characters read."""

    name, share, patience = "attribution", 0.03, 4.0

    @contextmanager
    def around(self, trainer: Trainer) -> Iterator[_Read]:
        """A probe, and a copy of the readout."""
        with super().around(trainer) as opened:
            read = _Read(opened.probe)
            yield read
            start = time.perf_counter()
            read.readout = copy.deepcopy(trainer.model.readout)
            copying = time.perf_counter() - start
        read.seconds = opened.seconds + copying

    def records(self, trainer: Trainer, opened: _Read) -> Iterable[Record]:
        """One record; of a long window, the last predictions only."""
        model, config = trainer.model, trainer.config
        layers = opened.layers(trainer)
        targets = trainer.targets[:, :1]
        top = layers[-1].hidden
        most = max(1, MOST_NUMBERS // top.numel())
        taus = torch.arange(max(0, len(top) - most), len(top), device=top.device)
        wiring: dict[str, Any] = {"masks": model.dropout_masks, "residual": model.residual}
        direct, chosen = through_readout(opened.readout, read_by_readout(layers, **wiring), targets)
        norms = attribution(layers, direct, taus=taus, **wiring)
        text, wanted = (tuple(trainer.task.labels(ids[:, 0])) for ids in (trainer.inputs, trainer.targets))
        yield Attribution(
            step=trainer.step,
            cell=config.model.cell,
            text=text,
            targets=wanted,
            taus=taus.cpu().numpy(),
            norms=norms[:, :, 0].cpu().float().numpy(),
            probability=chosen[taus, 0].cpu().float().numpy(),
        )
