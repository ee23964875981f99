"""Claims about the live route: read-only, validated, built once, only what changed."""

import gzip
import json
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette

from dashboard.live import route as live_route
from dashboard.live.encoding import LEVELS, encode, to_json
from dashboard.live.panels import RUN_PANELS as PANELS
from dashboard.live.panels.lab import clock
from dashboard.live.panels.scene import PanelType
from dashboard.live.route import BadQuery, Live, routes
from rnncore.config import RunConfig
from rnncore.records import Baselines, Sample
from rnncore.runs.store import RunNotFound, RunStore
from tests.figures.test_figures import flow, gates, train

ALL = [{"id": name, "name": name, "params": {}} for name in PANELS]


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as opened:
        yield opened


@pytest.fixture
def run(store):
    made = store.create(RunConfig.of(hidden_size=16))
    fill(store, made.id)
    return made


def fill(store, run_id, first=1, count=30):
    columns = train(steps=count)
    columns["step"] = np.arange(first, first + count)
    store.append(run_id, "train", columns)
    store.put(run_id, flow(np.ones(3)))
    store.put(run_id, gates())
    store.put(run_id, Sample(step=1, primer="def ", text="<script>alert(1)</script>", temperature=1.0, seed=1))


def ask(live, run_id, have=None, **query):
    body = live.answer({"runs": [run_id], "panels": ALL, "have": have or {}, **query})
    return json.loads(body)


def tags(answer, have=None):
    found = dict(have or {})
    found |= {name: panel["tag"] for name, panel in answer["panels"].items()}
    for key, tag in (("timeline", "timelineTag"), ("theme", "theme")):
        if tag in answer:
            found[key] = answer[tag]
    return found


def test_the_first_answer_holds_every_panel_and_the_second_nothing(store, run):
    live = Live(lambda: store)
    first = ask(live, run.id)
    assert set(first["panels"]) == set(PANELS)
    assert first["status"][run.id]["state"] == "queued"
    assert first["timeline"] == [1]
    second = ask(live, run.id, tags(first))
    assert second["panels"] == {}
    assert "template" not in second
    assert "timeline" not in second


def test_only_panels_whose_sources_changed_are_sent_again(store, run):
    live = Live(lambda: store)
    have = tags(ask(live, run.id))
    store.append(run.id, "validation", {"step": np.array([9]), "seconds": np.array([1.0]), "loss": np.array([1.5])})
    again = ask(live, run.id, have)
    concerned = {name for name, panel in PANELS.items() if {"validation", "info"} & set(panel.sources)}
    assert {"learning_curve", "metrics", "verdict"} <= concerned < set(PANELS)
    assert set(again["panels"]) == concerned
    assert again["panels"]["metrics"]["metrics"][0]["items"][2]["value"] == "2.16"


