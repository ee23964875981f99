"""Embedding or encoder, a stack of recurrent layers, and a readout at each step.

That is many to many; the lecture's other shapes are the same network with inputs at some steps and answers at others,
which is the task's business: a picture at the first step only (one to many), an answer at the last one only (many to
one).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rnncore.cells import CELLS, TORCH_CELLS
from rnncore.config import Model
from rnncore.models.parts import Decoder, PictureEncoder, PictureReadout

State = tuple[Any, ...]
"""Hidden state per layer: h of shape (1, B, H), or (h, c) for an LSTM."""


class Dropout(nn.Module):
    """Inverted dropout whose mask comes from a generator of the run's own."""

    def __init__(self, p: float, generator: torch.Generator):
        super().__init__()
        self.p, self.generator = p, generator
        self.mask: Tensor | None = None  # of the last call while training: a probe chains gradients through it
        self.held = False  # the next calls use the same mask

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, H) → (T, B, H)."""
        if not self.training or self.p == 0:
            return x
        mask = self.mask if self.held and self.mask is not None else self.draw(x)
        return x * mask

    def draw(self, like: Tensor) -> Tensor:
        """A new mask of that shape, (T, B, H)."""
        keep = 1 - self.p
        self.mask = torch.empty_like(like).bernoulli_(keep, generator=self.generator).div_(keep)
        return self.mask


class SequenceModel(nn.Module):
    """Characters (or numbers, or pictures) in, a distribution over the next character (or numbers) out, at each step.

    Each layer is a fused torch layer of its own, with dropout as a module between them: that is as fast as
    one stacked layer, and the probe can open each one.
    """

    def __init__(
        self,
        config: Model,
        output_size: int,
        sequence_length: int,
        generator: torch.Generator,
        input_size: int | None = None,
        picture: tuple[int, int] | None = None,
        wraps: bool = False,
    ):
        """
        Args:
            output_size: V choices, or D numbers.
            sequence_length: what chrono initialisation aims at where ``config.t_max`` is empty.
            generator: of the initial weights.
            input_size: numbers that a step reads; None for ids of ``output_size`` choices, which are embedded.
            picture: rows and columns of the picture that a step's first numbers are; None for no picture.
            wraps: the pictures are on a torus.
        """
        super().__init__()
        self.cell, cell = config.cell, CELLS[config.cell]
        self.residual = config.residual
        with torch.random.fork_rng(devices=[]):  # torch's constructors draw from the global generator
            self.embedding, first = _front(config, output_size, input_size, picture, wraps=wraps)
            options: dict[str, Any] = {"bidirectional": True} if config.bidirectional else {}
            self.layers = nn.ModuleList()
            for index in range(config.num_layers):
                placed = cell.placed(index, sequence_length, picture, wraps=wraps)
                layer: Any = cell.layer(first, config.hidden_size, **options, **placed)
                self.layers.append(layer)
                first = layer.hidden_size * (2 if config.bidirectional else 1)
            self.readout = _readout(config, first, output_size, picture, wraps=wraps)
        # one generator for all: masks are drawn in the order of the layers
        self.dropout_generator = torch.Generator()
        self.dropouts = nn.ModuleList(Dropout(config.dropout, self.dropout_generator) for _ in range(config.num_layers))
        self._initialise(config, sequence_length, generator)

    def _initialise(self, config: Model, sequence_length: int, generator: torch.Generator) -> None:
        """torch's own distributions, drawn from the run's generator; the cell's file knows the rest."""
        if isinstance(self.embedding, nn.Embedding):
            nn.init.normal_(self.embedding.weight, generator=generator)
        else:
            _uniform(self.embedding, generator, gain=math.sqrt(6))
        gate_bias = None if config.gate_bias == "default" else config.gate_bias
        for layer in self.layers:
            CELLS[config.cell].initialise(
                layer,
                recurrent=config.recurrent,
                recurrent_gain=config.recurrent_gain,
                gate_bias=gate_bias,
                t_max=config.t_max or max(sequence_length, 3),
                generator=generator,
            )
        _uniform(self.readout, generator)
        if isinstance(self.readout, Decoder):
            _uniform(self.readout.linears[:-1], generator, gain=math.sqrt(6))

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Ids (T, B) → logits (T, B, V), or numbers (T, B, D) → numbers; and the state after the last step."""
        return self.through(inputs, state, lambda index, x: self.dropouts[index](x), nn.Module.__call__)

    def through(
        self,
        inputs: Tensor,
        state: State | None,
        drop: Callable[[int, Tensor], Tensor],
        run: Callable[..., Any],
    ) -> tuple[Tensor, State]:
        """``forward``, with dropout and the way in which a module is called left open.

        Args:
            inputs: see ``forward``.
            state: see ``forward``.
            drop: from a layer's place and output to what goes on, (T, B, H).
            run: calls a module with its arguments.
        """
        x, after = run(self.embedding, inputs), []
        for index, layer in enumerate(self.layers):
            y, s = run(layer, x, None if state is None else state[index])
            after.append(s)
            x = drop(index, y + x if self.residual and index else y)
        return run(self.readout, x), tuple(after)

    def seed_dropout(self, generator: torch.Generator) -> None:
        """Draw dropout masks from this generator, on the model's device."""
        self.dropout_generator = generator
        for dropout in self.dropouts:
            assert isinstance(dropout, Dropout)
            dropout.generator = generator

    @contextmanager
    def same_dropout(self, steps: int, batch: int) -> Iterator[None]:
        """Draw the masks of a training pass over (steps, batch) now, and let every pass inside use them."""
        active = [dropout for dropout in self.dropouts if isinstance(dropout, Dropout) and dropout.p > 0]
        for dropout in active:
            dropout.draw(self.readout.weight.new_empty(steps, batch, self.readout.in_features))
            dropout.held = True
        try:
            yield
        finally:
            for dropout in active:
                dropout.held = False

    @property
    def dropout_masks(self) -> list[Tensor | None]:
        """What each layer's output was multiplied with in the last training pass, None without dropout."""
        return [dropout.mask for dropout in self.dropouts]  # type: ignore[misc]

    def step(
        self, inputs: Tensor, state: State | None = None, masks: Sequence[Tensor | None] = ()
    ) -> tuple[Tensor, State]:
        """One step: ids (B,) → logits (B, V), or numbers (B, D) → numbers; and the state.

        By torch's cell functions where there are such: for a single step a fused layer's preparations cost more than
        its arithmetic.

        Args:
            masks: of this step, (B, H) or None per layer, instead of dropout's own.
        """
        x, after = self.embedding(inputs.unsqueeze(0))[0], []
        for index, layer in enumerate(self.layers):
            h, kept = self._step_of(layer, x, None if state is None else state[index])
            after.append(kept)
            h = h + x if self.residual and index else h
            mask = masks[index] if masks else None
            x = self.dropouts[index](h) if not masks else h if mask is None else h * mask
        return self.readout(x), tuple(after)

    def _step_of(self, layer: Any, x: Tensor, before: Any) -> tuple[Tensor, Any]:
        """One layer: (B, D) → (B, H), and its state."""
        if self.cell not in TORCH_CELLS:
            y, after = layer(x.unsqueeze(0), before)
            return y[0], after
        cell = getattr(torch, f"{self.cell}_cell")
        weights = layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0
        zero = x.new_zeros(1, len(x), layer.hidden_size)
        if self.cell == "lstm":
            h, c = (zero, zero) if before is None else before
            h, c = cell(x, (h[0], c[0]), *weights)
            return h, (h.unsqueeze(0), c.unsqueeze(0))
        h = cell(x, (zero if before is None else before)[0], *weights)
        return h, h.unsqueeze(0)


