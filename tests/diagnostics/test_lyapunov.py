"""Claims about Lyapunov exponents, each with a value known in closed form or by brute force."""

import math

import pytest
import torch

import rnncore
from rnncore.cells import TORCH_CELLS
from rnncore.diagnostics.jacobian import DynamicsError, step_jacobians
from rnncore.diagnostics.lyapunov import autonomous_lyapunov, exponents_of, lyapunov_exponents
from tests.probe.support import B, D, H, given, make, states

DOUBLE = torch.float64


def opened(layer, x, h0=None, c0=None):
    with rnncore.probe(layer) as probe:
        layer(x, given(layer, h0, c0))
    return probe[""].layers[0]


def square(size, seed=0):
    return torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def test_of_a_linear_system_they_are_the_logarithms_of_the_eigenvalues():
    basis = torch.linalg.qr(square(6))[0] + 0.3 * square(6, 1)
    values = torch.tensor([1.3, 1.0, -0.7, 0.4, -0.2, 0.05], dtype=DOUBLE)
    weight = basis @ torch.diag(values) @ torch.linalg.inv(basis)
    found = exponents_of([weight.unsqueeze(0)] * 150, warmup=100)
    torch.testing.assert_close(found.exponents, values.abs().log(), rtol=0, atol=1e-9)


def test_of_orthogonal_jacobians_all_are_zero():
    found = exponents_of([torch.linalg.qr(square(5, seed))[0].unsqueeze(0) for seed in range(50)])
    torch.testing.assert_close(found.exponents, torch.zeros(5, dtype=DOUBLE), rtol=0, atol=1e-13)


@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm", "gru"])
def test_their_sum_is_the_mean_of_log_det(cell):
    layer = make(cell)
    trace = opened(layer, torch.randn(40, B, D, dtype=DOUBLE), *states(layer)).forward
    found = lyapunov_exponents(trace, warmup=10)
    wanted = torch.linalg.slogdet(step_jacobians(trace))[1][10:].mean()
    assert float(found.exponents.sum()) == pytest.approx(float(wanted), rel=1e-9)


@pytest.mark.parametrize("gain", [0.9, 1.0 / 3])
def test_a_tanh_network_that_comes_to_rest_at_zero_has_the_logarithm_of_its_spectral_radius(gain):
    """Symmetric weights: the leading eigenvalue is real, and the estimate converges."""
    layer = torch.nn.RNN(1, 20, bias=False).double()
    weight = square(20) + square(20).T
    radius = torch.linalg.eigvalsh(weight).abs().max()
    layer.weight_hh_l0.data = gain * weight / radius
    found = autonomous_lyapunov(layer, steps=700, warmup=400)
    assert float(found.exponents[0]) == pytest.approx(math.log(gain), abs=1e-3)


def test_the_first_exponent_is_the_growth_of_a_small_perturbation():
    """Brute force: two runs side by side, the distance scaled back at each step."""
    layer = make("gru")
    x = torch.randn(120, 1, D, dtype=DOUBLE)
    h = torch.zeros(1, 1, H, dtype=DOUBLE)
    distance, logs = 1e-7, []
    other = h + distance * torch.nn.functional.normalize(torch.ones_like(h), dim=-1)
    with torch.no_grad():
        for t in range(len(x)):
            (_, h), (_, other) = layer(x[t : t + 1], h), layer(x[t : t + 1], other)
            logs.append(math.log(float((other - h).norm()) / distance))
            other = h + (other - h) * distance / (other - h).norm()
    found = lyapunov_exponents(opened(layer, x).forward, warmup=40)
    assert float(found.exponents[0]) == pytest.approx(sum(logs[40:]) / 80, abs=1e-4)


