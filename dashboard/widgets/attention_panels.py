"""What stands beside the gates of a network without a recurrence: whom it asks, or how far it sees."""

from __future__ import annotations

from typing import Any

from dashboard.live.component import Choice, Panel
from rnncore.cells.transformer import heads_of
from rnncore.runs.store import RunInfo


def beyond_panels(watched: list[RunInfo], layer: tuple[Choice, ...]) -> list[Panel]:
    """For each transformer its attention maps, for each TCN its receptive field; none for recurrent networks.

    Args:
        watched: runs in view.
        layer: the choice of a layer.
    """
    both = len(watched) > 1
    tall = both and any(run.config.model.cell == "transformer" for run in watched)
    found = []
    for index, run in enumerate(watched):
        cell, of = run.config.model.cell, f": {run.config.label}" if both else ""
        where: dict[str, Any] = {"params": {"run": index}, "span": 6 if both else 12}
        if run.elsewhere:
            continue
        if cell == "transformer":
            about = "Attention weights of one sequence of the batch: a row asks, a column is asked; there are no gates"
            choices = (*_heads(run), *layer)
            found.append(
                Panel(f"attention{index}", "attention", f"Whom each step asks{of}", height=560, choices=choices,
                      about=about, **where)
            )  # fmt: skip
        if cell == "tcn":
            about = "A TCN asks nobody and has no gates: it sees a fixed number of steps, and none before them"
            found.append(
                Panel(
                    f"field{index}",
                    "receptive_field",
                    f"How far it sees{of}",
                    height=560 if tall else 300,
                    about=about,
                    **where,
                )
            )
    return found


def _heads(run: RunInfo) -> tuple[Choice, ...]:
    heads = heads_of(run.config.model.hidden_size)
    options = (("mean", 0), *((str(head), head) for head in range(1, heads + 1)))
    return (Choice("head", "Head", options),) if heads > 1 else ()
