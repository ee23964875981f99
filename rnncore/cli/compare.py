"""``compare``: a race of several configurations, trained by workers of this process, with a verdict."""

from __future__ import annotations

import json
import math
import shlex
import sys
import threading
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from rnncore.cli.base import FAILED, INTERRUPTED, store_option
from rnncore.cli.stopping import stopped_by_ctrl_c
from rnncore.comparison import (
    RACES,
    Measure,
    Outcome,
    Race,
    Standing,
    judged,
    measure_of,
    outcome,
    race_preset,
    series_of,
    standings,
    sweep,
    verdict,
)
from rnncore.config import RunConfig
from rnncore.runs import states
from rnncore.runs.launcher import Launcher
from rnncore.runs.races import RaceInfo, Races
from rnncore.runs.store import RunStore, StoreUnavailable

POLL_SECONDS = 0.3
PATIENCE_SECONDS = 15.0
"""For runs to come to a stop after Ctrl-C; those of this process's workers end after it in any case."""
AGAIN = "stopping the race, with a checkpoint of each run; press Ctrl-C again to leave at once"

EXAMPLES = """
\b
Examples:
  python -m rnncore compare delayed-recall
  python -m rnncore compare delayed-recall steps=300 --seeds 5 --workers 2
  python -m rnncore compare task=parity steps=800 --contender cell=lstm --contender "cell=gru lr=0.003"
  python -m rnncore compare task=adding --sweep lr=0.001,0.01 --sweep cell=lstm,gru
  python -m rnncore compare --race race.json --json | jq .verdict
  python -m rnncore compare --resume k3m9xw

\b
Ctrl-C stops the race and keeps what was done; --resume RACE goes on with it. A second one leaves at once.
Exit codes: 0 finished (a run that diverged counts), 1 a run failed, 2 something was refused,
130 stopped before its end.
"""


ABOUT = f"""Race configurations on one task, and say who is ahead.

The runs are trained by workers of this process; an open dashboard with the same store shows them live, and may
take some of them too.

PRESET is one of {", ".join(one.key for one in RACES)}. NAME=VALUE changes what all contenders share; see
`python -m rnncore settings`.
"""


@click.command(help=ABOUT, epilog=EXAMPLES)
@click.argument("words", nargs=-1, metavar="[PRESET] [NAME=VALUE]...")
@click.option("--contender", "contenders", multiple=True, metavar="'NAME=VALUE ...'", help="One who races; repeat it.")
@click.option("--sweep", "axes", multiple=True, metavar="NAME=VALUE,...", help="Every combination; may be repeated.")
@click.option("--race", "race_file", type=click.Path(path_type=Path), help="A race's document as JSON.")
@click.option("--resume", "race_id", metavar="RACE", help="Go on with a race where it stood.")
@click.option("--seeds", type=click.IntRange(1), help="How many; three, or as many as the race has.")
@click.option("--match", type=click.Choice(["hidden_size", "parameters"]), help="What all have equal.")
@click.option("--longer", is_flag=True, help="Judge by sequences longer than those of training.")
@click.option("--name", help="What to call the race.")
@click.option("--workers", type=click.IntRange(1), help="Runs at the same time; one per core by default.")
@store_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document at the end, for scripts.")
def compare(
    words: tuple[str, ...],
    contenders: tuple[str, ...],
    axes: tuple[str, ...],
    race_file: Path | None,
    race_id: str | None,
    seeds: int | None,
    match: str | None,
    longer: bool,
    name: str | None,
    workers: int | None,
    store_url: str | None,
    as_json: bool,
) -> None:
    """See ``ABOUT``."""
    options = {
        "match": match,
        "judged_by": "longer" if longer else None,
        "name": name,
        "seeds": None if seeds is None else tuple(range(1, seeds + 1)),
    }
    given = {key: value for key, value in options.items() if value is not None}
    if race_id is not None:
        if words or contenders or axes or race_file or given:
            raise click.UsageError("--resume goes on with a race as it is; leave out all that would change it")
        race = None
    else:
        race = _wanted(words, contenders, axes, race_file, given)
        if longer and measure_of(race.configs[0], "longer").column != "score_longer":
            raise click.UsageError("--longer needs a task that is tested on longer sequences; leave it out")
    console = Console(stderr=True, quiet=as_json)
    with _RaceStore(store_url) as store:
        races = Races(store)
        launcher = Launcher(store, workers, validate=_fits)
        with stopped_by_ctrl_c(console) as asked:
            if race is None:
                race = Race.from_store(races.get(str(race_id)).document)
                _go_on(races, str(race_id))
                info = races.get(str(race_id))
            else:
                info = launcher.race(race.name, race.to_json(), race.runs())
            store.race = info.id
            console.print(f"race {info.id}  {race.name}  {len(info.runs)} runs", markup=False)
            if not info.over:
                _run(races, launcher, info.id, race, asked, console)
        info = races.get(info.id)
        measure = judged(race, info.runs)
        results = [_outcome(store, run, measure) for run in info.runs]
    table = standings(race, results)
    sentences = verdict(measure, table)
    if as_json:
        click.echo(json.dumps(_document(info, measure, table, results, sentences), allow_nan=False))
    else:
        _show(measure, table, sentences)
    _exit(info, console)


