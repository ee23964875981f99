"""A grid: every combination of lists of values of any settings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rnncore.comparison.race import MOST_RUNS, Race
from rnncore.config import RunConfig
from rnncore.errors import ConfigError


def sweep(
    name: str,
    base: Mapping[str, Any] | RunConfig,
    axes: Mapping[str, Sequence[Any]],
    seeds: Sequence[int] | int = 3,
    **options: Any,
) -> Race:
    """A race whose contenders are all combinations of the values.

    Args:
        name: what to call it.
        base: what all share.
        axes: leaf name → its values, e.g. ``{"lr": [1e-3, 1e-2], "cell": ["lstm", "gru"]}``.
        seeds: which, or how many.
        options: see ``Race.of``.

    Raises:
        ConfigError: there are too many combinations, or one of them cannot be run.
    """
    lists = {leaf: list(dict.fromkeys(str(value) for value in values)) for leaf, values in axes.items()}
    for leaf, values in lists.items():
        if not values:
            raise ConfigError(f"{leaf} must have at least one value, got none; write values with commas between")
    count = math.prod(len(values) for values in lists.values()) * (seeds if isinstance(seeds, int) else len(seeds))
    if count > MOST_RUNS:
        sizes = " x ".join(f"{len(values):,}" for values in lists.values())
        raise ConfigError(
            f"a sweep must have at most {MOST_RUNS:,} runs, got {count:,} ({sizes} values, times the seeds); "
            "take fewer values or fewer seeds"
        )
    grid = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    return Race.of(name, base, grid, seeds, axes={leaf: tuple(values) for leaf, values in lists.items()}, **options)
