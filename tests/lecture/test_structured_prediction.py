"""Claims about the three sentences: every exact value, against enumeration of coins, draws and texts one by one."""

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from rnncore.lecture.structured_prediction import (
    LECTURE,
    PROBABILITIES,
    SENTENCES,
    Independent,
    Language,
    Optimum,
    chances,
    draw,
    entropy,
    grow,
    likeliest,
    nonsense,
    optimal_loss,
    optimal_valid_share,
    shares,
    valid_share,
)

STOPPED = [(*sentence.split(), *["·"] * (8 - len(sentence.split()))) for sentence in SENTENCES]
OTHERS = Language.of(["a b", "b a a", "b", "a b b"], [0.1, 0.4, 0.3, 0.2])
"""Sentences that begin alike, and one that begins another one."""


def said(text):
    """The words before the first stop."""
    return tuple(itertools.takewhile(lambda word: word != "·", text))


def by_tossing(texts, probabilities, epsilon):
    """P(s, fed) by tossing every coin and making every draw: predictions {fed: {word: P}} and the training loss."""
    joint = {(): dict(enumerate(probabilities))}
    predictions, loss = {}, 0.0
    for place in range(len(texts[0])):
        after = defaultdict(lambda: defaultdict(float))
        for fed, weights in joint.items():
            odds = defaultdict(float)
            for s, weight in weights.items():
                odds[texts[s][place]] += weight / sum(weights.values())
            predictions[fed] = odds
            for s, weight in weights.items():
                loss -= weight * math.log(odds[texts[s][place]]) if weight else 0
                after[(*fed, texts[s][place])][s] += weight * epsilon
                for word, chance in odds.items():
                    after[(*fed, word)][s] += weight * (1 - epsilon) * chance
        joint = {fed: weights for fed, weights in after.items() if sum(weights.values()) > 0}
    return predictions, loss / len(texts[0])


def free_running(predict, length):
    """Every text with its probability, where ``predict`` gives {word: P} after the words before."""
    found = {(): 1.0}
    for _ in range(length):
        found = {(*text, word): p * q for text, p in found.items() for word, q in predict(text).items() if p * q > 0}
    return found


def named(language):
    return [tuple(language.words[word] for word in text) for text in language.texts]


def by_place(language):
    """The predictions of independent outputs, by counting."""
    texts = named(language)

    def predict(text):
        odds = defaultdict(float)
        for sentence, p in zip(texts, language.probabilities, strict=True):
            odds[sentence[len(text)]] += p
        return odds

    return predict


def test_the_three_sentences_have_eight_places_and_a_foreign_word():
    assert named(LECTURE) == STOPPED
    assert LECTURE.probabilities.tolist() == list(PROBABILITIES) == [0.3, 0.3, 0.4]
    assert LECTURE.words[0] == "·"
    assert LECTURE.words[-1] == "drive"
    assert LECTURE.ends.tolist() == [5, 4, 7]
    assert len(LECTURE.words) == len({word for text in STOPPED for word in text}) + 1


def test_independent_outputs_with_the_right_marginals_say_a_sentence_with_probability_017056():
    texts = free_running(by_place(LECTURE), 8)
    by_hand = 0.3**4 * 0.6 + 0.3**4 + 0.4**6  # the first stop of the second sentence comes at place 5, with .3
    brute = sum(p for text, p in texts.items() if said(text) in {said(one) for one in STOPPED})
    assert by_hand == pytest.approx(0.017056, abs=1e-15)
    assert brute == pytest.approx(by_hand, abs=1e-12)
    assert valid_share(Independent(LECTURE), LECTURE) == pytest.approx(by_hand, abs=1e-12)


def test_of_four_words_of_independent_outputs_882_in_1000_are_nonsense():
    found = nonsense(chances(Independent(LECTURE), LECTURE), LECTURE)
    assert found[3] == pytest.approx(0.882, abs=1e-12)
    assert found[:3] == pytest.approx([0, 0, 0.66], abs=1e-12)
    assert found[-1] == pytest.approx(1 - 0.017056, abs=1e-12)


def test_the_likeliest_word_at_each_place_is_i_am_not_just_a_and_stop():
    text = likeliest(Independent(LECTURE), LECTURE)
    assert LECTURE.sentence(text) == "I am not just a"
    assert not LECTURE.says(text[None])[0]
    assert LECTURE.sentence(likeliest(Optimum(LECTURE, 1), LECTURE)) == "I am not just a neural network"


@pytest.mark.parametrize(("epsilon", "wanted"), [(1, 1.0), (0.5, 0.4978), (0, 0.017056)])
def test_the_optimum_says_a_sentence_as_often_as_theory_has_it(epsilon, wanted):
    assert optimal_valid_share(epsilon) == pytest.approx(wanted, abs=5e-5)
    assert optimal_valid_share(0) == pytest.approx(0.017056, abs=1e-12)


