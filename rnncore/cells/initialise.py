"""Initial weights that matter: the recurrent matrix, its gain, and the bias of the gate that remembers.

``Cell.initialise`` says what each setting means. Numbers are drawn where the generator lives, so that a seed
means the same weights on every device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from rnncore.errors import ConfigError

if TYPE_CHECKING:
    from rnncore.cells.base import Cell

RECURRENT = ("default", "orthogonal", "identity")


@torch.no_grad()
def initialise(
    cell: Cell,
    layer: nn.Module,
    *,
    recurrent: str,
    recurrent_gain: float,
    gate_bias: float | str | None,
    t_max: int | None,
    generator: torch.Generator | None,
) -> None:
    """Draw a layer's weights anew; see ``Cell.initialise``."""
    _check(cell, layer, recurrent, gate_bias, t_max)
    size = int(layer.hidden_size)  # type: ignore[arg-type]
    bound = size**-0.5
    for name, parameter in layer.named_parameters():
        parameter.copy_(_empty(parameter, generator).uniform_(-bound, bound, generator=generator))
        if name.startswith("weight_hh"):
            for block in parameter.split(size):
                if recurrent == "orthogonal":
                    block.copy_(nn.init.orthogonal_(_empty(block, generator), generator=generator))
                elif recurrent == "identity":
                    nn.init.eye_(block)
            parameter.mul_(recurrent_gain)
    if gate_bias is None:
        return
    for name, bias_ih in layer.named_parameters():
        if name.startswith("bias_ih"):
            bias_hh = getattr(layer, name.replace("bias_ih", "bias_hh"), None)
            _set_gate_bias(cell, bias_ih, bias_hh, gate_bias, t_max, generator)


def _check(cell: Cell, layer: Any, recurrent: str, gate_bias: float | str | None, t_max: int | None) -> None:
    if recurrent not in RECURRENT:
        raise ConfigError(f"recurrent must be one of {', '.join(RECURRENT)}, got {recurrent!r}; choose one")
    if gate_bias is None:
        return
    if not cell.bias_gates:
        raise ConfigError(
            f"gate_bias needs a cell with a gate that keeps its state, got cell {cell.name!r}; use lstm or gru, or None"
        )
    if not layer.bias:
        raise ConfigError(f"gate_bias needs a layer with biases, got {gate_bias!r} with bias=False; use None")
    if isinstance(gate_bias, str) and gate_bias != "chrono":
        raise ConfigError(f"gate_bias must be a number, 'chrono' or None, got {gate_bias!r}; choose one")
    if gate_bias == "chrono" and (t_max is None or t_max < 3):
        raise ConfigError(f"t_max must be >= 3 for gate_bias 'chrono', got {t_max}; use the task's longest lag")


def _set_gate_bias(
    cell: Cell, bias_ih: Tensor, bias_hh: Tensor | None, gate_bias: float | str, t_max: int | None, generator: Any
) -> None:
    symbols = list(cell.block_symbols)
    into, other = (None if one is None else one.view(len(symbols), -1) for one in (bias_ih, bias_hh))
    assert into is not None
    value: Any = gate_bias
    if gate_bias == "chrono":
        assert t_max is not None
        value = _empty(into[0], generator).uniform_(1, t_max - 1, generator=generator).log_().to(into.device)
    only = len(cell.bias_gates) == 1  # a gate that keeps the state when it is shut has no other beside it
    for symbol, sign in cell.bias_gates:
        if sign > 0 or gate_bias == "chrono" or only:
            into[symbols.index(symbol)] = sign * value
            if other is not None:
                other[symbols.index(symbol)] = 0.0


def _empty(like: Tensor, generator: torch.Generator | None) -> Tensor:
    device = like.device if generator is None else generator.device
    return torch.empty(like.shape, dtype=like.dtype, device=device)
