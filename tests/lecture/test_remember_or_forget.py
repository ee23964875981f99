"""Claims about Remember or forget: the gradient is Πf by hand; in an LSTM the whole is more than that (check 5)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnncore.errors import ConfigError
from rnncore.lecture import experiment
from rnncore.lecture.measured.remember_or_forget import circuit, lstm, network, products
from rnncore.lecture.remember_or_forget import EXAMPLES, HIDDEN_SIZE, RememberOrForgetSettings
from rnncore.records import Record, RememberOrForget
from tests.lecture.same import same


def found(**settings):
    record = experiment("remember-or-forget", **settings)
    assert isinstance(record, RememberOrForget)
    return record


def own(f, g, **settings):
    return found(example="own", f=f, g=g, **settings)


def test_a_unit_keeps_forgets_and_counts_as_its_numbers_say():
    assert found(example="remember").a.tolist() == [1] * 9
    assert found(example="forget").a.tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0]
    assert found(example="count").a.tolist() == list(range(1, 10))
    assert found(example="replace").a.tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 2]
    assert own(".5 2 0 3", "1, 1, 4 0").a.tolist() == [1, 1.5, 4, 4, 12]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_gradient_is_the_product_of_the_factors_behind_each_step(example):
    record = found(example=example)
    for t in range(len(record.f) + 1):
        assert record.product[t] == pytest.approx(np.prod(record.f[t:]), rel=1e-12)
    np.testing.assert_allclose(record.autograd, record.product, rtol=1e-12)
    step = 1e-6
    moved = [circuit(record.f, np.where(np.arange(len(record.g)) == 2, record.g + d, record.g))[0][-1]
             for d in (step, -step)]  # fmt: skip
    assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(record.product[3], abs=1e-6)  # what is written, too


def settings(**values):
    return RememberOrForgetSettings(**values)


@pytest.mark.parametrize("bias", [0.0, 1.0, 3.0])
def test_the_written_out_lstm_is_pytorch_s_and_its_jacobian_that_of_central_differences(bias):
    chosen = settings(length=6, forget_bias=bias)
    layer, inputs = network(chosen)

    def last(c0):
        zero = torch.zeros(1, HIDDEN_SIZE, dtype=torch.float64)
        with torch.no_grad():
            return layer(inputs, (zero, c0[None]))[1][1][0]

    step, zero = 1e-5, torch.zeros(HIDDEN_SIZE, dtype=torch.float64)
    columns = [
        (last(zero + step * unit) - last(zero - step * unit)) / (2 * step) for unit in torch.eye(HIDDEN_SIZE).double()
    ]
    by_differences = torch.stack(columns, 1)
    error = torch.linalg.matrix_norm(lstm(chosen).jacobians[0] - by_differences)
    assert error <= 1e-6 * torch.linalg.matrix_norm(by_differences)


def test_with_the_gates_inputs_detached_the_direct_path_is_all_that_is_left():
    chosen = settings(length=20)
    forget = lstm(chosen).forget.numpy()
    detached = lstm(chosen, detach=True)
    for t in range(20):
        exact = torch.diag(torch.from_numpy(np.prod(forget[t:], axis=0)))
        assert (detached.jacobians[t] - exact).abs().max() <= 1e-12
    record = found()
    assert record.detached_error <= 1e-12
    assert record.ratio > 1.5
    assert record.answer == "more"


def test_a_gate_s_bias_decides_how_long_the_direct_path_is():
    short, long = found(forget_bias=0.0), found(forget_bias=3.0)
    assert long.forget.mean() == pytest.approx(0.95, abs=0.01)
    assert long.direct[0] > 1e4 * short.direct[0]
    step = found(length=1)
    assert step.direct[0] == pytest.approx(np.sqrt((lstm(settings(length=1)).forget.numpy() ** 2).mean()), rel=1e-12)


def test_both_ends_of_every_slider_give_a_result():
    for length in (1, 100):
        for bias in (-4.0, 8.0):
            record = found(length=length, forget_bias=bias)
            assert np.isfinite(record.total).all()
            assert np.isfinite(record.ratio)
            assert record.answer
    assert found(length=1, forget_bias=8.0).answer == "same"


def test_an_overflow_is_a_result():
    record = own("1e300 1e300 1", "0 0 0")
    assert record.a[-1] == np.inf
    assert record.product[0] == np.inf
    assert record.numbers["kept"] == "an overflow"
    assert "nan" not in " ".join(record.numbers.values())


@pytest.mark.parametrize(
    ("f", "g", "sentence"),
    [
        ("1 x", "1 1", "f must be numbers with spaces between them, got 'x'; write e.g. 1 .5 0"),
        ("1 nan", "1 1", "got 'nan'"),
        ("1 inf", "1 1", "got 'inf'"),
        ("", "1", "f must have between 1 and 24 numbers, got 0"),
        ("1 " * 25, "1", "got 25"),
        ("1 1", "1", "f and g must have as many numbers, got 2 and 1; write a g for every f"),
    ],
)
def test_what_is_no_row_of_numbers_is_refused_in_a_sentence(f, g, sentence):
    with pytest.raises(ConfigError, match=sentence):
        own(f, g)


def test_the_same_seed_gives_the_same_numbers_and_the_record_survives_the_store():
    one, two, other = found(), found(), found(seed=2)
    assert same(one, two)
    assert not same(one, other)
    assert Record.from_bytes(one.to_bytes()).proof == one.proof
    assert len(one.frame()) == 20


def test_a_product_over_no_steps_is_one():
    assert products(np.array([0.5, 0.5])).tolist() == [0.25, 0.5, 1.0]
