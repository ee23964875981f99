"""Claims about what a desk writes: distributions are those of reading everything again, and questions are checked."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from rnncore.errors import ConfigError, CorpusError
from rnncore.generation.question import MOST_PICKS, Question
from rnncore.generation.reading import read
from rnncore.generation.sampling import Shape, generate
from rnncore.generation.writing import write
from rnncore.records import Record, Writing
from rnncore.tasks.text import Vocabulary
from tests.generation.test_sampling import ALPHABET, LOGITS, Chain, Recurrent

CPU = torch.device("cpu")


def ask(**values) -> Writing:
    return write(Recurrent(), ALPHABET, Question(**{"primer": "abc", "length": 40} | values), step=3)


def own_distribution(text_so_far: str) -> np.ndarray:
    """The model's probabilities after some text, (V,), in float64."""
    model = Recurrent().eval()
    with torch.no_grad():
        logits, _ = model(torch.from_numpy(ALPHABET.encode(text_so_far)).unsqueeze(1))
    return logits[-1, 0].double().softmax(-1).numpy()


def test_each_distribution_is_that_of_reading_everything_before_it_again():
    texts = ["abcdefghij" * 14, "lkjihgfedc" * 14]  # longer than what is read at once
    seen = read(Recurrent(), ALPHABET, primer="ab", texts=texts, keep=5)
    for index, text in enumerate(texts):
        for n in (0, 1, 63, 64, 65, 128, 139):
            expected = own_distribution("ab" + text[:n])
            order = np.argsort(-expected)[:5]
            assert seen.candidates[index, n].tolist() == order.tolist()
            assert seen.odds[index, n] == pytest.approx(expected[order], abs=1e-6)
            assert seen.probability[index, n] == pytest.approx(expected[ALPHABET.characters.index(text[n])], abs=1e-6)
            assert seen.entropy[index, n] == pytest.approx(-(expected * np.log2(expected)).sum(), abs=1e-5)


def test_entropy_is_zero_where_the_model_is_sure_and_log2_v_where_it_knows_nothing():
    sure, nothing = [0.0, -math.inf, -math.inf, -math.inf], [0.0] * 4
    chain = Chain(torch.tensor([sure, nothing, nothing, nothing]))
    seen = read(chain, Vocabulary("abcd"), primer="b", texts=["ab"])
    assert seen.entropy[0] == pytest.approx([2.0, 0.0])


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"), [(0.5, None, None), (2.0, 2, None), (1.0, None, 0.7), (0.0, None, None)]
)
def test_what_is_drawn_with_is_how_often_it_is_drawn(temperature, top_k, top_p):
    vocabulary, chain, count = Vocabulary("abcde"), Chain(torch.tensor([LOGITS] * 5)), 20_000
    shape = Shape([temperature], top_k, top_p, CPU)
    seen = read(chain, vocabulary, primer="a", texts=["abcde"], shape=shape)
    text = generate(
        chain, vocabulary, primer="a", length=count, temperature=temperature, top_k=top_k, top_p=top_p, seeds=[1]
    ).text[0]
    found = np.bincount(vocabulary.encode(text), minlength=5) / count
    drawn = seen.drawn[0]
    assert drawn.sum() == pytest.approx(1)
    assert (np.abs(found - drawn) <= 4 * np.sqrt(drawn * (1 - drawn) / count) + 1e-7).all()
    assert seen.drawn_odds[0, 0].tolist() == pytest.approx(drawn[seen.candidates[0, 0]].tolist())


