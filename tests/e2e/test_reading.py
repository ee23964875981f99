"""Reading the charts while they move: zoom, scroll position, themes, history, narrow windows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from rnncore.config import RunConfig
from tests.e2e.conftest import OpenLab
from tests.e2e.lab import SMALL, Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser

HEATMAPS = "plot.closest('.lv-card').querySelectorAll('.js-plotly-plot').length"

_LIGHTNESS = """selector => {
    const [r, g, b] = getComputedStyle(document.querySelector(selector)).backgroundColor.match(/[0-9.]+/g).map(Number);
    return 0.299 * r + 0.587 * g + 0.114 * b;
}"""


@pytest.fixture(scope="module")
def server(shared_server: Server) -> Iterator[Server]:
    """The shared server with one run of two layers, which these tests look at."""
    shared_server.store.create(RunConfig.of(**SMALL, num_layers=2))
    yield shared_server
    shared_server.clear()


def look(lab: Lab, server: Server) -> None:
    """Open the run and wait for its first figures."""
    lab.go(f"/?run={server.run('running').id}")
    lab.drawn("loss")
    lab.past(0)


def test_zoom_is_kept_over_updates(lab: Lab, server: Server) -> None:
    look(lab, server)
    lab.past(30)
    lab.page.evaluate(
        "() => Plotly.relayout(document.querySelector('[data-panel=loss] .js-plotly-plot'), 'xaxis.range', [2, 20])"
    )
    length = "plot._fullData.find(t => t.name === 'training').x.at(-1)"
    last = lab.of("loss", length)
    lab.until("loss", f"{length} > arg + 50", last)
    assert lab.of("loss", "plot._fullLayout.xaxis.range") == [2, 20]


def test_charts_are_updated_in_place(lab: Lab, server: Server) -> None:
    look(lab, server)
    lab.drawn("gates0")
    nodes = "document.querySelectorAll('.js-plotly-plot, .js-plotly-plot .plot-container, [data-live]')"
    assert lab.page.evaluate(f"() => (window.kept = [...{nodes}]).length") >= 5  # each later gate adds one more
    lab.updates(2)
    run = server.run("running")
    server.store.send(run.id, "pause")  # a change of state runs the script again
    try:
        expect(lab.button("resume")).to_be_visible()
        lab.idle()
        assert lab.page.evaluate("() => window.kept.filter(node => !node.isConnected).length") == 0
    finally:
        server.store.send(run.id, "resume")
    expect(lab.button("pause")).to_be_visible()


def test_the_scroll_position_is_kept_over_updates(lab: Lab, server: Server) -> None:
    look(lab, server)
    lab.panel("samples0").scroll_into_view_if_needed()
    lab.drawn("gates0")
    top = "() => document.querySelector('[data-panel=gates0]').getBoundingClientRect().top"
    before = lab.page.evaluate(top)
    for _ in range(3):
        shown = lab.of("gates0", "plot.data[0].z")
        lab.until("gates0", "JSON.stringify(plot.data[0].z) !== JSON.stringify(arg)", shown)
    assert lab.page.evaluate(top) == pytest.approx(before, abs=2)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_theme_follows_the_system(open_lab: OpenLab, server: Server, scheme: str) -> None:
    lab = open_lab(color_scheme=scheme)
    look(lab, server)
    assert lab.page.locator("[data-live]").get_attribute("data-theme") == scheme
    for surface in ("[data-testid=stApp]", "[data-testid=stSidebar]", "[data-panel=loss]"):
        lightness = lab.page.evaluate(_LIGHTNESS, surface)
        assert lightness < 60 if scheme == "dark" else lightness > 200, surface
    ink = lab.of("loss", "getComputedStyle(plot.querySelector('.xtick text')).fill")
    channels = [int(part) for part in ink.removeprefix("rgb(").removesuffix(")").split(",")]
    assert min(channels) > 110 if scheme == "dark" else max(channels) < 150


def test_the_slider_goes_back_and_live_returns(lab: Lab, server: Server) -> None:
    look(lab, server)
    slider = lab.page.locator(".lv-slider")
    until(lambda: int(slider.get_attribute("max") or 0) >= 3, "three moments of the history")
    slider.fill("1")
    lab.page.wait_for_function("() => new URL(location).searchParams.has('at')")
    at = int(lab.query()["at"])
    expect(lab.page.locator(".lv-where")).to_have_text(f"step {at:,}")
    expect(lab.panel("metrics").locator(".lv-value").first).to_have_text(f"{at:,}")
    expect(lab.page.locator(".lv-now")).to_have_attribute("aria-pressed", "false")
    step = server.run().step
    until(lambda: server.run().step > step + 20, "twenty steps more")
    assert lab.step() == at  # the past stands still while the run goes on
    lab.page.reload()
    lab.idle()
    expect(lab.page.locator(".lv-where")).to_have_text(f"step {at:,}")
    expect(lab.panel("metrics").locator(".lv-value").first).to_have_text(f"{at:,}")
    lab.page.locator(".lv-now").click()
    lab.page.wait_for_function("() => !new URL(location).searchParams.has('at')")
    expect(lab.page.locator(".lv-where")).to_have_text("the present")
    lab.past(step)


def test_one_gate_is_shown_large_when_it_is_chosen(lab: Lab, server: Server) -> None:
    look(lab, server)
    lab.drawn("gates0")
    lab.until("gates0", f"{HEATMAPS} === 6")
    card = lab.panel("gates0")
    card.locator("[data-param=channel0]", has_text="f").click()
    lab.until("gates0", f"{HEATMAPS} === 1")
    card.locator("[data-param=layer]", has_text="layer 2").click()
    pressed = lab.page.locator("[data-param=layer][aria-pressed=true]")
    expect(pressed.first).to_have_text("layer 2")
    assert set(pressed.all_inner_texts()) == {"layer 2"}  # the cards that share the choice change together
    lab.until("gates0", f"{HEATMAPS} === 1")
    card.locator("[data-param=channel0]", has_text="all").click()
    lab.until("gates0", f"{HEATMAPS} === 6")


@pytest.mark.parametrize("width", [1440, 900])
def test_nothing_needs_a_horizontal_scroll_bar(open_lab: OpenLab, server: Server, width: int) -> None:
    lab = open_lab(viewport={"width": width, "height": 900})
    look(lab, server)
    lab.drawn("gradient", "gates0", "norm", "saturation0")
    wide = """() =>
        [...document.querySelectorAll('html, [data-testid=stMain], [data-testid=stSidebarContent], .lv-card')]
        .filter(node => node.scrollWidth > node.clientWidth + 1)
        .map(node => `${node.tagName}.${node.className}: ${node.scrollWidth} > ${node.clientWidth}`)"""
    assert lab.page.evaluate(wide) == []
