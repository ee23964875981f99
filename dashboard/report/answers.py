"""What the live route would answer to each question that a report's cards can ask, light and dark."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

from dashboard.figures.base import Look
from dashboard.live.component import Choice, Panel
from dashboard.live.encoding import encode, to_json
from dashboard.live.route import MOST_PANELS, Live
from dashboard.report.sections import Drawing
from dashboard.theme import Mode, template

MODES: tuple[Mode, ...] = get_args(Mode)
MOST_VARIANTS = 16
"""Pictures of one card that its buttons choose from."""

Content = dict[str, Any]


class Answers:
    """All answers, by look, card and parameters; ``add`` makes a card's."""

    def __init__(self, live: Live):
        self._live = live
        self.by_mode: dict[Mode, dict[str, dict[str, Content]]] = {mode: {} for mode in MODES}

    def document(self) -> dict[str, Any]:
        """Plain values for the report's script."""
        return {
            mode: {"template": template(mode).to_plotly_json(), "panels": panels}
            for mode, panels in self.by_mode.items()
        }

    def add(self, runs: Sequence[str], panels: Sequence[Panel], pages: Sequence[str], race: str = "") -> list[Panel]:
        """Ask for every variant of the cards.

        Args:
            runs: ids, the main one first.
            panels: the cards.
            pages: what a finding may link to.
            race: id of the race that some of the cards are about, '' for none.

        Returns:
            The cards with those choices only that there is an answer to.
        """
        offered = [_bounded(panel) for panel in panels]
        wanted = [(panel, params) for panel in offered for params in _variants(panel)]
        for mode in MODES:
            for start in range(0, len(wanted), MOST_PANELS):
                some = wanted[start : start + MOST_PANELS]
                asked = [
                    {"id": str(place), "name": panel.name, "params": params}
                    for place, (panel, params) in enumerate(some)
                ]
                query = {"runs": list(runs), "panels": asked, "theme": mode} | ({"race": race} if race else {})
                found = json.loads(self._live.answer(query))["panels"]
                for place, (panel, params) in enumerate(some):
                    self._keep(mode, panel.id, params, _linked(found[str(place)], pages))
        return offered

    def draw(self, id: str, drawing: Drawing) -> Panel:
        """Draw a figure that was handed in; its card."""
        for mode in MODES:
            figure = json.loads(to_json(encode(drawing.draw(Look(mode, id)))))
            self._keep(mode, id, {}, {"tag": f"{id}/{mode}", "figure": figure})
        return Panel(id, "", drawing.title, span=drawing.span, height=drawing.height, about=drawing.about)

    def _keep(self, mode: Mode, id: str, params: dict[str, int], content: Content) -> None:
        self.by_mode[mode].setdefault(id, {})[key(params)] = content


def key(params: dict[str, int]) -> str:
    """Parameters as one text, as the report's script writes them."""
    return ",".join(f"{name}={value}" for name, value in sorted(params.items()))


def _bounded(panel: Panel) -> Panel:
    """As many of a card's choices as ``MOST_VARIANTS`` pictures allow, each with a value from the start."""
    kept: list[Choice] = []
    count = 1
    for choice in sorted(panel.choices, key=lambda one: len(one.options)):
        if count * len(choice.options) <= MOST_VARIANTS and not choice.slider:
            kept.append(choice)
            count *= len(choice.options)
    kept.sort(key=panel.choices.index)
    params = dict(panel.params)
    for choice in kept:
        values = [value for _, value in choice.options]
        if params.get(choice.param, 0) not in values:
            params[choice.param] = values[0]
        params.setdefault(choice.param, 0)
    return replace(panel, choices=tuple(kept), params=params)


def _variants(panel: Panel) -> list[dict[str, int]]:
    names = [choice.param for choice in panel.choices]
    values = [[value for _, value in choice.options] for choice in panel.choices]
    return [panel.params | dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*values)]


def _linked(content: Content, pages: Sequence[str]) -> Content:
    """A finding's link leads to a chapter of the report, or is left out."""
    for verdict in content.get("verdicts", ()):
        for item in verdict["items"]:
            if item.get("page", {}).get("path") not in pages:
                item.pop("page", None)
    return content
