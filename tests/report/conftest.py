"""Runs that really were trained, for reports about them."""

import socket

import pytest

from rnncore.comparison import Race
from rnncore.config import RunConfig
from rnncore.records import Sample
from rnncore.runs.here import begin_here, run_here
from rnncore.runs.races import Races
from rnncore.runs.store import RunStore
from rnncore.runs.worker import identity

HOSTILE = "</script><img src=x onerror=alert(1)><b>&amp;"
SMALL = {"sequence_length": 8, "batch_size": 4, "hidden_size": 6, "steps": 12}


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    with RunStore(f"sqlite:///{tmp_path_factory.mktemp('store') / 'runs.sqlite'}") as opened:
        yield opened


def trained(store, **settings):
    run = begin_here(store, RunConfig.of(**(SMALL | settings)))
    run_here(store, run)
    assert store.get(run.id).state == "finished", store.get(run.id).reason
    return run.id


@pytest.fixture(scope="session")
def text(store):
    """A run on a text, whose name, note and newest sample are markup."""
    corpus = store.put_corpus("fox", "the quick brown fox jumps over the lazy dog\n" * 60)
    run = trained(store, corpus=corpus, cell="lstm", num_layers=2, sample_length=5, name=f"a {HOSTILE}")
    store.note(run, HOSTILE)
    store.put(run, Sample(step=12, primer=HOSTILE, text=HOSTILE, temperature=1.0, seed=1))
    return run


@pytest.fixture(scope="session")
def parity(store):
    """Three runs on a task whose truth is known."""
    given = ({"cell": "gru"}, {"cell": "rnn_tanh"}, {"cell": "gru", "seed": 2})
    return [trained(store, task="parity", test_length=16, **settings) for settings in given]


@pytest.fixture(scope="session")
def race(store):
    """Two contenders with three seeds, all trained."""
    asked = Race.of(
        HOSTILE,
        SMALL | {"task": "parity", "test_length": 16},
        [{"label": "a <b>gru</b>", "cell": "gru"}, {"cell": "rnn_tanh"}],
    )
    made = Races(store).create(asked.name, asked.to_json(), asked.runs())
    for run in made.runs:
        run_here(store, store.claim(identity(), socket.gethostname(), run.id))
    return Races(store).get(made.id)
