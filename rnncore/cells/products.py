"""Matrix products of a replay, by the fastest exact way there is.

torch's own float32 product on a CPU goes through MKL, which on some processors reaches less than half of what
oneDNN does (the library behind torch's fused LSTM): 92 against 213 GFLOP/s on one thread of an AMD EPYC with
AVX-512, at the shapes of a replay. torch offers oneDNN's product to its compiler as an operator of its own; where
that is missing, or for another type or device, the ordinary product serves. Both are IEEE float32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

LEAST_PRODUCT = 1_000_000
"""Multiplications below which one product inside a recurrence gains less from oneDNN than calling it costs: at
H = 128, 15 rows; at H = 32, 240."""


@lru_cache(maxsize=1)
def _onednn() -> tuple[Callable[..., Tensor], Callable[..., Tensor]] | None:
    """oneDNN's product and the packing of its weights; None where this torch does not offer them."""
    import torch

    operators: Any = torch.ops.mkldnn
    try:
        product, pack = operators._linear_pointwise, operators._reorder_linear_weight
        x, weight = torch.ones(2, 3), torch.ones(4, 3)
        right = torch.equal(product(x, pack(weight, 2), None, "none", [], ""), torch.full((2, 4), 3.0))
    except (AttributeError, RuntimeError):
        return None
    return (product, pack) if right and torch.backends.mkldnn.is_available() else None


def _fast(x: Tensor) -> tuple[Callable[..., Tensor], Callable[..., Tensor]] | None:
    """oneDNN for float32 on a CPU, as long as nobody asked for less than float32's precision."""
    import torch

    if x.dtype != torch.float32 or x.device.type != "cpu" or not torch.backends.mkldnn.enabled:
        return None
    precision: Any = torch.backends.mkldnn
    if precision.matmul.fp32_precision not in ("none", "ieee"):
        return None
    return _onednn()


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (..., D) and weight (M, D) → x·weightᵀ + bias, (..., M)."""
    flat = x.reshape(-1, x.shape[-1])
    fast = _fast(x)
    if fast is not None and flat.shape[0]:
        product = fast[0](flat, weight, bias, "none", [], "")
    else:
        product = flat @ weight.T if bias is None else bias.addmm(flat, weight.T)
    return product.view(*x.shape[:-1], -1)


def adder(weight: Tensor, rows: int) -> Callable[[Tensor, Tensor], None]:
    """``add(into, x)``: into (N, M) += x (N, D) · weight (D, M), for a recurrence that does it many times.

    Args:
        weight: (D, M), the same each time.
        rows: N.
    """
    fast = _fast(weight) if rows * weight.numel() >= LEAST_PRODUCT else None
    if fast is None:

        def add(into: Tensor, x: Tensor) -> None:
            into.addmm_(x, weight)

        return add
    product, packed = fast[0], fast[1](weight.T.contiguous(), rows)

    def add_fast(into: Tensor, x: Tensor) -> None:
        into.add_(product(x, packed, None, "none", [], ""))

    return add_fast
