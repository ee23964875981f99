"""Claims that only a browser without a network can answer: the report draws itself from its own file."""

import pytest

from dashboard.report import race_report, report
from tests.browser import browser
from tests.report.conftest import HOSTILE

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium():
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def opened(chromium, store, text, tmp_path_factory):
    """The page, what it asked of any network, and what went wrong on it."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report(store, [text]), "utf-8")
    return seen(chromium, path)


def seen(chromium, path):
    """A page without a network; see ``opened``."""
    asked, wrong = [], []
    context = chromium.new_context(offline=True, color_scheme="light", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.goto(path.as_uri())
    return page, asked, wrong


def card(page, panel):
    found = page.locator(f'[data-panel="{panel}"]')
    found.scroll_into_view_if_needed()
    return found


def test_curves_and_heatmaps_are_drawn_and_nothing_is_asked_of_a_network(opened):
    page, asked, wrong = opened
    card(page, "c0-loss").locator(".scatterlayer path.js-line").first.wait_for()
    line = card(page, "c0-loss").locator(".scatterlayer path.js-line").first.get_attribute("d")
    assert line.count("L") >= 5
    card(page, "c0-gates0").locator(".heatmaplayer image").first.wait_for()
    for anchor in ("gradient-flow", "gates-and-memory", "dynamics"):
        page.locator(f'nav a[href="#/{anchor}"]').click()
        page.locator(f'[id="/{anchor}"] .js-plotly-plot .main-svg').first.wait_for()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert wrong == []


def test_no_button_uploads_a_figure(opened):
    page, _, _ = opened
    buttons = card(page, "c0-loss").locator(".modebar-btn")
    buttons.first.wait_for(state="attached")
    titles = [button.get_attribute("data-title") for button in buttons.all()]
    assert "Download plot" in titles
    assert not [title for title in titles if "hare" in title or "loud" in title]


def test_samples_are_text(opened):
    page, _, wrong = opened
    words = card(page, "c0-samples0").locator(".lv-text").first
    words.wait_for()
    assert words.inner_text() == HOSTILE * 2
    assert page.locator("img, main b").count() == 0
    assert wrong == []


def test_a_button_draws_another_picture_from_the_file(opened):
    page, _, wrong = opened
    gates = card(page, "c0-gates0")
    gates.locator(".heatmaplayer image").nth(3).wait_for()
    gates.get_by_role("button", name="f", exact=True).click()
    page.wait_for_function("() => document.querySelectorAll('[data-panel=\"c0-gates0\"] .js-plotly-plot').length === 1")
    assert wrong == []


def test_the_look_follows_the_readers_and_a_figure_can_be_zoomed(opened):
    page, _, wrong = opened
    loss = card(page, "c0-loss")
    colour = "() => getComputedStyle(document.querySelector('[data-panel=\"c0-loss\"] .xtick text')).fill"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(before) => ({colour})() !== before", arg=light)
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(16, 20, 24)"
    plot = loss.locator(".nsewdrag").first.bounding_box()
    middle = plot["y"] + plot["height"] / 2
    page.mouse.move(plot["x"] + plot["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.6, middle, steps=4)
    page.mouse.up()
    range = "document.querySelector('[data-panel=\"c0-loss\"] .js-plotly-plot')._fullLayout.xaxis.range"
    page.wait_for_function(f"() => {range}[1] - {range}[0] < 7")
    assert wrong == []


def test_a_race_shows_its_verdict_and_draws_each_contenders_seeds(chromium, store, race, tmp_path):
    path = tmp_path / "race.html"
    path.write_text(race_report(store, race.id), "utf-8")
    page, asked, wrong = seen(chromium, path)
    assert page.locator(".verdict").first.inner_text().startswith("No difference shown")
    for place in range(2):
        page.locator(f'nav a[href="#/contender-{place}"]').click()
        loss = page.locator(f'[id="/contender-{place}"] [data-panel$="-loss"]')
        loss.locator(".scatterlayer path.js-line").first.wait_for()
        assert loss.locator(".legend .traces").count() == 3
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert wrong == []
