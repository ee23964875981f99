"""How fast a model writes: ``generate`` against the plain loop that people write by hand.

The loop is a step of the cell, a readout, a softmax and ``torch.multinomial`` for each character, and nothing else. All
take turns within one run, on one CPU thread; with texts at 64 temperatures and seeds in the one batch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from rnncore.config import Model
from rnncore.generation.beam import beam_search
from rnncore.generation.reading import read
from rnncore.generation.sampling import Shape, generate
from rnncore.models import SequenceModel
from rnncore.tasks.text import Vocabulary

LENGTH, BATCH, HIDDEN, WIDTH = 200, 64, 128, 8
VOCABULARY = Vocabulary("".join(map(chr, range(32, 128))))
CELLS = ("rnn_tanh", "lstm", "gru")
COLUMNS = ("cell", "B", "H", "V", "loop", "sampled", "top_k_20", "nucleus", "with_distributions", "beam_of_8", "rounds")
"""All but the sizes and the number of rounds are characters a second."""


@torch.no_grad()
def plain_loop(model: SequenceModel, primer: Tensor) -> Tensor:
    """A text for each column of primer (P, B), without anything around it: ids (T, B)."""
    logits, state = model(primer)
    last, written = logits[-1], []
    for _ in range(LENGTH):
        written.append(torch.multinomial((last / 0.8).softmax(-1), 1).squeeze(1))
        last, state = model.step(written[-1], state)
    return torch.stack(written)


def measure_case(cell: str, seconds: float) -> dict[str, Any]:
    """Medians of one cell, in characters a second."""
    model = SequenceModel(Model(cell=cell, hidden_size=HIDDEN), len(VOCABULARY), 64, torch.Generator().manual_seed(0))
    model.eval()
    primer = torch.from_numpy(VOCABULARY.encode("the ")).unsqueeze(1).expand(-1, BATCH).contiguous()
    temperatures = [0.2 + 0.02 * text for text in range(BATCH)]
    asked: dict[str, Any] = {"primer": "the ", "length": LENGTH, "batch": BATCH, "seeds": range(BATCH)}
    asked["temperature"] = temperatures
    texts = generate(model, VOCABULARY, **asked).text
    shape = Shape(temperatures, None, None, torch.device("cpu"))
    parts: dict[str, Callable[[], object]] = {
        "loop": lambda: plain_loop(model, primer),
        "sampled": lambda: generate(model, VOCABULARY, **asked),
        "top_k_20": lambda: generate(model, VOCABULARY, **asked, top_k=20),
        "nucleus": lambda: generate(model, VOCABULARY, **asked, top_p=0.9),
        "with_distributions": lambda: (
            generate(model, VOCABULARY, **asked),
            read(model, VOCABULARY, primer="the ", texts=texts, shape=shape),
        ),
        "beam_of_8": lambda: beam_search(model, VOCABULARY, primer="the ", length=LENGTH, width=WIDTH),
    }
    times: dict[str, list[float]] = {name: [] for name in parts}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times["loop"]) < 5:
        for name, part in parts.items():
            start = time.perf_counter()
            part()
            times[name].append(time.perf_counter() - start)
    row: dict[str, Any] = {"cell": cell, "B": BATCH, "H": HIDDEN, "V": len(VOCABULARY)}
    written = {name: LENGTH * (1 if name == "beam_of_8" else BATCH) for name in parts}
    row |= {name: round(written[name] / statistics.median(values)) for name, values in times.items()}
    row["rounds"] = len(times["loop"])
    return row


def measure(seconds_per_case: float = 5.0) -> list[dict[str, Any]]:
    """All cells, on one thread; one row each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [measure_case(cell, seconds_per_case) for cell in CELLS]
    finally:
        torch.set_num_threads(threads)
