"""mLSTM: a memory of key-value pairs, one matrix a head, with exponential gates that read the input alone.

    q_t, k_t, v_t, õ_t = W x_t + b  (k divided by √d),   ĩ_t, f̃_t: one number a head
    m_t = max(log σ(f̃) + m_{t-1}, ĩ);  i_t = exp(ĩ - m_t),  f_t = exp(log σ(f̃) + m_{t-1} - m_t)
    C_t = f_t C_{t-1} + i_t v_t k_tᵀ,   n_t = f_t n_{t-1} + i_t k_t
    h_t = σ(õ_t) · C_t q_t / max(|n_tᵀ q_t|, exp(-m_t))

Source: Beck et al. 2024, arXiv:2405.04517, equations 19 to 27, with the sigmoid forget gate. Heads have d ≤ 16 numbers:
what is carried is C (d × d a head), n and m. h does not feed back, so dL/dh_t is the direct gradient; the memory is in
C. The gates i and f are shown for every unit of their head, with the gradient through that unit's row of C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnncore.cells.base import About, Gate, Weights
from rnncore.cells.own import Equations, OwnCell, Shapes, States
from rnncore.cells.stepwise import StepReplay

if TYPE_CHECKING:
    from torch import Tensor

WIDEST_HEAD, STRETCH = 16, 64
MOST = 80.0
"""exp(80) is finite in float32; what is divided by it is nothing."""


def head_size(size: int) -> int:
    """d: the largest divisor of H up to 16."""
    return max(d for d in range(1, min(size, WIDEST_HEAD) + 1) if size % d == 0)


class MLSTM(Equations):
    """See the file."""

    blocks, recurrent, reads_hidden = 4, 0, False

    def shapes(self, input_size: int, size: int) -> Shapes:
        """q, k, v, o for each unit; i and f for each head."""
        rows = 4 * size + 2 * (size // head_size(size))
        return {"weight_ih": (rows, input_size), "bias_ih": (rows,)}

    def beside(self, size: int) -> tuple[int, ...]:
        """C, n, m."""
        return size * head_size(size), size, size // head_size(size)

    def step(self, u: Tensor, v: Any, h: Tensor, others: States, w: Weights) -> tuple[Tensor, States, States]:
        """See the file."""
        import torch
        from torch.nn.functional import logsigmoid

        batch, size = h.shape
        d = head_size(size)
        heads = size // d
        q, k, value, o, i, f = u.split([size] * 4 + [heads] * 2, -1)
        q, k, value = (one.unflatten(-1, (heads, d)) for one in (q, k * d**-0.5, value))
        memory, n, m = others[0].view(batch, heads, d, d), others[1].view(batch, heads, d), others[2]
        kept = logsigmoid(f) + m
        m = torch.maximum(kept, i)
        shown_i, shown_f = ((one - m).exp().repeat_interleave(d, -1) for one in (i, kept))
        i, f, o = shown_i.view(batch, heads, d), shown_f.view(batch, heads, d), o.sigmoid()
        # h is read off the very tensors that are carried: a replay asks for the gradient at them
        carried = (f.unsqueeze(-1) * memory + (i * value).unsqueeze(-1) * k.unsqueeze(-2)).flatten(1)
        normaliser = (f * n + i * k).flatten(1)
        memory, n = carried.view_as(memory), normaliser.view_as(n)
        least = torch.maximum((n * q).sum(-1).abs(), (-m).clamp(max=MOST).exp())
        read = (memory * q.unsqueeze(-2)).sum(-1) / least.unsqueeze(-1)
        return o * read.flatten(1), (carried, normaliser, m), (shown_i, shown_f, o)

    def unroll(
        self, u: Tensor, h: Tensor, others: States, w: Weights, every: bool = False
    ) -> tuple[Tensor, list[States]]:
        """Stretches of steps at once: within one, each query meets all keys before it, as in attention."""
        import torch

        if every:
            return super().unroll(u, h, others, w)
        found = []
        for part in u.split(STRETCH):
            y, others = self._stretch(part, others, h.shape[-1])
            found.append(y)
        return torch.cat(found), [others]

    def _stretch(self, u: Tensor, others: States, size: int) -> tuple[Tensor, States]:
        """(S, B, R) and what is carried → (S, B, H) and what is carried on.

        With F_t = Σ log σ(f̃): what was written at s counts at t as exp(F_t - F_s + ĩ_s), and what was there before as
        exp(F_t); both are divided by exp(m_t), m_t - F_t being the largest of all ĩ_s - F_s so far and of the old m.
        """
        import torch
        from torch.nn.functional import logsigmoid

        steps, batch, _ = u.shape
        d = head_size(size)
        heads = size // d
        q, k, value, o, i, f = u.split([size] * 4 + [heads] * 2, -1)
        # batch, head, step, ...
        q, k, value = (one.unflatten(-1, (heads, d)).permute(1, 2, 0, 3) for one in (q, k * d**-0.5, value))
        i, f = i.permute(1, 2, 0), logsigmoid(f).permute(1, 2, 0)
        memory, n, m = others[0].view(batch, heads, d, d), others[1].view(batch, heads, d), others[2].unsqueeze(-1)
        decay = f.cumsum(-1)
        written = i - decay
        largest = torch.maximum(written.cummax(-1).values, m)
        later = torch.ones(steps, steps, dtype=torch.bool, device=u.device).triu(1)
        share = (written.unsqueeze(-2) - largest.unsqueeze(-1)).masked_fill(later, -torch.inf).exp()
        old = (m - largest).exp().unsqueeze(-1)
        met = share * (q @ k.transpose(-1, -2))
        above = met @ value + old * (q @ memory.transpose(-1, -2))
        below = met.sum(-1) + old.squeeze(-1) * (q @ n.unsqueeze(-1)).squeeze(-1)
        read = above / torch.maximum(below.abs(), (-(largest + decay)).clamp(max=MOST).exp()).unsqueeze(-1)
        last, kept = share[:, :, -1].unsqueeze(-1), old[:, :, -1]
        memory = kept.unsqueeze(-1) * memory + (last * value).transpose(-1, -2) @ k
        n = kept * n + (last * k).sum(-2)
        y = o.sigmoid() * read.permute(2, 0, 1, 3).flatten(2)
        return y, (memory.flatten(1), n.flatten(1), (largest + decay)[..., -1])


_EQUATIONS = MLSTM()
MATRIX_LSTM = OwnCell(
    "mlstm", "", "", (Gate("input", "i", True), Gate("forget", "f", True), Gate("output", "o", True)), False, (),
    StepReplay(_EQUATIONS, 3), equations=_EQUATIONS, parts=("",),
    about=About(
        "Beck et al. 2024, arXiv:2405.04517",
        "A memory of key-value pairs that is read by a query: attention with a state of fixed size.",
        r"C_t = f_t C_{t-1} + e^{\tilde\imath_t} v_t k_t^\top,\quad n_t = f_t n_{t-1} + e^{\tilde\imath_t} "
        r"k_t,\quad h_t = o_t \odot \frac{C_t q_t}{\max(|n_t^\top q_t|, 1)}",
        ("C<sub>t</sub> = f C<sub>t−1</sub> + i v kᵀ",
         "h<sub>t</sub> = o ⊙ C<sub>t</sub> q / max(|nᵀ q|, 1)",),
    ),
)  # fmt: skip
