"""One call of a recurrent module: what the hooks catch, and its replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from rnncore.cells import CELLS, Cell, Weights
from rnncore.errors import ProbeError
from rnncore.probe.order import TimeOrder
from rnncore.probe.trace import CallTrace, LayerTrace, Trace

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9}
"""Largest replay error relative to the largest output. On CUDA, where cuDNN may compute in TF32, 100 times."""


def cell_of(module: nn.RNNBase) -> Cell:
    """The registry's entry for a torch layer."""
    if isinstance(module, nn.LSTM):
        return CELLS["lstm"]
    return CELLS["gru"] if isinstance(module, nn.GRU) else CELLS[f"rnn_{module.nonlinearity}"]


def refuse_what_cannot_be_replayed(name: str, module: nn.RNNBase) -> None:
    """Raise ProbeError for what a fused layer hides for good."""
    if module.proj_size:
        raise ProbeError(
            f"layer {name!r} has proj_size {module.proj_size}, and a projected output does not tell h; use proj_size 0 "
            "with a Linear layer behind it"
        )
    if module.dropout and module.num_layers > 1 and module.training:
        raise ProbeError(
            f"layer {name!r} draws dropout {module.dropout} between its {module.num_layers} fused layers, which cannot "
            "be seen from outside; use separate layers with nn.Dropout between them, or call eval()"
        )


@dataclass
class Call:
    """What the hooks caught of one call, already time-major and cut to the wanted sequences."""

    name: str
    module: nn.RNNBase
    x: Tensor  # (T, B, D)
    y: Tensor  # (T, B, directions·H)
    states: tuple[Tensor, ...]  # h0 (and c0), each (L·directions, B, H)
    lengths: Tensor | None
    versions: tuple[int, ...]
    last: Tensor  # h_n, to see whether the next call starts from it
    grads: dict[str, Tensor] = field(default_factory=dict)  # output, hidden, cell

    def replay(self) -> CallTrace:
        """Open every layer and direction, top layer last."""
        if tuple(p._version for p in self.module.parameters()) != self.versions:
            raise ProbeError(
                f"the weights of layer {self.name!r} changed inside the with-block after it ran; call "
                "optimizer.step() after the block"
            )
        with torch.no_grad():
            return CallTrace(tuple(self._layers()))

    def _layers(self) -> list[LayerTrace]:
        module, cell = self.module, cell_of(self.module)
        inputs, outputs = self.x, []
        for layer in range(module.num_layers - 1):
            outputs.append(self._fused(layer, inputs))
            inputs = outputs[-1]
        outputs.append(self.y)
        arriving = self.grads.get("output")
        if arriving is None and self.grads:
            arriving = torch.zeros_like(self.y)
        found: list[LayerTrace] = []
        for layer in range(module.num_layers - 1, -1, -1):
            below = self.x if layer == 0 else outputs[layer - 1]
            traces = [
                self._trace(cell, layer, direction, below, outputs[layer], arriving)
                for direction in range(2 if module.bidirectional else 1)
            ]
            found.insert(0, LayerTrace(traces[0], traces[1] if len(traces) == 2 else None))
            if arriving is not None and layer:
                arriving = found[0].grad_input
        return found

    def _weights(self, layer: int, direction: int) -> Weights:
        suffix = f"_l{layer}" + ("_reverse" if direction else "")

        def get(name: str) -> Any:
            parameter = getattr(self.module, name + suffix, None)
            return None if parameter is None else parameter.detach()

        return Weights(get("weight_ih"), get("weight_hh"), get("bias_ih"), get("bias_hh"))

    def _initial(self, layer: int, direction: int) -> list[Tensor]:
        index = layer * (2 if self.module.bidirectional else 1) + direction
        return [state[index] for state in self.states]

    def _trace(self, cell: Cell, layer: int, direction: int, x: Tensor, y: Tensor, arriving: Tensor | None) -> Trace:
        size = self.module.hidden_size
        part = slice(direction * size, (direction + 1) * size)
        order = TimeOrder(len(x), bool(direction), self.lengths)
        weights, (h0, *c0) = self._weights(layer, direction), self._initial(layer, direction)
        own = y[..., part]
        forward = cell.replay.forward(
            order.direction(x), order.direction(own).contiguous(), h0, c0[0] if c0 else None, weights
        )
        index = layer * (2 if self.module.bidirectional else 1) + direction
        last = [self.grads[key][index] if key in self.grads else None for key in ("hidden", "cell")]
        return Trace(
            self.name, cell, weights, forward, order,
            None if arriving is None else arriving[..., part], last[0], last[1],
            self._compared(order.natural(forward.output), own),
        )  # fmt: skip

    def _compared(self, replayed: Tensor, own: Tensor) -> float:
        """The replay's largest error; ProbeError where it cannot be rounding."""
        error = float((replayed - own).abs().max()) if own.numel() else 0.0
        tolerance = TOLERANCE[own.dtype] * (100 if own.is_cuda else 1)
        if error > tolerance * max(1.0, float(own.abs().max())):
            raise ProbeError(
                f"the replay of layer {self.name!r} differs from its own output by {error:.3g}; was its output changed "
                "in place, or does it run under autocast? Open it without either"
            )
        return error

    def _fused(self, layer: int, x: Tensor) -> Tensor:
        """The output of a hidden layer of a stack, by torch's own kernel: (T, B, D) → (T, B, directions·H)."""
        module = self.module
        directions = 2 if module.bidirectional else 1
        single = type(module)(
            x.shape[-1], module.hidden_size, bias=module.bias, bidirectional=module.bidirectional, device="meta",
            dtype=x.dtype, **({"nonlinearity": module.nonlinearity} if type(module) is nn.RNN else {}),
        )  # fmt: skip
        suffixes = ["", "_reverse"][:directions]
        named = {
            f"{name}_l0{suffix}": getattr(module, f"{name}_l{layer}{suffix}").detach()
            for suffix in suffixes
            for name in ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if module.bias else ()))
        }
        for name, tensor in named.items():
            setattr(single, name, nn.Parameter(tensor, requires_grad=False))
        states = [state[layer * directions : (layer + 1) * directions].contiguous() for state in self.states]
        start: Any = tuple(states) if len(states) == 2 else states[0]
        if self.lengths is None:
            output: Tensor = single(x, start)[0]
            return output
        packed = nn.utils.rnn.pack_padded_sequence(x, self.lengths.cpu(), enforce_sorted=False)
        padded, _ = pad_packed_sequence(single(packed, start)[0], total_length=len(x))
        return padded


