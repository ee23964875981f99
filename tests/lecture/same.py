"""Whether two experiments measured the same, bit for bit."""

from __future__ import annotations

import numpy as np

from rnncore.records.measured import Measured


def same(one: Measured, other: Measured) -> bool:
    """All fields equal. Their bytes may differ: the file format writes its header's keys in any order."""
    mine, theirs = vars(one), vars(other)
    return mine.keys() == theirs.keys() and all(_equal(value, theirs[name]) for name, value in mine.items())


def _equal(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    return one == other or (one != one and other != other)  # nan
