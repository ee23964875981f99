"""The page of all runs: found, tagged, opened two at a time, shared as a link, taken away as pictures, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from rnncore.config import RunConfig
from tests.e2e.lab import SMALL, Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser
HEAD, ROW = 36, 35  # pixels of the table's head and of a row


def tick(lab: Lab, row: int) -> None:
    """Tick a row of the table, which is drawn on a canvas."""
    table = lab.page.locator("[data-testid=stDataFrame]")
    expect(table).to_have_count(1)  # while the page runs anew there may be two
    table.click(position={"x": 18, "y": HEAD + ROW * row + ROW // 2})


@pytest.fixture
def lab_with_runs(lab: Lab, server: Server) -> Lab:
    """A window that started two runs, and a third run that is not its own."""
    lab.start({"steps": 60, "name": "First"})
    until(lambda: server.run().state == "finished", "the first run's end", 60)
    lab.open({"steps": 60, "name": "Second", "cell": "gru"})
    lab.train()
    until(lambda: [run.state for run in server.store.runs()] == ["finished"] * 2, "the second run's end", 60)
    server.store.set_state(server.store.create(RunConfig.of(**SMALL, name="Foreign"), owner="x").id, "stopped")
    return lab


def test_runs_are_found_tagged_opened_shared_pictured_and_deleted(
    lab_with_runs: Lab, server: Server, tmp_path: Path
) -> None:
    lab, page = lab_with_runs, lab_with_runs.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    foreign, second, first = server.store.runs()
    lab.deep("/runs")
    expect(page.get_by_text("3 runs", exact=True)).to_be_visible()
    search = page.get_by_role("textbox", name="Search")
    search.fill("second")
    search.press("Enter")
    expect(page.get_by_text("1 of 3 runs", exact=True)).to_be_visible()
    tick(lab, 0)
    expect(page.get_by_text("1 ticked:")).to_be_visible()
    tags = page.locator(f".st-key-tags_{second.id} input")
    tags.fill("baseline")
    tags.press("Enter")
    until(lambda: server.store.get(second.id).tags == ("baseline",), "the tag")
    page.keyboard.press("Escape")

    lab.idle()
    search.fill("")
    search.press("Enter")
    expect(page.get_by_text("3 runs", exact=True)).to_be_visible()
    expect(page.get_by_text("1 ticked:")).to_be_visible()  # the other rows' table keeps the tick
    lab.idle()
    tick(lab, 2)
    expect(page.get_by_text("2 ticked:")).to_be_visible()
    lab.button("open_gradient_flow").click()
    expect(page.locator("h1")).to_have_text("Gradient flow")
    lab.idle()
    page.wait_for_function("() => new URL(location).searchParams.has('vs')")
    lab.idle()
    assert f"run={second.id}" in page.url
    assert f"vs={first.id}" in page.url

    bar = page.locator(".lv-bar:not(.lv-off)")
    bar.locator("input").focus()
    bar.locator("input").press("Home")
    expect(bar.locator(".lv-where")).to_contain_text("step ")
    moment = bar.locator(".lv-where").inner_text()
    page.locator("[data-share] button").click()
    expect(page.locator("[data-share] button")).to_have_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert "at=" in link

    panel = page.locator("[data-panel]:has(.js-plotly-plot)").first
    panel.scroll_into_view_if_needed()
    for kind, start in (("PNG", b"\x89PNG\r\n\x1a\n"), ("SVG", b"<svg")):
        panel.locator(".lv-save summary").click()
        with page.expect_download() as download:
            panel.get_by_role("button", name=kind).click()
        assert download.value.suggested_filename.startswith(f"{second.id}-{first.id}-")
        file = tmp_path / kind
        download.value.save_as(file)
        assert file.read_bytes().startswith(start)
        assert len(file.read_bytes()) > 3000

    page.goto(link)
    lab.idle()
    expect(page.locator("h1")).to_have_text("Gradient flow")
    expect(page.locator(".lv-bar .lv-where")).to_have_text(moment)

    lab.deep(f"/runs?pick={first.id}-{foreign.id}")
    expect(page.get_by_text("2 ticked:")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("only the owner deletes")).to_be_visible()
    assert len(server.store.runs()) == 3
    lab.button("delete").click()
    until(lambda: {run.id for run in server.store.runs()} == {second.id, foreign.id}, "the run to be deleted")
    expect(page.get_by_text("2 runs", exact=True)).to_be_visible()
