"""Claims about the tasks whose truth is known: each answer recomputed in the plainest way from what is read."""

from typing import get_args

import numpy as np
import pytest
import torch

from rnncore.config import RunConfig
from rnncore.config.tasks import KnownTasks
from rnncore.cost import estimate
from rnncore.errors import ConfigError
from rnncore.records import LengthScores
from rnncore.tasks import make_task
from rnncore.tasks.base import IGNORE, scored
from rnncore.tasks.drawn import DrawnTask
from rnncore.training import train
from rnncore.training.events import Measured, Scored
from rnncore.training.trainer import Trainer

KINDS = [one.model_fields["kind"].default for one in get_args(KnownTasks)]
SMALL = {
    "delayed_recall": {"sequence_length": 6, "test_length": 9},
    "adding": {"sequence_length": 8, "test_length": 12},
    "copy_memory": {"delay": 3, "test_delay": 7},
    "temporal_order": {"sequence_length": 15, "test_length": 30},
    "parity": {"sequence_length": 6, "test_length": 20},
    "anbn": {"n_max": 5, "n_test": 9},
    "dyck": {"sequence_length": 11, "test_length": 21, "depth": 3},
    "digits": {},
    "sign_of_sum": {"sequence_length": 6, "test_length": 12},
}


def config(kind, **values):
    usual = {"task": kind, "batch_size": 12, "hidden_size": 8, "cell": "gru"}
    return RunConfig.of(**usual | SMALL[kind] | values)


def task(kind, **values):
    made = make_task(config(kind, **values))
    assert isinstance(made, DrawnTask)
    return made


def read(kind, inputs):
    """One sequence (T, D) → what a person would read off it."""
    if kind in ("adding", "digits"):
        return inputs.double()
    if kind in ("parity", "sign_of_sum"):
        return inputs[:, 0].double().tolist()
    assert set(inputs.sum(-1).tolist()) <= {0.0, 1.0}  # one-hot, or padding
    return [int(row.argmax()) if row.any() else None for row in inputs]


def last(value, steps):
    return [None] * (steps - 1) + [value]


def delayed_recall(ids):
    assert ids[1:] == [8] * (len(ids) - 1)
    return last(ids[0], len(ids))


def adding(rows):
    half = len(rows) // 2
    assert rows[:half, 1].sum() == rows[half:, 1].sum() == 1
    return last(float((rows[:, 0] * rows[:, 1]).sum()), len(rows))


def copy_memory(ids):
    pause = ids[10:]
    assert pause.count(9) == 1
    assert pause == [8] * (len(ids) - 21) + [9] + [8] * 10
    return [8] * (len(ids) - 10) + ids[:10]


def temporal_order(ids):
    (first, one), (second, other) = [(t, letter) for t, letter in enumerate(ids) if letter >= 4]
    tenth = len(ids) / 10
    assert round(tenth) <= first < round(2 * tenth)
    assert round(5 * tenth) <= second < round(6 * tenth)
    return last([(4, 4), (4, 5), (5, 4), (5, 5)].index((one, other)), len(ids))


def parity(bits):
    odd, found = 0, []
    for bit in bits:
        odd ^= bit == 1
        found.append(int(odd))
    return found


def anbn(ids):
    word = [one for one in ids if one is not None]
    n = word.count(0)
    assert word == [2] + [0] * n + [1] * n
    return [*word[1:], 2] + [None] * (len(ids) - len(word))


def dyck(ids):
    word = [one for one in ids if one is not None]
    stack = []
    assert word[0] == 4
    for symbol in word[1:]:
        if symbol < 2:
            stack.append(symbol)
        else:
            assert stack.pop() == symbol - 2
        assert len(stack) <= 3
    assert not stack
    return [*word[1:], 4] + [None] * (len(ids) - len(word))


def digits(rows):
    from sklearn.datasets import load_digits

    images, names = load_digits(return_X_y=True)
    (found,) = np.flatnonzero((images == rows.flatten().numpy() * 16).all(1))
    return last(int(names[found]), len(rows))


def sign_of_sum(numbers):
    size = max(t for t, number in enumerate(numbers) if number) + 1
    answers = [None] * len(numbers)
    answers[size - 1] = int(sum(numbers) > 0)
    return answers


def asked_for(targets):
    """One sequence's targets → answers, None where none is asked for."""
    if targets.is_floating_point():
        return [None if one.isnan() else float(one) for one in targets[:, 0]]
    return [None if one == IGNORE else one for one in targets.tolist()]


