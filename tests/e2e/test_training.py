"""From pressing Train to the run's end, as one who watches sees it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.lab import Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser


def test_an_empty_lab_says_what_to_do(lab: Lab, server: Server) -> None:
    lab.go("/")
    expect(lab.page.get_by_text("watch an LSTM learn")).to_be_visible()
    expect(lab.button("train")).to_be_enabled()
    expect(lab.page.locator("[class*=st-key-preset_]")).to_have_count(6)


def test_train_draws_every_chart_and_the_loss_falls(lab: Lab, server: Server) -> None:
    lab.start()
    first = lab.metric("Training")
    lab.drawn("gradient", "gates0", "norm", "saturation0")
    expect(lab.panel("samples0").locator(".lv-latest .lv-text")).not_to_be_empty()
    expect(lab.page.locator(".lv-finding").first).to_be_visible()
    lab.past(300)
    bits = float(lab.metric("Training").split()[0])
    assert bits < 5.5, f"at first {first}, then {bits}"


def test_gates_change_while_it_trains(lab: Lab, server: Server) -> None:
    lab.start()
    lab.drawn("gates0")
    heat = "JSON.stringify(plot.data.filter(t => t.type === 'heatmap').map(t => Array.from(t.z, r => Array.from(r))))"
    before = lab.of("gates0", heat)
    assert len(before) > 1000
    lab.until("gates0", f"{heat} !== arg", before)


def test_pause_one_step_resume_and_stop(lab: Lab, server: Server) -> None:
    lab.start()
    lab.button("pause").click()
    expect(lab.button("resume")).to_be_enabled()
    paused = server.run("paused")
    lab.page.wait_for_function(
        "step => document.querySelector('[data-panel=metrics] .lv-value').textContent === step", arg=f"{paused.step:,}"
    )
    expect(lab.button("step")).to_be_enabled()
    lab.button("step").click()
    until(lambda: server.run().step > paused.step and server.run().state == "paused", "the one step")
    assert server.run().step == paused.step + 1
    lab.past(paused.step)
    assert lab.step() == paused.step + 1
    lab.idle()
    lab.button("resume").click()
    lab.past(paused.step + 50)
    lab.idle()
    lab.button("stop").click()
    expect(lab.button("requeue")).to_be_enabled()
    assert server.run("stopped").step > paused.step
    expect(lab.page.locator(".lv-finding").first).to_contain_text("topped")


def test_a_second_press_on_train_starts_no_second_run(lab: Lab, server: Server) -> None:
    lab.open()
    lab.button("train").dblclick()
    lab.drawn("loss")
    lab.past(0)
    assert len(server.store.runs()) == 1


def test_learning_rate_and_clipping_change_on_the_fly(lab: Lab, server: Server) -> None:
    lab.start({"lr": 0.005})
    run = server.run("running")
    assert lab.metric("Learning rate") == "0.005 clipped at 1"
    lab.page.get_by_role("button", name="Change while it runs").click()
    for key, value in (("lr", "0.02"), ("clip", "0.5")):
        field = lab.page.locator(f".st-key-live_{key}_{run.id} input")
        field.fill(value)
        field.press("Tab")
        lab.idle()
    lab.button("apply").click()
    lab.page.wait_for_function(
        "() => document.querySelector('[data-panel=metrics]').textContent.includes('clipped at 0.5')"
    )
    assert lab.metric("Learning rate") == "0.02 clipped at 0.5"


def test_again_repeats_the_run_from_the_same_weights(lab: Lab, server: Server) -> None:
    lab.start({"steps": 60})
    first = server.run("finished")
    expect(lab.page.locator(".st-key-stop")).to_have_count(0)
    lab.button("again").click()
    until(lambda: server.run().id != first.id and server.run().state == "finished", "the second run's end")
    second = server.run()
    assert second.parent == first.id
    assert second.config == first.config
    one, two = (server.store.series(run.id, "train")["loss"] for run in (first, second))
    assert list(one) == list(two)
    lab.page.wait_for_function("id => new URL(location).searchParams.get('run') === id", arg=second.id)


def test_a_preset_trains_with_one_click(lab: Lab, server: Server) -> None:
    lab.go("/")
    lab.button("train_vanishing").click()
    lab.drawn("loss")
    assert server.run().config.model.cell == "rnn_tanh"
    assert lab.query()["cell"] == "rnn_tanh"
