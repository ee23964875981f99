"""Claims about figures: right axes, fixed meanings, no markup from data, no blank charts."""

import itertools
import json
import math

import numpy as np
import pytest

from dashboard.figures.base import Line, Look, lines, plain, shown, smooth, thin
from dashboard.figures.gate_activity import gate_activity
from dashboard.figures.gradient_flow import RANGE, gradient_flow
from dashboard.figures.gradient_norm import gradient_norm
from dashboard.figures.learning_curve import Curve, learning_curve
from dashboard.figures.saturation import saturation
from dashboard.live.encoding import LEVELS, encode, to_json
from dashboard.theme import CELL_COLOURS, GATE_COLOURS, PALETTES, cell_colour, diverging
from rnncore.cells import CELLS, TORCH_CELLS
from rnncore.records import Baselines, GateActivity, GradientFlow, Saturation

LSTM = Line("LSTM · 8", "lstm")
DARK = Look("dark", "run1")


def flow(norms, factor=0.5, cell=True):
    norms = np.atleast_2d(np.asarray(norms, np.float32))
    none = np.zeros((0, norms.shape[1]), np.float32)
    return GradientFlow(
        step=1,
        cell="lstm",
        sequences=8,
        hidden_total=norms * 2,
        hidden_last=norms,
        hidden_direct=norms,
        cell_total=norms if cell else none,
        cell_last=norms if cell else none,
        factor=np.full(len(norms), factor),
        half_life=np.full(len(norms), math.log(0.5) / math.log(factor) if factor not in (0, 1) else math.inf),
    )


def gates(text=("a", "<", "\n"), units=8, cell="lstm", value=0.25):
    channels = [gate.symbol for gate in CELLS[cell].gates] + ["h"] + (["c"] if cell == "lstm" else [])
    values = np.full((1, len(channels), len(text), units), value, np.float32)
    return GateActivity(
        step=1,
        cell=cell,
        hidden_size=units * 2,
        text=tuple(text),
        targets=tuple(text),
        channels=tuple(channels),
        units=np.arange(0, units * 2, 2),
        values=values,
    )


def train(steps=50, loss=2.0, norm=0.5, clip=1.0):
    step = np.arange(1, steps + 1)
    return {
        "step": step,
        "seconds": step * 0.1,
        "loss": np.full(steps, loss),
        "grad_norm": np.full(steps, norm),
        "clip_norm": np.full(steps, clip),
        "lr": np.full(steps, 1e-3),
    }


def test_the_lag_grows_to_the_left_on_a_log_axis_that_does_not_follow_the_data_inwards():
    for norms in ([1e-3, 1e-2, 1e-1], [1.0, 1.0, 1.0], [1e-30, 1e-10, 1.0]):
        layout = gradient_flow([(LSTM, flow(norms))]).layout
        left, right = layout.xaxis.range
        assert left > len(norms) - 1 > 0 > right
        assert layout.yaxis.type == "log"
        assert tuple(layout.yaxis.range) == RANGE


def test_the_log_axis_grows_in_whole_blocks_when_the_gradient_explodes():
    assert tuple(gradient_flow([(LSTM, flow([1e5, 1e2, 1.0]))]).layout.yaxis.range) == (-8, 6)
    assert gradient_flow([(LSTM, flow([1e37, 1e2, 1.0]))]).layout.yaxis.range[1] <= 38


def test_the_drawn_fit_is_the_least_squares_line_of_the_curve():
    lags = np.arange(9, -1, -1)
    norms = 3.0 * 0.8**lags
    fig = gradient_flow([(LSTM, flow(norms, factor=0.8))])
    drawn = next(trace for trace in fig.data if trace.name == "fit")
    np.testing.assert_allclose(drawn.y, norms, rtol=1e-5)
    np.testing.assert_array_equal(drawn.x, lags)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_values_without_a_place_on_a_log_axis_leave_a_gap(bad):
    fig = gradient_flow([(LSTM, flow([1.0, bad, 1.0]))])
    main = next(trace for trace in fig.data if trace.name == "h, last loss")
    assert np.isnan(main.y[1])
    assert "no longer finite" in fig.layout.meta["caption"] or bad == 0.0


