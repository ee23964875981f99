"""How exactly two computations agree, as it is told."""

from __future__ import annotations

import math


def within(error: float) -> float:
    """The next power of ten above an error, 0 for none: its digits go with where the memory lies, this does not."""
    return 10.0 ** math.ceil(math.log10(error)) if 0 < error < math.inf else error
