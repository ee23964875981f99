"""The report itself: one HTML file with everything in it, that asks nothing of any network.

The cards are drawn by the live component's own script and style. Where that script would ask the server, it finds the
answers in the document. A content security policy forbids the browser to load anything else.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import plotly

from dashboard.live import component
from dashboard.live.encoding import to_json
from dashboard.live.route import Live
from dashboard.report.answers import Answers
from dashboard.report.chapters import Chapter, chapters, titled
from dashboard.report.contenders import Contender, contender_chapters
from dashboard.report.facts import when
from dashboard.report.sections import Section
from dashboard.theme import FONT, MONO, PALETTES, Mode
from rnncore.errors import ExportError
from rnncore.runs.store import RunInfo, RunStore

_HERE, _LIVE = Path(__file__).parent, Path(component.__file__).parent
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; media-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_LONG = 100_000_000
"""Milliseconds until the cards would ask again: nothing will have changed."""

_DATA = 1_000_000
"""Bytes of what is drawn, in most reports."""


def report(store: RunStore, run_ids: Sequence[str], *, title: str = "", sections: Sequence[Section] = ()) -> str:
    """Runs as one self-contained HTML document.

    Args:
        store: where they are.
        run_ids: one, for all that was measured of it; or several, laid over each other and then each by itself.
        title: the heading; what the runs are called for ''.
        sections: what stands before the runs' own chapters.

    Raises:
        RunNotFound: there is no such run.
        ExportError: no run is named.
    """
    runs = [store.get(run_id) for run_id in dict.fromkeys(run_ids)]
    if not runs:
        raise ExportError("run_ids must name at least one run, got none; choose one")
    heading = title or (runs[0].config.label if len(runs) == 1 else f"{len(runs)} runs")
    return _written(store, heading, [*sections, *chapters(store, runs)])


def compared(
    store: RunStore,
    contenders: Sequence[Contender],
    *,
    title: str,
    verdict: Sequence[str] = (),
    sections: Sequence[Section] = (),
    race: str = "",
    panels: Sequence[component.Panel] = (),
) -> str:
    """Several contenders with their runs as one self-contained HTML document.

    Args:
        store: where the runs are.
        contenders: what each is called, and its runs, one for each seed.
        title: the heading.
        verdict: sentences that stand first.
        sections: what stands between the race as a whole and its contenders.
        race: id of the race that the runs are of, for cards that show all of it.
        panels: cards about the race; what can be laid over each other of a run of each contender for none.

    Raises:
        RunNotFound: there is no such run.
        ExportError: there is no run at all.
    """
    groups = [(one.label, [store.get(run_id) for run_id in one.runs]) for one in contenders]
    groups = [(label, runs) for label, runs in groups if runs]
    if not groups:
        raise ExportError("contenders must have at least one run, got none; race them first")
    first, *rest = contender_chapters(store, groups, verdict, panels, race)
    return _written(store, title, [first, *sections, *rest])


def _written(store: RunStore, title: str, items: Sequence[Section | Chapter]) -> str:
    """The document, its parts in the order given."""
    answers, parts, headings, cards = Answers(Live(lambda: store)), [], [], []
    found = [item for item in items if isinstance(item, Chapter)]
    pages = [chapter.anchor for chapter in found]
    for place, item in enumerate(items):
        if isinstance(item, Section):
            anchor, above, runs = f"section-{place}", item.html, found[0].runs[:1]
            panels = [answers.draw(f"s{place}-{n}", drawing) for n, drawing in enumerate(item.drawings)]
        else:
            anchor, above, runs = item.anchor, item.above, item.runs
            own = [titled(panel, f"c{found.index(item)}") for panel in item.panels]
            panels = answers.add([run.id for run in runs], own, pages, item.race)
        headings.append((item.heading, anchor))
        parts.append(_part(item.heading, anchor, above, bool(panels)))
        cards += [_data(anchor, runs, panels)] if panels else []
    return _document(title, headings, parts, {"answers": answers.document(), "cards": cards})


def size() -> int:
    """About how many bytes a report has: mostly the drawing library."""
    return len(_plotly()) + _DATA


def _data(anchor: str, runs: Sequence[RunInfo], panels: Sequence[component.Panel]) -> dict[str, Any]:
    """What ``live_figures`` gives the component, for one chapter."""
    known = {run.id: run.state for run in runs}
    return {
        "anchor": anchor,
        "data": {
            "runs": list(known),
            "known": known,
            "panels": [asdict(panel) for panel in panels],
            "ms": _LONG,
            "at": None,
            "bar": "",
            "chosen": {},
            "base": "#",
            "scale": 1.0,
            "version": plotly.__version__,
        },
    }


def _part(heading: str, anchor: str, above: str, drawn: bool) -> str:
    figures = f'<div data-cards="{escape(anchor)}"><div data-live></div></div>' if drawn else ""
    return f'<section id="/{escape(anchor)}"><h2>{escape(heading)}</h2>{above}{figures}</section>'


def _document(heading: str, headings: list[tuple[str, str]], parts: list[str], data: dict[str, Any]) -> str:
    links = "".join(f'<a href="#/{escape(anchor)}">{escape(name)}</a>' for name, anchor in headings)
    style = "\n".join((_colours("light"), _colours("dark"), _read(_LIVE / "live.css"), _read(_HERE / "report.css")))
    live = _read(_LIVE / "live.js").replace("export default function", "const live = function")
    plain = to_json(data).decode("utf-8").replace("<", "\\u003c")
    made = f"Exported on {when(time.time())}. Nothing here needs a network."
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(heading)}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{escape(heading)}</h1><p>{made}</p><nav>{links}</nav></header>
<noscript><p>The figures of this report need JavaScript; tables and settings do not.</p></noscript>
<main>
{"".join(parts)}
</main>
<script>{_plotly()}</script>
<script type="application/json" id="report">{plain}</script>
<script>(() => {{
{_read(_HERE / "report.js")}
{live}
start();
}})();</script>
</body>
</html>
"""


def _colours(mode: Mode) -> str:
    """The variables that the live component's style reads, as Streamlit would set them."""
    palette = PALETTES[mode]
    values = {
        "background-color": palette.paper,
        "secondary-background-color": palette.card,
        "text-color": palette.ink,
        "border-color": palette.line,
        "primary-color": palette.accent,
        "font": FONT,
        "code-font": MONO,
    }
    root = ":root {" + " ".join(f"--st-{name}: {value};" for name, value in values.items()) + "}"
    return f"@media (prefers-color-scheme: dark) {{ {root} }}" if mode == "dark" else root


@lru_cache(maxsize=1)
def _plotly() -> str:
    """plotly.js from the installed package; nothing in it can end the element that it stands in."""
    path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return _read(path).replace("</script", "<\\/script")


def _read(path: Path) -> str:
    return path.read_text("utf-8")
