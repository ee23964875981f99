"""The real trainer in a real worker: a killed and resumed run is the run that was never killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from rnncore.config import RunConfig
from rnncore.runs.launcher import Launcher
from rnncore.runs.store import RunStore
from tests.runs.fakes import until

TEXT = "the quick brown fox jumps over the lazy dog; " * 60


def test_a_killed_and_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path / "cache"))
    store = sqlite_store
    config = RunConfig.of(
        corpus=store.put_corpus("fox", TEXT), hidden_size=8, embedding_size=4, batch_size=4,
        sequence_length=16, sample_length=5, steps=500,
    )  # fmt: skip
    with Launcher(store, slots=2, warm=2) as launcher:
        whole, broken = launcher.submit(config), launcher.submit(config)
        until(lambda: store.get(broken.id).step >= 20, 60)
        store.send(broken.id, "pause")
        until(lambda: store.get(broken.id).state == "paused")
        store.send(broken.id, "resume")
        until(lambda: store.get(broken.id).state == "running")
        os.kill(int(store.get(broken.id).worker.partition(":")[0]), signal.SIGKILL)
        until(lambda: store.get(broken.id).state == "interrupted")
        launcher.resume(broken.id)
        until(lambda: store.get(whole.id).state == store.get(broken.id).state == "finished", 90)
    one, two = (store.series(run.id, "train") for run in (whole, broken))
    assert two["step"].tolist() == list(range(1, 501))
    for column in ("loss", "grad_norm", "lr"):
        np.testing.assert_array_equal(one[column], two[column])
    assert {"gradient_flow", "gate_activity", "saturation", "sample"} <= set(store.record_kinds(broken.id))
