"""Losses other than the one trained on, many of them in one backward recurrence."""

import pytest
import torch
from torch import nn

import rnncore
from rnncore.cells import TORCH_CELLS
from rnncore.errors import ProbeError
from tests.oracles import relative, unroll
from tests.probe.support import D, H, given, make, parts, states

EVERY = list(TORCH_CELLS)


def per_loss(direct):
    """(T, B, H) → (T, T, B, H): loss τ reaches only the output at τ."""
    found = direct.new_zeros(len(direct), *direct.shape)
    for t, row in enumerate(direct):
        found[t, t] = row
    return found


def probed(layer, steps=6, batch=3):
    x = torch.randn(steps, batch, D, dtype=torch.float64, requires_grad=True)
    with rnncore.probe(layer) as probe:
        y, _ = layer(x)
        losses = y.pow(2).sum((1, 2))
        losses.sum().backward()
    return x, probe[""].calls[0]


@pytest.mark.parametrize("cell", EVERY)
@pytest.mark.parametrize("batch", [1, 3])
def test_all_losses_in_one_recurrence_equal_one_autograd_call_each(cell, batch):
    layer = make(cell)
    x, call = probed(layer, batch=batch)
    trace = call.layers[0].forward
    back = trace.backward(per_loss(trace.grad_output))
    stack = unroll(layer, x, None, None)
    one = stack.layers[0][0]
    for tau in range(6):
        wanted = torch.autograd.grad(
            stack.output[tau].pow(2).sum(), one.hidden + one.inputs, retain_graph=True, materialize_grads=True
        )
        assert relative(back.grad_hidden[tau], torch.stack(wanted[:6])) <= 1e-10
        assert relative(back.grad_input[tau], torch.stack(wanted[6:])) <= 1e-10
        assert not back.grad_hidden[tau, tau + 1 :].any()  # exactly: the future cannot matter


@pytest.mark.parametrize("cell", EVERY)
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}])
def test_a_loss_carried_beside_changes_neither_itself_nor_the_total(cell, options):
    torch.manual_seed(0)
    layer = make(cell, **options)
    x = torch.randn(6, 3, D, dtype=torch.float64, requires_grad=True)
    found = []
    for beside in (False, True):
        with rnncore.probe(layer) as probe:
            layer(x)[0].pow(2).sum().backward()
        trace = probe[""].layers[-1].forward
        last = torch.zeros_like(trace.grad_output)
        last[-1] = trace.grad_output[-1]
        back = (trace.backward_beside if beside else trace.backward)(last)
        states = [back.grad_cell, trace.grad_cell] if trace.cell is not None else []
        total = [trace.grad_hidden, trace.grad_preactivations, trace.grad_input, *trace.grad_gates.values()]
        found.append([back.grad_hidden, back.grad_input, *total, *states])
    for alone, together in zip(*found, strict=True):
        assert relative(together, alone) <= 1e-14


@pytest.mark.parametrize("cell", EVERY)
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"num_layers": 2, "bidirectional": True}])
def test_losses_carried_apart_sum_to_the_total(cell, options):
    _, call = probed(make(cell, **options))
    top = torch.cat([trace.grad_output for trace in call.layers[-1].directions], -1)
    apart = call.backward(per_loss(top))
    for layer, found in zip(call.layers, apart, strict=True):
        for trace, gradients in zip(layer.directions, [found.forward, found.reverse], strict=False):
            assert relative(gradients.grad_hidden.sum(0), trace.grad_hidden) <= 1e-12
            assert relative(gradients.grad_input.sum(0), trace.grad_input) <= 1e-12
            if trace.cell is not None:
                assert relative(gradients.grad_cell.sum(0), trace.grad_cell) <= 1e-12
            for gate, values in gradients.grad_gates.items():
                assert relative(values.sum(0), trace.grad_gates[gate]) <= 1e-12


@pytest.mark.parametrize("cell", EVERY)
@pytest.mark.parametrize("options", [{}, {"num_layers": 3}])
def test_last_steps_loss_alone_is_what_autograd_gives_for_it(cell, options):
    layer = make(cell, **options)
    x, call = probed(layer)
    found = call.backward_last_step()
    stack = unroll(layer, x, None, None)
    stack.output[-1].pow(2).sum().backward()
    for gradients, (one,) in zip(found, stack.layers, strict=True):
        assert relative(gradients.forward.grad_hidden, one.grads(one.hidden)) <= 1e-10
        assert relative(gradients.forward.grad_input, one.grads(one.inputs)) <= 1e-10


