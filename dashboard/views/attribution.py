"""What it looks at: which characters a prediction depended on."""

from dashboard.live.component import Panel, Pick
from dashboard.widgets.page import run_page
from rnncore.runs.store import RunInfo

LAST = 999  # the last prediction, until the reader points at another


def panels(watched: list[RunInfo]) -> list[Panel]:
    """The text for each run, and how far back they look."""
    found = [
        Panel(
            f"attribution{index}",
            "attribution",
            f"What the prediction depended on: {run.config.label}"
            if len(watched) > 1
            else "What the prediction depended on",
            span=12,
            height=96,
            params={"run": index, "tau": LAST},
            pick=Pick("tau", axis="customdata", on="hover"),
            about="‖∂ logit of the wanted character / ∂x‖ for each character read; the framed one is predicted",
        )
        for index, run in enumerate(watched)
    ]
    lag = Panel(
        "by_lag",
        "attribution_by_lag",
        "How far back it looks",
        span=12,
        height=300,
        about="Mean over all predictions of the window of each one's share at a lag",
    )
    return [*found, lag]


run_page(
    "What it looks at",
    "Point at a character: the stronger a character before it is coloured, the more the prediction of the one that you "
    "point at would change with it. A network whose gradient vanishes looks at the last few characters only.",
    panels,
    bar="attribution0",
)
