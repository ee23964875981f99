"""Causal transformer block: a step asks all steps before it, and itself, which of them it needs.

    a = P x                                                       P only where D is not H
    q, k, v = W_qkv LN(a) + b          split into heads; q and k are turned by an angle that grows with the step
    r_t = a_t + W_o Σ_s softmax_s(q_t · k_s / √d_head) v_s        over s from t - W to t
    y_t = r_t + W_2 GELU(W_1 LN(r_t) + b_1) + b_2                 4 H units between

Sources: Vaswani et al. 2017, arXiv:1706.03762; normalisation before each part, Xiong et al. 2020, arXiv:2002.04745;
turned queries and keys (only the distance of two steps counts), Su et al. 2021, arXiv:2104.09864; a window of keys
kept from piece to piece, Dai et al. 2019, arXiv:1901.02860. Initial weights are those of torch.nn.Linear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Weights
from rnncore.cells.own import Shapes
from rnncore.cells.window import Window, WindowCell, WindowReplay

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

WINDOW = 256
"""Steps before its own that a step may ask; more where the task's sequences are longer."""
BASE = 10_000.0


def heads_of(size: int) -> int:
    """Heads of H units, each of an even number of at least 8: 4, 2 or 1."""
    return next((heads for heads in (4, 2) if size % (2 * heads) == 0 and size >= 8 * heads), 1)


