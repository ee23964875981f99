"""What a reader does on every page of the lecture, and what must be there then."""

from __future__ import annotations

from playwright.sync_api import expect

from dashboard.widgets.lecture.text import read
from tests.e2e.lab import Lab

MEASURING_MS = 120_000  # twice what an experiment may take, on a machine that may have other things to do
EMPTY = "[...plot._fullLayout.annotations].some(one => /appear/.test(one.text))"


def wide_enough(lab: Lab) -> bool:
    """Whether there is nothing to scroll sideways."""
    return bool(
        lab.page.evaluate(
            "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
            ".every(one => one.scrollWidth <= one.clientWidth)"
        )
    )


def answer(lab: Lab, name: str) -> None:
    """Say what is expected, after a look whether all answers are in sight."""
    found = lab.page.locator(f".st-key-answer_{name} button")
    expect(found).to_have_count(len(read(name).answers))
    width = lab.page.viewport_size["width"]  # type: ignore[index]
    edges = found.evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
    assert max(edges) < width, f"an answer of {name} is out of sight"
    found.first.click()
    lab.page.wait_for_url("**answer=**")
    lab.idle()


def look(lab: Lab, name: str) -> None:
    """Wait for what happened; every figure has something drawn in it, nothing has failed, nothing hangs out."""
    expect(lab.page.locator(".st-key-lecture_outcome")).to_be_visible(timeout=MEASURING_MS)
    expect(lab.page.locator(".st-key-lecture_outcome")).not_to_contain_text("{")
    figures = lab.page.locator(".lv-card.lv-figure").evaluate_all("cards => cards.map(card => card.dataset.panel)")
    for panel in figures:
        lab.panel(panel).scroll_into_view_if_needed()
        lab.until(panel, "plot._fullData.length + plot._fullLayout.shapes.length > 0")
        assert not lab.of(panel, EMPTY), f"{panel} of {name} is empty"
    assert figures
    expect(lab.page.locator("[data-testid=stException]")).to_have_count(0)
    expect(lab.page.locator("[data-testid=stAlertContentError]")).to_have_count(0)
    assert wide_enough(lab), name
