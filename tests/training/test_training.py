"""Claims about train(): deterministic, resumable bit for bit, unchanged by being watched."""

import itertools
import math

import numpy as np
import pytest
import torch

from rnncore.cells import CELLS as EVERY
from rnncore.config import RunConfig
from rnncore.diagnostics import live_measures
from rnncore.errors import CheckpointError, ConfigError, CorpusError
from rnncore.training import Checkpoint, Controls, Trainer, events, train

CELLS = {name: cell for name, cell in EVERY.items() if name != "conv_lstm"}  # it reads pictures
TEXT = "".join(f"{a}{b} = {(a * b) % 97};\n" for a, b in itertools.product(range(60), range(40)))
SMALL = {
    "hidden_size": 12,
    "embedding_size": 6,
    "sequence_length": 10,
    "batch_size": 4,
    "steps": 12,
    "sample_length": 5,
}


def run(config, *, measures=(), controls=None, resume=None):
    return list(train(config, text=TEXT, measures=measures, controls=controls, resume=resume))


def losses(found):
    return [event.loss for event in found if isinstance(event, events.Step)]


def last_checkpoint(found):
    return [event.checkpoint for event in found if isinstance(event, events.Saved)][-1]


def assert_equal_weights(one, other):
    assert one.tensors.keys() == other.tensors.keys()
    for name, tensor in one.tensors.items():
        assert torch.equal(tensor, other.tensors[name]), name


