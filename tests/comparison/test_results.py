"""Statistics against scipy and by hand; verdicts that say no more than the seeds do."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rnncore.comparison import Race, mean_interval, measure_of, outcome, standings, sweep, verdict
from rnncore.comparison import judged as known_by
from rnncore.comparison.statistics import band
from rnncore.config import RunConfig
from rnncore.cost import estimate
from rnncore.runs.races import Races
from rnncore.runs.store import RunStore

BASE = {"task": "delayed_recall", "sequence_length": 10, "test_length": 20, "hidden_size": 16, "steps": 100}


def race(seeds=3, cells=("rnn_tanh", "lstm", "gru"), **options):
    return Race.of("which", BASE, [{"cell": cell} for cell in cells], seeds, **options)


@pytest.fixture
def runs(tmp_path):
    """Run infos as the store makes them, with a state and a race of their own."""
    store = RunStore(f"sqlite:///{tmp_path / 'runs.sqlite'}")

    def made(race, state="finished"):
        found = Races(store).create(race.name, race.to_json(), race.runs())
        return [replace(run, state=state) for run in found.runs]

    yield made
    store.close()


def series(values, seconds=0.1):
    """A run that was measured every 10 steps, each step of so many seconds."""
    steps = 10 * np.arange(1, len(values) + 1)
    times = seconds * steps
    return {
        "train": {"step": steps, "seconds": times},
        "score": {"step": steps, "seconds": times, "score": np.array(values), "score_longer": np.array(values) / 2},
    }


def judged(race, runs, scores):
    """Standings with these final scores, by contender and seed."""
    measure = measure_of(race.configs[0], race.judged_by)
    found = []
    for run in runs:
        row = scores[run.contender]
        place = race.seeds.index(run.config.seed)
        if place < len(row):
            found.append(outcome(run, measure, series([0.1, row[place]])))
    return measure, standings(race, found)


def test_memory_is_the_mean_of_what_was_measured_and_else_an_estimate_that_says_so(runs):
    three = race()
    measure = measure_of(three.configs[0])
    found = []
    for run in runs(three):
        taken = {0: [[4e6, 9e6], [7e6], []], 1: [[], [3e5], []], 2: [[], [], []]}[run.contender][run.config.seed - 1]
        memory = {"memory": {"step": np.arange(len(taken)), "bytes": np.array(taken)}} if taken else {}
        found.append(outcome(run, measure, series([0.1]) | memory))
    rnn, lstm, gru = standings(three, found)
    assert (rnn.memory, rnn.memory_text) == (8e6, "8 MB")  # of each run its greatest peak
    assert (lstm.memory_measured, lstm.memory_text) == (True, "< 1 MB")
    assert (gru.memory, gru.memory_measured) == (estimate(gru.config).network_memory, False)
    assert gru.memory_text.startswith("≈ ")


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 20])
def test_intervals_are_those_of_scipy(count):
    values = np.random.default_rng(count).normal(size=count)
    ours = mean_interval(values)
    # scipy's draws, enough of them to be within a hundredth of the interval's width
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=40_000, rng=1).confidence_interval
    width = theirs.high - theirs.low
    assert ours.mean == pytest.approx(values.mean(), rel=1e-12)
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)


def test_a_band_is_an_interval_at_each_point():
    values = np.random.default_rng(0).normal(size=(4, 7))
    low, high = band(values)
    for point in range(7):
        assert (low[point], high[point]) == pytest.approx(mean_interval(values[:, point])[1:], rel=1e-12)


def test_three_seeds_tell_no_more_than_least_and_greatest():
    assert mean_interval(np.array([3.0, 1.0, 2.0])) == pytest.approx((2.0, 1.0, 3.0))


def test_one_seed_has_no_interval():
    found = mean_interval(np.array([3.0]))
    assert found.mean == 3
    assert math.isnan(found.low)
    assert math.isnan(mean_interval(np.array([])).mean)
    assert not found.overlaps(found)


def test_a_winner_needs_intervals_apart(runs):
    found = race()
    measure, table = judged(found, runs(found), [[0.2, 0.3, 0.25], [0.5, 0.6, 0.7], [0.9, 0.95, 0.99]])
    said = verdict(measure, table)
    assert said[0] == (
        "GRU is ahead: accuracy 0.947 [0.900, 0.990], next LSTM 0.600 [0.500, 0.700]; "
        "the 95% intervals over 3 seeds do not overlap."
    )
    assert said[1] == "Seeds solved: RNN 0 of 3, LSTM 0 of 3, GRU 2 of 3."


def test_overlapping_intervals_show_no_difference(runs):
    found = race()
    _, table = said = judged(found, runs(found), [[0.5, 0.9, 0.7], [0.6, 0.8, 0.7], [0.55, 0.7, 0.95]])
    assert verdict(*said)[0].startswith("No difference shown: the 95% intervals over 3 seeds overlap")
    assert all(one.complete for one in table)


def test_some_level_and_some_behind(runs):
    found = race()
    said = verdict(*judged(found, runs(found), [[0.1, 0.2, 0.15], [0.8, 0.9, 0.85], [0.85, 0.95, 0.9]]))
    assert said[0] == (
        "GRU, accuracy 0.900 [0.850, 0.950], does better than RNN (at best 0.150 [0.100, 0.200]); "
        "no difference shown between it and LSTM (95% intervals over 3 seeds)."
    )


def test_a_sweep_counts_those_that_are_behind(runs):
    found = sweep("grid", BASE, {"lr": [0.1, 0.2, 0.3], "cell": ["lstm", "gru", "rnn_tanh"]})
    said = verdict(*judged(found, runs(found), [[0.9, 0.9, 0.92], [0.91, 0.92, 0.9], *[[0.1, 0.1, 0.1]] * 7]))
    assert len(said) == 1
    assert (
        "does better than 7 others (at best 0.100 [0.100, 0.100]); no difference shown between it and LSTM" in said[0]
    )


@pytest.mark.parametrize("seeds", [1, 2])
def test_no_winner_with_fewer_than_three_seeds(runs, seeds):
    found = race(seeds)
    said = verdict(*judged(found, runs(found), [[0.1] * seeds, [0.5] * seeds, [1.0] * seeds]))
    assert said[0].startswith("No winner is named with fewer than 3 seeds of each; race again with more")
    assert "ahead" not in " ".join(said)


def test_no_winner_while_seeds_are_missing(runs):
    found = race()
    said = verdict(*judged(found, runs(found), [[0.1, 0.1], [0.5, 0.5, 0.5], [1.0, 1.0, 1.0]]))
    assert said[0] == "No winner is named with fewer than 3 seeds of each: 1 run of 9 to go."
    unfinished = verdict(*judged(found, runs(found, "running"), [[0.1] * 3, [0.5] * 3, [1.0] * 3]))
    assert unfinished == ["Nothing to judge yet: no run has finished."]


def test_lower_is_better_where_it_is(runs):
    found = Race.of("add", BASE | {"task": "adding"}, [{"cell": "lstm"}, {"cell": "gru"}])
    said = verdict(*judged(found, runs(found), [[0.2, 0.21, 0.19], [0.001, 0.002, 0.003]]))
    assert said[0].startswith("GRU is ahead: mean squared error 2.0e-03 [1.0e-03, 3.0e-03], next LSTM 0.200")
    assert said[1] == "Seeds solved: LSTM 0 of 3, GRU 3 of 3."


def test_a_diverged_run_counts_as_knowing_nothing(runs):
    found = race(cells=("lstm", "gru"))
    made = [replace(run, state="diverged") if run.contender == 0 else run for run in runs(found)]
    measure, table = judged(found, made, [[0.99] * 3, [0.5] * 3])
    assert table[0].score.mean == pytest.approx(1 / 8)
    assert (table[0].solved, table[0].diverged, table[0].seeds) == (0, 3, 3)
    assert "LSTM: 3 seeds diverged and count as knowing nothing." in verdict(measure, table)


def test_a_diverged_text_run_counts_with_the_characters_that_any_of_its_race_has_counted(runs):
    found = Race.of("texts", {"steps": 100}, [{"cell": "lstm"}, {"cell": "gru"}], 1)
    lost, other = runs(found, "diverged")
    assert math.isnan(outcome(lost, known_by(found, [lost, other]), {}).score)
    measure = known_by(found, [lost, replace(other, vocab_size=64)])
    assert outcome(lost, measure, {}).score == measure.chance == 6.0


def test_a_failed_run_counts_for_nothing(runs):
    found = race(cells=("lstm", "gru"))
    made = runs(found)
    made[0] = replace(made[0], state="failed")
    measure, table = judged(found, made, [[0.99] * 3, [0.5] * 3])
    assert (table[0].seeds, table[0].failed) == (2, 1)
    assert any("1 seed failed" in one for one in verdict(measure, table))


def test_when_it_was_solved(runs):
    found = race(cells=("lstm", "gru"))
    run = runs(found)[0]
    measure = measure_of(run.config)
    one = outcome(run, measure, series([0.1, 0.5, 0.96, 0.99]))
    assert (one.solved, one.solve_step, one.solve_seconds) == (True, 30, pytest.approx(3.0))
    assert one.seconds_per_step == pytest.approx(0.1)
    lost = outcome(run, measure, series([0.1, 0.99, 0.4]))
    assert (lost.solved, lost.score) == (False, 0.4)
    assert math.isnan(lost.solve_step)
    assert math.isnan(outcome(run, measure, {}).score)


def test_judged_by_longer_sequences(runs):
    found = race(judged_by="longer")
    measure = measure_of(found.configs[0], found.judged_by)
    assert measure.name == "accuracy, on longer sequences"
    assert outcome(runs(found)[0], measure, series([0.1, 0.8])).score == 0.4
    assert measure_of(RunConfig.of(task="digits"), "longer").name == "accuracy"  # which have one length


def test_text_is_judged_by_its_validation_loss_in_bits():
    measure = measure_of(RunConfig())
    assert (measure.name, measure.solved_at, measure.higher_is_better) == (
        "validation loss, bits per character", None, False,
    )  # fmt: skip
    assert measure.size == pytest.approx(math.log(2))


def test_parameters_operations_and_memory_are_those_of_each_contender(runs):
    found = Race.of("which", BASE | {"hidden_size": 32}, [{"cell": "lstm"}, {"cell": "gru"}], 1, match="parameters")
    _, table = judged(found, runs(found), [[0.1], [0.2]])
    assert abs(table[1].parameters - table[0].parameters) <= 0.02 * table[0].parameters
    lstm = table[0].config.model.hidden_size
    # 10 steps, 32 sequences; 9 numbers read, 8 answered; forward and twice that backward, multiply and add
    assert table[0].operations == 6 * 10 * 32 * (4 * lstm * (9 + lstm) + 8 * lstm)
