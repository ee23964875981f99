"""The cells that came after: every cell of the registry, freshly initialised, side by side.

The factor per step is fitted to ‖∂L_T/∂s_t‖ over the lag, s being all that a step hands to the next (h, and what is
carried beside it), for a loss on the last step, standard normal inputs and weights as each cell's source begins them.
Speed is that of forward and backward pass on one thread, the median of several turns in which all cells take part.
"""

from __future__ import annotations

from rnncore.config.sections import setting
from rnncore.lecture.experiment import Experiment, Settings
from rnncore.records.cells import Cells


class CellsSettings(Settings):
    """What is read, and by how many units."""

    hidden_size: int = setting(64, "Units H", unit="units", ge=4, le=128)
    length: int = setting(50, "Steps T", unit="steps", ge=10, le=500)
    batch: int = setting(16, "Sequences B", unit="sequences", ge=1, le=64)
    turns: int = setting(5, "Turns of the clock", unit="turns", ge=1, le=20)


CELLS_EXPERIMENT = Experiment("cells", CellsSettings, Cells)
