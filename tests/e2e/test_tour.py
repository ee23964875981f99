"""A newcomer's first run: the tour begins, points at a card, is skipped, and does not come back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenLab
from tests.e2e.lab import Lab

pytestmark = pytest.mark.browser


def test_the_tour_points_at_the_first_view_and_once_skipped_it_does_not_come_back(lab: Lab, open_lab: OpenLab) -> None:
    lab.start({"steps": 20_000})
    lab.page.locator(".lv-bar .lv-slider").press("Home")  # a busy machine may have been here for seconds
    expect(lab.panel("tour")).to_contain_text("1 of 4 · Loss: The network began by guessing")
    expect(lab.panel("loss")).to_have_class("lv-card lv-figure lv-pointed")
    guest = open_lab()
    guest.deep(f"/?run={lab.query()['run']}")
    guest.drawn("loss")
    expect(guest.panel("tour")).to_have_count(0)  # it is not theirs
    lab.button("skip_tour").click()
    expect(lab.panel("tour")).to_have_count(0)
    expect(lab.page.locator(".lv-pointed")).to_have_count(0)
    lab.page.wait_for_function("document.cookie.includes('rnn_tour=over')")
    lab.page.reload()
    lab.drawn("loss")
    expect(lab.panel("tour")).to_have_count(0)
    expect(lab.page.locator(".st-key-skip_tour")).to_have_count(0)
    lab.button("stop").click()
