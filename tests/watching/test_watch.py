"""Claims about rnncore.watch: it shows what happened, changes nothing, and never gets in the loop's way."""

import gc
import math
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

import rnncore
from rnncore.errors import ConfigError, ProbeError, StoreError, WatchError
from rnncore.runs.launcher import Launcher
from rnncore.runs.store import RunNotFound
from tests.watching.models import Reader, Tagger, Unwatched, train


def watched(store):
    run = store.runs()[0]
    return run, store.series(run.id, "train")


def until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_loop_of_ones_own_is_a_run_in_the_store(store):
    model = Reader(nn.GRU(4, 6))
    with rnncore.watch(model, "mine", steps=5, floor=1.5) as watch:
        losses = train(watch, model)
        watch.log(validation_loss=0.25, lr=0.1)
    run, series = watched(store)
    assert (run.name, run.state, run.step, run.source) == ("mine", "finished", 5, "watch")
    assert run.parameters == sum(p.numel() for p in model.parameters())
    assert (run.config.model.cell, run.config.model.layer_names) == ("gru", ("layer",))
    assert (run.config.task.sequence_length, run.config.training.steps, run.config.floor) == (7, 5, 1.5)
    np.testing.assert_allclose(series["loss"], losses, rtol=1e-6)
    assert series["step"].tolist() == [1, 2, 3, 4, 5]
    assert store.series(run.id, "validation")["loss"].tolist() == [0.25]
    assert {"gradient_flow", "gate_activity", "saturation", "memory"} == set(store.record_kinds(run.id))


def test_the_gradient_norm_is_that_of_the_step_before_clipping(store):
    model = Reader(nn.RNN(4, 6))
    with rnncore.watch(model) as watch:
        with watch.step():
            model(torch.ones(5, 2, 4)).sum().backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1e-3).item()
        watch.log(loss=1.0, clip_norm=1e-3)
    series = watched(store)[1]
    assert series["grad_norm"][0] == pytest.approx(norm, rel=1e-6)
    assert series["clip_norm"][0] == pytest.approx(1e-3)


def test_training_is_bit_identical_with_and_without_a_watch():
    def trained(watching):
        torch.manual_seed(3)
        model = Reader(nn.LSTM(4, 6, num_layers=2))
        watch = rnncore.watch(model, budget=0.5) if watching else Unwatched()
        losses = train(watch, model, steps=12)
        if watching:
            watch.close()
            assert watch.records
        return losses, [p.detach().clone() for p in model.parameters()], torch.get_rng_state()

    (losses, weights, state), (bare_losses, bare_weights, bare_state) = trained(True), trained(False)
    assert losses == bare_losses
    assert all(torch.equal(a, b) for a, b in zip(weights, bare_weights, strict=True))
    assert torch.equal(state, bare_state)


def test_the_learning_rate_is_read_from_the_optimiser(store):
    model = Reader(nn.RNN(4, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    with rnncore.watch(model, optimizer=optimizer) as watch:
        for lr in (0.5, 0.25):
            optimizer.param_groups[0]["lr"] = lr
            with watch.step():
                model(torch.ones(2, 1, 4)).sum().backward()
            watch.log(loss=1.0)
    assert watched(store)[1]["lr"].tolist() == [0.5, 0.25]


def test_numbers_alone_may_be_logged_without_a_step(store):
    with rnncore.watch(nn.LSTM(2, 3), "numbers") as watch:
        for loss in (3.0, 2.0, 1.0):
            watch.log(loss=loss)
    run, series = watched(store)
    assert (series["loss"].tolist(), run.step) == ([3.0, 2.0, 1.0], 3)


def test_steps_whose_loss_was_not_logged_are_no_lost_losses(store):
    model = Reader(nn.RNN(4, 3))
    with rnncore.watch(model) as watch:
        for step in range(1, 7):
            with watch.step():
                model(torch.ones(2, 1, 4)).sum().backward()
            if step % 3 == 0:
                watch.log(loss=float(step))
    series = watched(store)[1]
    assert (series["step"].tolist(), series["loss"].tolist()) == ([3, 6], [3.0, 6.0])


def test_tokens_or_numbers_stand_above_the_gates(store):
    model = Reader(nn.RNN(4, 3))
    named = (["a", "bc"], ("a", "bc", "", ""))
    for tokens, expected in (named, (lambda: "wxyz", tuple("wxyz")), ((), ("0", "", "", ""))):
        with rnncore.watch(model) as watch:
            train(watch, model, steps=1, shape=(4, 2, 4), tokens=tokens)
        assert watch.records["gate_activity"].text == expected


def test_a_callback_for_tokens_is_asked_only_where_the_step_is_looked_at():
    asked, model = [], Reader(nn.RNN(4, 3))
    with rnncore.watch(model, budget=0.0) as watch:
        train(watch, model, tokens=lambda: asked.append(1))
    assert not asked


@pytest.mark.parametrize("model", [nn.Linear(3, 3), nn.LSTMCell(2, 2)])
def test_a_model_without_a_recurrent_layer_is_refused_by_name(model):
    with pytest.raises(ProbeError, match=rf"{type(model).__name__} has no nn.RNN, nn.LSTM or nn.GRU layer to open"):
        rnncore.watch(model)


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (nn.LSTM(2, 4, proj_size=2), "has proj_size 2.*use proj_size 0 with a Linear"),
        (nn.GRU(2, 4, num_layers=2, dropout=0.5), "draws dropout 0.5 between.*use separate layers"),
    ],
)
def test_what_cannot_be_replayed_is_refused_at_the_start(layer, sentence, store):
    with pytest.raises(ProbeError, match=sentence):
        rnncore.watch(layer)
    assert not store.runs()


