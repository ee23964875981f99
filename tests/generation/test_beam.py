"""Claims about beam search: it keeps what is likeliest, and with enough room it finds the likeliest text there is."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn

from rnncore.errors import ConfigError, CorpusError
from rnncore.generation.beam import beam_search
from rnncore.generation.sampling import generate
from rnncore.tasks.text import Vocabulary
from tests.generation.test_sampling import ALPHABET, Chain, Recurrent

TINY = Vocabulary("abc")
LENGTH = 4


def tiny(layer: type[nn.RNNBase] = nn.LSTM) -> Recurrent:
    model = Recurrent(layer, vocab_size=len(TINY), hidden_size=6)
    with torch.no_grad():
        model.readout.weight.mul_(3)  # far from even, so that greedy and best differ
    return model


def bits(model: nn.Module, text: str, primer: str = "ab") -> float:
    """-log2 of a text's probability, by reading everything in one go, in float64."""
    ids = torch.from_numpy(TINY.encode(primer + text))
    model.eval()
    with torch.no_grad():
        logits, _ = model(ids[:-1].unsqueeze(1))
    scores = logits[:, 0].double().log_softmax(-1).gather(1, ids[1:].unsqueeze(1))
    return float(-scores[len(primer) - 1 :].sum()) / math.log(2)


def all_texts(model: nn.Module, length: int = LENGTH, primer: str = "ab") -> list[tuple[float, str]]:
    """Every text there is with its bits, the likeliest first."""
    texts = ("".join(letters) for letters in itertools.product(TINY.characters, repeat=length))
    return sorted((bits(model, text, primer), text) for text in texts)


def search(model: nn.Module, width: int, length: int = LENGTH, **more):
    return beam_search(model, TINY, primer="ab", length=length, width=width, **more)


@pytest.mark.parametrize("layer", [nn.RNN, nn.GRU, nn.LSTM])
def test_a_beam_as_wide_as_all_texts_gives_all_texts_in_order(layer):
    model = tiny(layer)
    everything = all_texts(model)
    found = search(model, len(TINY) ** LENGTH)
    assert [one.text for one in found] == [text for _, text in everything]
    assert [one.bits for one in found] == pytest.approx([one for one, _ in everything], abs=1e-4)


def test_a_narrow_beam_is_the_search_that_keeps_so_many_beginnings():
    model = tiny()
    for width in (1, 2, 3, 5):
        alive = [""]
        for _ in range(7):
            longer = sorted((bits(model, text + letter), text + letter) for text in alive for letter in TINY.characters)
            alive = [text for _, text in longer[:width]]
        assert [one.text for one in search(model, width, 7)] == alive


def test_a_beam_of_one_is_the_greedy_text():
    model = Recurrent()
    greedy = generate(model, ALPHABET, primer="abc", length=30, greedy=True).text
    assert [one.text for one in beam_search(model, ALPHABET, primer="abc", length=30, width=1)] == greedy


def test_a_beam_finds_a_likelier_text_than_the_greedy_one_where_the_first_step_misleads():
    # b is likelier than a at first, but leads into a coin toss; a leads to certainty
    table = torch.tensor([[0.4, 0.6, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    table = torch.stack([table[1], table[1], table[2], table[0]])  # rows: after a, b, c, d
    table[0] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    chain, vocabulary = Chain(table.log()), Vocabulary("abcd")
    greedy = generate(chain, vocabulary, primer="d", length=2, greedy=True)
    best = beam_search(chain, vocabulary, primer="d", length=2, width=2)[0]
    assert (greedy.text[0][0], best.text) == ("b", "aa")
    assert best.bits == pytest.approx(-math.log2(0.4))
    assert sum(greedy.bits[0]) == pytest.approx(-math.log2(0.6 * 0.5))


def test_given_characters_stand_in_every_text_and_the_rest_is_the_likeliest_with_them():
    model = tiny()
    fitting = [text for _, text in all_texts(model) if text[1] == "c" and text[3] == "a"]
    assert [one.text for one in search(model, 100, forced={1: "c", 3: "a"})] == fitting


def test_impossible_texts_are_not_among_those_found():
    chain = Chain(torch.tensor([[0.0, -math.inf, 0.0]] * 3))
    assert {one.text for one in search(chain, 100, 2)} == {"aa", "ac", "ca", "cc"}


def test_logits_that_are_not_numbers_still_give_one_text():
    assert len(search(Chain(torch.full((3, 3), math.nan)), 5)) == 1


def test_the_model_is_left_in_the_mode_in_which_it_came():
    model = Recurrent().train()
    assert (
        beam_search(model, ALPHABET, primer="a", length=9, width=3)[0]
        == (beam_search(model.eval(), ALPHABET, primer="a", length=9, width=3)[0])
    )
    beam_search(model.train(), ALPHABET, primer="a", length=2, width=2)
    assert model.training


def test_an_empty_primer_stands_for_a_line_break():
    assert beam_search(Recurrent(), ALPHABET, primer="", length=2, width=2)[0].primer == "\n"


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"length": 0}, ConfigError, "length must be >= 1, got 0"),
        ({"width": 0}, ConfigError, "width must be >= 1, got 0; use 1 for the greedy text"),
        ({"forced": {3: "a"}}, ConfigError, "positions from 0 to 2, got 3"),
        ({"forced": {0: "é"}}, CorpusError, "got 'é'; leave them out"),
        ({"primer": "é"}, CorpusError, "got 'é'; leave them out"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_sentence(settings, error, sentence):
    with pytest.raises(error) as caught:
        beam_search(Recurrent(), ALPHABET, **{"primer": "a", "length": 3, "width": 2} | settings)
    assert sentence in str(caught.value)
