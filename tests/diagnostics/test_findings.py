"""Claims about findings: short real trainings and real probes trigger each of them, a healthy run triggers none."""

import dataclasses
import itertools
import math
from functools import cache

import numpy as np
import pytest
import torch

import rnncore
from rnncore.cells import CELLS
from rnncore.config import RunConfig
from rnncore.diagnostics import live_measures
from rnncore.diagnostics.findings import (
    BITS,
    Evidence,
    Floor,
    at_floor,
    clipping,
    dead_units,
    found_in,
    gradient,
    learning,
    learning_rate,
    memory,
    not_finite,
    saturated_units,
    state,
    troubles,
    verdict,
)
from rnncore.diagnostics.findings.loss import update_ratio
from rnncore.records import TRAIN_SERIES, VALIDATION_SERIES, GradientFlow, Parameters
from rnncore.tasks.baselines import baselines
from rnncore.training import Controls, Trainer, events, train

TEXT = "the quick brown fox jumps over the lazy dog; " * 60
NOISE = "".join(np.random.default_rng(0).choice(list("abcdefgh"), 6000))
SMALL = {
    "cell": "lstm", "hidden_size": 24, "embedding_size": 8, "sequence_length": 20, "batch_size": 8, "steps": 260,
    "sample_length": 2,
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small layers on two busy cores: threads that wait for each other take fifty times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclasses.dataclass
class Run:
    """What a real training left behind."""

    evidence: Evidence
    state: str = "running"
    reason: str = ""

    @property
    def codes(self):
        return {finding.code for finding in found_in(self.evidence)}


@cache
def trained(text=TEXT, raise_lr_at=None, **changes):
    """A short training, with one of each record from its last step."""
    config = RunConfig.of(**{**SMALL, **changes})
    series, records, controls, run = {"train": [], "validation": []}, {}, Controls(), Run(Evidence())
    for event in train(config, text=text, controls=controls, measures=live_measures(config)):
        if isinstance(event, events.Step):
            series["train"].append(tuple(event))
            if event.step == raise_lr_at:
                controls.set(lr=1.0)
        elif isinstance(event, events.Validation):
            series["validation"].append(tuple(event))
        elif isinstance(event, events.Measured):
            records[event.record.kind] = event.record
        elif isinstance(event, events.Finished):
            run.state, run.reason = event.state, event.reason
    task = Trainer(config, text).task
    records["baselines"] = baselines(task.train_ids, task.validation_ids, task.vocab_size)
    columns = {
        name: dict(zip(names, np.array(series[name], float).T, strict=True))
        for name, names in (("train", TRAIN_SERIES), ("validation", VALIDATION_SERIES))
        if series[name]
    }
    run.evidence = Evidence(
        tuple(records.values()), columns.get("train", {}), columns.get("validation", {}), lag=config.model.t_max
    )
    return run


def opened(layer, steps=40, batch=8, loss=lambda y: y.pow(2).sum(), change=lambda x: x):
    """The records of one real probe at initialisation, by kind."""
    torch.manual_seed(0)
    x = change(torch.randn(steps, batch, layer.input_size))
    with rnncore.probe(layer) as probe:
        loss(layer(x)[0]).backward()
    return {record.kind: record for record in rnncore.records_of(probe)}


def layer(kind=torch.nn.LSTM, size=32, change=None, **options):
    torch.manual_seed(0)
    made = kind(8, size, **options)
    if change is not None:
        with torch.no_grad():
            change(made)
    return made


def healthy():
    return trained(gate_bias="chrono", t_max=20, lr=0.01)


def test_a_healthy_run_triggers_nothing():
    run = healthy()
    assert run.evidence.train["loss"][-20:].mean() < 0.75 * run.evidence.train["loss"][0]
    assert "learning" in run.codes
    assert troubles(found_in(run.evidence)) == []
    assert "always_clipped" not in run.codes


def test_a_gradient_that_fades_is_no_trouble_once_the_task_is_solved():
    run = trained(lr=0.01)
    assert run.evidence.train["loss"][-1] < 0.1 * run.evidence.train["loss"][0]
    found = next(one for one in found_in(run.evidence) if one.code == "vanishing")
    assert found.severity == "info"
    assert found.sentence.endswith("; the loss fell all the same")
    assert gradient(run.evidence.newest(GradientFlow)).severity == "warning"


def test_a_fresh_chrono_lstm_carries_the_gradient():
    made = CELLS["lstm"].layer(8, 64)
    CELLS["lstm"].initialise(made, gate_bias="chrono", t_max=200, generator=torch.Generator().manual_seed(0))
    found = gradient(opened(made)["gradient_flow"])
    assert (found.code, found.severity) == ("carried", "good")
    assert found.evidence["factor"] > 0.92


def test_every_finding_rests_on_finite_numbers_and_every_trouble_says_what_to_try_and_where_to_look():
    runs = [healthy(), trained(lr=1e-6), trained(lr=1.0, cell="rnn_tanh"), trained(NOISE, lr=0.01, clip_norm=1e-3)]
    found = list(itertools.chain.from_iterable(found_in(run.evidence) for run in runs))
    assert len({one.code for one in found}) >= 6
    for one in found:
        assert one.evidence, one.code
        assert all(math.isfinite(value) for value in one.evidence.values()), one
        assert one.view is not None
        assert one.view.panel
        if one.severity in ("warning", "bad"):
            assert one.advice, one.code


@pytest.mark.parametrize("kind", [torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU])
def test_freshly_initialised_cells_vanish(kind):
    found = gradient(opened(layer(kind))["gradient_flow"])
    assert found.code == "vanishing"
    assert 0.5 < found.evidence["factor"] < 0.8
    assert found.evidence["half_life"] == pytest.approx(math.log(0.5) / math.log(found.evidence["factor"]))


def test_the_advice_against_vanishing_is_for_the_cell_that_it_is_given_to():
    advice = {kind: gradient(opened(layer(kind))["gradient_flow"]).advice for kind in (torch.nn.RNN, torch.nn.LSTM)}
    assert "forget-gate" in advice[torch.nn.LSTM]
    assert "forget-gate" not in advice[torch.nn.RNN]


def test_large_recurrent_weights_explode():
    large = layer(torch.nn.RNN, 64, lambda made: made.weight_hh_l0.mul_(4))
    found = gradient(opened(large)["gradient_flow"])
    assert (found.code, found.severity) == ("exploding", "bad")
    assert found.evidence["factor"] > 1.05


def test_of_several_layers_the_one_that_reaches_furthest_is_named():
    def remember(made):
        made.bias_ih_l0[32:64] = 4.0  # the forget gate

    stack = layer(num_layers=2, change=remember)
    found = gradient(opened(stack)["gradient_flow"], ["lower", "upper"])
    assert (found.code, found.evidence["layer"]) == ("carried", 0)
    assert "in lower" in found.sentence


def test_units_that_a_relu_cut_off_are_dead_and_pass_no_gradient():
    def cut_off(made):
        made.bias_ih_l0[:8] = -100.0

    part = opened(layer(torch.nn.RNN, nonlinearity="relu", change=cut_off))
    found = dead_units(part["gate_activity"])
    assert (found.code, found.evidence["units"]) == ("dead_units", 8)
    assert "tanh in place of ReLU" in found.advice
    every = opened(layer(torch.nn.RNN, nonlinearity="relu", change=lambda made: made.bias_ih_l0.fill_(-100.0)))
    assert gradient(every["gradient_flow"]).code == "no_gradient"
    assert dead_units(opened(layer(torch.nn.RNN))["gate_activity"]) is None


@pytest.mark.parametrize("kind", [torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU])
def test_large_weights_saturate_the_units(kind):
    def enlarge(made):
        for parameter in made.parameters():
            parameter.mul_(300)

    found = saturated_units(opened(layer(kind, change=enlarge))["saturation"])
    assert found.code == "saturated_units"
    assert found.evidence["share"] >= 0.25
    assert saturated_units(opened(layer(kind))["saturation"]) is None


def test_chrono_initialisation_is_no_saturation():
    for cell in ("lstm", "gru"):
        made = CELLS[cell].layer(8, 64)
        CELLS[cell].initialise(made, gate_bias="chrono", t_max=1000, generator=torch.Generator().manual_seed(0))
        found = opened(made)
        assert saturated_units(found["saturation"]) is None
        assert dead_units(found["gate_activity"]) is None


def test_a_relu_that_is_large_is_not_saturated():
    big = layer(torch.nn.RNN, nonlinearity="relu", change=lambda made: made.bias_ih_l0.fill_(9.0))
    assert saturated_units(opened(big)["saturation"]) is None


def test_default_gates_forget_before_a_lag_of_fifty_and_chrono_ones_do_not():
    found = memory(opened(layer())["memory"], 50)
    assert (found.code, found.evidence["lag"]) == ("short_memory", 50)
    assert found.evidence["timescale"] < 3
    assert "t_max 50" in found.advice
    made = CELLS["lstm"].layer(8, 64)
    CELLS["lstm"].initialise(made, gate_bias="chrono", t_max=50, generator=torch.Generator().manual_seed(0))
    assert memory(opened(made)["memory"], 50) is None
    assert memory(opened(layer())["memory"], None) is None
    assert memory(opened(layer(torch.nn.RNN))["memory"], 50) is None


def test_nan_in_the_data_is_found_where_it_entered():
    def spoil(x):
        x[17, 2] = math.nan  # the gates that are kept are those of sequence 0
        x[23, 0] = math.nan
        return x

    records = opened(layer(num_layers=2), change=spoil)
    found = not_finite({}, records["gradient_flow"], records["gate_activity"], ["lower", "upper"])
    assert found.evidence == {"step": 0.0, "layer": 0.0, "t": 23.0}
    assert "gate i of lower first, at step 23 of the sequence" in found.sentence


def test_an_infinite_gradient_is_found_where_it_entered():
    def loss(y):
        return (y * torch.where(torch.arange(len(y)) == 30, math.inf, 1.0)[:, None, None]).sum()

    records = opened(layer(), loss=loss)
    found = not_finite({}, records["gradient_flow"], records["gate_activity"])
    assert found.evidence["t"] == 30
    assert "the gradient on the hidden state of layer 1" in found.sentence
    assert gradient(records["gradient_flow"]) is None  # one finding of it is enough


def test_a_run_that_diverges_says_at_which_step_and_in_which_tensor():
    run = trained(cell="rnn_relu", recurrent_gain=10.0, clip_norm=None, sequence_length=200, steps=3)
    assert run.state == "diverged"
    found = verdict(run.state, run.reason, run.evidence, step=0)
    assert (found[0].code, found[0].severity) == ("diverged", "bad")
    assert found[0].sentence.startswith("Diverged at step 1: the")
    assert found[0].evidence == {"step": 0.0}


def test_a_loss_that_is_no_longer_finite_is_dated():
    loss = np.array([*healthy().evidence.train["loss"][:40], math.nan, math.inf])
    found = not_finite({"step": np.arange(1, 43), "loss": loss})
    assert (found.code, found.evidence) == ("not_finite", {"step": 41.0})
    assert not_finite({"step": np.arange(1, 41), "loss": loss[:40]}) is None
    assert not_finite({"step": np.arange(1, 4), "loss": np.full(3, math.nan)}) is None  # never logged


def test_a_threshold_below_every_norm_always_clips():
    found = clipping(trained(clip_norm=1e-3).evidence.train)
    assert (found.code, found.evidence["share"]) == ("always_clipped", 1.0)
    assert found.evidence["median_norm"] > found.evidence["threshold"]
    assert clipping(healthy().evidence.train) is None
    assert clipping(trained(clip_norm=None, steps=60).evidence.train) is None


def test_a_learning_rate_of_one_is_too_high():
    evidence = trained(cell="rnn_tanh", lr=1.0).evidence
    by_loss = learning_rate(evidence.train)
    assert by_loss.code == "lr_too_high"
    assert by_loss.evidence["worst"] > 1.5 * by_loss.evidence["start"]
    assert "the untrained model had 4.8" in by_loss.sentence


def test_an_update_as_large_as_the_weights_is_too_high_at_the_first_step():
    first = first_update(lr=1.0)
    found = learning_rate({}, first)
    assert (found.code, found.severity) == ("lr_too_high", "bad")
    assert found.evidence["ratio"] == pytest.approx(update_ratio(first))
    assert learning_rate({}, first_update(lr=3e-3)) is None


def first_update(lr):
    config = RunConfig.of(**{**SMALL, "lr": lr, "steps": 1})
    found = [
        event.record
        for event in train(config, text=TEXT, measures=live_measures(config))
        if isinstance(event, events.Measured) and isinstance(event.record, Parameters)
    ]
    return found[-1]


def test_a_learning_rate_of_a_millionth_is_too_low():
    evidence = trained(lr=1e-6).evidence
    found = learning_rate(evidence.train, evidence.newest(Parameters))
    assert (found.code, found.view.page) == ("lr_too_low", "gradient-flow")
    assert found.evidence["ratio"] < 1e-4
    by_loss = learning_rate(evidence.train)  # without updates measured, it is only known that nothing moves
    assert by_loss.code == "not_moving"


def test_updates_that_are_small_because_all_is_learned_are_no_trouble():
    evidence = trained(lr=1e-6).evidence
    falls = evidence.train | {"loss": np.geomspace(5.0, 1e-3, len(evidence.train["loss"]))}
    assert learning_rate(falls, evidence.newest(Parameters)) is None


def test_a_learning_rate_that_was_lowered_on_purpose_is_not_too_low():
    evidence = trained(lr=1e-6).evidence
    lowered = evidence.train | {"lr": np.linspace(1e-2, 1e-6, len(evidence.train["lr"]))}
    assert learning_rate(lowered, evidence.newest(Parameters)) is None


def test_noise_is_learned_no_better_than_its_frequencies():
    run = trained(NOISE, lr=0.01)
    validation = {"step": np.array([1.0, 260.0]), "loss": np.array([2.2, held_out(NOISE, lr=0.01)])}
    evidence = dataclasses.replace(run.evidence, validation=validation)
    found = at_floor(evidence.train, validation, evidence.known_floor)
    assert found.code == "at_floor"
    assert found.evidence["floor"] == pytest.approx(math.log(8), abs=0.01)  # eight letters, drawn evenly
    assert "in validation, no better than counting characters" in found.sentence
    assert "at_floor" in {one.code for one in found_in(evidence)}


def held_out(text, **changes):
    trainer = Trainer(RunConfig.of(**{**SMALL, **changes}), text)
    for _ in range(260):
        trainer.advance()
    return trainer.validate()


def test_the_validation_loss_is_held_against_the_floor_not_the_training_loss():
    train_, floor = {"step": np.arange(1, 301), "loss": np.full(300, 0.1)}, Floor(1.0, "guessing")
    overfitted = {"step": np.array([300]), "loss": np.array([1.3])}
    assert at_floor(train_, overfitted, floor).code == "at_floor"
    assert at_floor(train_, {"step": np.array([300]), "loss": np.array([0.5])}, floor) is None
    assert at_floor(train_, {}, floor) is None
    assert (
        at_floor({"step": np.arange(1, 301), "loss": np.full(300, 1.1)}, {}, floor).sentence.count("in training") == 1
    )
    assert at_floor(train_, overfitted, None) is None


def test_a_learning_rate_that_is_raised_too_far_makes_it_worse():
    found = learning(trained(raise_lr_at=130, cell="rnn_tanh", lr=0.01).evidence.train)
    assert (found.code, found.severity) == ("rising", "warning")
    assert found.evidence["drop"] < 0


def test_a_loss_is_spoken_of_in_its_own_unit():
    train_ = healthy().evidence.train
    assert "bits per character" in learning(train_, BITS).sentence
    own = rnncore.findings(train=train_, floor=9.0)
    assert "bits" not in own[0].sentence
    assert "a loss of" in own[0].sentence


def test_states_speak_for_themselves():
    assert state("queued", "", 3).sentence == "Waiting for a free core: place 3 in the queue"
    assert state("interrupted", "the loop ended").severity == "warning"
    assert state("running", "") is None
    assert [one.code for one in verdict("running", "", Evidence())] == ["warming_up"]


def test_nothing_is_found_without_evidence():
    assert found_in(Evidence()) == []
    assert rnncore.findings() == []
    one_step = opened(layer(), steps=1)
    assert rnncore.findings(*one_step.values(), lag=None) == []
