"""Looking into a run: pages that follow it, a unit that is clicked, a diagram whose numbers are the trace's own."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from rnncore.config import RunConfig
from rnncore.records import GateActivity
from tests.e2e.lab import SMALL, Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(shared_server: Server) -> Iterator[Server]:
    """The shared server with one paused run that has some history."""
    run = shared_server.store.create(RunConfig.of(**SMALL, budget=0.3))
    until(lambda: len(shared_server.store.record_steps(run.id, "gradient_flow")) >= 4, "a history", 60)
    until(lambda: shared_server.store.record_steps(run.id, "attribution"), "every kind of record")
    shared_server.store.send(run.id, "pause")
    shared_server.run("paused")
    yield shared_server
    shared_server.clear()


def shown(server: Server) -> GateActivity:
    """The newest gates in the store, which a page shows of a paused run."""
    found = server.store.record(server.run().id, "gate_activity")
    assert isinstance(found, GateActivity)
    return found


def point(lab: Lab, name: str, x: float, y: float, *, click: bool) -> None:
    """Point at a place of a figure, in shares of its plot."""
    box = lab.panel(name).locator(".nsewdrag").first.bounding_box()
    assert box is not None
    at = box["x"] + x * box["width"], box["y"] + y * box["height"]
    lab.page.mouse.move(at[0] - 3, at[1])
    lab.page.mouse.move(*at, steps=3)
    if click:
        lab.page.mouse.down()
        lab.page.mouse.up()


def test_the_run_goes_along_from_page_to_page(lab: Lab, server: Server) -> None:
    run = server.run()
    lab.go(f"/?run={run.id}")
    lab.drawn("loss")
    for page, panel in (("Gates and memory", "gates0"), ("Dynamics", "eigenvalues"), ("What it looks at", "by_lag")):
        lab.page.get_by_text("Diagnose", exact=True).click()
        lab.page.locator("[data-testid=stTopNavDropdownLink]", has_text=page).click()
        expect(lab.page.locator("h1")).to_have_text(page)
        lab.drawn(panel)
        assert lab.query()["run"] == run.id


def test_a_clicked_unit_is_followed_and_stays_after_a_reload(lab: Lab, server: Server) -> None:
    lab.deep(f"/gates-and-memory?run={server.run().id}")
    lab.drawn("gates0")
    lab.panel("gates0").get_by_role("button", name="f", exact=True).click()
    lab.until("gates0", "plot._fullLayout.height > 300 || plot._fullData.length === 1")
    point(lab, "gates0", 0.5, 0.3, click=True)
    lab.page.wait_for_function("() => /unit\\.[1-9]/.test(new URL(location).searchParams.get('show') ?? '')")
    unit = int(re.findall(r"unit\.(\d+)", lab.query()["show"])[0])
    lab.drawn("unit0")
    expect(lab.panel("unit0").locator(".lv-caption")).to_contain_text(f"unit {unit}")
    lab.page.reload()
    lab.idle()
    lab.drawn("unit0")
    expect(lab.panel("unit0").locator(".lv-caption")).to_contain_text(f"unit {unit}")


def test_the_diagram_shows_the_trace_s_own_numbers(lab: Lab, server: Server) -> None:
    record, unit, t = shown(server), 3, 5
    lab.deep(f"/inside-the-cell?run={server.run().id}&show=unit.{unit}-t.{t}")
    lab.drawn("cell0")
    said = " ".join(
        lab.of(
            "cell0", "plot._fullLayout.annotations.map(a => a.text).concat(...plot._fullData.map(d => d.text ?? []))"
        )
    )
    place = list(record.units).index(unit)
    for symbol in record.channels:
        value = float(record.channel(0, symbol)[t, place])
        assert re.search(rf"(?<![\d.]){re.escape(f'{abs(value):.3f}')}", said), f"{symbol} = {value:.3f} in {said}"
    c, o = (float(record.channel(0, symbol)[t, place]) for symbol in ("c", "o"))
    assert math.isclose(float(record.channel(0, "h")[t, place]), o * math.tanh(c), abs_tol=1e-5)


def test_the_scrubber_goes_along_the_sequence(lab: Lab, server: Server) -> None:
    lab.deep(f"/inside-the-cell?run={server.run().id}")
    lab.drawn("cell0")
    lab.panel("cell0").locator(".lv-scrub").first.fill("11")
    expect(lab.panel("cell0").locator(".lv-caption")).to_contain_text("t = 11")


def test_pointing_at_a_loss_follows_it_alone(lab: Lab, server: Server) -> None:
    lab.deep(f"/gradient-flow?run={server.run().id}")
    lab.drawn("losses0", "one0")
    name = "plot._fullData.map(trace => trace.name).join()"
    last = lab.of("one0", name)
    lab.panel("losses0").scroll_into_view_if_needed()
    point(lab, "losses0", 0.2, 0.4, click=False)
    lab.until("one0", f"{name} !== arg && {name}.includes('loss at τ')", last)


def test_pointing_at_a_character_shows_what_it_depended_on(lab: Lab, server: Server) -> None:
    lab.deep(f"/attribution?run={server.run().id}")
    lab.drawn("attribution0")
    frame = "plot._fullLayout.shapes[0].x0"
    last = lab.of("attribution0", frame)
    point(lab, "attribution0", 0.3, 0.5, click=False)
    lab.until("attribution0", f"{frame} !== arg", last)


def test_playing_back_moves_every_chart(lab: Lab, server: Server) -> None:
    lab.deep(f"/gates-and-memory?run={server.run().id}")
    lab.drawn("gates0")
    now = lab.of("gates0", "JSON.stringify(plot._fullData[0].z)")
    lab.page.locator(".lv-pace").click()
    expect(lab.page.locator(".lv-pace")).to_have_text("2×")
    lab.page.get_by_role("button", name="Play the run's history").click()
    expect(lab.page.locator(".lv-where")).to_contain_text("step")
    lab.until("gates0", "JSON.stringify(plot._fullData[0].z) !== arg", now)
    expect(lab.page.locator(".lv-where")).to_have_text("the present", timeout=30_000)
    lab.until("gates0", "JSON.stringify(plot._fullData[0].z) === arg", now)
