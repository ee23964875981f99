"""Claims about attention maps of a run: what the equations say, of the sequence that the gates' heatmaps show."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import rnncore
from dashboard.figures.attention import attention as drawn
from dashboard.live.encoding import encode
from rnncore.cells import CELLS
from rnncore.cells.transformer import heads_of
from rnncore.config import RunConfig
from rnncore.diagnostics.attention import MOST_ASKED, MOST_ASKING, attention
from rnncore.diagnostics.live import live_measures
from rnncore.records import Attention, GateActivity, Record
from rnncore.training import Controls, train
from rnncore.training.events import Measured, Step

T, H = 7, 32
TEXT = "the quick brown fox jumps over the lazy dog, and then sleeps until the evening comes. " * 60
TINY = {"cell": "transformer", "hidden_size": H, "batch_size": 4, "sequence_length": 10, "steps": 6, "budget": 0.5}


def opened(steps=T, begun=0, **options):
    """A layer's trace, its input and what was kept before it."""
    torch.manual_seed(0)
    layer = CELLS["transformer"].layer(H, H, **options).double()
    for parameter in layer.parameters():
        parameter.data.uniform_(-0.4, 0.4)
    before, x = torch.randn(begun, 2, H, dtype=torch.float64), torch.randn(steps, 2, H, dtype=torch.float64)
    state = tuple(one.detach() for one in layer(before)[1]) if begun else None
    with torch.no_grad(), rnncore.probe(layer) as probe:
        layer(x, state)
    return probe[""].layers[0], layer, torch.cat([before, x])


