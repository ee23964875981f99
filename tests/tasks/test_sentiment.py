"""Claims about praise and blame: the meaning of each phrase, worked out word by word."""

from collections import Counter

from rnncore.config import RunConfig
from rnncore.config.shapes.sentiment import BAD, GOOD
from rnncore.tasks import make_task
from rnncore.tasks.base import IGNORE
from rnncore.tasks.drawn import held_out

TASK = make_task(RunConfig.of(task="sentiment"))


def meaning(words):
    """1 for praise: the last clause counts, and a negation in it turns it round."""
    if "but" in words:
        words = words[words.index("but") + 1 :]
    elif "and" in words:
        both = meaning(words[: words.index("and")]), meaning(words[words.index("and") + 1 :])
        assert both[0] == both[1]
        return both[0]
    (judgement,) = [word for word in words if word in (*GOOD, *BAD)]
    turned = "not" in words or "never" in words
    return int((judgement in GOOD) != turned)


def phrases(generator_of, batches=20):
    found = []
    for part in range(batches):
        inputs, targets = generator_of(part)
        for column in range(inputs.shape[1]):
            words = [word for word in TASK.symbols(inputs[:, column]) if word]
            asked = [(t, int(one)) for t, one in enumerate(targets[:, column]) if one != IGNORE]
            assert len(asked) == 1
            assert asked[0][0] == len(words) - 1
            found.append((tuple(words), asked[0][1]))
    return found


def trained(part):
    inputs, targets, _ = TASK.batch(part)
    return inputs.numpy(), targets.numpy()


def test_every_answer_is_what_the_grammar_means():
    for words, answer in phrases(trained) + phrases(lambda part: TASK.draw(held_out(part), 64)):
        assert answer == meaning(list(words))


def test_what_is_examined_is_never_trained_on():
    learned = {words for words, _ in phrases(trained, 200)}
    examined = {words for words, _ in phrases(lambda part: TASK.draw(held_out(part), 64))}
    assert len(examined) > 300
    assert not learned & examined


def test_praise_and_blame_are_equally_frequent():
    answers = [answer for _, answer in phrases(trained, 200)]
    assert abs(sum(answers) / len(answers) - 0.5) < 4 * 0.5 / len(answers) ** 0.5


def test_the_same_words_in_another_order_may_mean_the_opposite():
    meanings = {}
    for words, answer in phrases(trained, 400):
        meanings.setdefault(tuple(sorted(Counter(words).items())), set()).add(answer)
    assert any(len(answers) == 2 for answers in meanings.values())
