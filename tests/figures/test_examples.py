"""Claims about the answers on held-out sequences, and about the drawing of the network."""

from typing import get_args

import numpy as np
import pytest
import torch

from dashboard.figures.base import Look
from dashboard.figures.examples import frames, odds, strip
from dashboard.figures.wiring import SHAPES, wiring
from dashboard.widgets.lecture.shape_outcomes import known_from
from dashboard.widgets.lecture.shapes import SHAPES as PAGES
from rnncore.config import RunConfig
from rnncore.config.tasks import ShapeTasks
from rnncore.diagnostics.examples import examples
from rnncore.records import Record
from rnncore.tasks.drawn import held_out
from rnncore.training.trainer import Trainer

KINDS = [one.model_fields["kind"].default for one in get_args(ShapeTasks) if one.shown]


def record(kind, **values):
    trainer = Trainer(RunConfig.of(task=kind, cell="gru", hidden_size=8, batch_size=4, **values))
    trainer.advance()
    return examples(trainer), trainer


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_is_what_the_network_answers_on_held_out_sequences(kind):
    found, trainer = record(kind)
    inputs, targets = next(iter(trainer.task.validation_batches()))
    outputs = trainer.model.eval()(inputs)[0].detach()
    scores = trainer.task.scores(inputs, outputs, targets)
    pixels = found.pictures.shape[2]
    for n in range(len(found.scores)):
        column = next(
            b for b in range(inputs.shape[1])
            if np.array_equal(targets[:, b].numpy().astype(found.targets.dtype), found.targets[:, n], equal_nan=True)
            and float(scores[b]) == pytest.approx(float(found.scores[n]))
            and list(found.read[n]) == trainer.task.labels(inputs[:, b])
            and np.allclose(found.pictures[: len(inputs), n], inputs[: len(found.pictures), b, :pixels], atol=1e-3)
        )  # fmt: skip
        wanted = outputs.softmax(-1) if found.choices else outputs.sigmoid()
        np.testing.assert_allclose(found.answers[:, n], wanted[:, column].numpy(), atol=1e-3)
    again = Record.from_bytes(found.to_bytes())
    assert again.names == found.names
    np.testing.assert_array_equal(again.answers, found.answers)
    assert len(found.frame())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_kind_is_drawn_with_the_odds_of_each_answer(kind, mode):
    found, _ = record(kind)
    for n in (0, 3, 99):
        figure = (odds if found.choices else frames)(found, Look(mode), n=n)
        assert figure.data
    if kind == "image":  # a single step has no time to be drawn along
        np.testing.assert_allclose(sum(figure.data[0].x), 1, atol=5e-3)
        assert sum(width > 0 for width in figure.data[0].marker.line.width) == 1
    elif found.choices:
        z = np.array(figure.data[0].z, float)
        assert z.shape[0] == len(found.names)
        np.testing.assert_allclose(z.sum(0), 1, atol=5e-3)
        asked = found.targets[:, -1] >= 0
        assert len(figure.layout.shapes) == asked.sum()


def test_before_the_first_record_a_sentence_stands_there():
    for draw in (odds, frames):
        assert "first" in draw(None).layout.annotations[0].text


def test_frames_stand_side_by_side_with_gaps():
    image = strip(np.arange(12.0).reshape(3, 4), (2, 2))
    assert image.shape == (2, 8)
    assert image[:, 3:5].tolist() == [[4, 5], [6, 7]]
    assert np.isnan(image[:, 2]).all()


def test_a_film_that_goes_on_alone_reads_what_it_predicted():
    found, trainer = record("video")
    inputs, _ = next(iter(trainer.task.validation_batches()))
    model = trainer.model.eval()
    state, film = None, inputs[: found.context, :1]
    outputs, state = model(film)
    for step in range(3):
        frame = outputs[-1:].sigmoid()
        np.testing.assert_allclose(found.free[step, 0], frame[0, 0].detach().numpy(), atol=1e-3)
        outputs, state = model(frame, state)
    np.testing.assert_array_equal(found.truth[0, 0], inputs[found.context, 0].numpy())


@pytest.mark.parametrize("scene", ["square", "digits"])
@pytest.mark.parametrize("steps", [3, 12, 40])
def test_a_film_left_alone_is_held_against_the_true_one_however_long_those_of_training_are(scene, steps):
    found, trainer = record("video", scene=scene, sequence_length=steps, test_length=50)
    context = min(steps, 8)
    assert found.context == context
    films = trainer.task.clip(held_out(0), 256, context + 32)
    shown = [round(at) for at in np.linspace(0, 255, 8)]
    np.testing.assert_allclose(found.truth, films[context : context + 16, shown], atol=1e-3)
    model, alone = trainer.model.eval(), []
    outputs, state = model(torch.from_numpy(films[:context, shown]))
    for _ in range(16):
        alone.append(outputs[-1].sigmoid())
        outputs, state = model(alone[-1][None], state)
    own, true = torch.stack(alone).detach().numpy() > 0.5, films[context : context + 16, shown] > 0.5
    both, either = (own & true).sum(-1), (own | true).sum(-1)
    np.testing.assert_allclose(found.overlap[:16, :8], both / np.maximum(either, 1), atol=0.03)  # a pixel at .5
    last = films[context - 1, shown] > 0.5
    np.testing.assert_allclose(found.copied[:16, :8], (last & true).sum(-1) / (last | true).sum(-1), atol=1e-6)
    assert found.overlap.shape == found.copied.shape == (32, 64)


def test_an_older_record_of_a_film_is_read_without_what_it_had_not_measured():
    found, _ = record("video")
    older = {name: value for name, value in vars(found).items() if name not in ("overlap", "copied")}
    again = Record.from_bytes(type(found)(**older).to_bytes())
    assert again.overlap.size == 0
    assert frames(again).data


def test_a_network_knows_from_the_frame_on_at_which_it_stays_right():
    found, _ = record("motion")
    answers = np.zeros_like(found.answers)
    answers[:, :, 0] = 1
    targets = found.targets.copy()
    targets[-1] = 0
    answers[3, 0] = 0  # in doubt once more at the fourth frame
    answers[-1, 1] = 0  # wrong at the end: not counted
    changed = type(found)(**{**vars(found), "answers": answers, "targets": targets})
    known = known_from(changed)
    assert known[0] == 5
    assert list(known[1:]) == [1] * (len(found.scores) - 2)


@pytest.mark.parametrize("page", PAGES)
def test_the_drawing_has_a_box_for_each_layer_and_step(page):
    for config in PAGES[page].variants:
        kind, model = config.task.kind, config.model
        figure = wiring(kind, model)
        assert kind in SHAPES
        steps = len(SHAPES[kind].reads)
        boxes = steps * model.num_layers * (2 if model.bidirectional else 1)
        boxes += sum(map(bool, SHAPES[kind].reads)) * (model.encoder == "convolution")
        boxes += sum(map(bool, SHAPES[kind].answers)) * (model.readout_layers > 1)
        assert len(figure.layout.shapes) == boxes
