"""Measuring changes nothing, and what cannot be measured is said."""

import gc
import weakref

import pytest
import torch
from torch import nn

import rnncore
from rnncore.cells import CELLS, TORCH_CELLS
from rnncore.errors import ProbeError
from tests.oracles import relative
from tests.probe.support import D, H, make


class Model(nn.Module):
    def __init__(self, cell="lstm", **options):
        super().__init__()
        self.embedding = nn.Embedding(7, D)
        self.encoder = nn.ModuleDict({"rnn": CELLS[cell].layer(D, H, **options)})
        self.drop = nn.Dropout(0.3)
        self.readout = nn.Linear(H * (2 if options.get("bidirectional") else 1), 7)

    def forward(self, ids):
        y, _ = self.encoder["rnn"](self.embedding(ids))
        return self.readout(self.drop(y))


def train(cell, watch, steps=4, **options):
    torch.manual_seed(3)
    model = Model(cell, **options)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    losses = []
    for _ in range(steps):
        ids = torch.randint(7, (6, 3))
        optimizer.zero_grad()

        def step(ids=ids):
            loss = nn.functional.cross_entropy(model(ids).flatten(0, 1), ids.flatten())
            loss.backward()
            losses.append(loss.detach())

        if watch is None:
            step()
        else:
            with rnncore.probe(model, watch) as probe:
                step()
            _ = probe["encoder.rnn"].layers[0].forward.grad_input
        optimizer.step()
    return torch.stack(losses), [p.detach().clone() for p in model.parameters()], torch.get_rng_state()


@pytest.mark.parametrize("cell", list(TORCH_CELLS))
@pytest.mark.parametrize("options", [{}, {"num_layers": 3, "bidirectional": True}], ids=["one", "deep both ways"])
def test_training_is_bit_identical_with_and_without_the_probe(cell, options):
    plain, watched = train(cell, None, **options), train(cell, slice(None), **options)
    assert torch.equal(plain[0], watched[0])
    assert all(torch.equal(a, b) for a, b in zip(plain[1], watched[1], strict=True))
    assert torch.equal(plain[2], watched[2])


def test_no_hook_stays_behind_even_after_an_error():
    model, ids = Model(), torch.randint(7, (4, 2))
    probe = rnncore.probe(model)
    with pytest.raises(ZeroDivisionError), probe:  # noqa: PT012
        model(ids)
        _ = 1 / 0
    assert not model.encoder["rnn"]._forward_hooks
    with pytest.raises(ProbeError, match="ended with ZeroDivisionError"):
        _ = probe["encoder.rnn"]
    with probe:  # and it works again
        model(ids).sum().backward()
    assert probe["encoder.rnn"].layers[0].forward.grad_hidden.shape == (4, 2, H)


def test_a_probe_lets_go_of_the_graph():
    model = Model()
    with rnncore.probe(model) as probe:
        logits = model(torch.randint(7, (4, 2)))
        logits.sum().backward()
        graph = weakref.ref(logits)
    del logits
    gc.collect()
    assert graph() is None
    assert probe["encoder.rnn"].layers[0].forward.hidden.shape == (4, 2, H)


@pytest.mark.parametrize("cell", list(TORCH_CELLS))
def test_traces_stay_right_after_the_optimiser_has_changed_the_weights(cell):
    layer, x = make(cell, num_layers=2), torch.randn(5, 2, D, dtype=torch.float64)
    found = []
    for disturb in (False, True):
        with rnncore.probe(layer) as probe:
            y, _ = layer(x)
            y.pow(2).sum().backward()
        if disturb:
            with torch.no_grad():
                y.zero_()
                for parameter in layer.parameters():
                    parameter.zero_()
        trace = probe[""].layers[0].forward
        again = trace.backward(trace.grad_output)
        found.append([trace.hidden, trace.grad_hidden, trace.grad_input, again.grad_hidden, again.grad_input])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("replay", ["eager", "lazy"])
