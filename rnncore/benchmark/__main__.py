"""The benchmark of training and probing: ``python -m rnncore.benchmark [--json]``.

Prints nine parts: training in the lab against a bare torch loop, what a probe costs, every cell against the fused LSTM
and what opening it costs, what the per-loss matrix costs against calls of autograd, what watching costs a loop of one's
own, what scheduled sampling costs a step, how fast a model writes, how soon a run starts, and how many runs a minute
one and two workers do, here and on a Dask cluster.
Absolute numbers depend on the machine; the ratios are what counts.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
from typing import Any

LAB_COLUMNS = (
    "cell", "T", "B", "H", "bare_steps_per_second", "lab_steps_per_second", "lab_per_bare", "lab_per_bare_whole",
    "session_share", "probes_per_second", "validations", "samples",
)  # fmt: skip


def table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    """The rows as aligned text, one line each."""
    shown = [list(columns)] + [[_shown(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in shown) for index in range(len(columns))]
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in shown)


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def main() -> int:
    """Run the parts that were asked for. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rnncore.benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="for each side of each case (default: 30)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parts = ("lab", "probe", "cells", "per_loss", "watch", "scheduled_sampling", "sampling", "start", "cluster")
    parser.add_argument("--only", choices=parts, help="one part only")
    given = parser.parse_args()
    import torch

    found: dict[str, Any] = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {_cores()} cores",
    }
    say = (lambda text: None) if given.json else (lambda text: print(text, flush=True))
    if given.only in (None, "lab"):
        from rnncore.benchmark import lab

        found["lab"] = lab.measure(given.seconds)
        say("Training in the lab, every view live and the store writing, against a bare torch loop")
        say(table(found["lab"], LAB_COLUMNS) + "\n")
    if given.only in (None, "probe"):
        from rnncore.benchmark import probe

        found["probe"] = probe.measure(given.seconds / 6)
        say("One probe, against the training step and a loop of cells\n" + probe.table(found["probe"]) + "\n")
    if given.only in (None, "cells"):
        from rnncore.benchmark import cells

        found["cells"] = cells.measure(given.seconds)
        say("Every cell's training step, torch's fused LSTM = 1, and what opening 8 sequences adds to it")
        say(table(found["cells"], cells.COLUMNS) + "\n")
    if given.only in (None, "per_loss"):
        from rnncore.benchmark import per_loss

        found["per_loss"] = per_loss.measure(given.seconds / 6)
        say("The per-loss matrix in one recurrence, against T calls of torch.autograd.grad")
        say(table(found["per_loss"], per_loss.COLUMNS) + "\n")
    if given.only in (None, "watch"):
        from rnncore.benchmark import watch

        found["watch"] = watch.measure(given.seconds)
        say("A loop of one's own with rnncore.watch, against the same loop without it")
        say(table(found["watch"], watch.COLUMNS) + "\n")
    if given.only in (None, "scheduled_sampling"):
        from rnncore.benchmark import scheduled_sampling

        found["scheduled_sampling"] = scheduled_sampling.measure(given.seconds / 3)
        say("A step of scheduled sampling (ε = .5), in steps of teacher forcing")
        say(table(found["scheduled_sampling"], scheduled_sampling.COLUMNS) + "\n")
    if given.only in (None, "sampling"):
        from rnncore.benchmark import sampling

        found["sampling"] = sampling.measure(given.seconds / 6)
        say("Characters a second that a model writes, against a plain loop")
        say(table(found["sampling"], sampling.COLUMNS) + "\n")
    if given.only in (None, "start"):
        from rnncore.benchmark import lab

        found["first_step_seconds"] = lab.first_step_seconds()
        say(
            "From submitting a run to its first step in the store, with a warm worker: "
            f"{statistics.median(found['first_step_seconds']):.2f} s (longest {max(found['first_step_seconds']):.2f} s)"
        )
    if given.only in (None, "cluster"):
        from rnncore.benchmark import cluster

        found["cluster"] = cluster.measure(given.seconds)
        say("Runs per minute, on this machine and on a Dask cluster of it")
        empty = "not measured: set RNNCORE_STORE to an empty PostgreSQL database"
        say((table(found["cluster"], cluster.COLUMNS) if found["cluster"] else empty) + "\n")
    if given.json:
        print(json.dumps(found, indent=2))
    return 0


def _cores() -> int:
    from rnncore.runs.launcher import usable_cores

    return usable_cores()


if __name__ == "__main__":
    sys.exit(main())
