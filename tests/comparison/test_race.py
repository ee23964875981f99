"""Races: equal conditions, matched sizes, refusals in sentences."""

from __future__ import annotations

import json

import pytest

from rnncore.comparison import MOST_CONTENDERS, RACES, TOLERANCE, Race, match_parameters, sweep
from rnncore.config import RunConfig
from rnncore.cost import estimate
from rnncore.errors import ConfigError

BASE = {"task": "delayed_recall", "sequence_length": 12, "test_length": 12, "hidden_size": 16, "steps": 20}


def race(contenders=({"cell": "lstm"}, {"cell": "gru"}), **options):
    return Race.of("which", BASE, contenders, **options)


def test_all_contenders_are_asked_the_same_but_for_what_they_change():
    found = race(seeds=[4, 9])
    assert [(place, config.seed, config.model.cell) for place, config in found.runs()] == [
        (0, 4, "lstm"), (1, 4, "gru"), (0, 9, "lstm"), (1, 9, "gru"),
    ]  # fmt: skip
    for _, config in found.runs():
        assert config.changed(cell="lstm", seed=1, name="") == RunConfig.of(**BASE, cell="lstm")


def test_a_race_survives_being_written():
    found = race(match="parameters", judged_by="longer")
    assert Race.from_json(found.to_json()) == found
    assert list(Race.from_json(found.to_json()).runs()) == list(found.runs())


@pytest.mark.parametrize("task", ["text", "delayed_recall", "digits", "adding"])
@pytest.mark.parametrize("lead", ["rnn_tanh", "lstm"])
@pytest.mark.parametrize("hidden", [32, 64, 128])
def test_matched_sizes_have_as_many_parameters_within_two_percent(task, lead, hidden):
    cells = [lead, *(cell for cell in ("rnn_tanh", "lstm", "gru") if cell != lead)]
    configs = [RunConfig.of(task=task, cell=cell, hidden_size=hidden) for cell in cells]
    if hidden > 100:
        configs.append(RunConfig.of(task=task, cell="gru", num_layers=3))
    found = match_parameters(configs, 80)
    counts = [estimate(config, 80).parameters for config in found]
    assert all(abs(count - counts[0]) <= TOLERANCE * counts[0] for count in counts)
    assert abs(found[0].model.hidden_size - hidden) <= hidden // 2
    for config, count in zip(found, counts, strict=True):
        for other in (config.model.hidden_size - 1, config.model.hidden_size + 1):
            beside = estimate(config.changed(hidden_size=other), 80).parameters
            assert abs(beside - counts[0]) >= abs(count - counts[0])


def test_equal_networks_keep_their_size():
    configs = [RunConfig.of(cell="lstm", hidden_size=37, gate_bias=bias) for bias in ("default", "chrono")]
    assert match_parameters(configs) == tuple(configs)


def test_in_a_matched_race_the_first_contender_sets_the_size():
    one, two = race(match="parameters").configs
    assert abs(one.model.hidden_size - 16) <= 4
    assert two.model.hidden_size > one.model.hidden_size
    assert [config.model.hidden_size for config in race().configs] == [16, 16]


def test_a_count_that_cannot_be_matched_is_refused_with_the_nearest():
    sentence = r"within 2% of the first contender's .*, got at best GRU .* with hidden_size 1; choose a larger"
    with pytest.raises(ConfigError, match=sentence):
        Race.of("tiny", {"hidden_size": 1, "embedding_size": 16},
                [{"cell": "lstm"}, {"cell": "gru", "embedding_size": 512}], match="parameters")  # fmt: skip


def test_labels_say_what_differs():
    def labels(*contenders):
        return [one.label for one in race(contenders).contenders]

    assert labels({"cell": "rnn_tanh"}, {"cell": "lstm", "gate_bias": "chrono"}) == ["RNN", "LSTM · chrono bias"]
    assert labels({"lr": 0.1}, {"lr": 0.01}) == ["lr 0.1", "lr 0.01"]
    assert labels({"cell": "lstm"}, {"gate_bias": 1.0, "num_layers": 2}) == ["LSTM", "forget 1.0 bias · 2 layers"]
    assert labels({"lr": 0.1, "label": "mine"}, {"lr": 0.2}) == ["mine", "lr 0.2"]


