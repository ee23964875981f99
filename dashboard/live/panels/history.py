"""Small records of all training, for pictures over the training step: read once, and few of them."""

from __future__ import annotations

import threading
from collections import OrderedDict

from dashboard.live.panels.scene import Scene
from dashboard.live.source import WatchedRun
from rnncore.records import Record

MOST_POINTS = 64
"""Moments of one picture: what a line of 600 pixels can show, and 20 ms of reading when a page is opened."""
MOST_KEPT = 512
_kept: OrderedDict[tuple[str, int, str, int], Record] = OrderedDict()
_lock = threading.Lock()


def history(scene: Scene, kind: str, run: WatchedRun) -> list[Record]:
    """Records of a kind over all of a run, oldest first.

    Kept apart from what the source remembers: a history would push out what other panels read at each update.
    """
    found = [_read(scene, kind, run, step) for step in thinned(run.record_steps.get(kind, []))]
    return [scene.of_layer(record) for record in found if record is not None]


def thinned(steps: list[int]) -> list[int]:
    """Every n-th of the steps and the last one, n a power of two: as a run grows, the same steps stay for long."""
    stride = 1
    while len(steps) > stride * MOST_POINTS:
        stride *= 2
    chosen = steps[::stride]
    return chosen + [step for step in steps[-1:] if step != chosen[-1]]


def _read(scene: Scene, kind: str, run: WatchedRun, step: int) -> Record | None:
    key = (run.info.id, run.info.attempt, kind, step)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    record = scene.source.record(run, kind, step)
    if record is not None:
        with _lock:
            _kept[key] = record
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
    return record
