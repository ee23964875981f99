"""Traces put together: directions to a layer, layers to a call, calls to a module."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rnncore.errors import ProbeError
from rnncore.probe.trace import Gradients, Trace, joined


@dataclass(frozen=True)
class LayerGradients:
    """Gradients of a layer's directions; ``reverse`` is None for a one-way layer."""

    forward: Gradients
    reverse: Gradients | None

    @property
    def directions(self) -> tuple[Gradients, ...]:
        """Forward first."""
        return (self.forward,) if self.reverse is None else (self.forward, self.reverse)

    @property
    def grad_input(self) -> Tensor:
        """dL/dx_t through both directions, (..., T, B, D)."""
        found = self.forward.grad_input
        return found if self.reverse is None else found + self.reverse.grad_input


@dataclass(frozen=True)
class LayerTrace:
    """One layer in one call: ``forward``, and ``reverse`` where the layer reads in both directions."""

    forward: Trace
    reverse: Trace | None = None

    @property
    def directions(self) -> tuple[Trace, ...]:
        """Its traces, forward first."""
        return (self.forward,) if self.reverse is None else (self.forward, self.reverse)

    @property
    def grad_input(self) -> Tensor:
        """dL/dx_t through both directions, (T, B, D)."""
        found = self.forward.grad_input
        return found if self.reverse is None else found + self.reverse.grad_input

    def backward(
        self, grad_output: Tensor, grad_h_n: Tensor | None = None, grad_c_n: Tensor | None = None
    ) -> LayerGradients:
        """Carry one loss or K losses back through all directions.

        Args:
            grad_output: (T, B, directions·H), or (K, T, B, directions·H).
            grad_h_n: (directions, B, H), or (directions, K, B, H).
            grad_c_n: likewise, for an LSTM.
        """
        found = [
            trace.backward(part, *[None if last is None else last[index] for last in (grad_h_n, grad_c_n)])
            for index, (trace, part) in enumerate(
                zip(self.directions, grad_output.chunk(len(self.directions), -1), strict=True)
            )
        ]
        return LayerGradients(found[0], found[1] if len(found) == 2 else None)


@dataclass(frozen=True)
class CallTrace:
    """One call of a module: its layers, bottom first."""

    layers: tuple[LayerTrace, ...]

    @property
    def lengths(self) -> Tensor | None:
        """Valid steps of each sequence, (B,), or None where all have T."""
        return self.layers[0].forward.lengths

    def backward(
        self, grad_output: Tensor, grad_h_n: Tensor | None = None, grad_c_n: Tensor | None = None
    ) -> tuple[LayerGradients, ...]:
        """Carry one loss or K losses back through time and down the fused layers.

        Args:
            grad_output: direct gradient on the top layer, (T, B, directions·H), or with K in front.
            grad_h_n: (L·directions, B, H), or (L·directions, K, B, H), in torch's order.
            grad_c_n: likewise, for an LSTM.

        Returns:
            Gradients per layer, bottom first.
        """
        width = len(self.layers[0].directions)
        found: list[LayerGradients] = []
        for index in range(len(self.layers) - 1, -1, -1):
            rows = slice(index * width, (index + 1) * width)
            back = self.layers[index].backward(
                grad_output, *[None if last is None else last[rows] for last in (grad_h_n, grad_c_n)]
            )
            found.append(back)
            if index:
                grad_output = back.grad_input
        return tuple(found[::-1])

    def backward_last_step(self) -> tuple[LayerGradients, ...]:
        """Gradients of the last step's loss alone, for a loss that reads each output by itself.

        The direct gradient on the top layer is kept at each sequence's last step only; the layers below get what
        arrives through the layer above.
        """
        top = torch.cat([trace.grad_output for trace in self.layers[-1].directions], -1)
        only = torch.zeros_like(top)
        if self.lengths is None:
            only[-1] = top[-1]
        else:
            last, batch = self.lengths.to(top.device) - 1, torch.arange(top.shape[1], device=top.device)
            only[last, batch] = top[last, batch]
        return self.backward(only)


class ModuleTrace:
    """All calls of one recurrent module.

    Attributes:
        name: the module's path in the model.
        calls: one ``CallTrace`` per call, in order.
        chained: whether each call went on where the one before ended, so that ``sequence`` joins them.
    """

    def __init__(self, name: str, calls: tuple[CallTrace, ...], chained: bool):
        self.name, self.calls, self.chained = name, calls, chained

    @property
    def layers(self) -> tuple[LayerTrace, ...]:
        """The layers of the only call.

        Raises:
            ProbeError: the module was called several times.
        """
        if len(self.calls) != 1:
            raise ProbeError(
                f"layer {self.name!r} was called {len(self.calls)} times; use .calls[n].layers for one call, or "
                ".sequence for all of them along time"
            )
        return self.calls[0].layers

    @property
    def sequence(self) -> tuple[Trace, ...]:
        """Per layer, all calls joined along time: a trace as if the module had been called once, (ΣT, B, H).

        Raises:
            ProbeError: the calls don't follow one another: a call did not start from the state that the one
                before left, or the module reads in both directions.
        """
        if not self.chained:
            raise ProbeError(
                f"the {len(self.calls)} calls of layer {self.name!r} are no single sequence: a call must start from "
                "the state that the call before left, in one direction, with sequences of one length; use .calls"
            )
        count = len(self.calls[0].layers)
        return tuple(joined([call.layers[index].forward for call in self.calls]) for index in range(count))

    def __repr__(self) -> str:
        return f"ModuleTrace({self.name!r}, {len(self.calls)} calls, {len(self.calls[0].layers)} layers)"
