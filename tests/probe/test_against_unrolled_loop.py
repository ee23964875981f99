"""The probe equals autograd through an unrolled loop."""

import pytest
import torch
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

import rnncore
from rnncore.cells import CELLS, TORCH_CELLS
from tests.oracles import relative
from tests.probe.support import PATHS, check, loss_of, make, parts

EVERY = list(TORCH_CELLS)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one-way", "both-ways"])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("cell", EVERY)
def test_probe_equals_autograd_through_an_unrolled_loop(cell, num_layers, bidirectional, path):
    for batch_first in (False, True):
        for initial in (False, True):
            layer = make(cell, num_layers=num_layers, bidirectional=bidirectional, batch_first=batch_first)
            check(layer, path, initial=initial)


@pytest.mark.parametrize("cell", EVERY)
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one-way", "both-ways"])
def test_probe_equals_the_unrolled_loop_in_float32(cell, bidirectional):
    for num_layers in (1, 2, 3):
        check(make(cell, dtype=torch.float32, num_layers=num_layers, bidirectional=bidirectional), "all")


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-6), (torch.float64, 1e-12)], ids=str)
@pytest.mark.parametrize("cell", EVERY)
def test_over_fifty_steps_the_replay_gives_torchs_own_numbers(cell, dtype, bound):
    """The gradient of the inputs, and from the gates the outputs and the last states, with torch's weights."""
    torch.manual_seed(0)
    layer = CELLS[cell].layer(4, 5, num_layers=2).to(dtype)
    x = torch.randn(50, 3, 4, dtype=dtype, requires_grad=True)
    with rnncore.probe(layer) as probe:
        y, last = layer(x)
        y.pow(2).sum().backward()
    _, c_n = parts(last)
    traces = [one.forward for one in probe[""].layers]
    assert relative(traces[0].grad_input, x.grad) <= bound
    assert torch.equal(traces[-1].hidden, y.detach())
    for index, trace in enumerate(traces):
        if cell == "lstm":
            assert relative(trace.cell[-1], c_n[index].detach()) <= bound
            assert relative(trace.gates["output"] * trace.cell.tanh(), trace.hidden) <= bound
        if cell == "gru":
            z, before = trace.gates["update"][1:], trace.hidden[:-1]
            assert relative((1 - z) * trace.gates["new"][1:] + z * before, trace.hidden[1:]) <= bound


@pytest.mark.parametrize("cell", EVERY)
def test_layers_without_biases_are_opened_too(cell):
    check(make(cell, bias=False, num_layers=2, bidirectional=True), "all")


@settings(max_examples=25, deadline=None)
@drawn(
    cell=st.sampled_from(EVERY),
    steps=st.integers(1, 9),
    batch=st.integers(1, 4),
    num_layers=st.integers(1, 3),
    bidirectional=st.booleans(),
    path=st.sampled_from(PATHS),
)
def test_probe_equals_the_unrolled_loop_at_any_shape(cell, steps, batch, num_layers, bidirectional, path):
    layer = make(cell, num_layers=num_layers, bidirectional=bidirectional)
    check(layer, path, steps=steps, batch=batch)


@pytest.mark.parametrize("cell", EVERY)
@pytest.mark.parametrize("sequences", [slice(0, 2), slice(1, 3), slice(None, None, 2)])
def test_chosen_sequences_are_those_rows_of_the_batch(cell, sequences):
    check(make(cell, num_layers=2, bidirectional=True), "all", sequences=sequences)


def test_a_number_of_sequences_means_the_first_so_many():
    layer, x = make("gru"), torch.randn(4, 3, 4, dtype=torch.float64)
    with rnncore.probe(layer, 2) as probe:
        y, _ = layer(x)
        y.sum().backward()
    assert torch.equal(probe[""].layers[0].forward.hidden, y.detach()[:, :2])


@pytest.mark.parametrize("cell", EVERY)
def test_unbatched_input_is_one_sequence(cell):
    layer = make(cell, num_layers=2)
    x = torch.randn(6, 4, dtype=torch.float64)
    with rnncore.probe(layer) as single:
        y, last = layer(x)
        loss_of("all", y, *parts(last)).backward()
    with rnncore.probe(layer) as batched:
        y, last = layer(x.unsqueeze(1))
        h_n, c_n = parts(last)
        loss_of("all", y[:, 0], h_n[:, 0], None if c_n is None else c_n[:, 0]).backward()
    for one, other in zip(single[""].layers, batched[""].layers, strict=True):
        assert one.forward.grad_hidden.shape == (6, 1, 5)
        assert relative(one.forward.grad_hidden, other.forward.grad_hidden) < 1e-12


@pytest.mark.parametrize("cell", EVERY)
def test_frozen_weights_and_a_sliced_output_change_nothing(cell):
    layer, x = make(cell), torch.randn(6, 3, 4, dtype=torch.float64, requires_grad=True)
    found = []
    for frozen in (False, True):
        layer.requires_grad_(not frozen)
        with rnncore.probe(layer) as probe:
            y, _ = layer(x)
            (y[1:4, :2].pow(2).sum() + y[-1, 0].sum()).backward()
        found.append(probe[""].layers[0].forward.grad_hidden)
    assert torch.equal(*found)


@pytest.mark.parametrize("cell", EVERY)
def test_two_backward_passes_add_up_as_grad_does(cell):
    layer, x = make(cell), torch.randn(6, 3, 4, dtype=torch.float64)
    with rnncore.probe(layer) as twice:
        y, _ = layer(x)
        y.sum().backward(retain_graph=True)
        y.pow(2).sum().backward()
    with rnncore.probe(layer) as once:
        y, _ = layer(x)
        (y.sum() + y.pow(2).sum()).backward()
    traces = [probe[""].layers[0].forward for probe in (twice, once)]
    assert relative(traces[0].grad_hidden, traces[1].grad_hidden) < 1e-14
