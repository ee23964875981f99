"""Own cells: each against an independent form, and their replay against autograd through the whole sequence."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import rnncore
from rnncore.cells import CELLS, OWN_CELLS
from tests.cells.forms import FORMS
from tests.oracles import relative

T, B, D, H = 9, 3, 4, 6


def made(name: str, *, seed: int = 0, dtype: torch.dtype = torch.float64, **options: Any) -> Any:
    torch.manual_seed(seed)
    layer = layer_of(name, **options).to(dtype)
    for key, parameter in layer.named_parameters():  # large enough that a wrong factor shows
        if key.startswith(("weight_ih", "weight_hh", "bias", "weight_peephole")):
            parameter.data.uniform_(-0.9, 0.9)
    return layer


def layer_of(name: str, **options: Any) -> Any:
    """D numbers in, H units; of pictures of 2 × 1, two maps in and three out."""
    if name == "conv_lstm":
        return CELLS[name].layer(D, H // 2, picture=(2, 1), **options)
    return CELLS[name].layer(D, H, **options)


def cell_in(layer: Any) -> Any:
    """The registry's entry, or the layer's own, which knows its picture."""
    return getattr(layer, "cell", CELLS[layer.cell_name])


def start(layer: Any, batch: int = B) -> Any:
    """A state that is not zero; normalisers stay above it."""
    h = torch.randn(1, batch, H, dtype=torch.float64)
    memory = cell_in(layer).memory(H)
    return (h, torch.rand(1, batch, memory, dtype=torch.float64)) if memory else h


def hidden(last: Any) -> tuple[Tensor, ...]:
    return last if isinstance(last, tuple) else (last,)


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_a_layer_equals_its_independent_form(name):
    layer, x = made(name), torch.randn(50, B, D, dtype=torch.float64)
    y, _ = layer(x)
    assert relative(y.detach(), FORMS[name](layer, x).detach()) <= 1e-12


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_a_layer_equals_its_independent_form_in_float32(name):
    layer, x = made(name, dtype=torch.float32), torch.randn(50, B, D)
    y, _ = layer(x)
    assert relative(y.detach(), FORMS[name](layer, x).detach()) <= 2e-5


@pytest.mark.parametrize("begun", [False, True], ids=["from zero", "from a state"])
@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_the_replay_equals_autograd(name, begun):
    layer = made(name)
    cell, x = cell_in(layer), torch.randn(T, B, D, dtype=torch.float64)
    hx = start(layer) if begun else None
    weights = torch.randn(T, B, H, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        y, last = layer(x, hx)
        loss = (weights * y).sum() + y.pow(2).sum() + sum((one * one.detach().cos()).sum() for one in hidden(last))
        loss.backward()
    trace = probe[""].layers[0].forward
    steps = stepped(layer, x, hx)
    outputs = torch.stack([one["h"] for one in steps])
    ended = [steps[-1]["h"], *steps[-1]["others"]]
    same = (weights * outputs).sum() + outputs.pow(2).sum()
    same = same + sum((one * one.detach().cos()).sum() for one in ended)
    same.backward()
    assert relative(trace.hidden, outputs.detach()) <= 1e-12
    assert relative(trace.grad_hidden, torch.stack([one["h"].grad for one in steps])) <= 1e-10
    assert relative(trace.grad_input, torch.stack([one["x"].grad for one in steps])) <= 1e-10
    for index, gate in enumerate(cell.gates):
        values = [one["gates"][index] for one in steps]
        assert relative(trace.gates[gate.symbol], torch.stack([one.detach() for one in values])) <= 1e-12
        assert relative(trace.grad_gates[gate.name], torch.stack([one.grad for one in values])) <= 1e-10
    if cell.has_cell_state:
        values = [one["others"][0] for one in steps]
        assert relative(trace.cell, torch.stack([one.detach() for one in values])) <= 1e-12
        assert relative(trace.grad_cell, torch.stack([one.grad for one in values])) <= 1e-10
    else:
        assert trace.cell is None


def stepped(layer: Any, x: Tensor, hx: Any) -> list[dict[str, Any]]:
    """The cell's own step in a plain loop, every quantity with its gradient kept: an oracle for replay, not for the
    equations, which ``FORMS`` holds against their source."""
    equations: Any = cell_in(layer)
    if layer.cell_name == "irnn":
        return plain_steps(layer, x, hx)
    equations = equations.equations
    w, sizes = layer.weights("_l0"), equations.beside(H)
    h = x.new_zeros(x.shape[1], H) if hx is None else hidden(hx)[0][0]
    others = tuple(x.new_zeros(x.shape[1], size) for size in sizes)
    if hx is not None and sizes:
        others = hx[1][0].split(list(sizes), -1)
    found = []
    for t in range(len(x)):
        read = x[t].clone().requires_grad_()
        u = equations.project(read.unsqueeze(0), w)[0]
        h, others, gates = equations.step(u, equations.recur(h, w), h, others, w)
        for one in (h, *others, *gates):
            if one.requires_grad:
                one.retain_grad()
        found.append({"h": h, "others": others, "gates": gates, "x": read})
    return found


def plain_steps(layer: Any, x: Tensor, hx: Any) -> list[dict[str, Any]]:
    h, found = x.new_zeros(x.shape[1], H) if hx is None else hx[0], []
    for t in range(len(x)):
        read = x[t].clone().requires_grad_()
        h = torch.relu(read @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0)
        h.retain_grad()
        found.append({"h": h, "others": (), "gates": (), "x": read})
    return found


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_several_losses_at_once_are_each_loss_alone(name):
    layer, x = made(name), torch.randn(T, B, D, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        layer(x)[0].sum().backward()
    trace = probe[""].layers[0].forward
    direct = torch.randn(3, T, B, H, dtype=torch.float64)
    every = trace.backward(direct)
    for loss in range(3):
        alone = trace.backward(direct[loss])
        assert relative(every.grad_hidden[loss], alone.grad_hidden) <= 1e-12
        assert relative(every.of(loss).grad_input, alone.grad_input) <= 1e-12


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_the_per_loss_matrix_sums_to_the_total(name):
    from rnncore.diagnostics.per_loss import per_loss_matrix

    layer, x = made(name), torch.randn(T, B, D, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        layer(x)[0].pow(2).sum().backward()
    record = per_loss_matrix(probe[""].layers)
    assert record.sum_error <= 1e-12
    upper = [record.hidden[0][loss, read] for loss in range(T) for read in range(loss + 1, T)]
    assert not any(upper)


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_the_step_jacobian_is_autograds(name):
    from rnncore.diagnostics import step_jacobians
    from rnncore.diagnostics.jacobian import Pushed, one_by_one

    layer, x = made(name), torch.randn(T, B, D, dtype=torch.float64)
    cell = cell_in(layer)
    hx = start(layer)
    with rnncore.probe(layer) as probe:
        layer(x, hx)[0].sum().backward()
    trace = probe[""].layers[0].forward
    found = step_jacobians(trace)
    size = cell.state_size(H)
    assert found.shape == (T, B, size, size)
    t, b = 4, 1
    carried = trace.replayed.cell
    state = trace.hidden[t - 1, b] if carried is None else torch.cat([trace.hidden[t - 1, b], carried[t - 1, b]])

    def on(state: Tensor) -> Tensor:
        given = state[:H].view(1, 1, H), state[H:].view(1, 1, -1)
        _, last = layer(x[t : t + 1, b : b + 1], given if cell.memory(H) else given[0])
        return torch.cat([one.flatten() for one in hidden(last)])

    wanted = torch.autograd.functional.jacobian(on, state)
    assert relative(found[t, b], wanted) <= 1e-10
    assert bool(found[..., :H].any()) == cell.reads_hidden
    columns = torch.randn(B, size, 2, dtype=torch.float64)
    *_, last = zip(one_by_one(cell, trace.replayed, trace.weights, 2), found, strict=True)
    assert isinstance(last[0], Tensor | Pushed)
    assert relative(last[0] @ columns, last[1] @ columns) <= 1e-10
    assert (last[0] @ columns).abs().max() > 1e-3


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_weight_gradients_of_all_steps_sum_to_grad_where_they_are_products(name):
    from rnncore.diagnostics import weight_gradients
    from rnncore.errors import ProbeError

    layer, x = made(name), torch.randn(T, B, D, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        layer(x)[0].pow(2).sum().backward()
    trace = probe[""].layers[0].forward
    if not getattr(CELLS[name], "outer", True):
        with pytest.raises(ProbeError, match=name):
            weight_gradients(trace, x)
        return
    for key, each in weight_gradients(trace, x).items():
        if name == "orthogonal" and key == "weight_hh":
            continue  # what is trained is A
        assert relative(each.sum(0), layer.get_parameter(f"{key}_l0").grad) <= 1e-10


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_sequences_of_several_lengths_give_what_each_gives_alone(name):
    layer = made(name, bidirectional=True)
    x, lengths = torch.randn(T, 3, D, dtype=torch.float64), [T, 4, 1]
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths))
    y, last = layer(packed)
    padded, _ = torch.nn.utils.rnn.pad_packed_sequence(y)
    for b, length in enumerate(lengths):
        alone, ended = layer(x[:length, b : b + 1])
        assert (padded[:length, b] - alone[:, 0]).abs().max() <= 1e-12
        for one, wanted in zip(hidden(last), hidden(ended), strict=True):
            assert (one[:, b] - wanted[:, 0]).abs().max() <= 1e-12


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_nothing_before_a_changed_input_changes(name):
    layer, x = made(name), torch.randn(T, B, D, dtype=torch.float64)
    changed = x.clone()
    changed[5] += 1
    y, other = layer(x)[0], layer(changed)[0]
    assert torch.equal(y[:5], other[:5])
    assert not torch.equal(y[5:], other[5:])


@pytest.mark.parametrize("name", list(OWN_CELLS))
@pytest.mark.parametrize("bidirectional", [False, True])
def test_both_directions_and_lengths_are_opened(name, bidirectional):
    layer = made(name, bidirectional=bidirectional)
    x, lengths = torch.randn(T, 3, D, dtype=torch.float64, requires_grad=True), torch.tensor([T, 5, 2])
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)
    with rnncore.probe(layer) as probe:
        y, _ = layer(packed)
        y.data.pow(2).sum().backward()
    trace = probe[""].layers[0]
    assert relative(trace.grad_input, x.grad) <= 1e-10


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_training_is_bit_identical_with_and_without_the_probe(name):
    found = []
    for watched in (False, True):
        layer = made(name, dtype=torch.float32)
        torch.manual_seed(1)
        optimizer = torch.optim.Adam(layer.parameters(), 0.01)
        for _ in range(3):
            x = torch.randn(T, B, D)
            optimizer.zero_grad()
            if watched:
                with rnncore.probe(layer):
                    layer(x)[0].pow(2).sum().backward()
            else:
                layer(x)[0].pow(2).sum().backward()
            optimizer.step()
        found.append([parameter.detach().clone() for parameter in layer.parameters()])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_a_sequence_of_one_step_is_right(name):
    layer, x = made(name), torch.randn(1, 2, D, dtype=torch.float64, requires_grad=True)
    with rnncore.probe(layer) as probe:
        layer(x)[0].pow(2).sum().backward()
    assert relative(probe[""].layers[0].grad_input, x.grad) <= 1e-10


@pytest.mark.parametrize("name", ["mingru", "minlstm", "lru", "mlstm"])
@pytest.mark.parametrize("steps", [1, 2, 63, 64, 65, 200])
def test_all_steps_at_once_are_the_steps_one_by_one(name, steps):
    """States, outputs and the weights' gradients; from a state that is not zero."""
    layer, x = made(name), torch.randn(steps, B, D, dtype=torch.float64)
    hx = start(layer)
    y, last = layer(x, hx)
    y.pow(2).sum().backward()
    found = {key: parameter.grad.clone() for key, parameter in layer.named_parameters()}
    layer.zero_grad()
    one_by_one = stepped(layer, x, hx)
    outputs = torch.stack([one["h"] for one in one_by_one])
    outputs.pow(2).sum().backward()
    assert relative(y.detach(), outputs.detach()) <= 1e-12
    if cell_in(layer).memory(H):
        ended = torch.cat(one_by_one[-1]["others"], -1)
        assert relative(last[1][0].detach(), ended.detach()) <= 1e-12
    for key, parameter in layer.named_parameters():
        assert relative(found[key], parameter.grad) <= 1e-10, key


