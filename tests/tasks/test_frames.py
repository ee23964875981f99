"""Claims about the labels of frames: each recomputed by shifting the frame before, and by looking at the outline."""

import itertools

import numpy as np
import pytest
import torch

from rnncore.config.shapes.frames import FramesTask as Settings
from rnncore.tasks.frames import FramesTask

NAMES = Settings().names
SHIFTS = {"standing": (0, 0), "left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}


def task(noise=0.0, batch_size=64, seed=1):
    return FramesTask(Settings(noise=noise), batch_size=batch_size, seed=seed)


def shape(frame):
    """Of a frame (12, 12) without noise: all rows of a square are alike, those of a cross are not."""
    alike = np.outer(frame.sum(1), frame.sum(0)) / frame.sum()
    return "square" if np.abs(frame - alike).sum() < 0.21 * frame.sum() else "cross"


def motion(before, after):
    """The shift of the frame before that gives the one after."""
    (found,) = [name for name, shift in SHIFTS.items() if np.abs(np.roll(before, shift, (0, 1)) - after).max() < 1e-4]
    return found


def labels(frames):
    """Frames (T, 12, 12) → the label of each."""
    motions = ["standing", *(motion(*pair) for pair in itertools.pairwise(frames))]
    return [f"{shape(frame)} {what}" for frame, what in zip(frames, motions, strict=True)]


def test_each_label_says_what_the_frame_shows_and_how_it_came_from_the_one_before():
    made = task()
    (exam,) = made.exams
    for inputs, targets in [made.batch(5)[:2], *made.validation_batches(), (exam.inputs, exam.targets)]:
        assert inputs.shape == (20, targets.shape[1], 144)
        assert inputs.dtype == torch.float32
        for n in range(targets.shape[1]):
            frames = inputs[:, n].numpy().reshape(20, 12, 12)
            assert [NAMES[one] for one in targets[:, n]] == labels(frames)


def test_all_ten_labels_occur_after_each_other_every_few_frames_and_the_shape_stays():
    _, targets, _ = task(batch_size=2000).batch(0)
    motions = (targets % 5).numpy()
    assert (targets // 5 == targets[0] // 5).all()
    assert set(targets.flatten().tolist()) == set(range(10))
    runs = [[len(list(run)) for _, run in itertools.groupby(column)] for column in motions[1:].T]
    assert {size for row in runs for size in row[:-1]} == {2, 3, 4, 5}  # the last one is cut off
    assert max(row[-1] for row in runs) <= 5
    turns = {pair for column in motions[1:].T for pair in itertools.pairwise(column) if pair[0] != pair[1]}
    assert len(turns) == 5 * 4


def test_one_frame_alone_does_not_tell_the_motion():
    inputs, targets, _ = task(batch_size=4000).batch(0)
    frames, motions = inputs[7].double(), targets[7] % 5
    for look in (frames, frames.sum(1, keepdim=True), (frames**2).sum(1, keepdim=True)):
        for one, other in itertools.combinations(range(5), 2):
            mine, theirs = look[motions == one], look[motions == other]
            error = (mine.var(0) / len(mine) + theirs.var(0) / len(theirs)).sqrt()
            assert ((mine.mean(0) - theirs.mean(0)).abs() < 5 * error).all()


def test_noise_is_as_large_as_it_says_and_changes_no_label():
    (quiet, answers, _), (loud, same, _) = task().batch(2), task(noise=0.1).batch(2)
    between = (quiet > 0.45) & (quiet < 0.55)  # nothing is cut off there
    assert torch.equal(answers, same)
    assert float((loud - quiet)[between].std()) == pytest.approx(0.1, rel=0.1)
    assert loud.min() >= 0
    assert loud.max() <= 1


def test_the_score_is_the_share_of_frames_and_the_best_guess_scores_chance():
    made = task(batch_size=4000)
    inputs, targets, _ = made.batch(0)
    right = torch.nn.functional.one_hot(targets, 10).float()
    assert made.scores(inputs, right, targets).unique().tolist() == [1.0]
    right[:5] *= -1
    assert made.scores(inputs, right, targets).unique().tolist() == [0.75]
    guesses = [float((targets == one).float().mean()) for one in range(10)]
    assert max(guesses) == pytest.approx(made.config.chance, rel=0.05)
    assert guesses.index(max(guesses)) in (0, 5)


def test_the_floor_is_the_entropy_of_the_labels():
    made = task(batch_size=4000)
    _, targets, _ = made.batch(0)
    shares = targets.flatten().bincount() / targets.numel()
    assert float(made.loss(shares.log().expand(*targets.shape, 10), targets)) == pytest.approx(made.floor, rel=0.005)


def test_frames_are_called_by_their_numbers_and_labels_by_their_names():
    made = task()
    inputs, targets, _ = made.batch(0)
    assert made.labels(inputs[:, 0]) == [str(t) for t in range(1, 21)]
    assert made.labels(targets[:, 0]) == labels(inputs[:, 0].numpy().reshape(20, 12, 12))


def test_a_batch_is_a_function_of_seed_and_step_alone():
    one, other = task(0.1), task(0.1)
    one.batch(0)
    assert torch.equal(one.batch(7)[0], other.batch(7)[0])
    for unlike in (one.batch(8), task(0.1, seed=2).batch(7)):
        assert not torch.equal(one.batch(7)[0], unlike[0])


def test_no_clip_that_is_examined_begins_as_one_of_training_even_without_noise():
    made = task(batch_size=2000)
    (exam,) = made.exams
    assert torch.cdist(exam.inputs[0], made.batch(0)[0][0]).min() > 1e-3
