"""The live component's Python side: which runs, which panels, and where to ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import plotly
import streamlit as st

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "live_figures",
    html="<div data-live></div>",
    css=(_HERE / "live.css").read_text("utf-8"),
    js=(_HERE / "live.js").read_text("utf-8"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Choice:
    """Something that the reader may choose within a card, without a rerun.

    Attributes:
        param: the builder's parameter; panels that share it change together.
        label: what is chosen, for those who cannot see it.
        options: label and value of each.
        slider: many values in order: a slider in place of buttons.
    """

    param: str
    label: str
    options: tuple[tuple[str, int], ...]
    slider: bool = False


@dataclass(frozen=True)
class Pick:
    """A whole number that the reader takes from a figure by pointing at it.

    Attributes:
        param: the builders' parameter that it sets; panels that have it change together.
        axis: where the number stands: the point's ``x`` or ``y`` rounded to a whole number, or its ``customdata``.
        on: ``click``, or ``hover`` for what should follow the pointer.
    """

    param: str
    axis: Literal["x", "y", "customdata"] = "y"
    on: Literal["click", "hover"] = "click"


@dataclass(frozen=True)
class Panel:
    """One card of the live page.

    Attributes:
        id: unique on the page.
        name: which panel of ``live.panels.PANELS``.
        title: the card's heading, '' for none.
        kind: figure, text, or words (a line without a card around it); decides the looks only.
        span: twelfths of the page's width.
        height: of the drawing, in pixels.
        about: what there is to see, shown when the pointer rests on the title.
        params: small whole numbers for the builder, e.g. layer and run.
        choices: parameters that the reader may change.
        pick: a parameter that the reader sets by pointing into the figure; the panel and others that have it
            among their ``params`` or ``choices`` follow.
    """

    id: str
    name: str
    title: str = ""
    kind: str = "figure"
    span: int = 6
    height: int = 300
    about: str = ""
    params: dict[str, int] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    pick: Pick | None = None


def preload() -> None:
    """Let the browser fetch the drawing library on a page without runs: it is most of the way to the first chart."""
    live_figures({}, [], key="live")


def live_figures(
    runs: dict[str, str],
    panels: list[Panel],
    *,
    key: str,
    ms: int = 400,
    at: int | None = None,
    bar: str = "",
    chosen: dict[str, int] | None = None,
    race: tuple[str, str] | None = None,
    experiment: tuple[str, str] | None = None,
    scale: float = 1.0,
    on_chosen_change: Callable[[], None] = lambda: None,
    on_status_change: Callable[[], None] = lambda: None,
    on_at_change: Callable[[], None] = lambda: None,
) -> Any:
    """Draw runs live, without a rerun for each update.

    Args:
        runs: id → state of the runs in view, as this page knows them, the main one first.
        panels: what to draw.
        key: stable over reruns, so that the browser keeps what it has drawn.
        ms: milliseconds between two questions to the server.
        at: the training step to begin at; None for the present.
        bar: the panel below which the playback bar stands.
        chosen: what the reader chose before: parameter → value.
        race: id and state (see ``WatchedRace.state``) of the race that the runs are of; panels may show all of it.
        experiment: id and state of an experiment of the lecture, in place of runs.
        scale: how much larger than usual all letters are, for the back row of a lecture hall.
        on_chosen_change: called when the reader chooses; the result's ``chosen`` has all that is chosen.
        on_status_change: called (before a rerun) when a run's state changes.
        on_at_change: called when the reader moves to another moment; the result's ``at`` has it.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return _component(
        key=key,
        data={
            "runs": list(runs),
            "known": runs | dict(one for one in (race, experiment) if one),
            "race": race[0] if race else "",
            "experiment": experiment[0] if experiment else "",
            "scale": scale,
            "panels": [asdict(panel) for panel in panels],
            "ms": ms,
            "at": at,
            "bar": bar,
            "chosen": chosen or {},
            "base": f"/{base}" if base else "",
            "version": plotly.__version__,
        },
        default={"at": at, "chosen": chosen or {}},
        on_chosen_change=on_chosen_change,
        on_status_change=on_status_change,
        on_at_change=on_at_change,
    )
