"""Claims about a run with every view on: all that the lab can show is measured at each step, and nothing changes."""

import random

import numpy as np
import pytest
import torch

from rnncore.config import RunConfig
from rnncore.diagnostics import live_measures
from rnncore.generation.quality import kept
from rnncore.training import Controls, events, train

TEXT = "the quick brown fox jumps over the lazy dog, and then sleeps until the evening comes. " * 60
STEPS = 5
TINY = {"hidden_size": 8, "batch_size": 8, "sequence_length": 10, "steps": STEPS}
OPENED = {"gradient_flow", "gate_activity", "saturation", "memory"}
"""By the probe, of every task; what follows is of every task too."""
EVERY = OPENED | {"step_jacobian", "lyapunov", "per_loss", "parameters"}
TEXTS = EVERY | {"sample", "sample_quality", "attribution", "exposure"}
SENTENCES = EVERY | {"sentence_shares", "word_tree", "intruders", "attribution", "exposure"}
CASES = {
    "text": ({"task": "text", "cell": "lstm", "num_layers": 2, "dropout": 0.3}, TEXTS),
    "text, a transformer": ({"task": "text", "cell": "transformer", "num_layers": 2}, TEXTS | {"attention"}),
    "text, a TCN": ({"task": "text", "cell": "tcn", "num_layers": 3, "dropout": 0.2}, TEXTS),
    "text, tossing coins": ({"task": "text", "cell": "gru", "epsilon": 0.5, "optimizer": "rmsprop"}, TEXTS | {"coins"}),
    "sentences": ({"task": "sentences", "cell": "rnn_tanh", "epsilon": 0.5, "dropout": 0.2}, SENTENCES | {"coins"}),
    "henon": ({"task": "henon", "cell": "gru", "optimizer": "sgd"}, EVERY | {"distributional_shift"}),
    "delayed recall": ({"task": "delayed_recall", "cell": "rnn_relu", "test_length": 20}, EVERY),
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path))


def followed(config, measures):
    """The run's events, where the next step is to be measured at each step; random numbers of everybody else too."""
    torch.manual_seed(77)
    np.random.seed(78)  # noqa: NPY002 - the global generator is what is looked at
    random.seed(79)
    controls, found = Controls(), []
    controls.measure()
    for event in train(config, text=TEXT if config.task.kind == "text" else None, controls=controls, measures=measures):
        found.append(event)
        if isinstance(event, events.Step):
            controls.measure()
    return found, [torch.rand(4).tolist(), np.random.rand(4).tolist(), random.random()]  # noqa: NPY002


@pytest.mark.parametrize("case", CASES)
def test_training_is_bit_identical_with_every_view_on_and_off(case):
    values, wanted = CASES[case]
    known = RunConfig.of(task=values["task"]).leaves
    config = RunConfig.of(**{name: value for name, value in TINY.items() if name in known} | values, budget=0.5)
    if config.task.kind == "text":
        kept.build(TEXT, 0.1)  # what a process beside a run does: the levels that quality is held against
    watched, drawn_after_it = followed(config, live_measures(config))
    plain, drawn = followed(config.changed(budget=0), [])
    measured = [event for event in watched if isinstance(event, events.Measured)]
    for kind in wanted:
        steps = [event.step for event in measured if event.record.kind == kind]
        assert steps == list(range(1, STEPS + 1)), kind
    assert not [event for event in plain if isinstance(event, events.Measured | events.Validation)]
    assert drawn_after_it == drawn
    one, other = (
        [(event.loss, event.grad_norm, event.lr) for event in found if isinstance(event, events.Step)]
        for found in (watched, plain)
    )
    assert one == other
    assert len(one) == STEPS
    ends = [found[-2].checkpoint for found in (watched, plain)]  # weights, optimiser, state, dropout's generator
    assert ends[0].tensors.keys() == ends[1].tensors.keys()
    for name, tensor in ends[0].tensors.items():
        assert torch.equal(tensor, ends[1].tensors[name]), name
