"""What each step of the sequence adds to the gradient of a recurrent layer's weights.

The weights are used at every step, so their gradient is a sum over steps, dL/dW = Σ_t (dL/dW)_t, with

    (dL/dW_ih)_t = Σ_b a_t x_tᵀ,    (dL/dW_hh)_t = Σ_b a'_t h_{t-1}ᵀ,    (dL/db)_t = Σ_b a_t

a_t the gradient before the non-linearities (a' at the recurrent side, which in torch's GRU lies behind the reset gate).
A program that overwrites its gradient at each step, instead of adding to it, keeps the last written one only: step 0,
since backpropagation ends there.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rnncore.errors import ProbeError
from rnncore.probe.trace import Trace


@torch.no_grad()
def weight_gradients(trace: Trace, inputs: Tensor, steps: slice = slice(None)) -> dict[str, Tensor]:
    """(dL/dW)_t of one direction of one layer; summed over t they are the parameters' ``.grad``.

    >>> with rnncore.probe(model) as probe:
    ...     criterion(model(x), y).backward()
    >>> each = weight_gradients(probe["lstm"].layers[0].forward, x)
    >>> each["weight_hh"].sum(0)  # model.lstm.weight_hh_l0.grad, where the probe opened all sequences

    Args:
        trace: see ``rnncore.probe``, with a backward pass inside the probe.
        inputs: what the layer read, (T, B, D); only the sequences that the probe opened.
        steps: which steps, in natural time order: each takes as much memory as the weights.

    Returns:
        ``weight_ih`` (T, G·H, D), ``weight_hh`` (T, G·H, H), ``bias_ih`` and ``bias_hh`` (T, G·H): rows in PyTorch's
        order; without the biases for a layer that has none.

    Raises:
        ProbeError: the inputs don't fit, or no gradient reached the layer.
    """
    size = trace.hidden.shape[:2]
    if inputs.shape[:2] != size:
        raise ProbeError(
            f"inputs must be (T, B, D) with T, B = {tuple(size)} as in the trace, got {tuple(inputs.shape)}; give what "
            "the layer read, time-major, and only the sequences that the probe opened"
        )
    if not getattr(trace.cell_type, "outer", True):
        raise ProbeError(
            f"the weights of cell {trace.cell_type.name!r} are not used as a plain product at each step, so that their "
            "gradient has no parts a_t x_tᵀ; use the parameters' .grad"
        )
    pre, recurrent = trace.grad_preactivations[steps], trace.gradients.recurrent
    if recurrent is not None:
        recurrent = recurrent[steps]
    elif trace.cell_type.name == "gru":
        recurrent = pre.clone()
        recurrent[:, :, 2] *= trace.gates["reset"][steps]
    else:
        recurrent = pre
    pre, recurrent = pre.flatten(2), recurrent.flatten(2)
    found = {"weight_ih": torch.einsum("tbg,tbd->tgd", pre, inputs.detach()[steps].to(pre.dtype))}
    if trace.weights.hh is not None:
        found["weight_hh"] = torch.einsum("tbg,tbh->tgh", recurrent, _before(trace)[steps])
    if trace.weights.bias_ih is not None:
        found["bias_ih"] = pre.sum(1)
    if trace.weights.bias_hh is not None:
        found["bias_hh"] = recurrent.sum(1)
    return found


def _before(trace: Trace) -> Tensor:
    """The state that each step started from, (T, B, H): h_{t-1}, or h_{t+1} for a reverse direction."""
    return trace.order.natural(trace.replayed.saved["before"])
