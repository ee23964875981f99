"""Each own cell in a second, slow and obvious form: written from its source, number by number where that is clearest.

Nothing here is shared with rnncore: a layer's parameters are read by their names. Shapes: x (T, B, D) → y (T, B, H).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def _zero(layer: Any, x: Tensor) -> Tensor:
    return x.new_zeros(x.shape[1], layer.hidden_size)


def irnn(layer: Any, x: Tensor) -> Tensor:
    """torch.nn.RNNCell with ReLU, stepped."""
    cell = torch.nn.RNNCell(x.shape[-1], layer.hidden_size, nonlinearity="relu").to(x.dtype)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    h, found = _zero(layer, x), []
    for one in x:
        h = cell(one, h)
        found.append(h)
    return torch.stack(found)


def orthogonal(layer: Any, x: Tensor) -> Tensor:
    """torch.nn.RNNCell, with the exponential as the sum of its power series."""
    skew = (layer.skew_l0 - layer.skew_l0.T).detach().double()
    matrix = term = torch.eye(len(skew), dtype=torch.float64)
    for n in range(1, 80):
        term = term @ skew / n
        matrix = matrix + term
    assert (matrix @ matrix.T - torch.eye(len(skew))).abs().max() < 1e-5
    cell = torch.nn.RNNCell(x.shape[-1], layer.hidden_size).to(x.dtype)
    named = {"weight_ih": layer.weight_ih_l0, "weight_hh": matrix.to(x.dtype)}
    cell.load_state_dict(named | {"bias_ih": layer.bias_ih_l0, "bias_hh": layer.bias_hh_l0})
    h, found = _zero(layer, x), []
    for one in x:
        h = cell(one, h)
        found.append(h)
    return torch.stack(found)


def indrnn(layer: Any, x: Tensor) -> Tensor:
    """With a full, diagonal matrix."""
    matrix, h, found = torch.diag(layer.weight_recurrent_l0), _zero(layer, x), []
    for one in x:
        h = torch.relu(layer.weight_ih_l0 @ one.T + layer.bias_ih_l0[:, None] + matrix @ h.T).T
        found.append(h)
    return torch.stack(found)


def _blocks(layer: Any, one: Tensor, h: Tensor, count: int) -> list[Tensor]:
    size = layer.hidden_size
    found = []
    for n in range(count):
        rows = slice(n * size, (n + 1) * size)
        value = one @ layer.weight_ih_l0[rows].T + layer.bias_ih_l0[rows]
        found.append(value + h @ layer.weight_hh_l0[rows].T + layer.bias_hh_l0[rows])
    return found


def peephole(layer: Any, x: Tensor) -> Tensor:
    """Peepholes as diagonal matrices."""
    p_i, p_f, p_o = (torch.diag(row) for row in layer.weight_peephole_l0)
    h, c, found = _zero(layer, x), _zero(layer, x), []
    for one in x:
        i, f, g, o = _blocks(layer, one, h, 4)
        i, f = torch.sigmoid(i + c @ p_i), torch.sigmoid(f + c @ p_f)
        c = f * c + i * torch.tanh(g)
        h = torch.sigmoid(o + c @ p_o) * torch.tanh(c)
        found.append(h)
    return torch.stack(found)


def coupled(layer: Any, x: Tensor) -> Tensor:
    """torch's LSTM cell equations with i = 1 - f put in."""
    h, c, found = _zero(layer, x), _zero(layer, x), []
    for one in x:
        f, g, o = _blocks(layer, one, h, 3)
        i = 1 - torch.sigmoid(f)
        c = torch.sigmoid(f) * c + i * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        found.append(h)
    return torch.stack(found)


