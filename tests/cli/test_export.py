"""Claims about ``export``: where what was asked for ends up, and what is said about it."""

import json
import zipfile

import numpy as np
import pytest

from rnncore.comparison import Race
from rnncore.config import RunConfig
from rnncore.records import TRAIN_SERIES, Sample
from rnncore.runs.elsewhere import Elsewhere
from rnncore.runs.races import Races
from rnncore.training.trainer import Trainer


@pytest.fixture
def run(store, tmp_path, monkeypatch):
    """A run with a series, a record and a checkpoint; the working folder is an empty one."""
    config = RunConfig.of(task="henon", hidden_size=4, batch_size=2)
    made = store.create(config)
    store.append(made.id, "train", {name: np.array([1, 2]) for name in TRAIN_SERIES})
    store.put(made.id, Sample(step=2, primer="a", text="b", temperature=1.0, seed=1))
    store.save_checkpoint(made.id, 0, Trainer(config).checkpoint().to_bytes())
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return made.id


TABLES = {"series/train", "records/sample"}


@pytest.mark.parametrize(
    ("form", "files"),
    [
        ("csv", {"configuration.json", *(f"{name}.csv" for name in TABLES)}),
        ("parquet", {"configuration.json", *(f"{name}.parquet" for name in TABLES)}),
        ("weights", {"configuration.json", "load.py", "weights.safetensors"}),
        ("json", {"configuration.json"}),
    ],
)
def test_a_folder_and_a_zip_file_hold_the_same(call, run, tmp_path, form, files):
    assert call("export", run, "--format", form, "-o", "folder").exit_code == 0
    assert call("export", run, "--format", form, "-o", "packed.zip").exit_code == 0
    folder = tmp_path / "here" / "folder"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == files
    assert set(zipfile.ZipFile("packed.zip").namelist()) == files


def test_event_files_lie_where_tensorboard_looks_for_them(call, run, store, tmp_path):
    other = store.create(RunConfig()).id
    assert call("export", run, other, "--format", "tensorboard", "-o", "logs").exit_code == 0
    assert {path.name for path in (tmp_path / "here" / "logs").iterdir()} == {run, other}
    assert all(path.name.startswith("events.out.tfevents.") for path in (tmp_path / "here").rglob(f"*.{run}"))


def test_several_runs_have_a_folder_each(call, run, store):
    other = store.create(RunConfig()).id
    assert call("export", run, other, run, "--format", "csv", "-o", "both.zip").exit_code == 0
    assert {name.split("/")[0] for name in zipfile.ZipFile("both.zip").namelist()} == {run, other}


def test_a_race_is_a_report_with_its_verdict_or_a_folder_for_each_run(call, run, store, tmp_path):
    asked = Race.of("which", {"task": "parity"}, [{"cell": "gru"}, {"cell": "lstm"}], 2)
    race = Races(store).create(asked.name, asked.to_json(), asked.runs())
    assert call("export", race.id).exit_code == 0
    assert "Nothing to judge yet" in (tmp_path / "here" / f"{race.id}.html").read_text("utf-8")
    assert call("export", race.id, "--format", "json", "-o", "all.zip").exit_code == 0
    assert {name.split("/")[0] for name in zipfile.ZipFile("all.zip").namelist()} == {run.id for run in race.runs}


def test_without_an_output_the_run_names_the_file(call, run, tmp_path):
    for form in ("csv", "json", "weights", "html"):
        assert call("export", run, "--format", form).exit_code == 0
    written = {path.name for path in (tmp_path / "here").iterdir()}
    assert written == {f"{run}-csv.zip", f"{run}.json", f"{run}.safetensors", f"{run}.html"}
    assert "<!doctype html>" in (tmp_path / "here" / f"{run}.html").read_text("utf-8")
    assert RunConfig.from_json((tmp_path / "here" / f"{run}.json").read_bytes()).task.kind == "henon"


def test_the_snippet_names_the_file_that_was_written(call, run):
    done = call("export", run, "--format", "weights", "-o", "mine.safetensors")
    assert 'load_file("mine.safetensors")' in done.stdout
    done = call("export", run, "--format", "weights", "-o", "mine.safetensors", "--overwrite", "--json")
    said = json.loads(done.stdout)
    assert said["output"] == "mine.safetensors"
    assert 'load_file("mine.safetensors")' in said["snippet"]


def test_what_cannot_be_exported_is_said_and_exits_with_2(call, run, store, tmp_path):
    elsewhere = store.begin_elsewhere(Elsewhere(), "1:1", "host").id
    bare = store.create(RunConfig()).id
    (tmp_path / "here" / "taken").write_text("mine")
    for words, said in [
        (["nosuch"], "must be the id of a run or a race, got 'nosuch'"),
        ([run, "--format", "nosuch"], "'nosuch' is not one of"),
        ([run, "--format", "csv", "-o", "taken/below"], "cannot be written"),
        ([run, "--format", "json", "-o", "taken"], "must be a folder"),
        ([run, "-o", "report.pdf"], "must end with .html"),
        ([run, bare, "--format", "json", "-o", "one.json"], "holds one run, got 2"),
        ([bare, "--format", "weights"], "has no checkpoint"),
        ([elsewhere, "--format", "weights"], "trained elsewhere"),
        ([], "RUN"),
    ]:
        done = call("export", *words)
        assert done.exit_code == 2, words
        assert said in done.stderr, words
        assert "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["taken"]


def test_without_the_dashboard_a_report_is_refused_in_a_sentence(call, run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "dashboard.report", None)
    done = call("export", run)
    assert done.exit_code == 2
    assert "needs the package dashboard" in done.stderr
