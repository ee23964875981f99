"""Claims about the tour's card: a view after the other, each when it has something to show, in its run's numbers."""

from dataclasses import replace

import numpy as np
import pytest

from dashboard.figures.base import Look
from dashboard.live.panels import PANELS, Scene
from dashboard.live.panels.tour import APART, readable, stops
from dashboard.live.source import Source
from dashboard.widgets.lab_panels import panels
from rnncore.config import RunConfig
from rnncore.records import Sample
from rnncore.runs.store import RunStore
from tests.figures.test_figures import flow, gates, train


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as opened:
        yield opened


def scene(store, *, seconds=0.0, loss=None, records=(), at=None, config=None):
    run = store.create(config or RunConfig.of(hidden_size=16))
    steps = 50 if loss is None else len(loss)
    if seconds:
        columns = train(steps=steps) | {"seconds": np.linspace(seconds / steps, seconds, steps)}
        store.append(run.id, "train", columns if loss is None else columns | {"loss": loss})
    for record in records:
        store.put(run.id, record)
    source = Source(lambda: store)
    return Scene(source, [source.run(run.id, {"gradient_flow", "gate_activity", "sample"})], at, Look(), {})


def everything():
    lags = 0.5 ** np.arange(5)
    return flow(lags), gates(), Sample(step=1, primer="a", text="the\n  cat", temperature=0.8, seed=1)


def titles(*args, **options):
    return [stop.title for stop in stops(scene(*args, **options))]


def test_views_come_one_after_the_other_with_time_to_read(store):
    every = ["Loss", "Gradient across time", "Inside the network", "What it writes"]
    for count in range(1, 5):
        assert titles(store, seconds=APART * (count - 0.5), records=everything()) == every[:count]
    assert titles(store) == []


def test_a_view_that_has_nothing_to_show_is_waited_for_and_those_behind_it_too(store):
    _, activity, sample = everything()
    assert titles(store, seconds=60, records=(activity, sample)) == ["Loss"]
    unknown = replace(everything()[0], factor=np.array([np.nan]))
    assert titles(store, seconds=60, records=(unknown, activity, sample)) == ["Loss"]


def test_each_is_told_in_the_run_s_own_numbers_and_points_at_its_card(store):
    loss = np.linspace(4.0, 1.0, 50)
    record = replace(everything()[0], factor=np.array([0.73]))
    shown = stops(scene(store, seconds=60, loss=loss, records=(record, *everything()[1:])))
    assert f"at {4 / np.log(2):.1f} bits" in shown[0].text
    assert f"at {loss[-20:].mean() / np.log(2):.1f} now" in shown[0].text
    assert "by 0.73" in shown[1].text
    assert "“the cat…”" in shown[3].text
    run = store.create(RunConfig())
    assert {stop.panel for stop in shown} <= {panel.id for panel in panels([run])}


def test_the_tour_ends_when_the_loss_has_come_down_to_where_samples_are_words(store):
    falling = np.concatenate([np.full(30, 4.5), np.full(30, 1.8)])
    assert readable(train(steps=60) | {"loss": falling})
    assert not readable(train(steps=60) | {"loss": np.full(60, 4.5)})
    assert not readable(train(steps=5) | {"loss": np.array([4.5, 1, 1, 1, 1])})
    written = [stops(scene(store, seconds=60, loss=loss, records=everything()))[-1].text
               for loss in (np.full(60, 4.5), falling)]  # fmt: skip
    assert "Not readable yet" in written[0]
    assert "That was the tour" in written[1]


def test_the_card_shows_what_was_seen_in_short_and_the_newest_in_words_and_follows_the_moment(store):
    def items(**options):
        return PANELS["tour"].build(scene(store, records=everything(), **options))["verdicts"][0]["items"]

    found = items(seconds=60)
    assert [item["text"] for item in found[:3]] == ["Loss", "Gradient across time", "Inside the network"]
    assert found[3]["text"].startswith("4 of 4 · What it writes: At step 1")
    assert [item.get("points") for item in found] == [None, None, None, "samples0"]
    assert len(items(seconds=60, at=1)) == 1
    assert "first training step" in items()[0]["text"]
    assert "a run on a text" in items(config=RunConfig.of(task="adding"))[0]["text"]
