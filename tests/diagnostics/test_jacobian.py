"""Claims about step Jacobians: equal to ``torch.func.jacrev`` through one step of torch's own cells."""

import pytest
import torch

import rnncore
from rnncore.cells import TORCH_CELLS
from rnncore.diagnostics.jacobian import (
    DynamicsError,
    direct_path,
    products,
    singular_values,
    spectral_radius,
    step_jacobians,
)
from tests.probe.support import B, D, H, T, given, make, states

EXACT = {"rtol": 1e-11, "atol": 1e-13}


def opened(layer, x, h0=None, c0=None):
    with rnncore.probe(layer) as probe:
        layer(x, given(layer, h0, c0))
    return probe[""].layers


def jacrev(cell, weights, x, h, c):
    """∂s_t/∂s_{t-1} of one sequence by automatic differentiation of torch's cell function, s = h or (h, c)."""
    size = len(h)

    def step(state):
        row = state.unsqueeze(0)
        if cell == "lstm":
            new = torch.lstm_cell(x.unsqueeze(0), (row[:, :size], row[:, size:]), *weights)
            return torch.cat(new, -1)[0]
        return getattr(torch, f"{cell}_cell")(x.unsqueeze(0), row, *weights)[0]

    return torch.func.jacrev(step)(torch.cat([h, c]) if cell == "lstm" else h)