class _RaceStore(RunStore):
    """A store whose launcher takes the runs of one race only: others in the queue are not this command's."""

    race = ""

    def _next(self) -> list[states.RunInfo]:
        found = self.runs(limit=1000, states={states.QUEUED}, race=self.race) if self.race else []
        free = [run for run in found if not run.held]
        return sorted(free, key=lambda run: (run.config.seed, run.contender, run.created))

    def claim(self, worker: str, host: str, run_id: str | None = None) -> states.RunInfo | None:
        """The next run of the race that no one else has taken."""
        for wanted in [run.id for run in self._next()] if run_id is None else [run_id]:
            claimed = super().claim(worker, host, wanted)
            if claimed is not None:
                return claimed
        return None

    def waiting(self) -> int:
        """How many runs of the race wait."""
        return len(self._next())


def _fits(config: RunConfig) -> None:
    from rnncore.cost import check_memory

    check_memory(config)


def _wanted(
    words: tuple[str, ...],
    contenders: tuple[str, ...],
    axes: tuple[str, ...],
    race_file: Path | None,
    given: dict[str, Any],
) -> Race:
    """The race that the command line asks for."""
    key = words[0] if words and "=" not in words[0] else None
    common = _pairs(words if key is None else words[1:])
    for leaf, instead in (("seed", "--seeds"), ("name", "--name")):
        if leaf in common:
            raise click.UsageError(f"{leaf} cannot be set for all runs of a race; use {instead}")
    if sum(map(bool, (key, race_file, contenders, axes))) != 1:
        raise click.UsageError(
            "a race needs a preset, two or more --contender, --sweep, or --race, and one of these only; "
            "for example compare delayed-recall"
        )
    if key is not None or race_file is not None:
        if key is None:
            assert race_file is not None
            base = Race.from_json(_read(race_file))
        else:
            preset = race_preset(key)
            if preset is None:
                known = ", ".join(one.key for one in RACES)
                raise click.UsageError(f"a preset must be one of {known}, got {key!r}; or write settings as NAME=VALUE")
            base = preset.race
        return Race(**(base.model_dump() | given | {"base": base.base | common}))
    given = {"name": "Compared on the command line", "seeds": (1, 2, 3)} | given
    name, seeds = given.pop("name"), given.pop("seeds")
    if axes:
        values = {leaf: [one for one in text.split(",") if one] for leaf, text in _pairs(axes).items()}
        return sweep(name, common, values, seeds, **given)
    return Race.of(name, common, [_pairs(_split(one)) for one in contenders], seeds, **given)


def _split(words: str) -> list[str]:
    try:
        return shlex.split(words)
    except ValueError as error:
        raise click.UsageError(f"--contender {words!r} cannot be read: {error}; close the quotation") from None


def _pairs(words: tuple[str, ...] | list[str]) -> dict[str, str]:
    values = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise click.UsageError(f"a setting must be NAME=VALUE, got {word!r}; for example lr=0.01")
        values[name] = value
    return values


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"--race {path} cannot be read: {error.strerror}; name another file") from None


def _go_on(races: Races, race_id: str) -> None:
    """All that has not come to its end waits again: what was paused, interrupted, stopped or failed."""
    with races.store.transaction():
        races.go_on(race_id)
        for run in races.get(race_id).runs:
            if run.state in states.RESUMABLE:
                races.store.requeue(run.id)


def _run(races: Races, launcher: Launcher, race_id: str, race: Race, asked: threading.Event, console: Console) -> None:
    """Until the race is over, or was stopped by Ctrl-C and is paused."""
    deadline, paused, said = math.inf, False, ""
    with launcher, Progress(
        TextColumn("{task.fields[done]} runs"), BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
        TextColumn("{task.fields[now]}", markup=False), console=console,
    ) as progress:  # fmt: skip
        bar = progress.add_task("", total=None, done="", rate="", now="")
        while time.monotonic() < deadline:
            if asked.is_set() and deadline == math.inf:
                console.print(AGAIN)
                deadline = time.monotonic() + PATIENCE_SECONDS
            note = next(filter(None, launcher.notes.copy().values()), "")
            try:
                if asked.is_set() and not paused:
                    races.pause(race_id)
                    paused = True
                info = races.get(race_id)
                launcher.warm = int(any(run.state == states.QUEUED and not run.held for run in info.runs))
                _draw(progress, bar, races.store, info, judged(race, info.runs), note)
                if info.over or (paused and not any(run.active for run in info.runs)):
                    return
            except StoreUnavailable as error:  # the workers wait for it too, and go on when it is back
                note = str(error)
            if note and note != said:
                console.print(note, markup=False, soft_wrap=True)
            said = note
            time.sleep(POLL_SECONDS)


