"""Cells that torch has no layer for: their equations for one step, from which layer, replay and Jacobian follow.

A file of this folder says what one step computes, as plain tensor operations; everything else is here. Needs no torch
to be read, as ``base``. Shapes: T time, B batch, H hidden, D input, R rows of weight_ih, M numbers carried beside h.

The face is that of ``nn.LSTM``: a layer returns y (T, B, H) and h_n, or (h_n, c_n) where something is carried beside h;
c_n (1, B, M) holds all of it side by side, for instance c, the normaliser and the stabiliser of an sLSTM.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rnncore.cells.base import Cell, Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Shapes = dict[str, tuple[int, ...]]
States = tuple["Tensor", ...]


class Equations:
    """One step of a cell.

    Attributes:
        blocks: blocks of H rows in weight_ih.
        recurrent: blocks of H rows in weight_hh; 0 where the gates read the input alone.
        reads_hidden: whether a step reads h_{t-1}; else all that it goes on with is beside it.
        reads: what a step's numbers are, for sentences: ``, pictures of 12 × 12``; '' for just numbers.
    """

    blocks: int = 1
    recurrent: int = 1
    reads_hidden: bool = True
    reads: str = ""

    def shapes(self, input_size: int, size: int) -> Shapes:
        """All parameters of one direction: name → shape."""
        found: Shapes = {"weight_ih": (self.blocks * size, input_size)}
        if self.recurrent:
            found["weight_hh"] = (self.recurrent * size, size)
        found["bias_ih"] = (self.blocks * size,)
        if self.recurrent:
            found["bias_hh"] = (self.recurrent * size,)
        return found

    def beside(self, size: int) -> tuple[int, ...]:
        """How many numbers each state beside h has; () for none."""
        return ()

    def states(self, carried: Tensor, size: int) -> States:
        """What is carried beside h, (B, M), as the equations use it."""
        return apart(carried, self.beside(size))

    def input_size(self, w: Weights) -> int:
        """D, of weights."""
        return int(w.ih.shape[1])

    def weights(self, named: dict[str, Tensor | None]) -> Weights:
        """A direction's parameters as the equations use them."""
        more = {key: value for key, value in named.items() if value is not None and key not in _USUAL}
        return Weights(named["weight_ih"], named.get("weight_hh"), named.get("bias_ih"), named.get("bias_hh"), more)

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """What the input adds, all steps in one product: (T, B, D) → (T, B, R)."""
        from torch.nn.functional import linear

        return linear(x, w.ih, w.bias_ih)

    def recur(self, h: Tensor, w: Weights) -> Tensor | None:
        """What the state before adds: (B, H) → (B, R'), None for nothing."""
        from torch.nn.functional import linear

        return linear(h, w.hh, w.bias_hh) if self.recurrent else None

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """One step.

        Args:
            u: what ``project`` gave for it, (B, R).
            v: what ``recur`` gave.
            h: (B, H) before.
            others: what is carried beside h, (B, ...) each, before.
            w: the weights.

        Returns:
            h, the others, and the gates in the table's order, each (B, H).
        """
        raise NotImplementedError

    def unroll(
        self, u: Tensor, h: Tensor, others: States, w: Weights, every: bool = False
    ) -> tuple[Tensor, list[States]]:
        """All steps: u (T, B, R) → y (T, B, H), and what is carried beside h after each step.

        A cell whose recurrence can be carried out in parallel has its own.

        Args:
            u: see ``project``.
            h: before the first step.
            others: before the first step.
            w: the weights.
            every: whether what is carried is wanted after every step; the last one alone will do otherwise.
        """
        import torch

        outputs, carried = [], []
        for part in u.unbind(0):
            h, others, _ = self.step(part, self.recur(h, w), h, others, w)
            outputs.append(h)
            carried.append(others)
        return torch.stack(outputs), carried

    def run(self, x: Tensor, h: Tensor, others: States, w: Weights, every: bool = False) -> tuple[Tensor, list[States]]:
        """A whole direction, x (T, B, D); see ``unroll``."""
        return self.unroll(self.project(x, w), h, others, w, every)

    def settle(self, named: dict[str, Tensor], size: int, generator: torch.Generator | None) -> None:
        """Initial values that differ from U(-1/√H, 1/√H), written in place."""


_USUAL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@dataclass(frozen=True)
class OwnCell(Cell):
    """An entry of the registry whose layer is ``layer.OwnLayer``.

    Attributes:
        equations: what a step computes.
        parts: what the blocks of weight_ih are called; by default the gates.
        outer: whether every weight's gradient is a sum over steps of a_t x_tᵀ and a'_t h_{t-1}ᵀ.
    """

    equations: Equations = field(default_factory=Equations)
    parts: tuple[str, ...] = ()
    outer: bool = True

    @property
    def hand_made(self) -> bool:
        """See ``Cell.hand_made``."""
        from rnncore.cells.stepwise import StepReplay

        return not isinstance(self.replay, StepReplay)

    @property
    def blocks(self) -> int:
        """Blocks of H rows in weight_ih."""
        return self.equations.blocks

    @property
    def reads_hidden(self) -> bool:
        """Whether a step reads h_{t-1}."""
        return self.equations.reads_hidden

    @property
    def recurrent_blocks(self) -> int:
        """Blocks of H rows in weight_hh."""
        return self.equations.recurrent

    @property
    def block_symbols(self) -> tuple[str, ...]:
        """What each block of H rows in weight_ih belongs to."""
        return self.parts or super().block_symbols

    def parameters(self, input_size: int, size: int) -> int:
        """How many numbers one layer and direction has."""
        return sum(math.prod(shape) for shape in self.equations.shapes(input_size, size).values())

    def products(self, input_size: int, size: int) -> int:
        """See ``Cell.products``."""
        shapes = self.equations.shapes(input_size, size).values()
        return sum(math.prod(shape) for shape in shapes if len(shape) == 2)

    def memory(self, size: int) -> int:
        """Numbers carried beside h."""
        return sum(self.equations.beside(size))

    def layer(self, input_size: int, hidden_size: int, **options: Any) -> nn.Module:
        """(T, B, input_size) → (T, B, hidden_size)."""
        from rnncore.cells.layer import OwnLayer

        return OwnLayer(self, input_size, hidden_size, **options)

    def initialise(self, layer: nn.Module, *, generator: torch.Generator | None = None, **options: Any) -> None:
        """See ``Cell.initialise``; what the cell's source asks for comes last."""
        import torch

        super().initialise(layer, generator=generator, **options)
        with torch.no_grad():
            own: Any = layer
            for suffix in own.suffixes:
                self.settle(own, suffix, generator, **options)

    def settle(self, layer: Any, suffix: str, generator: torch.Generator | None, **options: Any) -> None:
        """One direction."""
        named = {name: tensor for name, tensor in layer.named(suffix).items() if tensor is not None}
        self.equations.settle(named, layer.hidden_size, generator)


def split(values: Tensor, count: int) -> tuple[Tensor, ...]:
    """(..., count·H) → count tensors (..., H)."""
    return values.chunk(count, -1)


def together(states: Sequence[Tensor]) -> Tensor:
    """States (B, ...) side by side, (B, M)."""
    import torch

    return torch.cat([state.flatten(1) for state in states], -1)


def apart(carried: Tensor, sizes: Sequence[int]) -> States:
    """Undo ``together``: (..., M) → (..., each size)."""
    return carried.split(list(sizes), -1)