@pytest.mark.parametrize("bad", [{"budget": 0.9}, {"sequences": 0}, {"steps": -1}])
def test_arguments_out_of_range_are_refused_in_words(bad):
    with pytest.raises(ConfigError, match=r"must be >=|must be <="):
        rnncore.watch(nn.RNN(2, 2), **bad)


def test_a_loss_that_is_no_single_number_is_refused_in_words():
    with rnncore.watch(nn.RNN(2, 2)) as watch:
        with pytest.raises(
            WatchError, match=r"loss must be a single number, got a tensor of shape \(2,\); use .mean\(\)"
        ):
            watch.log(loss=torch.ones(2))
        with pytest.raises(WatchError, match="validation_loss must be a single number, got 'low'"):
            watch.log(validation_loss="low")


def test_half_precision_is_said_once_and_the_loop_goes_on(said):
    model = Reader(nn.RNN(4, 3)).to(torch.bfloat16)
    with rnncore.watch(model, budget=0.5) as watch:
        for _ in range(3):
            with watch.step():
                model(torch.ones(2, 1, 4, dtype=torch.bfloat16)).sum().backward()
            watch.log(loss=1.0)
    assert watch.steps == 3
    assert len(said()) == 1
    assert "could not be looked at" in said()[0]
    assert "float32 or float64" in said()[0]


