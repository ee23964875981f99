"""What stands in a report besides the runs' own chapters: words and figures that the caller hands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dashboard.figures.base import Look


@dataclass(frozen=True)
class Drawing:
    """One figure of a section.

    Attributes:
        title: of its card.
        draw: the figure, or its plain form (see ``figures.base.Drawn``), in a look: it is drawn light and dark.
        height: in pixels.
        span: twelfths of the page's width.
        about: what there is to see, shown when the pointer rests on the title.
    """

    title: str
    draw: Callable[[Look], go.Figure | dict[str, Any]]
    height: int = 340
    span: int = 12
    about: str = ""


@dataclass(frozen=True)
class Section:
    """A heading, words, and figures.

    Attributes:
        heading: plain text; it is escaped.
        html: markup that goes into the report as it stands: whoever makes it escapes names, notes and samples.
        drawings: figures below it.
    """

    heading: str
    html: str = ""
    drawings: tuple[Drawing, ...] = ()