@pytest.mark.parametrize("name", ["slstm", "mlstm"])
def test_a_stabilised_cell_stays_finite_where_the_bare_exponential_does_not(name):
    layer, x = made(name, dtype=torch.float32), 200 * torch.randn(40, B, D)
    y, _ = layer(x)
    y.sum().backward()
    assert torch.isfinite(y).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in layer.parameters())
    assert not torch.isfinite(FORMS[name](layer, x)).all()


def test_the_orthogonal_matrix_stays_orthogonal_while_it_learns():
    layer = made("orthogonal", dtype=torch.float32)
    optimizer = torch.optim.Adam(layer.parameters(), 0.1)
    first = layer.weights("_l0").hh.detach()
    for _ in range(50):
        optimizer.zero_grad()
        (layer(torch.randn(T, B, D))[0].sum() ** 2).backward()
        optimizer.step()
    matrix = layer.weights("_l0").hh.detach()
    assert (matrix - first).abs().max() > 0.1
    assert (matrix @ matrix.T - torch.eye(H)).abs().max() <= 1e-5


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_parameters_are_counted_without_torch(name):
    options: Any = {"picture": (1, 1)} if name == "conv_lstm" else {}
    layer = CELLS[name].layer(D, 16, **options)
    assert CELLS[name].parameters(D, 16) == sum(parameter.numel() for parameter in layer.parameters())


