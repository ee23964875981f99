"""A graph of formulas with its values, and what has come back along its edges."""

from __future__ import annotations

import numpy as np

from dashboard.figures.any_graph_layout import Layout, Place, curve, layout
from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, plain
from dashboard.figures.cell_diagram import digits
from dashboard.theme import CELL_COLOURS
from rnncore.records import AnyGraph

HEIGHT = 470
_NODE, _SMALL = 40, 28  # pixels
_ROOMY = 5.2
"""Up to so many nodes above each other there is room for each one's numbers."""
_LABELLED = 24
"""Up to so many edges have their slopes written along them."""


@Drawn
def graph(record: AnyGraph | None, look: Look = LIGHT, *, done: int = 0) -> Sketch:
    """The graph after some nodes of the way back: 0 for the values alone, N for all."""
    if record is None:
        return empty(look, "The graph appears here in a moment.")
    count = len(record.names)
    done = min(done, count)
    edges = [(int(used), int(user)) for used, user in zip(record.nodes, record.descendants, strict=True)]
    drawn = layout(count, edges)
    wide, high = drawn.size
    fig = figure(look, _caption(record, done), hovermode="closest", showlegend=False)
    fig.layout["meta"]["bare"] = True
    fig.update_layout(
        margin={"l": 4, "r": 4, "t": 4, "b": 4}, dragmode=False,
        xaxis={"visible": False, "range": [-0.35, wide + 0.35], "fixedrange": True},
        yaxis={"visible": False, "range": [-0.75, high + 0.75], "fixedrange": True},
    )  # fmt: skip
    _edges(fig, record, drawn, look, done)
    _nodes(fig, record, drawn, look, done)
    return fig


def current(record: AnyGraph, done: int) -> int:
    """The number of the node that is dealt with last when some are done; -1 for none."""
    return len(record.names) - done if done else -1


def _edges(fig: Sketch, record: AnyGraph, drawn: Layout, look: Look, done: int) -> None:
    palette, now = look.palette, current(record, done)
    labelled = len(drawn.ways) <= _LABELLED
    hover: list[tuple[Place, str]] = []
    for edge, way in enumerate(drawn.ways):
        user, used = int(record.descendants[edge]), int(record.nodes[edge])
        passed = bool(done) and user >= now
        arrives = used == now
        colour = palette.accent if passed else palette.line
        width = 3.2 if arrives else 1.8 if passed else 1.2
        line = curve(way)
        fig.add_scatter(
            x=[x for x, _ in line], y=[y for _, y in line], mode="lines", hoverinfo="skip",
            line={"color": colour, "width": width},
        )  # fmt: skip
        _head(fig, line if not passed else line[::-1], colour, width, _size(drawn) / 2 + 1)
        middle = _middle(line)
        slope, names = record.slopes[edge], (record.names[user], record.names[used])
        about = f"∂{names[0]}/∂{names[1]} = {digits(float(slope))}"
        if passed:
            about += f"<br>sent to {names[1]}: {digits(float(record.delta[user]))} × {digits(float(slope))}"
            about += f" = {digits(float(record.sent[edge]))}"
        hover.append((middle, about))
        if arrives or (labelled and not done):
            text = digits(float(record.sent[edge])) if arrives else digits(float(slope))
            fig.add_annotation(
                text=f"<b>{text}</b>" if arrives else text, x=middle[0], y=middle[1], showarrow=False,
                font={"size": 13 if arrives else 11, "color": palette.accent if arrives else palette.quiet},
                bgcolor=palette.card, borderpad=1,
            )  # fmt: skip
    fig.add_scatter(
        x=[x for (x, _), _ in hover], y=[y for (_, y), _ in hover], mode="markers", name="edges",
        marker={"size": 22, "color": "rgba(0,0,0,0)"}, hovertext=[text for _, text in hover],
        hovertemplate="%{hovertext}<extra></extra>",
        customdata=[len(record.names) - int(used) for used in record.nodes],
    )  # fmt: skip


