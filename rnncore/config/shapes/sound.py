"""Settings of the sound that goes on: a chord is heard for a moment, and continued for as long as one likes."""

from __future__ import annotations

from typing import ClassVar, Literal

from rnncore.config.known_tasks import KnownTask
from rnncore.config.sections import setting


class SoundTask(KnownTask):
    """Go on with a chord of which a moment was heard.

    Attributes:
        rate: samples a second.
        frame: samples that a step reads, and answers.
        notes: semitones above the lowest note, ``lowest``, Hz, of which a chord has two.
        overtones: how loud the multiples of a note's frequency may be, the note itself first.
        unheard: intervals in semitones, of the chords that are never trained on.
        sequence_length: steps of a training sequence, T: the first answer comes with the last frame that is heard.
    """

    kind: Literal["sound"] = "sound"
    heard: int = setting(32, "Frames of a chord that are heard, of 2 ms each", unit="steps", ge=1, le=200)
    continuation: int = setting(80, "Frames that it goes on for, in training", unit="steps", ge=1, le=800)
    test_length: int = setting(320, "Frames of the longest continuation of the test", unit="steps", ge=1, le=2000)

    title: ClassVar[str] = "a sound that goes on"
    tests: ClassVar[str] = "Oscillation: a state that has to turn, at several speeds at once, and not only to stay."
    loss_unit: ClassVar[str] = "share of the power"
    loss_size: ClassVar[float] = 1.0
    score_name: ClassVar[str] = "correlation with the true sound"
    length_leaf: ClassVar[str] = "continuation"
    solved_at: ClassVar[float] = 0.9
    rate: ClassVar[int] = 8000
    frame: ClassVar[int] = 16
    notes: ClassVar[int] = 13
    lowest: ClassVar[float] = 220.0
    overtones: ClassVar[tuple[float, ...]] = (1.0, 0.5, 0.33)
    unheard: ClassVar[tuple[int, ...]] = (3, 7)
    sizes: ClassVar[tuple[int, int]] = (frame, frame)

    @property
    def sequence_length(self) -> int:
        """Heard, and gone on with."""
        return self.heard + self.continuation - 1

    @property
    def floor(self) -> float:
        """Of answering silence: all chords have a power of 1."""
        return 1.0

    @property
    def chance(self) -> float:
        """Silence is like nothing."""
        return 0.0
