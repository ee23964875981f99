"""A reader goes through the lecture: answers each question, runs each experiment, and turns the page."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from dashboard.widgets.lecture.chapters import CHAPTERS
from dashboard.widgets.lecture.shapes import SHAPES
from dashboard.widgets.lecture.text import read
from rnncore.lecture import EXPERIMENTS
from rnncore.runs.experiments import Experiments
from tests.e2e.conftest import OpenLab
from tests.e2e.lab import Lab
from tests.e2e.lecture import answer, look, wide_enough
from tests.e2e.server import Server

pytestmark = pytest.mark.browser
SHORT: dict[str, dict[str, Any]] = {
    "variable-length": {"steps": 100, "longest": 5},
    "each-step": {"steps": 60},
    "vanishing": {"steps": 20, "hidden_size": 8},
    "why-lstms": {"steps": 20, "length": 5},
    "in-practice": {"steps": 20, "length": 4},
    "translation": {"steps": 20, "hidden_size": 8},
    "many-layers": {"steps": 20, "length": 4},
    "beyond": {"steps": 20, "length": 8},
    "cells": {"hidden_size": 4, "length": 10, "turns": 1},
}
"""Settings that take a second or two, for experiments whose own take longer: a link to such a one holds them."""


def address(server: Server, name: str) -> str:
    """A link with the settings of the test, to an experiment that was stopped before it began."""
    if name not in SHORT:
        return f"/{name}?present=1"
    kept = Experiments(server.store)
    made = kept.ask(name, SHORT[name])
    kept.stop(made.id)
    return f"/{name}?present=1&exp={made.id}"


def read_page(lab: Lab, name: str) -> None:
    """Answer, run, and look at every figure until something is drawn in it."""
    answer(lab, name)
    run = lab.button("run_experiment")
    if run.count():
        run.click()
    look(lab, name)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_reader_answers_runs_and_finds_every_chart_drawn(open_lab: OpenLab, server: Server, name: str) -> None:
    lab = open_lab(viewport={"width": 1280, "height": 720})
    lab.deep(address(server, name))
    read_page(lab, name)
    assert Experiments(server.store).newest(_owner(server, lab))[name].predicted in read(name).answers


def test_three_schedules_are_trained_at_a_press_and_held_against_each_other(open_lab: OpenLab, server: Server) -> None:
    name = "lecture-scheduled-sampling"
    lab = open_lab(viewport={"width": 1280, "height": 720})
    lab.deep(f"/{name}?present=1")
    answer(lab, name)
    lab.button("train_schedules").click()
    look(lab, name)
    assert [run.config.scheduled_sampling.schedule for run in server.store.runs()] == [
        "inverse_sigmoid", "linear", "constant",
    ]  # fmt: skip


def test_a_short_run_s_film_is_told_from_its_first_step_on(open_lab: OpenLab, server: Server) -> None:
    name = "from-nonsense-to-prose"
    lab = open_lab(viewport={"width": 1280, "height": 720})
    lab.deep(f"/{name}?present=1")
    answer(lab, name)
    steps = lab.page.locator(".st-key-prose_steps input")
    steps.press("Home")
    for _ in range(4):
        steps.press("ArrowRight")
    expect(lab.page.locator(".st-key-prose_steps")).to_contain_text("600")
    lab.idle()
    lab.button("train_prose").click()
    look(lab, name)
    assert server.run().config.training.steps == 600
    expect(lab.panel("film")).to_contain_text("step 600")


def _owner(server: Server, lab: Lab) -> str:
    return Experiments(server.store).get(lab.query()["exp"]).owner


def test_keys_turn_the_pages_from_the_first_to_the_last(open_lab: OpenLab, server: Server) -> None:
    lab = open_lab(viewport={"width": 1280, "height": 720})
    lab.deep(f"/{CHAPTERS[0].name}?present=1")
    for at, chapter in enumerate(CHAPTERS):
        expect(lab.page.locator("h1")).to_have_text(chapter.title)
        expect(lab.page.get_by_text(f"{at + 1} of {len(CHAPTERS)}")).to_be_visible()
        lab.idle()
        assert lab.query()["present"] == "1"
        assert wide_enough(lab), chapter.name
        expect(lab.page.locator("[data-testid=stHeader]")).to_be_hidden()
        if at + 1 < len(CHAPTERS):
            lab.page.keyboard.press("PageDown")
    if len(CHAPTERS) > 1:
        lab.page.keyboard.press("PageUp")
        expect(lab.page.locator("h1")).to_have_text(CHAPTERS[-2].title)


def test_a_reload_in_the_middle_and_a_link_show_the_same_experiment(open_lab: OpenLab, server: Server) -> None:
    lab = open_lab()
    kept = Experiments(server.store)
    asked = kept.ask("variable-length", {"steps": 2000, "longest": 10})
    kept.stop(asked.id)
    lab.deep(f"/variable-length?answer=padded&exp={asked.id}")
    lab.button("run_experiment").click()
    lab.drawn("accuracy")
    lab.page.reload()
    lab.drawn("accuracy")
    exp = lab.query()["exp"]
    assert exp != asked.id
    guest = open_lab()
    guest.deep(f"/variable-length?exp={exp}")
    guest.drawn("accuracy")
    expect(guest.button("stop_experiment")).to_be_disabled()
    lab.button("stop_experiment").click()
    expect(lab.page.get_by_text("Stopped before its end")).to_be_visible()
    expect(guest.page.get_by_text("Stopped before its end")).to_be_visible()
    assert kept.get(exp).state == "stopped"
    assert kept.get(exp).predicted == "padded"


RESULTS = {
    "one-to-one": (400, "zero"),
    "order-decides": (600, "all"),
    "both-directions": (240, "half"),
    "end-decides": (240, "some"),
    "sound-goes-on": (60, "turning"),
    "convolution-inside": (420, "conv"),
}
"""Steps after which a page's question is decided, and how; the others take minutes, and are trained for ``BEGUN``."""
BEGUN = 60
"""Steps after which any of them knows something."""


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_is_trained_at_a_press_and_its_answers_are_drawn(
    open_lab: OpenLab, server: Server, name: str
) -> None:
    lab = open_lab(viewport={"width": 1280, "height": 720})
    lab.deep(f"/{name}?present=1")
    answer(lab, name)
    wanted, result = RESULTS.get(name, (BEGUN, ""))
    steps = lab.page.locator(f".st-key-{name}_steps input")
    steps.fill(str(wanted))
    steps.press("Enter")
    lab.idle()
    lab.button("train_shape").click()
    look(lab, name)
    runs = server.store.runs()
    assert [run.config.training.steps for run in runs] == [wanted] * len(SHAPES[name].variants)
    first = next(run for run in runs if run.config.label == SHAPES[name].variants[0].label)
    assert server.store.series(first.id, "validation")["loss"][-1] < first.config.task.floor
    if result:
        expect(lab.page.locator(".st-key-lecture_outcome")).to_contain_text(read(name).answers[result])
    if name == "sound-goes-on":
        listen(lab)
        return
    lab.drawn("examples0")
    shown = lab.of("examples0", "plot._fullLayout.meta.caption")
    lab.panel("examples0").locator("input[type=range]").press("ArrowRight")
    lab.until("examples0", "plot._fullLayout.meta.caption !== arg", shown)


def listen(lab: Lab) -> None:
    """Each chord, true or sung, sounds at a press, with a line that goes along it, alone and to its end."""
    card = lab.panel("sound0")
    card.scroll_into_view_if_needed()
    true, own = card.locator(".lv-play").all()
    true.click()
    expect(true).to_have_text("■ The true chord")
    line = card.locator(".lv-cursor")
    expect(line).to_have_count(1)
    place = "line => new DOMMatrix(getComputedStyle(line).transform).m41"
    before = line.evaluate(place)
    own.click()  # in the middle of it
    expect(true).to_have_text("▶ The true chord")
    expect(own).to_have_text("■ The network")
    expect(line).to_have_count(1)
    expect(own).to_have_text("▶ The network", timeout=10_000)
    expect(line).to_have_count(0)
    assert before > 0
    chord = lab.of("sound0", "plot._fullLayout.meta.caption")
    card.get_by_role("button", name="2", exact=True).click()
    lab.until("sound0", "plot._fullLayout.meta.caption !== arg", chord)
    lab.panel("spectrum").scroll_into_view_if_needed()
    lab.until("spectrum", "plot._fullLayout.meta.caption.slice(0, 7) !== arg", chord[:7])