def test_as_many_candidates_as_there_are_characters_are_all_of_them():
    seen = read(Recurrent(), ALPHABET, primer="a", texts=["bc"], keep=1000)
    assert seen.odds.shape == (1, 2, len(ALPHABET))
    assert seen.odds.sum(-1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("texts", "keep", "sentence"),
    [(["a", "ab"], 3, "equally long"), ([""], 3, "equally long"), (["a"], 0, "keep must be >= 1, got 0")],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(texts, keep, sentence):
    with pytest.raises(ConfigError, match=sentence):
        read(Recurrent(), ALPHABET, primer="a", texts=texts, keep=keep)


def test_two_temperatures_take_the_same_chances_and_are_marked_where_they_part():
    both = ask(temperature=0.3, temperature_2=3.0, seed=5)
    assert both.text(0) == ask(temperature=0.3, seed=5).text(0)
    assert both.text(1) == ask(temperature=3.0, seed=5).text(0)
    first = next(n for n, (one, other) in enumerate(zip(both.text(0), both.text(1), strict=True)) if one != other)
    assert both.parting == first
    assert ask(temperature=0.3, temperature_2=0.3).parting is None
    assert ask(temperature=0.3).parting is None


def test_the_defaults_write_what_generate_writes_with_that_seed_alone():
    wanted = generate(Recurrent(), ALPHABET, primer="abc", length=40, temperature=0.8, seeds=[1])
    found = ask()
    assert (found.text(0), found.primer, found.step) == (wanted.text[0], "abc", 3)
    assert found.surprise[0] == pytest.approx(wanted.bits[0], abs=1e-4)
    assert found.bits[0] == pytest.approx(sum(wanted.bits[0]), abs=1e-3)


def test_a_beams_text_has_fewer_bits_than_the_greedy_one():
    beam, greedy = ask(method="beam", width=16), ask(method="greedy")
    assert beam.bits[0] < greedy.bits[0] == pytest.approx(ask(temperature=0.0).bits[0])
    assert (beam.labels, greedy.labels) == (("beam of 16",), ("greedy",))
    assert greedy.drawn[0].tolist() == [1.0] * 40


@pytest.mark.parametrize("method", ["sample", "beam", "greedy"])
def test_a_readers_character_stands_in_its_text_and_is_marked(method):
    free = ask(method=method)
    letter = next(one for one in ALPHABET.characters if one != free.text(0)[7])
    put = ask(method=method, picks=((0, 7, letter),))
    assert put.text(0)[7] == letter
    assert np.flatnonzero(put.picked[0]).tolist() == [7]
    if method != "beam":  # a beam looks ahead: a given character may change what stands before it
        assert put.text(0)[:7] == free.text(0)[:7]


def test_a_readers_character_changes_one_of_two_texts_only():
    free = ask(temperature_2=2.0)
    letter = next(one for one in ALPHABET.characters if one != free.text(1)[7])
    put = ask(temperature_2=2.0, picks=((1, 7, letter),))
    assert put.text(0) == free.text(0)
    assert put.text(1) != free.text(1)


def test_characters_that_the_vocabulary_lacks_are_named():
    with pytest.raises(
        CorpusError, match="primer must have only characters that the corpus has, got 'Q'; leave them out"
    ):
        ask(primer="aQ")
    with pytest.raises(
        CorpusError, match="forced must have only characters that the corpus has, got '<'; leave them out"
    ):
        ask(picks=((0, 0, "<"),))


def test_a_top_k_beyond_the_vocabulary_and_a_large_temperature_are_well_defined():
    assert ask(top_k=100_000).text(0) == ask().text(0)
    even = ask(temperature=100.0).drawn_odds
    assert np.abs(even - 1 / len(ALPHABET)).max() < 0.01


def test_a_model_whose_numbers_are_not_finite_is_written_down_as_it_is():
    chain = Chain(torch.full((3, 3), math.nan))
    for method in ("sample", "greedy", "beam"):
        found = write(chain, Vocabulary("abc"), Question(primer="a", length=3, method=method), step=1)
        assert len(found.text(0)) == 3


def test_a_record_comes_back_from_its_bytes_and_has_a_row_for_each_character():
    made = ask(temperature_2=2.0, picks=((0, 3, "c"),))
    again = Record.from_bytes(made.to_bytes())
    assert isinstance(again, Writing)
    assert [again.text(index) for index in (0, 1)] == [made.text(index) for index in (0, 1)]
    table = again.frame()
    assert len(table) == 80
    assert table["character"].str.cat() == made.text(0) + made.text(1)
    assert table.loc[table["picked"], "position"].tolist() == [3]


def test_a_question_is_small_in_an_address_and_comes_back_from_it():
    question = Question(primer="<b>é", temperature_2=2.0, picks=((1, 4, "<"),))
    asked = json.loads(json.dumps(question.asked()))
    assert set(asked) == {"primer", "temperature_2", "picks"}
    assert Question(**asked) == question
    assert Question().asked() == {}


def test_a_new_pick_drops_those_behind_it_in_its_own_text_only():
    question = Question(temperature_2=1.0).picked(0, 5, "a").picked(1, 2, "b").picked(0, 9, "c").picked(0, 7, "d")
    assert question.picks == ((0, 5, "a"), (1, 2, "b"), (0, 7, "d"))
    assert question.forced(0) == {5: "a", 7: "d"}
    assert question.picked(0, 5, "z").forced(0) == {5: "z"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"length": 0}, "length must be >= 1, got 0"),
        ({"length": 10**6}, "length must be <= 1,000"),
        ({"temperature": -0.1}, "temperature must be >= 0, got -0.1"),
        ({"temperature": math.nan}, "temperature must be"),
        ({"temperature_2": 1e9}, "temperature_2 must be <= 100"),
        ({"top_k": 0}, "top_k must be >= 1, got 0"),
        ({"top_p": 0}, "top_p must be > 0, got 0"),
        ({"width": 65}, "width must be <= 64"),
        ({"method": "guess"}, "method must be one of"),
        ({"primer": "x" * 501}, "primer must have at most 500 characters, got 501 characters"),
        ({"picks": ((0, 300, "a"),)}, "within the 300 of each text, got 'a' at position 300"),
        ({"picks": ((1, 0, "a"),)}, "got 'a' at position 0 of text 1"),
        ({"picks": ((0, 0, "ab"),)}, "single characters"),
        ({"picks": tuple((0, n, "a") for n in range(MOST_PICKS + 1))}, "picks must be at most"),
        ({"picks": "nonsense"}, "picks must"),
        ({"colour": "red"}, "colour is not a setting"),
    ],
)
def test_a_question_out_of_range_is_refused_in_a_sentence(values, sentence):
    with pytest.raises(ConfigError) as caught:
        Question(**values)
    assert sentence in str(caught.value)
