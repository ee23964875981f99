"""Claims about pages of a model that was trained elsewhere: everything that was measured shows, nothing steers it."""

import json
import math

import numpy as np
import pytest
import torch
from streamlit.runtime.context import ContextProxy
from torch import nn

import rnncore
from dashboard import services
from dashboard.live.panels import RUN_PANELS as PANELS
from dashboard.live.route import MOST_PANELS, Live
from rnncore.runs.store import RunNotFound, RunStore
from tests.dashboard.test_pages import page
from tests.watching.models import Reader, Tagger, train

PAGES = ("views/live_lab.py", "views/gradient_flow.py", "views/dynamics.py", "views/gates_and_memory.py",
         "views/inside_the_cell.py", "views/attribution.py")  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(ContextProxy, "cookies", {})
    monkeypatch.setenv("RNNCORE_HOME", str(tmp_path))
    monkeypatch.setenv("RNNCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RNNCORE_STORE", raising=False)
    services.stop()
    yield tmp_path
    services.stop()


@pytest.fixture
def launcher(monkeypatch):
    class None_:
        notes: dict = {}  # noqa: RUF012

    monkeypatch.setattr(services, "launcher", None_)


def watched(model, name="", steps=3, **options):
    """The id of a run that a loop of one's own wrote."""
    with rnncore.watch(model, name, floor=1.0) as watch:
        train(watch, model, steps, **options)
    return watch.run_id


def shown(run_id, layer=0, at=None):
    """Every panel of a run as the browser gets it, by name."""
    found = {}
    with RunStore() as store:
        live, names = Live(lambda: store), sorted(PANELS)
        for start in range(0, len(names), MOST_PANELS):
            asked = [
                {"id": name, "name": name, "params": {"layer": layer, "unit": 1, "t": 1}}
                for name in names[start : start + MOST_PANELS]
            ]
            answer = json.loads(live.answer({"runs": [run_id], "panels": asked, "at": at}))
            found |= answer["panels"]
    return found


def words(panel):
    return json.dumps(panel, ensure_ascii=False)


@pytest.mark.parametrize("view", PAGES)
def test_every_page_opens_and_offers_nothing_that_would_steer_it(view, launcher):
    run_id = watched(Tagger(), "my tagger", shape=(2, 6, 5))
    test = page(run=run_id)
    if view != PAGES[0]:
        test = test.switch_page(view).run()
    assert not test.exception
    said = " ".join(one.value for one in test.caption)
    assert "trained elsewhere" in said
    assert "Trained elsewhere: this page watches" in said
    keys = {one.key for one in test.button}
    assert not keys & {"pause", "stop", "again", "requeue", "resume", "measure", "apply"}
    assert not [one for one in test.selectbox if one.key == "beside_cell"]


@pytest.mark.parametrize("layer", [0, 3, 4])
def test_layers_of_different_cells_each_show_what_is_theirs(layer):
    panels = shown(watched(Tagger(), shape=(2, 6, 5)), layer)
    gates = words(panels["gate_activity"])
    assert ("forget gate" in gates) == (layer < 4)
    assert ("reset gate" in gates) == (layer == 4)
    assert "not finite" not in gates
    assert "all 4 units" in gates if layer == 4 else "all 6 units" in gates
    assert "bits per character" not in words([panels["metrics"], panels["learning_curve"], panels["verdict"]])


@pytest.mark.parametrize("steps", [1, 2])
def test_sequences_of_one_or_two_steps_draw_every_panel(steps):
    for name, panel in shown(watched(Reader(nn.LSTM(4, 3)), shape=(steps, 2, 4))).items():
        assert len(panel) > 1, name


def test_nan_in_the_traces_draws_every_panel_and_says_so():
    model = Reader(nn.LSTM(4, 3))
    with torch.no_grad():
        model.layer.weight_hh_l0[0, 0] = math.inf
    panels = shown(watched(model))
    assert len(panels) == len(PANELS)
    chips = panels["verdict"]["verdicts"][0]["items"]
    assert [one["code"] for one in chips][:2] == ["finished", "not_finite"]
    assert chips[1]["page"] == {"title": "see Gates and memory", "path": "gates-and-memory"}
    for name in ("learning_curve", "gradient_flow", "gate_activity"):
        assert "finite" in words(panels[name]), name


def test_a_run_without_a_step_says_what_is_missing():
    with rnncore.watch(nn.GRU(2, 3), "empty") as watch:
        pass
    panels = shown(watch.run_id)
    assert len(panels) == len(PANELS)
    for name in ("learning_curve", "gradient_flow", "gate_activity", "gradient_norm", "saturation"):
        assert "appear" in words(panels[name]), name


def test_a_run_that_was_deleted_while_it_was_watched_is_said_to_be_gone(launcher):
    run_id = watched(Reader(nn.GRU(4, 3)))
    test = page(run=run_id)
    services.store().delete(run_id)
    with pytest.raises(RunNotFound, match="it may have been deleted: choose another one"):
        shown(run_id)
    assert not test.run().exception
    assert any("may have been deleted" in one.value.replace("\\", "") for one in test.error)


def test_a_finding_is_a_chip_with_its_numbers_and_a_link():
    model = Reader(nn.RNN(4, 8))
    panels = shown(watched(model, shape=(30, 2, 4)))
    chip = next(one for one in panels["verdict"]["verdicts"][0]["items"] if one["code"] == "vanishing")
    assert chip["page"] == {"title": "see Gradient flow", "path": "gradient-flow"}
    assert chip["view"] == {"page": "gradient-flow", "panel": "gradient"}
    assert 0 < chip["evidence"]["factor"] < 0.9
    assert np.isfinite(list(chip["evidence"].values())).all()
