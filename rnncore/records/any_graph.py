"""Reverse mode on a small graph: what goes along each edge, and what it adds up to at each node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

SAME = 1e-9
"""Relative difference below which two numbers count as the same."""


@dataclass(frozen=True, kw_only=True)
class AnyGraph(Measured):
    """A graph of N nodes and E edges, nodes in an order in which each comes after all that it uses.

    Attributes:
        names, formulas: N of each, as the reader wrote them.
        losses: whether each node is one of the losses that are added up, N.
        values, delta: of each node, and the loss's gradient there, by hand, (N,).
        descendants, nodes: of each edge, the node that uses, and the node that is used, (E,).
        slopes, sent: ∂descendant/∂node, and δ of the descendant times that, (E,).
        autograd, central: the gradient as autograd and central differences have it, (N,).
    """

    kind: ClassVar[str] = "any_graph"

    names: tuple[str, ...]
    formulas: tuple[str, ...]
    losses: tuple[bool, ...]
    values: Array
    delta: Array
    descendants: Array
    nodes: Array
    slopes: Array
    sent: Array
    autograd: Array
    central: Array

    def arriving(self, node: int) -> list[int]:
        """Edges along which something comes to a node, in the order in which it comes."""
        return [int(edge) for edge in np.flatnonzero(self.nodes == node)[::-1]]

    @property
    def meeting(self) -> list[int]:
        """Nodes at which more than one δ arrives."""
        return [node for node in range(len(self.names)) if len(self.arriving(node)) > 1]

    @property
    def overflowed(self) -> list[str]:
        """Names of the nodes whose value or gradient is no finite number."""
        there = np.isfinite(self.values) & np.isfinite(self.delta)
        return [name for name, finite in zip(self.names, there, strict=True) if not finite]

    @property
    def error(self) -> float:
        """The largest difference from autograd, relative to 1 or the gradient there; nan where nothing is finite."""
        return self._off(self.autograd)

    @property
    def central_error(self) -> float:
        """The same from central differences."""
        return self._off(self.central)

    def _off(self, other: Array) -> float:
        there = np.isfinite(self.delta) & np.isfinite(other)
        mine, theirs = self.delta[there], other[there]
        return float((np.abs(mine - theirs) / np.maximum(1.0, np.abs(theirs))).max()) if there.any() else np.nan

    @property
    def answer(self) -> str:
        """The only way of putting together what arrives that gives autograd's gradient wherever several meet."""
        ways: dict[str, Callable[[Array], float]] = {
            "sum": lambda parts: float(parts.sum()),
            "mean": lambda parts: float(parts.mean()),
            "product": lambda parts: float(parts.prod()),
            "last": lambda parts: float(parts[-1]),
        }
        fits = dict.fromkeys(ways, True)
        seen = False
        for node in self.meeting:
            edges = self.arriving(node)
            with np.errstate(all="ignore"):
                parts = self.autograd[self.descendants[edges]] * self.slopes[edges]
            if not np.isfinite(parts).all():
                continue
            seen = True
            for name, way in ways.items():
                scale = max(1.0, float(np.abs(parts).max()))
                fits[name] &= abs(way(parts) - float(self.autograd[node])) <= SAME * scale
        possible = [name for name, fit in fits.items() if fit]
        return possible[0] if seen and len(possible) == 1 else ""

    @property
    def numbers(self) -> dict[str, str]:
        """Where several δ meet, and how the three gradients agree."""
        return {
            "nodes": f"{len(self.names)}",
            "edges": f"{len(self.nodes)}",
            "meeting": self._told_meeting(),
            "agreement": self._told_agreement(),
        }

    def _told_meeting(self) -> str:
        if not self.meeting:
            return "No node of this graph has several descendants, so nothing meets: each δ is what its only one sends."
        # a state is more telling than a weight; then the first
        node = max(self.meeting, key=lambda one: (bool((self.descendants == one).any()), -one))
        edges = self.arriving(node)
        parts = ", ".join(f"{_number(self.sent[edge])} from {self.names[self.descendants[edge]]}" for edge in edges)
        others = [self.names[other] for other in self.meeting if other != node]
        also = f" The same holds at {', '.join(others)}." if others and self.answer == "sum" else ""
        together = "Added up" if self.answer in ("sum", "") else "Together"
        mine, theirs = _number(self.delta[node]), _number(self.autograd[node])
        return (
            f"At {self.names[node]}, {len(edges)} δ arrived: {parts}. {together} they are {mine}, "
            f"and autograd's gradient there is {theirs}.{also}"
        )

    def _told_agreement(self) -> str:
        if self.overflowed:
            names = ", ".join(self.overflowed)
            alike = np.array_equal(np.isfinite(self.delta), np.isfinite(self.autograd))
            theirs = "Autograd's overflow at the same nodes." if alike else "Autograd's overflow at other nodes."
            return f"Not all of it is a finite number: values or gradients overflowed at {names}. {theirs}"
        return (
            f"At all nodes the δ of this walk equal autograd's to within {_power(self.error)}, and central differences "
            f"to within {_power(self.central_error)}."
        )

    @property
    def proof(self) -> str:
        """How exactly it agrees with autograd."""
        if self.overflowed:
            return f"overflowed at {len(self.overflowed)} of {len(self.names)} nodes"
        return f"{len(self.names)} gradients equal autograd's to within {_power(self.error)}"

    def frame(self) -> pd.DataFrame:
        """One row per node."""
        import pandas as pd

        return pd.DataFrame(
            {"node": self.names, "formula": self.formulas, "value": self.values, "delta": self.delta,
             "autograd": self.autograd, "central": self.central}
        )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−") if np.isfinite(value) else "an overflow"


def _power(error: float) -> str:
    """The next power of ten."""
    return f"{10.0 ** np.ceil(np.log10(error)):.0e}" if error > 0 else "0"