def test_captions_say_the_factor_and_half_life_in_words():
    words = gradient_flow([(LSTM, flow([0.25, 0.5, 1.0], factor=0.5))]).layout.meta["caption"]
    assert words == "factor 0.500 per step, half-life 1 steps"
    assert "doubles every" in gradient_flow([(LSTM, flow([4, 2, 1], factor=2.0))]).layout.meta["caption"]


def test_two_runs_of_the_same_cell_are_told_apart_by_dashes_and_of_others_by_colour():
    assert [line.dash for line in lines([("a", "lstm"), ("b", "lstm"), ("c", "gru")])] == ["solid", "dash", "solid"]
    assert cell_colour("lstm", "light") != cell_colour("gru", "light")


def _luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("table", [CELL_COLOURS, GATE_COLOURS], ids=["cells", "gates"])
def test_every_meaningful_colour_is_legible_on_its_card(mode, table):
    card = _luminance(PALETTES[mode].card)
    for name, colours in table.items():
        own = _luminance(colours[mode])
        contrast = (max(card, own) + 0.05) / (min(card, own) + 0.05)
        assert contrast >= 3.9, (name, contrast)


def test_heatmap_columns_are_labelled_with_the_characters_read_and_no_markup_survives():
    fig = gate_activity(gates(text=("<", "b", ">", "&", " ", "\n", "\t", "\x00")), CELLS["lstm"].gates)
    assert fig.layout.xaxis.ticktext == ("‹", "b", "›", "＆", "·", "↵", "→", "□")
    text = fig.to_json()
    assert "<b>i</b>" not in "".join(fig.layout.xaxis.ticktext)
    assert text.count("<script") == 0


def test_there_is_one_heatmap_per_gate_and_state_with_the_values_of_the_record():
    record = gates(value=0.75)
    fig = gate_activity(record, CELLS["lstm"].gates)
    assert len(fig.data) == 6
    for trace in fig.data:
        np.testing.assert_allclose(trace.z, 0.75)
        assert trace.z.shape == (8, 3)
    assert [(trace.zmin, trace.zmax) for trace in fig.data] == [(0, 1), (0, 1), (-1, 1), (0, 1), (-1, 1), (-1, 1)]


def test_rows_are_named_by_the_true_unit_number():
    fig = gate_activity(gates(), CELLS["lstm"].gates)
    assert list(fig.data[0].y) == [str(unit) for unit in range(0, 16, 2)]


def test_one_channel_by_itself_is_drawn_large():
    fig = gate_activity(gates(), CELLS["lstm"].gates, channel="f")
    assert len(fig.data) == 1
    assert "f = " in fig.data[0].hovertemplate


def test_long_sequences_label_only_as_many_characters_as_fit():
    fig = gate_activity(gates(text=["x"] * 500), CELLS["lstm"].gates)
    assert 50 <= len(fig.layout.xaxis.ticktext) <= 160


def test_a_plain_rnn_shows_its_hidden_state():
    fig = gate_activity(gates(cell="rnn_tanh"), CELLS["rnn_tanh"].gates)
    assert [trace.zmin for trace in fig.data] == [-1]


def test_saturation_puts_each_unit_where_its_shares_are():
    record = Saturation(
        step=1,
        cell="lstm",
        gates=("i", "f", "o"),
        left=np.array([[[0.1, 0.2], [0.3, 0.4], [0, 1]]]),
        right=np.array([[[0.5, 0.6], [0.0, 0.1], [1, 0]]]),
    )
    fig = saturation(record, {"i": "input", "f": "forget", "o": "output"})
    np.testing.assert_allclose(fig.data[1].x, [0.3, 0.4])
    np.testing.assert_allclose(fig.data[1].y, [0.0, 0.1], atol=1e-7)
    assert fig.data[1].name == "f forget"
    assert "f shut 35% / open 5%" in fig.layout.meta["caption"]


