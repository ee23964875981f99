"""Layers, losses and comparisons that the probe's tests share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import rnncore
from rnncore.cells import CELLS
from tests.oracles import Unrolled, relative, unroll

T, B, D, H = 7, 3, 4, 5
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
PATHS = ("output", "h_n", "c_n", "all", "last step")


def make(cell: str, *, dtype: torch.dtype = torch.float64, seed: int = 0, **options: Any) -> Any:
    """A layer with weights large enough that a wrong factor shows."""
    torch.manual_seed(seed)
    layer = CELLS[cell].layer(D, H, **options).to(dtype)
    for parameter in layer.parameters():
        parameter.data.uniform_(-0.7, 0.7)
    return layer


def states(layer: Any, batch: int = B) -> tuple[Tensor, Tensor]:
    """Random h0 and c0."""
    rows = layer.num_layers * (2 if layer.bidirectional else 1)
    dtype = layer.weight_ih_l0.dtype
    return torch.randn(rows, batch, H, dtype=dtype), torch.randn(rows, batch, H, dtype=dtype)


def loss_of(path: str, output: Tensor, h_n: Tensor, c_n: Tensor | None, seed: int = 1) -> Tensor:
    """A scalar that depends on the layer through one way or all of them; output is time-major."""
    torch.manual_seed(seed)

    def part(tensor: Tensor) -> Tensor:
        return (torch.randn_like(tensor) * tensor).sum() + tensor.pow(2).sum()

    found = {"output": part(output), "h_n": part(h_n), "last step": part(output[-1])}
    found["c_n"] = part(h_n if c_n is None else c_n)
    found["all"] = found["output"] + found["h_n"] + found["c_n"]
    return found[path]


def given(layer: Any, h0: Tensor | None, c0: Tensor | None) -> Any:
    """The state as torch wants it."""
    if h0 is None:
        return None
    return (h0, c0) if type(layer).__name__ == "LSTM" else h0


def parts(last: Any) -> tuple[Tensor, Tensor | None]:
    """h_n and c_n of what a layer returned."""
    return last if isinstance(last, tuple) else (last, None)


def compare(trace: Any, one: Unrolled, tolerance: float) -> None:
    """Every array of a trace against the unrolled loop."""
    pairs = {
        "hidden": (trace.hidden, one.values(one.hidden)),
        "grad_hidden": (trace.grad_hidden, one.grads(one.hidden)),
        "grad_input": (trace.grad_input, one.grads(one.inputs)),
    }
    if one.cell[0] is not None:
        pairs["cell"] = trace.cell, one.values(one.cell)
        pairs["grad_cell"] = trace.grad_cell, one.grads(one.cell)
    else:
        assert trace.cell is None
        assert trace.grad_cell is None
    for name, steps in one.gates.items():
        pairs[f"gates {name}"] = trace.gates[name], one.values(steps)
        pairs[f"grad_gates {name}"] = trace.grad_gates[name], one.grads(steps)
    for index, (name, steps) in enumerate(one.preactivations.items()):
        pairs[f"grad_preactivations {name}"] = trace.grad_preactivations[..., index, :], one.grads(steps)
    for name, (found, wanted) in pairs.items():
        assert found.shape == wanted.shape, name
        assert torch.isfinite(found).all(), name
        assert relative(found, wanted) <= tolerance, f"{name}: {relative(found, wanted):.2e}"


def check(layer: Any, path: str, *, initial: bool = True, batch: int = B, steps: int = T, sequences: Any = None) -> Any:
    """Probe one forward and backward pass of a layer, compare everything, and give the probe back."""
    dtype = layer.weight_ih_l0.dtype
    x = torch.randn(steps, batch, D, dtype=dtype)
    h0, c0 = states(layer, batch) if initial else (None, None)
    with rnncore.probe(layer, sequences) as probe:
        y, last = layer(x.transpose(0, 1) if layer.batch_first else x, given(layer, h0, c0))
        y = y.transpose(0, 1) if layer.batch_first else y
        loss_of(path, y, *parts(last)).backward()
    stack = unroll(layer, x, h0, c0)
    assert relative(stack.output.detach(), y.detach()) <= TOLERANCE[dtype]
    loss_of(path, stack.output, stack.h_n, stack.c_n).backward()
    found = probe[""].layers
    assert len(found) == layer.num_layers
    for trace, unrolled in zip(found, stack.layers, strict=True):
        for direction, one in zip(trace.directions, unrolled, strict=True):
            if sequences is None:
                compare(direction, one, TOLERANCE[dtype])
            else:
                assert relative(direction.grad_hidden, one.grads(one.hidden)[:, sequences]) <= TOLERANCE[dtype]
    return probe
