"""Claims about a race's report: the verdict first, every run in the table, each contender by itself."""

import pytest

from dashboard.figures.base import empty
from dashboard.live.component import Panel
from dashboard.report import Contender, Drawing, Section, compared, race_report
from dashboard.widgets.race_panels import whole as whole_race
from rnncore.comparison import Race
from rnncore.errors import ExportError
from rnncore.runs.races import Races
from rnncore.runs.store import RunNotFound
from tests.report.conftest import HOSTILE
from tests.report.test_report import Parsed


@pytest.fixture(scope="module")
def whole(store, race):
    return Parsed(race_report(store, race.id))


def anchors(parsed):
    return [card["anchor"] for card in parsed.report["cards"]]


def test_it_begins_with_the_verdict_and_goes_on_to_each_contender(whole):
    sections = [attributes["id"] for tag, attributes in whole.elements if tag == "section"]
    assert sections == ["/race", "/all-runs", "/contender-0", "/contender-1"]
    order = [whole.text.rindex(words) for words in ("No difference shown", "All runs", "a <b>gru</b>")]
    assert order == sorted(order)
    assert anchors(whole) == ["race", "contender-0", "contender-1"]


def test_what_was_typed_is_text(whole):
    assert HOSTILE in whole.text
    assert sum(tag == "script" for tag, _ in whole.elements) == 3
    assert not [tag for tag, _ in whole.elements if tag in ("b", "img")]


def test_every_run_is_in_the_table_with_its_contender_and_seed(whole, race):
    rows = " ".join(whole.text.split()).split("Contender Seed State")[1]
    labels = Race.from_json(race.document).contenders
    for run in race.runs:
        assert f"{run.id} {labels[run.contender].label} {run.config.seed} finished 12" in rows


def test_the_first_figures_are_those_of_the_page_compare(whole, race):
    first = whole.report["cards"][0]["data"]
    assert first["runs"] == [run.id for run in race.runs if run.config.seed == 1]
    shown = [panel.id for panel in whole_race(Race.from_json(race.document)) if panel.kind != "words"]
    assert [panel["id"] for panel in first["panels"]] == [f"c0-{id}" for id in shown]
    drawn = whole.report["answers"]["light"]["panels"]["c0-race_curves"]
    assert len(drawn) == 8  # against four axes, as a mean and for each seed
    assert all(answer["figure"]["data"] for answer in drawn.values())


def test_a_contenders_chapter_lays_its_seeds_over_each_other_and_opens_the_first(whole, race):
    for place in (0, 1):
        card = whole.report["cards"][1 + place]["data"]
        assert card["runs"] == [run.id for run in race.runs if run.contender == place]
        ids = [panel["id"].partition("-")[2] for panel in card["panels"]]
        assert len(ids) == len(set(ids))
        assert {"loss", "norm", "gates0"} <= set(ids)
        assert not {"gates1", "gates2"} & set(ids)
        assert "Inside the network, seed 1" in [panel["title"] for panel in card["panels"]]


def test_cards_figures_and_words_that_are_handed_in_have_their_places(store, race):
    groups = [Contender("one", (race.runs[0].id,)), Contender("two", (race.runs[1].id, race.runs[3].id))]
    extra = Section("Results", "<p>handed in</p>", (Drawing("Mine", lambda look: empty(look, "said").plain),))
    own = [Panel("norm", "gradient_norm", "Norms")]
    found = Parsed(
        compared(store, groups, title="Two", verdict=["No winner <yet>."], sections=[extra], panels=own, race=race.id)
    )
    assert anchors(found) == ["race", "section-1", "contender-0", "contender-1"]
    assert [panel["title"] for panel in found.report["cards"][0]["data"]["panels"]] == ["Norms"]
    order = [found.text.rindex(words) for words in ("No winner <yet>.", "handed in", "All runs")]
    assert order == sorted(order)


def test_a_race_that_has_not_begun_says_that_there_is_nothing_to_judge(store):
    asked = Race.of("later", {"task": "parity"}, [{"cell": "gru"}, {"cell": "lstm"}], 1)
    made = Races(store).create(asked.name, asked.to_json(), asked.runs())
    found = Parsed(race_report(store, made.id))
    assert "Nothing to judge yet" in found.text
    assert "queued" in found.text


def test_a_contender_without_runs_is_left_out_and_none_at_all_is_refused(store, race):
    found = Parsed(compared(store, [Contender("gone", ()), Contender("one", (race.runs[0].id,))], title="t"))
    assert "gone" not in found.text
    with pytest.raises(ExportError, match="at least one run"):
        compared(store, [Contender("gone", ())], title="t")
    with pytest.raises(RunNotFound):
        compared(store, [Contender("one", ("nosuch",))], title="t")
