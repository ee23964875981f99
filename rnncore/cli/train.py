"""``train``: one run, in this process."""

from __future__ import annotations

from pathlib import Path

import click

from rnncore.cli.base import json_option, opened, store_option
from rnncore.config import RunConfig
from rnncore.runs.store import RunStore

EXAMPLES = """
\b
Examples:
  python -m rnncore train
  python -m rnncore train cell=gru hidden_size=256 lr=0.002 steps=2000
  python -m rnncore train task=delayed_recall sequence_length=100 gate_bias=chrono
  python -m rnncore train --file my-book.txt cell=rnn_tanh clip_norm=off
  python -m rnncore train --config run.json --json

\b
Ctrl-C stops the run and keeps what was done; python -m rnncore runs resume RUN goes on with it.
Exit codes: 0 finished, 1 failed or diverged, 2 a setting was refused, 130 stopped before its end.
"""


@click.command(epilog=EXAMPLES)
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="A configuration as JSON.")
@click.option("--file", "text_file", type=click.Path(path_type=Path), help="A UTF-8 text to learn.")
@store_option
@json_option
def train(
    settings: tuple[str, ...],
    config_file: Path | None,
    text_file: Path | None,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Train one run, with a progress bar.

    It is trained in this process; an open dashboard with the same store shows it live.

    SETTINGS are names and values as in the dashboard's address bar; see `python -m rnncore settings`.
    """
    from rnncore.cli.progress import follow
    from rnncore.cost import check_memory
    from rnncore.runs.here import begin_here

    config = configuration(settings, config_file)
    with opened(store_url) as store:
        if text_file is not None:
            config = config.changed(corpus=_upload(store, text_file))
        check_memory(config)
        follow(store, begin_here(store, config), as_json=as_json)


def configuration(settings: tuple[str, ...], config_file: Path | None) -> RunConfig:
    """The configuration of a file, or the usual one, changed by ``NAME=VALUE``.

    Raises:
        ConfigError: a name or value is refused.
        UsageError: the file cannot be read, or a setting has no '='.
    """
    base = None
    if config_file is not None:
        base = RunConfig.from_json(_read("--config", config_file))
    values = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise click.UsageError(f"a setting must be NAME=VALUE, got {setting!r}; for example lr=0.01")
        values[name] = value
    return RunConfig.from_flat(values, base=base)


def _upload(store: RunStore, path: Path) -> str:
    from rnncore.tasks.corpora import decode_upload

    corpus = decode_upload(_read("--file", path), path.name)
    return store.put_corpus(corpus.name, corpus.text, "")


def _read(option: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{option} {path} cannot be read: {error.strerror}; name another file") from None