def _draw(progress: Progress, bar: TaskID, store: RunStore, info: RaceInfo, measure: Measure, note: str) -> None:
    over = [run.ended_for_good or run.state == states.FAILED for run in info.runs]
    steps = [run.config.training.steps for run in info.runs]
    busy = [run for run in info.runs if run.active]
    rate = sum(run.steps_per_second for run in busy)
    scores = (f"{run.name} {measure.text(_outcome(store, run, measure).score)}" for run in busy)
    progress.update(
        bar,
        total=sum(steps),
        completed=sum(most if done else run.step for run, most, done in zip(info.runs, steps, over, strict=True)),
        done=f"{sum(over)}/{len(over)}",
        rate=f"{rate:.1f} steps/s" if rate else "",
        now=note or ("; ".join(scores) if busy else "paused" if info.paused else ""),
    )


def _outcome(store: RunStore, run: states.RunInfo, measure: Measure) -> Outcome:
    return outcome(run, measure, {name: store.series(run.id, name) for name in series_of(measure)})


def _exit(info: RaceInfo, console: Console) -> None:
    """Say how to go on, and leave with what became of the runs."""
    ended = {run.state for run in info.runs}
    rest = [run for run in info.runs if not run.ended_for_good]
    if rest:
        console.print(f"{len(rest)} of {len(info.runs)} runs are not done", markup=False)
        for run in rest:
            if run.state == states.FAILED:
                console.print(f"{run.id} {run.name} failed: {run.reason}", markup=False)
        console.print(f"to go on: python -m rnncore compare --resume {info.id}", markup=False)
    if info.over and ended & {states.FAILED, states.INTERRUPTED}:
        sys.exit(FAILED)
    if rest:
        sys.exit(INTERRUPTED)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _document(
    info: RaceInfo, measure: Measure, table: list[Standing], results: list[Outcome], sentences: list[str]
) -> dict[str, Any]:
    labels = [one.label for one in table]
    return {
        "race": info.id,
        "name": info.name,
        "over": info.over,
        "measure": measure.name,
        "higher_is_better": measure.higher_is_better,
        "verdict": sentences,
        "contenders": [
            {
                "label": one.label,
                "score": _number(one.score.mean),
                "low": _number(one.score.low),
                "high": _number(one.score.high),
                "seeds": one.seeds,
                "wanted": one.wanted,
                "solved": one.solved,
                "diverged": one.diverged,
                "failed": one.failed,
                "parameters": one.parameters,
                "seconds_per_step": _number(one.seconds_per_step),
                "memory_bytes": round(one.memory),
                "memory_measured": one.memory_measured,
            }
            for one in table
        ],
        "runs": [
            {
                "run": one.run.id,
                "contender": labels[one.run.contender],
                "seed": one.run.config.seed,
                "state": one.run.state,
                "reason": one.run.reason,
                "step": one.run.step,
                "score": _number(one.score),
                "solved": one.solved,
                "seconds_per_step": _number(one.seconds_per_step),
            }
            for one in results
        ],
    }


def _show(measure: Measure, table: list[Standing], sentences: list[str]) -> None:
    console = Console()
    if not console.is_terminal:  # a program reads it: in full
        console = Console(width=200)
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for column in (
        "contender",
        measure.name,
        "95 % interval",
        "seeds",
        "solved",
        "parameters",
        "ms per step",
        "memory",
    ):
        shown.add_column(Text(column), justify="left" if column == "contender" else "right")
    for one in table:
        pace = 1000 * one.seconds_per_step
        cells = (
            one.label,
            measure.text(one.score.mean),
            f"{measure.text(one.score.low)} to {measure.text(one.score.high)}",
            f"{one.seeds}/{one.wanted}",
            "–" if measure.solved_at is None else str(one.solved),
            f"{one.parameters:,}",
            f"{pace:.2f}" if math.isfinite(pace) else "–",
            one.memory_text,
        )
        shown.add_row(*map(Text, cells))
    console.print(shown)
    for sentence in sentences:
        console.print(sentence, markup=False, soft_wrap=True)
