"""Claims about the figures of Structured prediction: bars that tile, marks in the right place, words as text only."""

import itertools

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.structured_prediction import (
    Course,
    nonsense_by_length,
    valid_by_epsilon,
    valid_over_training,
)
from dashboard.figures.structured_prediction_intruder import intruder_distribution, intruder_entropy
from dashboard.figures.word_marginals import word_marginals
from dashboard.figures.word_tree import LEAST_DRAWN, share, word_tree
from dashboard.live.encoding import encode, to_json
from rnncore.lecture.structured_prediction import LECTURE, Independent, Language, Optimum, grow
from rnncore.records import Intruders, SentenceShares

DARK = Look("dark", "run1")
LSTM = Line("LSTM · 32 · ε 0.5", "lstm")
WHERE = {"sentence": 0, "place": 1, "word": 13}


def said(step=10, epsilon=0.5, valid=0.5, nonsense=None):
    return SentenceShares(
        step=step,
        epsilon=epsilon,
        sentences=("a", "b"),
        shares=np.array([valid / 4, 3 * valid / 4]),
        nonsense=np.linspace(0, 1 - valid, 8) if nonsense is None else nonsense,
    )


def course(*records, first=True, line=LSTM):
    return Course(line, records, first)


def bars(figure):
    """Every bar of a tree: column of its middle, width, top, height, label, text."""
    return [
        (x, width, top, height, text, hover[0])
        for trace in figure.data
        if trace.type == "bar"
        for x, width, top, height, text, hover in zip(
            trace.x, trace.width, trace.base, trace.y, trace.text, trace.customdata, strict=True
        )
    ]


def intruders(language=LECTURE, seed=0):
    sentences, length = language.texts.shape
    words = len(language.words)
    odds = np.random.default_rng(seed).dirichlet(np.ones(words), (sentences, length - 1, words, length))
    unread = np.arange(length) <= np.arange(length - 1)[:, None]
    kept = np.where(unread[None, :, None, :, None], np.nan, odds).astype(np.float16)
    return Intruders(step=5, words=language.words, texts=language.texts, distributions=kept)


@pytest.mark.parametrize("reader", [Independent(LECTURE), Optimum(LECTURE, 0.5), Optimum(LECTURE, 1)])
def test_every_word_stands_beside_the_word_that_it_follows(reader):
    found = {
        hover: (x, width, top, height) for x, width, top, height, _, hover in bars(word_tree(grow(reader, LECTURE)))
    }
    for text, (x, width, top, height) in found.items():
        *before, _ = text.split()
        assert x - width / 2 > 0.5
        assert x + width / 2 < 8.5
        if before:
            above = found[" ".join(before)]
            assert above[2] - 0.003 <= top
            assert top + height <= above[2] + above[3] + 0.003
            assert x - width / 2 == pytest.approx(len(before) + 0.525, abs=0.03)


def test_bars_of_one_column_do_not_overlap_and_fill_it():
    for reader in (Independent(LECTURE), Optimum(LECTURE, 0.5)):
        columns = {}
        for x, width, top, height, _, _ in bars(word_tree(grow(reader, LECTURE))):
            columns.setdefault(round(x - width / 2), []).append((top, top + height))
        for column in range(4):
            spans = sorted(columns[column + 1])
            assert all(end <= start + 1e-6 for (_, end), (start, _) in itertools.pairwise(spans))
            assert sum(end - start for start, end in spans) > 0.85


def test_what_has_ended_reaches_to_the_right_edge_with_its_mark_and_share():
    labels = {
        hover: (x + width / 2, text)
        for x, width, _, _, text, hover in bars(word_tree(grow(Optimum(LECTURE, 1), LECTURE)))
    }
    assert labels["I like machine learning (stop)"] == (pytest.approx(8.475, abs=0.01), "✓ 30%")
    assert labels["I am not just a neural network (stop)"][1] == "✓ 40%"
    assert labels["I like machine learning"][1] == "learning"
    assert not [text for text in labels if "(stop) (stop)" in text]


def test_sentences_and_nonsense_are_told_apart_by_name_and_colour():
    fine, nonsense = word_tree(grow(Independent(LECTURE), LECTURE)).data
    assert (fine.name, nonsense.name) == ("begins a sentence, or is one", "nonsense")
    assert not set(fine.marker.color) & set(nonsense.marker.color)
    assert "I am not just (stop)" not in {hover[0] for hover in fine.customdata}
    assert "I think not" in {hover[0] for hover in nonsense.customdata}


def test_the_caption_of_a_tree_says_what_is_too_thin_to_draw():
    tree = grow(Independent(LECTURE), LECTURE)
    ends = [p for p, ended, node in zip(tree.probability, tree.ended, range(len(tree.word)), strict=True)
            if ended and "·" not in tree.text(node)[:-1] and p < LEAST_DRAWN]  # fmt: skip
    assert word_tree(tree).layout.meta["caption"] == f"1.7% of the texts are sentences; {share(sum(ends))} go into " + (
        "branches too thin to draw"
    )
    assert word_tree(grow(Optimum(LECTURE, 1), LECTURE)).layout.meta["caption"] == "100% of the texts are sentences"


def test_marginals_stand_beside_the_languages_own():
    tree = grow(Independent(LECTURE), LECTURE)
    figure = word_marginals(tree)
    bar, marks = figure.data
    for place in range(1, 9):
        assert sum(y for x, y in zip(bar.x, bar.y, strict=True) if x == place) == pytest.approx(1)
    ends = sorted({round(float(y), 5) for x, y in zip(marks.x, marks.y, strict=True) if 1.5 < x < 2.5})
    assert ends == [0.3, 0.6, 1.0]
    assert bar.text[1:4] == ("think", "like", "am")
    assert figure.layout.meta["caption"].startswith("at most 0% off")
    part = grow(Independent(LECTURE), LECTURE, most=9)
    assert f"not followed up {share(part.missing[-1])}" in word_marginals(part).layout.meta["caption"]


