"""Linear recurrences h_t = a_t · h_{t-1} + b_t, all steps in about 2√T operations in place of T.

The steps are cut into √T stretches, which all start at once from zero and run side by side; how much of what came
before survives each stretch is known from the product of its a, so that a second, short walk over the stretches' ends
mends them. The gradient is the same recurrence backwards: δ_t = g_t + ā_{t+1} · δ_{t+1}, with ∂L/∂b_t = δ_t,
∂L/∂a_t = δ_t · h̄_{t-1} (bars: conjugates, for complex numbers). Blelloch 1990, "Prefix sums and their applications",
section 1.4, has the two-level form.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def scan(a: Tensor, b: Tensor, first: Tensor) -> Tensor:
    """h_0, ..., h_{T-1} of h_t = a_t · h_{t-1} + b_t.

    Args:
        a: (T, ...), or anything that broadcasts to b.
        b: (T, ...).
        first: h_{-1}, (...).
    """
    found: Tensor = _Scan.apply(a.expand_as(b), b, first)
    return found


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, first: Tensor) -> Tensor:
        h = walk(a, b, first)
        ctx.save_for_backward(a, h, first)
        return h

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, h, first = ctx.saved_tensors
        after = torch.cat([a[1:], torch.zeros_like(a[:1])]).conj()  # a_{t+1}
        delta = walk(after.flip(0), grads[0].flip(0), torch.zeros_like(first)).flip(0)
        before = torch.cat([first.unsqueeze(0), h[:-1]])
        return delta * before.conj(), delta, a[0].conj() * delta[0]


def walk(a: Tensor, b: Tensor, first: Tensor) -> Tensor:
    """The recurrence itself, without a gradient."""
    steps = len(b)
    width = math.isqrt(steps - 1) + 1 if steps > 1 else 1
    stretches = -(-steps // width)
    pad = stretches * width - steps
    if pad:
        a = torch.cat([a, a.new_ones(pad, *a.shape[1:])])
        b = torch.cat([b, b.new_zeros(pad, *b.shape[1:])])
    kept, own = (
        one.unflatten(0, (stretches, width)).transpose(0, 1).clone(memory_format=torch.contiguous_format)
        for one in (a, b)
    )
    for at in range(1, width):  # all stretches side by side, each from zero
        own[at].addcmul_(kept[at], own[at - 1])
        kept[at].mul_(kept[at - 1])
    starts = torch.empty_like(own[0])
    state = first
    for at in range(stretches):
        starts[at] = state
        state = torch.addcmul(own[-1, at], kept[-1, at], state)
    own.addcmul_(kept, starts)
    return own.transpose(0, 1).flatten(0, 1)[:steps]
