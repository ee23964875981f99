"""What Gradient flow shows of its runs, from top to bottom."""

from __future__ import annotations

from typing import Any

from dashboard.live.component import Choice, Panel, Pick
from dashboard.live.panels.gradient_flow import ALL, BOTH, LAST
from dashboard.widgets.lab_panels import HEAD, layer_choice
from rnncore.cells import CELLS
from rnncore.runs.store import RunInfo

NO_SEQUENCE_IS_SO_LONG = 999
"""As the step of a loss: the last one."""
LOSSES = Choice("losses", "Losses", (("both", BOTH), ("last loss", LAST), ("all losses", ALL)))
RETAINED = Choice("direct", "Compare", (("true gradient", 0), ("beside retain_grad", 1)))
COLUMNS = Choice("lag", "Columns", (("by step", 0), ("by lag", 1)))


def panels(watched: list[RunInfo]) -> list[Panel]:
    """Across time, along training, each loss by itself; then what the optimiser makes of it."""
    layer, state = layer_choice(watched), _state(watched)
    tau = {"tau": NO_SEQUENCE_IS_SO_LONG}
    return [
        *HEAD,
        Panel(
            "curves",
            "gradient_curves",
            "Gradient across time",
            span=12 if len(watched) > 1 else 6,
            height=360,
            choices=(LOSSES, RETAINED, *layer),
            about="How strongly a loss depends on the state so many steps before; retain_grad on the output shows only "
            "its direct part",
        ),
        *_of_each(watched, "training", "gradient_over_training", "The same along training", 360, (*state, *layer)),
        Panel(
            "input",
            "input_gradient",
            "Gradient at the input",
            span=12,
            height=340,
            choices=(LOSSES,),
            about="How strongly a loss depends on what was read so many steps before, of networks with a recurrence or "
            "without one; outside of a TCN's receptive field it is exactly 0",
        ),
        *_of_each(
            watched,
            "losses",
            "per_loss",
            "Each loss by itself",
            400,
            (COLUMNS, *state, *layer),
            params=tau,
            pick=Pick("tau", axis="y", on="hover"),
        ),
        *_of_each(watched, "one", "one_loss", "One loss beside all of them", 400, (*state, *layer), params=tau),
        Panel(
            "clipping",
            "clipping",
            "Clipping",
            height=360,
            about="Global norm over all weights: what there was, what the optimiser got, and how often that was less",
        ),
        Panel(
            "noise",
            "noise_scale",
            "Gradient noise scale",
            height=360,
            about="The batch size at which the noise of a gradient equals the gradient: far below it, a larger batch "
            "makes better steps; far above it, only dearer ones",
        ),
        *_of_each(watched, "gates", "gradient_by_gate", "Gradient by parameter and gate", 360, layer),
        *_of_each(watched, "ratio", "update_ratio", "Update to weight", 360, (*_kinds(watched), *layer)),
    ]


ABOUT = {
    "gradient_over_training": "A column per probe: how far back the gradient of the window's last loss reaches",
    "per_loss": "A row per loss, a column per state; point at a row to draw that loss beside the sum of all",
    "one_loss": "The norm of the sum over all losses, which is not the sum of their norms, and one loss alone",
    "gradient_by_gate": "Gradient norms before clipping, one dot per gate",
    "update_ratio": "How far one optimiser step moves the weights, relative to their norm",
}


def _of_each(
    watched: list[RunInfo],
    stem: str,
    name: str,
    title: str,
    height: int,
    choices: tuple[Choice, ...],
    *,
    params: dict[str, int] | None = None,
    pick: Pick | None = None,
) -> list[Panel]:
    """The same card for each run."""
    common: dict[str, Any] = {"height": height, "choices": choices, "pick": pick, "about": ABOUT[name]}
    return [
        Panel(
            f"{stem}{index}",
            name,
            f"{title}: {run.config.label}" if len(watched) > 1 else title,
            params={"run": index} | (params or {}),
            **common,
        )
        for index, run in enumerate(watched)
    ]


def _kinds(watched: list[RunInfo]) -> tuple[Choice, ...]:
    """Whole parameters, or the gates of one that has any in one of the runs."""
    models = [run.config.model for run in watched]
    cells = [CELLS[model.cell_of(n)] for model in models for n in range(len(model.layer_names))]
    gated = [cell for cell in cells if any(cell.block_symbols)]
    options = [("parameters", 0), ("gates of weight_ih", 1)]
    if any(cell.recurrent_blocks > 1 for cell in gated):
        options.append(("gates of weight_hh", 2))
    return (Choice("kind", "Of", tuple(options)),) if gated else ()


def _state(watched: list[RunInfo]) -> tuple[Choice, ...]:
    has_cell = any(CELLS[run.config.model.cell].memory(run.config.model.hidden_size) for run in watched)
    return (Choice("state", "State", (("h", 0), ("c", 1))),) if has_cell else ()