def _normed(values: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    mean = values.mean(-1, keepdim=True)
    variance = (values - mean).square().mean(-1, keepdim=True)
    return gain * (values - mean) / (variance + 1e-5).sqrt() + shift


def layer_norm_lstm(layer: Any, x: Tensor) -> Tensor:
    """Means and variances by hand."""
    h, c, found = _zero(layer, x), _zero(layer, x), []
    for one in x:
        pre = _normed(one @ layer.weight_ih_l0.T, layer.weight_norm_ih_l0, layer.bias_ih_l0)
        pre = pre + _normed(h @ layer.weight_hh_l0.T, layer.weight_norm_hh_l0, layer.bias_hh_l0)
        i, f, g, o = pre.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(_normed(c, layer.weight_norm_c_l0, layer.bias_norm_c_l0))
        found.append(h)
    return torch.stack(found)


def mgu(layer: Any, x: Tensor) -> Tensor:
    """Both blocks apart."""
    size, h, found = layer.hidden_size, _zero(layer, x), []
    w, u, b, c = layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0
    for one in x:
        f = torch.sigmoid(one @ w[:size].T + b[:size] + h @ u[:size].T + c[:size])
        n = torch.tanh(one @ w[size:].T + b[size:] + f * (h @ u[size:].T + c[size:]))
        h = (1 - f) * h + f * n
        found.append(h)
    return torch.stack(found)


def mingru(layer: Any, x: Tensor) -> Tensor:
    """Unrolled into a sum: h_t = Σ_s (1 - z_s) n_s Π_{r>s} z_r."""
    z, n = (x @ layer.weight_ih_l0.T + layer.bias_ih_l0).chunk(2, -1)
    z = torch.sigmoid(z)
    return torch.stack([sum((1 - z[s]) * n[s] * z[s + 1 : t + 1].prod(0) for s in range(t + 1)) for t in range(len(x))])


def minlstm(layer: Any, x: Tensor) -> Tensor:
    """Unrolled into a sum, with the quotients of the paper."""
    i, f, n = (x @ layer.weight_ih_l0.T + layer.bias_ih_l0).chunk(3, -1)
    i, f = torch.sigmoid(i), torch.sigmoid(f)
    i, f = i / (i + f), f / (i + f)
    return torch.stack([sum(i[s] * n[s] * f[s + 1 : t + 1].prod(0) for s in range(t + 1)) for t in range(len(x))])


def lru(layer: Any, x: Tensor) -> Tensor:
    """Complex numbers, and the convolution with λ^k in place of a recurrence."""
    size = layer.hidden_size
    rate = torch.exp(torch.complex(-layer.nu_log_l0.exp(), layer.theta_log_l0.exp()))
    b = torch.complex(layer.weight_ih_l0[: size // 2], layer.weight_ih_l0[size // 2 : size])
    bias = torch.complex(layer.bias_ih_l0[: size // 2], layer.bias_ih_l0[size // 2 : size])
    c = torch.complex(layer.weight_out_l0[:, : size // 2], -layer.weight_out_l0[:, size // 2 :])
    entering = layer.gamma_log_l0.exp() * (x.to(b.dtype) @ b.T + bias)
    found = []
    for t in range(len(x)):
        state = sum(rate ** (t - s) * entering[s] for s in range(t + 1))
        read = (state @ c.T).real + x[t] @ layer.weight_ih_l0[size:].T + layer.bias_ih_l0[size:]
        found.append(0.5 * read * (1 + torch.erf(read / math.sqrt(2))))
    return torch.stack(found)


def slstm(layer: Any, x: Tensor) -> Tensor:
    """Without the stabiliser."""
    h, c, n, found = _zero(layer, x), _zero(layer, x), _zero(layer, x), []
    for one in x:
        i, f, z, o = _blocks(layer, one, h, 4)
        c = torch.sigmoid(f) * c + torch.exp(i) * torch.tanh(z)
        n = torch.sigmoid(f) * n + torch.exp(i)
        h = torch.sigmoid(o) * c / n
        found.append(h)
    return torch.stack(found)


def mlstm(layer: Any, x: Tensor) -> Tensor:
    """Without the stabiliser, and without a recurrence: each step looks back at all keys."""
    size = layer.hidden_size
    d = max(n for n in range(1, 17) if size % n == 0)
    heads = size // d
    u = x @ layer.weight_ih_l0.T + layer.bias_ih_l0
    q, k, v = (u[..., n * size : (n + 1) * size].unflatten(-1, (heads, d)) for n in range(3))
    o, i, f = u[..., 3 * size : 4 * size].sigmoid(), u[..., 4 * size : 4 * size + heads], u[..., 4 * size + heads :]
    found = []
    for t in range(len(x)):
        weights = [i[s].exp() * torch.sigmoid(f[s + 1 : t + 1]).prod(0) for s in range(t + 1)]
        match = [weights[s] * (k[s] * q[t]).sum(-1) / math.sqrt(d) for s in range(t + 1)]
        read = sum(match[s].unsqueeze(-1) * v[s] for s in range(t + 1))
        found.append(o[t] * (read / sum(match).abs().clamp(min=1).unsqueeze(-1)).flatten(1))  # type: ignore[union-attr]
    return torch.stack(found)


def conv_lstm(layer: Any, x: Tensor) -> Tensor:
    """Convolutions as sums over the neighbours, one place after another."""
    rows, columns = layer.cell.equations.picture
    channels = layer.hidden_size // (rows * columns)

    def convolved(maps: Tensor, kernel: Tensor) -> Tensor:
        found = maps.new_zeros(len(maps), len(kernel), rows, columns)
        for y in range(rows):
            for z in range(columns):
                for a in range(3):
                    for b in range(3):
                        if 0 <= y + a - 1 < rows and 0 <= z + b - 1 < columns:
                            found[:, :, y, z] += maps[:, :, y + a - 1, z + b - 1] @ kernel[:, :, a, b].T
        return found

    h = c = x.new_zeros(x.shape[1], channels, rows, columns)
    found = []
    for one in x:
        pre = convolved(one.unflatten(1, (-1, rows, columns)), layer.weight_ih_l0) + convolved(h, layer.weight_hh_l0)
        i, f, g, o = (pre + layer.bias_ih_l0[:, None, None]).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        found.append(h.flatten(1))
    return torch.stack(found)


def tcn(layer: Any, x: Tensor) -> Tensor:
    """torch.nn.Conv1d with a dilation, on a sequence that is padded in front."""
    size, d = layer.hidden_size, layer.cell.equations.width
    convolution = torch.nn.Conv1d(x.shape[-1], size, 2, dilation=d).to(x.dtype)
    now, before = layer.weight_ih_l0[:size], layer.weight_ih_l0[size:]
    convolution.load_state_dict({"weight": torch.stack([before, now], -1), "bias": layer.bias_ih_l0})
    padded = torch.nn.functional.pad(x.permute(1, 2, 0), (d, 0))
    skip = layer.weight_skip_l0 if x.shape[-1] != size else torch.eye(size, dtype=x.dtype)
    return x @ skip.T + torch.relu(convolution(padded)).permute(2, 0, 1)


def transformer(layer: Any, x: Tensor) -> Tensor:
    """Step by step and head by head; a pair of numbers is turned as one complex number."""
    size, width = layer.hidden_size, layer.cell.equations.width
    heads = 4 if size % 8 == 0 and size >= 32 else 2 if size % 4 == 0 and size >= 16 else 1
    each = size // heads

    def normed(values: Tensor, which: str) -> Tensor:
        gain, shift = getattr(layer, f"weight_norm_{which}_l0"), getattr(layer, f"bias_norm_{which}_l0")
        centred = values - values.mean(-1, keepdim=True)
        return gain * centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() + shift

    def turned(values: Tensor, place: int) -> Tensor:
        pairs, found = each // 2, values.clone()
        for i in range(pairs):
            angle = torch.tensor(place * 10_000 ** (-i / pairs), dtype=values.dtype)
            pair = torch.complex(values[:, i], values[:, pairs + i]) * torch.exp(1j * angle)
            found[:, i], found[:, pairs + i] = pair.real, pair.imag
        return found

    a = x @ layer.weight_in_l0.T + layer.bias_in_l0 if x.shape[-1] != size else x
    q, k, v = (normed(a, "ask") @ layer.weight_ih_l0.T + layer.bias_ih_l0).chunk(3, -1)
    found = []
    for t in range(len(x)):
        read = []
        for n in range(heads):
            part = slice(n * each, (n + 1) * each)
            asked = range(max(0, t - width), t + 1)
            query = turned(q[t, :, part], t)
            scores = torch.stack([(query * turned(k[s, :, part], s)).sum(-1) / math.sqrt(each) for s in asked])
            weights = scores.exp() / scores.exp().sum(0)
            read.append(sum(weight.unsqueeze(-1) * v[s, :, part] for weight, s in zip(weights, asked, strict=True)))
        r = a[t] + torch.cat(read, -1) @ layer.weight_out_l0.T + layer.bias_out_l0  # type: ignore[arg-type]
        between = normed(r, "up") @ layer.weight_up_l0.T + layer.bias_up_l0
        between = 0.5 * between * (1 + torch.erf(between / math.sqrt(2)))
        found.append(r + between @ layer.weight_down_l0.T + layer.bias_down_l0)
    return torch.stack(found)


FORMS: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "irnn": irnn, "orthogonal": orthogonal, "indrnn": indrnn, "peephole": peephole, "coupled": coupled,
    "layer_norm_lstm": layer_norm_lstm, "mgu": mgu, "mingru": mingru, "minlstm": minlstm, "lru": lru, "slstm": slstm,
    "mlstm": mlstm, "conv_lstm": conv_lstm, "tcn": tcn, "transformer": transformer,
}  # fmt: skip
