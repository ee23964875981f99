"""Scheduled sampling: what the network is fed in training, the truth or its own prediction."""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from rnncore.config.sections import Section, setting

ScheduleName = Literal["constant", "linear", "exponential", "inverse_sigmoid"]

_RANGES = {"linear": (0.0, 1.0), "exponential": (0.0, 1.0), "inverse_sigmoid": (1.0, 1e6)}
DEFAULT_K = {"linear": 1.0, "exponential": 0.999, "inverse_sigmoid": 300.0}


class ScheduledSampling(Section):
    """How often, and with what, the truth is replaced (Bengio et al. 2015, arXiv:1506.03099)."""

    schedule: ScheduleName = Field(
        "constant",
        description="How epsilon, the probability of feeding the truth, falls with the iteration",
        json_schema_extra={"unit": "", "remedy": "choose one of constant, linear, exponential, inverse_sigmoid"},
    )
    epsilon: float = setting(1.0, "Probability of feeding the truth, where constant; 1 is teacher forcing", ge=0, le=1)
    epsilon_k: float | None = setting(
        None,
        "k of the schedule: linear max(epsilon_min, k - c·i), exponential k^i, inverse sigmoid k/(k + exp(i/k)); "
        "empty for 1, .999 and 300",
        ge=0,
        le=1e6,
    )
    epsilon_c: float = setting(1e-3, "c of the linear schedule: what epsilon loses at each iteration", ge=0, le=1)
    epsilon_min: float = setting(0.0, "Least epsilon of the linear schedule", ge=0, le=1)
    feed: Literal["sample", "argmax"] = Field(
        "sample",
        description="What replaces the truth: a draw from the prediction, or the likeliest",
        json_schema_extra={"unit": "", "remedy": "choose one of sample, argmax"},
    )
    feed_temperature: float = setting(1.0, "Temperature of that draw", ge=0.05, le=20)
    feed_form: Literal["sequential", "parallel"] = Field(
        "sequential",
        description="Sequential: exact, step by step. Parallel: whole passes that mix in the last pass's predictions",
        json_schema_extra={"unit": "", "remedy": "choose one of sequential, parallel"},
    )
    feed_passes: int = setting(2, "Passes of the parallel form", unit="passes", ge=1, le=1000)

    @property
    def k(self) -> float:
        """k of the schedule, its default where it was left empty."""
        return DEFAULT_K.get(self.schedule, 1.0) if self.epsilon_k is None else self.epsilon_k

    @property
    def teacher_forcing(self) -> bool:
        """Whether the truth is fed at every iteration."""
        if self.schedule == "constant":
            return self.epsilon == 1
        return self.schedule == "linear" and self.k == 1 and (self.epsilon_c == 0 or self.epsilon_min == 1)

    @property
    def label(self) -> str:
        """For legends; '' for teacher forcing."""
        if self.teacher_forcing:
            return ""
        return f"ε {self.epsilon:g}" if self.schedule == "constant" else f"ε {self.schedule.replace('_', ' ')}"

    def epsilon_at(self, iteration: ArrayLike) -> NDArray[np.float64]:
        """ε_i, the probability of feeding the truth at iterations i = 0, 1, ... (Bengio et al. 2015, section 2.4)."""
        i, k = np.asarray(iteration, dtype=np.float64), self.k
        match self.schedule:
            case "constant":
                return np.full(i.shape, self.epsilon)
            case "linear":
                return np.maximum(self.epsilon_min, k - self.epsilon_c * i)
            case "exponential":
                return np.power(k, i)
            case "inverse_sigmoid":  # k / (k + exp(i/k)), without the overflow of exp
                return 0.5 - 0.5 * np.tanh(0.5 * (i / k - np.log(k)))

    @property
    def half_way(self) -> float | None:
        """The iteration at which ε is one half; None where that never comes (always fed, or never)."""
        k = self.k
        match self.schedule:
            case "linear" if self.epsilon_c > 0 and self.epsilon_min <= 0.5 <= k:
                return (k - 0.5) / self.epsilon_c
            case "exponential":
                return math.log(0.5) / math.log(k)
            case "inverse_sigmoid":
                return k * math.log(k)
        return None

    @model_validator(mode="after")
    def _k_suits_the_schedule(self) -> Self:
        low, high = _RANGES.get(self.schedule, (0.0, 1e6))
        open_ended = self.schedule == "exponential"
        if not low <= self.k <= high or (open_ended and self.k in (low, high)):
            between = "strictly between 0 and 1" if open_ended else f"between {low:g} and {high:,.0f}"
            raise ValueError(
                f"epsilon_k must be {between} for the {self.schedule.replace('_', ' ')} schedule, got {self.k:g}; "
                f"leave it empty for {DEFAULT_K[self.schedule]:g}"
            )
        if self.schedule == "linear" and self.epsilon_min > self.k:
            raise ValueError(
                f"epsilon_min must be at most epsilon_k, where the linear schedule starts, got {self.epsilon_min:g} "
                f"with epsilon_k {self.k:g}; lower epsilon_min"
            )
        return self
