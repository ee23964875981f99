"""A store with a run in it that has a record of every kind that the tests know."""

import numpy as np
import pytest

from rnncore.config import RunConfig
from rnncore.records import Sample
from rnncore.runs.store import RunStore
from tests.test_records import RECORDS

TEXT = 'line one,\n  "quoted" <b>&amp;</b>\tand é 😀'


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as opened:
        yield opened


@pytest.fixture
def run(store):
    made = store.create(RunConfig.of(hidden_size=16, name="a run"))
    steps = np.array([1, 2, 5])
    loss = np.array([3.5, np.inf, 0.1])
    train = {"step": steps, "seconds": np.array([0.5, 1.0, 2.5]), "loss": loss, "clip_norm": np.full(3, np.nan)}
    store.append(made.id, "train", train)
    store.append(made.id, "validation", {"step": steps[2:], "seconds": np.ones(1), "loss": np.ones(1)})
    for record in RECORDS:
        store.put(made.id, record)
    for step in (3, 8):  # the first without, the second with a number
        bits = None if step == 3 else 2.5
        store.put(made.id, Sample(step=step, primer="a", text=TEXT, temperature=1.0, seed=1, validation_bits=bits))
    return made
