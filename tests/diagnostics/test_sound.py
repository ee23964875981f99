"""Claims about what is kept of a network that goes on with a chord."""

import numpy as np
import pytest
import torch

from rnncore.config import RunConfig
from rnncore.diagnostics.live import live_measures
from rnncore.diagnostics.sound import SoundMeasure, sound
from rnncore.records import Record, Sound
from rnncore.tasks.drawn import held_out
from rnncore.tasks.sound import chords, frequency
from rnncore.training.trainer import Trainer


@pytest.fixture(scope="module")
def trainer():
    made = Trainer(RunConfig.of(task="sound", cell="orthogonal", hidden_size=12, batch_size=4, test_length=120))
    made.advance()
    return made


def test_what_is_heard_and_sung_is_what_the_network_reads_and_answers(trainer):
    found, task = sound(trainer), trainer.task
    frames = torch.from_numpy(task.frames(held_out(2), 32, 32 + 120))[:, 0]
    with torch.no_grad():
        outputs, state = trainer.model.eval()(frames[:32, None])
        sung = [outputs[-1, 0]]
        for _ in range(119):  # step by step, reading silence
            outputs, state = trainer.model(torch.zeros(1, 1, 16), state)
            sung.append(outputs[0, 0])
    np.testing.assert_allclose(found.before[:, 0], frames[:32].flatten(), atol=2e-3)
    np.testing.assert_allclose(found.truth[:, 0], frames[32:].flatten(), atol=2e-3)
    np.testing.assert_allclose(found.found[:, 0], torch.stack(sung).flatten(), atol=2e-3)
    assert (found.trained, found.piece, found.rate, len(found.names)) == (80 * 16, 80, 8000, 4)
    assert found.trained_milliseconds == 160
    columns = [[round(float(one), 2) for one in row] for row in found.notes]
    every = [[round(float(one), 2) for one in row] for row in frequency(chords(held_out(2), 32)).T]
    assert len({*map(tuple, columns)}) == 4  # no chord twice
    for n, chord in enumerate(columns):
        b = every.index(chord)
        y, s = (np.asarray(one[:, n], float).reshape(-1, 80) for one in (found.truth, found.found))
        like = (y * s).sum(1) / np.sqrt((y * y).sum(1) * (s * s).sum(1))
        np.testing.assert_allclose(found.like[:, b], like, atol=5e-3)
        np.testing.assert_allclose(found.level[:, b], (s * s).sum(1) / (y * y).sum(1), rtol=0.02)


def test_the_record_survives_the_store_and_has_a_table(trainer):
    found = sound(trainer)
    again = Record.from_bytes(found.to_bytes())
    assert isinstance(again, Sound)
    np.testing.assert_array_equal(again.found, found.found)
    table = again.frame()
    assert len(table) == found.like.size
    row = table.iloc[-1]
    assert (row.chord, row.milliseconds) == (31, pytest.approx(235))
    assert row.correlation == found.like[-1, 31]


def of(like):
    like = np.array(like, float)[:, None]
    none = np.zeros((0, 1))
    return Sound(
        step=1, names=("A3 + E4",), notes=np.array([[220.0, 330.0]]), rate=8000, before=none, truth=none, found=none,
        trained=800, like=like, level=like, piece=80,
    )  # fmt: skip


def test_a_chord_is_kept_until_it_first_falls_below_one_half():
    assert of([0.9, 0.6, 0.4, 0.9]).kept == 20
    assert of([0.1, 0.9]).kept == 0
    assert of([0.9] * 7).kept == 70


def test_a_sine_has_its_amplitude_and_its_frequency_in_the_spectrum():
    t = np.arange(4000) / 8000
    wave = (0.7 * np.sin(2 * np.pi * 330 * t + 1))[:, None]
    record = Sound(**{**vars(of([1.0])), "truth": wave, "found": 0.5 * wave})
    hertz, truth, found = record.spectrum(0)
    assert hertz[truth.argmax()] == pytest.approx(330, abs=1)
    assert truth.max() == pytest.approx(0.7, abs=0.01)
    assert found.max() == pytest.approx(0.35, abs=0.005)


def test_it_is_measured_of_sounds_and_of_nothing_else():
    def measured(task):
        return any(isinstance(one, SoundMeasure) for one in live_measures(RunConfig.of(task=task)))

    assert measured("sound")
    assert not any(map(measured, ("text", "henon", "adding", "video")))


def test_measuring_leaves_model_and_random_numbers_as_they_are(trainer):
    torch.manual_seed(4)
    before, weights = torch.get_rng_state(), [one.clone() for one in trainer.model.parameters()]
    trainer.model.train()
    sound(trainer)
    assert trainer.model.training
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, weights, trainer.model.parameters()))
