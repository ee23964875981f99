"""Setting up a race or a sweep: the task, what all share, who runs, and how they are judged.

The draft is one small document. It lives in the address bar, so that a refresh or a link brings it back; the widgets
are filled from it when it is loaded, and it is read from them on every rerun.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import services
from dashboard.figures.score import in_words
from dashboard.widgets import corpus
from dashboard.widgets.problems import as_text
from dashboard.widgets.task import own_leaves, title_of
from rnncore.comparison import MOST_CONTENDERS, MOST_SEEDS, RACES, Race, RacePreset, race_preset, sweep
from rnncore.config import CELL_LABELS, CELLS, TASKS, KnownTask, RunConfig, bounds, field_of, unit_of
from rnncore.cost import estimate
from rnncore.errors import ConfigError

PREFIX = "draft_"
SHARED = ("hidden_size", "num_layers", "steps", "batch_size", "lr")
"""What is asked for all, beside the task's own settings; anything else goes into a line of text."""
COLUMNS = {"label": "Name", "cell": "Cell", "gate_bias": "Gate bias", "hidden_size": "Units", "num_layers": "Layers",
           "lr": "Learning rate", "more": "More"}  # fmt: skip
_LABELS = {"hidden_size": "Units", "num_layers": "Layers", "steps": "Steps", "batch_size": "Batch size",
           "lr": "Learning rate"}  # fmt: skip
_FIRST = "delayed-recall"


def restore() -> list[str]:
    """At a session's start: the draft of the address bar, else the first preset; sentences about what was refused."""
    if PREFIX + "task" in st.session_state:
        for key in list(st.session_state):
            if str(key).startswith(PREFIX) and not str(key).startswith(PREFIX + "table"):
                st.session_state[key] = st.session_state[key]  # else lost on another page
        return []
    first = race_preset(_FIRST)
    assert first is not None
    try:
        load(_draft(first.race))
        text = st.query_params.get("draft")
        if text:
            load(_known(json.loads(text)))
    except (ValueError, TypeError, AttributeError, KeyError, ConfigError):
        load(_draft(first.race))
        return ["the race in the address is not one that this page wrote; it shows the first preset instead"]
    return []


def _known(draft: Any) -> dict[str, Any]:
    """A draft of the address, or an error: whatever is loaded must be of the form's kind."""
    task = draft["base"].get("task", "text")
    if task not in TASKS or not all(isinstance(value, str) for one in draft["contenders"] for value in one.values()):
        raise ValueError(draft)
    _config(draft["base"])
    return dict(draft)


def load(draft: dict[str, Any]) -> None:
    """Fill the widgets."""
    config = _config(draft["base"])
    state = st.session_state
    state[PREFIX + "task"] = config.task.kind
    for leaf in (*own_leaves(config.task), *SHARED):
        state[PREFIX + leaf] = config[leaf]
    asked = {"task", *own_leaves(config.task), *SHARED}
    state[PREFIX + "other"] = _line({leaf: value for leaf, value in draft["base"].items() if leaf not in asked})
    state[PREFIX + "kind"] = "Sweep" if draft.get("axes") else "Race"
    state[PREFIX + "seeds"] = min(max(int(draft.get("seeds", 3)), 1), MOST_SEEDS)
    state[PREFIX + "match"] = draft.get("match") == "parameters"
    state[PREFIX + "judged_by"] = draft.get("judged_by") == "longer"
    state[PREFIX + "contenders"] = draft["contenders"]
    state[PREFIX + "axes"] = {leaf: list(values) for leaf, values in (draft.get("axes") or {}).items()}
    state[PREFIX + "version"] = state.get(PREFIX + "version", 0) + 1  # a table of its own for each loading


def load_race(race: Race) -> None:
    """Fill the widgets from a race, to change it and race again."""
    load(_draft(race))