def test_weights_that_change_before_the_replay_are_refused(replay):
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    probe = rnncore.probe(model, replay=replay)
    with pytest.raises(ProbeError, match=r"weights of layer 'encoder.rnn' changed.*optimizer.step\(\) after"):  # noqa: PT012
        with probe:
            model(torch.randint(7, (4, 2))).sum().backward()
            optimizer.step()
        _ = probe["encoder.rnn"]


def test_an_output_changed_in_place_is_refused():
    layer = make("rnn_tanh")
    with (
        pytest.raises(ProbeError, match=r"output of layer '' was changed in place.*makes a new tensor"),
        rnncore.probe(layer),
        torch.no_grad(),
    ):
        layer(torch.randn(4, 2, D, dtype=torch.float64))[0].relu_()


def test_a_layer_that_something_else_changes_is_found_out_by_the_replay():
    layer = make("gru")
    layer.register_forward_hook(lambda module, args, output: (output[0] * 0.9, output[1]))
    with pytest.raises(ProbeError, match="differs from its own output"), rnncore.probe(layer):
        layer(torch.randn(4, 2, D, dtype=torch.float64))


def test_lazy_replay_gives_the_same_traces():
    layer, x = make("lstm"), torch.randn(5, 2, D, dtype=torch.float64)
    found = []
    for replay in ("eager", "lazy"):
        with rnncore.probe(layer, replay=replay) as probe:
            layer(x)[0].sum().backward()
        found.append(probe[""].layers[0].forward.grad_cell)
    assert torch.equal(*found)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_projections_and_dropout_between_fused_layers_are_refused_with_what_to_do():
    x = torch.randn(4, 2, D)
    with (
        pytest.raises(ProbeError, match=r"proj_size 3.*use proj_size 0"),
        rnncore.probe(layer := nn.LSTM(D, H, proj_size=3)),
    ):
        layer(x)
    layer = nn.GRU(D, H, num_layers=2, dropout=0.5)
    with pytest.raises(ProbeError, match=r"dropout 0.5.*separate layers with nn.Dropout"), rnncore.probe(layer):
        layer(x)
    layer.eval()
    with rnncore.probe(layer) as probe:
        layer(x)[0].sum().backward()
    assert probe[""].layers[1].forward.finite


def test_half_precision_and_autocast_are_refused():
    layer = nn.LSTM(D, H)
    with (
        pytest.raises(ProbeError, match=r"bfloat16.*float32 or float64, without autocast"),
        rnncore.probe(layer),
        torch.autocast("cpu", torch.bfloat16),
    ):
        layer(torch.randn(4, 2, D))
    layer = nn.GRU(D, H).to(torch.bfloat16)
    with pytest.raises(ProbeError, match="bfloat16"), rnncore.probe(layer):
        layer(torch.randn(4, 2, D, dtype=torch.bfloat16))


def test_a_model_without_recurrent_layers_is_named():
    with pytest.raises(ProbeError, match=r"model Linear has no nn.RNN, nn.LSTM or nn.GRU"):
        rnncore.probe(nn.Linear(2, 2))


def test_what_did_not_run_cannot_be_read():
    model = Model()
    probe = rnncore.probe(model)
    with pytest.raises(ProbeError, match="not entered yet"):
        _ = probe["encoder.rnn"]
    with probe:
        with pytest.raises(ProbeError, match="read it after its with-block"):
            _ = probe["encoder.rnn"]
        with pytest.raises(ProbeError, match="open already"):
            probe.__enter__()
    with pytest.raises(ProbeError, match="did not run inside the with-block"):
        _ = probe["encoder.rnn"]
    with pytest.raises(ProbeError, match=r"no recurrent layer 'x'; the model has 'encoder.rnn'"):
        _ = probe["x"]
    assert "encoder.rnn" in probe
    assert "x" not in probe
    assert probe.get("x") is None


def test_a_probe_is_a_mapping_of_the_layers_that_ran():
    model = nn.ModuleDict({"a": nn.GRU(2, 3), "b": nn.LSTM(2, 3)})
    with rnncore.probe(model) as probe:
        model["b"](torch.randn(3, 1, 2))
    assert list(probe) == ["b"]
    assert len(probe) == 1
    assert probe["b"].layers[0].forward.cell.shape == (3, 1, 3)


