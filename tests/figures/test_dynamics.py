"""Claims about the figures of dynamics: true numbers, both paths of an LSTM named, captions that say what they mean."""

import json
import math

import numpy as np
import pytest

from dashboard.figures.base import Line, Look
from dashboard.figures.dynamics import LOWEST, eigenvalues, nearest, singular_values
from dashboard.figures.dynamics_growth import along_sequence, growth_by_lag
from dashboard.figures.dynamics_lyapunov import in_words, lyapunov_convergence, lyapunov_spectrum
from dashboard.live.encoding import encode, to_json
from dashboard.theme import cell_colour, gate_colour
from rnncore.records import LyapunovSpectrum, StepJacobian

LSTM, GRU = Line("LSTM · 2", "lstm"), Line("GRU · 2", "gru")
DARK = Look("dark", "run1")
LAGS = (1, 4, 32)


def jacobian(cell="lstm", size=4, layers=1, note="", singular=None, products=None, bound=math.nan, outside=0):
    """N = 3 steps; eigenvalues of size .5, ``outside`` of them 2i."""
    if note:
        size, steps, lags = 0, np.zeros(0, int), ()
    else:
        steps, lags = np.array([0, 5, 9]), LAGS
    values = np.zeros((layers, len(steps), size, 2))
    values[..., 0] = 0.5
    values[..., :outside, :] = [0.0, 2.0]
    shape = (layers, len(lags), size)
    sigma = np.linspace(1.5, 0.1, size) if singular is None else np.asarray(singular, float)
    many = np.stack([sigma * 0.5 ** (lag - 1) for lag in lags]) if products is None and size else products
    halves = size // 2 if cell == "lstm" and size else 0
    own = layers if halves else 0
    return StepJacobian(
        step=3,
        cell=cell,
        text=tuple("abcd<\nghij"),
        steps=steps,
        lags=lags,
        eigenvalues=values,
        singular=np.broadcast_to(sigma, (layers, len(steps), size)),
        product_singular=np.broadcast_to(np.zeros(shape) if many is None else many, shape),
        product_radius=np.full(shape[:2], 0.25),
        direct=np.full((own, len(steps), halves), 0.9),
        product_direct=np.broadcast_to(0.9 ** np.array(lags)[None, :, None], (own, len(lags), halves)),
        weight_bound=np.full(layers, bound),
        note=note,
    )


def spectrum(driven=(-0.12, -0.5), free=(-0.3, -0.6), notes=("", ""), running=None, size=8):
    steps = np.linspace(0.5, driven[0], 20) if running is None else np.asarray(running)
    return LyapunovSpectrum(
        step=3,
        cell="lstm",
        state_size=size,
        driven=np.array([driven]),
        driven_running=steps[None],
        driven_warmup=5,
        driven_notes=(notes[0],),
        autonomous=np.array([free]),
        autonomous_running=np.full((1, 30), free[0]),
        autonomous_warmup=5,
        autonomous_notes=(notes[1],),
    )


def caption(fig):
    return fig.layout.meta["caption"]


def test_eigenvalues_stand_in_the_plane_with_the_unit_circle_and_equal_axes():
    fig = eigenvalues([(GRU, jacobian("gru", outside=2))])
    np.testing.assert_allclose(fig.data[0].x, [0, 0, 0.5, 0.5])
    np.testing.assert_allclose(fig.data[0].y, [2, 2, 0, 0])
    (circle,) = fig.layout.shapes
    assert (circle.type, circle.x0, circle.x1, circle.y0, circle.y1) == ("circle", -1, 1, -1, 1)
    assert fig.layout.yaxis.scaleanchor == "x"
    assert fig.layout.xaxis.range[1] > 2
    assert "ρ = 2" in caption(fig)
    assert "2 of 4 outside the circle" in caption(fig)


def test_the_whole_jacobian_of_an_lstm_and_its_direct_path_are_both_named():
    record = jacobian()
    for fig in (eigenvalues([(LSTM, record)]), singular_values([(LSTM, record)], lag=32)):
        names = [trace.name for trace in fig.data]
        assert names[0] == "full Jacobian of (h, c)"
        assert names[1].startswith("direct path c → c, diag(")
        assert "direct path" in caption(fig)
    gru = eigenvalues([(GRU, jacobian("gru"))])
    assert [trace.name for trace in gru.data] == ["Jacobian of h"]


def test_a_click_chooses_the_nearest_step_that_was_looked_at():
    record = jacobian("gru")
    assert [nearest(record, t) for t in (None, 0, 3, 6, 999)] == [2, 0, 1, 1, 2]
    assert "at step 5, reading “↵”" in caption(eigenvalues([(GRU, record)], t=6))
    assert "at step 9" in caption(eigenvalues([(GRU, record)]))
    (marker,) = (shape for shape in along_sequence([(GRU, record)], t=6).layout.shapes if shape.x0 == shape.x1)
    assert marker.x0 == 5


