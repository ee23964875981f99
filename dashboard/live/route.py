"""The read-only routes behind live figures.

``live`` answers with those panels that changed since the client last asked; each is built once, however many
watch. ``live/plotly.js`` is plotly.js from the installed package. Neither knows sessions or sign-in, and
neither changes anything.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import plotly
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.figures.base import Look
from dashboard.live.encoding import encode, to_json
from dashboard.live.panels import PANELS, SERIES, TIMELINE, Scene
from dashboard.live.panels.scene import EXPERIMENT, PROGRESS, RACE
from dashboard.live.source import Source, WatchedExperiment, WatchedRace, WatchedRun, race_state
from dashboard.theme import Mode, template
from rnncore.errors import RnncoreError
from rnncore.runs.store import RunNotFound, RunStore

_LOGGER = logging.getLogger(__name__)
LONGEST_QUERY = 8_000
MOST_PANELS, MOST_RUNS = 100, 6
MOST_CACHED = 512
MOST_COMPRESSED = 32
_YEAR = "public, max-age=31536000, immutable"


class BadQuery(ValueError):
    """The query is not one that the component sends; the message says what is wrong."""


class Live:
    """Answers queries; keeps what it built."""

    def __init__(self, store: Callable[[], RunStore], notes: Callable[[], Mapping[str, str]] = dict):
        self.source, self._notes = Source(store), notes
        self._built: OrderedDict[str, bytes] = OrderedDict()
        self._compressed: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, query: dict[str, Any]) -> bytes:
        """JSON: the runs' states, the playback steps, and the panels that changed.

        Raises:
            BadQuery: a parameter is not as it should be.
            RunNotFound: there is no such run.
        """
        runs, panels, have, at, mode = _checked(query)
        race = self.source.race(query["race"]) if query.get("race") else None
        experiment = self.source.experiment(query["experiment"]) if query.get("experiment") else None
        measuring = experiment is not None and experiment.info.open and experiment.record is None
        kinds = {source for panel in panels for source in PANELS[panel["name"]].sources if source not in SERIES}
        watched = [self.source.run(run_id, kinds | {TIMELINE}) for run_id in runs]
        parts = []
        for panel in panels:
            sources = PANELS[panel["name"]].sources
            if measuring and EXPERIMENT in sources and PROGRESS not in sources:
                continue  # what is drawn of the one before stays until there is something to put in its place
            tag = self._tag(panel, watched, race, at, mode, experiment)
            if have.get(panel["id"]) != tag:
                body = self._body(panel, watched, race, at, mode, tag, experiment)
                parts.append(b"%s:{%s:%s,%s}" % (to_json(panel["id"]), b'"tag"', to_json(tag), body[1:-1]))
        head: dict[str, Any] = {
            "status": {run.info.id: {"state": run.info.state, "step": run.info.step} for run in watched}
        }
        if race is not None:
            head["status"][race.info.id] = {"state": race_state(race.info), "step": 0}
        if experiment is not None:
            head["status"][experiment.info.id] = {"state": experiment.info.state, "step": 0}
        notes = self._notes()
        head["note"] = next((notes[key] for key in ("", *runs) if notes.get(key)), "")
        steps = watched[0].record_steps[TIMELINE] if watched else []
        timeline_tag = f"{watched[0].info.attempt}.{len(steps)}.{steps[-1] if steps else 0}" if watched else ""
        if watched and have.get("timeline") != timeline_tag:
            head |= {"timeline": steps, "timelineTag": timeline_tag}
        if have.get("theme") != mode:
            head |= {"template": template(mode).to_plotly_json(), "theme": mode}
        return b'%s,"panels":{%s}}' % (to_json(head)[:-1], b",".join(parts))

    def compressed(self, query: dict[str, Any]) -> bytes:
        """The answer as gzip. Those who watch the same run mostly ask the same: it is compressed once for them."""
        body = self.answer(query)
        with self._lock:
            found = self._compressed.get(body)
            if found is None:
                found = self._compressed[body] = gzip.compress(body, 4)
                while len(self._compressed) > MOST_COMPRESSED:
                    self._compressed.popitem(last=False)
            return found

    @staticmethod
    def _tag(
        panel: dict[str, Any], watched: list[WatchedRun], race: WatchedRace | None, at: int | None, mode: str,
        experiment: WatchedExperiment | None = None,
    ) -> str:  # fmt: skip
        kind = PANELS[panel["name"]]
        one = kind.one_run and watched
        runs = [watched[min(panel["params"].get("run", 0), len(watched) - 1)]] if one else watched
        versions = "|".join(
            f"{run.info.id}:" + ",".join(run.version(source, at) for source in kind.sources if source not in RACE)
            for run in runs
        )
        if race is not None and not set(RACE).isdisjoint(kind.sources):
            versions += race.version + (race.progress if "race_progress" in kind.sources else "")
        if experiment is not None and EXPERIMENT in kind.sources:
            info = experiment.info
            versions += f"{info.id}.{info.revision}" + (f".{info.seconds:.0f}" if PROGRESS in kind.sources else "")
        params = ",".join(f"{name}{value}" for name, value in sorted(panel["params"].items()))
        return f"{panel['name']}({params})@{at if at is not None else ''}/{mode}/{len(watched)}/{versions}"

    def _body(
        self, panel: dict[str, Any], watched: list[WatchedRun], race: WatchedRace | None, at: int | None, mode: Mode,
        tag: str, experiment: WatchedExperiment | None = None,
    ) -> bytes:  # fmt: skip
        with self._lock:  # built once: whoever comes second finds it
            if tag not in self._built:
                whose = "|".join(run.info.id for run in watched) if race is None else race.info.id
                look = Look(mode, whose if experiment is None else experiment.info.name)
                scene = Scene(self.source, watched, at, look, panel["params"], race, experiment)
                made = _built(panel["name"], scene)
                if "figure" in made:
                    made = {**made, "figure": encode(made["figure"])}
                if "figures" in made:
                    made = {**made, "figures": [encode(part) for part in made["figures"]]}
                self._built[tag] = to_json(made)
                while len(self._built) > MOST_CACHED:
                    self._built.popitem(last=False)
            self._built.move_to_end(tag)
            return self._built[tag]


def _built(name: str, scene: Scene) -> dict[str, Any]:
    """A panel, or a sentence in its place: what one card cannot draw must not take the others with it."""
    try:
        return PANELS[name].build(scene)
    except RnncoreError:
        raise  # a run or a record is gone: the whole answer says so
    except Exception:
        _LOGGER.exception("panel %s could not be drawn", name)
        return {"failed": "This card could not be drawn; the server's log says why. The others go on."}


def _checked(query: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]], dict[str, str], int | None, Mode]:
    runs, panels = query.get("runs"), query.get("panels")
    have, at, mode = query.get("have", {}), query.get("at"), query.get("theme", "light")
    least = 0 if query.get("experiment") else 1
    if not isinstance(runs, list) or not least <= len(runs) <= MOST_RUNS or not all(_is_id(r) for r in runs):
        raise BadQuery(f"runs must be 1 to {MOST_RUNS} run ids, got {_short(runs)}")
    if not isinstance(panels, list) or not 1 <= len(panels) <= MOST_PANELS:
        raise BadQuery(f"panels must be 1 to {MOST_PANELS} panels, got {_short(panels)}")
    for panel in panels:
        if not isinstance(panel, dict) or panel.get("name") not in PANELS or not _is_id(panel.get("id")):
            raise BadQuery(f"a panel must have an id and a name out of {', '.join(PANELS)}, got {_short(panel)}")
        params = panel.setdefault("params", {})
        if set(RACE) & set(PANELS[panel["name"]].sources) and not _is_id(query.get("race")):
            raise BadQuery(f"panel {panel['name']} needs the id of a race, got {_short(query.get('race'))}")
        if not isinstance(params, dict) or not all(type(v) is int and 0 <= v < 1000 for v in params.values()):
            raise BadQuery(f"a panel's params must be small whole numbers, got {_short(params)}")
        if EXPERIMENT in PANELS[panel["name"]].sources and not query.get("experiment"):
            raise BadQuery(f"panel {panel['name']} needs the id of an experiment, got none")
        if not query.get("runs") and EXPERIMENT not in PANELS[panel["name"]].sources:
            raise BadQuery(f"panel {panel['name']} needs a run, got none")
    for name in ("race", "experiment"):
        if query.get(name) is not None and not _is_id(query[name]):
            raise BadQuery(f"{name} must be an id, got {_short(query[name])}")
    if at is not None and (type(at) is not int or at < 0):
        raise BadQuery(f"at must be a training step or null, got {_short(at)}")
    if mode not in ("light", "dark"):
        raise BadQuery(f"theme must be light or dark, got {_short(mode)}")
    if not isinstance(have, dict):
        raise BadQuery(f"have must be an object of tags, got {_short(have)}")
    return runs, panels, have, at, mode


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and len(value) <= 64


def _short(value: Any) -> str:
    return repr(value)[:80]


def routes(store: Callable[[], RunStore], base: str = "", notes: Callable[[], Mapping[str, str]] = dict) -> list[Route]:
    """The routes to mount beside Streamlit's.

    Args:
        store: gives the run store.
        base: ``server.baseUrlPath``.
        notes: gives run id → what its worker has to say at the moment, '' for what concerns all.
    """
    live = Live(store, notes)

    async def answer(request: Request) -> Response:
        zipped = "gzip" in request.headers.get("accept-encoding", "")
        try:
            query = _parsed(await _text(request))
            body = await asyncio.to_thread(live.compressed if zipped else live.answer, query)
        except RunNotFound as error:
            return _problem(404, str(error))
        except BadQuery as error:
            return _problem(400, f"the query is not understood: {error}")
        except RnncoreError as error:  # the store cannot be read at the moment
            return _problem(503, str(error))
        headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
        return Response(
            body, media_type="application/json", headers=headers | ({"Content-Encoding": "gzip"} if zipped else {})
        )

    async def plotly_js(request: Request) -> Response:
        body = await asyncio.to_thread(_plotly_gz)
        headers = {"Content-Encoding": "gzip", "Cache-Control": _YEAR, "Vary": "Accept-Encoding"}
        return Response(body, media_type="text/javascript", headers=headers)

    prefix = f"/{base.strip('/')}" if base.strip("/") else ""
    return [
        Route(f"{prefix}/live", answer, methods=["GET", "POST"]),
        Route(f"{prefix}/live/plotly.js", plotly_js, methods=["GET"]),
    ]


@lru_cache(maxsize=1)
def _plotly_gz() -> bytes:
    path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return gzip.compress(path.read_bytes(), 6)


async def _text(request: Request) -> str:
    """What was asked, read no further than a query may be long."""
    raw = b""
    if request.method == "POST":
        async for part in request.stream():
            raw += part
            if len(raw) > LONGEST_QUERY * 4:
                raise BadQuery(f"it must have at most {LONGEST_QUERY * 4} bytes")
    return raw.decode("utf-8", "replace") or request.query_params.get("q", "")


def _parsed(text: str) -> dict[str, Any]:
    try:
        query = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also for numbers of thousands of digits
        raise BadQuery(str(error)) from None
    if not isinstance(query, dict):
        raise BadQuery("it must be a JSON object")
    return query


def _problem(status: int, sentence: str) -> Response:
    return Response(to_json({"problem": sentence}), status, media_type="application/json")