@pytest.mark.parametrize("inside", ["no backward", "optimizer", "nothing"])
def test_a_step_that_cannot_be_read_is_said_once_and_the_loop_goes_on(inside, said):
    model = Reader(nn.RNN(4, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with rnncore.watch(model) as watch, watch.step():
        if inside != "nothing":
            loss = model(torch.ones(3, 1, 4)).sum()
        if inside == "optimizer":
            loss.backward()
            optimizer.step()
    assert len(said()) == 1
    expected = {"no backward": "no loss.backward", "optimizer": "optimizer.step", "nothing": "no recurrent layer ran"}
    assert expected[inside] in said()[0]
    assert watch.steps == 1


def test_an_error_in_the_loop_goes_through_unchanged_and_ends_the_run_as_failed(store):
    model = Reader(nn.RNN(4, 3))

    def loop():
        with rnncore.watch(model) as watch:
            train(watch, model, steps=2)
            with watch.step():
                model(torch.ones(2, 1, 4))
                raise ZeroDivisionError("division by zero")

    with pytest.raises(ZeroDivisionError):
        loop()
    run = store.runs()[0]
    assert (run.state, run.step) == ("failed", 2)
    assert run.reason == "the loop ended at step 2 with ZeroDivisionError: division by zero"


def test_ctrl_c_stops_the_run(store):
    def loop():
        with rnncore.watch(nn.RNN(4, 3)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert store.runs()[0].state == "stopped"


def test_a_watch_that_is_dropped_or_a_program_that_ends_leaves_an_interrupted_run(store, home):
    watch = rnncore.watch(nn.RNN(2, 2), "dropped")
    watch.log(loss=1.0)
    del watch
    gc.collect()
    assert (store.runs()[0].state, store.runs()[0].reason) == ("interrupted", "the loop ended without watch.close()")
    program = "import torch, rnncore; w = rnncore.watch(torch.nn.RNN(2, 2), 'ended'); w.log(loss=1.0)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    run = store.runs()[0]
    assert (run.name, run.state) == ("ended", "interrupted")


def test_nan_and_infinity_are_recorded_as_such(store):
    model = Reader(nn.LSTM(4, 3))
    with torch.no_grad():
        model.layer.weight_hh_l0[0, 0] = math.inf
    with rnncore.watch(model) as watch:
        losses = train(watch, model, steps=2)
    assert not math.isfinite(losses[-1])
    assert not np.isfinite(watched(store)[1]["loss"]).any()
    found = watch.findings()[0]
    assert (found.code, found.severity) == ("not_finite", "bad")
    assert "gate i of layer first, at step 0 of the sequence" in found.sentence


def test_sequences_of_one_step_are_recorded():
    model = Reader(nn.GRU(4, 3))
    with rnncore.watch(model) as watch:
        train(watch, model, steps=1, shape=(1, 2, 4))
    flow = watch.records["gradient_flow"]
    assert flow.hidden_last.shape == (1, 1)
    assert math.isnan(flow.factor[0])
    assert [one.code for one in watch.findings()] == []


def test_a_store_that_cannot_be_written_holds_nothing_up_and_is_said_once(tmp_path, said):
    model = Reader(nn.RNN(4, 3))
    blocked = tmp_path / "a file"
    blocked.write_text("not a folder")
    start = time.perf_counter()
    with rnncore.watch(model, store=f"sqlite:///{blocked}/runs.sqlite") as watch:
        assert len(train(watch, model)) == 5
        until(lambda: watch._writer.gone)
    assert time.perf_counter() - start < 3
    assert len(said()) == 1
    assert "The training goes on, and is not recorded" in said()[0]


def test_what_a_locked_store_could_not_take_is_written_when_it_is_free(store, home, said, monkeypatch):
    monkeypatch.setattr("rnncore.watching.writer.PATIENCE_SECONDS", 0.05)
    model = Reader(nn.RNN(4, 3))
    lock = sqlite3.connect(home / "runs.sqlite", isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN IMMEDIATE")
    with rnncore.watch(model) as watch:
        losses = train(watch, model)
        until(said)
        lock.execute("ROLLBACK")
        lock.close()
    run, series = watched(store)
    assert run.state == "finished"
    np.testing.assert_allclose(series["loss"], losses, rtol=1e-6)
    assert "locked by another process" in said()[0]
    assert said()[1:] == ["The run store takes the watched run again"]


def test_a_run_that_is_deleted_while_it_is_written_ends_the_recording_only(store, said):
    model = Reader(nn.RNN(4, 3))
    with rnncore.watch(model) as watch:
        train(watch, model, steps=1)
        until(lambda: watch.run_id)
        store.delete(watch.run_id)
        watch._next_parcel = 0.0
        train(watch, model, steps=2)
        until(lambda: watch._writer.gone)
        assert len(train(watch, model, steps=3)) == 3
    assert said() == ["The watched run was deleted; the training goes on, and is no longer recorded"]
    with pytest.raises(RunNotFound):
        store.get(watch.run_id)


def test_a_run_that_is_trained_elsewhere_cannot_be_steered_resumed_or_repeated(store):
    with rnncore.watch(nn.RNN(2, 2), "elsewhere") as watch:
        until(lambda: watch.run_id)
        for command in ("pause", "stop", "measure"):
            with pytest.raises(StoreError, match="is trained elsewhere and cannot be steered from here"):
                store.send(watch.run_id, command)
        assert store.claim("1:0", "here") is None
        assert store.waiting() == 0
    store.set_state(watch.run_id, "interrupted")
    with pytest.raises(StoreError, match="is trained elsewhere and cannot be resumed from here"):
        store.requeue(watch.run_id)
    with pytest.raises(ConfigError, match="'elsewhere' was trained elsewhere and has no settings"):
        Launcher(store).restart(watch.run_id)


def test_a_loop_that_falls_silent_is_interrupted_and_comes_back_when_it_goes_on(store, monkeypatch):
    monkeypatch.setattr("rnncore.watching.writer.QUIET_SECONDS", -1.0)
    model = Reader(nn.RNN(4, 3))
    with rnncore.watch(model) as watch:
        train(watch, model, steps=1)
        until(lambda: watch.run_id)
        launcher = Launcher(store)
        launcher._recover()
        assert store.get(watch.run_id).active
        monkeypatch.setattr("rnncore.runs.launcher.LOST_SECONDS", -1.0)
        launcher._recover()
        run = store.get(watch.run_id)
        assert (run.state, run.reason[:46]) == ("interrupted", "nothing was heard from its training loop for a")
        watch._next_parcel = 0.0
        train(watch, model, steps=2)
        until(lambda: store.get(watch.run_id).state == "running")
    assert store.get(watch.run_id).state == "finished"


def test_a_program_that_was_killed_is_noticed_at_once(store, monkeypatch):
    monkeypatch.setattr("rnncore.watching.writer.QUIET_SECONDS", -1.0)  # the dead do not say that they live
    with rnncore.watch(nn.RNN(2, 2)) as watch:
        until(lambda: watch.run_id)
        with store.transaction() as connection:
            connection.exec_driver_sql("UPDATE runs SET worker = '999999:1.0'")
        Launcher(store)._recover()
        run = store.get(watch.run_id)
        assert run.state == "interrupted"
        assert run.reason.startswith("the program that trained it ended without a word; call watch.close()")


def test_the_budget_bounds_what_is_looked_at():
    model = Tagger()
    with rnncore.watch(model, budget=0.0) as watch:
        train(watch, model, steps=3, shape=(2, 4, 5))
    assert not watch.records
    account = rnncore.watch(model, budget=0.03)
    with account as watch:
        train(watch, model, steps=30, shape=(2, 4, 5))
    assert 1 <= watch._budget.accounts["probe"].turns <= 3  # the second waits for a quarter of a second at least
