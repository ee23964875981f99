"""The parts of Structured prediction: what theory says, what is trained, and the live cards."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard.figures.structured_prediction import exact_share
from dashboard.figures.word_tree import HEIGHT, share, spoken, word_tree
from dashboard.live.component import Choice, Panel, Pick
from dashboard.live.panels.structured_prediction import PLACE, SENTENCE, THEN, WORD
from dashboard.widgets.experiment import runs_of, train_button
from dashboard.widgets.problems import as_text
from dashboard.widgets.still import look, still
from rnncore.config import RunConfig
from rnncore.lecture.structured_prediction import (
    FOREIGN,
    LECTURE,
    SENTENCES,
    Independent,
    Optimum,
    Reader,
    chances,
    draw,
    grow,
    likeliest,
    nonsense,
    valid_share,
)
from rnncore.runs.store import RunInfo

STANDARD = RunConfig.of(
    task="sentences", cell="lstm", hidden_size=32, embedding_size=16, batch_size=512, lr=0.007, steps=600, budget=0.06
)
"""Seven seconds on one core; P(valid) ends within .01 of the exact value (ε 0, .25, .5, .75, 1; three seeds each)."""
_TEXTS = 8  # drawn at a press
_SECOND_WORD = 1


def theory() -> None:
    """Independent outputs beside outputs that feed back, each as a tree, with texts drawn from it."""
    cards = st.grid(2, min_column_width=520)
    for key, title, reader in (
        ("independent", "Independent outputs", Independent(LECTURE)),
        ("feedback", "Outputs that feed back", Optimum(LECTURE, 1.0)),
    ):
        with cards.container(border=True, key=f"theory_{key}", height="stretch"):
            st.markdown(f"#### {title}")
            _numbers(reader)
            still(word_tree(grow(reader, LECTURE), look()), key=f"tree_{key}", height=HEIGHT)
            _texts(key, reader)


def _numbers(reader: Reader) -> None:
    after = nonsense(chances(reader, LECTURE), LECTURE)
    said = likeliest(reader, LECTURE)
    kind = "a sentence" if LECTURE.says(said[None])[0] else "nonsense"
    with st.container(horizontal=True, gap="large"):
        st.metric("P(valid), exactly", f"{valid_share(reader, LECTURE):.6g}", width="content")
        st.metric("Nonsense after 4 words", share(float(after[3])), width="content")
    st.markdown(f"The likeliest word at each place: “{as_text(LECTURE.sentence(said))}”, {kind}.")


@st.fragment
def _texts(key: str, reader: Reader) -> None:
    """Texts drawn from it; each press draws more, and the share of sentences among all so far is counted."""
    presses = st.session_state.setdefault(f"presses_{key}", 1)
    drawn = draw(reader, LECTURE, _TEXTS * presses, np.random.default_rng(presses))
    valid = LECTURE.says(drawn)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(f"Draw {_TEXTS} texts", key=f"draw_{key}", icon=":material/casino:", on_click=_press, args=(key,))
        st.caption(f"{int(valid.sum())} of {len(drawn)} texts drawn so far are sentences")
    lines = [
        f":{'primary' if fine else 'gray'}[{'✓' if fine else '✗'}] {as_text(LECTURE.sentence(text))}"
        for text, fine in zip(drawn[-_TEXTS:], valid[-_TEXTS:], strict=True)
    ]
    for column, part in zip(st.columns(2), (lines[: _TEXTS // 2], lines[_TEXTS // 2 :]), strict=True):
        column.markdown("  \n".join(part))


def _press(key: str) -> None:
    st.session_state[f"presses_{key}"] += 1


def settings() -> None:
    """ε and the seed, and the button that trains with them; at first those of the run in view."""
    if "sentences_epsilon" not in st.session_state:  # the first time, or after another page
        config = _last()
        st.session_state["sentences_epsilon"] = config.scheduled_sampling.epsilon
        st.session_state["sentences_seed"] = config.seed
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="sentences_settings"):
        epsilon = st.slider(
            "ε, probability of feeding the truth",
            0.0,
            1.0,
            step=0.05,
            key="sentences_epsilon",
            width=320,
            help="At each word of each sentence a coin decides what the network reads next: the true word, or its own",
        )
        st.number_input("Seed", 0, 2**31 - 1, key="sentences_seed", width=120, help="Of weights, batches and coins")
        train_button(_config, key="train_sentences")
        st.caption(f"P(valid) should come to {exact_share(epsilon):.4f} in about ten seconds.")
    st.session_state["sentences_chosen"] = _config()


def _last() -> RunConfig:
    """What was chosen before, else the run in view, else the standard."""
    if "sentences_chosen" in st.session_state:
        config: RunConfig = st.session_state["sentences_chosen"]
        return config
    return next((run.config for run in runs_of("sentences", 1)), STANDARD)


def _config() -> RunConfig:
    return STANDARD.changed(epsilon=st.session_state["sentences_epsilon"], seed=st.session_state["sentences_seed"])


def panels(watched: list[RunInfo]) -> list[Panel]:
    """Where the runs are against ε and over training; of the first one its tree, and what an intruder does to it."""
    last = len(LECTURE.words) - 1
    places = range(LECTURE.texts.shape[1] - 1)
    return [
        Panel("state", "sentences_state", kind="words", span=12),
        Panel("metrics", "sentences_metrics", kind="text", span=12),
        Panel(
            "by_epsilon",
            "valid_by_epsilon",
            "How often it says a sentence",
            height=360,
            about="The line is worked out without a network; a point is a run. The strong one is looked at closer",
        ),
        Panel(
            "over_training",
            "valid_over_training",
            "Over training",
            height=360,
            about="Worked out from the network's own probabilities at each moment, not from samples",
        ),
        Panel(
            "tree",
            "word_tree",
            "What it says when it runs freely",
            span=12,
            height=HEIGHT,
            about="Each word as high as its text is likely; a text that has come to its stop reaches to the right edge",
        ),
        Panel(
            "by_length",
            "nonsense_by_length",
            "When it becomes nonsense",
            span=5,
            height=320,
            about="Share of the texts whose first words begin no sentence",
        ),
        Panel(
            "marginals",
            "word_marginals",
            "Each place by itself",
            span=7,
            height=320,
            about="At ε = 0 these are all right, and the texts are nonsense all the same",
        ),
        Panel(
            "intruder",
            "intruder",
            f"I {FOREIGN}: a word that does not belong",
            span=12,
            height=400,
            params={SENTENCE: 0, PLACE: _SECOND_WORD, WORD: last, THEN: 0},
            choices=(
                Choice(SENTENCE, "Sentence", tuple((text, n) for n, text in enumerate(SENTENCES))),
                Choice(PLACE, "Place", tuple((f"place {n + 1}" if not n else str(n + 1), n) for n in places)),
                Choice(WORD, "Word fed there", tuple((spoken(LECTURE.words[n]), n) for n in (last, *range(last)))),
            ),
            pick=Pick(THEN, axis="customdata", on="hover"),
            about="The network reads this word in place of the sentence's own; the words after it are the sentence's",
        ),
    ]
