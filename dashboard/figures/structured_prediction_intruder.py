"""What a network expects after a word that does not belong: how unsure it is, and of what."""

from __future__ import annotations

import math

import numpy as np

from dashboard.figures.base import LIGHT, Drawn, Look, Sketch, empty, figure
from dashboard.figures.word_tree import spoken
from dashboard.theme import with_alpha
from rnncore.records import Array, Intruders

_NONE = "The first answer comes with the first training step."


@Drawn
def intruder_entropy(
    record: Intruders | None, look: Look = LIGHT, *, sentence: int, place: int, word: int, then: int | None = None
) -> Sketch:
    """Bits of the prediction after each word of a sentence, with an intruder in it and without.

    Args:
        record: the predictions; None while there are none.
        look: see ``Look``.
        sentence: which one, from 0.
        place: where the intruder stands in place of the sentence's own word, from 0.
        word: the intruder's id.
        then: the place whose prediction is looked at closer; None for the one after the intruder.
    """
    if record is None:
        return empty(look, _NONE)
    without = _undisturbed(record, sentence)
    bits = record.entropy(sentence, place, word)
    read = _read(record, sentence, place, word)[: len(bits) - 1]
    then = nearest(record, place, then)
    fig = figure(look, _caption(record, sentence, place, word, then), hovermode="x")
    x = np.arange(1, len(bits))  # words read
    fig.add_scatter(
        x=x,
        y=without[1:].astype(np.float32),
        mode="lines+markers",
        name="the sentence itself",
        line={"color": look.palette.quiet, "width": 1.6, "dash": "dash"},
        customdata=x,
        hovertemplate="%{y:.2f} bits<extra>%{fullData.name}</extra>",
    )
    fig.add_scatter(
        x=x,
        y=bits[1:].astype(np.float32),
        mode="lines+markers",
        name=f"with “{spoken(record.words[word])}” at place {place + 1}",
        line={"color": look.palette.bad, "width": 2.4},
        marker={"size": 7},
        customdata=x,
        hovertemplate="%{y:.2f} bits<extra>%{fullData.name}</extra>",
    )
    fig.add_vline(x=then, line={"color": look.palette.accent, "width": 1.5})
    fig.update_layout(
        xaxis={
            "title": {"text": "word read last (point at one)"},
            "tickvals": x.tolist(),
            "ticktext": [f"<b>{name}</b>" if at == place else name for at, name in enumerate(read)],
            "range": [0.7, len(bits) - 0.7],
        },
        yaxis={
            "title": {"text": "entropy of the prediction, bits"},
            "range": [-0.15, math.log2(len(record.words)) + 0.15],
        },
        showlegend=True,
    )
    return fig


@Drawn
def intruder_distribution(
    record: Intruders | None, look: Look = LIGHT, *, sentence: int, place: int, word: int, then: int | None = None
) -> Sketch:
    """The prediction after one of those words, with the intruder and without. Arguments as above."""
    if record is None:
        return empty(look, _NONE)
    then = nearest(record, place, then)
    own = int(record.texts[sentence, then - 1])
    names = [spoken(name) for name in record.words]
    fig = figure(look, barmode="overlay", bargap=0.3, hovermode="y")
    for name, odds, width, colour in (
        ("the sentence itself", record.at(sentence, then - 1, own)[then], 0.75, with_alpha(look.palette.quiet, 0.35)),
        ("with the intruder", record.at(sentence, place, word)[then], 0.38, look.palette.bad),
    ):
        fig.data.append(
            {
                "type": "bar",
                "orientation": "h",
                "y": names,
                "x": odds.astype(np.float32),
                "width": width,
                "name": name,
                "marker": {"color": colour, "line": {"width": 0}},
                "hovertemplate": "%{x:.3f}<extra>%{fullData.name}</extra>",
            }
        )
    text = " ".join(_read(record, sentence, place, word)[:then])
    fig.update_layout(
        xaxis={"title": {"text": f"P(next word) after “{text}”"}, "range": [0, 1.02]},
        yaxis={"autorange": "reversed", "showgrid": False, "tickmode": "array", "tickvals": names},
        showlegend=True,
    )
    return fig


def nearest(record: Intruders, place: int, then: int | None) -> int:
    """The place whose prediction is looked at: one that has read the intruder."""
    last = record.texts.shape[1] - 1
    return place + 1 if then is None or not place < then <= last else then


def _read(record: Intruders, sentence: int, place: int, word: int) -> list[str]:
    ids = record.texts[sentence].tolist()
    ids[place] = word
    return [spoken(record.words[one]) for one in ids]


def _undisturbed(record: Intruders, sentence: int) -> Array:
    """Bits after each word of the sentence itself; the first prediction has read no word that could be another."""
    text = record.texts[sentence]
    found = np.full(len(text), np.nan)
    for place in range(len(text) - 1):
        found[place + 1] = record.entropy(sentence, place, int(text[place]))[place + 1]
    return found


def _caption(record: Intruders, sentence: int, place: int, word: int, then: int) -> str:
    if record.texts[sentence, place] == word:
        return "This is the sentence's own word: choose another one to disturb it."
    odds = record.at(sentence, place, word)[then]
    text = " ".join(_read(record, sentence, place, word)[:then])
    bits = float(record.entropy(sentence, place, word)[then])
    before = float(_undisturbed(record, sentence)[then])
    return (
        f"After “{text}”: {bits:.2f} bits, {before:.2f} without the intruder; likeliest "
        f"“{spoken(record.words[int(odds.argmax())])}” with {float(odds.max()):.2f}"
    )
