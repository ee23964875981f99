"""Claims about the moving shapes: each motion read off the pixels, and none of them off one frame alone."""

import cmath
import functools
import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from rnncore.config.shapes.motion import MotionTask as Settings
from rnncore.tasks.base import IGNORE
from rnncore.tasks.motion import BAR, CROSS, SQUARE, MotionTask, rendered

MOTIONS = Settings.motions


def task(noise=0.1, batch_size=32, seed=1):
    return MotionTask(Settings(noise=noise), batch_size=batch_size, seed=seed)


def around(frame):
    """Offsets (right, up) and brightness of the pixels of a frame (12, 12), from the middle of its shape."""
    middle = []
    for axis in (1, 0):  # on a circle, a middle is an angle
        total = sum(frame[r, c] * cmath.exp(2j * math.pi * (c, r)[1 - axis] / 12) for r in range(12) for c in range(12))
        middle.append(cmath.phase(total) * 12 / (2 * math.pi))
    for r in range(12):
        for c in range(12):
            yield (c - middle[0] + 6) % 12 - 6, -((r - middle[1] + 6) % 12 - 6), frame[r, c]


def fourfold(frame):
    """By how much a shape that looks the same after a quarter turn is turned, times four: as a complex number."""
    return sum(value * complex(right, up) ** 4 for right, up, value in around(frame))


def motion(frames):
    """Frames (T, 12, 12) without noise → how the shape moved, by looking at the pixels."""
    for name, axis, step in (("left", 2, -1), ("right", 2, 1), ("up", 1, -1), ("down", 1, 1)):
        if np.abs(frames[1:] - np.roll(frames[:-1], step, axis)).max() < 1e-4:
            return name
    bright = frames.sum((1, 2))
    if bright.max() > 1.5 * bright.min():  # it falls back once in six steps
        return "growing" if (np.diff(bright) > 0).mean() > 0.5 else "shrinking"
    turns = [cmath.phase(fourfold(after) / fourfold(before)) for before, after in itertools.pairwise(frames)]
    return "turning left" if np.mean(turns) > 0 else "turning right"


@functools.cache
def clips(count, noise=0.0, seed=1):
    inputs, targets, _ = task(noise, count, seed).batch(0)
    return inputs.numpy().reshape(12, count, 12, 12), targets[-1].numpy()


def test_the_answer_is_how_the_pixels_move():
    frames, answers = clips(400)
    assert set(answers) == set(range(8))
    for n, answer in enumerate(answers):
        assert motion(frames[:, n]) == MOTIONS[answer]


def test_only_the_last_step_is_asked():
    made = task()
    (exam,) = made.exams
    for inputs, targets in [made.batch(0)[:2], *made.validation_batches(), (exam.inputs, exam.targets)]:
        assert inputs.shape == (12, targets.shape[1], 144)
        assert inputs.dtype == torch.float32
        assert inputs.min() >= 0
        assert inputs.max() <= 1
        assert (targets[:-1] == IGNORE).all()
        assert (targets[-1] >= 0).all()


def test_a_shape_that_leaves_on_one_side_comes_back_on_the_other():
    right, up = np.full((1, 1), 0.0), np.full((1, 1), 5.0)
    (((frame,),),) = rendered(np.array([SQUARE]), right, up, np.full((1, 1), 1.5), right).reshape(1, 1, 1, 12, 12)
    assert np.flatnonzero(frame[5]).tolist() == [0, 1, 11]


@pytest.mark.parametrize(("shape", "area"), [(SQUARE, 4.0), (CROSS, 20 / 9), (BAR, 4 / 3)])
@pytest.mark.parametrize("size", [2.0, 2.7, 3.8])
def test_a_shape_is_as_bright_as_it_is_large_wherever_it_lies(shape, area, size):
    generator = np.random.default_rng(0)
    places, angles = generator.uniform(0, 12, (2, 300, 1)), generator.uniform(0, 2 * np.pi, (300, 1))
    bright = rendered(np.array([shape]), *places, np.full((300, 1), size), angles).sum(-1)
    assert bright.mean() == pytest.approx(area * size**2, rel=0.1)  # edges are soft
    assert bright.std() < 0.12 * bright.mean()


