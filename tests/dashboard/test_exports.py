"""Claims about the download buttons: each makes its file when it is pressed, and says why where it cannot."""

import zipfile
from io import BytesIO

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.widgets import exports
from rnncore.comparison import Race
from rnncore.config import RunConfig
from rnncore.records import TRAIN_SERIES
from rnncore.runs.elsewhere import Elsewhere
from rnncore.runs.races import Races
from rnncore.training.trainer import Trainer
from tests.dashboard.test_pages import home  # noqa: F401

CONFIG = RunConfig.of(task="henon", hidden_size=4, batch_size=2)


def script():
    import streamlit as st

    from dashboard import services
    from dashboard.widgets.exports import exports

    runs = [services.store().get(run_id) for run_id in st.session_state["which"]]
    exports(runs, race=runs[0].race)


@pytest.fixture
def shown(monkeypatch):
    """Draws the buttons of some runs: label → file name and what makes it; those that are off have None."""

    def draw(*run_ids):
        made = {}

        def note(label, make, name, *, disabled, **_):
            made[label] = None if disabled else (name, make)

        monkeypatch.setattr(exports.st, "download_button", note)
        page = AppTest.from_function(script, default_timeout=30)
        page.session_state["which"] = run_ids
        page.run()
        assert not page.exception
        return made, page

    return draw


@pytest.fixture
def run():
    return with_weights()


def with_weights():
    store = services.store()
    made = store.create(CONFIG)
    store.append(made.id, "train", {name: np.array([1, 2]) for name in TRAIN_SERIES})
    store.save_checkpoint(made.id, 3, Trainer(CONFIG).checkpoint().to_bytes())
    return made.id


def names(packed):
    return zipfile.ZipFile(BytesIO(packed)).namelist()


def test_each_button_makes_its_file(shown, run):
    made, _ = shown(run)
    files = {label: (name, make()) for label, (name, make) in made.items()}
    assert {name for name, _ in files.values()} == {
        f"{run}.html", f"{run}-csv.zip", f"{run}-parquet.zip", f"{run}-tensorboard.zip", f"{run}.json",
        f"{run}.safetensors"}  # fmt: skip
    assert files["HTML report"][1].startswith("<!doctype html>")
    assert RunConfig.from_json(files["Configuration"][1]) == CONFIG
    assert "series/train.csv" in names(files["CSV"][1])
    assert b"rnn.weight_ih_l0" in files["Weights"][1]


def test_nothing_is_made_before_its_button_is_pressed(shown, run, monkeypatch):
    called = []
    for name in ("zipped", "configuration", "_report"):
        monkeypatch.setattr(exports, name, lambda *_, name=name: called.append(name))
    made, _ = shown(run)
    assert called == []
    for _, make in made.values():
        make()
    assert called == ["_report", "zipped", "zipped", "zipped", "configuration"]


def test_each_button_says_how_large_its_file_is(shown, run):
    _, page = shown(run)
    about = [caption.value for caption in page.caption]
    assert len(about) == 7  # one for each form, one above the lines
    assert about[0].startswith("about 6 MB")
    assert all(one.startswith("about ") for one in about[:6])


def test_several_runs_go_into_one_report_and_a_folder_each(shown, run):
    other = with_weights()
    made, page = shown(run, other)
    name, make = made["HTML report"]
    assert name == f"2-runs-{run}.html"
    assert "Side by side" in make()
    for label in ("CSV", "Weights", "Configuration"):
        name, make = made[label]
        assert name.endswith(".zip")
        assert {one.split("/")[0] for one in names(make())} == {run, other}
    assert not page.code


def test_the_report_of_a_race_is_its_own(shown):
    asked = Race.of("which is it", {"task": "parity"}, [{"cell": "gru"}, {"cell": "lstm"}], 1)
    race = Races(services.store()).create(asked.name, asked.to_json(), asked.runs())
    made, _ = shown(*(run.id for run in race.runs))
    assert "Nothing to judge yet" in made["HTML report"][1]()


def test_the_lines_that_load_the_weights_name_the_downloaded_file(shown, run):
    _, page = shown(run)
    (code,) = page.code
    assert f'load_file("{run}.safetensors")' in code.value
    assert len(code.value.splitlines()) == 5


def test_without_weights_the_button_is_off_and_the_others_stay(shown, run):
    store = services.store()
    bare, elsewhere = store.create(CONFIG).id, store.begin_elsewhere(Elsewhere(), "1:1", "host").id
    for run_ids, why in [
        ([bare], "none: it has no checkpoint yet"),
        ([elsewhere], "none: it is trained elsewhere"),
        ([run, bare], f"not of {bare}: it has no checkpoint yet"),
    ]:
        made, page = shown(*run_ids)
        assert made["Weights"] is None
        assert why in [caption.value for caption in page.caption]
        assert not page.code
        assert all(make() for _, make in filter(None, made.values()))


def test_a_damaged_checkpoint_is_said_and_the_buttons_stay(shown, run):
    exports._snippet.cache_clear()
    services.store().save_checkpoint(run, 4, b"{}")
    made, page = shown(run)
    assert "holds no weights" in page.error[0].value
    assert made["CSV"] is not None
