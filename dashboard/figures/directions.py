"""Both directions aligned in time: the gradient at each state, and how much of it is kept."""

from __future__ import annotations

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite, plain
from rnncore.records.directions import Directions

NAMES = ("→ reads forwards", "← reads backwards")


@Drawn
def directions(record: Directions | None, look: Look = LIGHT) -> Sketch:
    """The top layer's two directions over the letters of one sequence; gradients above, the keeping gate below."""
    if record is None:
        return empty(look, "The first look inside comes with the first training step.")
    gated = bool(record.gate)
    said = f"; below: the {record.gate} gate, mean of all units" if gated else f"; {record.cell} has no gate that keeps"
    fig = figure(look, f"‖∂L/∂h‖ at each state, in the order of the text{said}")
    steps = list(range(len(record.text)))
    for which, (name, colour) in enumerate(zip(NAMES, (look.palette.accent, look.palette.warning), strict=True)):
        line = {"color": colour, "width": 2.2}
        fig.add_scatter(
            x=steps, y=finite(record.gradient[-1, which]), mode="lines+markers", name=name, line=line,
            marker={"size": 5}, customdata=_labels(record),
            hovertemplate="%{customdata}: %{y:.2e}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
        if gated:
            fig.add_scatter(
                x=steps, y=finite(record.kept[-1, which]), mode="lines+markers", name=name, line=line, yaxis="y2",
                marker={"size": 5}, showlegend=False, customdata=_labels(record),
                hovertemplate="%{customdata}: %{y:.2f} kept<extra>%{fullData.name}</extra>",
            )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "read"}, "tickvals": steps, "ticktext": [plain(one) for one in record.text],
               "tickangle": 0, "anchor": "y2" if gated else "y"},
        yaxis={"title": {"text": "gradient ‖∂L/∂h‖"}, "rangemode": "tozero", "domain": [0.45 if gated else 0, 1],
               "exponentformat": "power"},
    )  # fmt: skip
    if gated:
        fig.update_layout(yaxis2={"title": {"text": "kept"}, "range": [-0.02, 1.02], "domain": [0, 0.36]})
    return fig


def _labels(record: Directions) -> list[str]:
    answers = record.targets or ("",) * len(record.text)
    return [
        f"{plain(read)}, asked for {plain(asked)}" if asked else plain(read)
        for read, asked in zip(record.text, answers, strict=True)
    ]
