"""The delayed-recall race: right answers over training, and who has solved it."""

from __future__ import annotations

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure, finite
from dashboard.theme import cell_colour
from rnncore.records import WhyLstms


def _dash(name: str) -> str:
    """Full lines where the biases are set, dots where they are as torch draws them."""
    return "solid" if "chrono" in name else "dot"


@Drawn
def race_curves(record: WhyLstms | None, look: Look = LIGHT) -> Sketch:
    """Share of right answers over training, a line for each start; a dot where one has solved the task."""
    if record is None:
        return empty(look, "The curves of all fifteen runs appear here.")
    fig = figure(look, f"step {record.step:,}; full lines: chrono biases; dots: solved", hovermode="closest")
    for name, cell, rows, solved in zip(record.contenders, record.cells, record.scores, record.solved, strict=True):
        colour = cell_colour(cell, look.mode)
        for at, row in enumerate(rows):
            fig.add_scatter(
                x=record.steps, y=finite(row), mode="lines", name=name, legendgroup=name, showlegend=at == 0,
                line={"color": colour, "width": 2, "dash": _dash(name)},
                hovertemplate=f"%{{y:.0%}} at step %{{x:,}}, seed {record.seeds[at]}<extra>{name}</extra>",
            )  # fmt: skip
        there = np.isfinite(solved)
        if there.any():
            fig.add_scatter(
                x=solved[there], y=[record.scores[record.contenders.index(name), n, _at(record, solved[n])]
                                    for n in np.flatnonzero(there)],
                mode="markers", showlegend=False, legendgroup=name,
                marker={"size": 11, "color": colour, "line": {"width": 1.5, "color": look.palette.card}},
                hovertemplate=f"solved at step %{{x:,}}<extra>{name}</extra>",
            )  # fmt: skip
    fig.add_shape(
        type="line", x0=0, x1=1, xref="paper", y0=record.chance, y1=record.chance,
        line={"color": look.palette.quiet, "width": 1.2, "dash": "dash"},
    )  # fmt: skip
    fig.add_annotation(
        text="guessing", x=1, xref="paper", xanchor="right", y=record.chance, yanchor="top", showarrow=False,
        font={"size": 11, "color": look.palette.quiet},
    )  # fmt: skip
    fig.update_layout(
        xaxis={"title": {"text": "step"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "right answers"}, "tickformat": ".0%", "range": [-0.02, 1.04]},
    )
    return fig


def _at(record: WhyLstms, step: float) -> int:
    return int(np.searchsorted(record.steps, step))


@Drawn
def race_wins(record: WhyLstms | None, look: Look = LIGHT) -> Sketch:
    """A circle for each start of each contender, filled where it has solved the task, with the step."""
    if record is None:
        return empty(look, "Who has solved it appears here.")
    fig = figure(look, f"solved: {100 * record.solved_at:.0f}% right or more", hovermode="closest", showlegend=False)
    seeds = list(range(len(record.seeds)))
    for row, (name, cell, solved, best) in enumerate(
        zip(record.contenders, record.cells, record.solved, record.best, strict=True)
    ):
        colour, there = cell_colour(cell, look.mode), np.isfinite(solved)
        fig.add_scatter(
            x=seeds, y=[row] * len(seeds), mode="markers+text",
            text=[f"{step:,.0f}" if np.isfinite(step) else f"{share:.0%}"
                  for step, share in zip(solved, best, strict=True)],
            textposition="bottom center", textfont={"size": 11, "color": look.palette.quiet}, cliponaxis=False,
            marker={"size": 22, "color": [colour if done else look.palette.card for done in there],
                    "line": {"width": 2, "color": colour}},
            hovertemplate=[
                f"seed {seed}: " + (f"solved at step {step:,.0f}" if done else f"at best {share:.0%} right")
                + f"<extra>{name}</extra>"
                for seed, step, done, share in zip(record.seeds, solved, there, best, strict=True)
            ],
        )  # fmt: skip
    fig.update_layout(
        xaxis={"tickvals": seeds, "ticktext": [f"seed {seed}" for seed in record.seeds], "side": "top",
               "showgrid": False, "range": [-0.6, len(seeds) - 0.4], "zeroline": False},
        yaxis={"tickvals": list(range(len(record.contenders))), "ticktext": list(record.contenders), "showgrid": False,
               "range": [len(record.contenders) - 0.4, -0.5], "zeroline": False, "automargin": True},
    )  # fmt: skip
    return fig
