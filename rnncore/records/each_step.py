"""A network that learns a short text by heart, read in three ways at moments of its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnncore.records.base import Array
from rnncore.records.measured import Measured

if TYPE_CHECKING:
    import pandas as pd

TRUTH, OWN, WRONG = range(3)
"""Readings: of the text, of its own output behind the primer, of the text with one wrong character."""
HIGH = 0.1
"""Nats: a step that costs more is one at which the network is not sure."""


@dataclass(frozen=True, kw_only=True)
class EachStep(Measured):
    """E moments of training, R = 3 readings, T steps, V characters.

    Attributes:
        letters: V characters.
        cell: its kind.
        text: that is repeated.
        steps: training steps of the moments, (E,).
        fed: places in ``letters`` of what was read, (E, R, T).
        probabilities: what is expected next, (E, R, T, V).
        targets: what the text has next, (T,).
        losses: of each training step so far, nats per character, (step,).
        primer: characters of the text that the second reading begins with.
        wrong_at: the step of the third reading's wrong character.
    """

    kind: ClassVar[str] = "each_step"

    letters: tuple[str, ...]
    cell: str
    text: str
    steps: Array
    fed: Array
    probabilities: Array
    targets: Array
    losses: Array
    primer: int
    wrong_at: int

    @property
    def costs(self) -> Array:
        """-ln of the probability of what the text has next, at each step, nats, (E, R, T)."""
        wanted = np.take_along_axis(self.probabilities, self.targets[None, None, :, None], 3)[..., 0]
        costs: Array = -np.log(np.maximum(wanted.astype(np.float64), 1e-30))
        return costs

    @property
    def unsure(self) -> Array:
        """Which steps cost more than ``HIGH`` in the last reading of the truth, (T,)."""
        found: Array = self.costs[-1, TRUTH] > HIGH
        return found

    @property
    def settled(self) -> int:
        """The first step from which the characters read so far leave one continuation only."""
        around, size = self.text * 3, len(self.text)
        following = {
            known: {around[at + known] for at in range(size) if around.startswith(around[:known], at)}
            for known in range(1, size + 1)
        }
        return max((known for known, ones in following.items() if len(ones) > 1), default=0)

    @property
    def answer(self) -> str:
        """Where the loss stays high: nowhere, only before the place in the text is known, or later too."""
        if self.share < 1:
            return ""
        if not self.unsure.any():
            return "nowhere"
        return "later" if self.unsure[self.settled :].any() else "first"

    @property
    def agreed(self) -> int:
        """Steps up to which its own output is what the text has, from the primer on."""
        same = self.fed[-1, OWN] == self.fed[-1, TRUTH]
        return int(len(same) if same.all() else np.argmin(same))

    @property
    def recovered(self) -> int | None:
        """Steps after the wrong character until the cost is below ``HIGH`` and stays so; None for never."""
        after = self.costs[-1, WRONG, self.wrong_at :] > HIGH
        if after[-1]:
            return None
        return int(np.flatnonzero(after)[-1]) + 1 if after.any() else 0

    @property
    def numbers(self) -> dict[str, str]:
        """The first step's cost beside the mean of the others, and what feeding back did."""
        cost, back = self.costs[-1, TRUTH], self.recovered
        total = len(self.targets)
        return {
            "chance": f"{np.log(len(self.letters)):.2f}",
            "first": f"{cost[0]:.2f}",
            "rest": f"{cost[self.settled :].mean():.2g}",
            "settled": f"{self.settled}",
            "unsure": f"{int(self.unsure.sum())}",
            "total": f"{total}",
            "agreed": f"all {total}" if self.agreed == total else f"the first {self.agreed}",
            "own": f"{self.costs[-1, OWN, self.primer :].mean():.2g}",
            "written": "".join(self.letters[place] for place in self.fed[-1, OWN, self.primer :]),
            "primer": "".join(self.letters[place] for place in self.fed[-1, OWN, : self.primer]),
            "wrong": self.letters[self.fed[-1, WRONG, self.wrong_at]],
            "wrong_at": f"{self.wrong_at}",
            "worst": f"{max(self.costs[-1, WRONG, self.wrong_at :].max(), 0):.2g}",
            "recovered": "did not find back within what is shown" if back is None
            else "was not disturbed at all" if back == 0 else f"was sure again after {back} step{'s' * (back != 1)}",
        }  # fmt: skip

    @property
    def proof(self) -> str:
        """The cost of the first step and of the others, and how long its own output keeps to the text."""
        found = self.numbers
        return f"first step {found['first']} nats, later {found['rest']}; fed back, right for {found['agreed']} steps"

    def frame(self) -> pd.DataFrame:
        """One row per reading and step, of the last moment."""
        import pandas as pd

        steps = len(self.targets)
        return pd.DataFrame(
            {"reading": np.repeat(("truth", "own", "wrong"), steps), "t": np.tile(np.arange(steps), 3),
             "fed": [self.letters[place] for place in self.fed[-1].ravel()],
             "wanted": [self.letters[place] for place in np.tile(self.targets, 3)],
             "nats": self.costs[-1].ravel()}
        )  # fmt: skip
