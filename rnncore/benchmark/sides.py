"""What all benchmarks share: two sides that take turns, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread inside, as a worker has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def turn(step: Callable[[], object], seconds: float) -> tuple[int, float]:
    """Take steps for so long: how many, and in how many seconds."""
    start, steps = time.perf_counter(), 0
    while (now := time.perf_counter()) < start + seconds:
        step()
        steps += 1
    return steps, now - start


def rate(turns: Sequence[tuple[int, float]]) -> float:
    """Steps a second over several turns."""
    return sum(steps for steps, _ in turns) / sum(seconds for _, seconds in turns)
