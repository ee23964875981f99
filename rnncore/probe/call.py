"""One call of a recurrent module: what the hooks catch, and its replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from rnncore.cells import CELLS, Cell, Forward, Weights
from rnncore.errors import ProbeError
from rnncore.probe.layers import CallTrace, LayerTrace
from rnncore.probe.order import TimeOrder
from rnncore.probe.trace import Trace

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9}
"""Largest replay error relative to the largest output: far above rounding, far below a wrong formula."""
TF32_TOLERANCE = 3e-2
"""The same where cuDNN rounds to TF32, which it does unless torch.backends.cudnn.allow_tf32 is off."""

Copies = dict[tuple[int, int | None], Tensor]
"""Weights by identity and version."""


def version(tensor: Tensor) -> int | None:
    """Counts changes in place; None in inference mode, where nothing is counted."""
    return None if tensor.is_inference() else tensor._version


def is_recurrent(module: nn.Module) -> bool:
    """Whether a module is a recurrent layer: torch's, or one of ``rnncore.cells``."""
    return isinstance(module, nn.RNN | nn.LSTM | nn.GRU) or isinstance(getattr(module, "cell_name", None), str)


def cell_of(module: Any) -> Cell:
    """The registry's entry for a recurrent layer."""
    if (own := getattr(module, "cell_name", None)) is not None:
        cell: Cell = getattr(module, "cell", CELLS[own])
        return cell
    if isinstance(module, nn.LSTM):
        return CELLS["lstm"]
    return CELLS["gru"] if isinstance(module, nn.GRU) else CELLS[f"rnn_{module.nonlinearity}"]


def refuse_autocast(name: str, module: nn.Module) -> None:
    """Raise ProbeError before a layer runs in half precision: where the processor has none, torch's own error says
    little."""
    device = next(module.parameters()).device.type
    if torch.is_autocast_enabled(device):
        raise _inexact(name, torch.get_autocast_dtype(device))


