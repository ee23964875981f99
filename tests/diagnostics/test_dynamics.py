"""Claims about the records of dynamics, and the measure that takes them from a run: true, harmless, bounded."""

import math

import numpy as np
import pytest
import torch

import rnncore
from rnncore import diagnostics
from rnncore.config import RunConfig
from rnncore.diagnostics.dynamics import DynamicsMeasure, Effort, dynamics, lyapunov_spectrum, step_jacobian
from rnncore.diagnostics.jacobian import DynamicsError, products, step_jacobians
from rnncore.diagnostics.lyapunov import lyapunov_exponents
from rnncore.training import Trainer
from tests.probe.support import B, D, H, make

TEXT = "the quick brown fox jumps over the lazy dog; " * 60
SMALL = {"hidden_size": 10, "embedding_size": 5, "sequence_length": 9, "batch_size": 6, "steps": 3}


def traces_of(cell="lstm", steps=40, **options):
    layer = make(cell, **options)
    with rnncore.probe(layer) as probe:
        layer(torch.randn(steps, B, D, dtype=layer.weight_ih_l0.dtype))
    return [trace for one in probe[""].layers for trace in one.directions]


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh"])
def test_the_record_holds_the_spectra_of_steps_and_of_products_up_to_the_last(cell):
    traces = traces_of(cell, num_layers=2)
    record = step_jacobian(traces, sequence=1, points=5, lags=(1, 3, 32, 64))
    assert record.lags == (1, 3, 32)
    assert record.steps.tolist() == [0, 10, 20, 29, 39]
    for index, trace in enumerate(traces):
        every = step_jacobians(trace)[:, 1]
        for n, t in enumerate(record.steps):
            matrix = every[t].numpy()
            np.testing.assert_allclose(record.singular[index, n], np.linalg.svd(matrix)[1], rtol=1e-5, atol=1e-7)
            found = np.sort(np.abs(record.eigenvalues[index, n] @ [1, 1j]))
            np.testing.assert_allclose(found, np.sort(np.abs(np.linalg.eigvals(matrix))), rtol=1e-4, atol=1e-5)
            assert record.radius[index, n] == pytest.approx(np.abs(np.linalg.eigvals(matrix)).max(), rel=1e-5)
        for k, lag in enumerate(record.lags):
            product = products(every, lag)[-1].numpy()
            np.testing.assert_allclose(
                record.product_singular[index, k], np.linalg.svd(product)[1], rtol=1e-8, atol=1e-14
            )
            assert record.product_radius[index, k] == pytest.approx(np.abs(np.linalg.eigvals(product)).max(), rel=1e-6)


def test_the_direct_path_beside_the_products_is_that_of_the_forget_gate():
    (trace,) = traces_of("lstm")
    record = step_jacobian([trace], points=3)
    forget = trace.gates["forget"][:, 0].numpy()
    np.testing.assert_allclose(record.direct[0], forget[record.steps], rtol=1e-6)
    for k, lag in enumerate(record.lags):
        np.testing.assert_allclose(record.product_direct[0, k], forget[-lag:].prod(0), rtol=1e-10)
    assert step_jacobian(traces_of("gru")).direct.shape[0] == 0


def test_the_bound_on_the_weights_is_their_norm_and_only_for_a_cell_without_gates():
    layer = make("rnn_relu")
    with rnncore.probe(layer) as probe:
        layer(torch.randn(4, B, D, dtype=torch.float64))
    record = step_jacobian([probe[""].layers[0].forward])
    assert record.weight_bound[0] == pytest.approx(np.linalg.norm(layer.weight_hh_l0.detach().numpy(), 2))
    assert math.isnan(step_jacobian(traces_of("gru")).weight_bound[0])


