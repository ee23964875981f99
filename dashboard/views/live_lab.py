"""Live lab: train a recurrent network on real text, and see inside it while it trains."""

import streamlit as st

from dashboard import services
from dashboard.live.component import Panel, live_figures
from dashboard.widgets import address, corpus, runs, settings
from rnncore.runs.store import RunInfo

address.restore()
corpus.choose_uploaded()

with st.sidebar:
    settings.train_bar()
    settings.form(corpus.titles(), corpus.upload)


def panels(watched: list[RunInfo], layer: int) -> list[Panel]:
    """The page from top to bottom."""
    both = len(watched) > 1
    half = 6
    found = [
        Panel("verdict", "verdict", kind="words", span=12),
        Panel("metrics", "metrics", kind="text", span=12),
        Panel("loss", "learning_curve", "Loss", span=half, height=320,
              about="Cross-entropy in bits per character; the dotted lines are what counting n-grams reaches"),
        Panel("gradient", "gradient_flow", "Gradient across time", span=half, height=320, params={"layer": layer},
              about="How strongly the loss at the window's last step depends on the hidden state at each step before"),
    ]  # fmt: skip
    for index, run in enumerate(watched):
        who = f" · {run.config.label}" if both else ""
        params = {"run": index, "layer": layer}
        found.append(
            Panel(f"gates{index}", "gate_activity", f"Inside the network{who}", span=half if both else 12, height=540,
                  about="Gates, hidden and cell state of one sequence of the batch", params=params)
        )  # fmt: skip
    for index, run in enumerate(watched):
        who = f" · {run.config.label}" if both else ""
        found.append(
            Panel(f"samples{index}", "samples", f"What it writes{who}", kind="text", span=half if both else 12,
                  params={"run": index}, about="The model's own text, newest first")
        )  # fmt: skip
    found.append(
        Panel("norm", "gradient_norm", "Gradient norm", span=half, height=280,
              about="Global norm over all weights before clipping")
    )  # fmt: skip
    for index, run in enumerate(watched):
        who = f" · {run.config.label}" if both else ""
        params = {"run": index, "layer": layer}
        found.append(
            Panel(f"saturation{index}", "saturation", f"Saturation{who}", span=half, height=280, params=params,
                  about="A dot per unit: how often its gate is shut, how often fully open (Karpathy et al. 2015)")
        )  # fmt: skip
    return found


def moved() -> None:
    """The reader went to another moment: keep it in the address."""
    at = st.session_state["live"]["at"]
    if at is None:
        st.query_params.pop("at", None)
    else:
        st.query_params["at"] = str(int(at))


@st.fragment
def lab(run_id: str, beside_id: str | None) -> None:
    """Controls and live panels; runs again by itself when a run's state changes."""
    watched = [services.store().get(one) for one in (run_id, beside_id) if one]
    with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
        runs.controls(watched[0])
        runs.beside(watched[0])
        layers = max(run.config.model.num_layers for run in watched)
        layer = 1
        if layers > 1:
            layer = st.segmented_control("Layer", range(1, layers + 1), default=1, required=True, key="layer",
                                         format_func=lambda n: f"Layer {n}", label_visibility="collapsed")  # fmt: skip
    live_figures([run.id for run in watched], panels(watched, int(layer or 1) - 1), key="live", bar="metrics",
                 at=address.moment(), on_at_change=moved)  # fmt: skip


st.title("Live lab")
address.show_problems()
with st.container(horizontal=True, vertical_alignment="center", key="pickers"):
    runs.pick("Run", "run", "No run yet")
    if st.session_state.get("run"):
        runs.pick("Beside", "vs", "Beside another run…")
address.keep()
if st.session_state.get("run"):
    vs = st.session_state.get("vs")
    lab(st.session_state["run"], vs if vs != st.session_state["run"] else None)
else:
    settings.welcome()