def _inexact(name: str, dtype: torch.dtype) -> ProbeError:
    return ProbeError(
        f"layer {name!r} computes in {dtype}, in which a replay cannot be exact; use float32 or float64, without "
        "autocast, while probing"
    )


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
    watched: list[tuple[str, Tensor, int | None]]  # what must not change before the replay, and its version
    lasts: tuple[Tensor, ...]  # h_n (and c_n), to see whether the next call starts from them
    differentiable: bool  # whether autograd reaches the output
    grads: dict[str, Tensor] = field(default_factory=dict)  # output, hidden, cell

    @torch.no_grad()
    def replay(self, missing: str, copies: Copies) -> CallTrace:
        """Open every layer and direction.

        Args:
            missing: why there are no gradients; empty where a backward pass ran.
            copies: weights that other calls have copied already.

        Raises:
            ProbeError: something changed since the call, or the replay disagrees with the layer.
        """
        self._check_unchanged()
        module, inputs, layers = self.module, self.x, []
        for layer in range(module.num_layers):
            output = self.y if layer == module.num_layers - 1 else self._fused(layer, inputs)
            layers.append(self._layer(layer, inputs, output, copies))
            inputs = output
        call = CallTrace(tuple(layers))
        if not missing and not self.differentiable:
            missing = (
                f"no gradient can arrive at layer {self.name!r}: it ran under torch.no_grad(), or its weights are "
                "frozen and its input needs no gradient; call requires_grad_() on its input to see gradients"
            )
        if missing:
            for trace in (trace for layer in layers for trace in layer.directions):
                trace._missing = missing
            return call
        arriving = self.grads.get("output")
        if arriving is None:
            arriving = torch.zeros_like(self.y)
        hidden, cell = self.grads.get("hidden"), self.grads.get("cell")
        traces = [trace for layer in layers for trace in layer.directions]

        def open_gradients() -> None:
            found = call.backward(arriving, hidden, cell)
            for trace, gradients in zip(traces, (one for layer in found for one in layer.directions), strict=True):
                trace._gradients, trace._open = gradients, None

        for trace in traces:
            trace._open = open_gradients
        if len(traces) == 1 and hidden is None and cell is None and self.lengths is None:
            traces[0]._direct = arriving
        return call

    def follows(self, before: Call) -> bool:
        """Whether this call started from the state that another left, so that both are one sequence."""
        if self.module.bidirectional or self.lengths is not None or before.lengths is not None:
            return False
        pairs = zip(before.lasts, self.states, strict=True)
        return all(ended.shape == started.shape and torch.equal(ended, started) for ended, started in pairs)

    def _check_unchanged(self) -> None:
        for what, tensor, seen in self.watched:
            if version(tensor) == seen:
                continue
            if what == "weights":
                raise ProbeError(
                    f"the weights of layer {self.name!r} changed inside the with-block after it ran; call "
                    "optimizer.step() after the block (with replay='lazy': after the layer was read)"
                )
            raise ProbeError(
                f"the {what} of layer {self.name!r} was changed in place after it ran; use an operation that makes "
                "a new tensor instead, e.g. relu for relu_"
            )

    def _layer(self, layer: int, x: Tensor, y: Tensor, copies: Copies) -> LayerTrace:
        directions = 2 if self.module.bidirectional else 1
        parts = y.chunk(directions, -1)
        return LayerTrace(*[self._trace(layer, d, x, parts[d], copies) for d in range(directions)])

    def _weights(self, layer: int, direction: int, copies: Copies) -> Weights:
        """Copies, so that a trace stays right when the optimiser has changed the originals."""
        suffix = f"_l{layer}" + ("_reverse" if direction else "")
        own: Any = getattr(self.module, "weights", None)
        if own is not None:
            found: Weights = own(suffix)
            return found.each(lambda tensor: tensor.detach().clone())

        def get(name: str) -> Any:
            parameter = getattr(self.module, name + suffix, None)
            if parameter is None:
                return None
            key = (id(parameter), version(parameter))
            if key not in copies:
                copies[key] = parameter.detach().clone()
            return copies[key]

        return Weights(get("weight_ih"), get("weight_hh"), get("bias_ih"), get("bias_hh"))

    def _initial(self, layer: int, direction: int) -> list[Tensor]:
        index = layer * (2 if self.module.bidirectional else 1) + direction
        return [state[index] for state in self.states]

    def _trace(self, layer: int, direction: int, x: Tensor, own: Tensor, copies: Copies) -> Trace:
        cell, order = cell_of(self.module), TimeOrder(len(x), bool(direction), self.lengths)
        weights, (h0, *c0) = self._weights(layer, direction, copies), self._initial(layer, direction)
        forward = cell.replay.forward(order.direction(x), order.direction(own), h0, c0[0] if c0 else None, weights)
        error = self._compared(forward, order)
        return Trace(self.name, cell, weights, forward, order, error)

    def _compared(self, forward: Forward, order: TimeOrder) -> float:
        """The replay's largest error; ProbeError where it cannot be rounding. Uses the replayed output up."""
        own = forward.hidden
        assert forward.output is not None
        difference = forward.output.sub_(own).abs_()
        forward.output = None
        error = float((difference if self.lengths is None else order.blanked(difference)).max())
        tf32 = own.is_cuda and own.dtype == torch.float32 and torch.backends.cudnn.allow_tf32
        tolerance = TF32_TOLERANCE if tf32 else TOLERANCE[own.dtype]
        if error <= tolerance or error <= tolerance * float(own.abs().max()) or not torch.isfinite(own).all():
            return error
        raise ProbeError(
            f"the replay of layer {self.name!r} differs from its own output by {error:.3g}; something that hooks "
            "cannot see changes the layer (a forward of its own in a subclass, or another hook that replaces its "
            "input or output); open the layer without it"
        )

    def _fused(self, layer: int, x: Tensor) -> Tensor:
        """The output of a hidden layer of a stack, by torch's own kernel: (T, B, D) → (T, B, directions·H)."""
        module = self.module
        directions = 2 if module.bidirectional else 1
        single: Any = cell_of(module).layer(
            x.shape[-1], module.hidden_size, bias=module.bias, bidirectional=module.bidirectional, device="meta",
            dtype=x.dtype,
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
            unbatched, first = source.ndim == 2, module.batch_first

            def to_time_major(values: Tensor) -> Tensor:
                if unbatched:
                    return values.unsqueeze(1)[:, self.rows]
                return (values.transpose(0, 1) if first else values)[:, self.rows]

            x, y_caught = to_time_major(source.detach()), y
        for tensor in (y_caught, x, *module.parameters()):
            self._refuse_dtype(name, tensor)

        def of_state(values: Tensor) -> Tensor:
            return (values.unsqueeze(1) if values.ndim == 2 else values)[:, self.rows]

        own = to_time_major(y_caught.detach())
        if given is None:
            states = tuple(torch.zeros_like(of_state(one.detach())) for one in lasts)
        else:
            states = tuple(of_state(one.detach()) for one in (given if isinstance(given, tuple) else (given,)))
        watched = [("input", x), ("output", own), *(("initial state", state) for state in states)]
        watched += [("weights", parameter) for parameter in module.parameters()]
        call = Call(
            name, module, x.detach(), own, states, lengths,
            [(what, tensor, version(tensor)) for what, tensor in watched],
            tuple(of_state(one.detach()) for one in lasts), y_caught.requires_grad,
        )  # fmt: skip
        if own.shape[1] == 0:
            raise ProbeError(
                f"sequences={self.rows} chooses none of the sequences of layer {name!r}; choose at least one"
            )
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
            raise _inexact(name, tensor.dtype)
