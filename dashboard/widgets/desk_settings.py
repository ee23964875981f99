"""What the desk is asked: the form beside the text, and the question in the address bar."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.widgets.problems import as_text
from rnncore.config.sections import range_of
from rnncore.errors import ConfigError
from rnncore.generation.question import Question

PARAMETER = "write"
"""Of the address bar: the question and its checkpoint, as JSON."""
NEWEST = -1
"""In the list of checkpoints: whichever is the newest when it is asked."""
METHODS = {"sample": "Sample", "greedy": "Greedy", "beam": "Beam"}
_PREFIX = "desk_"
_FIELDS = tuple(name for name in Question.model_fields if name != "picks")


@dataclass(frozen=True)
class Asked:
    """What was asked of which run and checkpoint; of the newest for None, until it is known which one that is."""

    run_id: str
    step: int | None
    question: Question


def restore() -> None:
    """At a session's start: what the address asks; later: keep what the reader has set."""
    if "desk_asked" not in st.session_state:
        st.session_state["desk_asked"] = None
        st.session_state["desk_step"] = NEWEST
        _seed(Question())
        if given := st.query_params.get(PARAMETER):
            _read(given)
    st.session_state["desk_step"] = st.session_state.get("desk_step", NEWEST)
    for name in _FIELDS:  # another page: Streamlit forgets what widgets of the page before held
        key = _PREFIX + name
        st.session_state[key] = st.session_state.get(key, getattr(_latest(), name))


def _read(text: str) -> None:
    try:
        values = json.loads(text)
        step = values.pop("step", None)
        question = Question(**values)
        if not (step is None or (type(step) is int and 0 <= step < 2**62)):
            raise ConfigError(f"step must be a training step, got {step!r}; leave it out for the newest")
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # a ConfigError is a ValueError
        said = str(error) if isinstance(error, ConfigError) else "it is not a question in JSON"
        st.session_state["address_problems"].append(f"what the address asks was left out: {said}")
        return
    _seed(question)
    st.session_state["desk_step"] = NEWEST if step is None else step
    if run_id := st.session_state.get("run"):
        ask(Asked(run_id, step, question))


def _latest() -> Question:
    asked: Asked | None = st.session_state["desk_asked"]
    return Question() if asked is None else asked.question


def _seed(question: Question) -> None:
    for name in _FIELDS:
        st.session_state[_PREFIX + name] = getattr(question, name)


def ask(asked: Asked) -> None:
    """What is to be shown from now on, and to be found in the address bar."""
    st.session_state["desk_asked"] = asked
    step = {} if asked.step is None else {"step": asked.step}
    text = json.dumps(step | asked.question.asked(), separators=(",", ":"))
    if st.query_params.get(PARAMETER) != text:
        st.query_params[PARAMETER] = text


def current() -> Question:
    """The form's question.

    Raises:
        ConfigError: a value out of its range.
    """
    return Question(**{name: st.session_state[_PREFIX + name] for name in _FIELDS})


def form(on_write: Callable[[], None], *, ready: bool) -> None:
    """Draw the form.

    Args:
        on_write: called when the reader presses Write.
        ready: there is a run to ask.
    """
    try:
        current()
    except ConfigError as error:
        ready = False
        for sentence in error.problems:
            st.error(as_text(sentence))
    st.button(
        "Write",
        type="primary",
        width="stretch",
        key="desk_write",
        disabled=not ready,
        on_click=on_write,
        shortcut="Ctrl+Enter",
    )
    st.text_area(
        "Primer",
        key=_PREFIX + "primer",
        max_chars=500,
        height=96,
        placeholder="the run's own",
        help=Question.model_fields["primer"].description,
    )
    _number("length", "Length", step=50)
    st.segmented_control(
        "Method",
        list(METHODS),
        key=_PREFIX + "method",
        format_func=METHODS.__getitem__,
        required=True,
        width="stretch",
        wrap=False,
        help=Question.model_fields["method"].description,
    )
    method = st.session_state[_PREFIX + "method"]
    if method == "beam":
        _number("width", "Beam width", step=1)
        st.caption(
            "Keeps the likeliest beginnings. All texts are equally long, so scores are not normalised by length."
        )
    elif method == "sample":
        left, right = st.columns(2)
        with left:
            _number("temperature", "Temperature", step=0.1, format="%.2f")
            _number("top_k", "Top k", step=1, placeholder="all")
        with right:
            _number("temperature_2", "Beside", step=0.1, format="%.2f", placeholder="none")
            _number("top_p", "Nucleus p", step=0.05, format="%.2f", placeholder="all")
        _number("seed", "Seed", step=1)


def _number(name: str, label: str, *, step: float, format: str | None = None, placeholder: str = "") -> None:
    field = Question.model_fields[name]
    low, high = range_of(field)
    kind = type(step)
    options: dict[str, Any] = {
        "min_value": None if low is None else kind(low),
        "max_value": None if high is None else kind(high),
        "value": None if field.default is None else "min",
    }
    st.number_input(
        label,
        **options,
        step=step,
        format=format,
        key=_PREFIX + name,
        placeholder=placeholder or None,
        help=f"{field.description}. From {low:,.10g} to {high:,.10g}.",
    )
