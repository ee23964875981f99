"""The exact replay of any cell, from its equations alone: one small autograd graph for each step.

From a layer's input and output every state before each step is known, so that each step can be evaluated by itself, and
its vector-Jacobian product is what autograd makes of that one step. The chain of these products is the backward
recurrence: equal to autograd through the whole sequence, to rounding. On 8 sequences it costs one to two training steps
of a layer that goes step by step, and many of one that computes all steps at once (``python -m rnncore.benchmark --only
cells``), where a hand-made replay costs a fraction of one; a probe therefore opens few sequences, and seldom.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnncore.cells.base import Backward, Forward, Weights, by_loss, for_each, in_rows, to_input, with_initial
from rnncore.cells.own import Equations, apart, together

if TYPE_CHECKING:
    from torch import Tensor


class StepReplay:
    """See ``base.Replay``.

    Args:
        equations: of the cell.
        gates: how many there are in its table.
    """

    def __init__(self, equations: Equations, gates: int):
        self.equations, self.gates = equations, gates

    def forward(self, x: Tensor, y: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Forward:
        """See ``base.Replay``; c0 is all that is carried beside h, (B, M)."""
        import torch

        steps, batch, size = y.shape
        hidden, sizes = with_initial(y, h0), self.equations.beside(size)
        u = self.equations.project(x, weights)
        output, carried = torch.empty_like(y), y.new_empty(steps + 1, batch, sum(sizes))
        gates = y.new_empty(steps, batch, self.gates, size)
        others: tuple[Tensor, ...] = ()
        if sizes:
            assert c0 is not None
            carried[0], others = c0, apart(c0, sizes)
        for t in range(steps):
            h = hidden[t]
            output[t], others, values = self.equations.step(u[t], self.equations.recur(h, weights), h, others, weights)
            if sizes:
                carried[t + 1] = together(others)
            for index, value in enumerate(values):
                gates[t, :, index] = value
        saved = {"before": hidden[:-1], "input_side": u}
        if sizes:
            saved["cell_before"] = carried[:-1]
        return Forward(hidden[1:], carried[1:] if sizes else None, gates, output, saved)

    def backward(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Backward:
        """See ``base.Replay``."""
        import torch

        losses, hidden = len(grad_output), in_rows(grad_output)
        steps, rows, size = hidden.shape
        walk = _Walk(self.equations, forward, weights, losses)
        sizes = walk.sizes
        cell = hidden.new_zeros(steps, rows, sum(sizes)) if sizes else None
        pre, recurrent = hidden.new_zeros(walk.u.shape), None
        gates = hidden.new_zeros(steps, rows, self.gates, size)
        received = hidden.new_zeros(rows, sum(sizes))
        for t in range(steps - 1, -1, -1):
            if t in cell_arrivals:
                received.unflatten(0, (losses, -1)).add_(cell_arrivals[t])
            found = walk.back(t, hidden[t], received)
            if t:
                hidden[t - 1] += found.hidden
            received = found.carried
            pre[t] = found.pre
            if found.recurrent is not None:
                recurrent = hidden.new_zeros(steps, *found.recurrent.shape) if recurrent is None else recurrent
                recurrent[t] = found.recurrent
            for index, value in enumerate(found.gates):
                gates[t, :, index] = value
            if cell is not None:
                cell[t] = found.cell
        assert torch.is_tensor(pre)
        return Backward(
            by_loss(hidden, losses),
            None if cell is None else by_loss(cell, losses),
            by_loss(in_blocks(pre, size), losses),
            weights.ih,
            None if recurrent is None else by_loss(in_blocks(recurrent, size), losses),
            by_loss(gates, losses),
            self.input_gradient(forward, weights, by_loss(pre, losses)),
        )

    def input_gradient(self, forward: Forward, weights: Weights, pre: Tensor) -> Any:
        """Makes dL/dx from the gradient at the input side, (K, T, B, R), where that is no product with weight_ih."""
        return None

    def carry(self, forward: Forward, weights: Weights, losses: int, with_input: bool) -> StepCarry:
        """See ``base.Replay``."""
        return StepCarry(self, forward, weights, losses, with_input)

    def grad_gates(self, forward: Forward, back: Backward) -> Tensor:
        """dL/d(gate value), as autograd found it."""
        assert back.gates is not None
        return back.gates

    def jacobian(self, forward: Forward, weights: Weights) -> Tensor:
        """See ``base.Replay``; S = H + M: h, and beside it all that is carried."""
        import torch

        steps, batch, size = forward.hidden.shape

        def one(state: Tensor, u: Tensor) -> Tensor:
            return self._onward(state.unsqueeze(0), u.unsqueeze(0), size, weights)[0]

        rows = self._state(forward).flatten(0, 1), forward.saved["input_side"].flatten(0, 1)
        found: Tensor = torch.func.vmap(torch.func.jacrev(one))(*rows)
        return found.unflatten(0, (steps, batch)).detach()

    def push(self, forward: Forward, weights: Weights, columns: Tensor) -> Tensor:
        """What J_t makes of columns, (B, S, K) → (B, S, K); J_t itself, (B, S, S), is never made.

        wᵀJ is linear in w, and what autograd makes of it on its way back from there is Jv: two backward passes.

        Args:
            forward: one step, T = 1.
            weights: the same weights.
            columns: K directions of the state before.
        """
        import torch

        count, rows = columns.shape[-1], columns.movedim(-1, 0).flatten(0, 1)  # (K·B, S)
        with torch.enable_grad():
            state = for_each(count, self._state(forward))[0].detach().requires_grad_()
            new = self._onward(
                state, for_each(count, forward.saved["input_side"])[0], forward.hidden.shape[-1], weights
            )
            w = torch.zeros_like(new, requires_grad=True)
            (row,) = torch.autograd.grad(new, state, w, create_graph=True)
            (found,) = torch.autograd.grad(row, w, rows)
        return found.unflatten(0, (count, -1)).movedim(0, -1)

    def _state(self, forward: Forward) -> Tensor:
        """All that each step was handed, (T, B, S)."""
        import torch

        before = forward.saved["before"]
        return torch.cat([before, forward.saved["cell_before"]], -1) if "cell_before" in forward.saved else before

    def _onward(self, state: Tensor, u: Tensor, size: int, weights: Weights) -> Tensor:
        """One step: all that it is handed, (B, S), to all that it hands on."""
        import torch

        h, *others = apart(state, (size, *self.equations.beside(size)))
        new, after, _ = self.equations.step(u, self.equations.recur(h, weights), h, tuple(others), weights)
        return torch.cat([new, together(after)], -1) if after else new


class _Found:
    """One step's gradients, (K·B, ...) each."""

    def __init__(self, parts: dict[str, Any]):
        self.hidden: Tensor = parts["hidden"]
        self.carried: Tensor = parts["carried"]
        self.pre: Tensor = parts["pre"]
        self.recurrent: Tensor | None = parts["recurrent"]
        self.gates: list[Tensor] = parts["gates"]
        self.cell: Any = parts["cell"]


