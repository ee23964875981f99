"""What a probe found: one trace per call, layer and direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from rnncore.cells import Backward, Cell, Forward, Gates, Weights
from rnncore.errors import ProbeError
from rnncore.probe.order import TimeOrder


@dataclass(frozen=True)
class Gradients:
    """Total gradients of one loss, or of K losses along a leading axis; time-major, in natural time order.

    ``grad_hidden`` (..., T, B, H), ``grad_cell`` the same or None, ``grad_input`` (..., T, B, D).
    """

    grad_hidden: Tensor
    grad_cell: Tensor | None
    grad_input: Tensor


class Trace:
    """One direction of one layer in one call. All arrays are time-major, (T, B, ...), in natural time order.

    With PackedSequence input, steps beyond a sequence's length hold zeros (see ``lengths``).

    Attributes:
        cell_type: the entry of ``rnncore.cells.CELLS``.
        replay_error: largest absolute difference between the replayed output and the layer's own.
        lengths: (B,) valid steps of each sequence, or None where all have T.
    """

    def __init__(
        self,
        name: str,
        cell_type: Cell,
        weights: Weights,
        forward: Forward,
        order: TimeOrder,
        grad_output: Tensor | None,
        grad_last: Tensor | None,
        grad_last_cell: Tensor | None,
        replay_error: float,
    ):
        self.name, self.cell_type, self.replay_error = name, cell_type, replay_error
        self._weights, self._forward, self._order = weights, forward, order
        self._grad_output = grad_output  # natural order; None where no backward pass reached the layer
        self._grad_last, self._grad_last_cell = grad_last, grad_last_cell

    @property
    def lengths(self) -> Tensor | None:
        """Valid steps of each sequence, (B,), or None where all have T."""
        return self._order.lengths

    @cached_property
    def hidden(self) -> Tensor:
        """h_t, (T, B, H)."""
        return self._order.natural(self._forward.hidden)

    @cached_property
    def cell(self) -> Tensor | None:
        """c_t, (T, B, H); None for a cell without one."""
        return None if self._forward.cell is None else self._order.natural(self._forward.cell)

    @cached_property
    def gates(self) -> Gates:
        """Gate name or letter → value after the non-linearity, (T, B, H)."""
        return Gates(self.cell_type.gates, self._order.natural(self._forward.gates))

    @cached_property
    def finite(self) -> bool:
        """Whether hidden and cell state are free of NaN and infinity."""
        states = [self._forward.hidden] + ([] if self._forward.cell is None else [self._forward.cell])
        return all(bool(torch.isfinite(state).all()) for state in states)

    @cached_property
    def _total(self) -> Backward:
        if self._grad_output is None:
            raise ProbeError(
                f"the probe saw no gradient at layer {self.name!r}: no loss.backward() that reaches it ran inside "
                "the with-block; call it there"
            )
        return self._carry(self._grad_output.unsqueeze(0), self._grad_last, self._grad_last_cell)

    @property
    def grad_output(self) -> Tensor:
        """The loss's direct gradient on the layer's output, (T, B, H): what ``retain_grad`` on y shows.

        It leaves out what reaches h_t through the recurrence; ``grad_hidden`` is the whole.
        """
        if self._grad_output is None:
            return self._total.grad_hidden  # raises
        return self._grad_output

    @cached_property
    def grad_hidden(self) -> Tensor:
        """dL/dh_t, total through the recurrence, (T, B, H)."""
        return self._order.natural(self._total.grad_hidden[0])

    @cached_property
    def grad_cell(self) -> Tensor | None:
        """dL/dc_t, total through h_t and c_{t+1}, (T, B, H); None for a cell without one."""
        total = self._total.grad_cell
        return None if total is None else self._order.natural(total[0])

    @cached_property
    def grad_gates(self) -> Gates:
        """Gate → dL/d(gate value after the non-linearity), (T, B, H)."""
        values = self.cell_type.replay.grad_gates(self._forward, self._total)[0]
        return Gates(self.cell_type.gates, self._order.natural(values))

    @cached_property
    def grad_preactivations(self) -> Tensor:
        """Gradients before the non-linearities, at the input side, (T, B, G, H); G = 1 for a plain RNN."""
        return self._order.natural(self._total.grad_preactivations[0])

    @cached_property
    def grad_input(self) -> Tensor:
        """dL/dx_t through this direction, (T, B, D)."""
        return self._order.natural(self._total.grad_input[0])

    def backward(self, grad_output: Tensor) -> Gradients:
        """Total gradients for any other direct gradient on the output, in one recurrence.

        Args:
            grad_output: (T, B, H) for one loss, or (K, T, B, H) for K losses at once.

        Raises:
            ProbeError: the shape does not fit the layer.
        """
        steps, batch, size = self._forward.hidden.shape
        if grad_output.ndim not in (3, 4) or tuple(grad_output.shape[-3:]) != (steps, batch, size):
            raise ProbeError(
                f"grad_output must have shape ({steps}, {batch}, {size}) or (K, {steps}, {batch}, {size}), "
                f"got {tuple(grad_output.shape)}"
            )
        many = grad_output if grad_output.ndim == 4 else grad_output.unsqueeze(0)
        back = self._carry(many.detach(), None, None)
        parts = [back.grad_hidden, back.grad_cell, back.grad_input]
        natural = [None if part is None else self._order.natural(part, axis=1) for part in parts]
        if grad_output.ndim == 3:
            natural = [None if part is None else part[0] for part in natural]
        hidden, cell, inputs = natural
        assert hidden is not None
        assert inputs is not None
        return Gradients(hidden, cell, inputs)

    def _carry(self, grad_output: Tensor, last: Tensor | None, last_cell: Tensor | None) -> Backward:
        """Run the backward recurrence; grad_output (K, T, B, H) in natural order, last (B, H) at the final step."""
        arriving = self._order.direction(grad_output, axis=1)
        if last is not None:
            arriving = self._order.add_at_end(arriving, last)
        cells = {} if last_cell is None else self._order.at_end(last_cell, arriving.shape[1])
        with torch.no_grad():
            return self.cell_type.replay.backward(self._forward, self._weights, arriving, cells)


@dataclass(frozen=True)
class LayerTrace:
    """One layer in one call: ``forward``, and ``reverse`` where the layer reads in both directions."""

    forward: Trace
    reverse: Trace | None

    @property
    def grad_input(self) -> Tensor:
        """dL/dx_t through both directions, (T, B, D)."""
        found = self.forward.grad_input
        return found if self.reverse is None else found + self.reverse.grad_input


@dataclass(frozen=True)
class CallTrace:
    """One call of a module: its layers, bottom first."""

    layers: tuple[LayerTrace, ...]


class Joined:
    """The traces of a layer that was called several times, as one sequence (a decoder that steps by itself).

    Attributes are those of ``Trace``, joined along time: (ΣT, B, H).
    """

    _JOINED = ("hidden", "cell", "grad_hidden", "grad_cell", "grad_output", "grad_preactivations", "grad_input")

    def __init__(self, traces: list[Trace]):
        self._traces = traces
        self.cell_type = traces[0].cell_type
        self.replay_error = max(trace.replay_error for trace in traces)

    def __getattr__(self, name: str) -> Any:
        if name in ("gates", "grad_gates"):
            parts: list[Mapping[str, Tensor]] = [getattr(trace, name) for trace in self._traces]
            return {gate.name: torch.cat([part[gate.name] for part in parts]) for gate in self.cell_type.gates}
        if name not in self._JOINED:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        values = [getattr(trace, name) for trace in self._traces]
        return None if values[0] is None else torch.cat(values)


class ModuleTrace:
    """All calls of one recurrent module.

    Attributes:
        name: the module's path in the model.
        calls: one ``CallTrace`` per call, in order.
    """

    def __init__(self, name: str, calls: tuple[CallTrace, ...], chained: bool):
        self.name, self.calls, self._chained = name, calls, chained

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
    def sequence(self) -> tuple[Joined, ...]:
        """Per layer, all calls joined along time.

        Raises:
            ProbeError: the calls don't follow one another: a call did not start from the state that the one
                before left, or the module reads in both directions.
        """
        if not self._chained:
            raise ProbeError(
                f"the {len(self.calls)} calls of layer {self.name!r} are no single sequence: a call must start from "
                "the state that the call before left, in one direction; use .calls"
            )
        count = len(self.calls[0].layers)
        return tuple(Joined([call.layers[index].forward for call in self.calls]) for index in range(count))
