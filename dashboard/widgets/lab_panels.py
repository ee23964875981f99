"""What the live lab shows of its runs, from top to bottom."""

from __future__ import annotations

from dashboard.live.component import Choice, Panel
from dashboard.widgets.answer_panels import alone_panel, answer_panel
from dashboard.widgets.attention_panels import beyond_panels
from rnncore.cells import CELLS
from rnncore.config import KnownTask
from rnncore.runs.store import RunInfo

HEAD = (Panel("verdict", "verdict", kind="words", span=12), Panel("metrics", "metrics", kind="text", span=12))
"""What stands above the charts of every page about runs: the verdict in words, and the numbers."""


def layer_choice(watched: list[RunInfo]) -> tuple[Choice, ...]:
    """Which layer to look at, by the names of the run that has most; none where there is only one."""
    names = max((run.config.model.layer_names for run in watched), key=len)
    return (Choice("layer", "Layer", tuple((name, n) for n, name in enumerate(names))),) if len(names) > 1 else ()


def score_panels(watched: list[RunInfo]) -> list[Panel]:
    """The task's own measure, over training and by length; none where the tasks have none."""
    tasks = [run.config.task for run in watched if isinstance(run.config.task, KnownTask)]
    if not tasks:
        return []
    about = "The task's own measure, on sequences that are never trained on"
    found = [Panel("score", "score_over_training", "Score over training", height=320, about=about)]
    if any(task.test_leaf for task in tasks):
        about = "Whether what was learned holds for longer sequences than those of training (shaded)"
        found.append(Panel("by_length", "length_scores", "Score by length", height=320, about=about))
    return found


def panels(watched: list[RunInfo]) -> list[Panel]:
    """The page from top to bottom."""
    both = len(watched) > 1
    layer = layer_choice(watched)
    scores = score_panels(watched)
    found = [
        *HEAD,
        Panel(
            "loss",
            "learning_curve",
            "Loss",
            height=320,
            about="Lower is better; dotted lines are what counting n-grams of a text, or knowing nothing, reaches",
        ),
        *scores,
        Panel(
            "gradient",
            "gradient_flow",
            "Gradient across time",
            height=320,
            span=12 if len(scores) == 1 else 6,
            choices=layer,
            about="How strongly the loss at the window's last step depends on the hidden state at each step before",
        ),
    ]
    answers = [
        answer_panel(run, index, whose=f": {run.config.label}" if both else "", span=6 if both else 12)
        for index, run in enumerate(watched)
    ]
    found += [panel for panel in (*answers, alone_panel(watched)) if panel is not None]
    found += beyond_panels(watched, layer)
    for index, run in enumerate(watched):
        cell = CELLS[run.config.model.cell]
        symbols = [gate.symbol for gate in cell.gates] + ["h"] + (["c"] if cell.has_cell_state else [])
        names = ["all", *symbols]
        gates = (Choice(f"channel{index}", "Gate or state", tuple((name, n) for n, name in enumerate(names))),)
        found.append(
            Panel(
                f"gates{index}",
                "gate_activity",
                _title("Inside the network", run, both),
                span=6 if both else 12,
                height=520,
                params={"run": index},
                choices=(gates if len(symbols) > 1 else ()) + layer,
                about="Gates, hidden and cell state of one sequence of the batch",
            )
        )
    for index, run in enumerate(watched):
        if run.elsewhere or run.config.corpus is None:  # what it writes, its own program knows, or it does not write
            continue
        found.append(
            Panel(
                f"samples{index}",
                "samples",
                _title("What it writes", run, both),
                kind="text",
                params={"run": index},
                span=6 if both else 12,
                about="The model's own text, newest first",
            )
        )
    found.append(
        Panel(
            "norm",
            "gradient_norm",
            "Gradient norm",
            height=280,
            span=12 if both else 6,
            about="Global norm over all weights before clipping",
        )
    )
    for index, run in enumerate(watched):
        found.append(
            Panel(
                f"saturation{index}",
                "saturation",
                _title("Saturation", run, both),
                height=280,
                params={"run": index},
                choices=layer,
                about="A dot per unit: how often its gate is shut, how often fully open",
            )
        )
    return found


def _title(title: str, run: RunInfo, both: bool) -> str:
    return f"{title}: {run.config.label}" if both else title