@pytest.mark.parametrize("name", list(OWN_CELLS))
def test_left_to_itself_a_cell_reads_zeros(name):
    from rnncore.diagnostics import autonomous_lyapunov, lyapunov_exponents

    layer = made(name)
    hx = start(layer, batch=1)
    with rnncore.probe(layer) as probe:
        layer(torch.zeros(40, 1, D, dtype=torch.float64), hx)
    driven = lyapunov_exponents(probe[""].layers[0].forward)
    free = autonomous_lyapunov(layer, steps=40, start=tuple(one[0] for one in hidden(hx)))
    torch.testing.assert_close(free.growth, driven.growth, rtol=1e-9, atol=1e-9)


def test_the_settings_know_the_same_cells_as_the_registry():
    from rnncore.config import CELL_LABELS, KEEPING_GATE, RECURRENT_MATRIX
    from rnncore.config import CELLS as NAMES

    assert set(NAMES) == set(CELL_LABELS) == set(CELLS)
    for name, cell in CELLS.items():
        keeping = {gate.symbol: gate.name for gate in cell.gates}
        kept = [symbol for symbol, sign in cell.bias_gates if sign > 0 or len(cell.bias_gates) == 1]
        assert KEEPING_GATE.get(name) == (keeping[kept[0]] if kept else None)
        layer: Any = layer_of(name)
        free = name != "conv_lstm" and any(key.startswith("weight_hh") for key, _ in layer.named_parameters())
        assert (name in RECURRENT_MATRIX) == free


