"""A race through the live route: scores, verdict, table and progress as they are in the store."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dashboard.live.panels.compare import PANELS, axis_pairs
from dashboard.live.route import BadQuery, Live
from rnncore.comparison import Race, sweep
from rnncore.errors import StoreError
from rnncore.runs.races import Races
from rnncore.runs.store import RunStore

BASE = {"task": "delayed_recall", "sequence_length": 10, "test_length": 20, "hidden_size": 16, "steps": 40}
PER_RUN = ("race_verdict", "race_curves", "race_scores", "race_table", "race_progress")


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as opened:
        yield opened


@pytest.fixture
def race(store):
    document = Race.of("cells", BASE, [{"cell": "lstm"}, {"cell": "gru"}])
    return Races(store).create(document.name, document.to_json(), document.runs())


def train(store, run_id, scores, state="finished"):
    run = store.claim("1:0", "here", run_id)
    steps = 10 * np.arange(1, len(scores) + 1)
    values = np.array(scores)
    store.append(run_id, "train", {name: steps / 10.0 if name == "seconds" else steps for name in
                                   ("step", "seconds", "loss", "grad_norm", "clip_norm", "lr")})  # fmt: skip
    store.append(run_id, "score", {"step": steps, "seconds": steps / 10.0, "score": values, "score_longer": values / 2})
    store.progress(run_id, run.attempt, state="running", step=int(steps[-1]), seconds=float(steps[-1] / 10))
    if state != "running":
        store.set_state(run_id, state)


def ask(live, race, names=PER_RUN, **params):
    panels = [{"id": name, "name": name, "params": params} for name in names]
    answer = json.loads(live.answer({"runs": [race.runs[0].id], "race": race.id, "panels": panels, "have": {}}))
    return answer["panels"], answer["status"][race.id]["state"]


def test_before_anything_is_measured_every_panel_says_so(store, race):
    panels, state = ask(Live(lambda: store), race)
    assert state == "running 0/6"
    assert panels["race_verdict"]["verdicts"][0]["items"][0]["text"].startswith("Nothing to judge yet")
    assert "appear here" in json.dumps(panels["race_curves"])
    assert panels["race_progress"]["table"]["rows"][1]["cells"][1]["text"] == "queued, place 2"


def test_what_is_in_the_store_is_on_the_page(store, race):
    live = Live(lambda: store)
    for run in race.runs:
        good = run.config.model.cell == "gru"
        train(store, run.id, [0.1, 0.98 if good else 0.3, 1.0 if good else 0.2 + 0.01 * run.config.seed])
    panels, state = ask(live, race)
    assert state == "ended 6/6"
    said = panels["race_verdict"]["verdicts"][0]["items"]
    assert said[0]["text"].startswith("GRU is ahead: accuracy 1.000 [1.000, 1.000], next LSTM 0.220 [0.210, 0.230]")
    lstm, gru = panels["race_table"]["table"]["rows"]
    assert lstm["cells"][:6] == ["LSTM", "0.220", "0.210 to 0.230", "0 of 3", "–", "–"]
    assert gru["cells"][:6] == ["GRU", "1.000", "1.000 to 1.000", "3 of 3", "2.0", "20"]
    assert (gru["ahead"], lstm["ahead"]) == (True, False)
    assert panels["race_progress"]["caption"] == "6 of 6 runs done"


@pytest.mark.parametrize(("axis", "last"), [(0, 30), (1, 3.0), (2, 30 * 32 * 10), (3, None)])
def test_learning_is_held_against_steps_seconds_tokens_or_operations(store, race, axis, last):
    for run in race.runs:
        train(store, run.id, [0.1, 0.2, 0.3])
    panels, _ = ask(Live(lambda: store), race, ("race_curves",), axis=axis)
    traces = {
        trace["name"]: trace
        for trace in panels["race_curves"]["figure"]["data"]
        if trace.get("showlegend") is not False
    }
    ends = {name: values(trace["x"])[-1] for name, trace in traces.items()}
    if last is None:
        hidden, answers, read = 16, 8, 9
        per_step = {"LSTM": 4, "GRU": 3}
        last = {name: 30 * 6 * 10 * 32 * (blocks * hidden * (read + hidden) + answers * hidden)
                for name, blocks in per_step.items()}  # fmt: skip
        assert ends == pytest.approx(last)
    else:
        assert ends == pytest.approx({"LSTM": last, "GRU": last})


def values(sent):
    if isinstance(sent, list):
        return sent
    import base64

    return np.frombuffer(base64.b64decode(sent["bdata"]), sent["dtype"])


def test_only_a_new_score_or_state_sends_the_charts_again(store, race):
    live = Live(lambda: store)
    first = race.runs[0]
    train(store, first.id, [0.1], state="running")
    panels, _ = ask(live, race)
    store.progress(first.id, 1, step=17)
    again, _ = ask(live, race)
    changed = {name for name in panels if again[name]["tag"] != panels[name]["tag"]}
    assert changed == {"race_progress"}
    assert again["race_progress"]["table"]["rows"][0]["cells"][1] == {"text": "42%", "share": 0.425, "state": "running"}


def test_a_paused_race_says_how_to_go_on(store, race):
    Races(store).pause(race.id)
    panels, state = ask(Live(lambda: store), race)
    assert state == "paused 0/6"
    assert panels["race_verdict"]["verdicts"][0]["items"][0]["text"].startswith("Paused: press Resume")
    assert {row["cells"][1]["text"] for row in panels["race_progress"]["table"]["rows"]} == {"paused"}


def test_a_sweep_is_drawn_over_each_pair_of_its_settings(store):
    document = sweep("grid", BASE, {"lr": [0.1, 0.01], "cell": ["lstm", "gru"], "hidden_size": [8, 16]}, 1)
    race = Races(store).create(document.name, document.to_json(), document.runs())
    for run in race.runs:
        train(store, run.id, [0.25 if run.config.model.cell == "lstm" else 0.75])
    assert axis_pairs(list(document.axes)) == [("lr", "cell"), ("lr", "hidden_size"), ("cell", "hidden_size")]
    panels, _ = ask(Live(lambda: store), race, tuple(PANELS), pair=2)
    heatmap = panels["sweep_heatmap"]["figure"]
    assert heatmap["data"][0]["text"] == [["0.250", "0.750"], ["0.250", "0.750"]]
    assert "means over lr" in heatmap["layout"]["meta"]["caption"] or "learning rate" in json.dumps(heatmap["layout"])
    lines = panels["sweep_parallel"]["figure"]["data"][0]["dimensions"]
    assert [one["label"] for one in lines] == ["learning rate", "cell", "hidden size", "accuracy"]
    assert panels["race_table"]["table"]["rows"][0]["cells"][1] == "0.750"  # the best comes first


def test_race_panels_need_a_race(store, race):
    panels = [{"id": "race_table", "name": "race_table", "params": {}}]
    live = Live(lambda: store)
    with pytest.raises(BadQuery, match="needs the id of a race, got None"):
        live.answer({"runs": [race.runs[0].id], "panels": panels})
    with pytest.raises(StoreError, match="no race 'gone' in the run store"):
        live.answer({"runs": [race.runs[0].id], "panels": panels, "race": "gone"})
