"""A task whose truth is known, as a newcomer meets it: choose it, train it, and read off how well it is learned."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.lab import Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser


def test_a_short_delayed_recall_is_learned_and_its_score_rises_above_chance(lab: Lab, server: Server) -> None:
    lab.open({"hidden_size": 32, "batch_size": 32})
    lab.choose("set_task", "Delayed recall")
    expect(lab.page.get_by_text("Memory alone").first).to_be_visible()
    expect(lab.page.get_by_text("accuracy 12.5%").first).to_be_visible()
    lab.go("/?task=delayed_recall&sequence_length=5&test_length=12&symbols=4&hidden_size=32&steps=700&lr=0.01")
    lab.train()
    lab.drawn("loss", "score", "by_length")
    until(lambda: server.run().state == "finished", "the end of the training")
    lab.panel("score").scroll_into_view_if_needed()
    lab.until("score", "Math.max(...plot._fullData[0].y) > 0.5")  # chance is one in four
    expect(lab.panel("score").locator(".lv-caption")).to_contain_text("at trained lengths")
    lab.panel("by_length").scroll_into_view_if_needed()
    lab.until("by_length", "Math.max(...plot._fullData[0].x) === 12")
    lab.panel("metrics").scroll_into_view_if_needed()
    until(lambda: (_score(lab) or 0) > 50, "a score above chance among the numbers")
    expect(lab.panel("samples0")).to_have_count(0)  # it writes no text


def _score(lab: Lab) -> float | None:
    found = re.match(r"([\d.]+)% accuracy", lab.metric("Score"))
    return float(found[1]) if found else None
