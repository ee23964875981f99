"""``export``: runs in forms that other programs read."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path

import click

from rnncore.cli.base import opened, store_option
from rnncore.errors import ExportError, StoreError
from rnncore.export import FORMS, configuration, deliver, named, weights, write_runs
from rnncore.runs.races import RaceInfo, Races
from rnncore.runs.store import RunNotFound, RunStore, StoreUnavailable

HTML = "a report to read in a browser, offline, with live figures; of a run, of several, or of a race"
FORMATS = {"html": HTML, **{name: form.about for name, form in FORMS.items()}}
ENDINGS = {"html": ".html", "json": ".json", "weights": ".safetensors"}
"""What a single file of a format is called; the other formats are folders or zip files."""

METADATA = (
    "Its metadata holds run, step, configuration and, of a text, the characters in the order of their ids: "
    'safetensors.safe_open(FILE, "np").metadata().'
)

EXAMPLES = """
\b
Examples:
  python -m rnncore export k3m9xw
  python -m rnncore export k3m9xw p7h2cd --format html -o race.html
  python -m rnncore export k3m9xw --format parquet -o tables.zip
  python -m rnncore export k3m9xw p7h2cd --format tensorboard -o logs
  python -m rnncore export k3m9xw --format weights -o weights.safetensors
  python -m rnncore export k3m9xw --format json -o run.json

\b
Formats:
""" + "\n".join(f"  {name:<12} {about}" for name, about in FORMATS.items())


@click.command(epilog=EXAMPLES)
@click.argument("run_ids", metavar="RUN|RACE...", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="html", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A file, a folder, or a zip file where it ends with .zip."
)
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Say in one JSON line what was written.")
def export(
    run_ids: tuple[str, ...],
    form: str,
    output: Path | None,
    overwrite: bool,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Write runs or a race for other programs.

    As a report, as tables, as event files for TensorBoard, as weights, or as settings.
    """
    with opened(store_url) as store:
        given = list(dict.fromkeys(run_ids))
        ids, race = _named(store, given)
        target = output or Path("-".join(given[:3]) + ENDINGS.get(form, f"-{form}.zip"))
        snippet = ""
        if form == "html":
            _write_report(store, race or ids, target, overwrite)
        elif target.suffix == ENDINGS.get(form):
            snippet = _file(store, ids, form, target, overwrite)
        else:
            deliver(lambda folder: write_runs(store, ids, form, folder), target, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps({"runs": ids, "format": form, "output": str(target), "snippet": snippet}))
    else:
        click.echo(f"{target} is written" + (f"; this loads it:\n\n{snippet}\n{METADATA}" if snippet else ""))


def _named(store: RunStore, given: Sequence[str]) -> tuple[list[str], str]:
    """The ids of all runs that are meant; and the race, where one alone was given."""
    runs: dict[str, None] = {}
    race = ""
    for one in given:
        try:
            runs[store.get(one).id] = None
        except RunNotFound:
            found = _race(store, one)
            runs |= dict.fromkeys(run.id for run in found.runs)
            race = found.id
    return list(runs), race if len(given) == 1 else ""


def _race(store: RunStore, given: str) -> RaceInfo:
    try:
        return Races(store).get(given)
    except StoreUnavailable:
        raise
    except StoreError:
        raise ExportError(f"RUN must be the id of a run or a race, got {given!r}; see python -m rnncore runs") from None


def _file(store: RunStore, ids: list[str], form: str, target: Path, overwrite: bool) -> str:
    """Write the one file of a format; the lines that load it."""
    if len(ids) > 1:
        raise ExportError(f"output {str(target)!r} holds one run, got {len(ids)}; name a folder or a zip file instead")
    if form == "json":
        named(configuration(store.get(ids[0])).encode(), target, overwrite=overwrite)
        return ""
    found = weights(store, ids[0])
    named(found.data, target, overwrite=overwrite)
    return found.snippet_for(target.name)


def _write_report(store: RunStore, what: str | list[str], target: Path, overwrite: bool) -> None:
    """The report of the dashboard, which is a package beside this one: nothing here knows a screen.

    Args:
        store: where the runs are.
        what: the id of a race, or of each run.
        target: the file.
        overwrite: replace it.
    """
    if target.suffix != ENDINGS["html"]:
        raise ExportError(f"output must end with .html, got {str(target)!r}; add it")
    try:
        found = importlib.import_module("dashboard.report")
    except ImportError as error:
        raise ExportError(
            f"format 'html' needs the package dashboard with its libraries, which cannot be loaded ({error}); install "
            "the whole project, or choose another format"
        ) from None
    text: str = (found.race_report if isinstance(what, str) else found.report)(store, what)
    named(text.encode("utf-8"), target, overwrite=overwrite)