def test_a_panel_is_built_once_however_many_watch(store, run, monkeypatch):
    built = []
    kind = PANELS["gate_activity"]

    def counting(scene):
        built.append(1)
        time.sleep(0.02)
        return kind.build(scene)

    changed = type(kind)(kind.sources, counting, kind.one_run)
    monkeypatch.setitem(live_route.PANELS, "gate_activity", changed)
    live = Live(lambda: store)
    threads = [threading.Thread(target=ask, args=(live, run.id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1


def test_an_answer_is_compressed_once_however_many_watch(store, run, monkeypatch):
    live, done = Live(lambda: store), []
    zipped = gzip.compress
    monkeypatch.setattr(live_route.gzip, "compress", lambda *given: done.append(1) or zipped(*given))
    query = {"runs": [run.id], "panels": ALL, "have": {}}
    answers = {live.compressed(query) for _ in range(5)}
    assert len(answers) == len(done) == 1
    assert set(json.loads(gzip.decompress(answers.pop()))["panels"]) == set(PANELS)


def test_going_back_shows_what_was_there_then(store, run):
    store.put(run.id, Sample(step=20, primer="def ", text="later", temperature=1.0, seed=1))
    live = Live(lambda: store)
    now, then = ask(live, run.id), ask(live, run.id, at=5)
    assert [item["step"] for item in now["panels"]["samples"]["samples"]] == [20, 1]
    assert [item["step"] for item in then["panels"]["samples"]["samples"]] == [1]
    assert then["panels"]["metrics"]["metrics"][0]["items"][0]["value"] == "5"


def test_a_resumed_run_drops_the_steps_beyond_its_checkpoint(store):
    made = store.create(RunConfig.of(hidden_size=16))
    store.save_checkpoint(made.id, 10, b"x")
    claimed = store.claim("1:1", "here")
    fill(store, made.id, count=30)
    live = Live(lambda: store)
    assert ask(live, made.id)["panels"]["metrics"]["metrics"][0]["items"][0]["value"] == "30"
    store.set_state(made.id, "interrupted", "gone")
    store.requeue(made.id)
    again = store.claim("2:2", "here")
    assert again.attempt > claimed.attempt
    store.attach(made.id, again.attempt, "2:2", "here", 10)
    assert ask(live, made.id)["panels"]["metrics"]["metrics"][0]["items"][0]["value"] == "10"


def test_generated_markup_travels_as_text(store, run):
    items = ask(Live(lambda: store), run.id)["panels"]["samples"]["samples"]
    assert items[0]["text"] == "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"runs": []},
        {"runs": "x"},
        {"runs": ["a"] * 99},
        {"runs": ["a"], "panels": [{"id": "x", "name": "__class__"}]},
        {"runs": ["a"], "panels": [{"name": "metrics"}]},
        {"runs": ["a"], "panels": [{"id": "x", "name": "metrics", "params": {"layer": -1}}]},
        {"runs": ["a"], "panels": [{"id": "x", "name": "metrics", "params": {"layer": True}}]},
        {"runs": ["a"], "panels": [{"id": "x", "name": "metrics", "params": 3}]},
        {"runs": ["a"], "panels": ALL, "at": -1},
        {"runs": ["a"], "panels": ALL, "at": 1.5},
        {"runs": ["a"], "panels": ALL, "theme": "pink"},
        {"runs": ["a"], "panels": ALL, "have": 3},
        {"runs": ["a"], "panels": ALL * 9},
    ],
)
def test_a_query_that_the_component_would_not_send_is_refused_in_a_sentence(store, query):
    with pytest.raises(BadQuery, match=r"must (be|have)"):
        Live(lambda: store).answer(json.loads(json.dumps(query)))


def test_a_card_that_cannot_be_drawn_says_so_and_the_others_stand(store, run, monkeypatch, caplog):
    def broken(scene):
        raise ZeroDivisionError

    broken_panel = PanelType(PANELS["learning_curve"].sources, broken)
    monkeypatch.setitem(live_route.PANELS, "learning_curve", broken_panel)
    answer = ask(Live(lambda: store), run.id)
    assert "could not be drawn" in answer["panels"]["learning_curve"]["failed"]
    assert "failed" not in answer["panels"]["metrics"]
    assert "learning_curve could not be drawn" in caplog.text


def test_an_unknown_run_is_said_to_be_unknown(store):
    with pytest.raises(RunNotFound):
        ask(Live(lambda: store), "nope")


@pytest.fixture
def server(store):
    config = uvicorn.Config(Starlette(routes=routes(lambda: store, "lab")), port=0, log_level="error", lifespan="off")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/lab"
    running.should_exit = True
    thread.join()


def fetch(url, data=None):
    request = urllib.request.Request(url, data=data, headers={"Accept-Encoding": "gzip"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_the_route_answers_compressed_under_its_base_path(server, store, run):
    query = json.dumps({"runs": [run.id], "panels": ALL}).encode()
    status, headers, body = fetch(f"{server}/live", query)
    assert status == 200
    assert headers["Content-Encoding"] == "gzip"
    assert set(json.loads(gzip.decompress(body))["panels"]) == set(PANELS)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b"[" * 20_000, 400),
        (b'{"at":' + b"1" * 5_000 + b"}", 400),
        (b'{"runs":["\\ud800"],"panels":[{"id":"m","name":"metrics"}]}', 400),
        (b'{"runs":["' + b"a" * 1_000 + b'"],"panels":[{"id":"m","name":"metrics"}]}', 400),
        (b'{"runs":["nope"],"panels":[{"id":"m","name":"metrics"}]}', 404),
    ],
)
def test_nonsense_gets_a_sentence_and_no_stack_trace(server, data, status):
    found, _, body = fetch(f"{server}/live", data or b" ")
    assert found == status
    problem = json.loads(body)["problem"]
    assert len(problem) > 20
    assert "Traceback" not in problem