def test_without_a_backward_pass_gradients_are_refused_and_values_are_there():
    layer, x = make("lstm"), torch.randn(4, 2, D, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        layer(x)
    trace = probe[""].layers[0].forward
    assert trace.gates["f"].shape == (4, 2, H)
    for name in ("grad_hidden", "grad_cell", "grad_output", "grad_gates", "grad_preactivations", "grad_input"):
        with pytest.raises(ProbeError, match=r"no loss.backward\(\) ran inside the probe"):
            getattr(trace, name)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_autograd_values_are_there_and_gradients_are_refused(mode):
    layer, x = make("gru"), torch.randn(4, 2, D, dtype=torch.float64)
    with mode():
        with rnncore.probe(layer) as probe:
            y, _ = layer(x)
        trace = probe[""].layers[0].forward
        assert torch.equal(trace.hidden, y)
    with pytest.raises(ProbeError, match="backward"):
        _ = trace.grad_hidden


def test_a_layer_that_no_gradient_can_reach_says_so():
    model = nn.ModuleDict({"frozen": nn.GRU(3, 3).requires_grad_(False), "live": nn.GRU(3, 3)})
    with rnncore.probe(model) as probe:
        y, _ = model["live"](model["frozen"](torch.randn(4, 2, 3))[0])
        y.sum().backward()
    assert probe["live"].layers[0].forward.grad_hidden.any()
    with pytest.raises(ProbeError, match=r"'frozen'.*requires_grad_\(\) on its input"):
        _ = probe["frozen"].layers[0].forward.grad_hidden


def test_a_layer_that_the_loss_does_not_depend_on_has_gradient_zero():
    model = nn.ModuleDict({"used": nn.GRU(3, 3), "unused": nn.GRU(3, 3)})
    x = torch.randn(4, 2, 3)
    with rnncore.probe(model) as probe:
        model["unused"](x)
        model["used"](x)[0].sum().backward()
    assert not probe["unused"].layers[0].forward.grad_hidden.any()


@pytest.mark.parametrize("cell", list(TORCH_CELLS))
def test_nan_is_passed_on_and_flagged(cell):
    layer, x = make(cell), torch.randn(5, 2, D, dtype=torch.float64)
    x[2, 1] = float("nan")
    with rnncore.probe(layer) as probe:
        layer(x)[0].sum().backward()
    trace = probe[""].layers[0].forward
    assert not trace.finite
    if cell != "rnn_relu":  # torch's ReLU layer may swallow NaN
        assert torch.isnan(trace.hidden[2:, 1]).all()
    assert torch.isfinite(trace.hidden[:, 0]).all()
    assert relative(trace.hidden[:, 0], layer(x[:, :1])[0].detach()[:, 0]) < 1e-12


@pytest.mark.parametrize("sequences", [0, -1, True, "3", 1.5])
def test_sequences_out_of_range_are_refused(sequences):
    with pytest.raises(ProbeError, match="sequences must be a number >= 1 or a slice"):
        rnncore.probe(nn.GRU(2, 2), sequences)


def test_a_slice_that_chooses_nothing_is_refused():
    layer = make("gru")
    with pytest.raises(ProbeError, match="chooses none of the sequences"), rnncore.probe(layer, slice(5, 9)):
        layer(torch.randn(4, 2, D, dtype=torch.float64))


def test_an_unknown_replay_is_refused():
    with pytest.raises(ProbeError, match="replay must be 'eager' or 'lazy', got 'now'"):
        rnncore.probe(nn.GRU(2, 2), replay="now")


def test_a_gate_that_a_cell_has_not_is_refused_by_name():
    layer = make("gru")
    with rnncore.probe(layer) as probe:
        layer(torch.randn(4, 2, D, dtype=torch.float64))
    gates = probe[""].layers[0].forward.gates
    assert list(gates) == ["reset", "update", "new"]
    assert torch.equal(gates["z"], gates["update"])
    with pytest.raises(KeyError, match="no gate 'forget'; there are reset, update, new"):
        _ = gates["forget"]
