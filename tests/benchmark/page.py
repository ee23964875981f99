"""The benchmark of the page: ``python -m tests.benchmark.page [--json]``, in headless Chromium, with the real server.

An LSTM of 128 units trains (T=64, B=32) while the browser draws every chart of the live lab. Measured are: the time
from pressing Train to the first chart; frames a second and the longest frame; the size of updates; the server's time
for an update; and how much twenty watchers slow the run down.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests import browser as browsers
from tests.e2e.lab import Lab
from tests.e2e.server import Server, until

SETTINGS = {
    "hidden_size": 128,
    "embedding_size": 64,
    "sequence_length": 64,
    "batch_size": 32,
    "sample_length": 300,
    "steps": 1_000_000,
    "lr": 0.003,
}
VIEWPORT = {"width": 1440, "height": 2400}
"""So tall that no chart is out of sight: charts out of sight are not drawn."""
WARM_UP_SECONDS = 10.0
"""From the server's start, or a run's end, to pressing Train: a worker is warm by then."""
SETTLE_SECONDS = 3.0
WATCHERS = 20

_FIRST_CHART = """() => new Promise((resolve) => {
    const holds = (plot) => plot._fullData?.some((trace) => (trace.x?.length ?? trace.z?.length ?? 0) > 0);
    const begin = window.__pressed, found = {};
    const look = () => {
        for (const plot of document.querySelectorAll('[data-panel] .js-plotly-plot')) {
            const name = plot.closest('[data-panel]').dataset.panel;
            if (holds(plot)) found[name] ??= performance.now() - begin;
        }
        if (Object.keys(found).length >= 5 || performance.now() - begin > 15000) resolve(found);
        else requestAnimationFrame(look);
    };
    look();
})"""
_PRESSED = """() => document.querySelector('.st-key-train button').addEventListener(
    'pointerdown', () => { window.__pressed = performance.now(); }, { capture: true, once: true })"""
_FRAMES = """(seconds) => new Promise((resolve) => {
    const deltas = [], begin = performance.now();
    let last;
    const frame = (now) => {
        if (last !== undefined) deltas.push(now - last);
        last = now;
        if (performance.now() - begin < 1000 * seconds) requestAnimationFrame(frame); else resolve(deltas);
    };
    requestAnimationFrame(frame);
})"""


def first_chart(browser: Browser, server: Server, repeats: int) -> list[dict[str, float]]:
    """Milliseconds from pressing Train on an open page to each chart of the new run with something in it."""
    found = []
    for _ in range(repeats):
        context = browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
        lab = Lab(context, server.url)
        lab.open(SETTINGS)
        time.sleep(WARM_UP_SECONDS)
        lab.page.evaluate(_PRESSED)
        lab.train()
        found.append(lab.page.evaluate(_FIRST_CHART))
        context.close()
        server.clear()
    return found


def drawing(browser: Browser, server: Server, seconds: float) -> dict[str, Any]:
    """Frames and updates of one page while all of its charts move. Ends with the run still training."""
    context = browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
    lab = Lab(context, server.url)
    lab.open(SETTINGS)
    idle = lab.page.evaluate(_FRAMES, 3.0)
    time.sleep(WARM_UP_SECONDS)
    lab.train()
    lab.drawn("loss")
    time.sleep(SETTLE_SECONDS)
    sizes = _listen(lab.page)
    deltas = lab.page.evaluate(_FRAMES, seconds)
    panels = lab.page.locator("[data-panel]").count()
    charts = lab.page.locator("[data-panel] .js-plotly-plot").count()
    problems = lab.problems
    context.close()
    updates = [size for size in sizes.values() if size > 1000]
    return {
        "panels": panels,
        "charts": charts,
        "frames_per_second": 1000 * len(deltas) / sum(deltas),
        "frames_per_second_idle": 1000 * len(idle) / sum(idle),
        "longest_frame_ms": max(deltas),
        "frames_over_100_ms": sum(delta > 100 for delta in deltas),
        "frames": len(deltas),
        "updates_per_second": len(updates) / seconds,
        "update_kB": statistics.median(updates) / 1000 if updates else 0.0,
        "largest_update_kB": max(updates, default=0.0) / 1000,
        "problems": problems,
    }


def _listen(page: Page) -> dict[str, float]:
    """Compressed sizes in bytes of the answers of the live route, by request, filled while the page goes on."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: dict[str, float] = {}
    wanted: set[str] = set()

    def sent(event: Any) -> None:
        if event["request"]["url"].endswith("/live"):
            wanted.add(event["requestId"])

    def finished(event: Any) -> None:
        if event["requestId"] in wanted:
            sizes[event["requestId"]] = event["encodedDataLength"]

    session.on("Network.requestWillBeSent", sent)
    session.on("Network.loadingFinished", finished)
    return sizes