def test_the_henon_map_has_its_known_exponents():
    """λ_1 = .419 for a = 1.4, b = .3, and both together ln b exactly; 64 orbits at once."""
    x, y, jacobians = torch.linspace(-0.1, 0.1, 64, dtype=DOUBLE), torch.zeros(64, dtype=DOUBLE), []
    for _ in range(400):
        rows = [torch.stack([-2.8 * x, torch.ones_like(x)], -1), torch.tensor([0.3, 0.0], dtype=DOUBLE).expand(64, 2)]
        jacobians.append(torch.stack(rows, 1))
        x, y = 1 - 1.4 * x * x + y, 0.3 * x
    found = exponents_of(jacobians, warmup=100).exponents
    assert float(found[0]) == pytest.approx(0.419, abs=0.01)
    assert float(found.sum()) == pytest.approx(math.log(0.3), abs=1e-12)


def test_the_largest_few_by_a_thin_qr_are_the_first_of_all():
    trace = opened(make("lstm"), torch.randn(60, B, D, dtype=DOUBLE)).forward
    few, every = lyapunov_exponents(trace, count=3), lyapunov_exponents(trace)
    assert (few.exponents.shape, every.exponents.shape, few.state_size) == ((3,), (2 * H,), 2 * H)
    # both start from random planes: what they hold of each other is settled only after the warm-up
    torch.testing.assert_close(few.exponents, every.exponents[:3], rtol=0, atol=0.02)


def test_the_running_estimate_ends_at_the_exponent():
    found = lyapunov_exponents(opened(make("rnn_tanh"), torch.randn(30, B, D, dtype=DOUBLE)).forward, warmup=5)
    assert found.running.shape == (25, B)
    torch.testing.assert_close(found.running[-1], found.by_sequence[:, 0])
    torch.testing.assert_close(found.running[2], found.growth[5:8, :, 0].mean(0))


def test_left_to_itself_means_zero_input_and_biases_kept():
    """The same as a driven run whose input is zero, from the same state."""
    for cell in TORCH_CELLS:
        layer = make(cell)
        h0, c0 = states(layer)
        driven = lyapunov_exponents(opened(layer, torch.zeros(50, B, D, dtype=DOUBLE), h0, c0).forward)
        start = (h0[0], c0[0]) if cell == "lstm" else h0[0]
        free = autonomous_lyapunov(layer, steps=50, start=start)
        torch.testing.assert_close(free.growth, driven.growth, rtol=1e-9, atol=1e-9)


def test_a_trace_goes_on_from_where_its_sequences_ended():
    layer = make("lstm", bidirectional=True)
    h0, c0 = states(layer)
    x = torch.randn(9, B, D, dtype=DOUBLE)
    with torch.no_grad():
        _, (h_n, c_n) = layer(x, (h0, c0))
    for d, trace in enumerate(opened(layer, x, h0, c0).directions):
        found = autonomous_lyapunov(trace, steps=20)
        wanted = autonomous_lyapunov(layer, steps=20, start=(h_n[d], c_n[d]), reverse=bool(d))
        torch.testing.assert_close(found.growth, wanted.growth, rtol=1e-9, atol=1e-9)


def test_a_stretch_of_some_sequences_is_that_part_of_all():
    from torch.nn.utils.rnn import pack_padded_sequence

    layer = make("gru")
    with rnncore.probe(layer) as probe:
        layer(pack_padded_sequence(torch.randn(30, B, D, dtype=DOUBLE), [12, 30, 21], enforce_sorted=False))
    trace = probe[""].layers[0].forward
    found = lyapunov_exponents(trace, steps=slice(5, 18), sequences=slice(1, 3), warmup=0)
    jacobians = step_jacobians(trace, slice(5, 18))[:, 1:3]
    torch.testing.assert_close(found.growth, exponents_of(jacobians).growth, rtol=1e-9, atol=1e-9)
    short = lyapunov_exponents(trace, steps=slice(5, 18), sequences=slice(0, 1), warmup=0)
    assert short.growth[:7].isfinite().all()
    assert short.growth[7:].isnan().all()


