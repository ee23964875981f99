"""Layers that are called many times, and sequences of unequal length."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import rnncore
from rnncore.cells import TORCH_CELLS
from rnncore.errors import ProbeError
from tests.oracles import relative, unroll
from tests.probe.support import D, H, compare, given, loss_of, make, parts, states

EVERY = list(TORCH_CELLS)


@pytest.mark.parametrize("cell", EVERY)
@pytest.mark.parametrize("num_layers", [1, 2])
def test_a_decoder_called_step_by_step_is_the_sequence_that_one_call_sees(cell, num_layers):
    layer = make(cell, num_layers=num_layers)
    x, (h0, c0) = torch.randn(6, 3, D, dtype=torch.float64), states(layer)
    with rnncore.probe(layer) as stepped:
        state, outputs = given(layer, h0, c0), []
        for part in x.split([1, 2, 1, 2]):
            y, state = layer(part, state)
            outputs.append(y)
        loss_of("all", torch.cat(outputs), *parts(state)).backward()
    with rnncore.probe(layer) as whole:
        y, last = layer(x, given(layer, h0, c0))
        loss_of("all", y, *parts(last)).backward()
    found = stepped[""]
    assert len(found.calls) == 4
    assert found.calls[1].layers[0].forward.hidden.shape == (2, 3, H)
    for joined, layer_trace in zip(found.sequence, whole[""].layers, strict=True):
        wanted = layer_trace.forward
        for name in ("hidden", "grad_hidden", "grad_input", "grad_preactivations"):
            assert relative(getattr(joined, name), getattr(wanted, name)) <= 1e-10, name
        for gate in wanted.gates:
            assert relative(joined.gates[gate], wanted.gates[gate]) <= 1e-10
            assert relative(joined.grad_gates[gate], wanted.grad_gates[gate]) <= 1e-10
        if wanted.cell is not None:
            assert relative(joined.cell, wanted.cell) <= 1e-10
            assert relative(joined.grad_cell, wanted.grad_cell) <= 1e-10
        direct = torch.randn_like(wanted.hidden)
        assert relative(joined.backward(direct).grad_hidden, wanted.backward(direct).grad_hidden) <= 1e-10


class Feeding(nn.Module):
    """A decoder that reads its own last output."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRU(D, D).double()

    def forward(self, x, steps=4):
        state, found = None, []
        for _ in range(steps):
            x, state = self.cell(x, state)
            found.append(x)
        return torch.cat(found)


def test_what_flows_back_through_fed_outputs_counts_as_direct_gradient():
    torch.manual_seed(0)
    model, x = Feeding(), torch.randn(1, 2, D, dtype=torch.float64)
    with rnncore.probe(model) as probe:
        model(x).pow(2).sum().backward()
    joined = probe["cell"].sequence[0]
    # the oracle: the same by plain cells, with retain_grad on every state
    cell = nn.GRUCell(D, D).double()
    cell.load_state_dict({name.removesuffix("_l0"): p for name, p in model.cell.state_dict().items()})
    h, inputs, hidden = torch.zeros(2, D, dtype=torch.float64), x[0], []
    for _ in range(4):
        h = cell(inputs, h)
        h.retain_grad()
        hidden.append(h)
        inputs = h
    torch.stack(hidden).pow(2).sum().backward()
    recurrent_only = torch.stack([h.grad for h in hidden])
    assert relative(joined.grad_hidden, recurrent_only) <= 1e-10


def test_layers_of_several_calls_are_refused_with_a_hint():
    layer = make("lstm")
    x = torch.randn(2, 3, D, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        (layer(x)[0].sum() + layer(x)[0].sum()).backward()
    with pytest.raises(ProbeError, match=r"called 2 times.*\.calls"):
        _ = probe[""].layers
    with pytest.raises(ProbeError, match=r"no single sequence.*\.calls"):
        _ = probe[""].sequence


@pytest.mark.parametrize("cell", EVERY)
@pytest.mark.parametrize("sort", [True, False], ids=["sorted", "unsorted"])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=["one", "deep both ways"])
def test_packed_sequences_equal_the_unrolled_loop_over_their_own_lengths(cell, sort, options):
    layer = make(cell, **options)
    lengths = [6, 5, 3, 1] if sort else [3, 6, 1, 5]
    x = torch.randn(6, 4, D, dtype=torch.float64)
    h0, c0 = states(layer, 4)
    for path in ("output", "h_n", "all"):
        with rnncore.probe(layer) as probe:
            packed, last = layer(pack_padded_sequence(x, lengths, enforce_sorted=sort), given(layer, h0, c0))
            y, _ = pad_packed_sequence(packed)
            loss_of(path, y, *parts(last)).backward()
        stack = unroll(layer, x, h0, c0, lengths)
        loss_of(path, stack.output, stack.h_n, stack.c_n).backward()
        assert relative(stack.output.detach(), y.detach()) <= 1e-10
        for layer_trace, unrolled in zip(probe[""].layers, stack.layers, strict=True):
            for trace, one in zip(layer_trace.directions, unrolled, strict=True):
                assert trace.lengths.tolist() == lengths
                blank(one, lengths)
                compare(trace, one, 1e-10)


def blank(one, lengths):
    """Padded steps of the oracle's gates are not defined: show zeros, as the trace does."""
    for steps in (*one.gates.values(), *one.preactivations.values(), one.hidden, one.cell, one.inputs):
        for t, tensor in enumerate(steps):
            for b, length in enumerate(lengths):
                if tensor is not None and t >= length:
                    tensor.data[b] = 0
                    if tensor.grad is not None:
                        tensor.grad[b] = 0


def test_chosen_rows_of_a_packed_batch_are_in_the_callers_order():
    layer, x = make("lstm", bidirectional=True), torch.randn(6, 4, D, dtype=torch.float64)
    found = []
    for sequences in (None, slice(1, 3)):
        with rnncore.probe(layer, sequences) as probe:
            packed, last = layer(pack_padded_sequence(x, [3, 6, 1, 5], enforce_sorted=False))
            loss_of("all", pad_packed_sequence(packed)[0], *parts(last)).backward()
        found.append(probe[""].layers[0])
    for everything, chosen in zip(found[0].directions, found[1].directions, strict=True):
        assert chosen.lengths.tolist() == [6, 1]
        assert relative(chosen.grad_hidden, everything.grad_hidden[:, 1:3]) <= 1e-12
        assert relative(chosen.grad_cell, everything.grad_cell[:, 1:3]) <= 1e-12


def test_padded_steps_are_zero_and_later_losses_on_them_do_not_count():
    layer, x = make("gru"), torch.randn(5, 2, D, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        packed, _ = layer(pack_padded_sequence(x, [5, 2]))
        packed.data.sum().backward()
    trace = probe[""].layers[0].forward
    assert trace.finite
    for array in (trace.hidden, trace.grad_hidden, trace.grad_input, *trace.gates.values()):
        assert not array[2:, 1].any()
    assert not trace.backward(torch.ones(5, 2, H, dtype=torch.float64)).grad_hidden[2:, 1].any()
    last = probe[""].calls[0].backward_last_step()[0].forward.grad_output
    assert last[4, 0].all()
    assert last[1, 1].all()
    assert int((last != 0).sum()) == 2 * H
