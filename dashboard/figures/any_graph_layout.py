"""Where the nodes of a small graph stand, so that its edges cross little: layers, an order in each, then heights.

After Sugiyama, Tagawa and Toda 1981: a node's layer is the longest way to it, edges over several layers get a
stand-in in each that they pass, and sweeps move every node towards the mean of its neighbours.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

SWEEPS = 12
Edge = tuple[int, int]
Place = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Places of nodes, and the way of each edge from the node that is used to the one that uses it."""

    nodes: list[Place]
    ways: list[list[Place]]

    @property
    def size(self) -> Place:
        """The largest x and y; the smallest are 0."""
        places = [place for way in self.ways for place in way] + self.nodes
        return max(x for x, _ in places), max(y for _, y in places)


def layout(count: int, edges: Sequence[Edge]) -> Layout:
    """Lay a graph out from left to right.

    Args:
        count: of nodes, in an order in which each comes after all that it uses.
        edges: (used, user), numbers of nodes.
    """
    layers = _layers(count, edges)
    chains, at = [], list(layers)
    for used, user in edges:
        between = range(layers[used] + 1, layers[user])
        chain = [used, *range(len(at), len(at) + len(between)), user]
        at += between
        chains.append(chain)
    near: dict[int, list[int]] = defaultdict(list)
    for chain in chains:
        for one, other in itertools.pairwise(chain):
            near[one].append(other)
            near[other].append(one)
    heights = _heights(at, near, count)
    places = [(float(layer), height) for layer, height in zip(at, heights, strict=True)]
    return Layout(places[:count], [[places[one] for one in chain] for chain in chains])


def curve(way: Sequence[Place], points: int = 10) -> list[Place]:
    """A smooth line through all places of a way (Catmull and Rom 1974), so many points for each stretch."""
    if len(way) == 2:
        return list(way)
    slopes = [(way[1][1] - way[0][1])]
    slopes += [(after[1] - before[1]) / 2 for before, after in zip(way, way[2:], strict=False)]
    slopes.append(way[-1][1] - way[-2][1])
    found = [way[0]]
    for (start, end), (rise, fall) in zip(itertools.pairwise(way), itertools.pairwise(slopes), strict=True):
        for point in range(1, points + 1):
            u = point / points
            y = (
                (2 * u**3 - 3 * u**2 + 1) * start[1] + (u**3 - 2 * u**2 + u) * rise
                + (3 * u**2 - 2 * u**3) * end[1] + (u**3 - u**2) * fall
            )  # fmt: skip
            found.append((start[0] + u * (end[0] - start[0]), y))
    return found


def _layers(count: int, edges: Sequence[Edge]) -> list[int]:
    """The longest way to each node; one that uses nothing stands just before the first that uses it."""
    layers, inner = [0] * count, {user for _, user in edges}
    for used, user in sorted(edges, key=lambda edge: edge[1]):
        layers[user] = max(layers[user], layers[used] + 1)
    for node in range(count):
        users = [layers[user] for used, user in edges if used == node]
        if node not in inner and users:
            layers[node] = min(users) - 1
    return layers


def _heights(at: Sequence[int], near: dict[int, list[int]], count: int) -> list[float]:
    """A height for each node and stand-in; within a layer, nodes at least 1 apart, and stand-ins half of that."""
    rows: dict[int, list[int]] = defaultdict(list)
    for one, layer in enumerate(at):
        rows[layer].append(one)
    heights = [0.0] * len(at)
    for row in rows.values():
        for place, one in enumerate(row):
            heights[one] = place - (len(row) - 1) / 2
    order = sorted(rows)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for layer in order if forward else reversed(order):
            row = rows[layer]
            wanted = {}
            for one in row:
                mates = [heights[other] for other in near[one] if (at[other] < layer) == forward] or [heights[one]]
                wanted[one] = sum(mates) / len(mates)
            _apart(sorted(row, key=lambda one: (wanted[one], heights[one], one)), wanted, heights, count)
    low = min(heights)
    return [height - low for height in heights]


def _apart(row: Sequence[int], wanted: dict[int, float], heights: list[float], count: int) -> None:
    """As near to where each wants to be as the distances allow, in this order."""
    for place, one in enumerate(row):
        heights[one] = wanted[one]
        if place:
            before = row[place - 1]
            gap = ((before < count) + (one < count)) / 4 + 0.5  # 1 between nodes, 0.5 between stand-ins
            heights[one] = max(wanted[one], heights[before] + gap)
    shift = sum(wanted[one] - heights[one] for one in row) / len(row)
    for one in row:
        heights[one] += shift
