"""Traces in, records out. One file per diagnostic; ``live`` joins those that the live lab shows.

``findings`` needs NumPy only; what opens a model loads torch, so it is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnncore.diagnostics.dynamics import lyapunov_spectrum as lyapunov_spectrum
    from rnncore.diagnostics.dynamics import step_jacobian as step_jacobian
    from rnncore.diagnostics.jacobian import direct_path as direct_path
    from rnncore.diagnostics.jacobian import step_jacobians as step_jacobians
    from rnncore.diagnostics.live import live_measures as live_measures
    from rnncore.diagnostics.lyapunov import autonomous_lyapunov as autonomous_lyapunov
    from rnncore.diagnostics.lyapunov import lyapunov_exponents as lyapunov_exponents
    from rnncore.diagnostics.per_loss import per_loss_matrix as per_loss_matrix
    from rnncore.diagnostics.weight_gradient import weight_gradients as weight_gradients

_HOMES = {
    "autonomous_lyapunov": "lyapunov",
    "direct_path": "jacobian",
    "live_measures": "live",
    "lyapunov_exponents": "lyapunov",
    "lyapunov_spectrum": "dynamics",
    "per_loss_matrix": "per_loss",
    "step_jacobian": "dynamics",
    "step_jacobians": "jacobian",
    "weight_gradients": "weight_gradient",
}
"""Public name → the file that it lives in."""

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
