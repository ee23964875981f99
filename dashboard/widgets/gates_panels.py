"""What Gates and memory and Inside the cell show of their runs, from top to bottom."""

from __future__ import annotations

from dashboard.live.component import Choice, Panel, Pick
from dashboard.widgets.attention_panels import beyond_panels
from dashboard.widgets.lab_panels import HEAD, layer_choice
from rnncore.cells import CELLS
from rnncore.diagnostics.gate_activity import channels_of, keeping_gate, units_kept
from rnncore.diagnostics.saturation import H_ENDS_AT_1
from rnncore.runs.store import RunInfo

UNIT = Pick("unit", axis="y")


def memory_panels(watched: list[RunInfo]) -> list[Panel]:
    """Gates under the characters, the picked unit, memory, saturation."""
    layer, both = layer_choice(watched), len(watched) > 1
    heatmaps = [_heatmaps(watched, n, {}, (*_channel(run, n), _sorting(run), *layer)) for n, run in enumerate(watched)]
    return [
        *HEAD,
        *beyond_panels(watched, layer),
        *heatmaps,
        *_of_each(
            watched,
            "unit",
            "unit_over_time",
            "The unit along the sequence",
            span=6 if both else 7,
            height=380,
            choices=layer,
        ),
        *_of_each(
            watched,
            "training",
            "unit_over_training",
            "The unit over training",
            span=6 if both else 5,
            height=380,
            choices=layer,
        ),
        Panel(
            "timescale",
            "timescale",
            "Memory timescale",
            choices=layer,
            about="Units by 1/(1 - gate) of the gate that keeps the state: .5 keeps for 2 steps, .99 for 100",
        ),
        Panel(
            "timescales",
            "timescale_over_training",
            "Memory over training",
            choices=layer,
            about="How the time scales of all units move: a unit learns to remember by opening its gate",
        ),
        *_of_each(
            watched, "saturation", "saturation", "Saturation", choices=layer, pick=Pick("unit", axis="customdata")
        ),
        *_of_each(watched, "saturations", "saturation_over_training", "Saturation over training", choices=layer),
    ]


def cell_panels(watched: list[RunInfo]) -> list[Panel]:
    """The diagram, the unit's curves to scrub along, and a heatmap to pick the unit from."""
    steps = max(run.config.task.sequence_length for run in watched)
    size = max(run.config.model.hidden_size for run in watched)
    scrubbers = (
        Choice("t", "Step", tuple((f"t = {t}", t) for t in range(steps)), slider=True),
        Choice("unit", "Unit", tuple((f"unit {unit}", unit) for unit in units_kept(size).tolist()), slider=True),
    )
    layer, both, start = layer_choice(watched), len(watched) > 1, {"unit": 0, "t": min(8, steps - 1)}
    heatmaps = [
        _heatmaps(watched, n, {f"channel{n}": _keeping(run)}, (*_channel(run, n), *layer))
        for n, run in enumerate(watched)
    ]
    return [
        *HEAD,
        *_of_each(watched, "cell", "cell_diagram", "The cell", span=12, params=start, choices=(*scrubbers, *layer)),
        *_of_each(
            watched,
            "unit",
            "unit_over_time",
            "The unit along the sequence",
            span=6 if both else 12,
            height=380,
            params=start,
            choices=layer,
            pick=Pick("t", axis="x", on="hover"),
        ),
        *heatmaps,
    ]


def _of_each(
    watched: list[RunInfo],
    stem: str,
    name: str,
    title: str,
    *,
    span: int = 6,
    height: int = 300,
    params: dict[str, int] | None = None,
    choices: tuple[Choice, ...] = (),
    pick: Pick | None = None,
) -> list[Panel]:
    """The same card for each run; all of them follow the picked unit."""
    return [
        Panel(
            f"{stem}{index}",
            name,
            _title(title, run, watched),
            span=span,
            height=height,
            params={"run": index, "unit": 0} | (params or {}),
            choices=choices,
            pick=pick,
            about=ABOUT[name],
        )
        for index, run in enumerate(watched)
    ]


ABOUT = {
    "unit_over_time": "Gates, hidden and cell state of the picked unit at each character that it read",
    "unit_over_training": "The picked unit's mean gates, and how long it remembers, at each probe of the run",
    "saturation": "A dot per unit and gate: how often it is shut, how often fully open; click one to follow it",
    "saturation_over_training": "How often gates are shut or fully open, the mean over all units",
    "cell_diagram": "The cell's equations as boxes, with the trace's own numbers of one unit at one step",
}


def _heatmaps(watched: list[RunInfo], index: int, params: dict[str, int], choices: tuple[Choice, ...]) -> Panel:
    return Panel(
        f"gates{index}",
        "gate_activity",
        _title("Gates and states", watched[index], watched),
        span=6 if len(watched) > 1 else 12,
        height=520,
        params={"run": index, "unit": 0, **params},
        choices=choices,
        pick=UNIT,
        about="A row per unit, a column per character of one sequence of the batch; click a row to follow the unit",
    )


def _channel(run: RunInfo, index: int) -> tuple[Choice, ...]:
    """Which of the channels to draw large; a plain RNN has one only."""
    names = ("all", *channels_of(run.config.model.cell))
    options = tuple((name, n) for n, name in enumerate(names))
    return (Choice(f"channel{index}", "Gate or state", options),) if len(names) > 2 else ()


def _keeping(run: RunInfo) -> int:
    """The choice of the gate that keeps the state, or of h."""
    cell = run.config.model.cell
    return 1 + channels_of(cell).index(keeping_gate(cell) or "h")


def _sorting(run: RunInfo) -> Choice:
    """What units are sorted by; a plain RNN has no time scale, and an h without bounds does not saturate."""
    names = ("as stored", "by timescale", "by saturation", "by variance")
    cell = run.config.model.cell
    ends = cell in H_ENDS_AT_1 or any(gate.sigmoid for gate in CELLS[cell].gates)
    missing = {1: not keeping_gate(cell), 2: not ends}
    options = [(name, n) for n, name in enumerate(names) if not missing.get(n)]
    return Choice("sort", "Sort", tuple(options))


def _title(title: str, run: RunInfo, watched: list[RunInfo]) -> str:
    return f"{title}: {run.config.label}" if len(watched) > 1 else title