def by_hand(layer, x, window):
    """One query after the other, pairs of numbers turned as complex ones, (heads, N, N)."""
    heads = heads_of(H)
    size = H // heads
    normed = torch.nn.functional.layer_norm(x[:, 0], (H,), layer.weight_norm_ask_l0, layer.bias_norm_ask_l0)
    q, k, _ = (normed @ layer.weight_ih_l0.T + layer.bias_ih_l0).chunk(3, -1)
    found = np.zeros((heads, len(x), len(x)))

    def turned(vector, step):
        pairs = [complex(vector[i], vector[i + size // 2]) for i in range(size // 2)]
        return [pair * complex(math.cos(a), math.sin(a)) for i, pair in enumerate(pairs)
                for a in [step * 10_000 ** (-2 * i / size)]]  # fmt: skip

    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        for t in range(len(x)):
            asked = range(max(0, t - window), t + 1)
            mine = turned(q[t, own].tolist(), t)
            scores = [sum((a * b.conjugate()).real for a, b in zip(mine, turned(k[s, own].tolist(), s), strict=True))
                      for s in asked]  # fmt: skip
            weights = [math.exp(score / math.sqrt(size)) for score in scores]
            found[head, t, list(asked)] = np.array(weights) / sum(weights)
    return found


@pytest.mark.parametrize("begun", [0, 5])
@pytest.mark.parametrize("window", [3, 256])
def test_weights_are_a_softmax_over_the_steps_before_and_those_carried(begun, window):
    trace, layer, x = opened(begun=begun, window=window)
    found = attention([trace.forward], list("abcdefg"))
    kept = min(begun, window)
    with torch.no_grad():
        wanted = by_hand(layer, x, window)[:, begun:, begun - kept :]
    np.testing.assert_allclose(found.weights[0], wanted, atol=1e-3)
    np.testing.assert_allclose(found.weights[0].astype(float).sum(-1), 1, atol=2e-3)
    assert found.carried == kept
    assert found.text == ("",) * kept + tuple("abcdefg")
    assert not found.weights[:, :, ~found.allowed].any()


def test_of_a_long_sequence_the_last_steps_are_kept_and_what_goes_further_back_is_told():
    trace, *_ = opened(steps=150)
    found = attention([trace.forward, trace.forward], [str(n) for n in range(150)])
    assert found.weights.shape == (2, heads_of(H), MOST_ASKING, MOST_ASKED)
    np.testing.assert_allclose(found.weights.astype(float).sum(-1) + found.earlier, 1, atol=2e-3)
    assert found.text[-1] == "149"
    assert found.carried == 0
    assert len(found.to_bytes()) < 2 * 101_000
    assert "further back" in drawn(found).layout.meta["caption"]


def test_a_layer_that_reads_backwards_asks_what_comes_later():
    trace, _, _ = opened(bidirectional=True)
    found = attention(trace.directions, list("abcdefg"), ways=2)
    assert np.isfinite(found.of(0)).sum() == np.isfinite(found.of(1)).sum() == T * (T + 1) // 2
    assert np.isnan(found.of(0)[0, 1:]).all()
    assert np.isnan(found.of(1)[-1, :-1]).all()
    np.testing.assert_allclose(np.nansum(found.of(1), -1), 1, atol=2e-3)
    assert "layer 1, reverse" in drawn(found, layer=1).layout.meta["caption"]


def followed(**values):
    """Records of each step of a run."""
    config = RunConfig.of(**TINY | values)
    controls, found = Controls(), []
    controls.measure()
    text = TEXT if config.task.kind == "text" else None
    for event in train(config, text=text, controls=controls, measures=live_measures(config)):
        if isinstance(event, Measured):
            found.append(event.record)
        if isinstance(event, Step):
            controls.measure()
    return found


def test_a_run_shows_the_characters_that_the_gates_show_and_those_read_before():
    found = followed(num_layers=2)
    maps = [one for one in found if isinstance(one, Attention)]
    gates = [one for one in found if isinstance(one, GateActivity)]
    assert [one.step for one in maps] == list(range(1, 7))
    for n, (one, gate) in enumerate(zip(maps, gates, strict=True)):
        assert one.carried == 10 * n
        assert one.weights.shape == (2, heads_of(H), 10, 10 * n + 10)
        assert "".join(one.text) == TEXT[: 10 * n + 10]
        assert one.text[-10:] == gate.text


def test_what_a_network_read_of_its_own_words_is_left_blank():
    last = [one for one in followed(epsilon=0.5) if isinstance(one, Attention)][-1]
    assert last.carried == 50
    assert set(last.text[:50]) == {""}
    assert all(last.text[50:])
    assert drawn(last).layout.xaxis.range[0] == -49.5


def test_a_task_of_numbers_has_maps_too_and_other_cells_have_none():
    (*_, last) = [one for one in followed(task="delayed_recall") if isinstance(one, Attention)]
    assert last.weights.shape[2] == last.weights.shape[3] == len(last.text)
    assert not [one for one in followed(cell="tcn") if isinstance(one, Attention)]


def test_the_map_is_drawn_with_blanks_where_nothing_may_be_asked():
    trace, _, _ = opened(begun=5)
    record = Record.from_bytes(attention([trace.forward], list("ab cdef"), step=3).to_bytes())
    figure = drawn(record)
    z = np.array(figure.data[0].z, float)
    assert z.shape == (T, T + 5)
    assert np.isnan(z[0, 6:]).all()
    assert np.isfinite(z[:, :6]).all()
    assert (figure.data[0].x0, figure.data[0].y0) == (-4, 1)
    assert list(figure.layout.xaxis.ticktext) == [*"ab·cdef"]
    assert list(figure.layout.xaxis.tickvals) == list(figure.layout.yaxis.tickvals) == list(range(1, 8))
    heads = [np.array(drawn(record, head=head).data[0].z, float) for head in range(4)]
    np.testing.assert_allclose(np.mean(heads, 0), z, atol=1e-6)
    assert "head 4 of 4" in drawn(record, head=99).layout.meta["caption"]
    assert drawn(None).layout.annotations
    frame = record.frame()
    assert len(frame) == 4 * T * (T + 5)
    assert (frame[frame.asked > frame.asks].weight == 0).all()


def test_letters_above_a_wide_map_stand_above_their_columns():
    """As many labels travel as a trace of their own (see ``live.encoding``)."""
    trace, _, _ = opened(steps=30, begun=5)
    sent = encode(drawn.plain(attention([trace.forward], list("abcdefghijklmnopqrstuvwxyzabcd"))))
    letters = sent["data"][-1]
    assert (letters["type"], letters["x"][0], letters["text"][0]) == ("scatter", 1, "a")
    assert sent["layout"]["xaxis"]["range"] == [-4.5, 30.5]