def _head(fig: Sketch, way: list[Place], colour: str, width: float, radius: float) -> None:
    """An arrow's head at the end of a way."""
    (x0, y0), (x1, y1) = way[-min(len(way), 4)], way[-1]
    share = 0.4 / max(abs(x0 - x1), 0.4)
    fig.add_annotation(
        x=x1, y=y1, ax=x1 + (x0 - x1) * share, ay=y1 + (y0 - y1) * share, xref="x", yref="y", axref="x", ayref="y",
        text="", showarrow=True, arrowhead=2, arrowwidth=width, arrowsize=max(0.6, 2 - 0.4 * width),
        arrowcolor=colour, standoff=radius, startstandoff=0, opacity=1,
    )  # fmt: skip


def _middle(way: list[Place]) -> Place:
    """A place on the way where a number can stand: nearer to the node that is used, as many ways end in one."""
    (x0, y0), (x1, y1) = (way[0], way[1]) if len(way) == 2 else (way[4], way[6])
    return (x0 + x1) / 2, (y0 + y1) / 2


def _nodes(fig: Sketch, record: AnyGraph, drawn: Layout, look: Look, done: int) -> None:
    palette, now, count = look.palette, current(record, done), len(record.names)
    inner = {int(user) for user in record.descendants}
    passed = [bool(done) and node >= now for node in range(count)]
    outline = [
        palette.bad if record.losses[node] else CELL_COLOURS["rnn_tanh"][look.mode] if node in inner else palette.quiet
        for node in range(count)
    ]
    fig.add_scatter(
        x=[x for x, _ in drawn.nodes], y=[y for _, y in drawn.nodes], mode="markers+text", name="nodes",
        text=[plain(name) for name in record.names], textfont={"size": 13, "color": palette.ink}, cliponaxis=False,
        customdata=[count - node for node in range(count)],
        marker={
            "size": _size(drawn), "opacity": 1,
            "color": [_filled(look) if back else palette.card for back in passed],
            "line": {"color": [palette.accent if node == now else outline[node] for node in range(count)],
                     "width": [3.5 if node == now else 1.8 for node in range(count)]},
        },
        hovertext=[_about(record, node, passed[node]) for node in range(count)],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    for node, (x, y) in enumerate(drawn.nodes):
        if drawn.size[1] > _ROOMY and node != now:
            continue
        style = {"x": x, "y": y, "showarrow": False, "bgcolor": palette.card, "borderpad": 0}
        value = digits(float(record.values[node]))
        fig.add_annotation(
            text=value, yshift=-_size(drawn) / 2 - 11, font={"size": 11, "color": palette.quiet}, **style
        )
        if passed[node]:
            text = f"δ {digits(float(record.delta[node]))}"
            text = f"<b>{text}</b>" if node == now else text
            fig.add_annotation(
                text=text, yshift=_size(drawn) / 2 + 12, font={"size": 12, "color": palette.accent}, **style
            )


def _size(drawn: Layout) -> int:
    """Of a node, in pixels."""
    return _NODE if drawn.size[1] <= _ROOMY else _SMALL


def _filled(look: Look) -> str:
    """The accent, thinned out on the card: nothing of an edge shines through."""
    share = 0.2 if look.mode == "light" else 0.32
    parts = [
        round(int(look.palette.card[at : at + 2], 16) * (1 - share) + int(look.palette.accent[at : at + 2], 16) * share)
        for at in (1, 3, 5)
    ]
    return "#{:02x}{:02x}{:02x}".format(*parts)


def _about(record: AnyGraph, node: int, passed: bool) -> str:
    text = f"{record.names[node]} = {plain(record.formulas[node])} = {digits(float(record.values[node]))}"
    return f"{text}<br>δ = {digits(float(record.delta[node]))}" if passed else text


def _caption(record: AnyGraph, done: int) -> str:
    losses = record.values[np.array(record.losses)].sum()
    if not done:
        return f"values forward, derivatives along the edges; loss {digits(float(losses))}"
    node = current(record, done)
    arrived = len(record.arriving(node))
    what = (
        "a loss: it begins with δ = 1" if record.losses[node] else f"{arrived} δ arrived" if arrived else "no δ arrives"
    )
    return f"at {record.names[node]}: {what}"
