"""What a probe found in one direction of one layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

from rnncore.cells import Backward, Cell, Forward, Gates, Weights
from rnncore.errors import ProbeError
from rnncore.probe.order import TimeOrder


class Gradients:
    """Total gradients of one loss, or of K losses along a leading axis; time-major, in natural time order.

    Attributes:
        grad_output: the direct gradient on the output that they come from, (..., T, B, H).
    """

    def __init__(self, cell_type: Cell, forward: Forward, order: TimeOrder, grad_output: Tensor, back: Backward):
        self.grad_output = grad_output
        self._cell_type, self._forward, self._order, self._back = cell_type, forward, order, back

    @cached_property
    def grad_hidden(self) -> Tensor:
        """dL/dh_t, total through the recurrence, (..., T, B, H)."""
        return self._natural(self._back.grad_hidden)

    @cached_property
    def grad_cell(self) -> Tensor | None:
        """dL/dc_t, total through h_t and c_{t+1}, (..., T, B, H); None for a cell without one."""
        shown = self._cell_type.shown_cell(self._back.grad_cell, self._back.grad_hidden.shape[-1])
        return None if shown is None else self._natural(shown)

    @cached_property
    def grad_carried(self) -> Tensor | None:
        """dL/dc_t; where all that is carried beside h is no (T, B, H), the gradient of all of it, (..., T, B, M)."""
        whole = self._back.grad_cell
        return self.grad_cell if whole is None or self._cell_type.has_cell_state else self._natural(whole)

    @cached_property
    def grad_gates(self) -> Gates:
        """Gate → dL/d(gate value after the non-linearity), (..., T, B, H)."""
        values = self._cell_type.replay.grad_gates(self._forward, self._back)
        return Gates(self._cell_type.gates, self._natural(values))

    @cached_property
    def recurrent(self) -> Tensor | None:
        """The same at the recurrent side, where an own cell's replay gives it."""
        return None if self._back.recurrent is None else self._natural(self._back.recurrent)

    @cached_property
    def grad_preactivations(self) -> Tensor:
        """Gradients before the non-linearities, at the input side, (..., T, B, G, H); G = 1 for a plain RNN."""
        return self._natural(self._back.grad_preactivations)

    @cached_property
    def grad_input(self) -> Tensor:
        """dL/dx_t through this direction, (..., T, B, D)."""
        return self._natural(self._back.grad_input)

    def of(self, loss: int) -> Gradients:
        """Those of one of the K losses, as a view."""
        alone = self._back.each(lambda values: values[loss : loss + 1])
        return Gradients(self._cell_type, self._forward, self._order, self.grad_output[loss], alone)

    def _natural(self, own: Tensor) -> Tensor:
        """(K, T, B, ...) in the direction's order → natural order, without the axis K where one loss was given."""
        natural = self._order.natural(own, axis=1)
        return natural if self.grad_output.ndim == 4 else natural[0]


