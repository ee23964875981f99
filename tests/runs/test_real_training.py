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
from rnncore.training import events, train
from tests.runs.fakes import until

TEXT = "the quick brown fox jumps over the lazy dog; " * 60


def test_a_run_after_others_in_the_same_process_is_the_run_of_a_new_one_bit_for_bit(sqlite_store: RunStore) -> None:
    store = sqlite_store
    configs = [
        RunConfig.of(task=task, cell=cell, hidden_size=8, embedding_size=4, batch_size=4, steps=30, **more)
        for task, cell, more in (
            ("delayed_recall", "lstm", {"dropout": 0.3, "num_layers": 2}),
            ("frames", "gru", {"encoder": "convolution"}),
            ("delayed_recall", "rnn_tanh", {"sequence_length": 12}),
        )
    ]
    with Launcher(store, slots=1, warm=0) as launcher:
        ids = [launcher.submit(config).id for config in configs]
        until(lambda: all(store.get(one).state == "finished" for one in ids), 120)
    assert len({store.get(one).worker for one in ids}) == 1
    for run_id, config in zip(ids, configs, strict=True):
        alone = [said for said in train(config) if isinstance(said, events.Step)]
        found = store.series(run_id, "train")
        for column in ("loss", "grad_norm"):
            np.testing.assert_array_equal(found[column], np.float32([getattr(said, column) for said in alone]))


def test_a_killed_and_resumed_run_equals_plain_uninterrupted_training_bit_for_bit(
    sqlite_store: RunStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path / "cache"))
    store = sqlite_store
    config = RunConfig.of(
        corpus=store.put_corpus("fox", TEXT), hidden_size=8, embedding_size=4, batch_size=4,
        sequence_length=16, sample_length=5, steps=1000,
    )  # fmt: skip
    whole = [said for said in train(config, text=TEXT) if isinstance(said, events.Step)]
    with Launcher(store, slots=1, warm=0) as launcher:
        run = launcher.submit(config)
        until(lambda: store.get(run.id).step >= 20, 60)
        store.send(run.id, "pause")
        until(lambda: store.get(run.id).state == "paused")
        store.send(run.id, "resume")
        until(lambda: store.get(run.id).state == "running")
        os.kill(int(store.get(run.id).worker.partition(":")[0]), signal.SIGKILL)
        until(lambda: store.get(run.id).state == "interrupted")
        launcher.resume(run.id)
        until(lambda: store.get(run.id).state == "finished", 90)
    found = store.series(run.id, "train")
    assert found["step"].tolist() == [said.step for said in whole] == list(range(1, 1001))
    for column in ("loss", "grad_norm", "lr"):
        np.testing.assert_array_equal(found[column], np.float32([getattr(said, column) for said in whole]))
    assert {"gradient_flow", "gate_activity", "saturation", "sample"} <= set(store.record_kinds(run.id))
