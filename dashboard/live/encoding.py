"""A figure as compact JSON: typed arrays as base64, heatmaps as bytes that the browser scales back.

A heatmap's values travel as 128 levels between ``zmin`` and ``zmax``: an error of at most .4 % of the range,
and a quarter of the size; one more level stands for what is not finite. ``meta`` of such a trace tells the browser
to undo it.

Long rows of tick labels above a plot (the characters above a heatmap) travel as a text trace in the same place:
plotly.js measures each tick label anew at each update, which takes four fifths of the time of drawing the figure.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go

LEVELS = 127
BLANK = 255
"""The level of a value that is not finite, and is left blank."""
MOST_TICK_LABELS = 16
"""So many given labels of an axis stay tick labels."""
_LABEL_HEIGHT = 15  # pixels


def encode(figure: go.Figure | dict[str, Any]) -> dict[str, Any]:
    """The figure, or its plain form (see ``figures.base.Drawn``), as plain JSON values."""
    if isinstance(figure, go.Figure):
        figure = {"data": [trace._props for trace in figure.data], "layout": figure.layout._props}
    layout = {name: value for name, value in figure["layout"].items() if name != "template"}  # sent once per theme
    data = [trace | _levels(trace) if trace["type"] == "heatmap" else trace for trace in figure["data"]]
    for trace in [one for one in data if one["type"] == "heatmap"]:
        name = trace.get("xaxis", "x").replace("x", "xaxis")
        axis = layout.get(name, {})
        if axis.get("side") == "top" and len(axis.get("ticktext", ())) > MOST_TICK_LABELS:
            data.append(_text_above(name, axis, layout, trace["z"].shape[1]))
    return {"data": data, "layout": layout}


def _text_above(name: str, axis: dict[str, Any], layout: dict[str, Any], columns: int) -> dict[str, Any]:
    """The tick labels of a heatmap's axis as a trace of its own, on a y axis that lies above the plot."""
    number = name.removeprefix("xaxis")
    above = f"9{number}"  # a y axis that no figure has
    top = layout[f"yaxis{number}"]["domain"][1]
    margin = layout.get("margin", {})
    share = _LABEL_HEIGHT / (layout["meta"]["height"] - margin.get("t", 0) - margin.get("b", 0))
    layout[name] = {key: value for key, value in axis.items() if key not in ("tickvals", "ticktext")} | {
        "showticklabels": False,
        "range": axis.get("range", [-0.5, columns - 0.5]),
    }
    layout[f"yaxis{above}"] = {
        "domain": [min(top, 1 - share), min(top + share, 1.0)],
        "anchor": f"x{number}",
        "range": [0, 1],
        "visible": False,
        "fixedrange": True,
    }
    return {
        "type": "scatter",
        "mode": "text",
        "x": axis["tickvals"],
        "y": [0.6] * len(axis["tickvals"]),
        "text": axis["ticktext"],
        "textfont": axis["tickfont"],
        "hoverinfo": "skip",
        "showlegend": False,
        "xaxis": f"x{number}",
        "yaxis": f"y{above}",
    }


def _levels(trace: dict[str, Any]) -> dict[str, Any]:
    low, high = trace["zmin"], trace["zmax"]
    there = np.isfinite(trace["z"])
    scaled = (np.where(there, trace["z"], low) - low) / (high - low)
    levels = np.where(there, np.round(np.clip(scaled, 0, 1) * LEVELS), BLANK).astype(np.uint8)
    return {"z": levels, "meta": {"levels": LEVELS, "blank": BLANK}}


def to_json(value: Any) -> bytes:
    """JSON with NumPy arrays in Plotly's binary form; NaN and infinity become null."""
    return json.dumps(_plain(value), separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode(
        "utf-8", "replace"
    )


_TYPES = {"int8": "i1", "uint8": "u1", "int16": "i2", "int32": "i4", "float32": "f4", "float64": "f8"}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _rounded(values: np.ndarray) -> np.ndarray:
    """To 15 bits, an error of at most 1/65,536 of the value, which no screen shows: it compresses better."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    return np.where(np.isfinite(values), ((bits + 0x80) & 0xFFFFFF00).astype(np.uint32).view(np.float32), values)


def _array(values: np.ndarray) -> Any:
    if values.dtype == np.int64:
        values = values.astype(np.int32)
    if values.dtype == np.float64:
        values = values.astype(np.float32)
    if values.dtype == np.float32:
        values = _rounded(values)
    name = _TYPES.get(values.dtype.name)
    if name is None:
        return _plain(values.tolist())
    found: dict[str, Any] = {"dtype": name, "bdata": base64.b64encode(values.tobytes()).decode()}
    if values.ndim > 1:
        found["shape"] = ", ".join(map(str, values.shape))
    return found