def test_the_loss_is_drawn_in_bits_with_the_baselines_as_labelled_lines():
    floors = Baselines(step=0, vocab_size=64, uniform=6.0, orders=(1, 2, 3), bits=(4.8, 3.6, 2.9))
    fig = learning_curve(
        [Curve(LSTM, train(loss=math.log(2) * 3), {"step": np.array([1]), "loss": np.array([2.0])})], floors
    )
    mean = next(trace for trace in fig.data if trace.name == "training")
    np.testing.assert_allclose(mean.y, 3.0, rtol=1e-6)
    assert {a.text for a in fig.layout.annotations} >= {"uniform", "1-gram", "2-gram", "3-gram"}
    assert fig.layout.yaxis.title.text == "bits per character"
    assert "better than a 3-gram" in fig.layout.meta["caption"]  # 2.89 in validation


def test_an_exploded_loss_does_not_hide_the_rest():
    floors = Baselines(step=0, vocab_size=64, uniform=6.0, orders=(1,), bits=(4.8,))
    fig = learning_curve([Curve(LSTM, train(loss=500.0))], floors)
    assert fig.layout.yaxis.range[1] <= 10


def test_the_threshold_follows_its_changes_and_clipped_steps_are_marked():
    series = train(steps=6, norm=2.0, clip=1.0)
    series["clip_norm"] = np.array([1.0, 1.0, 3.0, 3.0, np.nan, np.nan])
    fig = gradient_norm([(LSTM, series)])
    threshold = next(trace for trace in fig.data if trace.name == "threshold")
    assert list(threshold.x)[:2] == [1, 3]
    clipped = next(trace for trace in fig.data if trace.name == "clipped")
    assert list(clipped.x) == [1, 2]
    assert "clipping is off" in fig.layout.meta["caption"]


@pytest.mark.parametrize(
    "fig",
    [
        learning_curve([], look=DARK),
        learning_curve([Curve(LSTM, {})]),
        gradient_flow([]),
        gradient_norm([]),
        gate_activity(None, ()),
        saturation(None, {}),
    ],
)
def test_missing_data_is_explained(fig):
    assert len(fig.layout.annotations[0].text) > 15
    assert not fig.data


def test_thinning_keeps_the_extremes_and_the_ends():
    y = np.sin(np.arange(100_000) / 50.0)
    y[54_321] = 9.0
    x, thinned = thin(np.arange(100_000), y)
    assert len(x) <= 602
    assert thinned.max() == 9.0
    assert (x[0], x[-1]) == (0, 99_999)
    assert (np.diff(x) > 0).all()


def test_the_running_mean_is_the_mean_of_the_last_values():
    y = np.random.default_rng(0).random(30)
    expected = [y[max(0, i - 6) : i + 1].mean() for i in range(30)]
    np.testing.assert_allclose(smooth(y, 7), expected)


def test_labels_cannot_smuggle_markup():
    assert plain("<b>&amp;") == "‹b›＆amp;"
    assert shown("\u202e") == "□"


def test_zoom_is_kept_by_the_look_s_token():
    assert gate_activity(gates(), CELLS["lstm"].gates, DARK).layout.uirevision == "run1"
    assert gradient_flow([], DARK).layout.uirevision == "run1|empty"  # whose axes mean nothing for what follows


def test_hovers_claim_no_more_digits_than_travel():
    for value, digits in ((0.5, 2), (7.0, 1), (40.0, 0)):
        cell = gate_activity(gates(value=value), CELLS["lstm"].gates).data[5]
        assert f"%{{z:.{digits}f}}" in cell.hovertemplate
        assert (cell.zmax - cell.zmin) / LEVELS / 2 <= 10.0**-digits


