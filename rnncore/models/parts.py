"""What stands before and behind the recurrent layers: a picture's encoder, and the readout at each step."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from rnncore.errors import ConfigError

CHANNELS = (8, 16)
"""Of the two convolutions."""


class PictureEncoder(nn.Module):
    """Two convolutions and a linear layer for the picture at each step: (T, B, h·w + D) → (T, B, E + D).

    What the convolutions find is normalised over all maps (Ba, Kiros & Hinton 2016, arXiv:1607.06450, without gains):
    while a network has no use for it yet, it would shrink, and with it all that could be learned from it.

    Numbers behind the picture pass it by. A step whose picture is black everywhere (captions have one at their first
    step only) is not encoded: it gives zeros.

    Args:
        picture: h and w.
        input_size: numbers of a step, the picture first.
        size: E.
        wraps: the pictures are on a torus.

    Raises:
        ConfigError: inputs have another size.
    """

    def __init__(self, picture: tuple[int, int], input_size: int, size: int, *, wraps: bool = False):
        super().__init__()
        self.picture, self.pixels, self.input_size = picture, picture[0] * picture[1], input_size
        self.size, self.output_size = size, size + input_size - self.pixels
        edge: Any = "circular" if wraps else "zeros"
        self.first = nn.Conv2d(1, CHANNELS[0], 3, padding=1, padding_mode=edge)
        self.second = nn.Conv2d(CHANNELS[0], CHANNELS[1], 3, stride=2, padding=1, padding_mode=edge)
        self.linear = nn.Linear(encoded_pixels(picture) * CHANNELS[1], size)

    def forward(self, inputs: Tensor) -> Tensor:
        """See the class."""
        if inputs.ndim != 3 or inputs.shape[-1] != self.input_size:
            raise ConfigError(
                f"inputs must be (T, B, {self.input_size}), got ({', '.join(map(str, inputs.shape))}); pictures of "
                f"{self.picture[0]} × {self.picture[1]} are read here: scale them, or make a model for theirs"
            )
        steps, batch, _ = inputs.shape
        pixels, beside = inputs[..., : self.pixels], inputs[..., self.pixels :]
        flat = pixels.reshape(steps * batch, 1, *self.picture)
        seen = flat.flatten(1).any(1)
        read = flat[seen]
        found = self.second(self.first(read).relu()).flatten(1)
        found = layer_norm(found, found.shape[1:]).relu()
        encoded = flat.new_zeros(steps * batch, self.size)
        encoded[seen] = self.linear(found)
        return torch.cat([encoded.view(steps, batch, -1), beside], -1)


def encoded_pixels(picture: tuple[int, int]) -> int:
    """Places that are left of a picture."""
    return -(-picture[0] // 2) * -(-picture[1] // 2)


class PictureReadout(nn.Module):
    """A 3 × 3 convolution from maps of units to maps of outputs: (..., C·h·w) → (..., K), K a multiple of h·w."""

    def __init__(self, picture: tuple[int, int], in_features: int, out_features: int, *, wraps: bool = False):
        super().__init__()
        pixels = picture[0] * picture[1]
        self.picture, self.in_features, self.out_features = picture, in_features, out_features
        self.convolution = nn.Conv2d(
            in_features // pixels, out_features // pixels, 3, padding=1, padding_mode="circular" if wraps else "zeros"
        )

    @property
    def weight(self) -> Any:
        """The convolution's."""
        return self.convolution.weight

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        maps = x.reshape(-1, x.shape[-1] // (self.picture[0] * self.picture[1]), *self.picture)
        found: Tensor = self.convolution(maps).reshape(*x.shape[:-1], self.out_features)
        return found


class Decoder(nn.Module):
    """Several layers with ReLU between them, at each step by itself: (..., H) → (..., K)."""

    def __init__(self, in_features: int, out_features: int, layers: int):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        sizes = [in_features] * layers + [out_features]
        self.linears = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))

    @property
    def weight(self) -> Any:
        """The last layer's."""
        return self.linears[-1].weight

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        for linear in self.linears[:-1]:
            x = linear(x).relu()
        found: Tensor = self.linears[-1](x)
        return found