def test_a_run_stands_at_its_epsilon_and_its_measured_share_beside_the_exact_curve():
    figure = valid_by_epsilon([course(said(valid=0.49)), course(said(epsilon=0.0, valid=0.02), first=False)])
    curve, other, first = figure.data
    assert (first.x, first.y) == ((0.5,), (0.49,))
    assert (other.x, other.y) == ((0.0,), (0.02,))
    exact = dict(zip(np.round(curve.x, 6).tolist(), curve.y, strict=True))
    assert [exact[at] for at in (0.0, 0.5, 1.0)] == pytest.approx([0.017056, 0.49785, 1.0], abs=1e-5)
    assert figure.layout.meta["caption"] == "ε 0.5: measured 0.4900 at step 10, exact 0.4978, difference −0.0078"


def test_over_training_each_run_has_the_exact_value_of_its_epsilon_at_every_step():
    falling = [said(step=step, epsilon=epsilon, valid=0.9) for step, epsilon in ((1, 1.0), (2, 0.5), (4, 0.0))]
    figure = valid_over_training([course(*falling)], at=2)
    exact, measured = figure.data
    assert exact.y == pytest.approx((1.0, 0.49785, 0.017056), abs=1e-5)
    assert tuple(measured.x) == (1, 2, 4)
    assert [shape.x0 for shape in figure.layout.shapes] == [2]


def test_nonsense_by_length_has_theory_on_both_sides():
    independent, exact, measured = nonsense_by_length(course(said(epsilon=1.0, valid=1.0))).data
    assert independent.y[3] == pytest.approx(0.882)
    assert list(exact.y) == pytest.approx([0] * 8, abs=1e-6)
    assert list(measured.y) == [0] * 8


def test_an_intruders_figures_show_the_predictions_from_it_on_beside_the_sentences_own():
    record = intruders()
    figure = intruder_entropy(record, **WHERE)
    own, disturbed = figure.data
    assert tuple(own.x) == tuple(disturbed.customdata) == tuple(range(1, 8))
    assert np.isnan(disturbed.y[0])
    assert disturbed.y[1] == pytest.approx(record.entropy(0, 1, 13)[2], abs=1e-5)
    assert own.y[1] == pytest.approx(record.entropy(0, 1, int(LECTURE.texts[0, 1]))[2], abs=1e-5)
    assert figure.layout.xaxis.ticktext[:3] == ("I", "<b>drive</b>", "therefore")
    assert figure.layout.shapes[0].x0 == 2
    assert figure.layout.meta["caption"].startswith("After “I drive”: ")
    without, with_it = intruder_distribution(record, **WHERE, then=4).data
    np.testing.assert_allclose(with_it.x, record.at(0, 1, 13)[4], atol=1e-6)
    np.testing.assert_allclose(without.x, record.at(0, 3, int(LECTURE.texts[0, 3]))[4], atol=1e-6)
    assert "I drive therefore I" in intruder_distribution(record, **WHERE, then=4).layout.xaxis.title.text


def test_what_was_predicted_before_the_intruder_was_read_is_not_asked_for():
    record = intruders()
    for then in (0, 1, 99):
        assert intruder_entropy(record, **WHERE, then=then).layout.shapes[0].x0 == 2
    own = {"sentence": 0, "place": 1, "word": int(LECTURE.texts[0, 1])}
    assert "own word" in intruder_entropy(record, **own).layout.meta["caption"]


@pytest.mark.parametrize(
    "figure",
    [
        word_tree(None),
        word_marginals(None),
        nonsense_by_length(None),
        valid_over_training([course()]),
        intruder_entropy(None, **WHERE),
        intruder_distribution(None, **WHERE),
    ],
)
def test_empty_figures_say_why(figure):
    assert (
        "comes with the first" in figure.layout.annotations[0].text or "come with" in figure.layout.annotations[0].text
    )


def test_without_runs_the_curve_is_there_and_says_what_to_do():
    figure = valid_by_epsilon([])
    assert len(figure.data) == 1
    assert "press Train" in figure.layout.meta["caption"]


def test_words_are_never_markup():
    nasty = Language.of(["<b>x</b> &amp; y", "<script> z"], [0.5, 0.5], ["<i>"])
    tree = grow(Independent(nasty), nasty)
    record = intruders(nasty)
    where = {"sentence": 0, "place": 1, "word": len(nasty.words) - 1}
    line = Line("<b>run</b>", "lstm")
    for look in (Look(), DARK):
        for figure in (
            word_tree.plain(tree, look),
            word_marginals.plain(tree, look),
            intruder_entropy.plain(record, look, **where),
            intruder_distribution.plain(record, look, **where),
            valid_by_epsilon.plain([course(said(), line=line)], look),
            valid_over_training.plain([course(said(), line=line)], look),
            nonsense_by_length.plain(course(said(), line=line), look),
        ):
            text = to_json(encode(figure)).decode()
            for mark in ("<b>x", "<script", "<i>", "&amp;", "<b>run"):
                assert mark not in text


def test_shares_are_short():
    found = [share(value) for value in (0, 0.0004, 0.017056, 0.3, 0.882, 0.9999, 1)]
    assert found == ["0%", "0.04%", "1.7%", "30%", "88.2%", "100%", "100%"]
