"""Claims about who is in front, and in which races a cell won: the verdict's own rules, contender by contender."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rnncore.comparison import Interval, Race, front, overall, result, verdict
from rnncore.comparison.won import AHEAD, BEHIND, LEVEL, PLACES, SAME, UNNAMED, Entry, Result, entries
from rnncore.config import CELL_LABELS
from rnncore.runs.races import Races
from rnncore.runs.store import RunStore
from tests.comparison.test_results import BASE, judged, race

APART = [[0.2, 0.3, 0.25], [0.5, 0.6, 0.7], [0.9, 0.95, 0.99]]
TWO_LEVEL = [[0.1, 0.2, 0.15], [0.8, 0.9, 0.85], [0.85, 0.95, 0.9]]
ALL_LEVEL = [[0.5, 0.9, 0.7], [0.6, 0.8, 0.7], [0.55, 0.7, 0.95]]
BETWEEN = [[0.5, 0.7, 0.6], [0.65, 0.85, 0.75], [0.8, 0.99, 0.9]]  # each overlaps with its neighbour only


@pytest.fixture
def store(tmp_path):
    with RunStore(f"sqlite:///{tmp_path / 'races.sqlite'}") as opened:
        yield opened


@pytest.fixture
def runs(store):
    """A race's runs, all of them finished."""

    def made(wanted):
        found = Races(store).create(wanted.name, wanted.to_json(), wanted.runs())
        return [replace(run, state="finished") for run in found.runs]

    return made


def places(measure, table):
    """Cell → how it did, and whom that is said of."""
    return {one.cell: (one.place, one.others) for one in entries(measure, table)}


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        (APART, {"gru": (AHEAD, ("LSTM",)), "lstm": (BEHIND, ("GRU",)), "rnn_tanh": (BEHIND, ("GRU",))}),
        (TWO_LEVEL, {"gru": (LEVEL, ("LSTM",)), "lstm": (LEVEL, ("GRU",)), "rnn_tanh": (BEHIND, ("GRU",))}),
        (ALL_LEVEL, {"gru": (SAME, ()), "lstm": (SAME, ()), "rnn_tanh": (SAME, ())}),
        (BETWEEN, {"gru": (LEVEL, ("LSTM",)), "lstm": (SAME, ()), "rnn_tanh": (BEHIND, ("GRU",))}),
    ],
    ids=["apart", "two-level", "all-level", "between"],
)
def test_a_cell_is_ahead_level_the_same_or_behind(runs, scores, wanted):
    found = race()
    assert places(*judged(found, runs(found), scores)) == wanted


@pytest.mark.parametrize("scores", [APART, TWO_LEVEL, ALL_LEVEL, BETWEEN])
def test_the_verdict_names_the_same_cells_as_the_places(runs, scores):
    found = race()
    said = judged(found, runs(found), scores)
    sentence, how = verdict(*said)[0], places(*said)
    ahead = [cell for cell, (place, _) in how.items() if place == AHEAD]
    assert (" is ahead" in sentence) == bool(ahead)
    assert all(sentence.startswith(f"{CELL_LABELS[cell]} is ahead") for cell in ahead)
    assert sentence.startswith("No difference shown") == all(place == SAME for place, _ in how.values())


def test_the_front_is_the_best_and_all_whose_interval_overlaps_with_its_own(runs):
    found = race()
    measure, table = judged(found, runs(found), BETWEEN)
    ranked = front(measure, table)
    assert [one.label for one in ranked.ranked] == ["GRU", "LSTM", "RNN"]
    assert [one.label for one in ranked.level] == ["GRU", "LSTM"]
    assert [one.label for one in ranked.behind] == ["RNN"]
    gru, lstm, rnn = ranked.ranked
    assert (ranked.beaten_by(gru), ranked.beaten_by(lstm), ranked.beaten_by(rnn)) == ((rnn,), (), ())
    lower = front(replace(measure, higher_is_better=False), table)
    assert [one.label for one in lower.ranked] == ["RNN", "LSTM", "GRU"]


@pytest.mark.parametrize("seeds", [1, 2])
def test_nobody_is_named_with_fewer_than_three_seeds(runs, seeds):
    found = race(seeds)
    measure, table = judged(found, runs(found), [[0.1] * seeds, [0.5] * seeds, [1.0] * seeds])
    assert front(measure, table) is None
    assert {place for place, _ in places(measure, table).values()} == {UNNAMED}


def test_one_contender_with_a_seed_too_few_leaves_all_without_a_name(runs):
    found = race()
    assert front(*judged(found, runs(found), [[0.1, 0.1], [0.5] * 3, [1.0] * 3])) is None