CASES = [
    {"cell": "lstm"},
    {"cell": "gru", "num_layers": 2, "dropout": 0.3, "optimizer": "rmsprop"},
    {"cell": "rnn_tanh", "optimizer": "sgd", "clip_norm": None, "recurrent": "orthogonal"},
    {"cell": "rnn_relu", "recurrent": "identity", "optimizer": "adamw", "weight_decay": 0.1, "stateful": False},
    {"cell": "lstm", "gate_bias": "chrono", "t_max": 30, "num_layers": 3, "dropout": 0.5},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_same_seed_is_bit_identical_and_another_seed_differs(case):
    config = RunConfig.of(**SMALL, **case)
    first, second = run(config), run(config)
    assert losses(first) == losses(second)
    assert_equal_weights(last_checkpoint(first), last_checkpoint(second))
    assert losses(run(config.changed(seed=2))) != losses(first)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_resumed_run_goes_on_bit_for_bit_as_if_it_had_not_stopped(case):
    config = RunConfig.of(**SMALL, **case)
    whole = run(config)
    controls, part = Controls(), []
    for event in train(config, text=TEXT, controls=controls):
        part.append(event)
        if isinstance(event, events.Step) and event.step == 5:
            controls.stop()
    saved = Checkpoint.from_bytes(last_checkpoint(part).to_bytes())
    assert saved.step == 5
    rest = run(config, resume=saved)
    assert losses(part) + losses(rest) == losses(whole)
    assert_equal_weights(last_checkpoint(rest), last_checkpoint(whole))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_measuring_changes_nothing(case):
    config = RunConfig.of(**SMALL, **case, budget=0.5)
    plain = run(config.changed(budget=0))
    torch.manual_seed(77)
    before = torch.get_rng_state()
    watched = run(config, measures=live_measures(config))
    assert torch.equal(torch.get_rng_state(), before)
    kinds = {event.record.kind for event in watched if isinstance(event, events.Measured)}
    assert kinds >= {"gradient_flow", "gate_activity", "saturation", "sample"}
    assert losses(watched) == losses(plain)
    assert_equal_weights(last_checkpoint(watched), last_checkpoint(plain))


def test_changes_on_the_fly_survive_a_checkpoint():
    config = RunConfig.of(**SMALL)
    controls, found = Controls(), []
    for event in train(config, text=TEXT, controls=controls):
        found.append(event)
        if isinstance(event, events.Step) and event.step == 3:
            controls.set(lr=0.0, clip_norm=None)
            controls.checkpoint()
    steps = [event for event in found if isinstance(event, events.Step)]
    assert [step.lr for step in steps[:4]] == [0.003, 0.003, 0.003, 0.0]
    assert math.isnan(steps[3].clip_norm)
    asked = next(e.checkpoint for e in found if isinstance(e, events.Saved) and e.step == 3)
    resumed = Trainer(config, TEXT, asked)
    assert resumed.lr == 0.0
    assert resumed.clip_norm is None


def test_only_lr_and_clip_norm_can_be_changed_on_the_fly():
    with pytest.raises(ConfigError, match="hidden_size cannot be changed on the fly, got 3"):
        Controls().set(hidden_size=3)
    with pytest.raises(ConfigError, match="clip_norm must be > 0, got -1"):
        Controls().set(clip_norm=-1)


def test_a_single_step_can_be_measured_whatever_the_budget_says():
    config, controls, seen = RunConfig.of(**SMALL), Controls(), []
    for event in train(config, text=TEXT, controls=controls, measures=live_measures(config)):
        if isinstance(event, events.Measured) and event.record.kind == "gate_activity":
            seen.append(event.step)
        if isinstance(event, events.Step) and event.step == 6:
            controls.measure()
    assert 7 in seen


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_learning_rate_of_zero_leaves_the_weights_alone(case):
    found = run(RunConfig.of(**SMALL, **case, lr=0.0))
    saved = [event.checkpoint for event in found if isinstance(event, events.Saved)]
    for name, tensor in saved[0].tensors.items():
        if name.startswith("model."):
            assert torch.equal(tensor, saved[-1].tensors[name])
    validated = [event for event in found if isinstance(event, events.Validation)]
    assert (validated[0].step, validated[-1].step) == (1, 12)
    assert {event.loss for event in validated} == {validated[0].loss}  # the curve is flat, to the last bit


def test_an_untrained_model_knows_nothing():
    config = RunConfig.of(**SMALL)
    trainer = Trainer(config, TEXT)
    assert trainer.validate() / math.log(2) == pytest.approx(trainer.task.floor_bits, abs=0.1 + 0.3)
    big = Trainer(config.changed(hidden_size=128), TEXT)
    assert big.validate() / math.log(2) == pytest.approx(big.task.floor_bits, abs=0.1)


def test_shuffled_text_is_never_learned_below_its_character_frequencies():
    shuffled = "".join(np.random.default_rng(0).permutation(list(TEXT)))
    config = RunConfig.of(**{**SMALL, "steps": 150, "hidden_size": 32}, lr=0.01)
    trainer = Trainer(config, shuffled)
    for _ in range(150):
        trainer.advance()
    counts = np.unique(list(shuffled), return_counts=True)[1] / len(shuffled)
    entropy = -(counts * np.log2(counts)).sum()
    assert trainer.validate() / math.log(2) > entropy - 0.02


def test_clipping_shortens_the_gradient_and_keeps_its_direction():
    def gradient(clip):
        trainer = Trainer(RunConfig.of(**SMALL, clip_norm=clip, optimizer="sgd", momentum=0, lr=1.0), TEXT)
        before = [p.detach().clone() for p in trainer.parameters]
        step = trainer.advance()
        moved = torch.cat([(b - p.detach()).flatten() for b, p in zip(before, trainer.parameters, strict=True)])
        return step.grad_norm, moved

    norm, whole = gradient(None)
    same_norm, clipped = gradient(norm / 4)
    assert same_norm == norm
    assert float(clipped.norm()) == pytest.approx(norm / 4, rel=1e-4)
    assert float(torch.cosine_similarity(whole, clipped, dim=0)) == pytest.approx(1, abs=1e-5)


def test_a_run_that_diverges_says_where_and_keeps_its_last_good_weights():
    config = RunConfig.of(**{**SMALL, "steps": 200}, cell="rnn_relu", recurrent_gain=10.0, lr=100.0,
                          clip_norm=None, optimizer="sgd")  # fmt: skip
    found = run(config)
    end = found[-1]
    assert isinstance(end, events.Finished)
    assert end.state == "diverged"
    assert "diverged at step" in end.reason
    assert all(math.isfinite(loss) for loss in losses(found))


def test_the_clock_stops_while_the_caller_is_busy(monkeypatch):
    from rnncore.training import trainer

    now = 0.0

    def clock():
        nonlocal now
        now += 0.001  # each look at the clock is a millisecond of work
        return now

    monkeypatch.setattr(trainer.time, "perf_counter", clock)
    for event in train(RunConfig.of(**SMALL), text=TEXT):
        now += 100.0  # the caller takes its time
        if isinstance(event, events.Step):
            assert event.seconds < 1.0


@pytest.mark.parametrize("damage", ["flip", "cut", "header", "empty", "foreign"])
def test_an_edited_or_damaged_checkpoint_is_refused(damage):
    data = bytearray(last_checkpoint(run(RunConfig.of(**SMALL))).to_bytes())
    if damage == "flip":
        data[-5] ^= 1
    elif damage == "cut":
        data = data[:-100]
    elif damage == "header":
        at = data.index(b"seconds")
        data[at : at + 7] = b"minutes"
    elif damage == "empty":
        data = bytearray()
    else:
        data = bytearray(b"\x80\x04" + b"pickle" * 30)
    with pytest.raises(CheckpointError, match="checkpoint"):
        Checkpoint.from_bytes(bytes(data))


def test_a_checkpoint_of_another_text_or_configuration_is_refused():
    config = RunConfig.of(**SMALL)
    saved = last_checkpoint(run(config))
    with pytest.raises(CheckpointError, match="another text"):
        Trainer(config, TEXT + "more", saved)
    with pytest.raises(CheckpointError, match="does not fit the configuration"):
        Trainer(config.changed(hidden_size=13), TEXT, saved)


def test_a_checkpoint_file_is_whole_or_not_there(tmp_path):
    saved = last_checkpoint(run(RunConfig.of(**SMALL)))
    saved.save(tmp_path / "one.safetensors")
    assert_equal_weights(Checkpoint.load(tmp_path / "one.safetensors"), saved)
    assert [path.name for path in tmp_path.iterdir()] == ["one.safetensors"]
    with pytest.raises(CheckpointError, match="cannot be opened"):
        Checkpoint.load(tmp_path / "none.safetensors")


def test_a_text_too_short_for_one_window_is_refused_with_what_fits():
    with pytest.raises(CorpusError, match=r"sequence_length 900 .*batch_size 32.* got .* use sequence_length \d+"):
        next(train(RunConfig.of(sequence_length=900), text=TEXT[:9000]))


def test_cuda_is_refused_in_a_sentence_where_there_is_none():
    if torch.cuda.is_available():
        found = run(RunConfig.of(**SMALL, device="cuda"))
        assert isinstance(found[-1], events.Finished)
    else:
        with pytest.raises(ConfigError, match="got 'cuda' on a machine without it; use 'cpu' or 'auto'"):
            run(RunConfig.of(**SMALL, device="cuda"))


@pytest.mark.parametrize("cell", CELLS)
def test_no_output_sees_the_future(cell):
    trainer = Trainer(RunConfig.of(**SMALL, cell=cell, num_layers=2), TEXT)
    ids, _, _ = trainer.task.batch(0)
    trainer.model.eval()
    for t in range(len(ids)):
        changed = ids.clone()
        changed[t] = (changed[t] + 1) % trainer.task.vocab_size
        with torch.no_grad():
            before, after = trainer.model(ids)[0], trainer.model(changed)[0]
        assert torch.equal(before[:t], after[:t])
        assert not torch.equal(before[t], after[t])


@pytest.mark.parametrize("cell", CELLS)
def test_only_a_bidirectional_layer_sees_the_future(cell):
    torch.manual_seed(0)
    x = torch.randn(10, 3, 4)
    changed = x.clone()
    changed[6] += 1
    for bidirectional in (False, True):
        layer = CELLS[cell].layer(4, 5, bidirectional=bidirectional)
        with torch.no_grad():
            before, after = layer(x)[0], layer(changed)[0]
        assert torch.equal(before[:6], after[:6]) is not bidirectional


@pytest.mark.parametrize("cell", CELLS)
def test_stepping_equals_reading_at_once(cell):
    trainer = Trainer(RunConfig.of(**SMALL, cell=cell, num_layers=2), TEXT)
    model, ids = trainer.model.double().eval(), trainer.task.batch(0)[0]
    with torch.no_grad():
        whole, end = model(ids)
        state, steps = None, []
        for one in ids:
            logits, state = model.step(one, state)
            steps.append(logits)
    torch.testing.assert_close(torch.stack(steps), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(state, end, rtol=0, atol=1e-12)