@pytest.mark.parametrize("cell", EVERY)
def test_final_states_of_many_losses_are_carried_too(cell):
    layer = make(cell, num_layers=2, bidirectional=True)
    x = torch.randn(5, 3, D, dtype=torch.float64)
    h0, c0 = states(layer)
    with rnncore.probe(layer) as probe:
        _, last = layer(x, given(layer, h0, c0))
        sum(part.pow(2).sum() for part in parts(last) if part is not None).backward()
    call = probe[""].calls[0]
    h_n, c_n = parts(last)
    many = [None if part is None else torch.stack([2 * part, 4 * part], 1).detach() for part in (h_n, c_n)]
    back = call.backward(torch.zeros(2, 5, 3, 2 * H, dtype=torch.float64), *many)
    for layer_trace, found in zip(call.layers, back, strict=True):
        total = layer_trace.forward.grad_hidden
        assert relative(found.forward.grad_hidden, torch.stack([total, 2 * total])) <= 1e-12


def test_a_wrong_shape_is_refused_with_the_right_one():
    _, call = probed(make("gru"))
    with pytest.raises(ProbeError, match=r"\(6, 3, 5\).*got \(5, 3, 5\)"):
        call.layers[0].forward.backward(torch.zeros(5, 3, H, dtype=torch.float64))
    with pytest.raises(ProbeError, match=r"float64, got torch.float32"):
        call.layers[0].forward.backward(torch.zeros(6, 3, H))


@pytest.mark.parametrize("cell", EVERY)
def test_central_differences_in_float64_give_the_same_totals(cell):
    """Nudge h_t (and c_t) of one step, run the rest by torch's own layer, and difference the loss."""
    layer, steps, batch, nudge = make(cell), 6, 2, 1e-6
    x = torch.randn(steps, batch, D, dtype=torch.float64)

    def loss(output):
        return output.pow(2).sum() + output[-1].sin().sum()

    with rnncore.probe(layer) as probe:
        y, _ = layer(x)
        loss(y).backward()
    trace = probe[""].layers[0].forward
    y, c = y.detach(), None if trace.cell is None else trace.cell

    @torch.no_grad()
    def rest(t, h, cell_state):
        """The loss of all outputs when the state after step t is (h, c)."""
        after = []
        if t + 1 < steps:
            after = [layer(x[t + 1 :], given(layer, h[None], None if c is None else cell_state[None]))[0]]
        return loss(torch.cat([y[:t], h[None], *after]))

    output_gate = trace.gates["output"] if cell == "lstm" else None
    for t in range(steps):
        for name, wanted in (("h", trace.grad_hidden), ("c", trace.grad_cell)):
            if wanted is None:
                continue
            found = torch.zeros(batch, H, dtype=torch.float64)
            for index in range(batch * H):
                move = torch.zeros(batch * H, dtype=torch.float64)
                move[index] = nudge
                move = move.view(batch, H)
                losses = []
                for sign in (1, -1):
                    cell_state = None if c is None else c[t] + (sign * move if name == "c" else 0)
                    hidden = y[t] + sign * move if name == "h" else output_gate[t] * torch.tanh(cell_state)
                    losses.append(rest(t, hidden, cell_state))
                found.view(-1)[index] = (losses[0] - losses[1]) / (2 * nudge)
            assert relative(found, wanted[t]) <= 1e-6, f"{name} at {t}"


@pytest.mark.parametrize("cell", EVERY)
def test_weight_gradients_per_step_sum_to_grad(cell):
    layer = make(cell)
    x, call = probed(layer)
    a = call.layers[0].forward.grad_preactivations.flatten(-2)
    steps = torch.einsum("tbg,tbd->tgd", a, x.detach())
    assert relative(steps.sum(0), layer.weight_ih_l0.grad) <= 1e-12
    assert relative(a.sum((0, 1)), layer.bias_ih_l0.grad) <= 1e-12


def test_retain_grad_on_a_fused_layers_output_is_not_the_total():
    """With a loss on the last of 30 steps it is non-zero at 1 of them; the true dL/dh_t at all 30."""
    torch.manual_seed(0)
    layer = nn.LSTM(4, 8)
    with rnncore.probe(layer) as probe:
        y, _ = layer(torch.randn(30, 2, 4))
        y.retain_grad()
        y[-1].sum().backward()
    trace = probe[""].layers[0].forward
    assert torch.equal(trace.grad_output, y.grad)
    assert int(y.grad.abs().sum((1, 2)).gt(0).sum()) == 1
    assert int(trace.grad_hidden.abs().sum((1, 2)).gt(0).sum()) == 30
