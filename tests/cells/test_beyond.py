"""TCN and transformer: each against an independent form, in pieces, opened, and blind to what they cannot see."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

import rnncore
from rnncore.cells import BEYOND, CELLS
from rnncore.probe.trace import Trace
from tests.cells.forms import FORMS
from tests.oracles import relative

T, B = 12, 3
KINDS: list[tuple[str, dict[str, int]]] = [
    ("tcn", {"dilation": 1}), ("tcn", {"dilation": 3}), ("tcn", {"dilation": 16}), ("transformer", {}),
    ("transformer", {"window": 4}),
]  # fmt: skip
each = pytest.mark.parametrize(("name", "options"), KINDS, ids=str)
sizes = pytest.mark.parametrize(("read", "size"), [(4, 6), (6, 6), (16, 16), (5, 7)], ids=str)


def made(name: str, read: int = 4, size: int = 6, *, dtype: torch.dtype = torch.float64, **options: Any) -> Any:
    torch.manual_seed(0)
    layer = CELLS[name].layer(read, size, **options).to(dtype)
    for parameter in layer.parameters():  # large enough that a wrong factor shows
        parameter.data.uniform_(-0.9, 0.9)
    return layer


@sizes
@each
def test_a_layer_equals_its_independent_form(name, options, read, size):
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 2e-5)):
        layer, x = made(name, read, size, dtype=dtype, **options), torch.randn(40, B, read, dtype=dtype)
        assert relative(layer(x)[0].detach(), FORMS[name](layer, x).detach()) <= tolerance


@each
@pytest.mark.parametrize("cuts", [range(1, T), [5], [1, 2, 11]], ids=["step by step", "two pieces", "four pieces"])
def test_pieces_give_the_same_as_the_whole(name, options, cuts):
    layer, x = made(name, **options), torch.randn(T, B, 4, dtype=torch.float64)
    found, state = [], None
    for start, end in itertools.pairwise([0, *cuts, T]):
        y, state = layer(x[start:end], state)
        found.append(y)
    whole, last = layer(x)
    assert relative(torch.cat(found).detach(), whole.detach()) <= 1e-13
    assert state is not None
    for one, wanted in zip(state, last, strict=True):
        assert one.shape == wanted.shape
        assert relative(one.detach(), wanted.detach()) <= 1e-13


def opened(layer: Any, x: Tensor, state: Any = None) -> Trace:
    with rnncore.probe(layer) as probe:
        y, last = layer(x, state)
        (y.pow(2).sum() + last[1].cos().sum()).backward()
    trace: Trace = probe[""].layers[0].forward
    return trace


@sizes
@each
@pytest.mark.parametrize("begun", [False, True], ids=["from nothing", "from what is kept"])
def test_the_replay_equals_autograd(name, options, read, size, begun):
    layer, x = made(name, read, size, **options), torch.randn(T, B, read, dtype=torch.float64)
    state = layer(torch.randn(7, B, read, dtype=torch.float64))[1] if begun else None
    state = None if state is None else tuple(one.detach() for one in state)
    trace = opened(layer, x, state)
    given = x.clone().requires_grad_()
    y, last = layer(given, state)
    wanted = torch.autograd.grad(y.pow(2).sum() + last[1].cos().sum(), [y, given])
    assert relative(trace.hidden, y.detach()) <= 1e-12
    assert relative(trace.grad_hidden, wanted[0]) <= 1e-12
    assert relative(trace.grad_input, wanted[1]) <= 1e-12
    assert trace.cell is None
    assert len(trace.gates) == 0


@each
def test_several_losses_at_once_are_each_loss_alone(name, options):
    layer, x = made(name, **options), torch.randn(T, B, 4, dtype=torch.float64)
    trace, direct = opened(layer, x), torch.randn(3, T, B, 6, dtype=torch.float64)
    every = trace.backward(direct)
    for loss in range(3):
        alone = trace.backward(direct[loss])
        assert relative(every.of(loss).grad_hidden, alone.grad_hidden) <= 1e-12
        assert relative(every.of(loss).grad_input, alone.grad_input) <= 1e-12


@each
@pytest.mark.parametrize("begun", [False, True], ids=["from nothing", "from what is kept"])
def test_the_step_by_step_carry_equals_the_pass_at_once(name, options, begun):
    """With a row for each loss, the last loss first; rows only ever join."""
    layer, x = made(name, **options), torch.randn(T, B, 4, dtype=torch.float64)
    state = layer(torch.randn(7, B, 4, dtype=torch.float64))[1] if begun else None
    trace = opened(layer, x, None if state is None else tuple(one.detach() for one in state))
    direct = torch.zeros(T, T, B, 6, dtype=torch.float64)
    for row, loss in enumerate(range(T - 1, -1, -1)):
        direct[row, loss] = torch.randn(B, 6, dtype=torch.float64)
    wanted = trace.backward(direct).grad_input
    carry = trace.cell_type.replay.carry(trace.replayed, trace.weights, T, True)
    hidden = torch.zeros(T, B, 6, dtype=torch.float64)
    for t in range(T - 1, -1, -1):
        rows = T - t
        hidden[rows - 1] += direct[rows - 1, t]
        carry.total(t, hidden[:rows], None)
        found = carry.leave(t, hidden[:rows], None)
        assert found is not None
        assert relative(found, wanted[:rows, t]) <= 1e-12
        assert not hidden.any()
    assert not wanted[0, 0].isnan().any()


@each
@pytest.mark.parametrize("bidirectional", [False, True])
def test_both_directions_and_lengths_are_opened(name, options, bidirectional):
    layer = made(name, bidirectional=bidirectional, **options)
    x, lengths = torch.randn(T, 3, 4, dtype=torch.float64, requires_grad=True), torch.tensor([T, 5, 1])
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)
    with rnncore.probe(layer) as probe:
        y, last = layer(packed)
        (y.data.pow(2).sum() + last[1].cos().sum()).backward()
    assert relative(probe[""].layers[0].grad_input, x.grad) <= 1e-10
    padded, _ = torch.nn.utils.rnn.pad_packed_sequence(y)
    for b, length in enumerate(lengths.tolist()):
        alone, _ = layer(x[:length, b : b + 1])
        assert relative(padded[:length, b].detach(), alone[:, 0].detach()) <= 1e-12


@each
def test_padding_changes_no_valid_output(name, options):
    layer, x = made(name, **options), torch.randn(T, B, 4, dtype=torch.float64)
    padded = torch.cat([x, torch.zeros(5, B, 4, dtype=torch.float64)])
    assert (layer(padded)[0][:T] - layer(x)[0]).abs().max() <= 1e-12


@each
def test_nothing_before_a_changed_input_changes(name, options):
    layer, x = made(name, **options), torch.randn(T, B, 4, dtype=torch.float64)
    changed = x.clone()
    changed[5] += 1
    y, other = layer(x)[0], layer(changed)[0]
    assert torch.equal(y[:5], other[:5])
    assert not torch.equal(y[5], other[5])


@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_a_stack_of_convolutions_sees_2_to_the_layers_steps_and_not_one_more(layers):
    cell, x = CELLS["tcn"], torch.randn(40, 1, 4, dtype=torch.float64, requires_grad=True)
    y = x
    for index in range(layers):
        y = cell.layer(y.shape[-1], 6, **cell.placed(index, 40, None)).double()(y)[0]
    y[-1].sum().backward()
    seen = x.grad.abs().sum((1, 2)) > 0
    assert seen.flip(0).tolist() == [lag < 2**layers for lag in range(40)]


def test_a_step_asks_nobody_outside_its_window():
    layer, x = made("transformer", window=4), torch.randn(20, 1, 4, dtype=torch.float64, requires_grad=True)
    layer(x)[0][-1].sum().backward()
    assert (x.grad.abs().sum((1, 2)) > 0).flip(0).tolist() == [lag <= 4 for lag in range(20)]


@pytest.mark.parametrize("begun", [False, True], ids=["from nothing", "from what is kept"])
def test_the_attention_map_is_what_the_layer_uses(begun):
    """Rows sum to 1, nobody asks what comes later, and the values weighted by it give what the block reads."""
    layer, x = made("transformer", 16, 16).requires_grad_(False), torch.randn(T, B, 16, dtype=torch.float64)
    equations, w = layer.cell.equations, layer.weights("_l0")
    kept = layer(torch.randn(7, B, 16, dtype=torch.float64))[1][1][0] if begun else x.new_zeros(B, 0)
    found = equations.attention(x, kept, w)
    behind = 7 if begun else 0
    assert found.shape == (B, 2, T, T + behind)
    assert relative(found.sum(-1), torch.ones(B, 2, T, dtype=torch.float64)) <= 1e-12
    assert not found.tril(behind).ne(found).any()
    values = equations.seen(x, kept, w)[..., 16:32].unflatten(-1, (2, 8))
    read = torch.einsum("bhts,sbhd->tbhd", found, values).flatten(2)
    for name in ("weight_down", "bias_down"):
        w.more[name].data.zero_()  # the second half adds nothing
    after = x + read @ w.more["weight_out"].T + w.more["bias_out"]
    assert relative(equations.run(x, None, (kept,), w)[0], after) <= 1e-12


@each
def test_there_is_no_step_jacobian_and_the_refusal_says_why(name, options):
    from rnncore.diagnostics import autonomous_lyapunov, lyapunov_exponents, step_jacobians
    from rnncore.diagnostics.jacobian import DynamicsError

    layer = made(name, **options)
    trace = opened(layer, torch.randn(T, B, 4, dtype=torch.float64))
    for ask, of in ((step_jacobians, trace), (lyapunov_exponents, trace), (autonomous_lyapunov, layer)):
        with pytest.raises(DynamicsError, match="hands nothing that it computed from one step to the next"):
            ask(of)


@pytest.mark.parametrize("name", list(BEYOND))
def test_parameters_are_counted_without_torch(name):
    for read in (5, 16):
        layer = CELLS[name].layer(read, 16)
        assert CELLS[name].parameters(read, 16) == sum(parameter.numel() for parameter in layer.parameters())
