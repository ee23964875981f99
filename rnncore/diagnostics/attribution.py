"""Which inputs a prediction depended on: the gradient of a logit, carried back to every input at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from rnncore.diagnostics.probed import Opened, Probed
from rnncore.records import Attribution, Record

if TYPE_CHECKING:
    from rnncore.training.trainer import Trainer

MOST_NUMBERS = 1_000_000
"""Numbers per gate that one recurrence may hold, K·T·H; beyond it only the last predictions are followed back."""


@torch.no_grad()
def attribution(
    layers: Sequence[Any],
    readout: Tensor,
    targets: Tensor,
    *,
    masks: Sequence[Tensor | None] | None = None,
    taus: Tensor | None = None,
) -> Tensor:
    """‖∂ logit_k at τ / ∂x_t‖ for many predictions in one backward recurrence per layer.

    Args:
        layers: one-way traces of a stack of recurrent layers, bottom first (see ``rnncore.probe``), each (T, B, H).
        readout: weight of the linear readout of the top layer, (V, H).
        targets: the output k whose logit is followed back at each step, (T, B).
        masks: what each layer's output was multiplied with on its way up, (T, B, H) or None each; None for no dropout.
        taus: steps τ to follow back, (K,); all T for None.

    Returns:
        (K, T, B), Euclidean norms over the D numbers of x_t: exactly 0 for t > τ. Source: Madsen 2019,
        https://distill.pub/2019/memorization-in-rnns.
    """
    top = layers[-1].hidden
    steps, batch, size = top.shape
    taus = torch.arange(steps, device=top.device) if taus is None else taus
    arriving = top.new_zeros(len(taus), steps, batch, size)
    arriving[torch.arange(len(taus), device=top.device), taus] = readout[targets[taus]].to(top.dtype)
    for index in range(len(layers) - 1, -1, -1):
        mask = masks[index] if masks is not None else None
        if mask is not None:
            arriving = arriving * mask[:, :batch]
        arriving = layers[index].backward(arriving).grad_input
    norms: Tensor = arriving.norm(dim=-1)
    return norms


@dataclass
class _Read(Opened):
    """A probe, and the readout as it was before the optimiser changed it."""

    weight: Any = None  # (V, H)
    bias: Any = None  # (V,)


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
            readout = trainer.model.readout
            read.weight, read.bias = readout.weight.detach().clone(), readout.bias.detach().clone()
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
        norms = attribution(layers, opened.weight, targets, masks=model.dropout_masks, taus=taus)
        with torch.no_grad():
            mask = model.dropout_masks[-1]
            logits = (top if mask is None else top * mask[:, :1]) @ opened.weight.T + opened.bias  # (T, 1, V)
            chosen = logits.log_softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1).exp()
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