def server_time(server: Server, updates: int) -> dict[str, float]:
    """Milliseconds inside ``Live.answer`` for an update of the training run: the first who asks, and those after."""
    from dashboard.live.route import Live
    from tests.benchmark.watchers import panels_of_a_page, tags

    run = server.run("running")
    live = Live(lambda: server.store)
    query: dict[str, Any] = {"runs": [run.id], "panels": panels_of_a_page(), "have": {}}
    first, others, changed = [], [], []
    for _ in range(updates):
        have = dict(query["have"])
        took, cpu, body = _timed(lambda: live.answer(query))
        answer = json.loads(body)
        tags(answer, query["have"])
        if have and answer["panels"]:
            first.append((took, cpu))
            changed.append(len(answer["panels"]))
            again = [_timed(lambda have=have: live.answer({**query, "have": have}))[0] for _ in range(WATCHERS - 1)]
            others.append(statistics.median(again))
        time.sleep(0.4)
    walls, cpus = [wall for wall, _ in first], [cpu for _, cpu in first]
    return {
        "update_ms": statistics.median(walls),
        "update_ms_p95": sorted(walls)[int(0.95 * len(walls))],
        "update_cpu_ms": statistics.median(cpus),
        "update_for_others_ms": statistics.median(others),
        "panels_in_an_update": statistics.median(changed),
    }


def _timed(work: Callable[[], bytes]) -> tuple[float, float, bytes]:
    start, cpu = time.perf_counter(), time.thread_time()
    result = work()
    return 1000 * (time.perf_counter() - start), 1000 * (time.thread_time() - cpu), result


def watched(server: Server, pairs: int, seconds: float) -> dict[str, Any]:
    """Training steps a second with twenty clients that poll as the component does, against none; in turns."""
    run = server.run("running")
    rates: dict[int, list[float]] = {0: [], WATCHERS: []}
    requests = []
    for index in range(2 * pairs):
        count = (0, WATCHERS, WATCHERS, 0)[index % 4]
        process = None
        if count:
            command = [sys.executable, "-m", "tests.benchmark.watchers", server.url, run.id, str(count)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
            assert process.stdout is not None
            process.stdout.readline()  # all of them have had their first answer
        rates[count].append(_rate(server, run.id, seconds))
        if process is not None:
            requests.append(json.loads(process.communicate("\n")[0]))
    ratios = [with_ / without for with_, without in zip(rates[WATCHERS], rates[0], strict=True)]
    return {
        "steps_per_second": statistics.median(rates[0]),
        "steps_per_second_watched": statistics.median(rates[WATCHERS]),
        "watched_per_alone": statistics.median(ratios),
        "ratios": ratios,
        "requests_per_second": statistics.median(one["requests_per_second"] for one in requests),
        "answer_ms": statistics.median(one["answer_ms"] for one in requests),
    }


def _rate(server: Server, run_id: str, seconds: float) -> float:
    """Steps a second between two moments at which the worker has just written."""
    (start, first) = _written(server, run_id)
    time.sleep(seconds)
    (end, last) = _written(server, run_id)
    return (last - first) / (end - start)


def _written(server: Server, run_id: str) -> tuple[float, int]:
    before = server.store.last_step(run_id, "train") or 0
    now = before
    while now == before:
        time.sleep(0.01)
        now = server.store.last_step(run_id, "train") or 0
    return time.perf_counter(), now


def main() -> int:
    """Measure, print. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmark.page", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=15.0, help="of frames (default: 15)")
    parser.add_argument("--repeats", type=int, default=3, help="first charts (default: 3)")
    parser.add_argument("--pairs", type=int, default=5, help="turns with and without watchers (default: 5)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    given = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, browsers.browser() as browser:
        server = Server(Path(folder))
        try:
            found["first_chart_ms"] = first_chart(browser, server, given.repeats)
            found["page"] = drawing(browser, server, given.seconds)
            browser.close()
            until(lambda: server.run("running"), "the run")
            found["server"] = server_time(server, 40)
            found["watchers"] = watched(server, given.pairs, 8.0)
            server.clear()
        finally:
            server.close()
    print(json.dumps(found, indent=2) if given.json else report(found))
    return 0


def report(found: dict[str, Any]) -> str:
    """The numbers in sentences, with their targets."""
    page, server, watchers = found["page"], found["server"], found["watchers"]
    charts = found["first_chart_ms"]
    firsts, alls = (
        [min(one.values(), default=0.0) for one in charts],
        [max(one.values(), default=0.0) for one in charts],
    )
    return "\n".join(
        (
            f"first chart after pressing Train   {statistics.median(firsts):.0f} ms, longest {max(firsts):.0f}"
            f" (at most 1500); all five {statistics.median(alls):.0f} ms",
            f"frames a second                    {page['frames_per_second']:.1f} (at least 45;"
            f" {page['frames_per_second_idle']:.1f} on an idle page), {page['charts']} charts",
            f"longest frame                      {page['longest_frame_ms']:.0f} ms (at most 100);"
            f" {page['frames_over_100_ms']} of {page['frames']} frames beyond it",
            f"an update                          {page['update_kB']:.1f} kB, largest {page['largest_update_kB']:.1f}"
            f" (at most 40); {page['updates_per_second']:.1f} a second",
            f"server time for an update          {server['update_ms']:.1f} ms, 95 % below {server['update_ms_p95']:.1f}"
            f" (at most 25); for the next watcher {server['update_for_others_ms']:.1f} ms",
            f"speed with {WATCHERS} watching             {watchers['watched_per_alone']:.3f} of alone (at least .95);"
            f" {watchers['requests_per_second']:.0f} requests a second, {watchers['answer_ms']:.0f} ms each",
            *(f"the page had a problem: {problem}" for problem in page["problems"]),
        )
    )


if __name__ == "__main__":
    sys.exit(main())
