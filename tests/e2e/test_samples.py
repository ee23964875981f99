"""Samples over training: a hostile text is learned, measured, played back and compared, and stays text throughout."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from rnncore.config import RunConfig
from rnncore.records import QualityLevels, Sample, SampleQuality
from tests.e2e.lab import SMALL, Lab
from tests.e2e.server import Server, until
from tests.e2e.test_texts import HOSTILE

pytestmark = pytest.mark.browser
PATH = "/samples-over-training"


@pytest.fixture(scope="module")
def server(shared_server: Server) -> Iterator[Server]:
    """The shared server with one paused run that has learned a hostile text and measured its samples."""
    store = shared_server.store
    corpus = store.put_corpus("page.html", HOSTILE * 60)
    run = store.create(RunConfig.of(**SMALL, corpus=corpus, budget=0.3))
    until(lambda: len(store.record_steps(run.id, "sample_quality")) >= 3, "measured samples", 60)
    store.send(run.id, "pause")
    shared_server.run("paused")
    yield shared_server
    shared_server.clear()


def test_the_film_plays_two_moments_are_compared_and_markup_stays_text(lab: Lab, server: Server) -> None:
    run = server.run()
    steps = server.store.record_steps(run.id, "sample")
    first, newest = (server.store.record(run.id, "sample", at) for at in (1, None))
    assert isinstance(first, Sample)
    assert isinstance(newest, Sample)
    lab.deep(f"{PATH}?run={run.id}")
    film, one = lab.panel("film0"), lab.panel("first")
    expect(film.locator(".lv-text")).to_have_text(newest.primer + newest.text)
    expect(film.locator(".lv-step")).to_have_text(f"step {newest.step:,}")
    expect(film.locator(".lv-caption")).to_contain_text("bits per character")
    one.scroll_into_view_if_needed()
    expect(one.locator(".lv-text")).to_have_text(first.primer + first.text)
    expect(lab.panel("second").locator(".lv-text")).to_have_text(newest.primer + newest.text)

    wanted = max(step for step in steps if step <= 16)
    one.locator(".lv-scrub").fill("7")  # step 16
    expect(one.locator(".lv-step")).to_have_text(f"step {wanted:,}")
    lab.page.wait_for_function("() => (new URL(location).searchParams.get('show') ?? '').includes('first.7')")
    lab.page.reload()
    lab.idle()
    one.scroll_into_view_if_needed()
    expect(one.locator(".lv-step")).to_have_text(f"step {wanted:,}")

    film.scroll_into_view_if_needed()
    lab.page.get_by_role("button", name="Play the run's history").click()
    expect(film.locator(".lv-step")).not_to_have_text(f"step {newest.step:,}")
    expect(lab.page.locator(".lv-bar .lv-where")).to_have_text("the present", timeout=30_000)
    expect(film.locator(".lv-step")).to_have_text(f"step {newest.step:,}")
    harm = "() => [window.harmed ?? 0, document.querySelectorAll('.harm, [data-live] img, [data-live] script').length]"
    assert lab.page.evaluate(harm) == [0, 0]
    assert lab.page.locator("pre.lv-text *:not(span)").count() == 0


def test_every_measure_stands_beside_its_levels_and_the_copied_span_says_where_it_is_from(
    lab: Lab, server: Server
) -> None:
    run = server.run()
    levels, quality = (server.store.record(run.id, kind) for kind in ("quality_levels", "sample_quality"))
    assert isinstance(levels, QualityLevels)
    assert isinstance(quality, SampleQuality)
    lab.deep(f"{PATH}?run={run.id}")
    lab.drawn("quality")
    lab.page.wait_for_function(
        "count => document.querySelectorAll('[data-panel=quality] .js-plotly-plot').length === count",
        arg=len(quality.names),
    )
    lab.until("quality", "plot._fullData.at(-1).x.at(-1) === arg", quality.step)
    assert lab.of("quality", "plot._fullData.at(-1).y.at(-1)") == pytest.approx(quality.value("valid_words"), rel=1e-4)
    drawn = lab.of("quality", "plot._fullLayout.shapes.map(shape => shape.y0)")
    place = levels.names.index("valid_words")
    assert drawn == pytest.approx([float(values[place]) for values in (levels.text, levels.ngram, levels.uniform)])
    copied = lab.panel("copied0")
    expect(copied.locator(".lv-primer").first).to_have_text(quality.copied)
    expect(copied.locator(".lv-caption")).to_contain_text(f"line {quality.copied_line:,} of the training text")
    text = server.store.corpus(run.config.task.corpus)[1]  # type: ignore[union-attr]
    assert text[quality.copied_at :].startswith(quality.copied)
    lab.drawn("bits")


def test_a_run_without_a_text_says_so(lab: Lab, server: Server) -> None:
    run = server.store.create(RunConfig.of(task="sentences", steps=20, hidden_size=8))
    until(lambda: server.store.get(run.id).state == "finished", "the sentences to be learned")
    lab.deep(f"{PATH}?run={run.id}")
    expect(lab.panel("film0")).to_contain_text("This run learns the three sentences, not a text")
    server.store.delete(run.id)
