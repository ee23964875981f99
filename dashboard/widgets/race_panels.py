"""What the page Compare shows of a race, from top to bottom."""

from __future__ import annotations

from dashboard.figures.race import AXES
from dashboard.live.component import Choice, Panel
from dashboard.live.panels.compare import axis_pairs
from dashboard.live.panels.gradient_flow import LAST
from rnncore.cells import CELLS
from rnncore.comparison import Race, measure_of

_AGAINST = ("steps", "seconds", "tokens", "operations")


def panels(race: Race, seed: int) -> list[Panel]:
    """Its cards.

    Args:
        race: what was asked for.
        seed: whose runs stand beside each other at the end.
    """
    return whole(race) if race.axes else [*whole(race), *_closer(race, seed)]


def whole(race: Race) -> list[Panel]:
    """The cards about all of its runs."""
    measure = measure_of(race.configs[0], race.judged_by)
    head = [Panel("race_verdict", "race_verdict", kind="words", span=12)]
    table = Panel("race_table", "race_table", "Results", kind="text", span=12,
                  about="Scores of finished runs; time to solve is the mean over the seeds that did")  # fmt: skip
    progress = Panel("race_progress", "race_progress", "Runs", kind="text", span=12)
    if race.axes:
        return [*head, *_sweep(race), table, progress]
    curves = Panel(
        "race_curves", "race_curves", measure.name.capitalize(), span=8, height=400,
        choices=(
            Choice("axis", "Against", tuple((name, place) for place, name in enumerate(_AGAINST))),
            Choice("each", "Seeds", (("mean", 0), ("each seed", 1))),
        ),
        about=f"What learning costs: against {', '.join(AXES)}",
    )  # fmt: skip
    scores = Panel("race_scores", "race_scores", "Final scores", span=4, height=400,
                   about="Intervals that overlap show no difference")  # fmt: skip
    return [*head, curves, scores, table, progress]


def _sweep(race: Race) -> list[Panel]:
    pairs = axis_pairs(list(race.axes))
    names = tuple((" × ".join(filter(None, pair)), place) for place, pair in enumerate(pairs))
    choices = (Choice("pair", "Axes", names),) if len(pairs) > 1 else ()
    return [
        Panel("sweep_heatmap", "sweep_heatmap", "Map", span=6, height=400, choices=choices,
              about="The mean score of each pair of values"),
        Panel("sweep_parallel", "sweep_parallel", "Every combination", span=6, height=400,
              about="Lines from the settings to the score; drag along an axis to pick some out"),
    ]  # fmt: skip


def _closer(race: Race, seed: int) -> list[Panel]:
    """The contenders' runs with one seed."""
    gated = any(CELLS[config.model.cell].gates for config in race.configs)
    found = [
        Panel("gradient", "gradient_flow", f"Gradient across time, seed {seed}", span=6, height=340,
              about="How strongly the last step's loss depends on the hidden state at each step before"),
        Panel("input", "input_gradient", f"Gradient at the input, seed {seed}", span=6, height=340,
              params={"losses": LAST},
              about="How strongly it depends on what was read, with a recurrence or without one"),
        Panel("timescale", "timescale", f"Memory timescale, seed {seed}", span=6, height=340,
              about="Units by 1/(1 - gate) of the gate that keeps the state"),
        Panel("timescales", "timescale_over_training", "Memory over training", span=6, height=320),
        Panel("norm", "gradient_norm", "Gradient norm", span=12, height=320,
              about="Global norm over all weights before clipping"),
    ]  # fmt: skip
    if not gated:
        found = [panel for panel in found if not panel.id.startswith("timescale")]
    if race.configs[0].corpus is not None:
        count = len(race.configs)
        found += [
            Panel(f"samples{place}", "samples", f"What it writes: {contender.label}", kind="text",
                  params={"run": place}, span=6 if count > 1 else 12)
            for place, contender in enumerate(race.contenders)
        ]  # fmt: skip
    return found
