"""Training on the three sentences in the browser: the measured shares of sentences are the exact ones."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from rnncore.lecture.structured_prediction import optimal_valid_share
from tests.e2e.lab import Lab
from tests.e2e.lecture import answer, look
from tests.e2e.server import Server

pytestmark = pytest.mark.browser
TRAINING_MS = 120_000  # about ten seconds on a core of its own


def test_two_runs_at_two_epsilons_land_on_the_exact_curve(lab: Lab, server: Server) -> None:
    lab.deep("/structured-prediction")
    answer(lab, "structured-prediction")
    expect(lab.page.get_by_text("0.017056")).to_be_visible()
    expect(lab.page.locator(".st-key-tree_independent .js-plotly-plot")).to_be_visible()
    for epsilon in (1.0, 0.0):  # where the slider stands at first, and its other end
        if epsilon == 0:
            lab.page.locator(".st-key-sentences_epsilon input[type=range]").press("Home")
            expect(lab.page.get_by_text("should come to 0.0171")).to_be_visible()
        lab.button("train_sentences").click()
        caption = lab.panel("by_epsilon").locator(".lv-caption")
        lab.panel("by_epsilon").scroll_into_view_if_needed()
        expect(caption).to_have_text(re.compile(rf"^ε {epsilon:g}: measured .* at step 600"), timeout=TRAINING_MS)
        lab.panel("metrics").scroll_into_view_if_needed()
        expect(lab.panel("state")).to_contain_text("Finished")
        expect(lab.panel("metrics")).to_contain_text("at step 600")
        assert lab.metric("ε").split()[0] == f"{epsilon:g}"
        measured, exact = (float(lab.metric(f"P(valid) {which}").split()[0]) for which in ("measured", "exact"))
        assert exact == pytest.approx(optimal_valid_share(epsilon), abs=5e-5)
        assert measured == pytest.approx(exact, abs=0.05)
        assert f"measured {measured:.4f} at step 600, exact {exact:.4f}" in caption.inner_text()
        lab.drawn("tree", "intruder")
    points = "plot.data.filter(t => t.mode === 'markers').map(t => [t.x[0], t.y[0]])"
    lab.until("by_epsilon", f"{points}.length === 2")
    for x, y in lab.of("by_epsilon", points):
        assert y == pytest.approx(optimal_valid_share(x), abs=0.05)
    expect(lab.panel("tree").locator(".lv-caption")).to_have_text(
        re.compile(r"^[012](\.\d)?% of the texts are sentences")
    )
    look(lab, "structured-prediction")
    lab.page.reload()
    lab.idle()
    lab.drawn("by_epsilon")
    lab.until("by_epsilon", f"{points}.length === 2")