def test_a_huge_query_is_not_read_to_its_end(server, store, run):
    try:
        status, _, body = fetch(f"{server}/live", b"x" * 10_000_000)
    except (urllib.error.URLError, ConnectionError):
        pass  # the server hung up while we were still talking
    else:
        assert (status, b"at most" in body) == (400, True)
    query = json.dumps({"runs": [run.id], "panels": ALL}).encode()
    assert fetch(f"{server}/live", query)[0] == 200


def test_the_drawing_library_comes_from_the_installed_package_and_may_be_kept(server):
    status, headers, body = fetch(f"{server}/live/plotly.js?v=1")
    assert status == 200
    assert "max-age=31536000" in headers["Cache-Control"]
    assert b"plotly.js" in gzip.decompress(body)[:400]


def test_heatmaps_travel_as_bytes_within_half_a_level():
    record = gates(text=["x"] * 40, units=16)
    values = np.random.default_rng(0).random(record.values.shape).astype(np.float32)
    object.__setattr__(record, "values", values)
    from dashboard.figures.gate_activity import gate_activity
    from rnncore.cells import CELLS

    fig = gate_activity(record, CELLS["lstm"].gates)
    for trace, sent in zip(fig.data, encode(fig)["data"], strict=False):  # the characters' traces come behind
        low, high = trace.zmin, trace.zmax
        again = low + sent["z"].astype(float) * (high - low) / sent["meta"]["levels"]
        assert np.abs(again - trace.z).max() <= (high - low) / LEVELS / 2 + 1e-6


@pytest.mark.parametrize("count", [20, 64, 300])
def test_the_characters_above_a_heatmap_stand_above_their_columns(count):
    from dashboard.figures.gate_activity import gate_activity
    from rnncore.cells import CELLS

    fig = gate_activity(gates(text=[chr(97 + index % 26) for index in range(count)]), CELLS["lstm"].gates)
    sent = encode(fig)
    for index, heatmap in enumerate(sent["data"][:6]):
        suffix = "" if index == 0 else str(index + 1)
        text = sent["data"][6 + index]
        assert (text["xaxis"], heatmap["xaxis"]) == (f"x{suffix}", f"x{suffix}")
        assert list(text["text"]) == [chr(97 + x % 26) for x in text["x"]]
        assert sent["layout"][f"xaxis{suffix}"]["range"] == [-0.5, count - 0.5]
        low, high = sent["layout"][f"yaxis{text['yaxis'][1:]}"]["domain"]
        assert low == pytest.approx(sent["layout"][f"yaxis{suffix}"]["domain"][1], abs=0.03)
        assert low < high <= 1


def test_json_has_no_nan_and_no_lone_surrogates():
    body = to_json(
        {"a": [float("nan"), np.float32("inf"), np.int64(3)], "b": np.array([1.5], np.float64), "c": "\ud800"}
    )
    assert json.loads(body)["a"] == [None, None, 3]


def test_times_read_as_a_clock():
    assert [clock(s) for s in (0, 75.4, 3725)] == ["0:00", "1:15", "1:02:05"]


def test_two_runs_on_one_text_share_the_baselines_that_either_has(store):
    floors = Baselines(step=0, vocab_size=64, uniform=6.0, orders=(1, 2), bits=(4.8, 3.6))
    one, two = (store.create(RunConfig.of(hidden_size=16)) for _ in range(2))
    for made in (one, two):
        fill(store, made.id)
    store.put(two.id, floors)
    panel = [{"id": "loss", "name": "learning_curve"}]
    for order in ([one.id, two.id], [two.id, one.id]):
        answer = json.loads(Live(lambda: store).answer({"runs": order, "panels": panel}))
        labels = [note["text"] for note in answer["panels"]["loss"]["figure"]["layout"]["annotations"]]
        assert "1-gram" in labels
