"""One picture, one answer: the images of ``digits.py``, each read at once, in the only step there is.

One to one, the network of a fixed size that the lecture begins with. Shapes: T = 1, D = 64 pixels, K = 10 digits.
"""

from __future__ import annotations

from rnncore.tasks.digits import DigitsTask
from rnncore.tasks.drawn import Floats


class ImageTask(DigitsTask):
    """Brightness from 0 to 1, (1, B, 64), and the digit, (1, B)."""

    def symbols(self, inputs: Floats) -> list[str]:
        """What is read."""
        return ["picture"] * len(inputs)
