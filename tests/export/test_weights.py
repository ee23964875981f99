"""Claims about exported weights: plain torch.nn, loaded by five lines, computes what the run's model computes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load

from rnncore.cells import CELLS
from rnncore.config import RunConfig
from rnncore.errors import CheckpointError, ExportError
from rnncore.export import weights
from rnncore.export.weights import write_weights
from rnncore.runs.elsewhere import Elsewhere
from rnncore.training.trainer import Trainer

TEXT = "the quick brown fox jumps over the lazy dog; é\n" * 40
LOADED = """
import os, sys
import numpy as np, torch
for folder in sys.argv[1:]:
    os.chdir(folder)
    exec(open("load.py").read())
    with torch.no_grad():
        np.save("found.npy", forward(torch.from_numpy(np.load("inputs.npy"))).numpy())
assert "rnncore" not in sys.modules
"""


def trained(store, **settings):
    """A run with a checkpoint after two steps, and its trainer."""
    if settings.get("task", "text") == "text":
        settings["corpus"] = store.put_corpus("fox", TEXT)
    usual = {"hidden_size": 6, "embedding_size": 5, "batch_size": 4}
    if settings.get("task") != "captions":
        usual["sequence_length"] = 12
    config = RunConfig.of(**usual | settings)
    trainer = Trainer(config, TEXT if config.corpus else None)
    trainer.advance()
    trainer.advance()
    run = store.create(config)
    store.save_checkpoint(run.id, trainer.step, trainer.checkpoint().to_bytes())
    return run, trainer


def test_the_snippet_alone_gives_the_outputs_of_the_runs_own_model(store, tmp_path):
    cases = {}
    for cell in (name for name, kind in CELLS.items() if kind.module):
        for layers in (1, 2):
            for task in ("text", "henon"):
                run, trainer = trained(store, cell=cell, num_layers=layers, task=task, dropout=0.2 * (layers - 1))
                folder = tmp_path / f"{cell}-{layers}-{task}"
                folder.mkdir()
                write_weights(store, run.id, folder)
                inputs = next(trainer.task.validation_batches())[0][:9]
                np.save(folder / "inputs.npy", inputs.numpy())
                trainer.model.eval()
                with torch.no_grad():
                    cases[folder] = trainer.model(inputs)[0].numpy()
    words = [sys.executable, "-I", "-W", "error", "-c", LOADED, *map(str, cases)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(cases) == 20
    for folder, expected in cases.items():
        assert np.ptp(expected) > 0
        np.testing.assert_allclose(np.load(folder / "found.npy"), expected, atol=1e-6, err_msg=folder.name)
        assert len((folder / "load.py").read_text().splitlines()) == 5


OWN = [{"cell": name, "task": task} for name, kind in CELLS.items() if not kind.module and name != "conv_lstm"
       for task in ("text", "henon")]  # fmt: skip
OWN += [
    {"cell": "conv_lstm", "task": "video", "hidden_size": 2},
    {"cell": "gru", "task": "captions", "encoder": "convolution", "readout_layers": 2},
    {"cell": "lstm", "task": "both_ways", "bidirectional": True, "residual": True},
]


@pytest.mark.parametrize("settings", OWN, ids=lambda one: f"{one['cell']}-{one['task']}")
def test_the_snippet_of_any_other_network_gives_the_outputs_of_the_runs_own_model(
    store, tmp_path, monkeypatch, settings
):
    run, trainer = trained(store, num_layers=2, **settings)
    write_weights(store, run.id, tmp_path)
    inputs = next(iter(trainer.task.validation_batches()))[0][:9]
    trainer.model.eval()
    monkeypatch.chdir(tmp_path)
    loaded = {}
    exec(Path("load.py").read_text(), loaded)
    with torch.no_grad():
        assert torch.allclose(loaded["forward"](inputs), trainer.model(inputs)[0], atol=1e-6)


def test_names_are_those_of_torch_and_nothing_else_is_in_the_file(store, tmp_path):
    run, trainer = trained(store, cell="gru", num_layers=2)
    path = tmp_path / "w.safetensors"
    path.write_bytes(weights(store, run.id).data)
    with safe_open(path, "np") as file:
        plain = torch.nn.GRU(5, 6, num_layers=2).state_dict()
        assert set(file.keys()) == {f"rnn.{name}" for name in plain} | {
            "embedding.weight", "readout.weight", "readout.bias"}  # fmt: skip
        np.testing.assert_array_equal(
            file.get_tensor("rnn.weight_hh_l1"), trainer.model.layers[1].weight_hh_l0.detach().numpy()
        )
        assert RunConfig.from_json(file.metadata()["configuration"]) == run.config
        assert file.metadata()["step"] == "2"


def test_the_characters_of_a_text_come_along_in_the_order_of_their_ids(store, tmp_path):
    run, trainer = trained(store)
    write_weights(store, run.id, tmp_path)
    found = json.loads(Path(tmp_path, "characters.json").read_text("utf-8"))
    assert found == list(trainer.task.vocabulary.characters) == sorted(set(TEXT))
    with safe_open(tmp_path / "weights.safetensors", "np") as file:
        assert list(file.metadata()["characters"]) == found
    numbers, _ = trained(store, task="henon")
    assert weights(store, numbers.id).characters == ""


def test_another_checkpoint_may_be_chosen(store):
    run, trainer = trained(store)
    before = load(weights(store, run.id).data)
    trainer.advance()
    store.save_checkpoint(run.id, 3, trainer.checkpoint().to_bytes())
    assert weights(store, run.id).step == 3
    older, newest = load(weights(store, run.id, step=2).data), load(weights(store, run.id).data)
    for name, tensor in before.items():
        np.testing.assert_array_equal(older[name], tensor)
    assert (newest["readout.bias"] != before["readout.bias"]).any()


def test_what_has_no_weights_here_is_refused_in_a_sentence(store):
    with pytest.raises(CheckpointError, match="has no checkpoint"):
        weights(store, store.create(RunConfig()).id)
    elsewhere = store.begin_elsewhere(Elsewhere(), "1:1", "host")
    with pytest.raises(ExportError, match=r"trained elsewhere.*save them in the program"):
        weights(store, elsewhere.id)
    run = store.create(RunConfig())
    store.save_checkpoint(run.id, 1, b"{}")
    with pytest.raises(ExportError, match="holds no weights"):
        weights(store, run.id)