@pytest.mark.parametrize(
    ("contenders", "options", "sentence"),
    [
        ([{"cell": "lstm"}], {}, "contenders must be 2 to 6, got 1; add one to race against"),
        ([{"lr": n} for n in range(1, 8)], {}, f"contenders must be 2 to {MOST_CONTENDERS}, got 7; take some out"),
        ([{"cell": "lstm"}, {"cell": "lstm"}], {}, "contenders must differ from each other"),
        ([{"cell": "lstm"}, {"task": "adding"}], {}, "task must be the same for all contenders"),
        ([{"cell": "lstm"}, {"cel": "gru"}], {}, "cel is not a setting; did you mean cell"),
        ([{"cell": "lstm"}, {"cell": "qru"}], {}, "contender 2: cell must be one of"),
        ([{"cell": "lstm"}, {"cell": "rnn_tanh", "gate_bias": "chrono"}], {}, "gate_bias needs a cell with gates"),
        ([{"cell": "lstm"}, {"epsilon": "0.5"}], {}, "epsilon must be 1 for task 'delayed_recall'"),
        ([{"cell": "lstm"}, {"n_max": "5"}], {}, "n_max is not a setting of task 'delayed_recall'"),
        ([{"cell": "lstm"}, {"cell": "gru"}], {"seeds": 0}, "seeds must be 1 to 50 different numbers, got 0"),
        ([{"cell": "lstm"}, {"cell": "gru"}], {"seeds": [1, 1]}, "different numbers"),
    ],
)
def test_what_cannot_race_is_refused_in_a_sentence(contenders, options, sentence):
    with pytest.raises(ConfigError) as refused:
        race(contenders, **options)
    assert sentence in str(refused.value)


def test_a_sweep_is_every_combination():
    found = sweep("grid", BASE, {"lr": [0.1, 0.01], "cell": ["lstm", "gru", "rnn_tanh"]}, seeds=2)
    assert [(config.training.lr, config.model.cell) for config in found.configs] == [
        (lr, cell) for lr in (0.1, 0.01) for cell in ("lstm", "gru", "rnn_tanh")
    ]
    assert len(list(found.runs())) == 12
    assert found.axes == {"lr": ("0.1", "0.01"), "cell": ("lstm", "gru", "rnn_tanh")}
    assert Race.from_json(found.to_json()) == found


def test_a_grid_of_a_million_runs_is_refused_before_it_is_made():
    with pytest.raises(ConfigError, match=r"at most 1,000 runs, got 3,000,000 \(1,000 x 1,000 values, times the seeds"):
        sweep("huge", BASE, {"lr": range(1000), "hidden_size": range(1000)})


def test_an_empty_list_is_refused():
    with pytest.raises(ConfigError, match="lr must have at least one value, got none"):
        sweep("none", BASE, {"lr": []})


@pytest.mark.parametrize("preset", RACES, ids=lambda one: one.key)
def test_presets_are_races_of_three_seeds(preset):
    assert len(preset.race.seeds) == 3
    assert len(preset.race.configs) >= 2
    assert all(config.training.clip_norm == 1 for config in preset.race.configs)


def test_new_seeds_are_new():
    found = race(seeds=[1, 5, 7])
    again = found.with_seeds(found.new_seeds)
    assert again.seeds == (8, 9, 10)
    assert again.contenders == found.contenders


def test_a_stored_race_is_read_although_some_of_its_settings_are_no_more():
    found = race()
    document = json.loads(found.to_json())
    document["base"]["attention"] = "true"
    document["contenders"][0]["changes"]["attention"] = "false"
    document["flag"] = 3
    with pytest.raises(ConfigError):
        Race.from_json(json.dumps(document))
    assert Race.from_store(json.dumps(document)) == found


@pytest.mark.parametrize("text", ["{", "[]", '{"contenders": []}', '{"contenders": 7}', "\ud800"])
def test_what_is_no_race_is_refused(text):
    with pytest.raises(ConfigError):
        Race.from_json(text)