def by_jacrev(layer, cell, trace, x, h0, c0, reverse=False):
    """(T, B, S, S), in the direction's own order, along the trace's states."""
    suffix = "_l0_reverse" if reverse else "_l0"
    weights = [getattr(layer, name + suffix).detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    hidden, cells, x = (
        None if one is None else (one.flip(0) if reverse else one) for one in (trace.hidden, trace.cell, x)
    )
    found = []
    for t in range(len(x)):
        h, c = (h0, c0) if t == 0 else (hidden[t - 1], None if cells is None else cells[t - 1])
        rows = [jacrev(cell, weights, x[t, b], h[b], None if c is None else c[b]) for b in range(x.shape[1])]
        found.append(torch.stack(rows))
    return torch.stack(found)


@pytest.mark.parametrize("cell", list(TORCH_CELLS))
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_formula_of_each_cell_is_automatic_differentiation_through_a_step(cell, bidirectional):
    layer = make(cell, bidirectional=bidirectional)
    x = torch.randn(T, B, D, dtype=torch.float64)
    h0, c0 = states(layer)
    (trace,) = opened(layer, x, h0, c0)
    for d, one in enumerate(trace.directions):
        found = step_jacobians(one)
        size = 2 * H if cell == "lstm" else H
        assert found.shape == (T, B, size, size)
        torch.testing.assert_close(found, by_jacrev(layer, cell, one, x, h0[d], c0[d], bool(d)), **EXACT)


@pytest.mark.parametrize("cell", list(TORCH_CELLS))
def test_products_are_the_derivative_of_the_last_state_by_an_earlier_one(cell):
    """Against autograd through torch's own fused layer, run on from a state in the middle."""
    layer = make(cell)
    x = torch.randn(T, 1, D, dtype=torch.float64)
    (trace,) = opened(layer, x)
    forward, lag = trace.forward, 4

    def last(state):
        parts = state.view(-1, 1, 1, H)
        _, end = layer(x[T - lag :], (parts[0], parts[1]) if cell == "lstm" else parts[0])
        return torch.cat(end).flatten() if cell == "lstm" else end.flatten()

    before = [forward.hidden[T - lag - 1]] + ([forward.cell[T - lag - 1]] if cell == "lstm" else [])
    wanted = torch.func.jacrev(last)(torch.cat(before).flatten())
    found = products(step_jacobians(forward), lag)
    assert len(found) == T - lag + 1
    torch.testing.assert_close(found[-1, 0], wanted, **EXACT)


@pytest.mark.parametrize("lag", range(1, 9))
def test_products_of_any_lag_are_those_of_a_loop(lag):
    jacobians = torch.randn(8, 2, 3, 3, dtype=torch.float64)
    found = products(jacobians, lag)
    assert len(found) == 8 - lag + 1
    for index, product in enumerate(found):
        wanted = torch.eye(3, dtype=torch.float64)
        for t in range(index, index + lag):
            wanted = jacobians[t] @ wanted
        torch.testing.assert_close(product, wanted.expand(2, 3, 3), **EXACT)


def test_the_direct_path_is_the_whole_only_where_no_gate_depends_on_h():
    for connected in (False, True):
        layer = make("lstm")
        if not connected:
            layer.weight_hh_l0.data.zero_()
        (trace,) = opened(layer, torch.randn(T, B, D, dtype=torch.float64))
        whole = products(step_jacobians(trace.forward), T)[0][..., H:, H:]
        direct = torch.diag_embed(direct_path(trace.forward).prod(0))
        torch.testing.assert_close(direct_path(trace.forward), trace.forward.gates["forget"])
        difference = float((whole - direct).norm() / direct.norm())
        assert difference > 0.1 if connected else difference < 1e-12


def test_what_packed_sequences_do_not_have_is_zero():
    from torch.nn.utils.rnn import pack_padded_sequence

    layer, lengths = make("gru", bidirectional=True), [5, 3, 7]
    x = torch.randn(T, B, D, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
    packed = probe[""].layers[0].directions
    for b, length in enumerate(lengths):
        (alone,) = opened(layer, x[:length, b : b + 1])
        for one, other in zip(packed, alone.directions, strict=True):
            found = step_jacobians(one)
            torch.testing.assert_close(found[:length, b], step_jacobians(other)[:, 0], **EXACT)
            assert not found[length:, b].any()


def test_a_stretch_of_steps_is_that_part_of_all():
    layer = make("lstm")
    (trace,) = opened(layer, torch.randn(T, B, D, dtype=torch.float64))
    torch.testing.assert_close(step_jacobians(trace.forward, slice(2, 5)), step_jacobians(trace.forward)[2:5])


def test_one_step_has_its_jacobian_too_and_no_product_of_two():
    layer = make("rnn_tanh")
    (trace,) = opened(layer, torch.randn(1, B, D, dtype=torch.float64))
    found = step_jacobians(trace.forward)
    assert found.shape == (1, B, H, H)
    with pytest.raises(DynamicsError, match="lag must be 1 to 1, the number of steps, got 2"):
        products(found, 2)


def test_float32_traces_can_be_opened_in_float64():
    layer = make("gru", dtype=torch.float32)
    (trace,) = opened(layer, torch.randn(T, B, D))
    single, double = step_jacobians(trace.forward), step_jacobians(trace.forward, dtype=torch.float64)
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-6)


def test_default_rnns_have_a_step_that_can_grow_and_a_radius_that_cannot():
    """σ_max → 2/√3 and ρ → 1/√3 for weights U(-1/√H, 1/√H), by the circular law; in the state zero, where J = W."""
    torch.manual_seed(0)
    layer = torch.nn.RNN(1, 200, bias=False)
    (trace,) = opened(layer, torch.zeros(1, 1, 1))
    jacobian = step_jacobians(trace.forward)[0, 0]
    assert float(singular_values(jacobian)[0]) == pytest.approx(2 / 3**0.5, rel=0.05)
    assert float(spectral_radius(jacobian)) == pytest.approx(1 / 3**0.5, rel=0.1)


def test_singular_values_below_rounding_are_zero():
    matrix = torch.diag(torch.tensor([1.0, 1e-8, 1e-30], dtype=torch.float64))
    assert singular_values(matrix).tolist() == pytest.approx([1.0, 1e-8, 0.0])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_states_that_are_not_finite_are_refused_in_words(bad):
    layer = make("rnn_relu")
    x = torch.ones(T, B, D, dtype=torch.float64)
    x[2] = bad
    (trace,) = opened(layer, x)
    with pytest.raises(DynamicsError, match="must be finite, got NaN or infinity"):
        step_jacobians(trace.forward)


def test_a_cell_without_cell_state_has_no_direct_path():
    (trace,) = opened(make("gru"), torch.randn(T, B, D, dtype=torch.float64))
    with pytest.raises(DynamicsError, match="needs a cell state and a forget gate, and gru has not both"):
        direct_path(trace.forward)