def test_the_histogram_holds_every_singular_value_and_has_a_line_at_one():
    values = np.logspace(-3, 0.5, 40)
    fig = singular_values([(GRU, jacobian("gru", size=40, singular=values))])
    assert fig.layout.xaxis.type == "log"
    assert float(np.sum(fig.data[0].y[:-1])) == pytest.approx(1)
    assert tuple(fig.layout.xaxis.range) == (-4, 1)
    assert any(shape.x0 == shape.x1 == 1 for shape in fig.layout.shapes)


def test_the_axis_ends_where_precision_does_and_the_rest_is_counted():
    products = np.stack([np.array([1.0, 1e-2, 1e-9, 0.0])] * 3)
    fig = singular_values([(GRU, jacobian("gru", products=products))], lag=32)
    assert fig.layout.xaxis.range[0] == -12
    assert "1 of 4 are below 1e−12" in caption(fig)
    tiny = np.stack([np.array([1.0, 1e-2, 1e-30, 1e-60])] * 3)
    fig = singular_values([(GRU, jacobian("gru", products=tiny))], lag=32)
    assert fig.layout.xaxis.range[0] == LOWEST


@pytest.mark.parametrize(
    ("asked", "found"), [(1, "step 9"), (4, "last 4 steps"), (8, "last 4 steps"), (999, "last 32")]
)
def test_the_lag_asked_for_or_the_nearest_that_was_measured_is_shown(asked, found):
    assert found in caption(singular_values([(GRU, jacobian("gru"))], lag=asked))


def test_one_step_is_drawn_against_the_sequence_with_a_line_at_one():
    fig = along_sequence([(GRU, jacobian("gru"))])
    sigma, rho = fig.data
    np.testing.assert_array_equal(sigma.x, [0, 5, 9])
    np.testing.assert_allclose(sigma.y, 1.5)
    np.testing.assert_allclose(rho.y, 0.5)
    assert any(shape.y0 == shape.y1 == 1 for shape in fig.layout.shapes)
    assert caption(fig) == "σ_max above 1 at 3 of 3 steps looked at, ρ at 0"


@pytest.mark.parametrize(("bound", "words"), [(0.9, "the gradient must vanish"), (1.2, "this alone proves nothing")])
def test_the_bound_of_pascanu_is_sufficient_for_vanishing_only(bound, words):
    fig = along_sequence([(Line("RNN", "rnn_tanh"), jacobian("rnn_tanh", bound=bound))])
    assert f"σ_max(W_hh)·γ = {bound}, " in caption(fig)
    assert words in caption(fig)


def test_growth_over_a_lag_is_the_root_of_the_product():
    fig = growth_by_lag([(LSTM, jacobian())], exponents={LSTM: spectrum()})
    curves = {trace.name: trace for trace in fig.data}
    sigma, direct = curves["σ<sub>max</sub>"], curves["direct path c → c, max Π f"]
    np.testing.assert_array_equal(sigma.x, LAGS)
    np.testing.assert_allclose(sigma.y, [(1.5 * 0.5 ** (lag - 1)) ** (1 / lag) for lag in LAGS], rtol=1e-6)
    np.testing.assert_allclose(direct.y, 0.9, rtol=1e-6)
    np.testing.assert_allclose(curves["e<sup>λ₁</sup>, the limit"].y, math.exp(-0.12))
    assert "0.517 per step over 32 steps; a change becomes at most 1.5 of itself in one step" in caption(fig)


def test_a_product_of_nothing_is_said_to_be():
    fig = growth_by_lag([(GRU, jacobian("gru", products=np.zeros((3, 4))))])
    assert caption(fig) == "nothing of a change is left after 32 steps"
    assert np.isnan(fig.data[0].y).all()


def test_convergence_shows_both_kinds_and_says_whether_it_has_settled():
    settled = np.r_[np.linspace(1, -0.12, 10), np.full(10, -0.12)]
    fig = lyapunov_convergence([(LSTM, spectrum(running=settled))])
    assert [trace.name for trace in fig.data] == ["on the data", "left to itself"]
    np.testing.assert_allclose(fig.data[0].y, settled, rtol=1e-6)
    assert any(shape.y0 == shape.y1 == 0 for shape in fig.layout.shapes)
    assert "λ₁ = −0.12 per step, a change halves every 5.8 steps (settled within 0)" in caption(fig)
    moving = lyapunov_convergence([(LSTM, spectrum(running=np.linspace(1, 0, 20)))])
    assert "not settled, it still moved by 0.47" in caption(moving)


@pytest.mark.parametrize(
    ("exponent", "words"),
    [(-0.12, "halves every 5.8 steps"), (0.1, "doubles every 6.9 steps"), (0.0, "about keeps its size"),
     (-math.inf, "is gone at once")],
)  # fmt: skip
def test_an_exponent_is_said_in_words(exponent, words):
    assert in_words(exponent) == f"a change {words}"


