"""Which panels a live page can show: from what they are made, and by which figure or words.

A new panel is one builder and one line in the ``PANELS`` of its page's file here.
"""

from dashboard.live.panels import attribution, dynamics, gates_and_memory, gradient_flow, lab
from dashboard.live.panels.scene import SERIES, TIMELINE, PanelType, Scene

PANELS: dict[str, PanelType] = {
    **lab.PANELS,
    **attribution.PANELS,
    **dynamics.PANELS,
    **gates_and_memory.PANELS,
    **gradient_flow.PANELS,
}

__all__ = ["PANELS", "SERIES", "TIMELINE", "PanelType", "Scene"]
