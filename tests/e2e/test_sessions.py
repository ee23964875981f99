"""Reloading, sharing a link, and several windows on the same runs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from rnncore.config import RunConfig
from tests.e2e.conftest import OpenLab
from tests.e2e.lab import SMALL, Lab
from tests.e2e.server import Server, until

pytestmark = pytest.mark.browser


def test_reloading_in_the_middle_keeps_the_run_and_its_charts(lab: Lab, server: Server) -> None:
    lab.start()
    step = lab.step()
    address = lab.query()
    lab.page.reload()
    lab.idle()
    lab.drawn("loss", "gradient")
    lab.past(step)
    assert lab.query() == address
    expect(lab.button("stop")).to_be_enabled()  # the browser is still the owner's
    assert len(server.store.runs()) == 1


def test_who_opens_the_link_watches_and_cannot_steer(open_lab: OpenLab, server: Server) -> None:
    owner, guest = open_lab(), open_lab()
    owner.start()
    guest.go(f"/?run={server.run('running').id}")
    guest.drawn("loss")
    for key in ("pause", "stop"):
        expect(guest.button(key)).to_be_disabled()
    expect(guest.button("again")).to_be_enabled()
    expect(guest.page.get_by_text("Started elsewhere")).to_be_visible()
    guest.updates(2)
    owner.past(guest.step())
    owner.idle()
    owner.button("pause").click()
    expect(guest.button("resume")).to_be_disabled()  # the guest sees the new state, and cannot end it either
    expect(owner.button("resume")).to_be_enabled()


def test_a_run_goes_on_without_a_window_and_another_of_its_owner_steers(open_lab: OpenLab, server: Server) -> None:
    first = open_lab()
    second = open_lab(same=first)
    first.start()
    run = server.run("running")
    first.page.close()
    step = server.store.get(run.id).step
    until(lambda: server.store.get(run.id).step > step + 50, "fifty steps more")
    second.go(f"/?run={run.id}")
    second.drawn("loss")
    second.button("stop").click()
    expect(second.button("requeue")).to_be_enabled()
    assert server.run().state == "stopped"


def test_another_cell_beside_is_drawn_in_the_same_charts(lab: Lab, server: Server) -> None:
    lab.start()
    first = server.run("running")
    lab.choose("beside_cell", "GRU")
    until(lambda: server.run().id != first.id, "the second run")
    second = server.run("running")
    assert second.config == first.config.changed(cell="gru")
    named = "['LSTM', 'GRU'].every(cell => plot._fullData.some(t => t.name.startsWith(cell) && t.x.length > 1))"
    lab.until("loss", named)
    lab.drawn("gates0", "gates1")
    expect(lab.panel("verdict").locator(".lv-verdict")).to_have_count(2)
    lab.panel("metrics").scroll_into_view_if_needed()
    expect(lab.panel("metrics").locator(".lv-metrics")).to_have_count(2)
    assert (lab.query()["run"], lab.query()["vs"]) == (first.id, second.id)


def test_a_link_opens_the_settings_that_it_holds(lab: Lab, server: Server) -> None:
    lab.go("/?cell=gru&hidden_size=24&lr=0.01&clip_norm=off&stateful=false")
    expect(lab.setting("hidden_size")).to_have_value("24")
    expect(lab.setting("lr")).to_have_value("0.01")
    expect(lab.setting("clip_norm")).to_have_value("")
    lab.train()
    config = server.run().config
    assert config == config.of(cell="gru", hidden_size=24, lr=0.01, clip_norm=None, stateful=False)


def test_settings_go_into_the_address_as_they_are_changed(lab: Lab, server: Server) -> None:
    lab.go("/")
    field = lab.setting("hidden_size")
    field.fill("48")
    field.press("Tab")
    lab.page.wait_for_function("() => new URL(location).searchParams.get('hidden_size') === '48'")
    lab.page.reload()
    lab.idle()
    expect(lab.setting("hidden_size")).to_have_value("48")


@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        (
            "cell=perceptron&hidden_size=-3&lr=fast&seed=1e400&num_layers=99999999999999999999"
            "&colour=%3Cscript%3Ealert(1)%3C/script%3E&run=nosuch&vs=%00&at=soon",
            [
                "cell must be one of",
                "hidden_size must be",
                "lr must be a number",
                "seed must be",
                "num_layers must be",
                "colour in the address is no setting",
                "nosuch",
            ],
        ),
        ("cell=rnn_tanh&gate_bias=chrono", ["gate_bias needs a cell with gates"]),
        ("corpus=upload:0000", ["upload:0000"]),
        ("hidden_size=4096&num_layers=4&batch_size=1024&sequence_length=1000", ["GB of memory"]),
    ],
    ids=["every-kind", "not-together", "no-such-text", "too-large"],
)
def test_nonsense_in_the_address_gives_sentences(lab: Lab, server: Server, query: str, sentences: list[str]) -> None:
    lab.go(f"/?{query}")
    for sentence in sentences:
        expect(lab.page.get_by_test_id("stAlert").filter(has_text=sentence).first).to_be_visible()
    said = lab.page.locator("body").inner_text()
    assert "Traceback" not in said
    assert "Error" not in said


def test_putting_the_run_away_leaves_an_empty_lab(lab: Lab, server: Server) -> None:
    server.store.create(RunConfig.of(**SMALL))
    run = server.run("running")
    lab.go(f"/?run={run.id}")
    lab.drawn("loss")
    lab.page.locator(".st-key-run").get_by_role("button", name="Clear").click()
    expect(lab.button("train_lstm")).to_be_visible()
    lab.idle()
    expect(lab.page.locator(".lv-card")).to_have_count(0)
    expect(lab.page.locator(".lv-bar").locator("visible=true")).to_have_count(0)
    assert "run" not in lab.query()
    assert server.run().state == "running"  # out of sight, it goes on