@pytest.mark.parametrize("reverse", [False, True])
def test_packed_sequences_go_on_from_their_own_ends(reverse):
    from torch.nn.utils.rnn import pack_padded_sequence

    layer = make("lstm", bidirectional=True)
    packed = pack_padded_sequence(torch.randn(9, B, D, dtype=DOUBLE), [5, 9, 2], enforce_sorted=False)
    with rnncore.probe(layer) as probe:
        _, (h_n, c_n) = layer(packed)
    found = autonomous_lyapunov(probe[""].layers[0].directions[reverse], steps=20)
    start = h_n[int(reverse)].detach(), c_n[int(reverse)].detach()
    wanted = autonomous_lyapunov(layer, steps=20, start=start, reverse=reverse)
    torch.testing.assert_close(found.growth, wanted.growth, rtol=1e-9, atol=1e-9)


def test_packed_sequences_count_their_own_steps_only():
    from torch.nn.utils.rnn import pack_padded_sequence

    layer, lengths = make("gru", bidirectional=True), [12, 30, 21]
    x = torch.randn(30, B, D, dtype=DOUBLE)
    with rnncore.probe(layer) as probe:
        layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
    for d, trace in enumerate(probe[""].layers[0].directions):
        found = lyapunov_exponents(trace, warmup=4).by_sequence
        for b, length in enumerate(lengths):
            alone = opened(layer, x[:length, b : b + 1]).directions[d]
            torch.testing.assert_close(
                found[b : b + 1], lyapunov_exponents(alone, warmup=4).by_sequence, rtol=1e-8, atol=1e-8
            )


def test_directions_that_relu_shuts_are_minus_infinity_not_rounding():
    """Two units shut at each step: rank 4 of 6, of which a QR leaves 1e-16 in place of 0."""
    jacobians = [square(6, seed).unsqueeze(0) for seed in range(60)]
    for jacobian in jacobians:
        jacobian[:, [1, 4]] = 0
    found = exponents_of(jacobians)
    assert torch.isfinite(found.growth[..., :4]).all()
    assert (found.growth[..., 4:] == -math.inf).all()
    assert (found.exponents[4:] == -math.inf).all()


def test_it_leaves_torchs_generator_and_the_layer_alone():
    layer = make("lstm")
    before, weights = torch.get_rng_state(), [one.clone() for one in layer.parameters()]
    autonomous_lyapunov(layer, steps=20)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one, same) for one, same in zip(layer.parameters(), weights, strict=True))


def test_one_step_is_too_short_and_refused_in_words():
    trace = opened(make("gru"), torch.randn(1, B, D, dtype=DOUBLE)).forward
    with pytest.raises(DynamicsError, match="needs at least 2 counted steps, got 1 steps"):
        lyapunov_exponents(trace)


def test_a_network_that_explodes_by_itself_is_said_to():
    layer = torch.nn.RNN(1, 4, nonlinearity="relu", bias=False).double()
    layer.weight_hh_l0.data = 10 * torch.eye(4, dtype=DOUBLE)
    with pytest.raises(DynamicsError, match=r"the state grows beyond all numbers within 3\d\d steps"):
        autonomous_lyapunov(layer, steps=400)


def test_states_that_are_not_finite_are_refused_in_words():
    x = torch.ones(9, B, D, dtype=DOUBLE)
    x[3] = math.nan
    trace = opened(make("gru"), x).forward
    for call in (lyapunov_exponents, autonomous_lyapunov):
        with pytest.raises(DynamicsError, match="must be finite, got NaN or infinity"):
            call(trace)


@pytest.mark.parametrize("options", [{"layer": 2}, {"reverse": True}])
def test_a_layer_that_is_not_there_is_refused_in_words(options):
    with pytest.raises(DynamicsError, match="got a LSTM with 2 layers and one direction"):
        autonomous_lyapunov(make("lstm", num_layers=2), **options)
