"""Distributional shift as a visitor sees it: train for some seconds, and read the slope off the page."""

from __future__ import annotations

import re

import pytest

from tests.e2e.lab import Lab
from tests.e2e.lecture import answer, look
from tests.e2e.server import Server

pytestmark = pytest.mark.browser


def test_the_slope_on_the_page_is_near_the_map_s_own_exponent(lab: Lab, server: Server) -> None:
    lab.deep("/distributional-shift")
    answer(lab, "distributional-shift")
    lab.button("train_shift").click()
    lab.drawn("growth", "attractor0", "path0", "drift")
    lab.past(1000)
    lab.page.wait_for_function(
        r"() => /Growth of the error\s+\d/.test(document.querySelector('[data-panel=metrics]').innerText)"
    )
    slope, interval = map(float, re.findall(r"\d\.\d+", lab.metric("Growth of the error"))[:2])
    assert 0.36 < slope < 0.50
    assert interval < 0.06
    assert lab.metric("The map itself").startswith("0.419")
    lab.button("stop").click()
    server.run("stopped")
    look(lab, "distributional-shift")
