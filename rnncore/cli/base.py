"""What the subcommands share: options, the store, one way to say no, and what is said of a run."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from rnncore.errors import RnncoreError

if TYPE_CHECKING:
    from rnncore.runs.store import RunInfo, RunStore

FAILED, REFUSED, INTERRUPTED = 1, 2, 130


class Commands(click.Group):
    """Subcommands, each in the file of its name; refusals are one sentence each and exit with 2."""

    def __init__(self, names: Sequence[str], **options: Any):
        super().__init__("rnncore", **options)
        self.names = names

    def list_commands(self, ctx: click.Context) -> list[str]:
        """As they were given, not by the alphabet."""
        return list(self.names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command ``name`` of ``rnncore.cli.name``."""
        if cmd_name not in self.names:
            return None
        found: click.Command = getattr(importlib.import_module(f"rnncore.cli.{cmd_name}"), cmd_name)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand; Ctrl-C exits with 130."""
        try:
            return super().invoke(ctx)
        except RnncoreError as error:
            for sentence in getattr(error, "problems", (str(error),)):
                click.echo(f"rnncore: {sentence}", err=True)
            ctx.exit(REFUSED)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


store_option = click.option("--store", "store_url", metavar="URL", help="Database URL of the run store.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON line per run, for scripts.")


@contextmanager
def opened(url: str | None) -> Iterator[RunStore]:
    """The run store, closed in the end."""
    from rnncore.runs.store import RunStore

    with RunStore(url) as store:
        yield store


def summary(store: RunStore, run: RunInfo) -> dict[str, Any]:
    """A run as JSON values: its state, its last losses and score, its configuration."""
    task = run.config.task
    loss, score = _last(store, run.id, "validation", "loss"), _last(store, run.id, "score", "score")
    return {
        "run": run.id,
        "name": run.name,
        "state": run.state,
        "reason": run.reason,
        "step": run.step,
        "seconds": round(run.seconds, 3),
        "validation_loss": None if loss is None else loss / task.loss_size,
        "loss_unit": task.loss_unit,
        "score": score,
        "score_name": getattr(task, "score_name", None),
        "race": run.race,
        "tags": list(run.tags),
        "config": json.loads(run.config.to_json()),
    }


def _last(store: RunStore, run_id: str, series: str, column: str) -> float | None:
    """The newest number of a series, None where there is none."""
    newest = store.last_step(run_id, series)
    found = store.series(run_id, series, since=None if newest is None else newest - 1)
    value = float(found[column][-1]) if found else None
    return None if value is None or value != value else value