class Transformer(Window):
    """See the file; weight_ih holds W_qkv.

    Args:
        width: W.
    """

    blocks = 3

    def __init__(self, width: int = WINDOW):
        self.width = width

    def shapes(self, input_size: int, size: int) -> Shapes:
        """Both parts, and P where it is needed."""
        found: Shapes = {
            "weight_ih": (3 * size, size), "bias_ih": (3 * size,), "weight_out": (size, size), "bias_out": (size,),
            "weight_up": (4 * size, size), "bias_up": (4 * size,), "weight_down": (size, 4 * size),
            "bias_down": (size,), "weight_norm_ask": (size,), "bias_norm_ask": (size,), "weight_norm_up": (size,),
            "bias_norm_up": (size,),
        }  # fmt: skip
        return found if input_size == size else found | {"weight_in": (size, input_size), "bias_in": (size,)}

    def input_size(self, w: Weights) -> int:
        """D."""
        return int(w.more.get("weight_in", w.ih).shape[1])

    def kept(self, size: int) -> int:
        """Key, value, and a 1: what was never written has a 0, and is never asked."""
        return 2 * size + 1

    def _entering(self, x: Tensor, w: Weights) -> Tensor:
        from torch.nn.functional import linear

        return linear(x, w.more["weight_in"], w.more.get("bias_in")) if "weight_in" in w.more else x

    def _projected(self, a: Tensor, w: Weights, rows: slice) -> Tensor:
        """Rows of W_qkv LN(a) + b."""
        from torch.nn.functional import layer_norm, linear

        size = a.shape[-1]
        normed = layer_norm(a, (size,), w.more["weight_norm_ask"], w.more.get("bias_norm_ask"))
        return linear(normed, w.ih[rows], None if w.bias_ih is None else w.bias_ih[rows])

    def keep(self, x: Tensor, w: Weights) -> Tensor:
        """See ``Window``."""
        import torch

        a = self._entering(x, w)
        found = self._projected(a, w, slice(a.shape[-1], None))
        return torch.cat([found, found.new_ones(*found.shape[:2], 1)], -1)

    def look(self, x: Tensor, seen: Tensor, w: Weights) -> Tensor:
        """See ``Window``."""
        from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

        a = self._entering(x, w)
        q, k, v, mask = self._asked(a, seen, w)
        read = scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None)  # (B, heads, T, d)
        more = w.more
        r = a + linear(read.permute(2, 0, 1, 3).flatten(2), more["weight_out"], more.get("bias_out"))
        normed = layer_norm(r, (r.shape[-1],), more["weight_norm_up"], more.get("bias_norm_up"))
        between = gelu(linear(normed, more["weight_up"], more.get("bias_up")))
        return r + linear(between, more["weight_down"], more.get("bias_down"))

    def _asked(self, a: Tensor, seen: Tensor, w: Weights) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Queries (B, heads, T, d); keys and values of the M steps that there are, (B, heads, M, d); who may ask whom,
        (B, 1, T, M), or None where each may ask all before it.
        """
        import torch

        steps, _, size = a.shape
        behind = len(seen) - steps
        if behind:  # what no sequence has written need not be looked at
            behind = int((seen[:behind, :, -1] > 0).any(1).sum())
            seen = seen[len(seen) - steps - behind :]
        k, v, there = seen[..., :size], seen[..., size:-1], seen[..., -1]
        angles = torch.arange(len(seen), device=a.device, dtype=a.dtype)
        q = turned(in_heads(self._projected(a, w, slice(0, size))), angles[behind:])
        k, v = turned(in_heads(k), angles), in_heads(v)
        if not behind and steps <= self.width + 1:
            return q, k, v, None
        at, asked = angles[behind:, None], angles[None, :]
        mask = (asked <= at) & (asked >= at - self.width)  # (T, M)
        return q, k, v, mask & (there.T > 0)[:, None, None, :]

    def attention(self, x: Tensor, carried: Tensor, w: Weights) -> Tensor:
        """How much each step asks each: x (T, B, D) and what is kept, (B, N·R) → (B, heads, T, M), M ≤ N + T.

        The last T of the M steps are those of x.
        """
        q, k, _, mask = self._asked(self._entering(x, w), self.seen(x, carried, w), w)
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        allowed = scores.new_ones(scores.shape[-2:]).tril().bool() if mask is None else mask
        return scores.masked_fill(~allowed, -math.inf).softmax(-1)

    def settle(self, named: dict[str, Tensor], size: int, generator: torch.Generator | None) -> None:
        """Gains of 1 and shifts of 0; W_2 and P by their own fan-in."""
        for name, tensor in named.items():
            if "norm" in name:
                tensor.fill_(1.0 if name.startswith("weight") else 0.0)
            elif name.endswith("_down"):
                tensor.mul_(0.5)
            elif name.endswith("_in"):
                tensor.mul_(math.sqrt(size / named["weight_in"].shape[1]))


def in_heads(values: Tensor) -> Tensor:
    """(T, B, H) → (B, heads, T, H / heads)."""
    return values.unflatten(-1, (heads_of(values.shape[-1]), -1)).permute(1, 2, 0, 3)


def turned(values: Tensor, places: Tensor) -> Tensor:
    """Each pair of numbers (i, i + d/2) turned by place · 10,000^(-2i/d): (..., T, d), (T,) → (..., T, d)."""
    import torch

    pairs = values.shape[-1] // 2
    speed = BASE ** (-torch.arange(pairs, device=values.device, dtype=values.dtype) / max(1, pairs))
    angle = places[:, None] * speed
    cos, sin = angle.cos(), angle.sin()
    first, second, rest = values[..., :pairs], values[..., pairs : 2 * pairs], values[..., 2 * pairs :]
    return torch.cat([first * cos - second * sin, first * sin + second * cos, rest], -1)


@dataclass(frozen=True)
class _AttentionCell(WindowCell):
    """The entry of the registry; each layer has one of its own, that knows its window."""

    def placed(
        self, index: int, sequence_length: int, picture: tuple[int, int] | None, *, wraps: bool = False
    ) -> dict[str, Any]:
        """See ``Cell.placed``: at least as wide as two of the task's sequences."""
        return {"window": max(WINDOW, 2 * sequence_length)}

    def layer(self, input_size: int, hidden_size: int, *, window: int = WINDOW, **options: Any) -> nn.Module:
        """(T, B, input_size) → (T, B, hidden_size); ``window`` is W."""
        from rnncore.cells.layer import OwnLayer

        return OwnLayer(_made(Transformer(window)), input_size, hidden_size, **options)


def _made(equations: Transformer) -> _AttentionCell:
    return _AttentionCell(
        "transformer", "", "", (), False, (), WindowReplay(equations), equations=equations,
        parts=("query", "key", "value"), outer=False,
        about=About(
            "Vaswani et al. 2017, arXiv:1706.03762",
            "No recurrence: each step asks all steps before it, however far away, which of them it needs.",
            r"\begin{aligned} r_t &= x_t + W_o \sum_{s \le t} \mathrm{softmax}_s\!\left(\frac{q_t \cdot k_s}"
            r"{\sqrt{d}}\right) v_s \\ y_t &= r_t + W_2\, \mathrm{GELU}(W_1 \mathrm{LN}(r_t) + b_1) + b_2 "
            r"\end{aligned}",
            ("r<sub>t</sub> = x<sub>t</sub> + W<sub>o</sub> Σ<sub>s≤t</sub> softmax(q<sub>t</sub>·k<sub>s</sub>) "
             "v<sub>s</sub>", "y<sub>t</sub> = r<sub>t</sub> + MLP(r<sub>t</sub>)"),
        ),
    )  # fmt: skip


CAUSAL_TRANSFORMER = _made(Transformer())
