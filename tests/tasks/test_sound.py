"""Claims about the sound that goes on."""

import math

import numpy as np
import pytest
import torch

from rnncore.config import RunConfig
from rnncore.tasks import make_task
from rnncore.tasks.drawn import held_out
from rnncore.tasks.sound import chord_names, chords, frequency


def task(**values):
    return make_task(RunConfig.of(task="sound", **values))


def seeded(seed=3):
    return np.random.default_rng(seed)


def test_a_sound_is_the_sum_of_two_notes_and_their_overtones_and_of_nothing_else():
    """Least squares over sine and cosine of the six frequencies explains every sample of every chord."""
    made = task()
    sound = made.frames(seeded(), 20, 100).swapaxes(1, 2).reshape(-1, 20)
    notes = chords(seeded(), 20)
    t = np.arange(len(sound)) / 8000
    for n in range(20):
        tones = [220 * 2 ** (note / 12) * k for note in notes[:, n] for k in (1, 2, 3)]
        basis = np.array([f(2 * np.pi * one * t) for one in tones for f in (np.sin, np.cos)]).T
        weights, *_ = np.linalg.lstsq(basis, sound[:, n], rcond=None)
        np.testing.assert_allclose(basis @ weights, sound[:, n], atol=2e-3)
        loud = np.hypot(weights[::2], weights[1::2]).reshape(2, 3)
        assert (loud / loud.max() > 0.3 * 0.33 * 0.99).all()
        assert (loud**2).sum() / 2 == pytest.approx(1, abs=1e-3)


def test_what_is_examined_are_thirds_and_fifths_and_training_has_all_other_intervals():
    trained, examined = (chords(one, 4000) for one in (seeded(), held_out(5)))
    assert set((examined[1] - examined[0]).tolist()) == {3, 7}
    assert set((trained[1] - trained[0]).tolist()) == set(range(1, 13)) - {3, 7}
    assert set(trained.ravel()) == set(range(13))
    assert len(set(map(tuple, trained.T))) == 78 - 10 - 6
    assert len(set(map(tuple, examined.T))) == 10 + 6


def test_a_chord_is_heard_then_there_is_silence_and_the_next_frame_is_asked_for():
    made = task(heard=5, continuation=7)
    frames = made.frames(seeded(), 3, 12)
    inputs, targets = made.draw(seeded(), 3)
    assert inputs.shape == targets.shape == (11, 3, 16)
    assert made.sequence_length == 11
    np.testing.assert_array_equal(inputs[:5], frames[:5])
    assert not inputs[5:].any()
    assert np.isnan(targets[:4]).all()
    np.testing.assert_array_equal(targets[4:], frames[5:])
    assert made.symbols(inputs[:, 0]) == ["♪"] * 5 + [""] * 6


@pytest.mark.parametrize("generator", [seeded, lambda: held_out(2)])
def test_a_longer_sound_of_the_same_random_numbers_goes_on_where_the_shorter_one_ended(generator):
    made = task()
    np.testing.assert_array_equal(made.frames(generator(), 4, 200)[:50], made.frames(generator(), 4, 50))


def test_silence_costs_the_floor_and_is_like_nothing_and_the_truth_is_like_itself():
    made = task()
    inputs, targets = map(torch.from_numpy, made.draw(held_out(1), 200))
    silence = torch.zeros_like(targets)
    assert float(made.loss(silence, targets)) == pytest.approx(made.floor, abs=0.05)
    assert made.scores(inputs, silence, targets).tolist() == [made.config.chance] * 200
    truth = targets.nan_to_num(7.0)
    assert made.scores(inputs, truth, targets).numpy() == pytest.approx(1, abs=1e-5)
    assert made.scores(inputs, -0.1 * truth, targets).numpy() == pytest.approx(-1, abs=1e-5)
    assert float(made.loss(truth, targets)) == 0


def test_the_score_is_the_correlation_of_the_samples_that_are_asked_for():
    made = task(heard=3, continuation=4)
    inputs, targets = map(torch.from_numpy, made.draw(seeded(), 2))
    outputs = torch.randn(targets.shape, generator=torch.Generator().manual_seed(1))
    for n, score in enumerate(made.scores(inputs, outputs, targets).tolist()):
        y, s = targets[2:, n].double().flatten(), outputs[2:, n].double().flatten()
        assert score == pytest.approx(float(y @ s / math.sqrt(float(y @ y) * float(s @ s))), abs=1e-6)


def test_notes_are_those_of_the_tempered_scale_from_a3_on():
    assert frequency(np.array([0, 12])).tolist() == pytest.approx([220, 440])
    assert float(frequency(np.array(3))) == pytest.approx(261.626, abs=1e-3)  # middle C
    assert chord_names(np.array([[0, 2, 3], [7, 12, 6]])) == ["A3 + E4", "B3 + A4", "C4 + D♯4"]


def test_the_examination_goes_up_to_four_times_the_length_of_training():
    made = task(continuation=10, test_length=40)
    assert made.lengths == [10, 18, 25, 32, 40]
    for exam in made.exams:
        asked = ~exam.targets.isnan().any(-1)
        assert asked.sum(0).tolist() == exam.lengths.tolist()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"heard": 0}, "heard must be >= 1, got 0; use a value between 1 and 200"),
        ({"continuation": 50, "test_length": 20}, "test_length must be >= continuation, got 20 and 50"),
        ({"cell": "conv_lstm"}, "cell must be another one for task 'sound', got 'conv_lstm'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(values, sentence):
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        RunConfig.of(task="sound", **values)