@pytest.mark.parametrize("language", [LECTURE, OTHERS], ids=["lecture", "others"])
@pytest.mark.parametrize("epsilon", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_the_optimum_predicts_what_tossing_all_coins_gives(language, epsilon):
    predictions, loss = by_tossing(named(language), language.probabilities, epsilon)
    texts = free_running(predictions.__getitem__, language.texts.shape[1])
    sentences = {said(one) for one in named(language)}
    reader = Optimum(language, epsilon)
    assert optimal_valid_share(epsilon, language) == pytest.approx(
        sum(p for text, p in texts.items() if said(text) in sentences), abs=1e-12
    )
    assert optimal_loss(epsilon, language) == pytest.approx(loss, abs=1e-12)
    found = nonsense(chances(reader, language), language)
    for n in range(1, language.texts.shape[1] + 1):
        begun = {said(one)[:n] for one in named(language) if len(said(one)) >= n} | {s for s in sentences if len(s) < n}
        wanted = sum(p for text, p in texts.items() if said(text[:n]) not in begun)
        assert found[n - 1] == pytest.approx(wanted, abs=1e-12), n
    for sentence, share in zip(named(language), shares(chances(reader, language), language), strict=True):
        assert share == pytest.approx(sum(p for text, p in texts.items() if said(text) == said(sentence)), abs=1e-12)


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0])
def test_the_tree_holds_every_text_with_its_probability(epsilon):
    predictions, _ = by_tossing(named(LECTURE), PROBABILITIES, epsilon)
    tree = grow(Optimum(LECTURE, epsilon), LECTURE)
    for level in range(1, 9):
        wanted = free_running(predictions.__getitem__, level)
        here = np.flatnonzero(tree.level == level)
        found = {tuple(tree.text(node)): tree.probability[node] for node in here.tolist()}
        assert len(found) == len(here)
        assert found == pytest.approx(wanted, abs=1e-12)
        for node in here.tolist():
            words = tuple(tree.text(node))
            fits = any(said(one)[: len(said(words))] == said(words) for one in STOPPED)
            complete = said(words) in {said(one) for one in STOPPED}
            assert tree.ended[node] == ("·" in words)
            assert tree.valid[node] == (complete if "·" in words else fits)


@pytest.mark.parametrize("epsilon", [0.0, 1.0])
def test_with_all_truth_and_with_none_each_place_by_itself_is_exactly_right(epsilon):
    counted = [dict(by_place(LECTURE)(("",) * place)) for place in range(8)]
    tree = grow(Optimum(LECTURE, epsilon), LECTURE)
    for place, wanted in enumerate(counted):
        found = dict(zip(LECTURE.words, tree.marginals[place], strict=True))
        assert found == pytest.approx(dict.fromkeys(LECTURE.words, 0.0) | wanted, abs=1e-12)


def test_at_epsilon_0_the_optimum_is_the_product_of_the_marginals():
    one, other = (grow(reader, LECTURE) for reader in (Optimum(LECTURE, 0), Independent(LECTURE)))
    np.testing.assert_array_equal(one.word, other.word)
    np.testing.assert_allclose(one.probability, other.probability, atol=1e-15)


def test_what_a_tree_leaves_out_is_said():
    whole = grow(Independent(LECTURE), LECTURE)
    for limits in ({"least": 0.004}, {"most": 20}):
        part = grow(Independent(LECTURE), LECTURE, **limits)
        for level in range(1, 9):
            kept = part.probability[part.level == level]
            assert kept.sum() + part.missing[level - 1] == pytest.approx(1, abs=1e-12)
            assert len(kept) <= limits.get("most", 1000)
            assert kept.min() > limits.get("least", 0)
        assert 0.01 < part.missing[-1] < 1
    assert whole.missing.max() < 1e-12


def test_drawn_texts_are_as_often_sentences_as_enumeration_says():
    count = 20_000
    for reader in (Independent(LECTURE), Optimum(LECTURE, 0.5), Optimum(LECTURE, 1)):
        texts = draw(reader, LECTURE, count, np.random.default_rng(3))
        wanted = valid_share(reader, LECTURE)
        found = LECTURE.says(texts).mean()
        assert abs(found - wanted) <= 4 * math.sqrt(wanted * (1 - wanted) / count) + 1e-12
        by_words = [tuple(LECTURE.sentence(text).split()) in {said(one) for one in STOPPED} for text in texts[:200]]
        assert LECTURE.says(texts[:200]).tolist() == by_words


def test_after_a_word_that_training_never_shows_the_optimum_says_nothing():
    reader = Optimum(LECTURE, 0.5)
    _, state = reader(None, np.array([0]), np.array([0]))
    predicted, _ = reader(state, np.array([0]), np.array([LECTURE.words.index("drive")]))
    assert np.isnan(predicted).all()


def test_the_entropy_is_in_bits():
    assert entropy(np.array([[0.5, 0.5, 0], [1, 0, 0], [0.25, 0.25, 0.5]])).tolist() == [1, 0, 1.5]
    assert np.isnan(entropy(np.array([np.nan, 1])))
    wanted = -sum(p * math.log(p) for p in PROBABILITIES)
    assert optimal_loss(1.0) * 8 == pytest.approx(wanted, abs=1e-12)


def test_nonsense_is_refused_in_sentences():
    with pytest.raises(ValueError, match=r"epsilon must be between 0 and 1, got 1\.5"):
        Optimum(LECTURE, 1.5)
    with pytest.raises(ValueError, match="probabilities must be one per sentence and sum to 1"):
        Language.of(["a", "b"], [0.5, 0.6])
