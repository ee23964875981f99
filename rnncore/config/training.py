"""How the weights are changed, and what is measured meanwhile."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rnncore.config.sections import Section, setting

OptimizerName = Literal["adam", "adamw", "sgd", "rmsprop"]


class Training(Section):
    """How the weights are changed."""

    batch_size: int = setting(32, "Sequences per step, B", unit="sequences", ge=1, le=1024)
    steps: int = setting(5000, "Training steps until the run is finished", unit="steps", ge=1, le=10_000_000)
    optimizer: OptimizerName = Field(
        "adam",
        description="Optimiser",
        json_schema_extra={"unit": "", "remedy": "choose one of adam, adamw, sgd, rmsprop"},
    )
    lr: float = setting(3e-3, "Learning rate", ge=0, le=100)
    momentum: float = setting(0.9, "Momentum of SGD and RMSprop", ge=0, lt=1)
    weight_decay: float = setting(0.0, "Weight decay", ge=0, le=10)
    clip_norm: float | None = setting(
        1.0,
        "Largest global gradient norm; longer gradients are shortened to it",
        gt=0,
        le=1e6,
        remedy="use None to switch clipping off",
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu",
        description="Where to train",
        json_schema_extra={"unit": "", "remedy": "choose one of cpu, cuda, auto"},
    )


class Watch(Section):
    """What is measured while it trains, and what that may cost."""

    budget: float = setting(
        0.03, "Share of the run's time that measuring may take", ge=0, le=0.5, unit="share of the time"
    )
    probe_sequences: int = setting(8, "Sequences of the batch that a probe opens", ge=1, le=64, unit="sequences")
    primer: str = setting(
        "", "Text that a sample starts from; empty for a piece of the validation text", max_length=500
    )
    sample_length: int = setting(300, "Characters per sample", ge=1, le=5000, unit="characters")
    temperature: float = setting(0.8, "Sampling temperature; 0 always takes the likeliest character", ge=0, le=100)