def _draft(race: Race) -> dict[str, Any]:
    named = [{"label": one.label, **one.changes} for one in race.contenders] if not race.axes else []
    return {
        "base": race.base, "contenders": named, "seeds": len(race.seeds), "match": race.match,
        "judged_by": race.judged_by, "axes": {leaf: list(values) for leaf, values in race.axes.items()},
    }  # fmt: skip


def _config(base: dict[str, str]) -> RunConfig:
    return RunConfig.from_flat(base)


def _line(values: dict[str, str]) -> str:
    return " ".join(f"{leaf}={value}" for leaf, value in values.items())


def _parsed(line: str, where: str) -> dict[str, str]:
    """``lr=0.1 cell=gru`` as a mapping."""
    found = {}
    for part in line.replace(",", " ").split():
        leaf, equals, value = part.partition("=")
        if not equals or not leaf or not value:
            raise ConfigError(f"{where} must be written as setting=value, got {part!r}; for instance clip_norm=off")
        found[leaf] = value
    return found


def presets(start: Callable[[Race], None]) -> None:
    """A card for each race that tells something; ``start`` begins a race."""
    cells = st.grid(3, min_column_width=270)
    for one in RACES:
        with cells.container(border=True, key=f"preset_{one.key}", height="stretch"):
            st.markdown(f"**{one.title}**")
            st.caption(one.story)
            with st.container(horizontal=True, gap="small"):
                st.button("Race this", key=f"race_{one.key}", on_click=_race_preset, args=(one, start))
                st.button("Set it up", key=f"setup_{one.key}", on_click=_load_preset, args=(one,), type="tertiary")


def _load_preset(preset: RacePreset) -> None:
    load(_draft(preset.race))


def _race_preset(preset: RacePreset, start: Callable[[Race], None]) -> None:
    _load_preset(preset)
    start(preset.race)


def form(start: Callable[[Race], None]) -> None:
    """Draw the form and the button below it that begins the race; in its place the reason why it cannot."""
    left, right = st.columns([5, 7], gap="large")
    with left:
        base = _task()
    with right:
        st.markdown("##### Who runs")
        st.segmented_control(
            "Kind", ["Race", "Sweep"], key=PREFIX + "kind", required=True, label_visibility="collapsed"
        )
        sweeps = st.session_state[PREFIX + "kind"] == "Sweep"
        try:
            chosen = _axes() if sweeps else _contenders()
            options = _judged(base)
            race = _race(base, chosen, options, sweeps)
        except ConfigError as error:
            st.button("Race", type="primary", icon=":material/play_arrow:", key="start_race", disabled=True)
            for sentence in error.problems:
                st.error(as_text(sentence))
            return
        _remember(race)
        st.caption(as_text(_cost(race)))
        label = "Sweep" if race.axes else "Race"
        st.button(label, type="primary", icon=":material/play_arrow:", key="start_race", on_click=start, args=(race,))


def _task() -> dict[str, str]:
    """The task and what all share, as leaf name → text."""
    st.markdown("##### What they learn")
    state = st.session_state
    kind = st.selectbox("Task", TASKS, key=PREFIX + "task", format_func=title_of, on_change=_other_task)
    config = RunConfig.of(task=kind)
    task = config.task
    if isinstance(task, KnownTask):
        st.caption(as_text(f"{task.tests} {in_words(task)}"))
    found: dict[str, str] = {"task": kind}
    for leaf in own_leaves(config.task):
        if leaf == "corpus":
            titles = corpus.titles()
            titles.setdefault(state[PREFIX + leaf], state[PREFIX + leaf])
            found[leaf] = st.selectbox("Corpus", list(titles), key=PREFIX + leaf, format_func=titles.__getitem__)
        else:
            found[leaf] = str(_own_setting(task, leaf))
    st.markdown("##### What all share")
    columns = st.columns(3)
    for place, leaf in enumerate(SHARED):
        with columns[place % 3]:
            found[leaf] = str(_number(leaf, _LABELS[leaf], kind))
    line = st.text_input("Other settings", key=PREFIX + "other", placeholder="clip_norm=1 optimizer=adam",
                         help="Any other setting of a run, for all: setting=value, with spaces between")  # fmt: skip
    try:
        return found | _parsed(line, "Other settings")
    except ConfigError as error:
        st.error(as_text(str(error)))
        return found


