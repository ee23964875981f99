"""Claims about the charts of sample quality: every measure beside its levels, and no chart of what was not measured."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.sample_quality import SCALES, Quality, caption, names_shown, sample_quality
from dashboard.live.encoding import encode, to_json
from rnncore.generation.quality.measures import MEASURES
from rnncore.records import QualityLevels, SampleQuality

LSTM, GRU = Line("LSTM · 8", "lstm"), Line("GRU · 8", "gru")
NAMES = ("valid_words", "ngram_bits", "copied", "distinct_1")


def quality(step=1, values=(0.5, 3.0, 12.0, 0.4), names=NAMES, copied="to be or", **changes) -> SampleQuality:
    count = len(names)
    given = {
        "spread": np.array([math.nan if name.startswith("distinct") else 0.1 for name in names]),
        "defined": np.array([1 if name.startswith("distinct") else 14 for name in names]),
        "samples": 16,
        "length": 300,
        "temperature": 0.8,
        "copied": copied,
        "copied_at": 1234,
        "copied_line": 56,
        "copied_before": "\n",
        "copied_after": " not to be",
    }
    return SampleQuality(step=step, names=tuple(names), values=np.array(values[:count]), **{**given, **changes})


def levels(names=NAMES, **changes) -> QualityLevels:
    given = {"order": 5, "samples": 16, "length": 300, "pieces": 64, "counted": 900, "training": 900}
    return QualityLevels(
        step=0,
        names=tuple(names),
        text=np.array([0.95, 2.2, 17.0, 0.42][: len(names)]),
        ngram=np.array([0.88, 1.9, 16.9, 0.45][: len(names)]),
        uniform=np.array([0.1, 14.0, 3.0, math.nan][: len(names)]),
        **{**given, **changes},
    )


def run(*steps, line=LSTM, **changes) -> Quality:
    return Quality(line, [quality(step, **changes) for step in steps])


def heights(figure) -> list[float]:
    return [shape.y0 for shape in figure.layout.shapes if shape.y0 == shape.y1]


def test_every_measure_has_a_chart():
    assert set(SCALES) == set(MEASURES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_each_chart_shows_the_line_and_every_level_that_is_known(name, mode):
    record = levels()
    figure = sample_quality(name, [run(1, 10, 100)], record, Look(mode))
    line = figure.data[-1]
    place = NAMES.index(name)
    assert list(line.x) == [1, 10, 100]
    np.testing.assert_allclose(line.y, [quality().values[place]] * 3, rtol=1e-6)
    known = [float(values[place]) for values in (record.text, record.ngram, record.uniform)]
    assert heights(figure) == [value for value in known if not math.isnan(value)]
    low, high = figure.layout.yaxis.range
    assert all(low <= value <= high for value in heights(figure))
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.title.text == "training step"
    assert figure.layout.yaxis.title.text


def test_the_band_is_the_standard_deviation_of_the_samples_and_pooled_measures_have_none():
    figure = sample_quality("valid_words", [run(1, 10)], levels())
    below, above, _ = figure.data
    np.testing.assert_allclose(below.y, [0.4, 0.4], rtol=1e-6)
    np.testing.assert_allclose(above.y, [0.6, 0.6], rtol=1e-6)
    assert len(sample_quality("distinct_1", [run(1, 10)], levels()).data) == 1


def test_names_of_levels_that_would_overlap_give_way_to_that_of_the_text():
    def named(figure):
        return [note.text for note in figure.layout.annotations if note.xanchor == "left" and note.x > 1]

    assert named(sample_quality("valid_words", [run(1)], levels())) == ["text", "uniform"]
    far = levels(names=("valid_words",))
    assert named(sample_quality("valid_words", [run(1)], far)) == ["text", "uniform"]
    apart = QualityLevels(**{**vars(far), "ngram": np.array([0.5])})
    assert named(sample_quality("valid_words", [run(1)], apart)) == ["text", "5-gram", "uniform"]


def test_two_runs_have_a_line_each_one_legend_and_no_bands():
    runs = [run(1, 10), run(1, 20, line=GRU)]
    figures = [sample_quality(name, runs, levels(), first=index == 0) for index, name in enumerate(NAMES)]
    for figure in figures:
        assert [trace.name for trace in figure.data] == ["LSTM · 8", "GRU · 8"]
        assert len({trace.line.color for trace in figure.data}) == 2
    assert [figure.layout.showlegend for figure in figures] == [True, False, False, False]
    assert figures[0].layout.margin.t == figures[1].layout.margin.t


def test_a_moment_in_the_past_is_marked_and_its_value_is_the_one_in_the_title():
    records = [quality(1, (0.1,), NAMES[:1]), quality(50, (0.5,), NAMES[:1]), quality(900, (0.9,), NAMES[:1])]

    def title(at):
        return sample_quality("valid_words", [Quality(LSTM, records)], levels(), at=at).layout.annotations[-2].text

    assert "90%" in title(None)
    assert "50%" in title(60)
    figure = sample_quality("valid_words", [Quality(LSTM, records)], levels(), at=60)
    assert [shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1] == [60]


def test_a_measure_that_is_undefined_leaves_a_gap_and_no_crash():
    names = ("quotes",)
    records = [quality(1, (math.nan,), names), quality(2, (0.5,), names), quality(4, (math.nan,), names)]
    figure = sample_quality("quotes", [Quality(LSTM, records)], None)
    assert np.isnan(figure.data[-1].y).tolist() == [True, False, True]
    assert "50%" in figure.layout.annotations[-2].text  # as it was last known
    to_json(encode(figure))
    alone = sample_quality("quotes", [Quality(LSTM, records[:1])], None)
    assert "–" in alone.layout.annotations[-2].text
    assert list(alone.layout.xaxis.range) == pytest.approx([-0.06, 1.06])


@pytest.mark.parametrize(("samples", "drawn"), [(1, False), (2, False), (3, True)])
def test_a_value_of_too_few_samples_is_not_drawn(samples, drawn):
    record = quality(1, (0.5,), ("quotes",), defined=np.array([samples]))
    figure = sample_quality("quotes", [Quality(LSTM, [record])], None)
    assert np.isfinite(figure.data[-1].y).tolist() == [drawn]
    assert ("50%" in figure.layout.annotations[-2].text) == drawn


def test_the_band_ends_where_there_are_no_such_shares():
    record = quality(1, (0.9,), ("valid_words",), spread=np.array([0.95]))
    below, above, _ = sample_quality("valid_words", [Quality(LSTM, [record, record])], None).data
    assert (min(below.y), max(above.y)) == (0, 1)


def test_charts_stand_in_one_order_whatever_the_order_of_the_record():
    assert names_shown([run(1, names=("copied", "valid_words"))]) == ["valid_words", "copied"]
    assert names_shown([Quality(LSTM, [])]) == []


def test_the_caption_says_what_was_measured_and_what_was_left_out():
    words = caption([run(1)], levels())
    assert "16 samples of 300 characters" in words
    assert "temperature 0.8" in words
    assert "first" not in words
    assert "the first 900 of 2,000 characters" in caption([run(1)], levels(training=2000))
    assert "different texts" in caption([run(1), run(1, line=GRU)], None)
    both = caption([run(1), run(1, line=GRU, length=600, temperature=1.0)], None)
    assert "300 and 600 characters" in both
    assert "0.8 and 1" in both
    assert caption([Quality(LSTM, [])], None) == ""


def test_markup_in_a_run_s_name_is_text():
    figure = sample_quality("copied", [run(1, line=Line("<b>x</b>", "lstm")), run(1, line=GRU)], None, first=True)
    assert "<" not in figure.data[0].name
