"""Light clients that poll the live route as the page's component does: ``python -m tests.benchmark.watchers``.

Arguments: the server's address, a run, how many. They poll until a line comes on standard input.
"""

from __future__ import annotations

import gzip
import http.client
import json
import statistics
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

POLL_SECONDS = 0.4


def panels_of_a_page() -> list[dict[str, Any]]:
    """The panels that the live lab shows for one run."""
    gates = {"run": 0, "layer": 0, "channel": 0}
    params: dict[str, tuple[str, dict[str, int]]] = {
        "verdict": ("verdict", {}),
        "metrics": ("metrics", {}),
        "loss": ("learning_curve", {}),
        "gradient": ("gradient_flow", {"layer": 0}),
        "gates0": ("gate_activity", gates),
        "samples0": ("samples", {"run": 0}),
        "norm": ("gradient_norm", {}),
        "saturation0": ("saturation", {"run": 0, "layer": 0}),
    }
    return [{"id": id_, "name": name, "params": values} for id_, (name, values) in params.items()]


def tags(answer: dict[str, Any], have: dict[str, str]) -> None:
    """Note what an answer brought, as the component does."""
    have |= {name: panel["tag"] for name, panel in answer["panels"].items()}
    for key, tag in (("timeline", "timelineTag"), ("theme", "theme")):
        if tag in answer:
            have[key] = answer[tag]


class Watcher(threading.Thread):
    """One client."""

    def __init__(self, address: str, run_id: str, delay: float):
        super().__init__(daemon=True)
        parts = urlsplit(address)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
        self.query: dict[str, Any] = {"runs": [run_id], "panels": panels_of_a_page(), "have": {}, "theme": "light"}
        self.delay, self.times = delay, list[float]()
        self.started_up = threading.Event()

    def run(self) -> None:
        time.sleep(self.delay)  # pages are not opened at the same moment
        while True:
            start = time.perf_counter()
            headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
            self.connection.request("POST", "/live", json.dumps(self.query), headers)
            response = self.connection.getresponse()
            body = response.read()
            self.times.append(time.perf_counter() - start)
            if response.getheader("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            tags(json.loads(body), self.query["have"])
            self.started_up.set()
            time.sleep(POLL_SECONDS)


def main() -> None:
    """Poll until standard input says something; print how it went as JSON."""
    address, run_id, count = sys.argv[1:]
    watchers = [Watcher(address, run_id, POLL_SECONDS * index / int(count)) for index in range(int(count))]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.started_up.wait()
    start, before = time.perf_counter(), [len(watcher.times) for watcher in watchers]
    print("watching", flush=True)
    sys.stdin.readline()
    span = time.perf_counter() - start
    times = [t for watcher, first in zip(watchers, before, strict=True) for t in watcher.times[first:]]
    print(json.dumps({"requests_per_second": len(times) / span, "answer_ms": 1000 * statistics.median(times)}))


if __name__ == "__main__":
    main()
