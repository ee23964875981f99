"""The configuration form: one widget per setting, seeded from a link, a preset or a run.

The form's values live in ``session_state`` under ``set_<leaf>``, and what differs from the defaults goes
into the address bar, so that a refresh or a shared link brings the same settings back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboard import services
from dashboard.widgets import runs, schedule, task
from dashboard.widgets.fields import PREFIX, choice, heading, number, value
from dashboard.widgets.problems import as_text
from rnncore.config import CELL_LABELS, CELLS, KEEPING_GATE, LEAVES, RECURRENT_MATRIX, RunConfig, field_of
from rnncore.cost import check_memory
from rnncore.errors import ConfigError, RnncoreError
from rnncore.presets import PRESETS, preset

CUSTOM = "custom"


def seed(config: RunConfig) -> None:
    """Fill the form from a configuration; what other tasks would have stands at its default."""
    for leaf in LEAVES:
        own = leaf in config.leaves
        st.session_state[PREFIX + leaf] = _to_widget(leaf, config[leaf] if own else field_of(leaf).default)


def seed_from_address(query: Mapping[str, str]) -> list[str]:
    """Fill the form from the address bar; sentences about what could not be read (defaults stand in)."""
    given = {leaf: text for leaf, text in query.items() if leaf in LEAVES}
    try:
        seed(RunConfig.from_flat(given))
        return []
    except ConfigError:
        return _seed_readable(given)


def _seed_readable(given: dict[str, str]) -> list[str]:
    """Take the settings one by one, so that one bad value costs only itself."""
    config, problems = RunConfig(), []
    # the task first, as it decides which settings there are; a test may be longer before the training is
    for leaf, text in sorted(given.items(), key=lambda one: (one[0] != "task", "test" not in one[0])):
        try:
            config = config.changed(**{leaf: text})
        except ConfigError as error:
            problems += list(error.problems)
    seed(config)
    return problems


def is_seeded() -> bool:
    """Whether the form holds values."""
    return PREFIX + "cell" in st.session_state


def keep() -> None:
    """Hold the values of widgets that this rerun does not draw (Streamlit forgets them otherwise)."""
    for leaf in LEAVES:
        key = PREFIX + leaf
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]


def current() -> RunConfig:
    """The form's configuration; raises ConfigError where it cannot be run."""
    like = RunConfig.of(task=value("task"))
    unused = () if like.task.feeds_back else schedule.LEAVES
    return RunConfig.from_flat({leaf: _from_widget(leaf) for leaf in like.leaves if leaf not in unused})


def to_address() -> dict[str, str]:
    """What of the form belongs into the address bar; {} while the form is not valid."""
    try:
        return current().to_flat()
    except ConfigError:
        return {}


def train_bar() -> None:
    """The Train button, and what the run will cost; or why it cannot be started."""
    try:
        config = current()
        cost = check_memory(config, services.output_size(config))
    except RnncoreError as error:
        st.button("Train", type="primary", width="stretch", disabled=True, key="train")
        for sentence in getattr(error, "problems", (str(error),)):
            st.error(as_text(sentence))
        return
    st.button("Train", type="primary", width="stretch", key="train", on_click=_train, shortcut="Ctrl+Enter")
    st.caption(cost.sentence)


def _train() -> None:
    started = runs.train(current())
    if started:
        st.session_state["run"], st.session_state["vs"] = started, None
        st.query_params.pop("at", None)


def welcome() -> None:
    """What a newcomer sees before there is a run: what to press, and what each preset tells."""
    st.markdown(
        "Press **Train** and watch an LSTM learn Python's own source code, or start from one of these. "
        "Everything on the left may be changed first."
    )
    cells = st.grid(3, min_column_width=230)
    for one in PRESETS:
        with cells.container(border=True, key=f"preset_{one.key}", height="stretch"):
            st.markdown(f"**{one.title}**")
            st.caption(one.story)
            st.button("Train this", key=f"train_{one.key}", on_click=_train_preset, args=(one.key,))


def _train_preset(key: str) -> None:
    chosen = preset(key)
    if chosen is not None:
        seed(chosen.config)
        st.session_state["preset"] = key
        st.session_state["form_changed"] = True  # the form is outside of the fragment that this button is in
        _train()


