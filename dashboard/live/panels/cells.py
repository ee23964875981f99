"""The panels of the page about all cells."""

from __future__ import annotations

from dashboard.figures.cells import factors, reach, speed
from dashboard.live.panels.experiments import picture

PANELS = {"cells_reach": picture(reach), "cells_factors": picture(factors), "cells_speed": picture(speed)}
