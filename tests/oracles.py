"""Slow and obvious forms of what rnncore computes fast: an unrolled loop in plain tensor operations.

Nothing here is shared with rnncore: equations from the torch.nn documentation, gradients from autograd with
``retain_grad`` on every quantity at every step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

GATES = {"lstm": ("input", "forget", "cell", "output"), "gru": ("reset", "update", "new")}


@dataclass
class Unrolled:
    """One direction of one layer, each list by time step: tensors (B, H) that carry gradients."""

    hidden: list[Tensor]
    cell: list[Tensor]
    gates: dict[str, list[Tensor]]
    preactivations: dict[str, list[Tensor]]
    inputs: list[Tensor]
    extra: dict[str, Any] = field(default_factory=dict)

    def values(self, steps: list[Tensor]) -> Tensor:
        """(T, B, H)."""
        return torch.stack([step.detach() for step in steps])

    def grads(self, steps: list[Tensor]) -> Tensor:
        """dL/d(each step), (T, B, H); zero where the loss does not depend on it."""
        return torch.stack([torch.zeros_like(step) if step.grad is None else step.grad for step in steps])


@dataclass
class UnrolledStack:
    """All layers: ``layers[l][direction]``, the output (T, B, directions·H), h_n and c_n."""

    layers: list[list[Unrolled]]
    output: Tensor
    h_n: Tensor
    c_n: Tensor | None


def kind_of(module: Any) -> str:
    """rnn_tanh, rnn_relu, lstm or gru."""
    name = type(module).__name__.lower()
    return f"rnn_{module.nonlinearity}" if name == "rnn" else name


def unroll(module: Any, x: Tensor, h0: Tensor | None, c0: Tensor | None, lengths: list[int] | None = None) -> Any:
    """Run a torch.nn layer step by step; x (T, B, D), h0 and c0 (L·directions, B, H) or None."""
    kind, directions = kind_of(module), 2 if module.bidirectional else 1
    steps, batch = x.shape[:2]
    zeros = x.new_zeros(module.num_layers * directions, batch, module.hidden_size)
    h0, c0 = zeros if h0 is None else h0, zeros if c0 is None else c0
    lengths = [steps] * batch if lengths is None else lengths
    inputs, layers, h_n, c_n = list(x.unbind(0)), [], [], []
    for layer in range(module.num_layers):
        found = []
        for d in range(directions):
            suffix = f"_l{layer}" + ("_reverse" if d else "")
            row = layer * directions + d
            found.append(one_direction(kind, module, suffix, inputs, h0[row], c0[row], lengths, bool(d)))
            ends = [0 if d else length - 1 for length in lengths]
            h_n.append(torch.stack([found[-1].hidden[t][b] for b, t in enumerate(ends)]))
            if kind == "lstm":
                c_n.append(torch.stack([found[-1].cell[t][b] for b, t in enumerate(ends)]))
        layers.append(found)
        inputs = [torch.cat([one.hidden[t] for one in found], -1) for t in range(steps)]
    return UnrolledStack(layers, torch.stack(inputs), torch.stack(h_n), torch.stack(c_n) if c_n else None)


def one_direction(
    kind: str, module: Any, suffix: str, inputs: list[Tensor], h: Tensor, c: Tensor, lengths: list[int], reverse: bool
) -> Unrolled:
    """The loop itself. Steps beyond a sequence's length keep the state and show zeros."""
    w_ih, w_hh = getattr(module, "weight_ih" + suffix), getattr(module, "weight_hh" + suffix)
    none = w_ih.new_zeros(len(w_ih))
    b_ih, b_hh = getattr(module, "bias_ih" + suffix, none), getattr(module, "bias_hh" + suffix, none)
    steps, names = len(inputs), GATES.get(kind, ())
    found = Unrolled([None] * steps, [None] * steps, {n: [None] * steps for n in names}, {}, [None] * steps)
    found.preactivations = {n: [None] * steps for n in (names or ("hidden",))}
    for t in reversed(range(steps)) if reverse else range(steps):
        alive = torch.tensor([[float(t < length)] for length in lengths], dtype=h.dtype)
        x = kept(inputs[t] * 1.0)
        into, back = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
        new_c = None
        if kind.startswith("rnn"):
            a = found.preactivations["hidden"][t] = kept(into + back)
            new_h = torch.tanh(a) if kind == "rnn_tanh" else torch.relu(a)
        elif kind == "lstm":
            for name, block in zip(names, (into + back).chunk(4, -1), strict=True):
                a = found.preactivations[name][t] = kept(block * 1.0)
                found.gates[name][t] = kept(torch.tanh(a) if name == "cell" else torch.sigmoid(a))
            i, f, g, o = (found.gates[name][t] for name in names)
            new_c = f * c + i * g
            new_c = kept(new_c * alive)
            new_h = o * torch.tanh(new_c)
        else:
            (x_r, x_z, x_n), (h_r, h_z, h_n) = into.chunk(3, -1), back.chunk(3, -1)
            for name, block in (("reset", x_r + h_r), ("update", x_z + h_z)):
                a = found.preactivations[name][t] = kept(block)
                found.gates[name][t] = kept(torch.sigmoid(a))
            r, z = found.gates["reset"][t], found.gates["update"][t]
            a = found.preactivations["new"][t] = kept(x_n + r * h_n)
            n = found.gates["new"][t] = kept(torch.tanh(a))
            new_h = (1 - z) * n + z * h
        shown = kept(new_h * alive)
        found.hidden[t], found.inputs[t] = shown, x
        h = shown + h * (1 - alive)
        if new_c is not None:
            found.cell[t] = new_c
            c = new_c + c * (1 - alive)
    return found


def kept(tensor: Tensor) -> Tensor:
    """Ask autograd to keep this tensor's gradient, whether or not a weight needs one."""
    if not tensor.requires_grad:
        tensor = tensor.detach().requires_grad_()
    tensor.retain_grad()
    return tensor


def relative(found: Tensor, wanted: Tensor) -> float:
    """Largest difference, relative to the largest wanted value."""
    return float((found - wanted).abs().max() / wanted.abs().max().clamp_min(1e-300))
