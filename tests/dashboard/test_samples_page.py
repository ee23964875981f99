"""Claims about Samples over training: the film, two moments, and sentences where there is nothing to show."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from dashboard.figures.base import Look
from dashboard.live.panels import PANELS, Scene
from dashboard.live.panels.samples import LATEST, MOMENTS
from dashboard.live.source import Source
from dashboard.widgets.address import _CHOSEN
from dashboard.widgets.samples_panels import panels
from rnncore.config import RunConfig
from rnncore.records import Sample
from rnncore.runs.elsewhere import Elsewhere
from rnncore.runs.store import RunStore
from tests.dashboard.test_gates_pages import VIEWS
from tests.dashboard.test_pages import home  # noqa: F401
from tests.figures.test_sample_quality import levels, quality

STEPS = (1, 2, 4, 8, 16, 100)
KINDS = {"sample", "sample_quality", "quality_levels", "baselines"}


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}") as opened:
        yield opened


def filled(store, *, measured=True, **settings):
    run = store.create(RunConfig.of(steps=100, **settings))
    for step in STEPS:
        store.put(run.id, Sample(step=step, primer="<p>", text=f"<b>{step}</b>", temperature=0.8, seed=1))
        if measured:
            store.put(run.id, quality(step, copied=f"span {step}"))
    if measured:
        store.put(run.id, levels())
    validation = {"step": [1.0, 10.0], "seconds": [0.1, 1.0], "loss": [np.log(2) * 6, np.log(2) * 3]}
    store.append(run.id, "validation", {name: np.array(values) for name, values in validation.items()})
    return store.get(run.id)


def build(store, runs, card_id, at=None, **chosen):
    source = Source(lambda: store)
    (card,) = (card for card in panels(runs) if card.id == card_id)
    watched = [source.run(run.id, KINDS) for run in runs]
    return PANELS[card.name].build(Scene(source, watched, at, Look(), {**card.params, **chosen}))


@pytest.mark.parametrize("count", [1, 2])
def test_every_card_has_something_to_show(store, count):
    runs = [filled(store, cell=cell) for cell in ("lstm", "gru")[:count]]
    cards = panels(runs)
    assert len({card.id for card in cards}) == len(cards) <= 24
    for card in cards:
        if not card.name.startswith("sample"):
            continue
        made = build(store, runs, card.id)
        assert made.get("samples") or all(figure["data"] for figure in made["figures"])


def test_the_film_shows_the_sample_of_the_moment_with_its_step_and_validation(store):
    run = filled(store)
    for at, step, bits in (
        (None, 100, "3.00"),
        (1, 1, "6.00"),
        (9, 8, "6.00"),
        (3, 2, "6.00"),
        (12, 8, "6.00"),
        (16, 16, "3.00"),
    ):
        made = build(store, [run], "film0", at)
        assert [item["step"] for item in made["samples"]] == [step]
        assert made["samples"][0]["text"] == f"<b>{step}</b>"  # text, for the page to show as it is
        assert f"validation {bits} bits per character" in made["caption"]


def test_two_moments_are_chosen_each_by_itself(store):
    run = filled(store)
    assert build(store, [run], "first")["samples"][0]["step"] == 1
    assert build(store, [run], "second")["samples"][0]["step"] == 100
    assert build(store, [run], "first", first=MOMENTS.index(12))["samples"][0]["step"] == 8
    assert build(store, [run], "second", second=MOMENTS.index(16))["samples"][0]["step"] == 16
    assert build(store, [run], "second", at=5)["samples"][0]["step"] == 4  # the latest, by then
    assert build(store, [run], "first", first=77)["samples"][0]["step"] == 100  # no such moment


def test_either_moment_may_be_of_either_run(store):
    runs = [filled(store), filled(store, cell="gru")]
    store.put(runs[1].id, Sample(step=100, primer="", text="the other", temperature=0.5, seed=1))
    assert build(store, runs, "second", second_of=1)["samples"][0]["text"] == "the other"
    assert build(store, runs, "first", first=LATEST)["samples"][0]["text"] == "<b>100</b>"


def test_the_moments_on_offer_are_log_spaced_end_with_the_run_and_fit_into_the_address(store):
    run = filled(store)
    (card,) = (card for card in panels([run]) if card.id == "first")
    (choice,) = card.choices
    assert choice.slider
    labels = [label for label, _ in choice.options]
    assert labels[:5] == ["step 1", "step 2", "step 3", "step 4", "step 6"]
    assert labels[-2:] == ["step 96", "latest"]
    ratios = np.array(MOMENTS[1:]) / np.array(MOMENTS[:-1])
    assert ratios.max() <= 2
    assert ratios.min() >= 4 / 3
    assert MOMENTS[-1] >= 10_000_000
    assert len(MOMENTS) <= LATEST
    assert all(_CHOSEN.fullmatch(f"{choice.param}.{value}") for _, value in choice.options)


def test_quality_is_drawn_with_the_levels_of_the_text_that_both_runs_learn(store):
    def lines(made):
        return [shape for shape in made["figures"][0]["layout"]["shapes"] if shape["y0"] == shape["y1"]]

    one = filled(store)
    same, other = filled(store, cell="gru"), filled(store, corpus="python-reference")
    assert len(lines(build(store, [one, same], "quality"))) == 3
    different = build(store, [one, other], "quality")
    assert "shapes" not in different["figures"][0]["layout"]
    assert "different texts" in different["figures"][0]["layout"]["meta"]["caption"]


def test_what_is_not_measured_yet_is_said_with_what_helps(store):
    run = filled(store, measured=False)
    (note,) = build(store, [run], "quality")["figure"]["layout"]["annotations"]
    assert "once the text is indexed" in note["text"]
    assert "started again" in note["text"]
    store.put(run.id, levels())
    (note,) = build(store, [run], "quality")["figure"]["layout"]["annotations"]
    assert "next turn" in note["text"]
    assert "next turn" in build(store, [run], "copied0")["empty"]


def test_the_copied_span_is_shown_with_where_it_came_from_and_how_the_text_goes_on(store):
    run = filled(store)
    made = build(store, [run], "copied0", at=9)
    assert [(item["step"], item["primer"]) for item in made["samples"]] == [
        (step, f"span {step}") for step in (8, 4, 2, 1)
    ]
    assert made["samples"][0]["text"] == " not to be"
    assert "line 56" in made["caption"]
    assert "character 1,234" in made["caption"]


@pytest.mark.parametrize(("task", "words"), [("sentences", "the three sentences"), ("henon", "the Hénon map")])
def test_a_run_without_a_text_gets_one_sentence_that_explains(store, task, words):
    run = store.create(RunConfig.of(task=task))
    assert [card.id for card in panels([run])] == ["verdict", "metrics", "film0"]
    assert words in build(store, [run], "film0")["empty"]
    beside = filled(store)
    for card in ("film1", "copied1"):
        assert words in build(store, [beside, run], card)["empty"]
    assert build(store, [beside, run], "quality")["figures"]


def test_a_run_trained_elsewhere_is_explained_too(store):
    run = store.begin_elsewhere(Elsewhere(name="own"), worker="1:2", host="here")
    assert "another program" in build(store, [run], "film0")["empty"]


@pytest.mark.usefixtures("home")
def test_the_page_opens_with_and_without_a_run():
    test = AppTest.from_file(str(VIEWS.parent / "main.py"), default_timeout=30).run()
    test.switch_page("views/samples.py").run()
    assert not test.exception
    assert any("Choose a run" in one.value for one in test.info)
    run = services.store().create(RunConfig())
    again = AppTest.from_file(str(VIEWS.parent / "main.py"), default_timeout=30)
    again.query_params["run"] = run.id
    again.run()
    again.switch_page("views/samples.py").run()
    assert not again.exception
    assert not again.error
