"""Hidden sizes at which networks have equally many parameters."""

from __future__ import annotations

from collections.abc import Sequence

from rnncore.config import RunConfig, bounds
from rnncore.cost import TYPICAL_VOCABULARY, estimate
from rnncore.errors import ConfigError

TOLERANCE = 0.02
"""Parameter counts within this share of each other count as equal."""
MOST_SHIFT = 0.5
"""The first network's size may move by so much, where no sizes of the others fit as it stands."""


def match_parameters(
    configs: Sequence[RunConfig], vocab_size: int = TYPICAL_VOCABULARY, tolerance: float = TOLERANCE
) -> tuple[RunConfig, ...]:
    """The same configurations with hidden sizes at which all have the first one's number of parameters.

    Sizes are whole numbers, so that small networks may not fit: then the nearest size of the first one is taken
    at which all do.

    Args:
        configs: what to change; the first one sets the size.
        vocab_size: characters, where the task is a text.
        tolerance: counts within this share of the first one's are equal.

    Raises:
        ConfigError: near the first one's size there are none within ``tolerance``.
    """
    first = configs[0].model.hidden_size
    most = max(4, int(MOST_SHIFT * first))
    for shift in sorted(range(-most, most + 1), key=lambda one: (abs(one), -one)):
        if first + shift >= 1:
            lead = configs[0].changed(hidden_size=first + shift)
            wanted = _count(lead, vocab_size)
            found = (lead, *(_nearest(config, wanted, vocab_size) for config in configs[1:]))
            if all(abs(_count(one, vocab_size) - wanted) <= tolerance * wanted for one in found):
                return found
    wanted = _count(configs[0], vocab_size)
    tried = ", ".join(
        f"{one.label} {_count(one, vocab_size):,} with hidden_size {one.model.hidden_size}"
        for one in (_nearest(config, wanted, vocab_size) for config in configs[1:])
    )
    raise ConfigError(
        f"parameter counts must be within {tolerance:.0%} of the first contender's {wanted:,}, got at best {tried}; "
        "choose a larger hidden_size for the first contender, or match by hidden size"
    )


def _count(config: RunConfig, vocab_size: int) -> int:
    return estimate(config, vocab_size).parameters


def _nearest(config: RunConfig, wanted: int, vocab_size: int) -> RunConfig:
    """The count grows with the size: halve until two neighbours are left."""
    low, high = (int(bound or 1) for bound in bounds("hidden_size"))
    while high - low > 1:
        middle = (low + high) // 2
        fits = _count(config.changed(hidden_size=middle), vocab_size) <= wanted
        low, high = (middle, high) if fits else (low, middle)
    both = [config.changed(hidden_size=size) for size in (low, high)]
    return min(both, key=lambda one: abs(_count(one, vocab_size) - wanted))