class Catcher:
    """Turns a module's call into a ``Call``, and hooks its outputs for their gradients."""

    def __init__(self, rows: slice, handles: list[Any]):
        self.rows, self.handles = rows, handles

    def catch(self, name: str, module: nn.RNNBase, args: Any, kwargs: Any, output: Any) -> Call:
        """Record one call."""
        refuse_what_cannot_be_replayed(name, module)
        source = args[0] if args else kwargs["input"]
        given = args[1] if len(args) > 1 else kwargs.get("hx")
        y, last = output
        lasts = last if isinstance(last, tuple) else (last,)
        lengths = None
        to_time_major: Callable[[Tensor], Tensor]
        if isinstance(source, PackedSequence):
            x, lengths = self._padded(source, source.data)
            raw, y_data = y, y.data

            def to_time_major(values: Tensor) -> Tensor:
                return self._padded(raw, values)[0]

            y_caught = y_data
        else:
            self._refuse_dtype(name, y)
            unbatched, first = source.ndim == 2, module.batch_first

            def to_time_major(values: Tensor) -> Tensor:
                if unbatched:
                    return values.unsqueeze(1)[:, self.rows]
                return (values.transpose(0, 1) if first else values)[:, self.rows]

            x, y_caught = to_time_major(source.detach()), y
        self._refuse_dtype(name, y_caught)

        def of_state(values: Tensor) -> Tensor:
            return (values.unsqueeze(1) if values.ndim == 2 else values)[:, self.rows]

        own = to_time_major(y_caught.detach())
        if given is None:
            states = tuple(torch.zeros_like(of_state(one.detach())) for one in lasts)
        else:
            states = tuple(of_state(one.detach()) for one in (given if isinstance(given, tuple) else (given,)))
        call = Call(
            name, module, x.detach(), own, states, lengths,
            tuple(p._version for p in module.parameters()), of_state(lasts[0].detach()),
        )  # fmt: skip
        self._listen(call, "output", y_caught, to_time_major)
        for key, one in zip(("hidden", "cell"), lasts, strict=False):
            self._listen(call, key, one, of_state)
        return call

    def _padded(self, like: PackedSequence, values: Tensor) -> tuple[Tensor, Tensor]:
        """Packed values → (T, B, ...) and lengths, of the wanted sequences."""
        packed = PackedSequence(values.detach(), like.batch_sizes, like.sorted_indices, like.unsorted_indices)
        padded, lengths = pad_packed_sequence(packed)
        return padded[:, self.rows], lengths[self.rows]

    def _listen(self, call: Call, key: str, tensor: Tensor, change: Callable[[Tensor], Tensor]) -> None:
        if not tensor.requires_grad:
            return

        def arrived(gradient: Tensor | None) -> None:
            if gradient is None:  # this output of the layer plays no part in the loss
                return
            part = change(gradient.detach())
            call.grads[key] = call.grads[key] + part if key in call.grads else part.clone()

        self.handles.append(tensor.register_hook(arrived))

    @staticmethod
    def _refuse_dtype(name: str, tensor: Tensor) -> None:
        if tensor.dtype not in TOLERANCE:
            raise ProbeError(
                f"layer {name!r} computes in {tensor.dtype}, in which a replay cannot be exact; use float32 or float64, "
                "without autocast, while probing"
            )