def test_the_exponents_of_the_record_are_those_of_the_call():
    traces = traces_of("gru", bidirectional=True)
    record = lyapunov_spectrum(traces, steps=24, warmup=6, count=3)
    assert (record.driven.shape, record.autonomous.shape) == ((2, 3), (2, 3))
    assert (record.driven_running.shape, record.autonomous_running.shape) == ((2, 18), (2, 18))
    for index, trace in enumerate(traces):
        found = lyapunov_exponents(trace, steps=slice(0, 24), warmup=6, count=3)
        np.testing.assert_allclose(record.driven[index], found.exponents, rtol=1e-6)
        np.testing.assert_allclose(record.driven_running[index, -1], record.driven[index, 0], rtol=1e-5)


def test_any_trace_is_recorded_at_a_bounded_cost():
    """Of a long batch: its first sequence, and for the exponents as many steps as a run's measure takes."""
    traces = traces_of("gru", steps=300, num_layers=2, bidirectional=True)
    spectra, growth = dynamics(traces, step=5, text=["x"] * 300)
    effort = Effort.of(H, 4)
    assert (spectra.step, growth.step, spectra.steps[-1]) == (5, 5, 299)
    assert growth.driven_running.shape == (4, effort.steps - effort.steps // 4)
    found = lyapunov_exponents(traces[3], steps=slice(0, effort.steps), sequences=slice(0, 1), warmup=effort.steps // 4)
    np.testing.assert_allclose(growth.driven[3], found.exponents, rtol=1e-6)


def test_one_step_is_recorded_with_what_can_be_said_of_it():
    spectra, growth = dynamics(traces_of("lstm", steps=1))
    assert (spectra.lags, spectra.steps.tolist()) == ((1,), [0])
    assert "at least 2 counted steps, got 1" in growth.driven_notes[0]
    assert np.isfinite(growth.autonomous).all()


def test_drift_is_how_far_the_estimate_moved_in_its_second_half():
    record = lyapunov_spectrum(traces_of("gru"), steps=24, warmup=6, count=3)
    half = record.driven_running[0, 9:]
    assert record.drift(0) == pytest.approx(float(half.max() - half.min()))


def test_a_layer_that_explodes_by_itself_has_a_note_and_the_driven_half_stays():
    layer = torch.nn.RNN(D, H, nonlinearity="relu", bias=False).double()
    layer.weight_hh_l0.data = 1e20 * torch.eye(H, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        layer(torch.rand(8, B, D, dtype=torch.float64))
    record = lyapunov_spectrum([probe[""].layers[0].forward], steps=24, warmup=2, count=2)
    assert "grows beyond all numbers" in record.autonomous_notes[0]
    assert np.isnan(record.autonomous).all()
    assert record.driven_notes == ("",)


def test_a_state_too_large_to_take_apart_is_refused_in_words():
    with pytest.raises(DynamicsError, match=r"the state has 10 components, and all .* are computed up to 8"):
        step_jacobian(traces_of("lstm"), most_state=8)


def measured(config, trainer=None):
    trainer = trainer or Trainer(config, TEXT)
    trainer.advance()
    spectra, growth = DynamicsMeasure().records(trainer, None)
    return trainer, spectra, growth


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_a_run_is_measured_on_the_same_validation_text_each_time(cell):
    config = RunConfig.of(**SMALL, cell=cell, num_layers=2, dropout=0.3)
    trainer, first, growth = measured(config)
    _, second, _ = measured(config, trainer)
    ids = trainer.task.validation_ids[:128]
    assert "".join(first.text) == "".join(second.text) == trainer.task.vocabulary.decode(ids)
    size = 20 if cell == "lstm" else 10
    assert first.singular.shape == (2, len(first.steps), size)
    assert growth.state_size == size
    assert np.isfinite(growth.driven_running[:, -1]).all()
    assert (first.step, second.step) == (1, 2)


def test_measuring_changes_nothing():
    config = RunConfig.of(**SMALL, num_layers=2, dropout=0.3)
    losses = []
    for watched in (False, True):
        trainer = Trainer(config, TEXT)
        for _ in range(3):
            trainer.advance()
            if watched:
                before = torch.get_rng_state(), {k: v.clone() for k, v in trainer.model.state_dict().items()}
                grads = [parameter.grad.clone() for parameter in trainer.parameters]
                list(DynamicsMeasure().records(trainer, None))
                assert torch.equal(before[0], torch.get_rng_state())
                assert all(torch.equal(value, before[1][key]) for key, value in trainer.model.state_dict().items())
                assert all(torch.equal(p.grad, g) for p, g in zip(trainer.parameters, grads, strict=True))
                assert trainer.model.training
        losses.append([trainer.loss, *(float(parameter.detach().sum()) for parameter in trainer.parameters)])
    assert losses[0] == losses[1]


def test_weights_that_are_not_finite_give_a_record_that_says_so():
    trainer = Trainer(RunConfig.of(**SMALL), TEXT)
    trainer.advance()
    with torch.no_grad():
        trainer.model.layers[0].weight_hh_l0[0, 0] = math.nan
    spectra, growth = DynamicsMeasure().records(trainer, None)
    assert "must be finite, got NaN or infinity" in spectra.note
    assert spectra.state_size == 0
    assert "must be finite" in growth.driven_notes[0]
    assert len(growth.frame()) > 0


def test_a_run_with_a_large_state_has_its_exponents_and_says_what_it_lacks():
    _, spectra, growth = measured(RunConfig.of(**SMALL | {"hidden_size": 300}))
    assert "the state has 600 components" in spectra.note
    assert growth.driven.shape == (1, 8)
    assert np.isfinite(growth.driven).all()


def test_maps_count_with_all_their_pixels_and_no_matrix_of_them_is_made(monkeypatch):
    def refuse(*_):
        raise AssertionError("2,592 x 2,592 numbers, each row by a backward pass")

    monkeypatch.setattr("rnncore.cells.stepwise.StepReplay.jacobian", refuse)
    config = RunConfig.of(task="video", cell="conv_lstm", hidden_size=9, batch_size=2, sequence_length=8, steps=1)
    trainer, asked = Trainer(config), []
    stretch = trainer.task.stretch
    monkeypatch.setattr(trainer.task, "stretch", lambda steps: asked.append(steps) or stretch(steps))
    spectra, growth = DynamicsMeasure().records(trainer, None)
    assert asked == [48]  # not as many as for nine numbers
    assert "the state has 2,592 components" in spectra.note
    assert growth.driven_running.shape == growth.autonomous_running.shape == (1, 36)
    assert np.isfinite(growth.driven).all()
    assert growth.driven_notes == growth.autonomous_notes == ("",)


def test_the_effort_shrinks_as_the_state_grows():
    sizes = (32, 64, 128, 256, 512, 1024, 2048)
    efforts = [Effort.of(size, 1) for size in sizes]
    work = [effort.points * size**3 for size, effort in zip(sizes, efforts, strict=True) if size <= 512]
    assert max(work) <= 3 * 512**3
    assert [effort.exponents for effort in efforts] == [32, 64, 16, 16, 16, 8, 8]
    assert Effort.of(256, 4).points < Effort.of(256, 1).points


def test_a_text_with_a_validation_part_of_a_few_characters_is_measured_or_says_why_not():
    config = RunConfig.of(**SMALL | {"batch_size": 2}, validation_fraction=0.03)
    trainer = Trainer(config, "abcdefgh" * 12)  # 3 characters of validation
    trainer.advance()
    spectra, growth = DynamicsMeasure().records(trainer, None)
    assert spectra.lags == (1, 2)
    assert growth.driven_notes[0] == "" or "at least 2 counted steps" in growth.driven_notes[0]


def test_the_calls_are_found_where_the_documentation_says():
    for name in ("step_jacobians", "direct_path", "lyapunov_exponents", "autonomous_lyapunov", "step_jacobian"):
        assert callable(getattr(diagnostics, name))
        assert name in diagnostics.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = diagnostics.nothing