def _other_task() -> None:
    """Another task starts from its own settings; what all share stays."""
    config = RunConfig.of(task=st.session_state[PREFIX + "task"])
    for leaf in own_leaves(config.task):
        st.session_state[PREFIX + leaf] = config[leaf]


def _own_setting(task: Any, leaf: str) -> Any:
    """A widget for a setting of the task; a slider where it says how far there is to remember."""
    field = field_of(leaf, task.kind)
    label = leaf.replace("_", " ").capitalize()
    if isinstance(field.default, str | bool):
        names = list(getattr(field.annotation, "__args__", (True, False)))
        return st.selectbox(label, names, key=PREFIX + leaf, help=field.description)
    return _number(leaf, label, task.kind, slider=leaf == getattr(task, "length_leaf", ""))


def _number(leaf: str, label: str, kind: str, *, slider: bool = False) -> Any:
    low, high = bounds(leaf, kind)
    whole = isinstance(field_of(leaf, kind).default, int)
    unit = unit_of(leaf, kind)
    options: dict[str, Any] = {"key": PREFIX + leaf, "help": f"{field_of(leaf, kind).description}"}
    if slider:
        label = f"{label} ({unit})" if unit else label
        return st.slider(label, int(low or 1), int(high or 1000), **options)
    if whole:
        return st.number_input(label, int(low or 0), int(high or 10**9), step=1, **options)
    return st.number_input(label, float(low or 0), float(high or 1e9), step=0.001, format="%.4g", **options)


def _contenders() -> list[dict[str, str]]:
    """Two to six rows; what is left empty is as it is for all."""
    state = st.session_state
    rows = []
    for one in state[PREFIX + "contenders"]:
        row = {column: one.get(column, "") for column in COLUMNS if column != "more"}
        rows.append(row | {"more": _line({leaf: value for leaf, value in one.items() if leaf not in COLUMNS})})
    frame: Any = pd.DataFrame(rows or [{}], columns=list(COLUMNS), dtype=str).fillna("")
    edited = st.data_editor(
        frame, key=f"{PREFIX}table_{state[PREFIX + 'version']}", num_rows="dynamic", hide_index=True, width="stretch",
        column_config={
            "label": st.column_config.TextColumn("Name", help="Left empty, it follows from what differs"),
            "cell": st.column_config.SelectboxColumn(
                "Cell", options=list(CELLS), format_func=lambda cell: CELL_LABELS[str(cell)]
            ),
            "gate_bias": st.column_config.TextColumn("Gate bias", help="default, chrono, or a number"),
            "hidden_size": st.column_config.TextColumn("Units"),
            "num_layers": st.column_config.TextColumn("Layers"),
            "lr": st.column_config.TextColumn("Learning rate"),
            "more": st.column_config.TextColumn("More", help="Any other setting: setting=value, with spaces between"),
        },
    )  # fmt: skip
    found = []
    for number, row in enumerate(edited.fillna("").to_dict("records"), 1):
        one = {str(leaf): str(value).strip() for leaf, value in row.items() if str(value).strip() and leaf != "more"}
        one |= _parsed(str(row["more"]), f"contender {number}: what is written under More")
        if one:
            found.append(one)
    st.caption(
        f"Two to {MOST_CONTENDERS}; what is left empty is as on the left. Add rows below; mark rows to delete them."
    )
    return found


