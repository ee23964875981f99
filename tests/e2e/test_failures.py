"""Workers and servers that die, and what the page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import OpenLab
from tests.e2e.lab import Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, browser: Browser, shared_cache: Path) -> Iterator[Server]:
    """A server for these tests alone."""
    one = Server(tmp_path_factory.mktemp("server"), shared_cache)
    yield one
    one.close()


def kill_worker(server: Server) -> None:
    """kill -9 the worker of the newest run."""
    run = server.run("running")
    until(lambda: server.store.checkpoint_steps(run.id), "the first checkpoint")
    psutil.Process(int(run.worker.partition(":")[0])).kill()


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them runs any more."""
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


def goes_on(lab: Lab, server: Server) -> None:
    """Wait until the newest run's second attempt moves, in the store and on the page."""
    until(lambda: server.run().attempt == 2 and server.run().state == "running", "the second attempt")
    lab.idle()
    step = server.run().step
    until(lambda: server.run().step > step + 20, "twenty steps more")
    lab.past(step + 20)


def test_a_killed_worker_is_shown_with_its_reason_and_resumed_by_a_click(lab: Lab, server: Server) -> None:
    lab.start()
    kill_worker(server)
    expect(lab.page.locator(".lv-finding").first).to_contain_text("killed (signal 9)")
    run = server.run("interrupted")
    saved = server.store.checkpoint_steps(run.id)[-1]
    lab.idle()
    lab.button("requeue").click()
    expect(lab.button("stop")).to_be_enabled()
    until(lambda: server.store.get(run.id).attempt == 2, "the second attempt")
    server.run("running")  # until then its step is where it was killed
    until(lambda: server.store.get(run.id).step > saved + 20, "training to go on")
    steps = server.store.series(run.id, "train")["step"]
    assert list(steps) == sorted(set(steps))


def test_a_lost_connection_is_said_and_ends(open_lab: OpenLab, server: Server) -> None:
    lab = open_lab(outage=True)
    lab.start()
    step = lab.step()
    until(lambda: server.store.checkpoint_steps(server.run("running").id), "the first checkpoint")
    left = server.kill()
    notice = lab.page.locator(".lv-notice")
    expect(notice).to_have_text("Connection lost. The run goes on; trying again…")
    assert lab.step() >= step  # what was drawn stays
    until(lambda: gone(left), "the end of the workers that the server left behind")
    run = server.store.runs()[0]
    server.start()
    expect(notice).to_be_hidden(timeout=60_000)
    lab.idle()
    expect(lab.button("requeue")).to_be_enabled(timeout=60_000)
    assert server.run("interrupted").id == run.id
    lab.button("requeue").click()
    goes_on(lab, server)


def test_after_a_restart_the_runs_are_in_the_list(open_lab: OpenLab, server: Server) -> None:
    before = open_lab(outage=True)
    before.start()
    run = server.run("running")
    before.page.close()
    left = server.kill()
    until(lambda: gone(left), "the workers' end")
    server.start()
    after = open_lab()
    after.go("/")
    after.page.locator(".st-key-run input").click()
    after.page.get_by_role("option").filter(has_text=run.id).click()
    after.drawn("loss")
    expect(after.page.locator(".lv-finding").first).to_contain_text("nterrupted")


def test_a_stopped_server_saves_its_runs_and_leaves_no_process(open_lab: OpenLab, server: Server) -> None:
    lab = open_lab(outage=True)
    lab.start()
    run = server.run("running")
    lab.page.close()
    assert server.stop() == []
    ended = server.store.get(run.id)
    assert ended.state == "interrupted"
    assert ended.step in server.store.checkpoint_steps(run.id)
    assert "Traceback" not in server.said()
    server.start()
