"""Claims about the encoder of pictures."""

import pytest
import torch

from rnncore.errors import ConfigError
from rnncore.models.parts import PictureEncoder


@pytest.mark.parametrize("wraps", [True, False])
def test_on_a_torus_a_picture_that_is_moved_round_is_seen_as_the_same_one_moved_and_between_walls_it_is_not(wraps):
    torch.manual_seed(1)
    encoder = PictureEncoder((12, 12), 144, 8, wraps=wraps).double()
    picture = torch.rand(1, 1, 12, 12, dtype=torch.float64)
    moved = picture.roll((4, 6), (2, 3))
    first, second = (encoder.second(encoder.first(one).relu()) for one in (picture, moved))
    same = torch.allclose(first.roll((2, 3), (2, 3)), second, atol=1e-12)  # the second convolution halves the sides
    assert same is wraps


def test_pictures_of_another_size_are_refused_with_the_size_that_fits():
    encoder = PictureEncoder((12, 12), 146, 8)
    assert encoder(torch.rand(3, 2, 146)).shape == (3, 2, 10)
    with pytest.raises(ConfigError, match=r"inputs must be \(T, B, 146\), got \(3, 2, 258\); pictures of 12 × 12"):
        encoder(torch.rand(3, 2, 258))
