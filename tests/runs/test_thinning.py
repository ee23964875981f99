"""Hours of training stay small, and what stays is the newest and log-spaced ones before it."""

from __future__ import annotations

import math
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rnncore.config import RunConfig
from rnncore.records import Sample, Saturation
from rnncore.runs import snapshots
from rnncore.runs.packing import pack
from rnncore.runs.store import RunStore
from rnncore.runs.thinning import surplus
from tests.runs.test_store import rows, started


def simulate(puts: int, size: int, *, recent: int, spaced: int, limit: float, stride: int = 20) -> list[int]:
    """The steps that remain after so many snapshots, thinned in passing."""
    kept: list[int] = []
    for step in range(1, puts * stride, stride):
        kept.append(step)
        if len(kept) > recent + spaced + 16 or len(kept) * size > limit:
            gone = set(surplus(kept, [size] * len(kept), recent=recent, spaced=spaced, limit=0.97 * limit))
            kept = [step for step in kept if step not in gone]
    return kept


def test_ten_hours_of_snapshots_stay_within_their_bounds_and_log_spaced() -> None:
    kept = simulate(60_000, 100_000, recent=24, spaced=200, limit=120e6)
    assert len(kept) <= 24 + 200 + 16
    assert kept[0] == 1
    assert kept[-24:] == list(range(kept[-1] - 23 * 20, kept[-1] + 1, 20))
    older = [step for step in kept[:-24] if step > 2000]  # before, the snapshots themselves are further apart
    ratios = [b / a for a, b in pairwise(older)]
    assert max(ratios) < 1.2
    assert sum(step < 2000 for step in kept) > 30  # the beginning is still there to go back to


def test_large_snapshots_are_fewer_but_reach_as_far_back() -> None:
    kept = simulate(20_000, 2_000_000, recent=24, spaced=200, limit=120e6)
    assert len(kept) * 2_000_000 <= 120e6
    assert kept[0] == 1
    older = [step for step in kept if step > 100]
    assert max(math.log(b / a) for a, b in pairwise(older)) < 0.8


def test_snapshots_too_large_for_the_limit_leave_the_newest() -> None:
    assert surplus([1, 2, 3, 4], [9, 9, 9, 9], recent=2, spaced=5, limit=8) == [2, 1, 3]
    assert surplus([7], [9], recent=2, spaced=5, limit=8) == []
    assert surplus([], [], recent=2, spaced=5) == []
    assert surplus([1, 2, 3], [9, 9, 9], recent=1, spaced=5) == []


def test_a_runs_records_stay_under_their_bytes_whatever_their_kinds(
    sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = 400_000
    monkeypatch.setattr(snapshots, "RECORD_BYTES", budget)
    run = started(sqlite_store)
    for step in range(1, 1201):
        with sqlite_store.transaction():
            shut = np.zeros((1, 1, 800), np.float32)
            sqlite_store.put(run.id, Saturation(step=step, cell="gru", gates=("r",), left=shut, right=shut))
            sqlite_store.put(run.id, Sample(step=step, primer="", text="t", temperature=1.0, seed=1))
    sizes = {kind: len(sqlite_store.record_steps(run.id, kind)) for kind in ("saturation", "sample")}
    assert sizes["saturation"] * 6400 < budget
    assert sizes["saturation"] > 30
    assert 24 + 200 < sizes["sample"] <= 24 + 400 + 16  # the large kind gave way, not the small one
    steps = sqlite_store.record_steps(run.id, "saturation")
    assert steps[0] == 1
    assert steps[-24:] == list(range(1177, 1201))


def test_checkpoints_keep_the_newest_two_and_log_spaced_ones(sqlite_store: RunStore) -> None:
    run = started(sqlite_store)
    for step in range(0, 5001, 25):
        sqlite_store.save_checkpoint(run.id, step, b"x" * 1000)
    steps = sqlite_store.checkpoint_steps(run.id)
    assert steps[-2:] == [4975, 5000]
    assert steps[0] == 0
    assert len(steps) == snapshots.CHECKPOINTS + 2


def test_checkpoints_that_weigh_too_much_leave_the_newest_two(
    sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "CHECKPOINT_BYTES", 1500)
    run = sqlite_store.create(RunConfig())
    for step in (0, 10, 20, 30):
        sqlite_store.save_checkpoint(run.id, step, os.urandom(1000))
    assert sqlite_store.checkpoint_steps(run.id) == [20, 30]


def test_ten_hours_of_training_fit_into_two_hundred_megabytes() -> None:
    hours, steps_per_second = 10, 60
    per_step = len(pack(rows(1_000_000, 1_030_000))) / 30_001
    series = per_step * hours * 3600 * steps_per_second
    assert series + snapshots.RECORD_BYTES + snapshots.CHECKPOINT_BYTES < 200e6


def test_a_stores_file_is_hardly_larger_than_what_is_in_it(sqlite_store: RunStore, tmp_path: Path) -> None:
    run = started(sqlite_store)
    for first in range(1, 12 * 1500, 12):
        sqlite_store.append(run.id, "train", rows(first, first + 11))
    with sqlite_store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
    assert (tmp_path / "runs.sqlite").stat().st_size < 40 * 12 * 1500