def _axes() -> dict[str, list[str]]:
    """A row for each setting that varies, with its values."""
    state = st.session_state
    rows = [{"setting": leaf, "values": ", ".join(values)} for leaf, values in state[PREFIX + "axes"].items()]
    rows = rows or [{"setting": "lr", "values": "0.001, 0.01, 0.1"}, {"setting": "cell", "values": ", ".join(CELLS)}]
    leaves = [
        leaf
        for leaf in RunConfig.of(task=state[PREFIX + "task"]).leaves
        if leaf not in ("task", "name", "seed", "corpus")
    ]
    frame: Any = pd.DataFrame(rows, columns=["setting", "values"], dtype=str)
    edited = st.data_editor(
        frame, key=f"{PREFIX}table_axes_{state[PREFIX + 'version']}",
        num_rows="dynamic", hide_index=True, width="stretch",
        column_config={
            "setting": st.column_config.SelectboxColumn("Setting", options=leaves, required=True),
            "values": st.column_config.TextColumn("Values", help="With commas between", width="large"),
        },
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    for row in edited.fillna("").to_dict("records"):
        if row["setting"]:
            found[str(row["setting"])] = [part.strip() for part in str(row["values"]).split(",") if part.strip()]
    st.caption("Every combination is trained with every seed.")
    return found


def _judged(base: dict[str, str]) -> dict[str, Any]:
    """Seeds, matching, and what counts."""
    task = RunConfig.of(task=base["task"]).task
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        seeds = st.number_input("Seeds", 1, MOST_SEEDS, key=PREFIX + "seeds", width=130,
                                help="Runs of each contender. With fewer than three no winner is named.")  # fmt: skip
        match = False
        if st.session_state[PREFIX + "kind"] == "Race":
            match = st.toggle("Equal parameter counts", key=PREFIX + "match",
                              help="Hidden sizes follow the first contender's parameter count, within 2 %")  # fmt: skip
        longer = False
        if isinstance(task, KnownTask) and task.test_leaf:
            longer = st.toggle("Judge by longer sequences", key=PREFIX + "judged_by",
                               help="By the score on sequences longer than any in training")  # fmt: skip
    return {
        "seeds": int(seeds), "match": "parameters" if match else "hidden_size",
        "judged_by": "longer" if longer else "score",
    }  # fmt: skip


def _race(base: dict[str, str], chosen: Any, options: dict[str, Any], sweeps: bool) -> Race:
    sized = {**options, "vocab_size": services.output_size(RunConfig.from_flat(base))}
    if sweeps:
        sized.pop("match")
        if not chosen:
            raise ConfigError("a sweep must vary at least one setting, got none; add a row")
        return sweep(_name(base, sweeps), base, chosen, sized.pop("seeds"), **sized)
    return Race.of(_name(base, sweeps), base, chosen, sized.pop("seeds"), **sized)


def _name(base: dict[str, str], sweeps: bool) -> str:
    return title_of(base["task"]) + (", sweep" if sweeps else "")


def _remember(race: Race) -> None:
    """The draft into the address bar."""
    draft = _draft(race)
    default = RunConfig.of(task=race.base.get("task", "text")).to_flat(all_fields=True)
    draft["base"] = {leaf: text for leaf, text in draft["base"].items() if leaf == "task" or default.get(leaf) != text}
    for one, named in zip(draft["contenders"], st.session_state[PREFIX + "contenders"], strict=False):
        if not named.get("label") and one.get("label"):
            one.pop("label")
    st.session_state["race_draft"] = json.dumps(draft, separators=(",", ":"))


def _cost(race: Race) -> str:
    """What it will take, in words; the matched sizes."""
    costs = [estimate(config, race.vocab_size) for config in race.configs]
    seconds = sum(
        config.training.steps / cost.steps_per_second for config, cost in zip(race.configs, costs, strict=True)
    )
    slots = services.launcher().slots
    whole = seconds * len(race.seeds) / slots
    runs = len(race.configs) * len(race.seeds)
    took = f"about {whole / 60:.0f} minutes" if whole >= 90 else f"about {max(whole, 1):.0f} seconds"
    said = f"{runs} runs, {took} on {slots} {'core' if slots == 1 else 'cores'} if nothing else waits."
    if not race.axes:
        sizes = ", ".join(
            f"{contender.label} {config.model.hidden_size} units = {cost.parameters:,} parameters"
            for contender, config, cost in zip(race.contenders, race.configs, costs, strict=True)
        )
        said += f" {sizes}."
    return said