@pytest.mark.parametrize("pair", [("left", "right"), ("up", "down"), ("growing", "shrinking"), ("turning left", "up"),
                                  ("turning left", "turning right"), ("left", "growing")])  # fmt: skip
@pytest.mark.parametrize("t", [0, 7, 11])
def test_single_frames_are_distributed_alike_whatever_the_motion(pair, t):
    frames, answers = clips(12000, noise=0.0)
    one, other = (frames[t][answers == MOTIONS.index(name)] for name in pair)
    looks = [
        lambda frame: frame.sum((1, 2)),  # brightness
        lambda frame: (frame**2).sum((1, 2)),  # edges
        lambda frame: frame[:, 5, 5],  # a place
        lambda frame: np.abs(np.diff(frame, axis=1)).sum((1, 2)),  # direction
        lambda frame: np.abs(np.diff(frame, axis=2)).sum((1, 2)) / frame.sum((1, 2)),
    ]
    for look in looks:
        assert ks_2samp(look(one), look(other)).pvalue > 1e-4  # 90 comparisons, always of the same numbers


def test_no_frame_alone_tells_the_motion_but_two_tell_something():
    frames, answers = clips(8000)
    fit, tested = slice(0, 6000), slice(6000, None)
    middle = frames[5].reshape(8000, -1)
    moved = np.stack([(frames[5] * np.roll(frames[6], by, axis)).sum((1, 2)) for axis in (1, 2) for by in (-1, 0, 1)])
    accuracy = []
    for read in (np.hstack([middle, middle**2]), np.hstack([moved.T, frames[5:7].sum((2, 3)).T])):
        spread = (read - read[fit].mean(0)) / read[fit].std(0)
        linear = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.01).fit(spread[fit], answers[fit])
        accuracy.append(linear.score(spread[tested], answers[tested]))
    assert accuracy[0] < 1 / 8 + 4 * math.sqrt(7 / 64 / 2000)
    assert accuracy[1] > 0.4


def test_noise_is_as_large_as_it_says_and_changes_nothing_else():
    quiet, answers = clips(64, noise=0.0)
    loud, same = clips(64, noise=0.1)
    between = (quiet > 0.45) & (quiet < 0.55)  # nothing is cut off there
    assert (answers == same).all()
    assert (loud - quiet)[between].std() == pytest.approx(0.1, rel=0.15)
    assert np.abs((loud - quiet)[between].mean()) < 0.02


def test_right_answers_score_one_wrong_ones_nothing_and_equal_odds_cost_the_floor():
    made = task()
    (exam,) = made.exams
    right = torch.nn.functional.one_hot(exam.targets.clamp(min=0), 8).float()
    assert made.scores(exam.inputs, right, exam.targets).tolist() == [1.0] * len(exam.lengths)
    assert made.scores(exam.inputs, -right, exam.targets).tolist() == [0.0] * len(exam.lengths)
    assert float(made.loss(torch.zeros_like(right), exam.targets)) == pytest.approx(made.floor)
    counts = np.bincount(clips(8000)[1], minlength=8)
    assert np.abs(counts - 1000).max() < 120  # equal odds are the best that can be done unseen


def test_answers_are_called_by_their_motion():
    made = task()
    inputs, targets, _ = made.batch(0)
    assert made.labels(inputs[:, 0]) == [str(t) for t in range(1, 13)]
    assert made.labels(targets[:, 0]) == [""] * 11 + [MOTIONS[targets[-1, 0]]]


def test_a_batch_is_a_function_of_seed_and_step_alone():
    one, other = task(), task()
    one.batch(0)
    assert torch.equal(one.batch(7)[0], other.batch(7)[0])
    for unlike in (one.batch(8), task(seed=2).batch(7)):
        assert not torch.equal(one.batch(7)[0], unlike[0])


def test_no_clip_that_is_examined_begins_as_one_of_training_even_without_noise():
    made = task(noise=0.0, batch_size=2000)
    trained = made.batch(0)[0][0]
    (exam,) = made.exams
    assert torch.cdist(exam.inputs[0], trained).min() > 1e-3
