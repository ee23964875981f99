"""``runs``: the runs of the store: list, show, tag, stop, resume, delete."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rnncore.cli.base import json_option, opened, store_option, summary
from rnncore.config import CELLS, TASKS
from rnncore.errors import StoreError
from rnncore.runs.process import is_alive
from rnncore.runs.states import ACTIVE, ENDED, INTERRUPTED, STATES, RunInfo
from rnncore.runs.store import RunStore

EVERY = 1_000_000

LIST_EXAMPLES = """
\b
Examples:
  python -m rnncore runs
  python -m rnncore runs --state finished --cell lstm --limit 5
  python -m rnncore runs --task parity --json | jq .score
  python -m rnncore runs --tag paper --search "first try"
  python -m rnncore runs show k3m9xw
"""


@click.group(invoke_without_command=True, epilog=LIST_EXAMPLES)
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only these; may be repeated.")
@click.option("--task", "tasks", multiple=True, type=click.Choice(TASKS), help="Only these; may be repeated.")
@click.option("--cell", "cells", multiple=True, type=click.Choice(CELLS), help="Only these; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="Only these; may be repeated.")
@click.option("--search", default="", help="Words that are in the name, note, tags, text or id.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many, newest first.")
@store_option
@json_option
@click.pass_context
def runs(
    ctx: click.Context,
    states: tuple[str, ...],
    tasks: tuple[str, ...],
    cells: tuple[str, ...],
    tags: tuple[str, ...],
    search: str,
    limit: int,
    store_url: str | None,
    as_json: bool,
) -> None:
    """List the runs, newest first.

    The commands below look after one of them, or some.
    """
    if ctx.invoked_subcommand is not None:
        _refuse_options_before(ctx)
        return
    filtered = tasks or cells or tags or search.strip()
    with opened(store_url) as store:
        for run in store.runs(limit=EVERY, states=ACTIVE):
            _noticed(store, run)
        found = [
            run
            for run in store.runs(limit=EVERY if filtered else limit, states=states or None)
            if (not tasks or (run.config.task.kind in tasks and not run.elsewhere))
            and (not cells or run.config.model.cell in cells)
            and (not tags or not _folded(tags).isdisjoint(_folded(run.tags)))
            and all(word in _words(run) for word in search.casefold().split())
        ][:limit]
        if as_json:
            for run in found:
                click.echo(json.dumps(summary(store, run)))
        elif found:
            _print(_table(found))
        else:
            click.echo("no run fits; python -m rnncore train starts one", err=True)


def _refuse_options_before(ctx: click.Context) -> None:
    """Options of the list mean nothing to a subcommand: better said than ignored."""
    for name in ctx.params:
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            option = next(one.opts[0] for one in ctx.command.params if one.name == name)
            raise click.UsageError(
                f"{option} before {ctx.invoked_subcommand} is an option of the list; write it behind, or leave it out"
            )


def _folded(words: Iterable[str]) -> set[str]:
    return {word.casefold() for word in words}


def _words(run: RunInfo) -> str:
    """What a run can be found by."""
    parts = (run.id, run.name, run.note, *run.tags, run.config.corpus or "", run.config.task.title, run.state)
    return " ".join(parts).casefold()


def _table(found: list[RunInfo]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("run", "state", "step", "begun", "what"):
        table.add_column(column, justify="right" if column == "step" else "left", no_wrap=True)
    table.add_column("")
    for run in found:
        config = run.config
        learned = "trained elsewhere" if run.elsewhere else config.corpus or config.task.title
        begun = time.strftime("%d %b %H:%M", time.localtime(run.created))
        what = f"{config.label} · {learned}"
        cells = (run.id, run.state, f"{run.step:,}", begun, what, run.reason)
        table.add_row(*map(Text, cells))
    return table


SHOW_EXAMPLES = """
\b
Examples:
  python -m rnncore runs show k3m9xw
  python -m rnncore runs show k3m9xw --json | jq .config.training.lr
"""


@runs.command(epilog=SHOW_EXAMPLES)
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def show(run_id: str, store_url: str | None, as_json: bool) -> None:
    """What is known of a run.

    Its state, settings, what was measured, and where it failed.
    """
    with opened(store_url) as store:
        run = _current(store, run_id)
        kept = {
            "series": {name: store.last_step(run_id, name) for name in store.series_names(run_id)},
            "records": {kind: len(store.record_steps(run_id, kind)) for kind in store.record_kinds(run_id)},
            "checkpoints": store.checkpoint_steps(run_id),
            "traceback": store.traceback(run_id),
        }
        said = summary(store, run)
        if as_json:
            click.echo(json.dumps(said | kept))
        else:
            _print(_description(run, said, kept))


def _description(run: RunInfo, said: dict[str, Any], kept: dict[str, Any]) -> Table:
    loss, score = said["validation_loss"], said["score"]
    settings = {} if run.elsewhere else run.config.to_flat()
    rows = {
        "run": run.id,
        "name": run.name,
        "state": f"{run.state}: {run.reason}" if run.reason else run.state,
        "step": f"{run.step:,} of {run.config.training.steps:,}, after {run.seconds:,.1f} s of training",
        "validation loss": "" if loss is None else f"{loss:.4g} {said['loss_unit']}",
        "score": "" if score is None else f"{score:.4g} {said['score_name'] or ''}",
        "parameters": "" if run.parameters is None else f"{run.parameters:,}",
        "settings": " ".join(f"{name}={value}" for name, value in settings.items()),
        "tags": ", ".join(run.tags),
        "note": run.note,
        "series": ", ".join(f"{name} to step {step:,}" for name, step in kept["series"].items()),
        "records": ", ".join(f"{kind} ({count})" for kind, count in kept["records"].items()),
        "checkpoints": ", ".join(f"{step:,}" for step in kept["checkpoints"]),
        "failed at": kept["traceback"],
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value:
            table.add_row(name, Text(value))
    return table


TAG_EXAMPLES = """
\b
Examples:
  python -m rnncore runs tag k3m9xw paper "figure 2"
  python -m rnncore runs tag k3m9xw paper --remove
