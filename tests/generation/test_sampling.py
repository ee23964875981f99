"""Claims about sampling: each text follows the model's own distribution, and nothing else changes."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnncore.errors import ConfigError, CorpusError
from rnncore.generation.sampling import generate
from rnncore.tasks.text import Vocabulary

ALPHABET = Vocabulary("\nabcdefghijkl")


class Recurrent(nn.Module):
    """A small language model with any torch layer."""

    def __init__(self, layer: type[nn.RNNBase] = nn.LSTM, vocab_size: int = len(ALPHABET), hidden_size: int = 16):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            self.embedding = nn.Embedding(vocab_size, 8)
            self.dropout = nn.Dropout(0.5)
            self.layer = layer(8, hidden_size, num_layers=2)
            self.readout = nn.Linear(hidden_size, vocab_size)
            nn.init.normal_(self.readout.weight)
        self.calls: list[int] = []

    def forward(self, ids: Tensor, state=None):
        self.calls.append(len(ids))
        y, state = self.layer(self.dropout(self.embedding(ids)), state)
        return self.readout(y), state

    def step(self, ids: Tensor, state=None):
        logits, state = self(ids.unsqueeze(0), state)
        return logits[0], state


class Chain(nn.Module):
    """A Markov chain without parameters: the logits after each character are rows of a table."""

    def __init__(self, table: Tensor):
        super().__init__()
        self.table = table

    def forward(self, ids: Tensor, state=None):
        return self.table[ids], state

    def step(self, ids: Tensor, state=None):
        return self.table[ids], state


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shares(table_row: list[float], count: int = 20_000, **settings) -> np.ndarray:
    """How often each character is written by a chain that forgets everything."""
    vocabulary = Vocabulary("abcdef"[: len(table_row)])
    chain = Chain(torch.tensor([table_row] * len(table_row)))
    texts = generate(chain, vocabulary, primer="a", length=count // 100, batch=100, generator=seeded(), **settings)
    return np.bincount(vocabulary.encode("".join(texts.text)), minlength=len(table_row)) / count


def softmax(logits: list[float], temperature: float = 1.0) -> np.ndarray:
    weights = np.exp(np.array(logits) / temperature)
    return weights / weights.sum()


def assert_shares(found: np.ndarray, expected: np.ndarray, count: int = 20_000) -> None:
    """Within 4 standard errors, and never a character of probability 0."""
    assert (np.abs(found - expected) <= 4 * np.sqrt(expected * (1 - expected) / count)).all()


LOGITS = [0.0, 1.0, -1.0, 2.0, 0.5]


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_characters_come_as_often_as_the_softmax_at_the_temperature_says(temperature):
    assert_shares(shares(LOGITS, temperature=temperature), softmax(LOGITS, temperature))


def test_each_text_follows_the_temperature_of_its_own():
    vocabulary, chain = Vocabulary("abcde"), Chain(torch.tensor([LOGITS] * 5))
    texts = generate(
        chain, vocabulary, primer="a", length=20_000, temperature=[0.5, 2.0, 0.0], batch=3, generator=seeded()
    ).text
    for text, expected in zip(texts, [softmax(LOGITS, 0.5), softmax(LOGITS, 2.0), np.eye(5)[3]], strict=True):
        assert_shares(np.bincount(vocabulary.encode(text), minlength=5) / 20_000, expected)


def test_top_k_keeps_the_k_likeliest_in_their_proportions():
    kept = softmax(LOGITS) * [0, 1, 0, 1, 0]
    assert_shares(shares(LOGITS, top_k=2), kept / kept.sum())


@pytest.mark.parametrize("top_k", [5, 6, 10**9])
def test_top_k_of_the_vocabulary_or_more_changes_nothing(top_k):
    assert shares(LOGITS, top_k=top_k).tolist() == shares(LOGITS).tolist()


def test_the_nucleus_is_the_fewest_likeliest_that_reach_top_p():
    # probabilities .1 .2 .05 .6 .05: the first three reach .9 together, the first two .8
    logits = np.log([0.1, 0.2, 0.05, 0.6, 0.05]).tolist()
    assert_shares(shares(logits, top_p=0.85), np.array([0.1, 0.2, 0, 0.6, 0]) / 0.9)
    assert_shares(shares(logits, top_p=0.75), np.array([0, 0.2, 0, 0.6, 0]) / 0.8)
    assert shares(logits, top_p=1e-9).tolist() == [0, 0, 0, 1, 0]
    assert shares(logits, top_p=1.0).tolist() == shares(logits).tolist()


def test_temperature_zero_takes_the_likeliest_and_a_huge_one_takes_any():
    assert shares(LOGITS, temperature=0).tolist() == [0, 0, 0, 1, 0]
    assert shares(LOGITS, temperature=1e-30).tolist() == [0, 0, 0, 1, 0]
    assert shares(LOGITS, greedy=True, temperature=5.0).tolist() == [0, 0, 0, 1, 0]
    for temperature in (1e30, 1e300):
        assert_shares(shares(LOGITS, temperature=temperature), np.full(5, 0.2))


def test_an_impossible_character_is_never_written_whatever_the_chance(monkeypatch):
    nearly_one = 1 - 2**-24
    for chance in (0.0, nearly_one):
        monkeypatch.setattr(torch, "rand", lambda *size, chance=chance, **_: torch.full(size, chance))
        found = shares([-math.inf, 0.0, -math.inf, 1.0, -math.inf])
        assert found[[0, 2, 4]].sum() == 0
        assert found.max() == 1


@pytest.mark.parametrize("layer", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize(("primer", "length"), [("abc", 40), ("abcdefgh" * 25, 150)])
def test_each_characters_bits_are_those_of_reading_primer_and_text_in_one_go(layer, primer, length):
    model = Recurrent(layer)
    written = generate(model, ALPHABET, primer=primer, length=length, batch=3, generator=seeded())
    model.eval()
    for text, bits in zip(written.text, written.bits, strict=True):
        ids = torch.from_numpy(ALPHABET.encode(primer + text))
        with torch.no_grad():
            logits, _ = model(ids[:-1].unsqueeze(1))
        scores = logits.squeeze(1).log_softmax(-1).gather(1, ids[1:].unsqueeze(1)).squeeze(1)
        assert len(text) == len(bits) == length
        assert bits == pytest.approx((-scores[len(primer) - 1 :] / math.log(2)).tolist(), abs=1e-4)


def test_greedy_text_is_the_argmax_of_reading_everything_again_for_each_character():
    model = Recurrent()
    text = "abc"
    model.eval()
    for _ in range(30):
        with torch.no_grad():
            logits, _ = model(torch.from_numpy(ALPHABET.encode(text)).unsqueeze(1))
        text += ALPHABET.characters[int(logits[-1, 0].argmax())]
    assert generate(model, ALPHABET, primer="abc", length=30, greedy=True).text == [text[3:]]


def test_the_primer_is_read_before_the_first_character_is_written():
    model = Recurrent()
    first = [generate(model, ALPHABET, primer=primer, length=1, greedy=True).bits for primer in ("ab", "cb", "b")]
    assert len({bits[0][0] for bits in first}) == 3
    model.calls.clear()
    generate(model, ALPHABET, primer="a" * 100, length=5)
    assert model.calls == [64, 36, 1, 1, 1, 1]


def test_equal_seeds_write_equal_texts_and_others_do_not():
    one, two, other = (
        generate(Recurrent(), ALPHABET, primer="a", length=50, batch=2, generator=seeded(seed)) for seed in (7, 7, 8)
    )
    assert one == two
    assert one.text != other.text
    assert one.text[0] != one.text[1]
    assert generate(Recurrent(), ALPHABET, primer="a", length=50) == generate(
        Recurrent(), ALPHABET, primer="a", length=50
    )


def test_truncation_and_temperature_use_up_the_same_random_numbers():
    states = []
    for settings in ({}, {"top_k": 3}, {"top_p": 0.5}, {"temperature": 0.0}, {"temperature": [0.3, 4.0]}):
        generator = seeded()
        generate(Recurrent(), ALPHABET, primer="a", length=20, batch=2, generator=generator, **settings)
        states.append(generator.get_state())
    assert all(torch.equal(states[0], state) for state in states)


def written(seeds, length=30, forced=(), **settings):
    return generate(
        Recurrent(), ALPHABET, primer="a", length=length, batch=len(seeds), seeds=seeds, forced=forced, **settings
    ).text


def test_a_text_with_a_seed_of_its_own_is_the_same_in_any_batch_and_at_any_length():
    alone = written([7], temperature=0.9)[0]
    assert written([3, 7, 3], temperature=[2.0, 0.9, 2.0])[1] == alone
    assert written([7], length=12, temperature=0.9)[0] == alone[:12]
    assert (
        written([7], temperature=0.9)[0]
        == generate(Recurrent(), ALPHABET, primer="a", length=30, temperature=0.9, generator=seeded(7)).text[0]
    )


def test_equal_seeds_at_two_temperatures_take_the_same_chances():
    one, other, far = written([5, 5, 5], temperature=[1.0, 1.0001, 5.0])
    assert one == other
    assert one != far


def test_a_given_character_stands_where_it_was_put_and_changes_nothing_before_it():
    free = written([2])[0]
    other = next(one for one in ALPHABET.characters if one != free[10])
    put = written([2], forced=[{10: other}])[0]
    assert put[:10] == free[:10]
    assert put[10] == other
    assert put[11:] != free[11:]


def test_after_a_given_character_the_text_goes_on_as_if_it_had_been_drawn_with_the_same_chances():
    """A chain that remembers one character only: from the next place on, the chances alone decide."""
    vocabulary = Vocabulary("abcde")
    chain = Chain(torch.randn(5, 5, generator=seeded(4)))
    chance = torch.rand(20, generator=seeded(9))
    text = generate(chain, vocabulary, primer="a", length=20, seeds=[9], forced=[{6: "c"}]).text[0]
    expected, last = "", "a"
    for n in range(20):
        row = chain.table[vocabulary.characters.index(last)].softmax(-1).cumsum(-1)
        last = "c" if n == 6 else vocabulary.characters[int((row < 1 - chance[n]).sum())]
        expected += last
    assert text == expected


def test_giving_a_character_that_would_have_been_written_anyway_changes_nothing():
    free = written([2, 3])
    assert written([2, 3], forced=[{10: free[0][10]}, {0: free[1][0], 29: free[1][29]}]) == free


def test_the_bits_of_a_given_character_are_what_the_model_gave_it():
    chain = Chain(torch.tensor([[0.0, 3.0]] * 2))
    found = generate(chain, Vocabulary("ab"), primer="a", length=2, forced=[{0: "a", 1: "b"}])
    assert found.text == ["ab"]
    assert found.bits[0] == pytest.approx([-math.log2(1 / (1 + math.e**3)), -math.log2(1 - 1 / (1 + math.e**3))])


def test_sampling_leaves_the_global_random_state_the_weights_and_the_modes_alone():
    model = Recurrent().train()
    model.readout.eval()
    state = torch.random.get_rng_state()
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    for settings in ({}, {"top_k": 3, "top_p": 0.9}, {"generator": seeded()}):
        generate(model, ALPHABET, primer="a", length=20, **settings)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(weights[name], weight) for name, weight in model.state_dict().items())
    assert (model.training, model.dropout.training, model.readout.training) == (True, True, False)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_dropout_is_off_while_sampling():
    model = Recurrent()
    training = generate(model.train(), ALPHABET, primer="a", length=30, generator=seeded())
    assert training == generate(model.eval(), ALPHABET, primer="a", length=30, generator=seeded())


def test_the_modes_come_back_when_a_model_fails():
    class Failing(Recurrent):
        def step(self, ids: Tensor, state=None):
            raise RuntimeError("no")

    model = Failing().train()
    with pytest.raises(RuntimeError, match="no"):
        generate(model, ALPHABET, primer="a", length=2)
    assert all(module.training for module in model.modules())


def test_an_empty_primer_stands_for_a_line_break_or_the_first_character():
    assert generate(Recurrent(), ALPHABET, primer="", length=3).primer == "\n"
    assert generate(Recurrent(), Vocabulary("cdefghijklmn!"), primer="", length=3).primer == "!"


def test_logits_that_are_not_numbers_still_give_a_text():
    chain = Chain(torch.full((3, 3), math.nan))
    assert len(generate(chain, Vocabulary("abc"), primer="a", length=5, temperature=[1.0, 0.0], batch=2).text[0]) == 5


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"length": 0}, "length must be >= 1, got 0"),
        ({"batch": 0}, "batch must be >= 1, got 0"),
        ({"top_k": 0}, "top_k must be >= 1, got 0; use None"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, got 0.0"),
        ({"top_p": 1.5}, "top_p must be above 0 and at most 1, got 1.5"),
        ({"top_p": math.nan}, "got nan"),
        ({"temperature": -1.0}, "temperature must be >= 0, got -1.0; use 0"),
        ({"temperature": math.nan}, "temperature must be"),
        ({"temperature": math.inf}, "temperature must be"),
        ({"temperature": [1.0, 2.0]}, "one value per text, got 2 for batch 1"),
        ({"seeds": [1, 2]}, "seeds must have one value per text, got 2 for batch 1"),
        ({"forced": [{}, {}]}, "forced must have one value per text, got 2 for batch 1"),
        ({"forced": [{5: "a"}]}, "forced must have positions from 0 to 4, got 5; raise length"),
        ({"forced": [{0: "ab"}]}, "one character a position, got 'ab'"),
    ],
)
def test_values_out_of_range_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(ConfigError) as caught:
        generate(Recurrent(), ALPHABET, **{"primer": "a", "length": 5} | settings)
    assert sentence in str(caught.value)


def test_characters_of_a_primer_that_the_vocabulary_lacks_are_named():
    with pytest.raises(CorpusError, match="got 'QZ'; leave them out"):
        generate(Recurrent(), ALPHABET, primer="aQbZ", length=5)


def test_given_characters_that_the_vocabulary_lacks_are_named():
    with pytest.raises(CorpusError, match="got 'Q'; leave them out"):
        generate(Recurrent(), ALPHABET, primer="a", length=5, forced=[{1: "Q"}])


def test_a_batch_of_64_writes_fifty_thousand_characters_a_second():
    class OneLayer(Recurrent):
        def __init__(self) -> None:
            super().__init__(vocab_size=65)
            self.layer = nn.LSTM(8, 128)
            self.readout = nn.Linear(128, 65)

    vocabulary = Vocabulary("".join(map(chr, range(32, 97))))
    model, length, rate = OneLayer(), 100, 0.0
    for _ in range(20):  # the best of some: other processes may use this core too
        start = time.perf_counter()
        generate(model, vocabulary, primer="A", length=length, batch=64, temperature=0.8)
        rate = max(rate, 64 * length / (time.perf_counter() - start))
        if rate > 50_000:
            break
    assert rate > 50_000
