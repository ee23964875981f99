"""Claims about records of any opened model: equal to autograd through an unrolled loop, whatever its layers are."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import rnncore
from rnncore.diagnostics.opened import MOST_STEPS, directions, opened_records
from rnncore.errors import ProbeError
from rnncore.records import GradientFlow, Record
from tests.oracles import unroll
from tests.watching.models import Tagger

T, B = 7, 3


def opened(model, run):
    """The records of one step, by kind; ``run`` gives the loss."""
    with rnncore.probe(model) as probe:
        run().backward()
    return {record.kind: record for record in rnncore.records_of(probe)}


def make(kind, **options):
    torch.manual_seed(0)
    layer = kind(4, 5, **options).double()
    for parameter in layer.parameters():
        parameter.data.uniform_(-0.7, 0.7)
    return layer, torch.randn(T, B, 4, dtype=torch.float64)


def norms(one, losses, lengths=None, reverse=False):
    """‖∂(sum of losses)/∂h_t‖ by lag, the longest first: the slow and obvious way."""
    for h in one.hidden:
        h.grad = None
    losses.backward(retain_graph=True)
    grads = one.grads(one.hidden).numpy()  # (T, B, H)
    lengths = [T] * B if lengths is None else lengths
    found = []
    for lag in range(T - 1, -1, -1):
        at = [lag if reverse else length - 1 - lag for length in lengths]
        there = [np.linalg.norm(grads[t, b]) for b, t in enumerate(at) if 0 <= t < lengths[b]]
        found.append(math.sqrt(np.mean(np.square(there))) if there else 0.0)
    return found


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("layers", [1, 3])
def test_the_last_loss_s_gradient_is_carried_down_a_stack(kind, layers):
    layer, x = make(kind, num_layers=layers)
    flow = opened(layer, lambda: layer(x)[0].pow(2).sum())["gradient_flow"]
    stack = unroll(layer, x, None, None)
    for index, (one,) in enumerate(stack.layers):
        np.testing.assert_allclose(flow.hidden_last[index], norms(one, stack.output[-1].pow(2).sum()), rtol=1e-6)
        np.testing.assert_allclose(flow.hidden_total[index], norms(one, stack.output.pow(2).sum()), rtol=1e-6)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_reverse_direction_s_last_step_is_the_sequence_s_first(kind):
    layer, x = make(kind, bidirectional=True)
    flow = opened(layer, lambda: layer(x)[0].pow(2).sum())["gradient_flow"]
    ((forward, reverse),) = unroll(layer, x, None, None).layers
    ends = forward.hidden[-1].pow(2).sum(), reverse.hidden[0].pow(2).sum()
    np.testing.assert_allclose(flow.hidden_last[0], norms(forward, ends[0]), rtol=1e-6)
    np.testing.assert_allclose(flow.hidden_last[1], norms(reverse, ends[1], reverse=True), rtol=1e-6)


@pytest.mark.parametrize("state", [0, 1])
def test_a_loss_on_the_last_states_alone_is_all_there_is(state):
    layer, x = make(nn.LSTM, num_layers=2)
    flow = opened(layer, lambda: layer(x)[1][state].pow(2).sum())["gradient_flow"]
    stack = unroll(layer, x, None, None)
    for index, (one,) in enumerate(stack.layers):
        expected = norms(one, (stack.h_n, stack.c_n)[state].pow(2).sum())
        np.testing.assert_allclose(flow.hidden_total[index], expected, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(flow.hidden_last[index], expected, rtol=1e-6, atol=1e-12)


def test_lags_are_counted_from_each_sequence_s_own_end():
    layer, x = make(nn.GRU)
    lengths = [5, 7, 2]
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    flow = opened(layer, lambda: layer(packed)[0].data.pow(2).sum())["gradient_flow"]
    stack = unroll(layer, x, None, None, lengths)
    ((one,),) = stack.layers
    last = sum(one.hidden[length - 1][b].pow(2).sum() for b, length in enumerate(lengths))
    np.testing.assert_allclose(flow.hidden_last[0], norms(one, last, lengths), rtol=1e-6)


def test_a_padded_loss_ends_where_its_mask_does():
    layer, x = make(nn.LSTM)
    mask = torch.zeros(T, B, 1, dtype=torch.float64)
    mask[:4] = 1  # padding by hand: no loss beyond step 3
    flow = opened(layer, lambda: (layer(x)[0] * mask).pow(2).sum())["gradient_flow"]
    ((one,),) = unroll(layer, x, None, None).layers
    expected = norms(one, one.hidden[3].pow(2).sum(), [4] * B)
    np.testing.assert_allclose(flow.hidden_last[0], expected, rtol=1e-6)
    assert not flow.hidden_last[0, :3].any()


@pytest.mark.parametrize("lengths", [None, [4, 6, 2]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_modules_of_different_cells_and_sizes_stand_beside_each_other(lengths, dtype):
    torch.manual_seed(0)
    model = Tagger(dtype)
    given = None if lengths is None else torch.tensor(lengths)
    found = opened(model, lambda: model(torch.randn(3, 6, 5, dtype=dtype), given).pow(2).sum())
    names = [one.name for one in directions(rnncore.probe(model).modules)]
    assert names == ["encoder 1", "encoder 1 ←", "encoder 2", "encoder 2 ←", "smoother"]
    gates, shut, memory, flow = (found[kind] for kind in ("gate_activity", "saturation", "memory", "gradient_flow"))
    steps = 6 if lengths is None else lengths[0]
    encoder, smoother = gates.of_layer(0), gates.of_layer(4)
    assert (encoder.cell, encoder.channels, encoder.values.shape) == ("lstm", tuple("ifgohc"), (1, 6, steps, 6))
    assert (smoother.cell, smoother.channels, smoother.values.shape) == ("gru", tuple("rznh"), (1, 4, steps, 4))
    assert (shut.of_layer(1).gates, shut.of_layer(4).gates) == (("i", "f", "o"), ("r", "z"))
    assert (memory.of_layer(0).gate, memory.of_layer(4).gate) == ("f", "z")
    for layer in range(5):
        for one in (gates.of_layer(layer).values, shut.of_layer(layer).left, memory.of_layer(layer).leak):
            assert np.isfinite(one).all()
    assert flow.hidden_last.shape == (5, 6)
    assert np.isfinite(flow.factor).all()
    for record in found.values():
        again = Record.from_bytes(record.to_bytes())
        assert again.of_layer(4).cell == "gru" if hasattr(again, "of_layer") else again.cell == "lstm"


def test_padding_is_in_none_of_the_shares():
    layer, x = make(nn.LSTM)
    layer.bias_ih_l0.data += 20.0  # every gate is fully open
    found = opened(layer, lambda: layer(pack_padded_sequence(x, [7, 2, 1]))[0].data.sum())
    assert (found["saturation"].right == 1).all()
    assert (found["memory"].leak < 1e-6).all()
    assert found["memory"].window == T


def test_a_module_that_did_not_run_leaves_its_row_blank():
    model = nn.ModuleDict({"used": nn.LSTM(4, 5), "spare": nn.LSTM(4, 5)})
    found = opened(model, lambda: model["used"](torch.randn(T, B, 4))[0].sum())
    gates = found["gate_activity"]
    assert (gates.ran(0), gates.ran(1)) == (True, False)
    assert np.isfinite(gates.of_layer(0).values).all()
    assert np.isnan(gates.of_layer(1).values).all()
    assert math.isnan(found["gradient_flow"].factor[1])
    assert not [one for one in rnncore.findings(*found.values()) if one.code == "not_finite"]


def test_a_decoder_that_is_called_step_by_step_is_one_sequence():
    layer, x = make(nn.GRU)

    def run():
        state, outputs = None, []
        for t in range(T):
            y, state = layer(x[t : t + 1], state)
            outputs.append(y)
        return torch.cat(outputs).pow(2).sum()

    stepped, whole = opened(layer, run), opened(layer, lambda: layer(x)[0].pow(2).sum())
    np.testing.assert_allclose(stepped["gradient_flow"].hidden_last, whole["gradient_flow"].hidden_last, rtol=1e-6)
    np.testing.assert_allclose(stepped["gate_activity"].values, whole["gate_activity"].values, rtol=1e-6)


def test_only_the_last_steps_of_a_long_sequence_are_kept_and_their_numbers_say_so():
    layer = nn.RNN(2, 3)
    found = opened(layer, lambda: layer(torch.randn(MOST_STEPS + 25, 1, 2))[0].sum())
    gates = found["gate_activity"]
    assert gates.values.shape[2] == len(gates.text) == MOST_STEPS
    assert gates.text[5] == "30"
    assert gates.initial.shape == (1, 1, 3)
    assert found["gradient_flow"].hidden_last.shape[1] == MOST_STEPS + 25


def test_without_a_backward_pass_there_are_gates_and_no_gradient():
    layer = nn.GRU(2, 3)
    with rnncore.probe(layer) as probe:
        layer(torch.randn(4, 1, 2))
    assert not [one for one in rnncore.records_of(probe) if isinstance(one, GradientFlow)]
    with rnncore.probe(layer) as probe:
        pass
    with pytest.raises(ProbeError, match="no recurrent layer ran; call the model inside the with-block"):
        opened_records(probe, directions(probe.modules))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_on_a_gpu_gives_the_same_records():
    layer, x = make(nn.LSTM, num_layers=2, bidirectional=True)
    there = opened(layer, lambda: layer(x)[0].pow(2).sum())
    layer, x = layer.cuda(), x.cuda()
    for kind, record in opened(layer, lambda: layer(x)[0].pow(2).sum()).items():
        for name, values in vars(record).items():
            if isinstance(values, np.ndarray):
                np.testing.assert_allclose(values, getattr(there[kind], name), rtol=1e-5, atol=1e-9, err_msg=name)
