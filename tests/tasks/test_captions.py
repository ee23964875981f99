"""Claims about the captions: each recomputed by finding scikit-learn's own images in the picture."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from rnncore.config.shapes.captions import CaptionsTask as Settings
from rnncore.tasks.base import IGNORE
from rnncore.tasks.captions import CaptionsTask
from rnncore.tasks.drawn import EXAMINED

IMAGES, DIGITS = load_digits(return_X_y=True)
IMAGES = IMAGES.astype(int)
NUMBER = {image.tobytes(): n for n, image in enumerate(IMAGES)}
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def task(most=2, batch_size=64, seed=1):
    return CaptionsTask(Settings(most=most), batch_size=batch_size, seed=seed)


def found(picture):
    """Columns and numbers of scikit-learn's images in a picture (192,), from left to right."""
    canvas, column, places = np.round(16 * picture.reshape(8, 24)).astype(int), 0, []
    while column <= 24 - 8:
        number = NUMBER.get(np.ascontiguousarray(canvas[:, column : column + 8]).tobytes())
        if number is not None:
            places.append((column, number))
            canvas[:, column : column + 8] = 0
        column += 1 if number is None else 8
    assert not canvas.any()  # nothing else is in the picture
    return places


def examples(made):
    yield made.batch(3)[:2]
    yield from made.validation_batches()
    for exam in made.exams:
        yield exam.inputs, exam.targets


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_caption_names_the_digits_of_the_picture_and_each_letter_is_read_one_step_later(most):
    made = task(most)
    alphabet = made.config.alphabet
    for inputs, targets in examples(made):
        assert inputs.shape == (6 * most, targets.shape[1], 192 + 17)
        assert inputs.dtype == torch.float32
        for n in range(targets.shape[1]):
            rows = inputs[:, n].numpy()
            text = " ".join(NAMES[DIGITS[number]] for _, number in found(rows[0, :192])) + "."
            letters = [alphabet.index(letter) for letter in text]
            assert targets[:, n].tolist() == letters + [IGNORE] * (6 * most - len(letters))
            assert made.caption(targets[:, n]) == text[:-1]
            read = np.zeros((6 * most, 17))
            for t, letter in enumerate(letters[:-1]):
                read[t + 1, letter] = 1
            assert (rows[:, 192:] == read).all()
            assert not rows[1:, :192].any()


def test_digits_lie_anywhere_and_there_are_one_to_the_most():
    made = task(most=3, batch_size=900)
    places = [found(picture) for picture in made.batch(0)[0][0, :, :192].numpy()]
    sizes = [len(one) for one in places]
    assert sorted(set(sizes)) == [1, 2, 3]
    assert min(map(sizes.count, [1, 2, 3])) > 240
    assert {one[0][0] for one in places if len(one) == 1} == set(range(17))
    assert {(one[0][0], one[1][0]) for one in places if len(one) == 2} > {(0, 8), (0, 16), (8, 16), (3, 13)}


def test_no_image_that_is_examined_is_trained_on():
    made = task(most=3, batch_size=1000)

    def images(inputs):
        return {IMAGES[n].tobytes() for picture in inputs[0, :, :192].numpy() for _, n in found(picture)}

    trained = set().union(*(images(made.batch(step)[0]) for step in range(4)))
    (valid,) = made.validation_batches()
    examined = images(valid[0]) | images(made.exams[0].inputs) | images(made.stretch(18)[:1, None])
    assert len(trained) > 1350
    assert len(examined) > 250
    assert not trained & examined


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_first_caption_is_the_longest_there_may_be_and_none_is_longer_than_the_one_before(most):
    for _, targets in examples(task(most)):
        sizes = (targets != IGNORE).sum(0)
        assert sizes[0] == len(targets) == 6 * most
        assert (sizes.diff() <= 0).all()
        assert sizes[-1] < sizes[0]


def test_a_caption_counts_only_if_every_letter_is_right():
    made = task()
    (exam,) = made.exams
    assert len(exam.lengths) == EXAMINED
    outputs = torch.nn.functional.one_hot(exam.targets.clamp(min=0), 17).float()
    assert made.scores(exam.inputs, outputs, exam.targets).tolist() == [1.0] * EXAMINED
    for n in range(EXAMINED):
        outputs[n % int((exam.targets[:, n] != IGNORE).sum()), n] *= -1  # one letter wrong in each
    assert made.scores(exam.inputs, outputs, exam.targets).tolist() == [0.0] * EXAMINED
    outputs = torch.nn.functional.one_hot(exam.targets.clamp(min=0), 17).float()
    outputs[exam.targets == IGNORE] *= -1  # what is said after the stop is nobody's business
    assert made.scores(exam.inputs, outputs, exam.targets).tolist() == [1.0] * EXAMINED


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_floor_is_the_entropy_of_the_letters(most):
    made = task(most, batch_size=1000)
    targets = torch.cat([made.batch(step)[1] for step in range(10)], 1)
    answers = targets[targets != IGNORE]
    logits = (answers.bincount(minlength=17) / len(answers)).log().expand(*targets.shape, 17)
    assert float(made.loss(logits, targets)) == pytest.approx(made.floor, rel=0.01)


def test_what_it_answers_is_its_next_input():
    made = task()
    inputs, targets, _ = made.batch(0)
    answered = torch.nn.functional.one_hot(targets.clamp(min=0), 17).float()
    fed = made.own(answered, torch.zeros(targets.shape), 0.0)
    asked = targets[1:] != IGNORE
    assert fed.shape == inputs.shape
    assert torch.equal(fed[:-1][asked], inputs[1:][asked])


def test_a_caption_ends_at_its_first_stop():
    made = task()
    ids = [made.config.alphabet.index(letter) for letter in "six.nine."]
    assert made.caption(np.array(ids)) == "six"
    assert made.caption(np.array([*ids[:3], IGNORE])) == "six"


def test_steps_are_called_by_what_is_read_and_asked_for():
    made = task()
    inputs, targets = next(iter(made.validation_batches()))
    text = made.caption(targets[:, -1]).replace(" ", "␣")
    rest = len(targets) - len(text) - 1
    assert made.labels(inputs[:, -1]) == ["picture", *text] + [""] * rest
    assert made.labels(targets[:, -1]) == [*text, "."] + [""] * rest


def test_a_batch_is_a_function_of_seed_and_step_alone():
    one, other = task(), task()
    one.batch(0)
    assert torch.equal(one.batch(7)[0], other.batch(7)[0])
    for unlike in (one.batch(8), task(seed=2).batch(7)):
        assert not torch.equal(one.batch(7)[0], unlike[0])
