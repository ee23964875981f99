"""Claims about a ConvLSTM's gates as pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import rnncore
from dashboard.figures.gate_maps import gate_maps as drawn
from rnncore.cells import CELLS
from rnncore.config import RunConfig
from rnncore.diagnostics.gate_maps import gate_maps
from rnncore.diagnostics.live import live_measures
from rnncore.records import GateMaps, Record
from rnncore.training import train
from rnncore.training.events import Measured

T, C, PICTURE = 5, 3, (4, 6)
PIXELS = PICTURE[0] * PICTURE[1]


def record():
    torch.manual_seed(0)
    layer, x = CELLS["conv_lstm"].layer(PIXELS, C, picture=PICTURE), torch.rand(T, 2, PIXELS)
    with torch.no_grad(), rnncore.probe(layer) as probe:
        layer(x)
    return gate_maps(probe[""].layers[0].forward, x, step=7), layer, x


def test_pictures_are_the_convolutions_of_the_equations():
    """One frame after the other, by torch's own convolution."""
    found, layer, x = record()
    h = c = torch.zeros(1, C, *PICTURE)
    for t in range(T):
        read = torch.nn.functional.conv2d(
            x[t, :1].view(1, 1, *PICTURE), layer.weight_ih_l0, layer.bias_ih_l0, padding=1
        )
        i, f, g, o = (read + torch.nn.functional.conv2d(h, layer.weight_hh_l0, padding=1)).chunk(4, 1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        h = o * c.tanh()
        for symbol, wanted in zip("ifgoch", (i, f, g, o, c, h), strict=True):
            kept = found.values[t, found.channels.index(symbol)]
            np.testing.assert_allclose(kept, wanted[0].flatten(1).detach(), atol=2e-3)
        np.testing.assert_allclose(found.frames[t], x[t, 0], atol=1e-3)


@pytest.mark.parametrize("channel", [0, 2, 99])
def test_each_gate_of_a_map_is_drawn_with_a_picture_for_each_frame(channel):
    found, _, _ = record()
    figure = drawn(Record.from_bytes(found.to_bytes()), channel=channel)
    assert len(figure.data) == 7
    forget = np.array(figure.data[2].z, float)
    assert forget.shape == (PICTURE[0], T * (PICTURE[1] + 1) - 1)
    place = min(channel, C - 1)
    np.testing.assert_allclose(forget[:, : PICTURE[1]].ravel(), found.values[0, 1, place].astype(float), atol=1e-6)
    assert drawn(None).layout.annotations
    assert len(found.frame()) == T * 6 * C


def test_only_a_conv_lstm_is_looked_at():
    for cell in ("conv_lstm", "gru"):
        config = RunConfig.of(task="video", cell=cell, hidden_size=2, batch_size=2, steps=2, sequence_length=4)
        events = list(train(config, measures=live_measures(config)))
        found = [one.record for one in events if isinstance(one, Measured) and isinstance(one.record, GateMaps)]
        assert bool(found) == (cell == "conv_lstm")
        for one in found:
            assert one.values.shape == (4, 6, 2, 144)
