"""What a run takes of a worker's memory: its peak, beyond what the idle worker held."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import math
from collections.abc import Callable
from pathlib import Path

SERIES, COLUMNS = "memory", ("step", "seconds", "bytes")
"""In the run store, a row for each time that a worker came to the run's end: bytes at the peak."""


def unknown() -> float:
    """Nothing is measured."""
    return math.nan


def give_back() -> None:
    """Hand what is free back to the system, where its C library can (``man malloc_trim``): the next run counts anew."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library keeps it
        ctypes.CDLL(None).malloc_trim(0)


def beyond_now(process: Path = Path("/proc/self")) -> Callable[[], float]:
    """Begin to measure this process. The answer is the peak since then in bytes, nan where the system does not tell.

    The peak is forgotten first (``man proc_pid_clear_refs``): the one that ``getrusage`` gives is of the whole
    process, and warming up takes more than a small network does. What is free at the moment, but not handed back to
    the system (see ``give_back``), counts as nothing when it is used again.
    """
    try:
        (process / "clear_refs").write_text("5")
        before = _resident(process, "VmRSS")
    except (OSError, ValueError):  # another system, or a container that forbids it
        return unknown

    def beyond() -> float:
        try:
            return max(_resident(process, "VmHWM") - before, 0.0)
        except (OSError, ValueError):
            return math.nan

    return beyond


def _resident(process: Path, name: str) -> float:
    """Bytes; ``VmRSS`` now, ``VmHWM`` at the peak."""
    for line in (process / "status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return 1024.0 * int(value.split()[0])
    raise ValueError(f"{process / 'status'} has no {name}")