def _front(
    config: Model, choices: int, input_size: int | None, picture: tuple[int, int] | None, *, wraps: bool
) -> tuple[nn.Module, int]:
    """What stands before the layers, and how many numbers it gives them."""
    if input_size is None:
        return nn.Embedding(choices, config.embedding_size), config.embedding_size
    if config.encoder == "convolution":
        assert picture is not None  # see RunConfig
        encoder = PictureEncoder(picture, input_size, config.embedding_size, wraps=wraps)
        return encoder, encoder.output_size
    return nn.Identity(), input_size


def _readout(config: Model, size: int, outputs: int, picture: tuple[int, int] | None, *, wraps: bool) -> Any:
    """From the top layer to the answers."""
    if config.cell == "conv_lstm" and picture is not None and outputs % (picture[0] * picture[1]) == 0:
        return PictureReadout(picture, size, outputs, wraps=wraps)
    return nn.Linear(size, outputs) if config.readout_layers == 1 else Decoder(size, outputs, config.readout_layers)


def _uniform(module: nn.Module, generator: torch.Generator, gain: float = 1.0) -> None:
    """Linear layers and convolutions, U(±gain/√fan-in), in the order of their names.

    A gain of 1 is torch's own; √6 keeps the size of a signal through layers with ReLU (He et al. 2015,
    arXiv:1502.01852).
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            bound = gain / math.sqrt(part.weight[0].numel())
            nn.init.uniform_(part.weight, -bound, bound, generator=generator)
            if part.bias is not None:
                nn.init.uniform_(part.bias, -bound, bound, generator=generator)


def detach(state: State | None) -> State | None:
    """The same numbers without their history: where truncated backpropagation cuts."""
    return _map(lambda tensor: tensor.detach(), state)


def rows(state: State | None, index: Tensor) -> State | None:
    """The state of some of the sequences, in the order of ``index``: each tensor (1, B, H) by its second axis."""
    return _map(lambda tensor: tensor.index_select(1, index), state)


def flatten(state: State | None) -> dict[str, Tensor]:
    """Name each tensor of a state ``<layer>.<part>`` for a checkpoint."""
    named = {}
    for index, part in enumerate(state or ()):
        for position, tensor in enumerate(part if isinstance(part, tuple) else (part,)):
            named[f"{index}.{position}"] = tensor
    return named


def unflatten(named: dict[str, Tensor]) -> State | None:
    """Undo ``flatten``."""
    layers: dict[int, list[Tensor]] = {}
    for name in sorted(named):
        layers.setdefault(int(name.split(".")[0]), []).append(named[name])
    if not layers:
        return None
    return tuple(tuple(parts) if len(parts) > 1 else parts[0] for _, parts in sorted(layers.items()))


def _map(change: Any, state: Any) -> Any:
    if state is None:
        return None
    if isinstance(state, tuple):
        return tuple(_map(change, part) for part in state)
    return change(state)
