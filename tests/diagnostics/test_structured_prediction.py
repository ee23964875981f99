"""Claims about what is measured of a network on a few sentences, against reading every possible text."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from rnncore.config import Model, RunConfig
from rnncore.diagnostics import live_measures
from rnncore.diagnostics.structured_prediction import Network, intruders, sentence_shares
from rnncore.lecture.structured_prediction import LECTURE, Language, grow, optimal_valid_share
from rnncore.models.sequence import SequenceModel
from rnncore.records import Record
from rnncore.training import Controls, Trainer

SMALL = Language.of(["a b", "b a a", "b"], [0.2, 0.5, 0.3])


def network(language=SMALL, cell="lstm", layers=1, dropout=0.0):
    config = Model(cell=cell, hidden_size=5, embedding_size=4, num_layers=layers, dropout=dropout)
    length = language.texts.shape[1]
    return SequenceModel(config, len(language.words), length, torch.Generator().manual_seed(2)).double()


@torch.no_grad()
def every_text(model, language):
    """Each possible text with its probability: one pass of the whole network over all of them."""
    words, length = len(language.words), language.texts.shape[1]
    texts = np.array(list(itertools.product(range(words), repeat=length)))
    targets = torch.from_numpy(texts.T)
    inputs = torch.cat([torch.zeros_like(targets[:1]), targets[:-1]])
    odds = model.eval()(inputs)[0].softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return texts, odds.prod(0).numpy()


def words_of(text):
    ids = list(text)
    return tuple(ids[: ids.index(0)]) if 0 in ids else tuple(ids)


@pytest.mark.parametrize(("cell", "layers"), [("lstm", 1), ("gru", 1), ("rnn_tanh", 2)])
def test_what_the_network_says_is_what_reading_every_text_gives(cell, layers):
    model = network(cell=cell, layers=layers)
    texts, odds = every_text(model, SMALL)
    assert odds.sum() == pytest.approx(1)
    said = [words_of(text) for text in texts]
    sentences = [words_of(text) for text in SMALL.texts]
    found = sentence_shares(model, SMALL, step=3, epsilon=0.5)
    assert found.shares == pytest.approx([odds[[one == s for one in said]].sum() for s in sentences], abs=1e-12)
    assert found.valid == pytest.approx(odds[[one in sentences for one in said]].sum(), abs=1e-12)
    assert found.sentences == ("a b", "b a a", "b")
    for n in range(1, 5):
        fine = [
            one in sentences if len(one) < n else any(one[:n] == s[:n] and len(s) >= n for s in sentences)
            for one in said
        ]
        assert found.nonsense[n - 1] == pytest.approx(1 - odds[fine].sum(), abs=1e-12)
    tree = grow(Network(model), SMALL)
    assert len(tree.word) == 3 + 9 + 27 + 81
    last = np.flatnonzero(tree.level == 4)
    by_text = dict(zip(map(tuple, texts.tolist()), odds, strict=True))
    for node in last.tolist():
        assert tree.probability[node] == pytest.approx(by_text[tuple(map(SMALL.words.index, tree.text(node)))])
    for place, word in itertools.product(range(4), range(3)):
        assert tree.marginals[place, word] == pytest.approx(odds[texts[:, place] == word].sum(), abs=1e-12)


def test_after_an_intruder_the_prediction_is_what_reading_that_text_gives():
    model = network()
    found = intruders(model, SMALL, step=1)
    assert found.distributions.shape == (3, 3, 3, 4, 3)
    for sentence, place, word in np.ndindex(3, 3, 3):
        read = [0, *SMALL.texts[sentence, :-1].tolist()]
        read[place + 1] = word
        with torch.no_grad():
            odds = model(torch.tensor(read).unsqueeze(1))[0].softmax(-1).squeeze(1).numpy()
        after = found.at(sentence, place, word)
        assert np.isnan(after[: place + 1]).all()
        np.testing.assert_allclose(after[place + 1 :], odds[place + 1 :], atol=5e-4)
        bits = -(odds * np.log2(odds)).sum(-1)
        np.testing.assert_allclose(found.entropy(sentence, place, word)[place + 1 :], bits[place + 1 :], atol=4e-3)


def test_the_sentences_own_word_is_no_intruder():
    found = intruders(network(), SMALL, step=1)
    one, other = (found.at(1, place, int(SMALL.texts[1, place]))[3] for place in (0, 1))
    np.testing.assert_array_equal(one, other)


def test_a_run_measures_its_sentences_and_is_not_changed_by_it():
    config = RunConfig.of(task="sentences", hidden_size=8, embedding_size=4, batch_size=16, epsilon=0.5, dropout=0.2,
                          steps=3, budget=0.5)  # fmt: skip
    kinds, ends = set(), []
    for measures in (live_measures(config), []):
        trainer, controls = Trainer(config), Controls()
        controls.measure()
        before = torch.get_rng_state()
        for event in trainer.events(controls, measures):
            if type(event).__name__ == "Measured":
                kinds.add(event.record.kind)
        assert torch.equal(before, torch.get_rng_state())
        ends.append({name: value.clone() for name, value in trainer.model.state_dict().items()})
    assert {"sentence_shares", "word_tree", "intruders"} <= kinds
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_epsilon_is_that_of_the_step_that_was_trained():
    config = RunConfig.of(task="sentences", hidden_size=4, batch_size=4, steps=2, schedule="linear", epsilon_c=0.25)
    trainer = Trainer(config)
    (measure,) = (one for one in live_measures(config) if one.name == "sentence_shares")
    found = []
    for _ in range(3):
        trainer.advance()
        found += [record.epsilon for record in measure.records(trainer, None)]
    assert found == [1.0, 0.75, 0.5]


@pytest.mark.parametrize("epsilon", [0.5, 0.0])
def test_a_trained_lstm_lands_on_the_exact_value(epsilon):
    config = RunConfig.of(task="sentences", hidden_size=24, embedding_size=12, batch_size=256, lr=0.01, epsilon=epsilon)
    trainer = Trainer(config)
    for _ in range(300):
        trainer.advance()
    found = sentence_shares(trainer.model, LECTURE, step=300, epsilon=epsilon)
    assert found.valid == pytest.approx(optimal_valid_share(epsilon), abs=0.05)


def test_records_come_back_from_their_bytes_and_are_tables():
    model = network()
    shares = sentence_shares(model, SMALL, step=3, epsilon=0.5)
    tree = grow(Network(model), SMALL, step=3, least=0.01)
    disturbed = intruders(model, SMALL, step=3)
    for record in (shares, tree, disturbed):
        back = Record.from_bytes(record.to_bytes())
        assert type(back) is type(record)
        for field in dataclasses.fields(record):
            np.testing.assert_array_equal(getattr(back, field.name), getattr(record, field.name))
        assert (back.frame()["training_step"] == 3).all()
    table = shares.frame()
    assert table["probability"].tolist() == pytest.approx([*shares.shares, *shares.nonsense])
    table = tree.frame().set_index("text")
    assert table.loc["a b ·", ["words", "valid", "ended"]].tolist() == [3, True, True]
    table = disturbed.frame()
    assert len(table) == 3 * 3 * (3 + 2 + 1)  # sentences, words, places predicted after each place
    row = table.iloc[-1]
    odds = disturbed.at(row["sentence"] - 1, row["intruder_at"] - 1, SMALL.words.index(row["intruder"]))[-1]
    assert row["likeliest"] == SMALL.words[odds.argmax()]
