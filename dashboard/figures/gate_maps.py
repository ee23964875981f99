"""The gates of a ConvLSTM as pictures, frame by frame."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite
from dashboard.figures.examples import strip
from dashboard.theme import diverging, sequential
from rnncore.records.gate_maps import GateMaps

NAMES = {"i": "input i", "f": "forget f", "g": "candidate g", "o": "output o", "c": "cell c", "h": "hidden h"}
SIGMOID = ("i", "f", "o")
LARGEST = 12
"""Frames side by side."""


@Drawn
def gate_maps(record: GateMaps | None, look: Look = LIGHT, *, channel: int = 0) -> Sketch:
    """What is read above, and below it each gate and state of one map of units, a picture for each frame.

    Args:
        channel: which map; the last one there is where there are fewer.
    """
    if record is None:
        return empty(look, "The first look inside comes with the first training step.")
    channel = min(channel, record.values.shape[2] - 1)
    said = f"map {channel + 1} of {record.values.shape[2]}, layer {record.layer + 1}; gates from 0 to 1, states from "
    fig = figure(look, said + "negative (orange) to positive (blue)", hovermode="closest")
    steps = min(LARGEST, len(record.frames))
    maps = np.asarray(record.values[:steps, :, channel], float)
    rows = [("read", np.asarray(record.frames[:steps], float))]
    rows += [(symbol, maps[:, place]) for place, symbol in enumerate(record.channels)]
    height, gap = 1 / len(rows), 0.02
    width = 0
    layout = {}
    scale: list[list[float | str]]
    for place, (name, pictures) in enumerate(rows):
        image, axis = strip(pictures, record.picture), "" if place == 0 else str(place + 1)
        width = image.shape[1]
        if name == "read":
            low, high, scale = 0.0, 1.0, [[0, look.palette.line], [1, look.palette.ink]]
        elif name in SIGMOID:
            low, high, scale = 0.0, 1.0, sequential(name, look.mode)
        else:
            high = max(1.0, float(np.nanmax(np.abs(image), initial=0.0)))
            low, scale = -high, diverging(look.mode)
        fig.add_heatmap(
            z=finite(image), yaxis=f"y{axis}", zmin=low, zmax=high, colorscale=scale, showscale=False,
            hovertemplate=f"{NAMES.get(name, name)}: %{{z:.2f}}<extra></extra>", hoverongaps=False,
        )  # fmt: skip
        top = 1 - place * height
        layout[f"yaxis{axis}"] = {
            "domain": [top - height + gap, top], "range": [len(image) - 0.5, -0.5], "showgrid": False,
            "tickvals": [(len(image) - 1) / 2], "ticktext": [NAMES.get(name, name)], "zeroline": False,
            "scaleanchor": "x", "constrain": "domain",
        }  # fmt: skip
    each = record.picture[1] + 1
    fig.update_layout(
        **layout,
        xaxis={"tickvals": [n * each + (each - 2) / 2 for n in range(steps)], "showgrid": False, "zeroline": False,
               "ticktext": [str(n + 1) for n in range(steps)], "title": {"text": "frame"},
               "range": [-0.5, width - 0.5], "anchor": f"y{len(rows)}", "constrain": "domain",
               "constraintoward": "left"},
        margin={"l": 90, "t": 10},
    )  # fmt: skip
    return fig
