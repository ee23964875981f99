"""What every cell has in common: its gate table, its layer, its initialisation, its exact replay.

This file needs no torch, so that the server can read the gate tables; tensors are used by their methods.

Replay: given a fused layer's input x, its output y and the loss's direct gradient on y, every hidden
quantity of the layer follows. Each gate at each step comes from ONE matrix product, because h_{t-1} is known
from y; the cell state is an elementwise recurrence; the gradients are one backward recurrence. Shapes:
T time, B batch, H hidden, D input, G gates, K losses carried at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from rnncore.cells.products import adder, linear

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True)
class Gate:
    """One gate: PyTorch's name, its letter, and whether it is a sigmoid (else tanh).

    A gate's value means its value after the non-linearity.
    """

    name: str
    symbol: str
    sigmoid: bool


@dataclass(frozen=True)
class About:
    """What a catalogue says of a cell.

    Attributes:
        source: authors, year, address.
        idea: what it is for, in one sentence.
        tex: its equations, LaTeX.
        lines: how the state comes about, one or two lines of HTML.
    """

    source: str
    idea: str
    tex: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Weights:
    """Of one layer and direction: ih (G·H, D), hh (G·H, H), biases (G·H,) or None; ``more`` by name, for own cells."""

    ih: Any
    hh: Any
    bias_ih: Tensor | None
    bias_hh: Tensor | None
    more: Mapping[str, Tensor] = field(default_factory=dict)

    def each(self, change: Callable[[Tensor], Tensor]) -> Weights:
        """All of them changed alike."""
        ih, hh, bias_ih, bias_hh = (
            None if one is None else change(one) for one in (self.ih, self.hh, self.bias_ih, self.bias_hh)
        )
        return Weights(ih, hh, bias_ih, bias_hh, {name: change(value) for name, value in self.more.items()})

    @property
    def bias(self) -> Tensor | None:
        """Both biases together, where a cell only ever adds them."""
        return None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh


@dataclass
class Forward:
    """A replayed forward pass, in the direction's own time order.

    ``hidden`` (T, B, H), ``cell`` (T, B, H) or None, ``gates`` (T, B, G, H) in table order (G may be 0);
    ``output`` is what the equations give for y, to be held against the layer's own, and dropped then. ``saved``
    holds what the family's backward pass needs, (T, B, H) each.
    """

    hidden: Tensor
    cell: Tensor | None
    gates: Tensor
    output: Tensor | None
    saved: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Backward:
    """Total gradients; a leading axis K where several losses were carried.

    ``grad_hidden`` = dL/dh_t and ``grad_cell`` = dL/dc_t through the recurrence, (..., T, B, H);
    ``grad_preactivations`` at the input side of the non-linearities, (..., T, B, G or 1, H). Where they cannot be told
    from these: ``recurrent`` at the recurrent side, ``gates`` = dL/d(gate), and how ``input`` = dL/dx_t is made.
    """

    grad_hidden: Tensor
    grad_cell: Tensor | None
    grad_preactivations: Tensor
    weight_ih: Tensor
    recurrent: Tensor | None = None
    gates: Tensor | None = None
    input: Callable[[], Tensor] | None = None

    @cached_property
    def grad_input(self) -> Tensor:
        """dL/dx_t, (..., T, B, D): one matrix product, made when it is asked for."""
        return to_input(self.grad_preactivations, self.weight_ih) if self.input is None else self.input()

    def each(self, change: Callable[[Tensor], Tensor]) -> Backward:
        """All gradients changed alike, their last axes kept."""
        cell, recurrent, gates = (
            None if one is None else change(one) for one in (self.grad_cell, self.recurrent, self.gates)
        )
        made = None if self.input is None else lambda: change(self.grad_input)
        hidden, pre = change(self.grad_hidden), change(self.grad_preactivations)
        return Backward(hidden, cell, pre, self.weight_ih, recurrent, gates, made)


class Carry(Protocol):
    """A layer's backward recurrence, one step after the other, for many losses: it keeps nothing of a step.

    ``hidden`` and ``cell`` (None without a cell state) are gradients of K losses, (K, B, H), changed in place.
    """

    def total(self, t: int, hidden: Tensor, cell: Any) -> None:
        """``hidden`` is dL/dh_t; ``cell``, so far what c_{t+1} hands back, becomes dL/dc_t."""

    def leave(self, t: int, hidden: Tensor, cell: Any) -> Tensor | None:
        """From the totals at t to what h_{t-1} and c_{t-1} receive; dL/dx_t, (K, B, D), where it was asked for."""


class Replay(Protocol):
    """The exact replay of one family, one layer and direction."""

    def forward(self, x: Tensor, y: Tensor, h0: Tensor, c0: Tensor | None, weights: Weights) -> Forward:
        """Open a layer: x (T, B, D), y (T, B, H), h0 and c0 (B, H)."""

    def backward(
        self, forward: Forward, weights: Weights, grad_output: Tensor, cell_arrivals: Mapping[int, Tensor]
    ) -> Backward:
        """Carry K losses back at once.

        Args:
            forward: what ``forward`` gave.
            weights: the same weights.
            grad_output: all that reaches h_t from outside the recurrence, (K, T, B, H).
            cell_arrivals: step → what reaches c_t from outside (through c_n), broadcastable to (K, B, H).
        """

    def carry(self, forward: Forward, weights: Weights, losses: int, with_input: bool) -> Carry:
        """The recurrence of ``backward``, for up to so many losses a step at a time.

        Args:
            forward: what ``forward`` gave.
            weights: the same weights.
            losses: K at most.
            with_input: also give dL/dx_t.
        """

    def grad_gates(self, forward: Forward, back: Backward) -> Tensor:
        """dL/d(gate value), (..., T, B, G, H)."""

    def jacobian(self, forward: Forward, weights: Weights) -> Tensor:
        """J_t = ∂s_t/∂s_{t-1} with x_t held fixed, (T, B, S, S): row i is component i of s_t, column j of s_{t-1}.

        s = h and S = H; for a cell with a cell state s = (h, c) and S = 2H, h first.
        """


@dataclass(frozen=True)
class Cell:
    """One entry of the registry.

    Attributes:
        name: key in the registry and in ``RunConfig``.
        module: name of the torch.nn class.
        nonlinearity: for ``nn.RNN``, else ''.
        gates: the gate table, in PyTorch's order.
        has_cell_state: whether there is a c beside h.
        bias_gates: gate symbol → sign for ``gate_bias``: which biases remember (+1), and which chrono
            initialisation mirrors (-1). A single -1 is a gate that keeps the state when it is shut.
        replay: the family's replay.
        about: for the catalogue.
    """

    name: str
    module: str
    nonlinearity: str
    gates: tuple[Gate, ...]
    has_cell_state: bool
    bias_gates: tuple[tuple[str, int], ...]
    replay: Replay
    about: About = field(default_factory=lambda: About("", "", "", ()))

    @property
    def hand_made(self) -> bool:
        """Whether its replay is written by hand; any other cell's follows from its equations (``stepwise``)."""
        return True

    @property
    def recurrent(self) -> bool:
        """Whether a step reads what the step before computed; the lecture's alternatives read inputs alone."""
        return True

    def placed(
        self, index: int, sequence_length: int, picture: tuple[int, int] | None, *, wraps: bool = False
    ) -> dict[str, Any]:
        """Options of ``layer`` that depend on where it stands.

        Args:
            index: its place in the stack, from 0.
            sequence_length: steps of the longest training sequence.
            picture: rows and columns of what is read at each step, or None.
            wraps: pictures are on a torus: what leaves at one side comes in at the other.
        """
        return {}

    @property
    def stem(self) -> str:
        """The file that it stands in."""
        return "rnn" if self.name.startswith("rnn") else self.name

    @property
    def blocks(self) -> int:
        """Weight blocks of H rows: one per gate, or one."""
        return max(1, len(self.gates))

    @property
    def reads_hidden(self) -> bool:
        """Whether a step reads h_{t-1}; else all that it goes on with is beside it."""
        return True

    @property
    def recurrent_blocks(self) -> int:
        """Blocks of H rows in weight_hh; 0 where there is none."""
        return self.blocks

    @property
    def block_symbols(self) -> tuple[str, ...]:
        """What each block of H rows in the weights belongs to: a gate, or ''."""
        return tuple(gate.symbol for gate in self.gates) or ("",)

    def parameters(self, input_size: int, size: int) -> int:
        """How many numbers one layer and direction has."""
        return self.blocks * size * (input_size + size + 2)

    def products(self, input_size: int, size: int) -> int:
        """Multiplications of one step of one sequence: the weights that are multiplied with a vector."""
        return self.blocks * size * (input_size + size)

    def memory(self, size: int) -> int:
        """Numbers carried beside h: H for a cell state."""
        return size if self.has_cell_state else 0

    def state_size(self, size: int) -> int:
        """S: all that a step hands to the next, h and what is beside it."""
        return size + self.memory(size)

    def shown_cell(self, carried: Tensor | None, size: int) -> Tensor | None:
        """The cell state c of all that is carried beside h: (..., M) → (..., H), or None."""
        return carried[..., :size] if carried is not None and self.has_cell_state else None

    def layer(self, input_size: int, hidden_size: int, **options: Any) -> nn.Module:
        """The fused torch layer: (T, B, input_size) → (T, B, hidden_size)."""
        from torch import nn

        if self.nonlinearity:
            options["nonlinearity"] = self.nonlinearity
        module: nn.Module = getattr(nn, self.module)(input_size, hidden_size, **options)
        return module

    def initialise(
        self,
        layer: nn.Module,
        *,
        recurrent: str = "default",
        recurrent_gain: float = 1.0,
        gate_bias: float | str | None = None,
        t_max: int | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        """Draw a layer's weights anew.

        Args:
            layer: made by ``layer``.
            recurrent: ``default`` U(-1/√H, 1/√H) as torch has it; ``orthogonal`` (Saxe et al. 2013,
                arXiv:1312.6120) or ``identity`` (Le et al. 2015, arXiv:1504.00941) in each block of weight_hh.
            recurrent_gain: factor on weight_hh.
            gate_bias: forget-gate bias of an LSTM or update-gate bias of a GRU; ``chrono`` draws ln U(1, t_max-1)
                for it, and its negative for an LSTM's input gate (Tallec & Ollivier 2018, arXiv:1804.11188).
                PyTorch has two biases per gate: bias_ih is set, bias_hh is zeroed.
            t_max: longest dependency in steps, for chrono; at least 3.
            generator: source of randomness.

        Raises:
            ConfigError: an unknown name, a gate bias for a cell without gates or a layer without biases, or chrono
                without t_max.
        """
        from rnncore.cells.initialise import initialise

        initialise(
            self,
            layer,
            recurrent=recurrent,
            recurrent_gain=recurrent_gain,
            gate_bias=gate_bias,
            t_max=t_max,
            generator=generator,
        )


class Gates(Mapping[str, Any]):
    """Gate name → (..., T, B, H); the gate's letter works too: ``gates["forget"]`` is ``gates["f"]``."""

    def __init__(self, table: tuple[Gate, ...], values: Tensor):
        self._table, self._values = table, values

    def __getitem__(self, name: str) -> Tensor:
        for index, gate in enumerate(self._table):
            if name in (gate.name, gate.symbol):
                return self._values.select(-2, index)
        raise KeyError(f"no gate {name!r}; there are {', '.join(gate.name for gate in self._table) or 'none'}")

    def __iter__(self) -> Iterator[str]:
        return (gate.name for gate in self._table)

    def __len__(self) -> int:
        return len(self._table)


def in_rows(grad_output: Tensor) -> Tensor:
    """(K, T, B, H) → (T, K·B, H), a copy: what reaches each step from outside, where its total will stand."""
    losses, steps, batch, size = grad_output.shape
    rows = grad_output.new_empty(steps, losses, batch, size)
    return rows.copy_(grad_output.transpose(0, 1)).view(steps, losses * batch, size)


def for_each(losses: int, factor: Tensor) -> Tensor:
    """(T, B, ...) → (T, K·B, ...), the local derivatives once for each of K losses.

    A recurrence multiplies them in place with the gradients: for one loss that touches no fresh memory, which
    would cost more than the multiplication itself.
    """
    if losses == 1:
        return factor
    repeated = factor.unsqueeze(1).expand(-1, losses, *[-1] * (factor.ndim - 1))
    return repeated.flatten(1, 2).contiguous()  # of one sequence, flatten alone gives a view of the same numbers


def by_loss(rows: Tensor, losses: int) -> Tensor:
    """(T, K·B, ...) → (K, T, B, ...), a view."""
    return rows.unflatten(1, (losses, -1)).transpose(0, 1)


def with_initial(y: Tensor, first: Tensor) -> Tensor:
    """``first``, y_0, ..., y_{T-1}: (T + 1, B, H). Without its end, the value before each step.

    A copy, so that a trace stays what it was when the layer's own output is changed in place later.
    """
    joined = y.new_empty(len(y) + 1, *y.shape[1:])
    joined[0] = first
    joined[1:] = y
    return joined


def joint(x: Tensor, before: Tensor, weights: Weights) -> Tensor:
    """W_ih x + W_hh h_{t-1} + both biases, all steps in ONE product: (T, B, D), (T, B, H) → (T, B, G·H)."""
    import torch

    together = torch.cat([x, before], -1)
    return linear(together, torch.cat([weights.ih, weights.hh], 1), weights.bias)


def through_gates(factor: Tensor, weight_hh: Tensor) -> Tensor:
    """Σ_g diag(factor_g) W_hg: (T, B, G, H) and (G·H, H) → (T, B, H, H), the part of a Jacobian that gates carry."""
    first, *others = zip(factor.unbind(-2), weight_hh.split(factor.shape[-1]), strict=True)
    found = first[0].unsqueeze(-1) * first[1]
    for slope, weight in others:
        found.addcmul_(slope.unsqueeze(-1), weight)
    return found


class Ends:
    """Where one step of a ``Carry`` ends: gradients before the non-linearities into h_{t-1} and into x_t."""

    def __init__(self, weights: Weights, rows: int, with_input: bool):
        self._hidden = adder(weights.hh, rows)
        self._input: Callable[[Tensor, Tensor], None] | None = adder(weights.ih, rows) if with_input else None
        self._input_size = weights.ih.shape[1]

    def hidden(self, into: Tensor, pre: Tensor) -> None:
        """into (K, B, H) += pre (K, B, G, H) · W_hh."""
        self._hidden(into.flatten(0, 1), pre.flatten(2).flatten(0, 1))

    def input(self, pre: Tensor) -> Tensor | None:
        """pre (K, B, G, H) · W_ih, (K, B, D); None where it was not asked for."""
        if self._input is None:
            return None
        found = pre.new_zeros(*pre.shape[:2], self._input_size)
        self._input(found.flatten(0, 1), pre.flatten(2).flatten(0, 1))
        return found


def to_input(grad_preactivations: Tensor, weight_ih: Tensor) -> Tensor:
    """dL/dx from the gradients at the input-side pre-activations: (..., G, H) → (..., D)."""
    return linear(grad_preactivations.flatten(-2), weight_ih.T.contiguous())
