"""Claims about the films: each next frame recomputed from what moves in the ones before."""

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from rnncore.config.shapes.video import VideoTask as Settings
from rnncore.tasks.base import scored
from rnncore.tasks.digits import HELD_OUT, DigitsTask
from rnncore.tasks.drawn import held_out
from rnncore.tasks.video import VideoTask, mean_overlap

SCENES = ["square", "digits"]
IMAGES = np.float32(load_digits().images / 16)


def task(scene="square", batch_size=32, seed=1, **values):
    return VideoTask(Settings(scene=scene, **values), batch_size=batch_size, seed=seed)


def seeded(seed=3):
    return np.random.default_rng(seed)


def batches(made):
    yield made.batch(4)[:2]
    yield from made.validation_batches()
    for exam in made.exams:
        yield exam.inputs, exam.targets


def corner(frame):
    """The upper left corner of the square, (row, column), of a frame (144,)."""
    bright = set(zip(*np.nonzero(frame.reshape(12, 12)), strict=True))
    assert set(frame[frame != 0]) == {1.0}
    (found,) = [place for place in bright if two_by_two(place) == bright]
    return found


def two_by_two(place):
    return {((place[0] + r) % 12, (place[1] + c) % 12) for r in (0, 1) for c in (0, 1)}


def test_the_square_goes_on_as_it_went_from_the_first_frame_to_the_second():
    seen = set()
    for inputs, targets in batches(task()):
        assert inputs.shape == targets.shape
        assert inputs.dtype == targets.dtype == torch.float32
        for n in range(min(inputs.shape[1], 100)):
            first, second = corner(inputs[0, n].numpy()), corner(inputs[1, n].numpy())
            velocity = tuple((b - a + 1) % 12 - 1 for a, b in zip(first, second, strict=True))
            seen.add(velocity)
            for t in range(1, len(inputs)):
                place = tuple((a + (t + 1) * v) % 12 for a, v in zip(first, velocity, strict=True))
                assert corner(targets[t, n].numpy()) == place
    assert seen == set(itertools.product((-1, 0, 1), repeat=2)) - {(0, 0)}


def bounced(frames):
    """Rows or columns (frames,) of whatever stands or moves by one from wall 0 to wall 8: each way it can."""
    ways = {(place,) * frames for place in range(9)}
    for place, velocity in itertools.product(range(9), (-1, 1)):
        way = []
        for _ in range(frames):
            way.append(place)
            velocity = -velocity if not 0 <= place + velocity <= 8 else velocity
            place += velocity
        ways.add(tuple(way))
    return sorted(ways)


def explained(film):
    """Frames (T, 16, 16) → the numbers of scikit-learn's images that by moving and bouncing make up all of them.

    A frame is at least as bright as each digit in it. So the darkest that a place of a moving window ever is bounds the
    digit that moves with it.
    """
    fitting = []
    for rows, columns in itertools.product(bounced(len(film)), repeat=2):
        if len(set(rows)) == len(set(columns)) == 1:
            continue  # one of them moves
        darkest = np.min([frame[r : r + 8, c : c + 8] for frame, r, c in zip(film, rows, columns, strict=True)], 0)
        if darkest.sum() > 5:
            fitting += [(n, rows, columns) for n in np.flatnonzero((darkest >= IMAGES).all((1, 2)))]
    for pair in itertools.combinations_with_replacement(fitting, 2):
        made = np.zeros_like(film)
        for n, rows, columns in pair:
            for frame, r, c in zip(made, rows, columns, strict=True):
                frame[r : r + 8, c : c + 8] = np.maximum(frame[r : r + 8, c : c + 8], IMAGES[n])
        if (made == film).all():
            return {int(pair[0][0]), int(pair[1][0])}
    raise AssertionError("two bouncing digits do not explain this film")


def whole(inputs, targets, n):
    """One film: what is read, and the last frame that is answered."""
    film = torch.cat([inputs[:, n], targets[-1:, n]]).numpy()
    return film.reshape(len(film), 16, 16)


def test_two_bouncing_digits_explain_the_films_and_none_that_is_examined_is_trained_on():
    made = task("digits")
    (pieces,) = DigitsTask(Settings(scene="digits"), batch_size=1).validation_batches()
    examined = {image.tobytes() for image in pieces[0].swapaxes(0, 1).numpy()}
    assert len(examined) == HELD_OUT
    (valid,) = made.validation_batches()
    for (inputs, targets), held in ((made.batch(0)[:2], False), (valid, True), (tensors(made.exams[0]), True)):
        for n in range(6):
            for image in explained(whole(inputs, targets, n)):
                assert (IMAGES[image].tobytes() in examined) == held


def tensors(exam):
    return exam.inputs, exam.targets


@pytest.mark.parametrize("scene", SCENES)
def test_what_is_answered_is_what_is_read_next_and_nothing_is_asked_before_the_velocity_can_be_known(scene):
    for inputs, targets in batches(task(scene)):
        assert targets[0].isnan().all()
        assert scored(targets).sum() == (len(inputs) - 1) * inputs.shape[1]
        assert torch.equal(targets[1:-1], inputs[2:])


