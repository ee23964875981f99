"""A sound that goes on: a chord of two notes is heard for a moment, and then the network sings it alone.

After the frames that are heard, a network reads silence: nothing but its own state tells it the notes, their
overtones, and where in their periods they are. So it may go on for as long as one likes, and reads no mistake of its
own. A note has a frequency of the equal-tempered scale, f = 220 · 2^(k/12) Hz, k = 0 .. 12, and overtones at 2 f and
3 f; loudness and phase of each of the six tones are drawn anew. The whole is scaled to a power of 1.

What is examined never occurs in training: generators of ``held_out`` (see ``drawn.is_held_out``) draw minor thirds and
fifths, whose notes are heard in other chords only; all others draw every other interval.

Shapes: T frames, B chords, 16 samples; inputs and targets are (T, B, 16).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from rnncore.config.shapes.sound import SoundTask as Settings
from rnncore.tasks.base import scored
from rnncore.tasks.drawn import Choices, Drawn, DrawnTask, Floats, is_held_out

if TYPE_CHECKING:
    from torch import Tensor

NAMES = ("A", "A♯", "B", "C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯")
"""Of the semitones, the lowest first; the octave begins with C."""
QUIETEST = 0.3
"""Of a tone, relative to the loudest it may be."""


class SoundTask(DrawnTask):
    """Frames that are heard and then zeros, (T, B, 16), and the frames that follow; nan where they are heard anyway."""

    config: Settings

    def draw(self, generator: np.random.Generator, count: int, length: int | None = None) -> Drawn:
        """Chords that go on for ``length`` frames."""
        heard, length = self.config.heard, length or self.config.continuation
        frames = self.frames(generator, count, heard + length)
        inputs, targets = frames[:-1].copy(), frames[1:].copy()
        inputs[heard:], targets[: heard - 1] = 0, np.nan
        return inputs, targets

    def frames(self, generator: np.random.Generator, count: int, length: int) -> Floats:
        """The true sound, (length, B, 16). The same random numbers give the same chords at any length."""
        c = self.config
        notes = chords(generator, count)
        loud = generator.uniform(QUIETEST, 1, (3, 2, count)) * np.array(c.overtones)[:, None, None]
        phase = generator.uniform(0, 2 * np.pi, (3, 2, count))
        hertz = frequency(notes) * np.arange(1, 4)[:, None, None]
        t = np.arange(length * c.frame) / c.rate
        amplitude = loud / np.sqrt((loud**2).sum((0, 1)) / 2)
        tones = np.sin((2 * np.pi * hertz[..., None] * t + phase[..., None]).astype(np.float32))
        sound = np.einsum("knb,knbt->tb", amplitude.astype(np.float32), tones)
        return np.ascontiguousarray(sound.reshape(length, c.frame, count).swapaxes(1, 2))

    def scores(self, inputs: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of each chord, (B,): the correlation of what is sung with the truth, Σ y·ŷ / sqrt(Σ y² Σ ŷ²)."""
        asked = scored(targets)[..., None]
        found, wanted = outputs.where(asked, 0.0), targets.where(asked, 0.0)
        both = (found * wanted).sum((0, 2))
        size = (found.square().sum((0, 2)) * wanted.square().sum((0, 2))).sqrt()
        correlation: Tensor = both / size.clamp(min=1e-12)
        return correlation

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error over the samples that are asked for: 1 for silence."""
        from torch.nn.functional import mse_loss

        asked = scored(targets)
        return mse_loss(outputs[asked], targets[asked])

    def symbols(self, inputs: Floats) -> list[str]:
        """A note where there is a sound, '' where there is none."""
        return ["♪" if np.nan_to_num(frame).any() else "" for frame in inputs]


def chords(generator: np.random.Generator, count: int) -> Choices:
    """Two notes each, (2, B), the lower one first: those of training, or those that are held out."""
    pairs = _pairs(is_held_out(generator))
    return np.asarray(pairs[generator.integers(0, len(pairs), count)].T)


def chord_names(notes: Choices) -> list[str]:
    """Of chords (2, B): ``A3 + E4``."""
    written = [[f"{NAMES[note % 12]}{3 + (note + 9) // 12}" for note in chord] for chord in notes.T.tolist()]
    return [" + ".join(chord) for chord in written]


def frequency(notes: Choices) -> Floats:
    """Hz of notes, which are semitones above the lowest one."""
    return np.asarray(Settings.lowest * 2 ** (np.asarray(notes) / 12))


@cache
def _pairs(held: bool) -> Choices:
    every = [(low, high) for high in range(Settings.notes) for low in range(high)]
    return np.array([(low, high) for low, high in every if (high - low in Settings.unheard) is held])