@pytest.mark.parametrize("name", [name for name in OWN_CELLS if CELLS[name].bias_gates])
def test_a_gate_bias_makes_a_cell_keep_its_state(name):
    """A large bias leaves h where it is, whatever is read."""
    cell = CELLS[name]
    layer = layer_of(name)
    cell.initialise(layer, gate_bias=30.0, generator=torch.Generator().manual_seed(0))
    layer = layer.double()
    h = torch.rand(1, B, H, dtype=torch.float64)
    memory = cell.memory(H)
    hx = (h, 1 + torch.rand(1, B, memory, dtype=torch.float64)) if memory else h
    before = hx[1] if memory else h
    symbols = [gate.symbol for gate in cell.gates]
    if "i" in symbols:  # nothing may enter either
        with torch.no_grad():
            layer.bias_ih_l0.view(len(cell.block_symbols), -1)[symbols.index("i")] = -60.0
    _, last = layer(torch.randn(5, B, D, dtype=torch.float64), hx)
    assert relative(hidden(last)[-1][..., :H].detach(), before[..., :H]) <= 1e-6


def torus(read: int, maps: int, picture: tuple[int, int]) -> Any:
    torch.manual_seed(0)
    pixels = picture[0] * picture[1]
    layer = CELLS["conv_lstm"].layer(read * pixels, maps, picture=picture, wraps=True).double()
    for parameter in layer.parameters():
        parameter.data.uniform_(-0.9, 0.9)
    return layer