def test_films_of_training_never_come_where_those_that_are_examined_begin():
    """Also not in the frame that is answered last."""
    made = task(batch_size=1000)
    trained = set()
    for step in range(4):
        inputs, targets, _ = made.batch(step)
        trained |= {corner(frame) for frame in torch.cat([inputs, targets[-1:]]).flatten(0, 1).numpy()}
    (valid,) = made.validation_batches()
    firsts = [valid[0][0], *(exam.inputs[0] for exam in made.exams), made.stretch(1)]
    examined = {corner(frame) for frame in torch.cat(firsts).numpy()}
    assert examined == {(row, column) for row in range(5) for column in range(5)}
    assert len(trained) == 144 - 25
    assert not trained & examined


@pytest.mark.parametrize("scene", SCENES)
def test_a_longer_clip_of_the_same_random_numbers_goes_on_where_the_shorter_one_ended(scene):
    made = task(scene)
    both = [(held_out(7), held_out(7)), *([(seeded(), seeded())] if scene == "digits" else [])]
    for generators in both:  # which squares stay out of the corner depends on the length of the film
        short, long = (made.clip(one, 20, length) for one, length in zip(generators, (5, 33), strict=True))
        assert (long[:5] == short).all()
    inputs, _ = made.draw(held_out(1), 20)
    assert (made.clip(held_out(1), 20, 99)[: len(inputs)] == inputs).all()


def film(*frames):
    """Frames given by their bright pixels → (T, 1, 144)."""
    made = torch.zeros(len(frames), 1, 144)
    for frame, bright in zip(made, frames, strict=True):
        frame[0, list(bright)] = 1
    return made


def test_the_score_is_the_mean_overlap_of_the_frames_that_are_asked_for():
    made = task()
    targets = film({5}, {0, 1, 2, 3}, {0, 1, 2, 3}, set())
    targets[0] = math.nan
    found = film({9}, {0, 1}, {2, 3, 4, 5}, set())
    logits = 20 * found - 10
    expected = (2 / 4 + 2 / 6 + 1) / 3
    assert float(made.scores(found, logits, targets)) == pytest.approx(expected)
    assert float(mean_overlap(found, targets)) == pytest.approx(expected)


@pytest.mark.parametrize("scene", SCENES)
def test_the_truth_scores_one_and_darkness_chance(scene):
    made = task(scene)
    for exam in made.exams:
        bright = torch.where(exam.targets > 0.5, 10.0, -10.0)
        assert made.scores(exam.inputs, bright, exam.targets).tolist() == [1.0] * len(exam.lengths)
        dark = made.scores(exam.inputs, torch.full_like(bright, -10), exam.targets)
        assert dark.tolist() == [made.config.chance] * len(exam.lengths)


def test_the_last_frame_again_overlaps_by_two_of_six_pixels_straight_on_and_one_of_seven_aslant():
    made = task(batch_size=4000)
    inputs, targets, _ = made.batch(0)
    scores = mean_overlap(inputs, targets)
    assert np.unique(scores.numpy().round(5)) == pytest.approx([1 / 7, 1 / 3], abs=1e-4)
    aslant = (scores < 0.2).float().mean()  # fewer than half: most of them would come into the corner
    assert 0.05 < float(aslant) < 0.5


def test_the_loss_is_the_cross_entropy_of_the_pixels_of_frames_that_are_asked_for():
    made = task("digits", batch_size=3)
    _, targets, _ = made.batch(0)
    logits = torch.randn(targets.shape, generator=torch.Generator().manual_seed(0))
    p, y = logits[1:].double().sigmoid(), targets[1:].double()
    expected = -(y * p.log() + (1 - y) * (1 - p).log()).mean()
    assert float(made.loss(logits, targets)) == pytest.approx(float(expected), rel=1e-5)
    outputs = logits.clone().requires_grad_()
    made.loss(outputs, targets).backward()
    assert outputs.grad.isfinite().all()
    assert not outputs.grad[0].any()


def test_the_floor_of_the_digits_is_the_loss_of_their_mean_picture_which_is_nowhere_bright():
    made = task("digits", batch_size=3000)
    _, targets, _ = made.batch(0)
    mean = targets[1:].mean((0, 1)).clamp(1e-9, 1)
    assert float(made.loss(mean.logit().expand_as(targets), targets)) == pytest.approx(made.floor, rel=0.01)
    assert mean.max() < 0.5
    (valid,) = made.validation_batches()
    assert float(made.loss(mean.logit().expand_as(valid[1]), valid[1])) == pytest.approx(made.floor, rel=0.03)


def test_the_floor_of_the_square_is_the_loss_of_not_knowing_where_it_is():
    made = task()
    (valid,) = made.validation_batches()
    grey = torch.full_like(valid[1], 4 / 144).logit()
    assert float(made.loss(grey, valid[1])) == pytest.approx(made.floor, rel=1e-4)
