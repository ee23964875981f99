"""What is learned, in a form: the kind of task, what it tests, what knowing nothing is worth, and its own settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboard.figures.score import in_words
from dashboard.widgets.fields import PREFIX, choice, number, value
from dashboard.widgets.problems import as_text
from rnncore.config import TASKS, KnownTask, RunConfig, TextTask, bounds, field_of, unit_of
from rnncore.errors import ConfigError

_LABELS = {
    "test_length": "Longest test", "test_delay": "Longest test delay",
    "n_max": "Largest n", "n_test": "Largest n tested",
    "read_by": "Read by", "pairs": "Kinds of brackets", "depth": "Greatest depth",
}  # fmt: skip


def section(corpora: Mapping[str, str], corpus_widget: Callable[[], None]) -> None:
    """The choice of the task and the settings that it has.

    Args:
        corpora: key → title of the texts to choose from.
        corpus_widget: draws the upload below the text's choice.
    """
    kind = st.selectbox(
        "Task", TASKS, key=PREFIX + "task", format_func=title_of, on_change=other_task, label_visibility="collapsed"
    )
    task = RunConfig.of(task=kind).task
    if isinstance(task, TextTask):
        _text(corpora, corpus_widget)
        return
    if isinstance(task, KnownTask):
        st.caption(as_text(task.tests))
        _length(task)
    others = [leaf for leaf in own_leaves(task) if leaf != getattr(task, "length_leaf", "")]
    columns = st.columns(2)
    for place, leaf in enumerate([*others, "batch_size"]):
        with columns[place % 2]:
            _setting(task, leaf)
    if isinstance(task, KnownTask):
        chosen = _chosen(task)
        st.caption(as_text(in_words(task if chosen is None else chosen)))


def title_of(kind: str) -> str:
    """A kind of task as it stands in a list."""
    title = RunConfig.of(task=kind).task.title
    return title[:1].upper() + title[1:] if title[0].isascii() and kind != "anbn" else title


def own_leaves(task: Any) -> list[str]:
    """The task's own settings, in their order."""
    return [leaf for leaf in type(task).model_fields if leaf != "kind"]


def read_text() -> None:
    """Choose a text again, from its own settings."""
    st.session_state[PREFIX + "task"] = "text"
    other_task()


def other_task() -> None:
    """Another task starts from its own settings: a length means something else in each."""
    config = RunConfig.of(task=value("task"))
    for leaf in own_leaves(config.task):
        st.session_state[PREFIX + leaf] = config[leaf]


def _text(corpora: Mapping[str, str], corpus_widget: Callable[[], None]) -> None:
    known = dict(corpora)
    chosen = value("corpus")
    known.setdefault(chosen, chosen)
    st.selectbox("Corpus", list(known), key=PREFIX + "corpus", format_func=known.__getitem__)
    corpus_widget()
    left, right = st.columns(2)
    with left:
        number("sequence_length", "Sequence length", step=16)
    with right:
        number("batch_size", "Batch size", step=8)


def _length(task: Any) -> None:
    """How far there is to remember, as a slider."""
    leaf = task.length_leaf
    if not leaf:
        return
    low, high = bounds(leaf, task.kind)
    unit = unit_of(leaf, task.kind)
    label = f"{_label(leaf)} ({unit})" if unit else _label(leaf)
    st.slider(label, int(low or 1), int(high or 1000), key=PREFIX + leaf, help=field_of(leaf, task.kind).description)


def _setting(task: Any, leaf: str) -> None:
    if leaf == "batch_size":
        number(leaf, "Batch size", step=8)
    elif isinstance(field_of(leaf, task.kind).default, str):
        choice(leaf, _label(leaf))
    elif isinstance(field_of(leaf, task.kind).default, float):
        number(leaf, _label(leaf), step=0.05, format="%.2f", task=task.kind)
    else:
        number(leaf, _label(leaf), step=1, task=task.kind)


def _label(leaf: str) -> str:
    return _LABELS.get(leaf, leaf.replace("_", " ").capitalize())


def _chosen(task: KnownTask) -> KnownTask | None:
    """The task as it is set in the form; None where that cannot be run (which the button above says)."""
    try:
        return type(task)(**{leaf: value(leaf) for leaf in own_leaves(task)})
    except ConfigError:
        return None
