"""Claims about what each step adds to the gradient of the weights."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

import rnncore
from rnncore.cells import TORCH_CELLS
from rnncore.diagnostics.weight_gradient import weight_gradients
from rnncore.errors import ProbeError
from tests.oracles import relative
from tests.probe.support import D, H, make

EVERY = list(TORCH_CELLS)


def probed(cell, steps=8, dtype=torch.float64, packed=False, **options):
    """A trained step from a random state: the layer, its input, and its traces."""
    layer = make(cell, dtype=dtype, **options)
    x = torch.randn(steps, 3, D, dtype=dtype)
    h = torch.randn(2 if layer.bidirectional else 1, 3, H, dtype=dtype)
    given = pack_padded_sequence(x, torch.tensor([steps, 3, 5]), enforce_sorted=False) if packed else x
    with rnncore.probe(layer) as probe:
        y, _ = layer(given, (h, h) if cell == "lstm" else h)
        (y.data if packed else y).pow(2).sum().backward()
    return layer, x, probe[""].layers[0].directions


def errors(layer, x, traces, combine):
    """Relative error of each parameter's gradient, put together from its steps."""
    found = []
    for trace, suffix in zip(traces, ("_l0", "_l0_reverse"), strict=False):
        each = weight_gradients(trace, x)
        found += [relative(combine(steps), getattr(layer, name + suffix).grad) for name, steps in each.items()]
    return found


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"bidirectional": True, "packed": True}], ids=str)
@pytest.mark.parametrize("cell", EVERY)
def test_the_steps_of_a_weight_s_gradient_sum_to_grad(cell, options, dtype, bound):
    found = errors(*probed(cell, dtype=dtype, **options), lambda steps: steps.sum(0))
    assert len(found) == (8 if options.get("bidirectional") else 4)
    assert max(found) <= bound


@pytest.mark.parametrize("cell", EVERY)
def test_overwriting_in_place_of_adding_fails_the_same_check(cell):
    found = errors(*probed(cell), lambda steps: steps[0])  # backpropagation writes step 0 last
    assert min(found) > 0.1


def test_on_a_vanishing_network_the_overwritten_gradient_is_nothing():
    torch.manual_seed(0)
    layer = torch.nn.RNN(D, 32).double()
    x = torch.randn(40, 3, D, dtype=torch.float64)
    with rnncore.probe(layer) as probe:
        layer(x)[0][-1].pow(2).sum().backward()
    each = weight_gradients(probe[""].layers[0].forward, x)["weight_ih"]
    assert each[0].norm() < 1e-6 * layer.weight_ih_l0.grad.norm()


def test_some_steps_are_some_of_all_steps():
    _, x, (trace,) = probed("gru")
    whole, part = weight_gradients(trace, x), weight_gradients(trace, x, slice(2, 5))
    for name, steps in whole.items():
        torch.testing.assert_close(part[name], steps[2:5])


def test_a_layer_without_biases_has_none():
    layer, x, traces = probed("lstm", bias=False)
    assert max(errors(layer, x, traces, lambda steps: steps.sum(0))) <= 1e-10
    assert set(weight_gradients(traces[0], x)) == {"weight_ih", "weight_hh"}


def test_inputs_of_another_shape_are_refused_with_a_remedy():
    _, x, (trace,) = probed("lstm")
    with pytest.raises(ProbeError, match=r"inputs must be \(T, B, D\).*got \(3, 8, 4\); give what the layer read"):
        weight_gradients(trace, x.transpose(0, 1))