def test_a_steep_scale_is_the_same_at_its_ends_and_in_its_middle():
    for mode in ("light", "dark"):
        gentle, steep = diverging(mode), diverging(mode, steep=True)
        assert [steep[0], steep[len(steep) // 2], steep[-1]] == [gentle[0], gentle[1], gentle[-1]]
        assert [at for at, _ in steep] == sorted(at for at, _ in steep)


def test_a_few_units_that_run_away_do_not_leave_the_others_pale():
    record = gates(text=("a",) * 10, units=64)
    record.values[0, -1, :, 0] = 900.0  # c of one unit
    record.values[0, -1, :, 1:] = np.linspace(-3, 3, 63)
    fig = gate_activity(record, CELLS["lstm"].gates, channel="c")
    assert fig.data[0].zmax == 5.0
    assert "−5 to 5 and beyond" in fig.layout.annotations[0].text
    record.values[0, -1, :, 0] = 9.0  # not so far off
    fig = gate_activity(record, CELLS["lstm"].gates, channel="c")
    assert fig.data[0].zmax == 10.0
    assert "beyond" not in fig.layout.annotations[0].text


def test_the_live_page_gets_the_same_figures_that_plotly_has_checked():
    floors = Baselines(step=0, vocab_size=64, uniform=6.0, orders=(1, 2, 3), bits=(4.8, 3.6, 2.9))
    shares = Saturation(
        step=1, cell="lstm", gates=("i", "f", "o"), left=np.full((1, 3, 2), 0.2), right=np.full((1, 3, 2), 0.3)
    )
    for draw, arguments in (
        (learning_curve, ([],)),
        (learning_curve, ([Curve(LSTM, train(), {"step": np.array([1]), "loss": np.array([2.0])})], floors, DARK, 7)),
        (gradient_flow, ([],)),
        (gradient_flow, ([(LSTM, flow([0.25, 0.5, 1.0]))], DARK)),
        (gradient_norm, ([(LSTM, train(norm=2.0))], DARK, 7)),
        (gate_activity, (gates(), CELLS["lstm"].gates, DARK)),
        (saturation, (shares, {"i": "input", "f": "forget", "o": "output"}, DARK)),
    ):
        fig = draw(*arguments)
        assert fig.layout.template.layout.font.color is not None
        assert json.loads(to_json(encode(draw.plain(*arguments)))) == json.loads(to_json(encode(fig)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_a_diverged_loss_ends_the_line_and_is_said_in_words(bad):
    series = train(steps=300)
    series["loss"][200:] = bad
    fig = learning_curve([Curve(LSTM, series)])
    mean = next(trace for trace in fig.data if trace.name == "training")
    assert np.isnan(mean.y[200:]).all()
    np.testing.assert_allclose(mean.y[:200], 2 / math.log(2), rtol=1e-6)
    assert max(fig.layout.yaxis.range) < 10
    assert fig.layout.meta["caption"] == "the loss is not finite since step 201"


def test_one_infinite_loss_leaves_a_gap_and_does_not_stain_the_mean():
    series = train(steps=300)
    series["loss"][200] = np.inf
    mean = next(t for t in learning_curve([Curve(LSTM, series)]).data if t.name == "training")
    assert np.flatnonzero(np.isnan(mean.y)).tolist() == [200]
    np.testing.assert_allclose(mean.y[201:], 2 / math.log(2), rtol=1e-6)


def test_a_run_that_was_never_finite_is_drawn_all_the_same():
    series = train(steps=3, loss=np.nan, norm=np.nan)
    fig = learning_curve([Curve(LSTM, series, {"step": np.array([1]), "loss": np.array([np.nan])})])
    assert "since step 1" in fig.layout.meta["caption"]
    assert np.isfinite(fig.layout.yaxis.range).all()
    assert "no longer finite" in gradient_norm([(LSTM, series)]).layout.meta["caption"]


def test_without_baselines_an_explosion_does_not_hide_the_rest_either():
    series = train(steps=100)
    series["loss"][50:] = 1e6
    assert learning_curve([Curve(LSTM, series)]).layout.yaxis.range[1] < 5


def test_an_infinite_gradient_norm_leaves_a_gap_and_counts_as_clipped():
    series = train(steps=100)
    series["grad_norm"][50:99] = np.inf
    fig = gradient_norm([(LSTM, series)])
    assert np.isnan(fig.data[0].y[50:99]).all()
    assert "49% of the last 100 steps clipped" in fig.layout.meta["caption"]


def test_baselines_are_held_against_the_validation_loss_only():
    floors = Baselines(step=0, vocab_size=64, uniform=6.0, orders=(1, 2, 3, 4), bits=(4.8, 3.6, 2.9, 3.1))
    learned = train(loss=math.log(2) * 1.0)
    alone = learning_curve([Curve(LSTM, learned)], floors).layout.meta["caption"]
    assert "-gram" not in alone  # the training text is no place to compare
    held_out = {"step": np.array([1]), "loss": np.array([math.log(2) * 3.0])}
    words = learning_curve([Curve(LSTM, learned, held_out)], floors).layout.meta["caption"]
    assert words.endswith("3.00 in validation at step 1; better than a 4-gram")  # 3.1; the 3-gram's 2.9 is better still


def test_values_that_are_not_finite_are_blank_in_a_heatmap_and_counted():
    record = gates()
    record.values[0, 1, 1, :] = np.nan
    fig = gate_activity(record, CELLS["lstm"].gates)
    assert "6% of the values are not finite" in fig.layout.meta["caption"]
    sent = encode(fig)["data"][1]
    assert (sent["z"][:, 1] == sent["meta"]["blank"]).all()
    assert (sent["z"][:, [0, 2]] <= sent["meta"]["levels"]).all()


def test_what_retain_grad_would_show_is_drawn_on_request():
    record = flow([0.1, 0.2, 0.4])
    names = [trace.name for trace in gradient_flow([(LSTM, record)]).data]
    assert "h, direct part only" not in names
    trace = next(t for t in gradient_flow([(LSTM, record)], direct=True).data if t.name == "h, direct part only")
    np.testing.assert_allclose(trace.y, record.hidden_direct[0])
    assert trace.line.dash == "dot"


# Machado, Oliveira & Fernandes 2009, full severity, on linear RGB.
_SEEN = {
    "by most": np.eye(3),
    "without green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "without red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}


def _oklab(linear):  # Ottosson 2020
    to_cone = [[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]]
    to_lab = [[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]]
    return np.array(to_lab) @ np.cbrt(np.array(to_cone) @ np.clip(linear, 0, 1))


def _apart(one, other, eye):
    def linear(colour):
        parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)

    return np.linalg.norm(_oklab(_SEEN[eye] @ linear(one)) - _oklab(_SEEN[eye] @ linear(other)))


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("eye", _SEEN)
def test_colours_that_meet_in_one_plot_stay_apart_for_every_eye(mode, eye):
    together = [[CELL_COLOURS[cell][mode] for cell in cells] for cells in (TORCH_CELLS, ("conv_lstm", "lstm", "gru"))]
    together += [[GATE_COLOURS[symbol][mode] for symbol in symbols] for symbols in ("ifo", "rz")]  # saturation
    for colours in together:
        for one, other in itertools.combinations(colours, 2):
            assert _apart(one, other, eye) > 0.08, (one, other)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_cell_has_a_colour_of_its_own(mode):
    colours = {cell: CELL_COLOURS[cell][mode] for cell in CELLS}
    for one, other in itertools.combinations(colours, 2):
        assert _apart(colours[one], colours[other], "by most") > 0.02, (one, other)


def test_a_norm_over_many_decades_is_marked_in_powers_of_ten_and_explained_once():
    series = train(steps=100)
    series["grad_norm"] = np.geomspace(0.1, 1e4, 100)
    fig = gradient_norm([(LSTM, series), (Line("GRU", "gru"), series)])
    assert fig.layout.yaxis.dtick == 1
    assert gradient_norm([(LSTM, train())]).layout.yaxis.dtick == "D2"
    explained = [trace.name for trace in fig.data if trace.showlegend is not False]
    assert sorted(explained) == ["GRU", "LSTM · 8", "clipped", "threshold"]