def test_an_exponent_no_larger_than_its_uncertainty_tells_neither_growth_nor_decay():
    running = np.r_[np.zeros(10), np.linspace(0.0, -0.01, 10)]
    words = caption(lyapunov_convergence([(LSTM, spectrum(driven=(-0.01, -1.0), running=running))]))
    assert "λ₁ = −0.01 per step, a change about keeps its size (settled within 0.01)" in words


def test_the_axis_of_an_exponent_near_zero_does_not_magnify_it():
    fig = lyapunov_convergence([(LSTM, spectrum(driven=(0.001, 0), free=(0.001, 0), running=np.full(9, 0.001)))])
    low, high = fig.layout.yaxis.range
    assert low <= -0.1
    assert high >= 0.1


def test_the_spectrum_counts_what_is_above_zero_and_what_is_shut():
    fig = lyapunov_spectrum([(LSTM, spectrum(driven=(0.2, -0.5, -math.inf), free=(-0.3, -0.6, -0.7)))])
    np.testing.assert_array_equal(fig.data[0].x, [1, 2, 3])
    assert np.isnan(fig.data[0].y[2])
    words = caption(fig)
    assert words.startswith("the 3 largest of 8 exponents; on the data: 1 above 0, 1 of −∞ (shut exactly)")
    assert lyapunov_spectrum([(LSTM, spectrum(size=2))]).layout.meta["caption"].startswith("all 2 exponents")


def test_a_kind_that_could_not_be_measured_says_why_and_leaves_the_other():
    why = "the state grows beyond all numbers within 12 steps"
    record = spectrum(free=(math.nan, math.nan), notes=("", why))
    fig = lyapunov_convergence([(LSTM, record)])
    assert f"left to itself: {why}" in caption(fig)
    assert np.isfinite(fig.data[0].y).all()
    nothing = spectrum(driven=(math.nan,) * 2, free=(math.nan,) * 2, notes=("states must be finite", why))
    for draw in (lyapunov_convergence, lyapunov_spectrum):
        message = draw([(LSTM, nothing)])
        assert not message.data
        assert "states must be finite" in message.layout.annotations[0].text


def test_two_runs_are_told_apart_by_the_colour_of_their_cells_and_named_in_captions():
    pairs = [(LSTM, jacobian()), (GRU, jacobian("gru"))]
    for draw in (along_sequence, growth_by_lag, singular_values):
        fig = draw(pairs, DARK)
        colours = {trace.line.color for trace in fig.data}
        assert {cell_colour("lstm", "dark"), cell_colour("gru", "dark")} <= colours
        assert colours <= {cell_colour("lstm", "dark"), cell_colour("gru", "dark"), gate_colour("c", "dark")}
        assert "LSTM · 2: " in caption(fig)
        assert "; GRU · 2: " in caption(fig)
    for draw in (lyapunov_convergence, lyapunov_spectrum):
        fig = draw([(LSTM, spectrum()), (GRU, spectrum())])
        assert [trace.name for trace in fig.data if trace.showlegend is not False] == ["LSTM · 2", "GRU · 2"]


def test_a_run_that_was_too_large_does_not_hide_the_other():
    note = "the state has 2,048 components <b>"
    fig = eigenvalues([(LSTM, jacobian(note=note)), (GRU, jacobian("gru"))])
    assert len(fig.data) == 1
    assert "LSTM · 2: the state has 2,048 components ‹b›" in caption(fig)
    alone = singular_values([(LSTM, jacobian(note=note))])
    assert "2,048 components ‹b›" in alone.layout.annotations[0].text


def test_a_layer_that_a_run_lacks_is_its_top_one():
    for draw, record in ((eigenvalues, jacobian()), (along_sequence, jacobian()), (lyapunov_convergence, spectrum())):
        assert draw([(LSTM, record)], layer=3).data


@pytest.mark.parametrize(
    "draw", [eigenvalues, singular_values, along_sequence, growth_by_lag, lyapunov_convergence, lyapunov_spectrum]
)
def test_missing_data_is_explained(draw):
    fig = draw([])
    assert "first measurement" in fig.layout.annotations[0].text
    assert not fig.data


def test_the_live_page_gets_the_same_figures_that_plotly_has_checked():
    for draw, records in (
        (eigenvalues, [(LSTM, jacobian(outside=1))]),
        (singular_values, [(LSTM, jacobian())]),
        (along_sequence, [(LSTM, jacobian())]),
        (growth_by_lag, [(LSTM, jacobian()), (GRU, jacobian("gru"))]),
        (lyapunov_convergence, [(LSTM, spectrum())]),
        (lyapunov_spectrum, [(LSTM, spectrum())]),
    ):
        fig = draw(records, DARK)
        assert json.loads(to_json(encode(draw.plain(records, DARK)))) == json.loads(to_json(encode(fig)))
        assert fig.layout.uirevision == "run1"
