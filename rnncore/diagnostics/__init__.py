"""Traces in, records out. One file per diagnostic; ``live`` joins those that the live lab shows.

``findings`` needs NumPy only; what opens a model loads torch, so it is imported when it is asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnncore.diagnostics.live import live_measures as live_measures

__all__ = ["live_measures"]


def __getattr__(name: str) -> Any:
    if name == "live_measures":
        from rnncore.diagnostics.live import live_measures

        return live_measures
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
