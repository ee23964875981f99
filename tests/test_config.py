"""Claims about RunConfig: one value for URL, form, command line and database."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rnncore.config import CELLS, LEAVES, TASKS, RunConfig, bounds, field_of
from rnncore.cost import check_memory, estimate, human_bytes
from rnncore.errors import ConfigError
from rnncore.presets import PRESETS

OF_TEXT = [cell for cell in CELLS if cell != "conv_lstm"]
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
valid = st.fixed_dictionaries(
    {},
    optional={
        "cell": st.sampled_from(OF_TEXT),
        "hidden_size": st.integers(1, 4096),
        "num_layers": st.integers(1, 4),
        "lr": st.floats(0, 100),
        "clip_norm": st.none() | st.floats(1e-3, 1e6),
        "dropout": st.floats(0, 0.99),
        "sequence_length": st.integers(1, 1000),
        "stateful": st.booleans(),
        "task": st.just("text"),
        "epsilon": st.floats(0, 1),
        "schedule": st.sampled_from(["constant", "linear", "exponential", "inverse_sigmoid"]),
        "name": st.text(max_size=80).filter(lambda s: s.strip().lower() not in ("off", "none", "null")),
        "seed": st.integers(0, 2**31 - 1),
    },
)


@given(valid)
def test_a_configuration_survives_json_and_the_address_bar(values):
    config = RunConfig.of(**values)
    assert RunConfig.from_json(config.to_json()) == config
    assert RunConfig.from_flat(config.to_flat()) == config
    assert RunConfig.from_flat(config.to_flat(all_fields=True)) == config


@given(st.dictionaries(st.sampled_from([*LEAVES, "hidden_sise", "", "kind"]), anything, max_size=6))
def test_any_values_give_a_configuration_or_sentences_that_name_the_field(values):
    try:
        RunConfig.of(**values)
    except ConfigError as error:
        assert error.problems
        for sentence in error.problems:
            assert any(leaf in sentence for leaf in values), sentence
            assert "got" in sentence


@given(st.recursive(anything, lambda inner: st.dictionaries(st.text(max_size=8), inner, max_size=4)))
def test_any_json_document_gives_a_configuration_or_a_config_error(document):
    try:
        RunConfig.from_json(json.dumps(document))
    except ConfigError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"clip_norm": -1.0}, "clip_norm must be > 0, got -1.0; use None to switch clipping off"),
        ({"num_layers": 9}, "num_layers must be <= 8, got 9; use a value between 1 and 8"),
        ({"hidden_size": "wide"}, "hidden_size must be a whole number, got 'wide'; use a value between 1 and 4,096"),
        ({"lr": math.nan}, "lr must be a finite number, got nan; use an ordinary number"),
        ({"hiden_size": 3}, "hiden_size is not a setting, got 3; did you mean hidden_size?"),
        (
            {"task": "chess"},
            "task must be one of 'text', 'sentences', 'henon', 'delayed_recall', 'adding', 'copy_memory', "
            "'temporal_order', 'parity', 'anbn', 'dyck', 'digits', 'sign_of_sum', 'image', 'captions', 'motion', "
            "'sentiment', 'frames', 'video', 'sound', 'both_ways', 'phonemes', got 'chess'",
        ),
        (
            {"task": "adding", "sequence_length": 50, "test_length": 20},
            "test_length must be >= sequence_length, got 20 and 50; use 50 to test on no longer ones",
        ),
        (
            {"task": "parity", "schedule": "constant", "epsilon": 0.5},
            "epsilon must be 1 for task 'parity', got ε 0.5; what it answers is never its next input: "
            "use schedule constant with epsilon 1",
        ),
        (
            {"task": "sentences", "corpus": "python-stdlib"},
            "corpus is not a setting of task 'sentences', got 'python-stdlib'; leave it out",
        ),
        (
            {"schedule": "exponential", "epsilon_k": 2},
            "epsilon_k must be strictly between 0 and 1 for the exponential schedule, got 2; leave it empty for 0.999",
        ),
        (
            {"schedule": "inverse_sigmoid", "epsilon_k": 0.5},
            "epsilon_k must be between 1 and 1,000,000 for the inverse sigmoid schedule, got 0.5; "
            "leave it empty for 300",
        ),
        (
            {"schedule": "linear", "epsilon_c": -0.1},
            "epsilon_c must be >= 0, got -0.1; use a value between 0 and 1",
        ),
        ({"stateful": "perhaps"}, "stateful must be true or false, got 'perhaps'; write true or false"),
        (
            {"cell": "rnn_tanh", "gate_bias": 1.0},
            "gate_bias needs a cell with gates, got cell 'rnn_tanh'; use one of lstm, peephole, coupled, "
            "layer_norm_lstm, gru, mgu, mingru, minlstm, slstm, conv_lstm, or set gate_bias to 'default'",
        ),
        (
            {"cell": "lru", "recurrent": "orthogonal"},
            "recurrent needs a cell with a free recurrent matrix, got cell 'lru'; set recurrent to 'default', or use "
            "one of rnn_tanh, rnn_relu, irnn, lstm, peephole, coupled, layer_norm_lstm, gru, mgu, slstm",
        ),
    ],
)  # fmt: skip
def test_a_refusal_names_the_parameter_the_value_and_the_remedy(values, sentence):
    with pytest.raises(ConfigError) as caught:
        RunConfig.of(**values)
    assert caught.value.problems == (sentence,)


def test_text_that_is_not_a_configuration_is_refused_in_a_sentence():
    for text in ("", "{", "[]", "3", b"\xff\xfe", '{"model": 3}'):
        with pytest.raises(ConfigError):
            RunConfig.from_json(text)


@pytest.mark.parametrize("task", TASKS)
def test_a_stored_run_is_read_although_some_of_its_settings_are_no_more(task):
    config = RunConfig.of(task=task, name="old", seed=3)
    document = json.loads(config.to_json())
    document["attention"] = {"kind": "dot", "heads": 2}
    for section in ("task", "model", "training"):
        document[section]["attention"] = False
    with pytest.raises(ConfigError, match="attention is not a setting"):
        RunConfig.from_json(json.dumps(document))
    assert RunConfig.from_store(json.dumps(document)) == config


def test_a_configuration_cannot_be_changed_in_place():
    with pytest.raises(ValidationError):
        RunConfig().seed = 2  # type: ignore[misc]


def test_leaf_names_are_unique_over_all_sections():
    for kind in TASKS:
        task = type(RunConfig.of(task=kind).task)
        sections = [task, *(type(getattr(RunConfig(), name)) for name in RunConfig.SECTIONS if name != "task")]
        names = [leaf for section in sections for leaf in section.model_fields if leaf != "kind"]
        assert len(names) == len(set(names))
        assert {"task", "name", "seed", *names} == set(RunConfig.of(task=kind).leaves)


def test_every_number_has_both_bounds_and_every_field_a_description():
    for kind in TASKS:
        config = RunConfig.of(task=kind)
        for leaf in config.leaves:
            assert field_of(leaf).description
            if isinstance(config[leaf], int | float) and not isinstance(config[leaf], bool):
                assert None not in bounds(leaf), leaf


def test_every_preset_is_a_configuration_with_a_story():
    assert len({one.key for one in PRESETS}) == len(PRESETS) >= 5
    for one in PRESETS:
        assert one.story
        assert one.config == RunConfig.from_flat(one.config.to_flat())


@pytest.mark.parametrize("cell", OF_TEXT)
@pytest.mark.parametrize("layers", [1, 3])
def test_the_estimated_parameter_count_is_the_models(cell, layers):
    import torch

    from rnncore.models import SequenceModel

    config = RunConfig.of(cell=cell, num_layers=layers, hidden_size=24, embedding_size=10)
    model = SequenceModel(config.model, 37, 16, torch.Generator())
    assert estimate(config, 37).parameters == sum(p.numel() for p in model.parameters())


def test_a_model_too_large_for_the_memory_is_refused_with_both_figures():
    huge = RunConfig.of(hidden_size=4096, num_layers=4, batch_size=1024, sequence_length=1000)
    with pytest.raises(ConfigError, match=r"needs about [\d.,]+ [GT]B of memory, got .* free .*lower hidden_size"):
        check_memory(huge)
    check_memory(RunConfig())


def test_bytes_read_as_a_person_writes_them():
    assert [human_bytes(n) for n in (12, 1.5e6, 2.04e9, 3e12)] == ["12 B", "1.5 MB", "2.04 GB", "3.0 TB"]
