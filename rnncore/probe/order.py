"""Natural time order against the order in which a direction reads, with or without lengths of its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TimeOrder:
    """How one direction walks through T steps of B sequences.

    A reverse direction starts at each sequence's own last valid step. Where lengths differ, values beyond
    them are zero in natural order.
    """

    steps: int
    reverse: bool
    lengths: Tensor | None  # (B,)

    def direction(self, natural: Tensor, axis: int = 0) -> Tensor:
        """Natural order → the direction's own order, along ``axis`` (batch is the next)."""
        if not self.reverse:
            return natural
        if self.lengths is None:
            return natural.flip(axis)
        return self._turned(natural, axis)

    def natural(self, own: Tensor, axis: int = 0) -> Tensor:
        """The direction's own order → natural order, padding zeroed."""
        turned = self.direction(own, axis)
        return turned if self.lengths is None else self.blanked(turned, axis)

    def blanked(self, values: Tensor, axis: int = 0) -> Tensor:
        """Zeros beyond each sequence's length, in either order."""
        mask = self._valid(values.device)
        mask = mask.view(*[1] * axis, *mask.shape, *[1] * (values.ndim - axis - 2))
        return values.masked_fill(~mask, 0.0)

    def _valid(self, device: torch.device) -> Tensor:
        assert self.lengths is not None
        return torch.arange(self.steps, device=device)[:, None] < self.lengths.to(device)[None, :]

    def _turned(self, values: Tensor, axis: int) -> Tensor:
        """Each sequence's valid part back to front; what lies beyond stays where it is."""
        assert self.lengths is not None
        t = torch.arange(self.steps, device=values.device)[:, None]
        lengths = self.lengths.to(values.device)[None, :]
        index = torch.where(t < lengths, lengths - 1 - t, t)  # (T, B)
        batch = torch.arange(index.shape[1], device=values.device)[None, :].expand_as(index)
        return values[index, batch] if axis == 0 else values[:, index, batch]

    def add_at_end(self, arriving: Tensor, last: Tensor) -> Tensor:
        """Add (B, H) or (K, B, H) to each sequence's final step of (K, T, B, H), in the direction's order."""
        found = arriving.clone()
        if self.lengths is None:
            found[:, -1] += last
        else:
            batch = torch.arange(last.shape[-2], device=last.device)
            found[:, self.lengths.to(last.device) - 1, batch] += last
        return found

    def at_end(self, last: Tensor) -> dict[int, Tensor]:
        """Step → (B, H) or (K, B, H) that arrives there, for values that belong to each sequence's final step."""
        if self.lengths is None:
            return {self.steps - 1: last}
        lengths = self.lengths.to(last.device)
        return {
            length - 1: last * (lengths == length)[:, None].to(last.dtype) for length in self.lengths.unique().tolist()
        }
