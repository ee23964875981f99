"""Claims about the report: one document with all that the live pages show, and nothing that it must not have."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from dashboard.figures.base import Look, empty
from dashboard.live.route import Live
from dashboard.report import Drawing, Section, report
from dashboard.report.answers import MOST_VARIANTS, key
from dashboard.report.chapters import MOST_OVERLAID, chapters, representatives
from rnncore.config import RunConfig
from rnncore.errors import ExportError
from rnncore.runs.elsewhere import Elsewhere
from rnncore.runs.store import RunNotFound
from tests.report.conftest import HOSTILE


class Parsed(HTMLParser):
    """A report's elements, its words outside of scripts, and the values of its figures."""

    def __init__(self, document):
        super().__init__()
        self.elements, self.words, self.scripts, self.styles, self.inside = [], [], [], [], ""
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        kept = {"script": self.scripts, "style": self.styles}
        kept.get(self.inside, self.words).append(data)

    @property
    def text(self):
        return " ".join(self.words)

    @property
    def report(self):
        return next(json.loads(script) for script in self.scripts if script.startswith('{"answers"'))


@pytest.fixture(scope="module")
def whole(store, text):
    return Parsed(report(store, [text]))


def test_nothing_in_it_comes_from_elsewhere(whole):
    for tag, attributes in whole.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img"), tag
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
    policy = next(given["content"] for tag, given in whole.elements if given.get("http-equiv"))
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    assert not re.findall(r"url\(|@import", "".join(whole.styles))


def test_what_a_user_or_a_model_wrote_is_text(whole, store, text):
    assert whole.text.count(HOSTILE) >= 3  # heading, note, settings
    assert sum(tag == "script" for tag, _ in whole.elements) == 3
    samples = next(
        content["samples"]
        for panel in whole.report["answers"]["light"]["panels"].values()
        for content in panel.values()
        if "samples" in content
    )
    assert samples[0]["text"] == HOSTILE


def test_every_card_has_what_the_live_route_answers_in_each_look(whole, store, text):
    live, data = Live(lambda: store), whole.report
    compared = 0
    for card in data["cards"]:
        for panel in card["data"]["panels"]:
            asked = [{"id": "one", "name": panel["name"], "params": panel["params"]}]
            for mode in ("light", "dark"):
                query = {"runs": [text], "panels": asked, "theme": mode}
                expected = json.loads(live.answer(query))["panels"]["one"]
                found = data["answers"][mode]["panels"][panel["id"]][key(panel["params"])]
                if panel["name"] != "verdict":  # whose links may differ
                    assert found == expected, panel["id"]
                compared += 1
    assert compared > 30


def test_every_button_has_its_answer(whole):
    data, buttons = whole.report, 0
    for card in data["cards"]:
        for panel in card["data"]["panels"]:
            answers = data["answers"]["light"]["panels"][panel["id"]]
            assert len(answers) <= MOST_VARIANTS
            for choice in panel["choices"]:
                for _, value in choice["options"]:
                    assert key(panel["params"] | {choice["param"]: value}) in answers
                    buttons += 1
    assert buttons > 20


def test_one_run_has_every_page_that_says_something_of_it(store, text, parity):
    def anchors(run_id):
        return [chapter.anchor for chapter in chapters(store, [store.get(run_id)])]

    assert anchors(text)[:4] == ["live-lab", "gradient-flow", "gates-and-memory", "dynamics"]
    assert "samples-over-training" in anchors(text)
    assert "samples-over-training" not in anchors(parity[0])
    assert not {"structured-prediction", "distributional-shift"} & {*anchors(text), *anchors(parity[0])}


def test_a_finding_links_to_a_chapter_or_to_nothing(whole):
    anchors = {card["anchor"] for card in whole.report["cards"]}
    ids = {attributes.get("id") for _, attributes in whole.elements}
    assert {f"/{anchor}" for anchor in anchors} <= ids
    for panel in whole.report["answers"]["light"]["panels"].values():
        for content in panel.values():
            for verdict in content.get("verdicts", ()):
                assert all(item.get("page", {"path": "live-lab"})["path"] in anchors for item in verdict["items"])