def test_who_has_no_score_is_not_ranked_and_breaks_no_sentence(runs):
    found = race()
    measure, table = judged(found, runs(found), APART)
    nothing = Interval(math.nan, math.nan, math.nan)
    without = [replace(table[0], score=nothing), *table[1:]]
    assert places(measure, without)["rnn_tanh"] == (UNNAMED, ())
    assert places(measure, without)["gru"] == (AHEAD, ("LSTM",))
    assert verdict(measure, without)[0].startswith("GRU is ahead")
    single = [replace(one, score=Interval(0.5, math.nan, math.nan)) for one in table]
    assert verdict(measure, single)[0] == "No winner is named: too few runs have a score."


def test_of_a_cell_s_contenders_the_one_that_did_best_stands_first(runs):
    found = Race.of("bias", BASE, [{"cell": "lstm"}, {"cell": "lstm", "gate_bias": "chrono"}, {"cell": "gru"}])
    measure, table = judged(found, runs(found), [[0.2, 0.3, 0.25], [0.9, 0.95, 0.99], [0.5, 0.6, 0.7]])
    made = Result("id", "bias", measure, entries(measure, table))
    assert made.cells == ("lstm", "gru")
    assert [(one.label, one.place) for one in made.of("lstm")] == [("LSTM · chrono bias", AHEAD), ("LSTM", BEHIND)]


def test_each_place_has_its_words():
    told = {place: Entry("gru", "GRU", None, place, ("LSTM", "RNN")).told for place in PLACES}
    assert len(set(told.values())) == len(PLACES)
    for place in (AHEAD, LEVEL, BEHIND):
        assert "LSTM and RNN" in told[place]
    assert Entry("gru", "GRU", None, UNNAMED).told == "not judged, too few seeds"


def raced(store, wanted, scores, state="finished"):
    """A race in the store whose runs ended with these scores, by contender and seed."""
    info = Races(store).create(wanted.name, wanted.to_json(), wanted.runs())
    for run in info.runs:
        score = scores[run.contender][wanted.seeds.index(run.config.seed)]
        steps = np.array([10, 20])
        columns = {"step": steps, "seconds": 0.1 * steps, "score": np.array([0.1, score])}
        store.append(run.id, "score", columns | {"score_longer": np.array([0.1, score])})
        store.set_state(run.id, state)
    return Races(store).get(info.id)


def test_a_race_out_of_the_store_is_judged_as_its_standings_are(store, runs):
    wanted = race()
    made = result(store, raced(store, wanted, APART))
    measure, table = judged(wanted, runs(wanted), APART)
    assert (made.title, made.measure) == ("which", measure)
    for mine, theirs in zip(made.entries, entries(measure, table), strict=True):
        assert (mine.cell, mine.label, mine.place, mine.others) == (
            theirs.cell, theirs.label, theirs.place, theirs.others,
        )  # fmt: skip
        assert tuple(mine.score) == pytest.approx(tuple(theirs.score), rel=1e-6)  # the store keeps float32


def test_a_diverged_contender_counts_as_knowing_nothing(store):
    made = result(store, raced(store, race(cells=("lstm", "gru")), [[0.9] * 3, [0.8] * 3], state="diverged"))
    assert {one.score.mean for one in made.entries} == {1 / 8}
    assert {one.place for one in made.entries} == {SAME}


def test_a_race_that_is_not_over_has_no_result(store):
    assert result(store, raced(store, race(), APART, state="running")) is None


def won_by(*winners, losers=("rnn_tanh",)):
    """A race for each winner, against the same losers."""
    score = Interval(0.5, 0.4, 0.6)
    made = []
    for winner in winners:
        ahead = Entry(winner, CELL_LABELS[winner], score, AHEAD, ("RNN",))
        behind = tuple(Entry(cell, CELL_LABELS[cell], score, BEHIND, (ahead.label,)) for cell in losers)
        made.append(Result(winner, winner, None, (ahead, *behind)))
    return made


def test_no_cell_that_lost_anywhere_is_said_to_win_everywhere():
    assert overall(won_by("lstm", "lstm", "gru")) == (
        "3 races between cells are over. Ahead of all others: LSTM in 2 and GRU in 1. LSTM is ahead in every race that "
        "it was in."
    )
    mixed = won_by("lstm", "lstm") + won_by("gru", losers=("lstm",))
    assert overall(mixed).endswith("No cell is ahead in every race that it was in.")
    assert overall(won_by("lstm")) == "1 race between cells is over. Ahead of all others: LSTM in 1."


def test_without_a_winner_nobody_is_named(runs):
    found = race()
    measure, table = judged(found, runs(found), ALL_LEVEL)
    same = Result("id", "which", measure, entries(measure, table))
    assert overall([same]).endswith("Nobody is ahead of all others in any of them.")
    few = Result("id", "which", measure, tuple(replace(one, place=UNNAMED) for one in same.entries))
    assert "nobody is named" in overall([few])