def form(corpora: Mapping[str, str], corpus_widget: Callable[[], None]) -> None:
    """Draw the form.

    Args:
        corpora: key → title of the texts to choose from.
        corpus_widget: draws the upload below the text's choice.
    """
    _presets()
    heading("Network")
    st.selectbox(
        "Cell", CELLS, key=PREFIX + "cell", format_func=CELL_LABELS.__getitem__, help=field_of("cell").description
    )
    left, right = st.columns(2)
    with left:
        number("hidden_size", "Units", step=16)
    with right:
        number("num_layers", "Layers", step=1)
    heading("Task")
    task.section(corpora, corpus_widget)
    heading("Initialisation")
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        choice("recurrent", "Recurrent weights")
    with right:
        number("recurrent_gain", "Recurrent gain", step=0.1, format="%.2f")
    gated = st.session_state[PREFIX + "cell"] in KEEPING_GATE
    left, right = st.columns(2)
    with left:
        st.selectbox(
            "Gate bias",
            ["default", "value", "chrono"],
            key=PREFIX + "gate_bias",
            disabled=not gated,
            help=field_of("gate_bias").description if gated else "This cell has no gate that keeps its state",
        )
    with right:
        kind = st.session_state[PREFIX + "gate_bias"]
        if kind == "chrono":
            number("t_max", "Longest lag", step=16)
        else:
            st.number_input(
                "Bias value",
                -10.0,
                10.0,
                step=0.5,
                format="%.1f",
                key=PREFIX + "gate_bias_value",
                disabled=not gated or kind != "value",
            )
    _wiring()
    heading("Training")
    left, right = st.columns(2)
    with left:
        choice("optimizer", "Optimiser")
        number("clip_norm", "Clip norm", step=0.5, format="%.3g", placeholder="off")
    with right:
        number("lr", "Learning rate", step=0.001, format="%.4g")
        number("steps", "Steps", step=1000)
    heading("Scheduled sampling")
    if RunConfig.of(task=value("task")).task.feeds_back:
        schedule.section()
    else:
        st.caption("Not for this task: what the network answers is never its next input. It is for texts.")
    with st.expander("More settings"):
        _more(text=value("task") == "text")


def _wiring() -> None:
    """What stands around the layers; what does not fit the task is not offered, and not in force."""
    task = RunConfig.of(task=value("task")).task
    with st.expander("Around the layers"):
        st.toggle("Residual layers", key=PREFIX + "residual", help=field_of("residual").description)
        if _both_ways(task):
            st.toggle("Both directions", key=PREFIX + "bidirectional", help=field_of("bidirectional").description)
        if hasattr(task, "picture"):
            choice("encoder", "Encoder of the pictures")
        number("readout_layers", "Decoder layers", step=1)


def _both_ways(task: Any) -> bool:
    """Whether a reverse direction would not see what is asked for."""
    return not (task.feeds_back or task.stateful)


def _presets() -> None:
    titles = {one.key: one.title for one in PRESETS}
    st.selectbox(
        "Start from",
        [CUSTOM, *titles],
        key="preset",
        format_func=lambda key: titles.get(key, "Settings of your own"),
        on_change=_apply_preset,
    )
    story = next((one.story for one in PRESETS if one.key == st.session_state.get("preset")), "")
    if story:
        st.caption(story)


def _apply_preset() -> None:
    chosen = next((one for one in PRESETS if one.key == st.session_state["preset"]), None)
    if chosen is not None:
        runs.settled()
        seed(chosen.config)


def _more(*, text: bool) -> None:
    """The settings that are seldom changed; what a text needs, only where one is read."""
    left, right = st.columns(2)
    with left:
        number("seed", "Seed", step=1)
        number("embedding_size", "Embedding size", step=16)
        if text:
            number("validation_fraction", "Validation share", step=0.05, format="%.2f")
            number("temperature", "Sampling temperature", step=0.1, format="%.2f")
        number("budget", "Measuring budget", step=0.01, format="%.2f")
    with right:
        number("dropout", "Dropout", step=0.1, format="%.2f")
        number("momentum", "Momentum", step=0.05, format="%.2f")
        number("weight_decay", "Weight decay", step=0.01, format="%.4g")
        if text:
            number("sample_length", "Sample length", step=50)
        number("probe_sequences", "Probed sequences", step=1)
    choice("device", "Device")
    if text:
        st.toggle("Carry state over", key=PREFIX + "stateful", help=field_of("stateful").description)
        st.text_input(
            "Primer",
            key=PREFIX + "primer",
            max_chars=500,
            placeholder="from the validation text",
            help=field_of("primer").description,
        )
    st.text_input("Name", key=PREFIX + "name", max_chars=80, placeholder="optional")


def _to_widget(leaf: str, given: Any) -> Any:
    if leaf == "gate_bias":
        st.session_state[PREFIX + "gate_bias_value"] = given if isinstance(given, float) else 1.0
        return given if isinstance(given, str) else "value"
    return given


def _from_widget(leaf: str) -> Any:
    held = value(leaf)
    task = RunConfig.of(task=value("task")).task
    if leaf == "bidirectional" and not _both_ways(task):
        return False
    if leaf == "encoder" and (value("cell") == "conv_lstm" or not hasattr(task, "picture")):
        return "identity"
    if leaf in ("recurrent", "recurrent_gain") and value("cell") not in RECURRENT_MATRIX:
        return field_of(leaf).default
    if leaf == "gate_bias":
        if value("cell") not in KEEPING_GATE:
            return "default"
        return float(value("gate_bias_value")) if held == "value" else held
    return held