class _Walk:
    """Steps backwards through a replayed pass, for K losses at once."""

    def __init__(self, equations: Equations, forward: Forward, weights: Weights, losses: int):
        self.equations, self.weights = equations, weights
        self.sizes = equations.beside(forward.hidden.shape[-1])
        self.u = for_each(losses, forward.saved["input_side"])
        self.before = for_each(losses, forward.saved["before"])
        self.cell_before = for_each(losses, forward.saved["cell_before"]) if self.sizes else None

    def back(self, t: int, hidden: Tensor, received: Tensor) -> _Found:
        """From dL/dh_t and what c_{t+1} hands back, to what h_{t-1} and c_{t-1} receive.

        Args:
            t: the step.
            hidden: dL/dh_t, (K·B, H); or fewer rows than there are, the first ones.
            received: (K·B, M).
        """
        import torch

        rows = slice(0, len(hidden))
        with torch.enable_grad():
            u, h = self.u[t, rows].detach().requires_grad_(), self.before[t, rows].detach().requires_grad_()
            others: tuple[Tensor, ...] = ()
            if self.cell_before is not None:
                others = tuple(one.detach().requires_grad_() for one in apart(self.cell_before[t, rows], self.sizes))
            v = self.equations.recur(h, self.weights)
            new, after, gates = self.equations.step(u, v, h, others, self.weights)
            wanted = [u, h, *([] if v is None else [v]), *others, *gates, *after]
            arriving = [hidden, *(apart(received, self.sizes) if self.sizes else ())]
            outputs = [
                (one, g.view_as(one)) for one, g in zip((new, *after), arriving, strict=True) if one.requires_grad
            ]
            grads: Any = torch.autograd.grad(
                [one for one, _ in outputs], wanted, [g for _, g in outputs], allow_unused=True
            )
        found = [torch.zeros_like(one) if g is None else g for one, g in zip(wanted, grads, strict=True)]
        at = 2 if v is None else 3
        ends = at + len(others), at + len(others) + len(gates)
        return _Found(
            {
                "pre": found[0],
                "hidden": found[1],
                "recurrent": None if v is None else found[2],
                "carried": together(found[at : ends[0]]) if others else hidden.new_zeros(len(hidden), 0),
                "gates": found[ends[0] : ends[1]],
                "cell": together(found[ends[1] :]) if others else None,
            }
        )


class StepCarry:
    """See ``base.Carry``."""

    def __init__(self, replay: StepReplay, forward: Forward, weights: Weights, losses: int, with_input: bool):
        self.replay, self.forward, self.weights, self.with_input = replay, forward, weights, with_input
        self.walk = _Walk(replay.equations, forward, weights, losses)
        self.found: _Found | None = None

    def total(self, t: int, hidden: Tensor, cell: Any) -> None:
        """See ``base.Carry``."""
        received = hidden.new_zeros(hidden.shape[0] * hidden.shape[1], 0) if cell is None else cell.flatten(0, 1)
        self.found = self.walk.back(t, hidden.flatten(0, 1), received)
        if cell is not None:
            cell.copy_(self.found.cell.view_as(cell))

    def leave(self, t: int, hidden: Tensor, cell: Any) -> Tensor | None:
        """See ``base.Carry``."""
        assert self.found is not None
        found, self.found = self.found, None
        hidden.copy_(found.hidden.view_as(hidden))
        if cell is not None:
            cell.copy_(found.carried.view_as(cell))
        if not self.with_input:
            return None
        pre = found.pre.unflatten(0, hidden.shape[:2])  # (K, B, R)
        made = self.replay.input_gradient(self.forward, self.weights, pre.unsqueeze(1))
        return to_input(pre.unsqueeze(-2), self.weights.ih) if made is None else made().squeeze(1)


def in_blocks(values: Tensor, size: int) -> Tensor:
    """(..., R) → (..., R / H, H), or (..., 1, R) where R is no multiple of H."""
    rows = values.shape[-1]
    return values.unflatten(-1, (rows // size, size) if rows % size == 0 and rows else (1, rows))
