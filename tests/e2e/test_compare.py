"""A race as a newcomer runs it: pressed, watched to its verdict, taken away, and opened without a network."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from rnncore.runs.races import RaceInfo, Races
from tests.e2e.conftest import OpenLab
from tests.e2e.lab import Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser
PATIENCE = 180.0  # six runs of some seconds each, on a machine that may have other things to do
TASK = {
    "task": "delayed_recall", "sequence_length": "30", "hidden_size": "32", "steps": "200", "batch_size": "64",
    "lr": "0.01",
}  # fmt: skip
CONTENDERS = [{"cell": "lstm"}, {"cell": "gru", "gate_bias": "chrono"}]
"""Two of the preset's five, over fewer steps."""


def the_race(server: Server) -> RaceInfo:
    races = Races(server.store)
    return races.get(races.all()[0].id)


@pytest.fixture
def lab(open_lab: OpenLab) -> Lab:
    """A window that is high enough to have every card in sight."""
    return open_lab(viewport={"width": 1440, "height": 3200})


def test_delayed_recall_races_to_its_verdict_and_its_report_opens_offline(
    lab: Lab, server: Server, browser: Browser, tmp_path: Path
) -> None:
    page = lab.page
    lab.deep("/compare?" + urlencode({"draft": json.dumps({"base": TASK, "contenders": CONTENDERS, "seeds": 3})}))
    lab.button("start_race").click()
    lab.drawn("race_curves")
    expect(lab.panel("race_progress")).to_contain_text("queued, place")
    lab.button("race_pause").click()
    until(lambda: the_race(server).paused, "the pause")
    page.reload()
    lab.idle()
    expect(page.get_by_text("Paused: press Resume")).to_be_visible()
    lab.button("race_resume").click()
    until(lambda: the_race(server).over, "the end of the race", PATIENCE)
    assert {run.state for run in the_race(server).runs} == {"finished"}

    said = lab.panel("race_verdict")
    expect(said).to_contain_text("GRU · chrono bias is ahead: accuracy")
    solved = "LSTM 0 of 3, GRU · chrono bias 3 of 3."
    expect(said).to_contain_text(solved)
    expect(lab.panel("race_table").locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="operations").click()
    lab.until("race_curves", "plot._fullLayout.xaxis.title.text === 'floating-point operations'")
    lab.drawn("gradient", "timescale")

    page.get_by_role("button", name="Export").click()
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="HTML report").click()
    report = tmp_path / "race.html"
    download.value.save_as(report)
    offline = browser.new_context(offline=True)
    alone, wrong = offline.new_page(), list[str]()
    alone.on("pageerror", lambda error: wrong.append(str(error)))
    alone.on("requestfailed", lambda request: wrong.append(request.url))
    alone.goto(report.as_uri())
    expect(alone.get_by_text(solved).first).to_be_visible()
    alone.locator(".js-plotly-plot .scatterlayer path.js-line").first.wait_for()
    offline.close()
    assert wrong == []


def test_a_sweep_waits_in_the_queue_and_is_cancelled_whole(lab: Lab, server: Server) -> None:
    lab.deep("/compare")
    lab.button("race_learning-rate").click()
    until(lambda: any(run.step for run in the_race(server).runs), "the first step")
    lab.drawn("sweep_heatmap")
    lab.button("race_cancel").click()
    until(lambda: the_race(server).over, "the end")
    assert {run.state for run in the_race(server).runs} <= {"stopped", "finished"}
    expect(lab.panel("race_progress")).to_contain_text("stopped")
    lab.page.reload()
    lab.idle()
    expect(lab.button("race_again")).to_be_visible()