def test_configuration_losses_score_and_target_are_in_it(store, parity):
    found = Parsed(report(store, parity[:1]))
    config = store.get(parity[0]).config
    assert json.dumps(config.model_dump(mode="json"), indent=2).splitlines()[3] in found.text
    score = store.series(parity[0], "score")["score"][-1]
    loss = store.series(parity[0], "validation")["loss"][-1] / np.log(2)
    assert f"{score:.4g} accuracy" in found.text
    assert f"{loss:.4g} bits per answer" in found.text
    assert "0.99 or more counts as solved, chance gives 0.5" in found.text
    assert RunConfig.from_json(found.words[[w.strip()[:1] for w in found.words].index("{")]) == config


def test_several_runs_are_laid_over_each_other_and_then_shown_by_themselves(store, parity):
    found = Parsed(report(store, parity, title="A race"))
    assert [card["anchor"] for card in found.report["cards"]] == ["side-by-side", *parity]
    first = found.report["cards"][0]
    assert first["data"]["runs"] == parity
    assert "c0-loss" in {panel["id"] for panel in first["data"]["panels"]}
    curves = found.report["answers"]["light"]["panels"]["c0-loss"][""]["figure"]["data"]
    assert len({curve.get("legendgroup") or curve.get("name") for curve in curves}) >= 3
    assert "A race" in found.text
    for run_id in parity:
        assert run_id in found.text


def test_sections_stand_in_front_with_their_markup_and_figures(store, parity):
    looks = []

    def draw(look: Look):
        looks.append(look.mode)
        return empty(look, "a figure of one's own").plain

    section = Section("Results <of> it", "<table><tr><td>forty-two</td></tr></table>", (Drawing("Mine", draw),))
    found = Parsed(report(store, parity[:2], sections=[section, Section("Words only", "<p>said</p>")]))
    assert looks == ["light", "dark"]
    assert [card["anchor"] for card in found.report["cards"]][:2] == ["section-0", "side-by-side"]
    (panel,) = found.report["cards"][0]["data"]["panels"]
    figure = found.report["answers"]["dark"]["panels"][panel["id"]][""]["figure"]
    assert figure["layout"]["annotations"][0]["text"] == "a figure of one's own"
    order = [found.text.rindex(words) for words in ("Results <of> it", "forty-two", "said", "Side by side")]
    assert order == sorted(order)


def test_more_runs_than_fit_into_a_figure_are_represented_by_each_contenders_first(store):
    made = [
        store.create(RunConfig.of(seed=seed), race="r", contender=contender)
        for seed in (1, 2, 3)
        for contender in (0, 1, 2, 3)
    ]
    chosen = representatives(made)
    assert [run.id for run in chosen] == [run.id for run in made[:MOST_OVERLAID]]
    backwards = representatives(sorted(made, key=lambda run: run.contender))
    assert [run.contender for run in backwards[:4]] == [0, 1, 2, 3]
    assert "of the 12 runs" in report(store, [run.id for run in made])


def test_runs_without_measurements_and_from_elsewhere_have_a_report_too(store):
    waiting = store.create(RunConfig.of(name="waits"))
    assert "waits" in Parsed(report(store, [waiting.id])).text
    seen = store.begin_elsewhere(Elsewhere(name="mine", floor=1.0), "1:1", "host")
    store.append(seen.id, "train", {"step": np.arange(1, 4), "seconds": np.arange(3.0), "loss": np.ones(3),
                                    "grad_norm": np.ones(3), "clip_norm": np.ones(3), "lr": np.ones(3)})  # fmt: skip
    found = Parsed(report(store, [seen.id]))
    assert "trained elsewhere" in found.text
    assert "c0-loss" in found.report["answers"]["light"]["panels"]


def test_what_cannot_be_reported_is_refused_in_a_sentence(store):
    with pytest.raises(RunNotFound, match="nosuch"):
        report(store, ["nosuch"])
    with pytest.raises(ExportError, match="at least one run"):
        report(store, [])