@pytest.mark.parametrize("kind", KINDS)
def test_each_answer_follows_from_what_was_read(kind):
    made = task(kind)
    exams = [(exam.inputs, exam.targets) for exam in made.exams]
    for inputs, targets in [made.batch(1)[:2], *made.validation_batches(), *exams]:
        for n in range(min(inputs.shape[1], 40)):
            wanted = globals()[kind](read(kind, inputs[:, n]))
            found = asked_for(targets[:, n])
            if kind == "adding":
                assert found.pop() == pytest.approx(wanted.pop(), rel=1e-6)
            assert found == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_a_function_of_seed_and_step_alone(kind):
    one, other = task(kind), task(kind)
    one.batch(0)
    for step in (7, 0, 10**9):
        for mine, theirs in zip(one.batch(step)[:2], other.batch(step)[:2], strict=True):
            assert torch.equal(mine.nan_to_num(-1), theirs.nan_to_num(-1))
    for unlike in (one.batch(8), task(kind, seed=2).batch(7)):
        assert not torch.equal(one.batch(7)[0], unlike[0])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_examined_is_the_same_for_every_seed_and_longer_than_training_where_it_says_so(kind):
    one, other = task(kind, seed=1), task(kind, seed=2, batch_size=5)
    (mine,), (theirs,) = one.validation_batches(), other.validation_batches()
    assert torch.equal(mine[0], theirs[0])
    assert len(mine[0]) == one.sequence_length
    assert [len(exam.inputs) for exam in one.exams] == [len(exam.inputs) for exam in other.exams]
    leaf = one.config.test_leaf
    longest = max(int(exam.lengths.max()) for exam in one.exams)
    assert longest == (getattr(one.config, leaf) if leaf else one.sequence_length)
    for exam in one.exams:
        assert torch.equal(exam.inputs, next(e.inputs for e in other.exams if (e.lengths == exam.lengths).all()))


def test_no_digit_that_is_examined_is_trained_on():
    made = task("digits", batch_size=1000)
    trained = {image.tobytes() for step in range(4) for image in made.batch(step)[0].swapaxes(0, 1).numpy()}
    examined = {image.tobytes() for image in made.exams[0].inputs.swapaxes(0, 1).numpy()}
    assert len(examined) == 360
    assert len(trained) > 1200
    assert not trained & examined


def best_constant(made, draws=40):
    """Loss of the best answers that take no notice of what was read, by counting."""
    by_place = made.config.kind == "copy_memory"  # there it is known when to answer
    batches = [made.batch(step) for step in range(draws)]
    targets = torch.cat([targets for _, targets, _ in batches], 1)
    if targets.is_floating_point():
        values = targets[scored(targets)].double()
        return float((values - values.mean()).square().mean())
    losses, count = 0.0, 0
    for row in targets if by_place else [targets.flatten()]:
        answers = row[row != IGNORE]
        frequencies = answers.bincount().double() / len(answers)
        losses -= float((frequencies[frequencies > 0]).log().mul(frequencies[frequencies > 0]).sum()) * len(answers)
        count += len(answers)
    return losses / count


