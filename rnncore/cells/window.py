"""Layers without a recurrence, with a recurrent layer's face: each step looks at what the last W steps have kept.

A file of this folder says what a step keeps of its input, and what a step makes of its input and of all that is kept;
both for many steps at once. What a recurrent cell calls its state is then a window: what was kept of the last W steps.
So such a layer reads a sequence in pieces, or step by step, and gives the same as at once. Nothing that it computed is
ever read again by itself: dL/dh_t is what arrives from outside, and dL/dx_t is exactly 0 where no later step looks.

Shapes: T time, B batch, H hidden, D input, R numbers kept of a step, N ≤ W steps kept before the first one read,
K losses carried at once. State: h (B, H), which nothing reads, and what is kept, (B, N·R).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnncore.cells.base import Backward, Forward, Weights, with_initial
from rnncore.cells.own import Equations, OwnCell, States
from rnncore.errors import ProbeError

if TYPE_CHECKING:
    from torch import Tensor


class Window(Equations):
    """What a step keeps, and what it looks at.

    Attributes:
        width: W.
    """

    recurrent, reads_hidden = 0, False
    width: int

    def kept(self, size: int) -> int:
        """R, for H."""
        raise NotImplementedError

    def keep(self, x: Tensor, w: Weights) -> Tensor:
        """What later steps see of each: (T, B, D) → (T, B, R)."""
        raise NotImplementedError

    def look(self, x: Tensor, seen: Tensor, w: Weights) -> Tensor:
        """x (T, B, D) and all that is kept, of N steps before and of these, (N + T, B, R) → y (T, B, H)."""
        raise NotImplementedError

    def beside(self, size: int) -> tuple[int, ...]:
        """Nothing before the first step; it grows to W steps."""
        return (0,)

    def states(self, carried: Tensor, size: int) -> States:
        """Whatever there is."""
        return (carried,)

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """A step reads the input itself."""
        return x

    def before(self, carried: Tensor, like: Tensor) -> Tensor:
        """What is kept as rows of time: (B, N·R) → (N, B, R)."""
        each = like.shape[-1]
        return carried.unflatten(-1, (carried.shape[-1] // each, each)).transpose(0, 1)

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """One step by itself."""
        y, carried = self.run(u.unsqueeze(0), h, others, w)
        return y[0], carried[-1], ()

    def run(self, x: Tensor, h: Tensor, others: States, w: Weights, every: bool = False) -> tuple[Tensor, list[States]]:
        """All steps at once."""
        import torch

        seen = self.seen(x, others[0], w)
        y, steps = self.look(x, seen, w), len(x)
        if not every:
            return y, [(self.after(seen),)]
        rows = min(self.width, len(seen))  # of one size after each step: what is missing was never written
        behind, padded = len(seen) - steps, torch.cat([seen.new_zeros(rows, *seen.shape[1:]), seen])
        return y, [(self.after(padded[: rows + behind + end][-rows:]),) for end in range(1, steps + 1)]

    def seen(self, x: Tensor, carried: Tensor, w: Weights) -> Tensor:
        """All that is kept, (N + T, B, R)."""
        import torch

        new = self.keep(x, w)
        return torch.cat([self.before(carried, new), new]) if carried.shape[-1] else new

    def after(self, seen: Tensor) -> Tensor:
        """The last W of them side by side, (B, N·R)."""
        return seen[-self.width :].transpose(0, 1).flatten(1)


@dataclass(frozen=True)
class WindowCell(OwnCell):
    """An entry of the registry without a recurrence."""

    @property
    def recurrent(self) -> bool:
        """See ``Cell.recurrent``."""
        return False

    def memory(self, size: int) -> int:
        """Nothing that is computed is carried: only what was read."""
        return 0


class WindowReplay:
    """See ``base.Replay``: all is known from the input."""

    def __init__(self, equations: Window):
        self.equations = equations

    def forward(self, x: Tensor, y: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Forward:
        """See ``base.Replay``; c0 is what is kept of the steps before, (B, N·R)."""
        assert c0 is not None
        output, _ = self.equations.run(x, h0, (c0,), weights)
        hidden = with_initial(y, h0)
        saved = {"before": hidden[:-1], "x": x.clone(), "cell_before": c0.unsqueeze(0)}
        return Forward(hidden[1:], None, y.new_empty(*y.shape[:2], 0, y.shape[-1]), output, saved)

    def backward(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Backward:
        """See ``base.Replay``: no step's h is read by another, so that what arrives is the whole."""
        none = grad_output.new_empty(*grad_output.shape[:3], 0, grad_output.shape[-1])
        arriving = grad_output.clone()
        return Backward(
            arriving, None, none, weights.ih, gates=none,
            input=lambda: self._to_input(forward, weights, arriving, cell_arrivals),
        )  # fmt: skip

    def _to_input(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Tensor:
        """dL/dx, (K, T, B, D), by autograd through the layer."""
        import torch

        with torch.enable_grad():
            x = forward.saved["x"].detach().requires_grad_()
            h, kept = forward.saved["before"][0], forward.saved["cell_before"][0]
            y, carried = self.equations.run(x, h, (kept,), weights, any(t < len(x) - 1 for t in cell_arrivals))
            arriving = []
            for t, grad in cell_arrivals.items():
                last = carried[t if len(carried) > 1 else 0][0]
                grad = grad.expand(len(grad_output), *grad.shape[-2:])
                both = min(last.shape[-1], grad.shape[-1])  # they differ by steps before the first one
                arriving.append((last[:, -both:], grad[..., -both:]))
            return batched([(y, grad_output), *arriving], [x])[0]

    def carry(self, forward: Forward, weights: Weights, losses: int, with_input: bool) -> WindowCarry:
        """See ``base.Replay``."""
        return WindowCarry(self.equations, forward, weights, losses, with_input)

    def grad_gates(self, forward: Forward, back: Backward) -> Tensor:
        """There are none."""
        return back.grad_preactivations

    def jacobian(self, forward: Forward, weights: Weights) -> Tensor:
        """Always refused."""
        raise ProbeError(
            "this layer has no step Jacobian: it hands nothing that it computed from one step to the next; use "
            "grad_input for how far it looks back"
        )


class WindowCarry:
    """See ``base.Carry``: one step's own small graph at a time, with what later steps say of that which it kept."""

    def __init__(self, equations: Window, forward: Forward, weights: Weights, losses: int, with_input: bool):
        self.equations, self.weights, self.with_input = equations, weights, with_input
        self.x = forward.saved["x"]
        if with_input:
            self.seen = equations.seen(self.x, forward.saved["cell_before"][0], weights)
            self.behind = len(self.seen) - len(self.x)
            self.received = self.seen.new_zeros(losses, *self.seen.shape)

    def total(self, t: int, hidden: Tensor, cell: Any) -> None:
        """What has arrived is the whole."""

    def leave(self, t: int, hidden: Tensor, cell: Any) -> Tensor | None:
        """See ``base.Carry``."""
        import torch

        arrived = hidden.clone()
        hidden.zero_()
        if not self.with_input:
            return None
        rows, at = slice(0, len(arrived)), self.behind + t
        start = max(0, at - self.equations.width)
        with torch.enable_grad():
            x, past = self.x[t : t + 1].detach().requires_grad_(), self.seen[start:at].detach().requires_grad_()
            new = self.equations.keep(x, self.weights)
            y = self.equations.look(x, torch.cat([past, new]), self.weights)
            outputs = [(y, arrived.unsqueeze(1)), (new, self.received[rows, at : at + 1])]
            to_x, to_past = batched(outputs, [x, past])
        self.received[rows, start:at] += to_past
        return to_x.squeeze(1)


def batched(outputs: list[tuple[Tensor, Tensor]], inputs: list[Tensor]) -> list[Tensor]:
    """Gradients of K losses: each output with what arrives at it, (K, ...) → (K, ...) for each input."""
    import torch

    outputs = [(one, grads) for one, grads in outputs if one.requires_grad]
    several = len(outputs[0][1]) > 1
    found = torch.autograd.grad(
        [one for one, _ in outputs], inputs, [grads if several else grads[0] for _, grads in outputs],
        is_grads_batched=several, allow_unused=True,
    )  # fmt: skip
    shape = (len(outputs[0][1]),)
    return [
        one.new_zeros(*shape, *one.shape) if grad is None else grad if several else grad.unsqueeze(0)
        for one, grad in zip(inputs, found, strict=True)
    ]
