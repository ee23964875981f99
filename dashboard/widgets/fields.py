"""The fields of a configuration form: one widget per setting, its value in ``session_state`` under ``set_<leaf>``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from rnncore.config import bounds, field_of, unit_of

PREFIX = "set_"


def value(leaf: str) -> Any:
    """What a setting's widget holds."""
    return st.session_state[PREFIX + leaf]


def heading(text: str) -> None:
    """The title of a section."""
    st.markdown(f"##### {text}")


def number(
    leaf: str,
    label: str,
    *,
    step: float,
    format: str | None = None,
    placeholder: str = "",
    width: Any = "stretch",
    task: str | None = None,
) -> None:
    """A numeric setting, within its range; ``task`` tells whose, where several tasks have one of that name."""
    low, high = bounds(leaf, task)
    kind = int if isinstance(step, int) else float
    optional = field_of(leaf, task).default is None or leaf == "clip_norm"
    unit = unit_of(leaf, task)
    description = field_of(leaf, task).description or ""
    options: dict[str, Any] = {
        "min_value": None if low is None else kind(low),
        "max_value": None if high is None else kind(high),
        "step": kind(step),
        "value": None if optional else "min",
    }
    st.number_input(
        label,
        **options,
        format=format,
        key=PREFIX + leaf,
        placeholder=placeholder or None,
        help=f"{description}{f' ({unit})' if unit else ''}. From {low:,.10g} to {high:,.10g}.",
        width=width,
    )


def choice(leaf: str, label: str, *, on_change: Callable[[], None] | None = None, width: Any = "stretch") -> None:
    """A setting that is one of a few names."""
    st.selectbox(
        label,
        options(leaf),
        key=PREFIX + leaf,
        format_func=lambda name: name.replace("_", " "),
        help=field_of(leaf).description,
        on_change=on_change,
        width=width,
    )


def options(leaf: str) -> list[str]:
    """The names that a setting may have."""
    return list(field_of(leaf).annotation.__args__)  # type: ignore[union-attr]