class Trace:
    """One direction of one layer in one call. All arrays are time-major, (T, B, ...), in natural time order.

    With PackedSequence input, steps beyond a sequence's length hold zeros (see ``lengths``).

    Attributes:
        cell_type: the entry of ``rnncore.cells.CELLS``.
        weights: as they were in the forward pass.
        replayed: states and gates, (T, B, ...) in the direction's own order, and what its backward pass needs.
        order: between the direction's order and the natural one.
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
        replay_error: float,
    ):
        self.name, self.cell_type, self.replay_error = name, cell_type, replay_error
        self.weights, self.replayed, self.order = weights, forward, order
        self._gradients: Gradients | None = None
        self._open: Callable[[], None] | None = None  # carries the loss of the with-block back, at the first read
        self._direct: Tensor | None = None  # all that the loss gives this layer, where it is one output's gradient
        self._missing = ""

    @property
    def lengths(self) -> Tensor | None:
        """Valid steps of each sequence, (B,), or None where all have T."""
        return self.order.lengths

    @cached_property
    def hidden(self) -> Tensor:
        """h_t, (T, B, H)."""
        return self.order.natural(self.replayed.hidden)

    @cached_property
    def cell(self) -> Tensor | None:
        """c_t, (T, B, H); None for a cell without one."""
        shown = self.cell_type.shown_cell(self.replayed.cell, self.replayed.hidden.shape[-1])
        return None if shown is None else self.order.natural(shown)

    @property
    def initial(self) -> tuple[Tensor, ...]:
        """The state that the direction started from: h (B, H), and what is carried beside it, (B, M)."""
        saved = self.replayed.saved
        return tuple(saved[key][0] for key in ("before", "cell_before") if key in saved)

    @cached_property
    def gates(self) -> Gates:
        """Gate name or letter → value after the non-linearity, (T, B, H)."""
        return Gates(self.cell_type.gates, self.order.natural(self.replayed.gates))

    @cached_property
    def finite(self) -> bool:
        """Whether states, gates and (where a backward pass ran) gradients are free of NaN and infinity."""
        forward = self.replayed
        tensors = [forward.hidden, forward.cell, forward.gates]
        if not self._missing:
            tensors += [self.gradients._back.grad_hidden, self.gradients._back.grad_cell]
        return all(bool(torch.isfinite(tensor).all()) for tensor in tensors if tensor is not None)

    @property
    def gradients(self) -> Gradients:
        """All gradients of the loss whose backward pass ran inside the probe.

        Raises:
            ProbeError: none ran, or none can reach this layer.
        """
        if self._gradients is None and self._open is not None:
            self._open()
        if self._gradients is None:
            raise ProbeError(self._missing)
        return self._gradients

    @property
    def grad_output(self) -> Tensor:
        """The loss's direct gradient on the layer's output, (T, B, H): what ``retain_grad`` on y shows.

        It leaves out what reaches h_t through the recurrence; ``grad_hidden`` is the whole.
        """
        return self.gradients.grad_output if self._direct is None else self._direct

    @property
    def grad_hidden(self) -> Tensor:
        """dL/dh_t, total through the recurrence, (T, B, H)."""
        return self.gradients.grad_hidden

    @property
    def grad_cell(self) -> Tensor | None:
        """dL/dc_t, total through h_t and c_{t+1}, (T, B, H); None for a cell without one."""
        return self.gradients.grad_cell

    @property
    def grad_carried(self) -> Tensor | None:
        """dL/dc_t, or that of all that is carried beside h, (T, B, H or M); None where nothing is."""
        return self.gradients.grad_carried

    @property
    def grad_gates(self) -> Gates:
        """Gate → dL/d(gate value after the non-linearity), (T, B, H)."""
        return self.gradients.grad_gates

    @property
    def grad_preactivations(self) -> Tensor:
        """Gradients before the non-linearities, at the input side, (T, B, G, H); G = 1 for a plain RNN."""
        return self.gradients.grad_preactivations

    @property
    def grad_input(self) -> Tensor:
        """dL/dx_t through this direction, (T, B, D)."""
        return self.gradients.grad_input

    @torch.no_grad()
    def backward(
        self, grad_output: Tensor, grad_h_n: Tensor | None = None, grad_c_n: Tensor | None = None
    ) -> Gradients:
        """Total gradients for any other direct gradient on the output, in one recurrence.

        Args:
            grad_output: (T, B, H) for one loss, or (K, T, B, H) for K losses at once; steps beyond a sequence's
                length count as zero.
            grad_h_n: what reaches the last hidden state, (B, H) or (K, B, H).
            grad_c_n: what reaches the last cell state of an LSTM, likewise.

        Raises:
            ProbeError: the shape or the type does not fit the layer.
        """
        self._check(grad_output)
        grad_output = grad_output.detach()
        arriving = grad_output if grad_output.ndim == 4 else grad_output.unsqueeze(0)
        arriving = self.order.direction(arriving, axis=1)
        if self.lengths is not None:
            arriving = self.order.blanked(arriving, axis=1)
        if grad_h_n is not None:
            arriving = self.order.add_at_end(arriving, grad_h_n)
        cells = {} if grad_c_n is None else self.order.at_end(grad_c_n)
        back = self.cell_type.replay.backward(self.replayed, self.weights, arriving, cells)
        return Gradients(self.cell_type, self.replayed, self.order, grad_output, back)

    def backward_beside(self, grad_output: Tensor) -> Gradients:
        """As ``backward`` for one loss, (T, B, H); the with-block's own loss is carried along in the same recurrence.

        Reading both costs little more than one of them.
        """
        if self._gradients is not None or self._direct is None:
            return self.backward(grad_output)
        both = self.backward(torch.stack([self._direct, grad_output]))
        self._gradients, self._open = both.of(0), None
        return both.of(1)

    def _check(self, grad_output: Tensor) -> None:
        shape, dtype = tuple(self.replayed.hidden.shape), self.replayed.hidden.dtype
        if grad_output.ndim not in (3, 4) or tuple(grad_output.shape[-3:]) != shape:
            raise ProbeError(
                f"grad_output must have shape {shape}, or (K, T, B, H) for K losses, got {tuple(grad_output.shape)}; "
                "give the gradient on each hidden state of this direction"
            )
        if grad_output.dtype != dtype:
            raise ProbeError(f"grad_output must be {dtype}, got {grad_output.dtype}; convert it with .to()")

    def __repr__(self) -> str:
        steps, batch, size = self.replayed.hidden.shape
        return f"Trace({self.name!r}, {self.cell_type.name}, T={steps}, B={batch}, H={size})"


@torch.no_grad()
def joined(traces: Sequence[Trace]) -> Trace:
    """One-way traces, each starting where the one before ended → one trace of all their steps, (ΣT, B, H)."""
    parts = [trace.replayed for trace in traces]
    forward = Forward(
        torch.cat([part.hidden for part in parts]),
        None if parts[0].cell is None else torch.cat([part.cell for part in parts if part.cell is not None]),
        torch.cat([part.gates for part in parts]),
        None,
        {key: torch.cat([part.saved[key] for part in parts]) for key in parts[0].saved},
    )
    first = traces[0]
    order = TimeOrder(len(forward.hidden), False, None)
    whole = Trace(
        first.name, first.cell_type, first.weights, forward, order, max(trace.replay_error for trace in traces)
    )
    whole._missing = next((trace._missing for trace in traces if trace._missing), "")
    if not whole._missing:
        backs = [trace.gradients._back for trace in traces]
        back = Backward(
            torch.cat([back.grad_hidden for back in backs], 1),
            _along([back.grad_cell for back in backs]),
            torch.cat([back.grad_preactivations for back in backs], 1),
            backs[0].weight_ih,
            _along([back.recurrent for back in backs]),
            _along([back.gates for back in backs]),
            None if backs[0].input is None else lambda: torch.cat([back.grad_input for back in backs], 1),
        )
        direct = torch.cat([trace.grad_output for trace in traces])
        whole._gradients = Gradients(first.cell_type, forward, order, direct, back)
    return whole


def _along(parts: Sequence[Tensor | None]) -> Tensor | None:
    """Gradients (K, T, B, ...) of calls that follow one another, joined along time; None where there are none."""
    there = [part for part in parts if part is not None]
    return torch.cat(there, 1) if there else None
