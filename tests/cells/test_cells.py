"""The registry, the gate tables and the initial weights."""

import math
import subprocess
import sys

import pytest
import torch

from rnncore.cells import CELLS, TORCH_CELLS
from rnncore.errors import ConfigError
from tests.oracles import relative, unroll


def fresh(cell, seed=0, *, size=64, **options):
    layer_options = {key: options.pop(key) for key in ("num_layers", "bidirectional", "bias") if key in options}
    layer = CELLS[cell].layer(3, size, **layer_options)
    CELLS[cell].initialise(layer, generator=torch.Generator().manual_seed(seed), **options)
    return layer


def block(layer, cell, gate, name="bias_ih_l0"):
    size = layer.hidden_size
    index = [each.symbol for each in CELLS[cell].gates].index(gate)
    return getattr(layer, name).detach()[index * size : (index + 1) * size]


def test_the_registry_loads_without_torch():
    code = (
        "import sys; from rnncore.cells import CELLS, TORCH_CELLS; "
        "assert [g.name for g in CELLS['lstm'].gates] == ['input', 'forget', 'cell', 'output']; "
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("cell", "symbols", "sigmoids"), [("lstm", "ifgo", "ifo"), ("gru", "rzn", "rz")])
def test_gate_tables_are_in_torchs_order(cell, symbols, sigmoids):
    assert "".join(gate.symbol for gate in CELLS[cell].gates) == symbols
    assert "".join(gate.symbol for gate in CELLS[cell].gates if gate.sigmoid) == sigmoids


@pytest.mark.parametrize(("cell", "gate", "wanted"), [("lstm", "f", "c"), ("lstm", "o", "h"), ("gru", "z", "h")])
def test_a_gate_pushed_wide_open_does_what_its_name_says(cell, gate, wanted):
    """Behaviour, not order: an open forget gate keeps c, an open update gate keeps h, a shut output gate hides h."""
    torch.manual_seed(0)
    layer = CELLS[cell].layer(3, 4).double()
    with torch.no_grad():
        index = [each.symbol for each in CELLS[cell].gates].index(gate)
        layer.bias_ih_l0[index * 4 : (index + 1) * 4] = -60.0 if gate == "o" else 60.0
        if cell == "lstm" and gate == "f":
            layer.bias_ih_l0[:4] = -60.0  # and nothing enters
        x, h0, c0 = torch.randn(5, 2, 3).double(), torch.randn(1, 2, 4).double(), torch.randn(1, 2, 4).double()
        y, last = layer(x, (h0, c0) if cell == "lstm" else h0)
    if wanted == "c":
        assert torch.allclose(last[1], c0)
    else:
        assert torch.allclose(y, torch.zeros_like(y) if gate == "o" else h0.expand_as(y), atol=1e-12)


@pytest.mark.parametrize("cell", list(TORCH_CELLS))
def test_oracle_and_torch_agree_over_fifty_steps(cell):
    torch.manual_seed(0)
    for dtype, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-12)):
        layer = CELLS[cell].layer(3, 8).to(dtype)
        x = torch.randn(50, 2, 3, dtype=dtype)
        assert relative(unroll(layer, x, None, None).output.detach(), layer(x)[0].detach()) <= tolerance


@pytest.mark.parametrize("cell", list(TORCH_CELLS))
def test_the_same_seed_gives_the_same_weights_and_leaves_torchs_generator_alone(cell):
    before = torch.get_rng_state()
    layer = CELLS[cell].layer(3, 64)
    torch.set_rng_state(before)
    CELLS[cell].initialise(layer, recurrent="orthogonal", generator=torch.Generator().manual_seed(1))
    assert torch.equal(before, torch.get_rng_state())
    again, other = fresh(cell, 1, recurrent="orthogonal"), fresh(cell, 2, recurrent="orthogonal")
    for one, same, different in zip(layer.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, same)
        assert not torch.equal(one, different)


