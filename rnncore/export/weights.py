"""A checkpoint's weights under plain ``torch.nn`` names, and five lines that load them without this project.

They are ``embedding.weight`` (not where numbers are read), ``rnn.*`` of one stacked ``nn.LSTM``, ``nn.GRU`` or
``nn.RNN``, and ``readout.*``. A network that torch has not all parts of keeps this project's names, and the lines need
``rnncore``. Read from the checkpoint's bytes with NumPy: the server has no torch.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from rnncore.cells import CELLS
from rnncore.cost import sizes_of
from rnncore.errors import ExportError, RnncoreError
from rnncore.export.configuration import write_configuration
from rnncore.records import Array
from rnncore.runs.corpora import PREFIX
from rnncore.runs.store import RunInfo, RunStore

FILE, SNIPPET, CHARACTERS = "weights.safetensors", "load.py", "characters.json"


@dataclass(frozen=True)
class Weights:
    """One checkpoint's weights.

    Attributes:
        step: completed training steps.
        data: a safetensors file.
        snippet: five lines of Python that load it from ``weights.safetensors``.
        characters: of a text, in the order of their ids; '' where ids are none of characters, or the text is not here.
    """

    step: int
    data: bytes
    snippet: str
    characters: str = ""

    def snippet_for(self, name: str) -> str:
        """The same lines for a file of another name."""
        return self.snippet.replace(json.dumps(FILE), json.dumps(name))


def weights(store: RunStore, run_id: str, step: int | None = None) -> Weights:
    """The weights of a checkpoint, the newest for None.

    Raises:
        ExportError: the run is trained elsewhere.
        CheckpointError: there is no such checkpoint, or it was damaged.
    """
    run = store.get(run_id)
    if run.elsewhere:
        raise ExportError(
            f"run {run_id!r} is trained elsewhere, so its weights are not here; save them in the program that trains "
            "it, with safetensors.torch.save_model"
        )
    step, data = store.load_checkpoint(run_id, step)
    try:
        tensors = _plain(load(data), stacked=_plain_torch(run))
    except (SafetensorError, ValueError, KeyError) as error:
        raise ExportError(
            f"the checkpoint of step {step:,} of run {run_id!r} holds no weights ({type(error).__name__}); choose "
            "another step"
        ) from None
    said = {"format": "pt", "run": run_id, "step": str(step), "configuration": run.config.to_json()}
    characters = _characters(store, run, _answers(run, tensors))
    if characters:  # in the file itself too: a single one can be taken away
        said["characters"] = characters
    return Weights(step, save(tensors, metadata=said), _snippet(run, tensors), characters)


def write_weights(store: RunStore, run_id: str, folder: Path) -> None:
    """Write the newest checkpoint's weights, the lines that load them, and the configuration.

    Raises:
        ExportError, CheckpointError: see ``weights``.
    """
    found = weights(store, run_id)
    (folder / FILE).write_bytes(found.data)
    (folder / SNIPPET).write_text(found.snippet, "utf-8")
    if found.characters:
        (folder / CHARACTERS).write_text(json.dumps(list(found.characters)), "utf-8")
    write_configuration(store, run_id, folder)


def _plain(tensors: dict[str, Array], *, stacked: bool) -> dict[str, Array]:
    """The model's own tensors, one layer's ``layers.1.weight_ih_l0`` as a stack's ``rnn.weight_ih_l1``."""
    own = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
    if not stacked:
        return {name: np.ascontiguousarray(own[name]) for name in sorted(own)}
    renamed = {re.sub(r"^layers\.(\d+)\.(\w+)_l0$", r"rnn.\2_l\1", name): value for name, value in own.items()}
    return {name: np.ascontiguousarray(renamed[name]) for name in sorted(renamed)}


def _snippet(run: RunInfo, tensors: dict[str, Array]) -> str:
    cell, model = CELLS[run.config.model.cell], run.config.model
    if not _plain_torch(run):
        return _own_snippet(run, tensors)
    options = f", num_layers={model.num_layers}" if model.num_layers > 1 else ""
    options += f', nonlinearity="{cell.nonlinearity}"' if cell.nonlinearity else ""
    outputs, size = tensors["readout.weight"].shape
    inputs = tensors["rnn.weight_ih_l0"].shape[1]
    embedding = tensors.get("embedding.weight")
    modules = [
        *([] if embedding is None else [f'"embedding": nn.Embedding({embedding.shape[0]}, {embedding.shape[1]})']),
        f'"rnn": nn.{cell.module}({inputs}, {size}{options})',
        f'"readout": nn.Linear({size}, {outputs})',
    ]
    x = "x" if embedding is None else 'model["embedding"](x)'
    shapes = f"numbers (T, B, {inputs})" if embedding is None else "ids (T, B)"
    return "\n".join(
        [
            "from safetensors.torch import load_file",
            "from torch import nn",
            f"model = nn.ModuleDict({{{', '.join(modules)}}})",
            f"model.load_state_dict(load_file({json.dumps(FILE)}))",
            f'forward = lambda x: model["readout"](model["rnn"]({x})[0])  # {shapes} -> (T, B, {outputs})',
            "",
        ]
    )


def _plain_torch(run: RunInfo) -> bool:
    """Whether torch has all that the network is made of: a stack of its layers between an embedding and a readout."""
    return bool(CELLS[run.config.model.cell].module) and not run.config.model.wiring


def _own_snippet(run: RunInfo, tensors: dict[str, Array]) -> str:
    """For any other network: this project's model."""
    config, task = run.config, run.config.task
    read, answered = sizes_of(config, tensors["embedding.weight"].shape[0] if "embedding.weight" in tensors else 0)
    picture = getattr(task, "picture", None)
    shapes = "ids (T, B)" if read is None else f"numbers (T, B, {read})"
    return "\n".join(
        [
            "import torch; from safetensors.torch import load_file",
            "from rnncore.config import RunConfig; from rnncore.models import SequenceModel",
            f"config = RunConfig.from_json({config.to_json()!r})",
            f"model = SequenceModel(config.model, {answered}, {task.sequence_length}, torch.Generator(), {read}, "
            f"{picture}, {getattr(task, 'wraps', False)})",
            f"model.load_state_dict(load_file({json.dumps(FILE)})); model.eval()",
            f"forward = lambda x: model(x)[0]  # {shapes} -> (T, B, {answered})",
            "",
        ]
    )


def _answers(run: RunInfo, tensors: dict[str, Array]) -> int:
    """Choices or numbers that are answered."""
    embedding = tensors.get("embedding.weight")
    return sizes_of(run.config, 0 if embedding is None else len(embedding))[1]


def _characters(store: RunStore, run: RunInfo, count: int) -> str:
    """What each id stands for, if the text is here and still the one that was learned."""
    from rnncore.tasks.corpora import CORPORA, load
    from rnncore.tasks.text import Vocabulary

    corpus = run.config.corpus
    if corpus is None:
        return ""
    try:
        if corpus.startswith(PREFIX):
            text = store.corpus(corpus)[1]
        elif corpus in CORPORA and not CORPORA[corpus].needs_download:
            text = load(corpus).text
        else:
            return ""
    except RnncoreError:
        return ""
    found = Vocabulary(text).characters
    return found if len(found) == count else ""
