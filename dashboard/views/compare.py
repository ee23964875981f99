"""Compare: fair races between configurations, judged with their spread over seeds."""

import streamlit as st

from dashboard.live.component import preload
from dashboard.widgets import address, race_form, races
from dashboard.widgets.problems import as_text, in_words
from rnncore.comparison import Race

address.restore()
problems = race_form.restore()
st.title("Compare")
st.markdown(
    "Which cell should I use, and is the difference real? Every contender gets the same data in the same order and the "
    "same seeds; networks of equal shape start from the same weights. What differs is what you choose."
)
for problem in problems:
    st.warning(as_text(problem))


def setup() -> None:
    """Presets, and the form whose button starts the race."""
    none = not st.session_state.get("race")
    with st.expander("Races that tell something", icon=":material/flag:", expanded=none):
        race_form.presets(races.start)
    changing = st.session_state.pop("race_form_open", False)
    with st.expander("Set up a race", icon=":material/tune:", expanded=none or changing), in_words():
        race_form.form(races.start)


@st.fragment
def live() -> None:
    """The race in view; runs again by itself when the state of one of its runs changes."""
    with in_words():
        if st.session_state.pop("form_changed", False):
            st.rerun(scope="app")
        address.show_problems()
        with st.container(horizontal=True, vertical_alignment="center", key="pickers"):
            races.pick()
        info = races.chosen()
        address.keep(race=True)
        if info is None:
            st.info("Set up a race above and press **Race**: all of its runs are drawn here while they learn.")
            preload()
            return
        race = Race.from_store(info.document)
        with st.container(horizontal=True, vertical_alignment="center", key="toolbar"):
            races.controls(info, race)
            seed = races.pick_seed(race)
        races.live(info, race, seed)


setup()
live()
