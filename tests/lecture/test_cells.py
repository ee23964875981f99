"""Claims about all cells side by side."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dashboard.figures.cells import factors as drawn_factors
from dashboard.figures.cells import reach as drawn_reach
from dashboard.figures.cells import speed
from dashboard.widgets.lecture.text import read
from rnncore.cells import CELLS
from rnncore.lecture import EXPERIMENTS
from rnncore.lecture.measured.cells import NAMES, reach
from rnncore.records import Cells, Record

SMALL = {"hidden_size": 8, "length": 20, "batch": 2, "turns": 2}


@pytest.fixture(scope="module")
def records():
    return list(EXPERIMENTS["cells"].measure(SMALL))


@pytest.mark.parametrize("name", ["rnn_tanh", "gru", "irnn"])
def test_the_reach_is_the_gradient_of_the_last_state_through_single_steps(name):
    """By autograd on an unrolled loop of single steps; of cells that carry nothing beside h."""
    torch.manual_seed(0)
    layer = CELLS[name].layer(4, 5)
    x = torch.randn(7, 3, 4)
    states, h = [], torch.zeros(1, 3, 5)
    for one in x:
        _, h = layer(one.unsqueeze(0), h)
        states.append(h)
        h.retain_grad()
    (0.5 * h.square().sum()).backward()
    wanted = [float(state.grad.norm()) for state in reversed(states)]
    np.testing.assert_allclose(reach(layer, x), wanted, rtol=1e-4)


def test_an_lstm_hands_on_h_and_c_together():
    torch.manual_seed(0)
    layer = CELLS["lstm"].layer(4, 5)
    x = torch.randn(6, 3, 4)
    found = reach(layer, x)
    state = tuple(torch.zeros(1, 3, 5) for _ in range(2))
    with torch.no_grad():
        for one in x[:3]:
            _, state = layer(one.unsqueeze(0), state)
    h, c = (one.clone().requires_grad_() for one in state)
    (0.5 * layer(x[3:], (h, c))[0][-1].square().sum()).backward()
    # c_2 also shows in h_2: what reaches h_2 goes on to c_2 through it
    with torch.enable_grad():
        gate = _output_gate(layer, x, 2)
        whole_c = c.grad[0] + h.grad[0] * gate * (1 - c[0].detach().tanh().square())
    assert found[3] == pytest.approx(float((h.grad.square().sum() + whole_c.square().sum()).sqrt()), rel=1e-4)


def _output_gate(layer, x, step):
    state = None
    with torch.no_grad():
        for one in x[:step]:
            _, state = layer(one.unsqueeze(0), state)
        pre = x[step] @ layer.weight_ih_l0.T + layer.bias_ih_l0 + state[0][0] @ layer.weight_hh_l0.T + layer.bias_hh_l0
    return pre.chunk(4, -1)[3].sigmoid()


def test_every_cell_is_measured_and_the_share_of_the_work_grows(records):
    assert [one.share for one in records] == sorted(one.share for one in records)
    last = records[-1]
    assert last.share == 1
    assert last.cells == NAMES
    assert set(NAMES) == set(CELLS) - {"conv_lstm", "tcn", "transformer"}
    assert np.isfinite(last.norms).all()
    assert np.isfinite(last.factors).all()
    assert (last.milliseconds > 0).all()
    for name, count in zip(last.cells, last.parameters, strict=True):
        assert count == CELLS[name].parameters(32, 8)


def test_equal_seeds_give_equal_gradients_and_others_do_not(records):
    *_, again = EXPERIMENTS["cells"].measure(SMALL)
    *_, other = EXPERIMENTS["cells"].measure(SMALL | {"seed": 2})
    np.testing.assert_allclose(records[-1].norms, again.norms, rtol=1e-5)
    assert not np.allclose(again.norms, other.norms)


@pytest.mark.parametrize(
    ("far", "answer"),
    [((), "none"), (("lru",), "later"), (("lstm", "lru"), "lstm"), (("lstm", "gru", "lru"), "all")],
)
def test_the_factors_decide_the_answer(records, far, answer):
    values = np.array([0.97 if name in far else 0.6 for name in NAMES])
    told = Cells(**{**vars(records[-1]), "factors": values})
    assert told.answer == answer
    assert answer in read("cells").answers
    assert read("cells").wanted <= set(told.numbers)
    assert records[0].answer == ""


def test_it_is_drawn_before_during_and_after(records):
    for record in (None, records[0], records[-1], Record.from_bytes(records[-1].to_bytes())):
        for draw in (drawn_reach, drawn_factors, speed):
            assert draw(record) is not None
    assert len(drawn_reach(records[-1]).data) == len(NAMES)
    assert len(drawn_factors(records[-1]).data[0].x) == len(NAMES)
    relative = dict(zip(speed(records[-1]).data[0].y, speed(records[-1]).data[0].x, strict=True))
    assert relative["LSTM"] == pytest.approx(1)
