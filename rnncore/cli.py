"""The same runs without a browser: ``python -m rnncore train lr=0.01 cell=gru``.

Runs go into the run store, so that an open dashboard shows them live. Exit codes: 0 done, 1 the run failed
or diverged, 2 a setting was refused, 130 stopped by Ctrl-C (everything up to then is kept).
"""

from __future__ import annotations

import json
import math
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rnncore.config import LEAVES, RunConfig, bounds, field_of, unit_of
from rnncore.errors import RnncoreError

REFUSED, FAILED, INTERRUPTED = 2, 1, 130

_EXAMPLES = """
\b
Examples:
  python -m rnncore train
  python -m rnncore train cell=gru hidden_size=256 lr=0.002 steps=2000
  python -m rnncore train --file my-book.txt cell=rnn_tanh clip_norm=off
  python -m rnncore train --config run.json --json
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Train recurrent networks and see inside them."""


@cli.command(epilog=_EXAMPLES)
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="A configuration as JSON.")
@click.option("--file", "text_file", type=click.Path(path_type=Path), help="A UTF-8 text to learn.")
@click.option("--store", "store_url", help="Database URL of the run store.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON line.")
def train(
    settings: tuple[str, ...],
    config_file: Path | None,
    text_file: Path | None,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Train one run in this process, with a progress bar; an open dashboard shows it live.

    SETTINGS are names and values as in the dashboard's address bar; see `python -m rnncore settings`.
    """
    from rnncore.cost import check_memory
    from rnncore.runs.here import begin_here, run_here
    from rnncore.runs.store import RunStore

    config = _configuration(settings, config_file)
    store = RunStore(store_url)
    if text_file is not None:
        config = config.changed(corpus=_upload(store, text_file))
    check_memory(config)
    run = begin_here(store, config)
    console = Console(stderr=True, quiet=as_json)
    console.print(f"run [bold]{run.id}[/bold]  {config.label}  {config.task.corpus}")
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[rate]:.1f} steps/s"), TimeRemainingColumn(),
        TextColumn("{task.fields[bits]:.3f} bits per character"), console=console,
    ) as progress:  # fmt: skip
        bar = progress.add_task("training", total=config.training.steps, rate=0.0, bits=math.nan)

        def show(step: int, seconds: float, loss: float) -> None:
            rate = step / seconds if seconds else 0.0
            progress.update(bar, completed=step, rate=rate, bits=loss / math.log(2))

        _stop_on_ctrl_c(store, run.id)
        run_here(store, run, on_step=show, say=lambda note: console.print(note) if note else None)
    done = store.get(run.id)
    if as_json:
        click.echo(json.dumps(_summary(store, done)))
    else:
        console.print(f"{done.state}: {done.reason}")
    store.close()
    if done.state == "stopped":
        sys.exit(INTERRUPTED)
    if done.state != "finished":
        sys.exit(FAILED)


@cli.command()
def settings() -> None:
    """List every setting with its default, range and meaning."""
    default = RunConfig()
    for leaf in LEAVES:
        low, high = bounds(leaf)
        span = "" if low is None or high is None else f" from {low:,.10g} to {high:,.10g}"
        unit = f" {unit_of(leaf)}" if unit_of(leaf) else ""
        value = "off" if default[leaf] is None else default[leaf]
        click.echo(f"{leaf} = {value}{unit}{span}\n    {field_of(leaf).description}")


@cli.command()
@click.option("--store", "store_url", help="Database URL of the run store.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per run.")
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
def runs(store_url: str | None, as_json: bool, limit: int) -> None:
    """List the runs, newest first."""
    from rnncore.runs.store import RunStore

    store = RunStore(store_url)
    for run in store.runs(limit=limit):
        if as_json:
            click.echo(json.dumps(_summary(store, run)))
        else:
            reason = f"  {run.reason}" if run.reason else ""
            click.echo(f"{run.id}  {run.state:<11}  step {run.step:>8,}  {run.config.label}{reason}")
    store.close()


def _configuration(settings: tuple[str, ...], config_file: Path | None) -> RunConfig:
    base = None
    if config_file is not None:
        try:
            base = RunConfig.from_json(config_file.read_bytes())
        except OSError as error:
            raise click.UsageError(f"--config {config_file} cannot be read: {error.strerror}") from None
    values = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise click.UsageError(f"a setting must be NAME=VALUE, got {setting!r}; for example lr=0.01")
        values[name] = value
    return RunConfig.from_flat(values, base=base)


def _upload(store: Any, path: Path) -> str:
    from rnncore.tasks.corpora import decode_upload

    try:
        data = path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"--file {path} cannot be read: {error.strerror}") from None
    corpus = decode_upload(data, path.name)
    key: str = store.put_corpus(corpus.name, corpus.text, "")
    return key


def _stop_on_ctrl_c(store: Any, run_id: str) -> None:
    """The first Ctrl-C stops the run cleanly, with a checkpoint; the second ends the process."""

    def stop(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        store.send(run_id, "stop")

    signal.signal(signal.SIGINT, stop)


def _summary(store: Any, run: Any) -> dict[str, Any]:
    validation = store.series(run.id, "validation")
    loss = float(validation["loss"][-1]) if validation and len(validation["loss"]) else None
    return {
        "run": run.id,
        "state": run.state,
        "reason": run.reason,
        "step": run.step,
        "seconds": round(run.seconds, 3),
        "validation_bits": None if loss is None else loss / math.log(2),
        "config": json.loads(run.config.to_json()),
    }


def main() -> None:
    """Run the command line; refusals are one sentence each and exit with 2."""
    try:
        cli()
    except RnncoreError as error:
        for sentence in getattr(error, "problems", (str(error),)):
            click.echo(f"rnncore: {sentence}", err=True)
        sys.exit(REFUSED)
