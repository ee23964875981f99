"""How fast the gradient of the last step fades at initialisation, by cell and initialisation."""

import torch

import rnncore
from rnncore.cells import CELLS


def factor(cell, **options):
    """Factor per step of ‖∂L_{T-1}/∂h_t‖ over 40 steps, standard normal inputs."""
    layer = CELLS[cell].layer(64, 128)
    CELLS[cell].initialise(layer, generator=torch.Generator().manual_seed(0), **options)
    x = torch.randn(40, 8, 64, generator=torch.Generator().manual_seed(0))
    with rnncore.probe(layer) as probe:
        layer(x)[0][-1].pow(2).sum().backward()
    norms = probe[""].layers[0].forward.grad_hidden.double().norm(dim=(1, 2))
    return float((norms[-1] / norms[0]) ** (-1 / 39))


def test_default_lstm_and_gru_vanish_like_the_plain_rnn():
    assert 0.4 < factor("rnn_tanh") < 0.7
    assert 0.5 < factor("lstm") < 0.7
    assert 0.5 < factor("gru") < 0.7


def test_the_bias_of_the_gate_that_remembers_decides_how_far_gradients_travel():
    chain = [factor("lstm"), factor("lstm", gate_bias=1.0), factor("lstm", gate_bias=3.0)]
    assert chain == sorted(chain)
    assert 0.9 < chain[2] < 1.1
    for cell in ("lstm", "gru"):
        assert 0.85 < factor(cell, gate_bias="chrono", t_max=50) < 1


def test_large_recurrent_weights_explode():
    assert factor("rnn_tanh", recurrent_gain=4.0) > 1.1
