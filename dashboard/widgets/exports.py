"""Runs to take away: each form is made when its button is pressed, and not before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import streamlit as st

from dashboard import services
from dashboard.live.component import Panel
from dashboard.widgets.problems import in_words
from rnncore.export import FORMS, configuration, sizes, weights, write_runs, zipped
from rnncore.export import in_words as size_in_words
from rnncore.export.weights import FILE
from rnncore.runs.store import RunInfo

REPORT = "html"
TITLES = {
    "csv": ("CSV", "table_rows"),
    "parquet": ("Parquet", "database"),
    "tensorboard": ("TensorBoard", "insights"),
    "weights": ("Weights", "deployed_code"),
    "json": ("Configuration", "tune"),
}
"""Form → the button's label and icon."""
_WIDTH = 172


def export_menu(runs: Sequence[RunInfo], *, race: str = "", panels: Sequence[Panel] = ()) -> None:
    """A button that opens the forms of some runs; nothing is looked up before. See ``exports``."""
    with st.popover("Export", icon=":material/download:", on_change="rerun", key="export") as menu:
        if menu.open:
            exports(runs, race=race, panels=panels)


def exports(runs: Sequence[RunInfo], *, race: str = "", panels: Sequence[Panel] = ()) -> None:
    """A download button for each form of some runs, with its size, and what loads the weights.

    Args:
        runs: at least one; several go into one report, and into a folder each in a zip file.
        race: id of the race that they are the runs of: the report is the race's.
        panels: cards about all of the race, for its report.
    """
    with in_words():
        from dashboard.report import size  # it knows every page: not needed to draw the menu's button

        store, several = services.store(), len(runs) > 1
        known = [sizes(store, run) for run in runs]
        about = f"{size_in_words(size())}, live figures in one file that works offline"
        _row(runs, REPORT, "HTML report", "description", partial(_report, runs, race, panels), about)
        for form, (label, icon) in TITLES.items():
            if form == "weights":
                _weights(runs, label, icon, sum(one[form] for one in known))
                continue
            about = f"{size_in_words(sum(one[form] for one in known))}, {FORMS[form].about}"
            _row(runs, form, label, icon, partial(_made, runs, form), about)
    if not several:
        _loading(runs[0])


def _weights(runs: Sequence[RunInfo], label: str, icon: str, size: int) -> None:
    """The newest checkpoint's weights, or why there are none."""
    lacking = [run for run in runs if not _steps(run)]
    about = f"{size_in_words(size)}, safetensors with names of plain torch.nn"
    if lacking:
        one = lacking[0]
        where = "it is trained elsewhere" if one.elsewhere else "it has no checkpoint yet"
        about = f"not of {one.id}: {where}" if len(runs) > 1 else f"none: {where}"
    _row(runs, "weights", label, icon, partial(_made, runs, "weights"), about, disabled=bool(lacking))


def _loading(run: RunInfo) -> None:
    """Five lines that load the weights."""
    if steps := _steps(run):
        with in_words():
            st.caption(
                f"These lines load the weights of step {steps[-1]:,} into plain torch.nn. Of a text, the characters in "
                'the order of their ids are in the file too: `safetensors.safe_open(file, "np").metadata()`'
            )
            name = _name([run], "weights")
            st.code(_snippet(run.id, steps[-1]).replace(FILE, name), language="python", wrap_lines=True)


def _steps(run: RunInfo) -> list[int]:
    return [] if run.elsewhere else services.store().checkpoint_steps(run.id)


@lru_cache(maxsize=64)
def _snippet(run_id: str, step: int) -> str:
    """Kept: a rerun need not read the checkpoint again."""
    return weights(services.store(), run_id, step).snippet


def _row(
    runs: Sequence[RunInfo],
    form: str,
    label: str,
    icon: str,
    make: Callable[[], bytes | str],
    about: str,
    *,
    disabled: bool = False,
) -> None:
    """A button, and what comes of it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.download_button(
            label,
            make,
            _name(runs, form),
            key=f"export_{form}_{'-'.join(run.id for run in runs)}",
            icon=f":material/{icon}:",
            on_click="ignore",
            disabled=disabled,
            width=_WIDTH,
        )
        st.caption(about, width="stretch")


def _name(runs: Sequence[RunInfo], form: str) -> str:
    """Of the file: one run's weights and configuration are no zip files."""
    name = runs[0].id if len(runs) == 1 else f"{len(runs)}-runs-{runs[0].id}"
    single = {REPORT: "html"} | ({"weights": "safetensors", "json": "json"} if len(runs) == 1 else {})
    return f"{name}.{single[form]}" if form in single else f"{name}-{form}.zip"


def _made(runs: Sequence[RunInfo], form: str) -> bytes | str:
    """A form's file."""
    store, ids = services.store(), [run.id for run in runs]
    if len(ids) == 1 and form == "weights":
        return weights(store, ids[0]).data
    if len(ids) == 1 and form == "json":
        return configuration(store.get(ids[0]))
    return zipped(lambda folder: write_runs(store, ids, form, folder))


def _report(runs: Sequence[RunInfo], race: str, panels: Sequence[Panel]) -> str:
    from dashboard.report import race_report, report

    store = services.store()
    return race_report(store, race, panels=panels) if race else report(store, [run.id for run in runs])
