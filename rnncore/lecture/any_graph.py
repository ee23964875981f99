"""Reverse mode on a graph that the reader writes, a line per node.

Nodes stand in the order of their lines, and a line uses those above it, so the reverse of this order is one in which
each node comes after all that use it. δ_v = [v is a loss] + Σ_c δ_c ∂c/∂v over its descendants c (Linnainmaa 1976;
Griewank and Walther, Evaluating Derivatives, 2008, chapter 3). The loss is the sum of all losses: lines whose names
begin with a capital L and that no other line uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from pydantic import model_validator

from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.lecture.formulas import Node, local, parse
from rnncore.records.any_graph import AnyGraph
from rnncore.records.base import Array

EXAMPLES = {
    "RNN, three steps": """w = 0.9
u = 0.7
x1 = 1
x2 = -0.5
x3 = 0.8
h1 = tanh(u*x1)
L1 = (h1 - 0.2)**2
h2 = tanh(w*h1 + u*x2)
L2 = (h2 - 0.6)**2
h3 = tanh(w*h2 + u*x3)
L3 = (h3 + 0.4)**2""",
    "f(x) = g(x, h(x))": """x = 1.2
h = sin(x)
L = x*h""",
    "Diamond": """x = 0.5
a = tanh(2*x)
b = x**2
L = a*b""",
}
"""Name → lines."""


class AnyGraphSettings(Settings):
    """The graph."""

    lines: str = setting(
        EXAMPLES["RNN, three steps"],
        "A line per node, name = formula of the lines above it. Lines whose names begin with L and that no other uses "
        "are the losses",
        max_length=2000,
    )

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The lines, parsed."""
        return parse(self.lines)

    @model_validator(mode="after")
    def _is_a_graph_with_a_loss(self) -> Self:
        if not any(is_loss(self.nodes)):
            raise ValueError("the graph must have a loss, a line that no other uses; write e.g. L = h1**2")
        return self


def is_loss(nodes: Sequence[Node]) -> list[bool]:
    """Whether each node is one of the losses that are added up."""
    used = {name for node in nodes for name in node.inputs}
    return [node.name.startswith("L") and node.name not in used for node in nodes]


class Edges(NamedTuple):
    """From a descendant to what it uses: numbers of both nodes, and the derivative of one by the other; each (E,)."""

    descendants: Array
    nodes: Array
    slopes: Array


def forward(nodes: Sequence[Node], nudge: Mapping[str, float] | None = None) -> tuple[Array, Edges]:
    """The values of all nodes, and the derivatives along all edges.

    Args:
        nodes: in order.
        nudge: what is added to the value of a node, whatever it is computed from.
    """
    values: dict[str, Any] = {}
    at = {node.name: number for number, node in enumerate(nodes)}
    edges: list[tuple[int, int, float]] = []
    with np.errstate(all="ignore"):
        for node in nodes:
            value, slopes = local(node.term, values)
            values[node.name] = value + (nudge or {}).get(node.name, 0.0)
            edges += [(at[node.name], at[name], slope) for name, slope in slopes.items()]
    columns = np.array(edges, np.float64).reshape(-1, 3).T
    return np.array(list(values.values()), np.float64), Edges(
        columns[0].astype(int), columns[1].astype(int), columns[2]
    )


def backward(losses: Sequence[bool], edges: Edges) -> tuple[Array, Array]:
    """δ of all nodes, (N,), and what goes along each edge, (E,), from the last node to the first."""
    delta = np.array(losses, np.float64)
    sent = np.zeros(len(edges.slopes))
    with np.errstate(all="ignore"):
        for number in reversed(range(len(losses))):
            for edge in np.flatnonzero(edges.descendants == number).tolist():
                sent[edge] = delta[number] * edges.slopes[edge]
                delta[edges.nodes[edge]] += sent[edge]
    return delta, sent


def central(nodes: Sequence[Node], losses: Sequence[bool]) -> Array:
    """The loss's slope by each node as a central difference, (N,): an error of a millionth or so."""
    found, values = [], forward(nodes)[0]
    for node, value in zip(nodes, values.tolist(), strict=True):
        step = 1e-5 * max(1.0, abs(value)) if np.isfinite(value) else np.nan
        up, down = (forward(nodes, {node.name: sign * step})[0][np.array(losses)].sum() for sign in (1, -1))
        with np.errstate(all="ignore"):
            found.append((up - down) / (2 * step))
    return np.array(found)


ANY_GRAPH = Experiment("any-graph", AnyGraphSettings, AnyGraph)
