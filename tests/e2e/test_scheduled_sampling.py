"""Scheduled sampling as a visitor sees it: start runs with two buttons, and read off the page what was fed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.lab import Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser


def test_half_of_the_truth_is_fed_within_its_band_and_teacher_forcing_stands_beside_it(
    lab: Lab, server: Server
) -> None:
    lab.deep("/scheduled-sampling?hidden_size=16&embedding_size=8&sequence_length=24&batch_size=8&steps=100000")
    lab.button("start_half").click()
    lab.drawn("epsilon", "deviation", "coins", "text")
    lab.past(200)
    value, expected = lab.metric("Really fed").split("% ", 1)
    middle, band = map(float, re.findall(r"[\d.]+", expected)[:2])
    assert middle == 50
    assert 0.1 < band < 1.2  # of 192 coins a step
    assert abs(float(value) - middle) <= band
    caption = lab.panel("epsilon").locator(".lv-caption")
    expect(caption).to_contain_text("fed the truth, expected 50.0")

    lab.panel("text").scroll_into_view_if_needed()
    expect(lab.panel("text").locator(".lv-caption")).to_contain_text("sequence 1")
    lab.click_in("coins", 0.5, 0.95)  # the last of 8 rows
    expect(lab.panel("text").locator(".lv-caption")).to_contain_text("sequence 8")

    half = server.run()
    lab.button("start_forced").click()
    until(lambda: server.run().id != half.id, "the second run")
    expect(lab.panel("metrics").locator(".lv-who")).to_have_text(["teacher forcing", "ε 0.5"])
    lab.page.reload()
    lab.idle()
    expect(lab.panel("metrics").locator(".lv-who")).to_have_text(["teacher forcing", "ε 0.5"])
    lab.past(20)
    assert lab.metric("Really fed", row=0).startswith("100%")
    assert lab.metric("Really fed", row=1).startswith(("49.", "50."))