"""


@runs.command(epilog=TAG_EXAMPLES)
@click.argument("run_id", metavar="RUN")
@click.argument("tags", metavar="TAG...", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Take them away.")
@store_option
@json_option
def tag(run_id: str, tags: tuple[str, ...], remove: bool, store_url: str | None, as_json: bool) -> None:
    """Give a run words to find it by."""
    with opened(store_url) as store, store.transaction():
        before = store.get(run_id).tags
        kept = [one for one in before if one.casefold() not in _folded(tags)] if remove else [*before, *tags]
        store.tag(run_id, kept)
        run = store.get(run_id)
        _say(store, run, f"{run_id} is tagged {', '.join(run.tags)}" if run.tags else f"{run_id} has no tags", as_json)


STOP_EXAMPLES = """
\b
Examples:
  python -m rnncore runs stop k3m9xw
"""


@runs.command(epilog=STOP_EXAMPLES)
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@store_option
@json_option
def stop(run_ids: tuple[str, ...], store_url: str | None, as_json: bool) -> None:
    """Stop runs cleanly, with a checkpoint."""
    with opened(store_url) as store:
        before = {run_id: _current(store, run_id).state for run_id in dict.fromkeys(run_ids)}
        for run_id, state in before.items():
            store.send(run_id, "stop")
            if state in ENDED:
                said = f"{run_id} is {state} already"
            else:
                said = f"{run_id} stops after its present step" if state in ACTIVE else f"{run_id} no longer waits"
            _say(store, store.get(run_id), said, as_json)


RESUME_EXAMPLES = """
\b
Examples:
  python -m rnncore runs resume k3m9xw
  python -m rnncore runs resume k3m9xw --step 500
  python -m rnncore runs resume k3m9xw --queue
"""


@runs.command(epilog=RESUME_EXAMPLES)
@click.argument("run_id", metavar="RUN")
@click.option("--step", type=click.IntRange(0), help="Which checkpoint to go on from; the newest by default.")
@click.option("--queue", is_flag=True, help="Leave the training to an open dashboard, in its turn.")
@store_option
@json_option
def resume(run_id: str, step: int | None, queue: bool, store_url: str | None, as_json: bool) -> None:
    """Go on with a run from a checkpoint.

    It was stopped, was interrupted or failed, and is trained in this process.
    """
    from rnncore.cli.progress import follow

    with opened(store_url) as store:
        if queue:
            waiting = store.requeue(run_id, step=step)
            _say(store, waiting, f"{run_id} waits at place {waiting.queue_place}", as_json)
        else:
            follow(store, _taken_up(store, run_id, step), as_json=as_json)


def _taken_up(store: RunStore, run_id: str, step: int | None) -> RunInfo:
    """A run that has ended, in this process's hands; no launcher sees it wait."""
    from rnncore.runs.worker import identity

    _current(store, run_id)
    with store.transaction():
        store.requeue(run_id, step=step)
        claimed = store.claim(identity(), socket.gethostname(), run_id)
    if claimed is None:
        raise StoreError(f"run {run_id!r} cannot be taken up: its race is paused; resume the race first")
    return claimed


DELETE_EXAMPLES = """
\b
Examples:
  python -m rnncore runs delete k3m9xw
  python -m rnncore runs delete k3m9xw p7h2cd --yes
"""


@runs.command(epilog=DELETE_EXAMPLES)
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
@json_option
def delete(run_ids: tuple[str, ...], yes: bool, store_url: str | None, as_json: bool) -> None:
    """Delete runs and all that was measured."""
    with opened(store_url) as store:
        found = [_current(store, run_id) for run_id in dict.fromkeys(run_ids)]
        names = ", ".join(f"{run.id} ({run.name or run.config.label})" for run in found)
        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError(f"deleting {names} must be confirmed; add --yes")
            click.confirm(f"Delete {names} and all that was measured?", abort=True, err=as_json)
        for run in found:
            store.delete(run.id)
            click.echo(json.dumps({"run": run.id, "deleted": True}) if as_json else f"{run.id} is deleted")


def _current(store: RunStore, run_id: str) -> RunInfo:
    """A run, as it is and not only as its process last said."""
    return _noticed(store, store.get(run_id))


def _noticed(store: RunStore, run: RunInfo) -> RunInfo:
    """The run; interrupted where the process of this machine that trained it is gone without a word."""
    if run.state in ACTIVE and not run.elsewhere and run.host == socket.gethostname() and not is_alive(run.worker):
        store.set_state(run.id, INTERRUPTED, "its process ended in the middle of it", expect=ACTIVE)
        return store.get(run.id)
    return run


def _say(store: RunStore, run: RunInfo, words: str, as_json: bool) -> None:
    click.echo(json.dumps(summary(store, run)) if as_json else words)


def _print(table: Table) -> None:
    """To a terminal's width; in full length where a program reads it."""
    console = Console()
    if console.is_terminal:
        console.print(table)
        return
    console = Console(width=2000)
    with console.capture() as shown:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in shown.get().splitlines()))
