"""Claims about legends: what is laid over each other is told apart, by its seed where that is enough."""

import pytest

from dashboard.figures.base import Look
from dashboard.live.panels.scene import Scene, lines_of
from dashboard.live.source import Source, WatchedRun
from rnncore.config import RunConfig
from rnncore.runs.store import RunStore


@pytest.fixture
def labels(tmp_path):
    """The legend of runs with these settings, and their ids."""
    store = RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}")

    def made(*settings):
        runs = [store.create(RunConfig.of(**one)) for one in settings]
        scene = Scene(
            Source(lambda: store), [WatchedRun(run) for run in runs], None, Look("light", "x"), {}, None, None
        )
        return [line.label for line in lines_of(scene)], [run.id for run in runs]

    yield made
    store.close()


def test_the_same_settings_are_told_apart_by_their_seeds(labels):
    found, _ = labels({"cell": "gru", "seed": 1}, {"cell": "gru", "seed": 2})
    name = RunConfig.of(cell="gru").label
    assert found == [f"{name}, seed 1", f"{name}, seed 2"]


def test_and_by_their_ids_where_the_seeds_are_the_same_too(labels):
    found, ids = labels({"cell": "gru"}, {"cell": "gru"}, {"cell": "lstm"})
    assert all(run_id in label for label, run_id in zip(found, ids, strict=True))


def test_different_settings_need_neither(labels):
    found, _ = labels({"cell": "gru"}, {"cell": "lstm"})
    assert found == [RunConfig.of(cell=cell).label for cell in ("gru", "lstm")]
