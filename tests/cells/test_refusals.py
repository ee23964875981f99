"""Claims about what a layer of our own says of inputs and states that do not fit it."""

import pytest
import torch

from rnncore.cells import CELLS, TORCH_CELLS
from rnncore.errors import ConfigError

OWN = [name for name in CELLS if name not in (*TORCH_CELLS, "irnn", "orthogonal", "conv_lstm")]


@pytest.mark.parametrize("cell", OWN)
def test_an_input_of_another_width_is_refused_with_both_widths(cell):
    layer = CELLS[cell].layer(4, 16)
    with pytest.raises(ConfigError, match=r"x must be \(T, B, 4\), got \(5, 2, 3\); this layer reads 4 numbers"):
        layer(torch.zeros(5, 2, 3))


@pytest.mark.parametrize("cell", OWN)
def test_a_sequence_of_no_length_is_refused_and_one_of_length_1_is_read(cell):
    layer = CELLS[cell].layer(4, 16)
    with pytest.raises(ConfigError, match=r"x must have at least one step, got \(0, 2, 4\)"):
        layer(torch.zeros(0, 2, 4))
    assert layer(torch.zeros(1, 2, 4))[0].shape == (1, 2, 16)


@pytest.mark.parametrize("cell", OWN)
def test_the_state_of_another_batch_is_refused_and_so_is_one_of_another_kind(cell):
    layer = CELLS[cell].layer(4, 16)
    x, (_, state) = torch.zeros(3, 2, 4), layer(torch.zeros(3, 5, 4))
    with pytest.raises(ConfigError, match=r"hx must be \(1, 2, ...\) with 16 units of h, got \(1, 5, 16\)"):
        layer(x, state)
    other = state[0] if isinstance(state, tuple) else (state, state)
    wanted = r"a pair \(h, c\)" if isinstance(state, tuple) else "one tensor h"
    with pytest.raises(ConfigError, match=f"hx must be {wanted} for cell '{cell}'"):
        layer(x, other)


def test_pictures_of_another_size_are_refused_with_the_size_that_fits():
    layer = CELLS["conv_lstm"].layer(144, 2, picture=(12, 12))
    with pytest.raises(ConfigError, match=r"x must be \(T, B, 144\), got \(5, 2, 256\).*pictures of 12 × 12"):
        layer(torch.zeros(5, 2, 256))