@pytest.mark.parametrize("kind", KINDS)
def test_the_floor_is_the_loss_of_the_best_answers_that_ignore_what_was_read(kind):
    made = task(kind, batch_size=1000)
    assert best_constant(made) == pytest.approx(made.floor, rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_right_answers_score_full_marks_and_constant_ones_chance(kind):
    made = task(kind)
    for exam in made.exams:
        if kind == "adding":
            perfect, blind = exam.targets, torch.ones_like(exam.targets)
        else:
            answers = torch.where(exam.targets == IGNORE, 0, exam.targets)
            perfect = torch.nn.functional.one_hot(answers, made.output_size).float()
            blind = torch.zeros(made.output_size)
            blind[1] = 1.0
            if kind == "dyck":
                blind[2] = 0.5  # always the same closing one, of the two
            blind = blind.expand_as(perfect)
        full = made.scores(exam.inputs, perfect, exam.targets)
        assert full.tolist() == [0.0 if kind == "adding" else 1.0] * len(exam.lengths)
        constant = float(made.scores(exam.inputs, blind, exam.targets).mean())
        spread = 0.1 if kind == "adding" else 0.25
        assert constant == pytest.approx(made.config.chance, abs=spread)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_neither_answers_nor_loss(kind):
    made = task(kind)
    model = Trainer(config(kind)).model.double()
    inputs, targets, _ = made.batch(3)
    outputs, _ = model(inputs.double())
    losses = []
    for n in range(inputs.shape[1]):
        asked = scored(targets)[:, n]
        end = int(asked.nonzero().max()) + 1
        alone, _ = model(inputs[:end, n : n + 1].double())
        torch.testing.assert_close(outputs[:end, n : n + 1], alone, rtol=1e-12, atol=1e-12)
        losses.append(made.loss(alone, targets[:end, n : n + 1].to(targets.dtype)) * asked.sum())
    torch.testing.assert_close(made.loss(outputs, targets), torch.stack(losses).sum() / scored(targets).sum())


class Shuffled:
    """A task whose answers are dealt out anew, so that they have nothing to do with what was read."""

    def __init__(self, made, seed):
        self.made, self.seed = made, seed

    def __getattr__(self, name):
        return getattr(self.made, name)

    def _deal(self, targets, step):
        order = torch.Generator().manual_seed(hash((self.seed, step)) % 2**31)
        targets = targets.clone()
        if self.made.config.kind in ("anbn", "dyck"):  # of several lengths: the answers change places too
            asked = scored(targets)
            targets[asked] = targets[asked][torch.randperm(int(asked.sum()), generator=order)]
            return targets
        if self.made.config.kind == "sign_of_sum":
            asked = scored(targets)
            targets[asked] = torch.randint(0, 2, (int(asked.sum()),), generator=order)
            return targets
        return targets[:, torch.randperm(targets.shape[1], generator=order)]

    def batch(self, step):
        inputs, targets, reset = self.made.batch(step)
        return inputs, self._deal(targets, step), reset

    def validation_batches(self):
        for inputs, targets in self.made.validation_batches():
            yield inputs, self._deal(targets, -1)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_beats_the_floor_when_the_answers_are_shuffled(kind):
    wanted = config(kind, batch_size=32, hidden_size=16, lr=0.01)
    trainer = Trainer(wanted)
    floor = trainer.task.floor
    trainer.task = Shuffled(trainer.task, seed=4)
    for _ in range(120):
        trainer.advance()
    assert trainer.validate() > 0.96 * floor  # what chance allows in so few answers


def losses(kind, **values):
    return [e.loss for e in train(config(kind, steps=12, **values)) if type(e).__name__ == "Step"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_repeats_bit_for_bit_and_another_seed_differs(kind):
    assert losses(kind) == losses(kind)
    assert losses(kind) != losses(kind, seed=2)


def test_examining_changes_nothing_in_training():
    wanted = config("sign_of_sum", steps=30)
    plain, examined = Trainer(wanted), Trainer(wanted)
    for _ in range(30):
        plain.advance()
        examined.advance()
        examined.validate()
        examined.examine(examined.task)
        examined.model.train()
    for one, other in zip(plain.model.parameters(), examined.model.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_and_the_last_step_are_scored(kind):
    events = list(train(config(kind, steps=9)))
    found = [one for one in events if isinstance(one, Scored)]
    records = [e.record for e in events if isinstance(e, Measured) and isinstance(e.record, LengthScores)]
    assert [one.step for one in found][:: max(1, len(found) - 1)] == [1, 9]
    assert (records[0].step, records[-1].step) == (1, 9)
    last = records[-1]
    assert last.score == found[-1].score
    longer = last.scores[last.lengths > last.trained]
    assert len(longer) or kind == "digits"
    if len(longer):
        assert found[-1].score_longer == pytest.approx(longer.mean())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm"])
def test_the_number_of_parameters_is_known_before_anything_is_made(kind, cell):
    wanted = config(kind, cell=cell, num_layers=2)
    assert estimate(wanted).parameters == sum(p.numel() for p in Trainer(wanted).model.parameters())


def test_scores_by_length_are_means_with_their_standard_error():
    found = LengthScores.of(np.array([3, 1, 3, 3]), np.array([0.0, 1.0, 1.0, 1.0]), step=5, score=0.5, trained=1)
    frame = found.frame()
    np.testing.assert_allclose(frame["score"], [1, 2 / 3])
    np.testing.assert_allclose(frame["error"], [np.nan, np.std([0, 1, 1], ddof=1) / 3**0.5])
    assert frame["sequences"].tolist() == [1, 3]
    assert found.score_longer == pytest.approx(2 / 3)


def test_a_counter_made_by_hand_accepts_every_string_and_one_that_stops_at_ten_does_not():
    made = task("anbn", n_max=5, n_test=20)
    (exam,) = made.exams
    outputs = torch.zeros(*exam.targets.shape, 3)
    for limit, accepted in ((99, 20), (10, 10)):
        outputs.zero_()
        for n in range(20):
            left = 0
            for t, row in enumerate(exam.inputs[:, n]):
                left += int(row[0]) if left < limit or not row[0] else 0
                left -= int(row[1])
                outputs[t, n, 1 if left > 0 else 2] = 1.0
        assert made.scores(exam.inputs, outputs, exam.targets).sum() == accepted


def test_labels_say_what_is_read_and_answered():
    first = {kind: task(kind).batch(1) for kind in KINDS}
    read_as = {kind: task(kind).labels(inputs[:, 0]) for kind, (inputs, _, _) in first.items()}
    answered = {kind: task(kind).labels(targets[:, 0]) for kind, (_, targets, _) in first.items()}
    assert read_as["anbn"] == [*"■aaaaabbbbb"]
    assert answered["anbn"] == [*"aaaaabbbbb■"]
    assert read_as["delayed_recall"][1:] == ["·"] * 5
    assert answered["delayed_recall"] == [""] * 5 + [read_as["delayed_recall"][0]]
    assert set(read_as["temporal_order"]) <= set("abcdXY")
    assert answered["temporal_order"][-1] == "".join(one for one in read_as["temporal_order"] if one in "XY")
    assert sum(one.startswith("[") for one in read_as["adding"]) == 2
    assert read_as["copy_memory"][:10] == answered["copy_memory"][-10:]
    assert read_as["dyck"][0] == answered["dyck"][-1] == "■"
    assert set(read_as["parity"]) <= {"0", "1"}


def test_settings_of_another_task_are_refused():
    with pytest.raises(ConfigError, match="symbols is not a setting of task 'adding'"):
        RunConfig.of(task="adding", symbols=4)