def test_on_a_torus_a_shifted_film_gives_shifted_states():
    layer, x = torus(1, 2, (4, 5)), torch.randn(6, 2, 20, dtype=torch.float64)

    def shifted(film: Tensor, maps: int) -> Tensor:
        return film.view(6, 2, maps, 4, 5).roll((1, 3), (3, 4)).reshape(6, 2, -1)

    assert relative(layer(shifted(x, 1))[0].detach(), shifted(layer(x)[0], 2).detach()) <= 1e-12
    flat = CELLS["conv_lstm"].layer(20, 2, picture=(4, 5)).double()
    flat.load_state_dict(layer.state_dict())
    assert relative(flat(shifted(x, 1))[0].detach(), shifted(flat(x)[0], 2).detach()) > 1e-3


def test_on_a_torus_a_convolution_is_the_sum_over_the_neighbours():
    layer, x = torus(1, 1, (3, 4)), torch.randn(1, 1, 12, dtype=torch.float64)
    picture, kernel = x.view(3, 4), layer.weight_ih_l0
    pre = torch.zeros(4, 3, 4, dtype=torch.float64)
    for y in range(3):
        for z in range(4):
            for a in range(3):
                for b in range(3):
                    pre[:, y, z] += kernel[:, 0, a, b].detach() * picture[(y + a - 1) % 3, (z + b - 1) % 4]
    pre = pre + layer.bias_ih_l0.detach()[:, None, None]
    i, _, g, o = pre
    wanted = o.sigmoid() * (i.sigmoid() * g.tanh()).tanh()
    assert relative(layer(x)[0].detach().view(3, 4), wanted) <= 1e-12


def test_on_a_torus_the_replay_equals_autograd():
    layer, x = torus(2, 2, (3, 4)), torch.randn(T, B, 24, dtype=torch.float64, requires_grad=True)
    with rnncore.probe(layer) as probe:
        y, _ = layer(x)
        y.retain_grad()
        y.pow(2).sum().backward()
    trace = probe[""].layers[0].forward
    assert relative(trace.grad_input, x.grad) <= 1e-10
    zeros = [torch.zeros(1, B, 24, dtype=torch.float64, requires_grad=True) for _ in range(T)]
    state, outputs = None, []
    for t in range(T):
        out, state = layer(x[t : t + 1].detach(), state)
        out = out + zeros[t]
        state = (out, state[1])
        outputs.append(out)
    grads = torch.autograd.grad(torch.cat(outputs).pow(2).sum(), zeros)
    assert relative(trace.grad_hidden, torch.cat(grads)) <= 1e-10


CARRYING = [name for name, cell in OWN_CELLS.items() if cell.memory(H) and cell.recurrent]


@pytest.mark.parametrize("name", CARRYING)
def test_what_is_read_off_the_last_state_is_a_part_of_its_gradient(name):
    layer = made(name)
    with rnncore.probe(layer) as probe:
        layer(torch.randn(T, B, D, dtype=torch.float64))[0][-1].square().sum().backward()
    carried = probe[""].layers[0].forward.grad_carried
    assert carried[-1].norm() > 1e-3 * carried[-2].norm()


def test_the_gradient_of_an_mlstms_last_memory_is_that_of_its_reading():
    layer, x = made("mlstm"), torch.randn(T, B, D, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        y = layer(x)[0]
        y[-1].square().sum().backward()
    trace, d = probe[""].layers[0].forward, next(n for n in range(16, 0, -1) if H % n == 0)
    u = (x[-1] @ layer.weight_ih_l0.T + layer.bias_ih_l0).detach()
    q, o = u[:, :H].unflatten(-1, (-1, d)), u[:, 3 * H : 4 * H].sigmoid()
    assert trace.replayed.cell is not None
    state = trace.replayed.cell[-1].detach().clone().requires_grad_()
    memory, n, m = state.split([H * d, H, H // d], -1)
    memory, n = memory.unflatten(-1, (H // d, d, d)), n.unflatten(-1, (-1, d))
    below = torch.maximum(torch.einsum("bhd,bhd->bh", n, q).abs(), (-m).exp())
    h = o * (torch.einsum("bhvk,bhk->bhv", memory, q) / below.unsqueeze(-1)).flatten(1)
    assert relative(h.detach(), y[-1].detach()) <= 1e-12
    (wanted,) = torch.autograd.grad(h.square().sum(), state)
    read = slice(H * d + H)  # m scales C and n too, so that all in all it has no effect
    assert relative(trace.grad_carried[-1, :, read], wanted[:, read]) <= 1e-10
    assert trace.grad_carried[-1, :, read.stop :].abs().max() <= 1e-12