@pytest.mark.parametrize("cell", list(TORCH_CELLS))
def test_default_weights_fill_torchs_own_interval(cell):
    for parameter in fresh(cell, size=100).parameters():
        assert float(parameter.detach().abs().max()) <= 0.1
        assert abs(float(parameter.detach().std()) - 0.1 / math.sqrt(3)) < 0.01


@pytest.mark.parametrize("cell", list(TORCH_CELLS))
@pytest.mark.parametrize("gain", [1.0, 4.0])
def test_each_gates_recurrent_block_is_orthogonal_or_the_identity(cell, gain):
    options = {"recurrent_gain": gain, "num_layers": 2, "bidirectional": True, "size": 16}
    for recurrent in ("orthogonal", "identity"):
        layer = fresh(cell, recurrent=recurrent, **options)
        for name, weight in layer.named_parameters():
            if name.startswith("weight_hh"):
                for part in weight.detach().split(16):
                    assert torch.allclose(part @ part.T, gain**2 * torch.eye(16), atol=1e-4)
                    assert recurrent == "orthogonal" or torch.equal(part, gain * torch.eye(16))


@pytest.mark.parametrize(("cell", "gate"), [("lstm", "f"), ("gru", "z")])
def test_a_gate_bias_is_the_sum_of_torchs_two_biases(cell, gate):
    layer = fresh(cell, gate_bias=3.0, num_layers=2, bidirectional=True)
    for suffix in ("_l0", "_l0_reverse", "_l1", "_l1_reverse"):
        assert (block(layer, cell, gate, "bias_ih" + suffix) == 3).all()
        assert (block(layer, cell, gate, "bias_hh" + suffix) == 0).all()
    others = [each.symbol for each in CELLS[cell].gates if each.symbol != gate]
    assert all(block(layer, cell, other).abs().max() <= 1 / 8 for other in others)


@pytest.mark.parametrize(("cell", "gate"), [("lstm", "f"), ("gru", "z")])
def test_chrono_biases_are_ln_of_a_uniform_lag(cell, gate):
    layer = fresh(cell, size=2000, gate_bias="chrono", t_max=50)
    lag = block(layer, cell, gate).exp()
    assert float(lag.min()) >= 1 - 1e-5
    assert float(lag.max()) <= 49 + 1e-3
    assert abs(float(lag.mean()) - 25) < 1.3  # 4 standard errors of U(1, 49)
    assert abs(float(lag.std()) - 48 / math.sqrt(12)) < 0.8
    assert (block(layer, cell, gate, "bias_hh_l0") == 0).all()
    if cell == "lstm":
        assert torch.equal(block(layer, cell, "i"), -block(layer, cell, "f"))
        assert (block(layer, cell, "i", "bias_hh_l0") == 0).all()


@pytest.mark.parametrize("cell", ["rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize("gate_bias", [1.0, "chrono"])
def test_a_gate_bias_of_a_cell_without_gates_is_refused(cell, gate_bias):
    with pytest.raises(ConfigError, match=f"keeps its state, got cell '{cell}'; use lstm or gru"):
        fresh(cell, gate_bias=gate_bias, t_max=10)


def test_impossible_initialisations_are_refused_in_sentences():
    for t_max in (None, 2):
        with pytest.raises(ConfigError, match=f"t_max must be >= 3 for gate_bias 'chrono', got {t_max}"):
            fresh("lstm", gate_bias="chrono", t_max=t_max)
    with pytest.raises(ConfigError, match="gate_bias must be a number, 'chrono' or None, got 'large'"):
        fresh("lstm", gate_bias="large")
    with pytest.raises(ConfigError, match="recurrent must be one of default, orthogonal, identity, got 'random'"):
        fresh("lstm", recurrent="random")
    with pytest.raises(ConfigError, match="gate_bias needs a layer with biases"):
        fresh("lstm", gate_bias=1.0, bias=False)
