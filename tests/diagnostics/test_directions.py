"""Claims about both directions aligned in time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import rnncore
from dashboard.figures.directions import directions as drawn
from rnncore.cells import CELLS
from rnncore.config import KEEPING_GATE, RunConfig
from rnncore.diagnostics.directions import directions
from rnncore.diagnostics.live import live_measures
from rnncore.records import Directions, Record
from rnncore.training import train
from rnncore.training.events import Measured

T, B, H = 7, 3, 4


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn_tanh", "mingru"])
def test_gradients_and_gates_stand_where_the_text_is(cell):
    """The reverse direction by hand: the same layer's weights on the text back to front."""
    torch.manual_seed(0)
    layer, x = CELLS[cell].layer(3, H, bidirectional=True).double(), torch.randn(T, B, 3, dtype=torch.float64)
    weights = torch.randn(T, B, 2 * H, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        (layer(x)[0] * weights).sum().backward()
    record = directions(probe[""].layers, cell=cell, scale=2.0, text="abcdefg")
    single = CELLS[cell].layer(3, H).double()
    for which, (suffix, read, asked) in enumerate(
        [("", x, weights[..., :H]), ("_reverse", x.flip(0), weights[..., H:].flip(0))]
    ):
        single.load_state_dict({name: getattr(layer, name + suffix) for name in single.state_dict()})
        with rnncore.probe(single) as one_way:
            (single(read)[0] * asked).sum().backward()
        trace = one_way[""].layers[0].forward
        norms = 2 * trace.grad_hidden[:, 0].norm(dim=-1)
        np.testing.assert_allclose(record.gradient[0, which], (norms.flip(0) if which else norms).numpy(), rtol=1e-6)
        if cell in KEEPING_GATE:
            kept = trace.gates[KEEPING_GATE[cell]][:, 0].mean(-1)
            np.testing.assert_allclose(record.kept[0, which], (kept.flip(0) if which else kept).numpy(), rtol=1e-6)
        else:
            assert np.isnan(record.kept).all()


@pytest.mark.parametrize("both", [False, True])
def test_only_networks_of_both_directions_are_looked_at(both):
    config = RunConfig.of(task="phonemes", cell="gru", hidden_size=6, bidirectional=both, batch_size=4, steps=3)
    events = list(train(config, measures=live_measures(config)))
    found = [one.record for one in events if isinstance(one, Measured) and isinstance(one.record, Directions)]
    assert bool(found) == both
    for record in found:
        assert record.gradient.shape == (1, 2, 36)
        assert len(record.text) == len(record.targets) == 36
        assert len(record.frame()) == 2 * 36
        assert drawn(Record.from_bytes(record.to_bytes())).data


def test_it_is_drawn_with_gates_and_without():
    values = np.ones((1, 2, 3))
    record = Directions(
        step=1, cell="gru", text=("a", "b", "c"), targets=("", "x", ""), gradient=values, kept=values, gate="update"
    )
    assert len(drawn(record).data) == 4
    assert len(drawn(Directions(**{**vars(record), "gate": "", "cell": "irnn"})).data) == 2
    assert drawn(None).layout.annotations
