"""The layer of a cell that torch has none for, with the face of ``nn.LSTM``: one layer, one or both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from rnncore.cells.base import Weights
from rnncore.cells.own import OwnCell, States, together
from rnncore.errors import ConfigError


class OwnLayer(nn.Module):
    """(T, B, D) or a packed sequence → y (T, B, directions·H), and h_n or (h_n, c_n), (directions, B, H or M).

    Args:
        cell: whose equations.
        input_size: D.
        hidden_size: H.
        bias: whether there are biases.
        bidirectional: read in both directions.
        batch_first: (B, T, D) in place of (T, B, D).
        device, dtype: of the parameters.

    Raises:
        ConfigError: several fused layers or fused dropout were asked for; or, when it is called, an input or a state
            has another shape than these.
    """

    num_layers, dropout, proj_size = 1, 0.0, 0

    def __init__(
        self,
        cell: OwnCell,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool = True,
        bidirectional: bool = False,
        batch_first: bool = False,
        num_layers: int = 1,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        if num_layers != 1:
            raise ConfigError(f"num_layers must be 1 for cell {cell.name!r}, got {num_layers}; stack several layers")
        self.cell, self.cell_name, self.bias = cell, cell.name, bias
        self.input_size, self.hidden_size = input_size, hidden_size
        self.bidirectional, self.batch_first = bidirectional, batch_first
        self.suffixes = ("_l0", "_l0_reverse")[: 2 if bidirectional else 1]
        for suffix in self.suffixes:
            for name, shape in cell.equations.shapes(input_size, hidden_size).items():
                if bias or not name.startswith("bias"):
                    self.register_parameter(name + suffix, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        if device is None or torch.device(device).type != "meta":
            cell.initialise(self)

    def named(self, suffix: str) -> dict[str, Tensor | None]:
        """A direction's parameters without their suffix."""
        shapes = self.cell.equations.shapes(self.input_size, self.hidden_size)
        return {name: getattr(self, name + suffix, None) for name in shapes}

    def weights(self, suffix: str) -> Weights:
        """A direction's parameters as the equations use them."""
        return self.cell.equations.weights(self.named(suffix))

    def forward(self, x: Any, hx: Any = None) -> tuple[Any, Any]:
        """See the class."""
        if isinstance(x, PackedSequence):
            padded, lengths = pad_packed_sequence(x)
            y, last = self._both(padded, hx, lengths.to(padded.device))
            packed = pack_padded_sequence(y, lengths, enforce_sorted=False)
            return packed, last
        unbatched = x.ndim == 2
        if unbatched:
            x = x.unsqueeze(1)
            hx = None if hx is None else _each(hx, lambda one: one.unsqueeze(1))
        elif self.batch_first:
            x = x.transpose(0, 1)
        y, last = self._both(x, hx, None)
        if unbatched:
            return y.squeeze(1), _each(last, lambda one: one.squeeze(1))
        return (y.transpose(0, 1) if self.batch_first else y), last

    def _both(self, x: Tensor, hx: Any, lengths: Tensor | None) -> tuple[Tensor, Any]:
        self._refuse(x, hx)
        outputs, lasts = [], []
        for index, suffix in enumerate(self.suffixes):
            order = _order(len(x), lengths, x) if index else None
            read = x if order is None else x.gather(0, order.expand_as(x))
            y, last = self._one(read, None if hx is None else _each(hx, lambda one, at=index: one[at]), suffix, lengths)
            outputs.append(y if order is None else y.gather(0, order.expand_as(y)))
            lasts.append(last)
        # h_n is read off before this point, so that a hook on y sees what arrives at y alone, as with torch's layers
        y = torch.cat(outputs, -1) if len(outputs) == 2 else outputs[0].view_as(outputs[0])
        if isinstance(lasts[0], tuple):
            return y, tuple(torch.stack(parts) for parts in zip(*lasts, strict=True))
        return y, torch.stack(lasts)

    def _refuse(self, x: Tensor, hx: Any) -> None:
        """Say what does not fit: deep inside the equations nobody could."""
        if x.ndim != 3 or x.shape[-1] != self.input_size:
            raise ConfigError(
                f"x must be (T, B, {self.input_size}), got {_shape(x)}; this layer reads {self.input_size} numbers at "
                f"each step{self.cell.equations.reads}: make another layer for inputs of another size"
            )
        if not len(x):
            raise ConfigError(f"x must have at least one step, got {_shape(x)}; leave out sequences of no length")
        if hx is None:
            return
        both = bool(self.cell.equations.beside(self.hidden_size))
        if isinstance(hx, tuple) is not both:
            wanted = "a pair (h, c)" if both else "one tensor h"
            raise ConfigError(
                f"hx must be {wanted} for cell {self.cell_name!r}, got {type(hx).__name__}; give {wanted}"
            )
        h = hx[0] if both else hx
        directions, batch = len(self.suffixes), x.shape[1]
        if h.shape != (directions, batch, self.hidden_size) or (both and hx[1].shape[:2] != h.shape[:2]):
            got = f"{_shape(h)} and {_shape(hx[1])}" if both else _shape(h)
            raise ConfigError(
                f"hx must be ({directions}, {batch}, ...) with {self.hidden_size} units of h, got {got}; use the state "
                "that this layer returned for as many sequences, or None"
            )

    def _one(self, x: Tensor, hx: Any, suffix: str, lengths: Tensor | None) -> tuple[Tensor, Any]:
        """One direction in its own order."""
        w, sizes = self.weights(suffix), self.cell.equations.beside(self.hidden_size)
        h, others = self._start(x, hx, sizes)
        y, carried = self.cell.equations.run(x, h, others, w, lengths is not None)
        if lengths is None:
            last = y[-1]
            beside = together(carried[-1]) if sizes else None
        else:
            y = y * (torch.arange(len(x), device=x.device)[:, None] < lengths).unsqueeze(-1)
            every = torch.arange(x.shape[1], device=x.device)
            last = y[lengths - 1, every]
            beside = torch.stack([together(one) for one in carried])[lengths - 1, every] if sizes else None
        return y, last if beside is None else (last, beside)

    def _start(self, x: Tensor, hx: Any, sizes: Sequence[int]) -> tuple[Tensor, States]:
        if hx is None:
            zero = x.new_zeros(x.shape[1], self.hidden_size)
            return zero, tuple(x.new_zeros(x.shape[1], size) for size in sizes)
        if not sizes:
            return hx, ()
        return hx[0], self.cell.equations.states(hx[1], self.hidden_size)

    def extra_repr(self) -> str:
        """What a print of the model says."""
        return f"{self.cell_name}, {self.input_size}, {self.hidden_size}" + (", bidirectional" * self.bidirectional)


def _order(steps: int, lengths: Tensor | None, like: Tensor) -> Tensor:
    """Which step a reverse direction reads at each of its own, (T, B, 1); padding stays where it is."""
    t = torch.arange(steps, device=like.device)[:, None].expand(steps, like.shape[1])
    if lengths is None:
        return (steps - 1 - t).unsqueeze(-1)
    return torch.where(t < lengths, lengths - 1 - t, t).unsqueeze(-1)


def _shape(values: Tensor) -> str:
    return f"({', '.join(map(str, values.shape))})"


def _each(hx: Any, change: Any) -> Any:
    return tuple(change(one) for one in hx) if isinstance(hx, tuple) else change(hx)
