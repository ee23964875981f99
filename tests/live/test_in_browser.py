"""Claims that only plotly.js itself can answer: what becomes of a figure once it is drawn, and drawn again."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import plotly
import pytest
from playwright.sync_api import Page

from dashboard.figures.base import Look
from dashboard.figures.gate_activity import gate_activity
from dashboard.figures.gradient_flow import gradient_flow
from dashboard.live.encoding import encode, to_json
from rnncore.cells import CELLS
from tests.browser import browser
from tests.figures.test_figures import LSTM, flow, gates

pytestmark = pytest.mark.browser

LOOK = Look("light", "run1")
_LIVE_JS = Path(__file__).parents[2] / "dashboard" / "live" / "live.js"
_PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_DRAW = """async (figure) => {
    const plot = document.getElementById("plot");
    await Plotly.react(plot, figure.data.map(decodeLevels), figure.layout, { displaylogo: false });
    const { xaxis, yaxis } = plot._fullLayout;
    return { x: xaxis.range, y: yaxis.range, z: plot._fullData.map((t) => t.z && Array.from(t.z, (r) => [...r])) };
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as one:
        opened = one.new_page()
        opened.set_content("<div id=plot style='width:900px;height:520px'></div>")
        opened.add_script_tag(path=str(_PLOTLY_JS))
        opened.add_script_tag(content=_LIVE_JS.read_text("utf-8").replace("export default", "window.live ="))
        yield opened


@pytest.fixture(autouse=True)
def _clean(page):
    page.evaluate("() => Plotly.purge('plot')")


def draw(page, plain):
    """One update, as the component draws it; the axes and values that plotly.js made of it."""
    return page.evaluate(_DRAW, json.loads(to_json(encode(plain))))


def test_the_lag_still_grows_to_the_left_after_an_empty_figure(page):
    draw(page, gradient_flow.plain([], LOOK))
    for last in (1.0, 2.0, 3.0):
        drawn = draw(page, gradient_flow.plain([(LSTM, flow(np.linspace(0.1, last, 30)))], LOOK))
        assert drawn["x"][0] > 29 > 0 > drawn["x"][1]
        assert drawn["y"] == [-8, 2]


def test_a_zoom_is_kept_by_the_next_update_and_dropped_by_another_run(page):
    record = flow(np.linspace(0.2, 2, 30))
    draw(page, gradient_flow.plain([(LSTM, flow(np.linspace(0.1, 1, 30)))], LOOK))
    plot = page.locator("#plot .nsewdrag").bounding_box()
    middle = plot["y"] + plot["height"] / 2
    page.mouse.move(plot["x"] + plot["width"] * 0.25, middle)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.75, middle, steps=5)
    page.mouse.up()
    page.wait_for_function("() => document.getElementById('plot')._fullLayout.xaxis.range[0] < 25")
    zoomed = page.evaluate("() => document.getElementById('plot')._fullLayout.xaxis.range")
    assert draw(page, gradient_flow.plain([(LSTM, record)], LOOK))["x"] == zoomed
    assert draw(page, gradient_flow.plain([(LSTM, record)], Look("light", "run2")))["x"][0] > 29


def test_heatmaps_arrive_with_their_values_and_their_gaps(page):
    record = gates()
    record.values[0, 1, 1, :] = np.nan
    values = draw(page, gate_activity.plain(record, CELLS["lstm"].gates, LOOK))["z"][1]
    assert all(row[1] is None or np.isnan(row[1]) for row in values)
    np.testing.assert_allclose([[row[0], row[2]] for row in values], 0.25, atol=1 / 127 / 2)


def test_markup_among_the_characters_stays_text(page):
    hostile = ["<", "b", ">", "&", "\u2028"] * 5
    draw(page, gate_activity.plain(gates(text=hostile), CELLS["lstm"].gates, LOOK))
    assert page.locator("#plot text", has_text="‹").count() > 0
    assert page.locator("#plot img, #plot script, #plot a[href]").count() == 0
