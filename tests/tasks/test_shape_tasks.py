"""What holds for every task of the lecture's shapes; what each answers is recomputed in its own file."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch

from rnncore.config import CELLS, RunConfig
from rnncore.config.tasks import ShapeTasks
from rnncore.cost import estimate
from rnncore.errors import ConfigError
from rnncore.tasks import make_task
from rnncore.tasks.base import scored
from rnncore.training import train
from rnncore.training.events import Finished, Scored
from rnncore.training.trainer import Trainer

KINDS = [one.model_fields["kind"].default for one in get_args(ShapeTasks)]
TWO_WAY = [kind for kind in KINDS if not RunConfig.of(task=kind).task.feeds_back]
PICTURES = [kind for kind in KINDS if hasattr(RunConfig.of(task=kind).task, "picture")]


def config(kind: str, **values: Any) -> RunConfig:
    return RunConfig.of(
        **{"task": kind, "batch_size": 6, "hidden_size": 8, "embedding_size": 5, "cell": "gru"} | values
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_a_function_of_seed_and_step_alone(kind):
    one, same, other = (make_task(config(kind, seed=seed)) for seed in (1, 1, 2))
    for step in (0, 7):
        for first, second in zip(one.batch(step)[:2], same.batch(step)[:2], strict=True):
            assert torch.equal(first.nan_to_num(), second.nan_to_num())
        assert not torch.equal(one.batch(step)[0], other.batch(step)[0])
    assert not torch.equal(one.batch(0)[0], one.batch(1)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_examined_is_the_same_for_every_seed(kind):
    one, other = (next(iter(make_task(config(kind, seed=seed)).validation_batches())) for seed in (1, 2))
    assert torch.equal(one[0], other[0])


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_and_answers_have_the_sizes_that_the_settings_say(kind):
    task = make_task(config(kind))
    inputs, targets, _ = task.batch(0)
    assert inputs.shape == (task.sequence_length, 6, task.input_size)
    assert targets.shape[:2] == inputs.shape[:2]
    assert scored(targets).any(0).all()
    if targets.is_floating_point():
        assert targets.shape[2] == task.output_size
    else:
        assert int(targets.max()) < task.output_size


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_repeats_bit_for_bit_and_is_scored_at_both_ends(kind):
    def losses(seed: int) -> tuple[list[float], int]:
        events = list(train(config(kind, seed=seed, steps=3)))
        assert isinstance(events[-1], Finished)
        assert events[-1].state == "finished" if hasattr(events[-1], "state") else True
        return [one.loss for one in events if hasattr(one, "grad_norm")], sum(isinstance(e, Scored) for e in events)

    assert losses(1) == losses(1)
    assert losses(1)[0] != losses(2)[0]
    assert losses(1)[1] >= 2


def networks(kind: str) -> list[dict[str, Any]]:
    """The wirings that a task may have."""
    found: list[dict[str, Any]] = [{}, {"num_layers": 3, "residual": True}, {"readout_layers": 3}, {"dropout": 0.2}]
    if kind in TWO_WAY:
        found += [{"bidirectional": True, "num_layers": 2}]
    if kind in PICTURES:
        found += [{"encoder": "convolution"}]
    if kind in ("motion", "frames", "video"):
        found += [{"cell": "conv_lstm", "hidden_size": 2, "num_layers": 2}]
    return found


@pytest.mark.parametrize(("kind", "network"), [(kind, network) for kind in KINDS for network in networks(kind)])
def test_the_number_of_parameters_is_known_before_anything_is_made(kind, network):
    made = config(kind, **network)
    assert estimate(made).parameters == Trainer(made).parameter_count


@pytest.mark.parametrize(("kind", "network"), [(kind, network) for kind in KINDS for network in networks(kind)])
def test_only_a_network_of_both_directions_sees_the_future(kind, network):
    trainer = Trainer(config(kind, **network))
    trainer.model.eval()
    inputs, _, _ = trainer.task.batch(0)
    at = inputs.shape[0] // 2
    changed = inputs.clone()
    changed[at] = 1 - changed[at]
    with torch.no_grad():
        before, after = trainer.model(inputs)[0], trainer.model(changed)[0]
    if network.get("bidirectional") and at:  # of a single step there is no future
        assert not torch.equal(before[:at], after[:at])
    else:
        assert torch.equal(before[:at], after[:at])
    assert not torch.equal(before, after)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_trains_on_every_shape_that_it_fits_or_says_why_not(kind, cell):
    try:
        made = config(kind, cell=cell, hidden_size=6)
    except ConfigError as error:
        assert cell == "conv_lstm"
        assert "picture" in str(error)
        return
    trainer = Trainer(made)
    trainer.advance()
    assert trainer.step == 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in TWO_WAY])
def test_a_task_whose_answers_are_read_refuses_both_directions(kind):
    with pytest.raises(ConfigError, match=f"bidirectional must be false for task '{kind}', got true"):
        config(kind, bidirectional=True)
