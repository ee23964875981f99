"""Reverse mode by hand on the reader's graph, beside autograd's and central differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from rnncore.lecture.any_graph import AnyGraphSettings, backward, central, forward, is_loss
from rnncore.lecture.formulas import Node, evaluate
from rnncore.records.any_graph import AnyGraph
from rnncore.records.base import Array

OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "+": torch.add, "-": torch.sub, "*": torch.mul, "/": torch.div, "**": torch.pow, "minus": torch.neg,
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu, "exp": torch.exp, "log": torch.log,
    "sqrt": torch.sqrt, "sin": torch.sin, "cos": torch.cos,
}  # fmt: skip


def measure(settings: AnyGraphSettings) -> Iterator[AnyGraph]:
    """One record, in float64."""
    nodes = settings.nodes
    losses = is_loss(nodes)
    values, edges = forward(nodes)
    delta, sent = backward(losses, edges)
    yield AnyGraph(
        names=tuple(node.name for node in nodes), formulas=tuple(node.formula for node in nodes),
        losses=tuple(losses), values=values, delta=delta, descendants=edges.descendants, nodes=edges.nodes,
        slopes=edges.slopes, sent=sent, autograd=autograd(nodes, losses), central=central(nodes, losses),
    )  # fmt: skip


def autograd(nodes: Sequence[Node], losses: Sequence[bool]) -> Array:
    """The loss's gradient at each node as torch has it, (N,)."""
    values: dict[str, Tensor] = {}
    for node in nodes:
        value = evaluate(node.term, values, OPERATIONS, lambda number: torch.tensor(number, dtype=torch.float64))
        value = value.clone() if value.requires_grad else value.clone().requires_grad_()
        value.retain_grad()
        values[node.name] = value
    total = torch.stack([values[node.name] for node, one in zip(nodes, losses, strict=True) if one]).sum()
    found = torch.autograd.grad(total, list(values.values()), allow_unused=True, materialize_grads=True)
    return torch.stack(found).numpy()
