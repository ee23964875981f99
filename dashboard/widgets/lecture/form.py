"""The settings of an experiment as widgets: ranges and help come from the settings' own fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from rnncore.config.sections import range_of
from rnncore.lecture.experiment import Experiment


class Form:
    """Draws a widget for each setting that the page names, and knows what is chosen.

    Args:
        experiment: whose settings.
        start: what stands in them at first: the settings of the experiment in the address.
    """

    def __init__(self, experiment: Experiment, start: Mapping[str, Any]):
        self._experiment, self._start = experiment, start
        self.values: dict[str, Any] = {}

    def slider(self, name: str, label: str, step: float = 1, *, format: str | None = None, width: int = 240) -> Any:
        """A number between the setting's bounds."""
        low, high = range_of(self._field(name))
        start = self._seed(name)
        kind = type(start)
        assert low is not None
        assert high is not None
        return self._keep(name, st.slider(
            label, kind(low), kind(high), start, step=kind(step), key=self._key(name), format=format, width=width,
            help=self._field(name).description,
        ))  # fmt: skip

    def choice(self, name: str, label: str, options: Mapping[Any, str]) -> Any:
        """One of a few: value → what it is called."""
        start = self._seed(name)
        return self._keep(name, st.segmented_control(
            label, list(options), default=start, key=self._key(name), format_func=lambda value: options[value],
            required=True, help=self._field(name).description,
        ))  # fmt: skip

    def toggle(self, name: str, label: str) -> bool:
        """Yes or no."""
        start = self._seed(name)
        return bool(self._keep(name, st.toggle(
            label, start, key=self._key(name), help=self._field(name).description
        )))  # fmt: skip

    def text(self, name: str, label: str, width: int = 360) -> str:
        """A line of text."""
        start = self._seed(name)
        return str(self._keep(name, st.text_input(
            label, start, key=self._key(name), max_chars=self._longest(name), width=width,
            help=self._field(name).description,
        )))  # fmt: skip

    def lines(self, name: str, label: str, examples: Mapping[str, str], width: int = 420, height: int = 260) -> str:
        """Several lines of text, beside buttons that write an example there: what it is called → its lines."""
        start, key = self._seed(name), self._key(name)
        written = st.text_area(
            label, start, key=key, width=width, height=height, max_chars=self._longest(name),
            help=self._field(name).description,
        )  # fmt: skip
        with st.container(width="content", gap="small"):
            st.caption("Examples")
            for title, text in examples.items():
                st.button(title, key=f"{key}_{title}", on_click=st.session_state.__setitem__, args=(key, text))
        return str(self._keep(name, written))

    def seed(self) -> int:
        """The seed, which every experiment has."""
        start = self._seed("seed")
        return int(self._keep("seed", st.number_input(
            "Seed", 0, 2**31 - 1, start, key=self._key("seed"), width=110, help=self._field("seed").description
        )))  # fmt: skip

    def _field(self, name: str) -> Any:
        return self._experiment.settings.model_fields[name]

    def _longest(self, name: str) -> int | None:
        """The most characters that a text may have."""
        return next((rule.max_length for rule in self._field(name).metadata if hasattr(rule, "max_length")), None)

    def _key(self, name: str) -> str:
        return f"{self._experiment.stem}_{name}"

    def _seed(self, name: str) -> Any:
        """What a widget begins with. It is given to the widget as well, the same at each run: what is measured at once
        runs the page again before the browser has drawn it, and a value that stands in the state alone is lost then."""
        key = self._key(name)
        kept, begin = f"{key}_kept", f"{key}_begin"  # Streamlit forgets a widget's value on another page
        if key not in st.session_state:
            before = st.session_state.get(kept, self._start.get(name, self._field(name).default))
            st.session_state[key] = st.session_state[begin] = before
        return st.session_state[begin]

    def _keep(self, name: str, value: Any) -> Any:
        st.session_state[f"{self._key(name)}_kept"] = self.values[name] = value
        return value
